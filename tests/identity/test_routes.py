"""A path finds its methods, and what stands where its pattern has braces."""

from __future__ import annotations

import pytest

from cadenza.identity.routes import Routes

ROUTES = Routes(
    {
        "/user": {"GET": "user"},
        "/admin/users/{user_id}": {"GET": "one user"},
        "/factors/{factor_id}/verify": {"POST": "verify"},
    }
)


@pytest.mark.parametrize(
    ("path", "methods", "values"),
    [
        ("/user", {"GET": "user"}, {}),
        ("/admin/users/7", {"GET": "one user"}, {"user_id": "7"}),
        ("/factors/a.b/verify", {"POST": "verify"}, {"factor_id": "a.b"}),
    ],
)
def test_a_path_in_the_table_is_found(path: str, methods: dict[str, str], values: dict[str, str]) -> None:
    found = ROUTES.find(path)

    assert found is not None
    assert found.methods == methods
    assert found.values == values


@pytest.mark.parametrize("path", ["", "/", "/users", "/admin/users/", "/admin/users/7/8", "/factors//verify", "/user/"])
def test_any_other_path_is_not(path: str) -> None:
    assert ROUTES.find(path) is None
