"""Files as Centrifugo reads them: three formats, names in any case or with dots; anything else is one clear line."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cadenza.errors import ConfigurationError
from cadenza.gateway.centrifugo import read_file
from cadenza.gateway.centrifugo.effective import Options
from cadenza.gateway.centrifugo.reading import effective

SAME = {"client": {"insecure": True, "allowed_origins": ["https://a.example"]}, "broker": {"type": "memory"}}


@pytest.mark.parametrize(
    ("name", "content"),
    [
        (
            "c.json",
            '{"client": {"insecure": true, "allowed_origins": ["https://a.example"]}, "broker": {"type": "memory"}}',
        ),
        ("c.json", '{"Client": {"INSECURE": true, "allowed_origins": ["https://a.example"]}, "broker.type": "memory"}'),
        ("c.yaml", 'client:\n  insecure: true\n  allowed_origins: ["https://a.example"]\nbroker:\n  type: memory\n'),
        ("c.yml", "client: {insecure: true, allowed_origins: [https://a.example]}\nbroker.type: memory\n"),
        ("c.toml", '[client]\ninsecure = true\nallowed_origins = ["https://a.example"]\n[broker]\ntype = "memory"\n'),
    ],
)  # fmt: skip
def test_every_format_reads_the_same(tmp_path: Path, name: str, content: str) -> None:
    file = tmp_path / name
    file.write_text(content)
    assert read_file(file) == SAME


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("c.json", b"{", "is not JSON"),
        ("c.json", b"[1]", "holds no options"),
        ("c.json", b'{"a": "\xff"}', "is not JSON"),
        ("c.json", b'{"a":' * 100_000, "is not JSON"),
        ("c.yaml", b"a: [", "is not YAML"),
        ("c.yaml", b"!!python/object/apply:os.system [id]", "is not YAML"),
        ("c.yaml", b"", "holds no options"),
        ("c.toml", b"a = ", "is not TOML"),
        ("c.toml", b"a = '\xff'", "is not TOML"),
        ("c.ini", b"[a]", "no format"),
        ("c.json", b" " * 5_000_000, "too long"),
    ],
)
def test_what_cannot_be_read_is_one_line_without_its_content(
    tmp_path: Path, name: str, content: bytes, says: str
) -> None:
    file = tmp_path / name
    file.write_bytes(content)
    with pytest.raises(ConfigurationError, match=says) as refused:
        read_file(file)
    assert "os.system" not in str(refused.value)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"nowhere\.json cannot be read: No such file"):
        read_file(tmp_path / "nowhere.json")


@pytest.mark.parametrize(
    ("value", "seconds"),
    [("4s", 4.0), ("1m30s", 90.0), ("300ms", 0.3), ("1.5h", 5400.0), (4_000_000_000, 4.0), ("", None), ("4", None),
     ("fast", None), ("4 s", None), (True, None), (["4s"], None), ("2us", 2e-6)],
)  # fmt: skip
def test_times_are_read_as_go_writes_them(value: object, seconds: float | None) -> None:
    assert Options({"timeout": value}).seconds("timeout") == pytest.approx(seconds)  # type: ignore[dict-item]  # anything


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["client", "token", "channel", "namespaces", "name", "proxy", "x.y", ""]), inner, max_size=4
        )
    ),
    max_leaves=12,
)


@given(st.dictionaries(st.sampled_from(["client", "channel", "proxies", "rpc", "http_api", "Client.Token"]), _JSON))
def test_nothing_that_stands_in_a_file_makes_the_check_fail(made: dict[str, object]) -> None:
    from cadenza.gateway.centrifugo import CentrifugoConfig, Wanted, check
    from cadenza.gateway.centrifugo.reading import _settled
    from cadenza.stack.channels import NAMESPACES

    config = CentrifugoConfig(issuer="i", audience="a", backend_url="http://b", namespaces=NAMESPACES)
    document = _settled(made)
    assert check(document, Wanted(config=config, known=True), {"CENTRIFUGO_CLIENT_INSECURE": "true"})
    assert effective(document, {}).text("client.token.issuer") is not None
