"""A keyring in memory, for the tests of what uses one."""

from __future__ import annotations

import pytest


class FakeKeyring:
    """Stands for the system's keyring: entries in a dictionary, and faults that a test lines up."""

    def __init__(self) -> None:
        self.entries: dict[tuple[str, str], str] = {}
        self.fault: Exception | None = None
        self.forgets = False

    def get_password(self, service_name: str, username: str) -> str | None:
        self._fail()
        return self.entries.get((service_name, username))

    def set_password(self, service_name: str, username: str, password: str) -> None:
        self._fail()
        if not self.forgets:
            self.entries[service_name, username] = password

    def delete_password(self, service_name: str, username: str) -> None:
        self._fail()
        del self.entries[service_name, username]

    def _fail(self) -> None:
        if self.fault is not None:
            raise self.fault


@pytest.fixture
def keyring() -> FakeKeyring:
    return FakeKeyring()
