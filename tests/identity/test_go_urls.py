"""Addresses are read as Go reads them: each of these was given to ``net/url`` of Go 1.26, and this is what it said."""

from __future__ import annotations

import pytest

from cadenza.identity import go_urls


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("https://a.b/cb?x=%zz#f", ("https", "a.b", "f")),
        ("HTTP://[::1]:80/", ("http", "[::1]:80", "")),
        ("http://[fe80::1%25en0]/", ("http", "[fe80::1%25en0]", "")),
        ("myapp://callback", ("myapp", "callback", "")),
        ("mongodb://a:1,b:2", ("mongodb", "a:1,b:2", "")),
        ("https://user:p@ss@a.b", ("https", "a.b", "")),
        ("mailto:x", ("mailto", "", "")),
        ("data:%zz", ("data", "", "")),
        ("/a:b", ("", "", "")),
        ("", ("", "", "")),
        ("https://", ("https", "", "")),
        ("https://a.b\\c", None),
        ("https://a.b:x", None),
        ("https://a:1:2", None),
        ("https://a b", None),
        ("https://%41.b", None),
        ("https://a/%zz", None),
        ("https://us er@a", None),
        ("https://[127.0.0.1]", None),
        ("https://[::1", None),
        ("https://a[::1]", None),
        ("https://a/\n", None),
        ("https://a#%zz", None),
        ("a:b/c d:", ("a", "", "")),
        ("1a:b", None),
        (":a", None),
    ],
)
def test_an_address_is_read_as_go_reads_it(text: str, parts: tuple[str, str, str] | None) -> None:
    read = go_urls.parse(text)
    assert (read and tuple(read)) == parts


@pytest.mark.parametrize(
    ("text", "is_one"),
    [
        ("https://a.b", True),
        ("/a", True),
        ("///a b", True),
        ("*", True),
        ("mailto:x", True),
        ("https://a.b/#%zz", False),
        ("a.b", False),
        ("", False),
        ("/%zz", False),
        ("/a?%zz", True),
        ("/\t", False),
    ],
)
def test_a_request_uri_is_one_where_go_says_so(text: str, *, is_one: bool) -> None:
    assert go_urls.is_request_uri(text) is is_one


@pytest.mark.parametrize(
    ("text", "name"), [("http://a.b:80", "a.b"), ("http://[::1]:80/x", "::1"), ("http://localhost", "localhost")]
)
def test_the_hosts_name_has_no_port(text: str, name: str) -> None:
    read = go_urls.parse(text)
    assert read is not None
    assert read.host_name == name
