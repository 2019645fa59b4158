"""The head's reader: heads as browsers and SDKs write them are read, everything else is refused and nothing raises."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from cadenza.gateway.front import Refusal, RequestHead, client_address, parse_head, read_upgrade
from cadenza.gateway.hosts import HostRule, OriginPatterns, host_name

TOKENS = st.text("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-0123456789", min_size=1, max_size=20)
VALUES = st.text(st.characters(min_codepoint=33, max_codepoint=126), max_size=40)


@given(st.binary(max_size=400))
@example(b"GET / HTTP/1.1")
@example(b"GET /?a=b HTTP/1.1\r\nHost: \xff")
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    refused: int | None = None
    try:
        head = parse_head(data)
        read_upgrade(head)
    except Refusal as refusal:
        refused = refusal.status
    assert refused in {None, 400, 405, 431}


@given(st.dictionaries(TOKENS.map(str.lower), VALUES, max_size=10))
def test_headers_are_read_as_written(headers: dict[str, str]) -> None:
    text = "GET /a?b=c HTTP/1.1" + "".join(f"\r\n{name.title()}:  {value} " for name, value in headers.items())
    assert parse_head(text.encode()) == RequestHead(method="GET", path="/a", query="b=c", headers=headers)


def test_headers_beyond_ascii_are_read_and_control_characters_refused() -> None:
    assert parse_head("GET / HTTP/1.1\r\nX: À".encode()).headers == {"x": "À".encode().decode("latin-1")}
    for control in (b"\x00", b"\x0b", b"\x7f", b"\n"):
        with pytest.raises(Refusal):
            parse_head(b"GET / HTTP/1.1\r\nX: a%bb" % control)


def test_repeated_headers_are_joined_but_host_may_not_repeat() -> None:
    assert parse_head(b"GET / HTTP/1.1\r\nX: a\r\nx: b").headers == {"x": "a, b"}
    with pytest.raises(Refusal):
        parse_head(b"GET / HTTP/1.1\r\nHost: a\r\nhost: b")


@pytest.mark.parametrize(
    ("peer", "forwarded", "trusted", "address"),
    [
        ("203.0.113.9", "198.51.100.1", (), "203.0.113.9"),
        ("10.0.0.1", "198.51.100.1", ("10.0.0.1",), "198.51.100.1"),
        ("10.0.0.1", "6.6.6.6, 198.51.100.1", ("10.0.0.1",), "198.51.100.1"),
        ("10.0.0.1", "198.51.100.1, 10.0.0.2", ("10.0.0.1", "10.0.0.2"), "198.51.100.1"),
        ("10.0.0.1", "", ("10.0.0.1",), "10.0.0.1"),
        ("10.0.0.1", "<script>", ("10.0.0.1",), "10.0.0.1"),
        ("10.0.0.1", "2001:db8::1", ("10.0.0.1",), "2001:db8::1"),
    ],
)
def test_forwarded_address_is_believed_only_from_listed_proxies(
    peer: str, forwarded: str, trusted: tuple[str, ...], address: str
) -> None:
    assert client_address(peer, forwarded, trusted) == address


@pytest.mark.parametrize(
    ("header", "name"),
    [
        ("Localhost:8000", "localhost"),
        ("[::1]:8000", "::1"),
        ("example.com.", "example.com"),
        ("127.0.0.1", "127.0.0.1"),
        ("", ""),
    ],
)
def test_host_name_is_taken_without_port(header: str, name: str) -> None:
    assert host_name(header) == name


@pytest.mark.parametrize(
    ("host", "reached", "allowed"),
    [
        ("localhost", "127.0.0.1", True),
        ("cadenza.localhost:8000", "127.0.0.1", True),
        ("127.0.0.2", "127.0.0.1", True),
        ("192.0.2.5", "192.0.2.5", True),
        ("[fe80::1]", "fe80::1%eth0", True),
        ("192.0.2.6", "192.0.2.5", False),
        ("rebound.example", "127.0.0.1", False),
        ("gw.example", "192.0.2.5", True),
        ("GW.EXAMPLE:443", "192.0.2.5", True),
    ],
)
def test_host_is_the_bound_address_loopback_or_configured(host: str, reached: str, *, allowed: bool) -> None:
    assert HostRule(["gw.example"]).allows(host, lambda: reached) is allowed


@pytest.mark.parametrize(
    ("origin", "allowed"),
    [
        (None, True),
        ("", True),
        ("http://good.example", True),
        ("HTTP://GOOD.example", True),
        ("https://a.many.example", True),
        ("http://good.example.evil", False),
        ("https://many.example", False),
        ("null", False),
    ],
)
def test_origin_must_fit_a_pattern_if_there_is_one(origin: str | None, *, allowed: bool) -> None:
    assert OriginPatterns(["http://good.example", "https://*.many.example"]).allow(origin) is allowed


def test_no_browser_page_may_connect_where_nothing_is_configured() -> None:
    assert OriginPatterns([]).allow("http://localhost:3000") is False
