"""Where a browser may be sent: as Supabase Auth decides, and never to a stranger.

The first table is that of Supabase Auth's own test of ``IsRedirectURLValid``.
"""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from cadenza.errors import ConfigurationError
from cadenza.identity.redirects import Redirects
from cadenza.protocol.auth.endpoints import LOOPBACK_REDIRECTS

SITE = "https://example.com"
THEIR_LIST = ("http://localhost:8000/*", "http://*.localhost:8000/*", "http://*:12345/*", "http://**:12345/*")


@pytest.mark.parametrize(
    ("url", "allowed"),
    [
        ("http://localhost:8000/path", True),
        ("http://localhost:3000", False),
        ("http://localhost:8000", False),
        ("http://localhost:8000/path/to/page", False),
        ("http://localhost:8000/path?param=1", True),
        ("http://123?.localhost:8000/path", False),
        ("http://123.123.123.123?localhost:8000/path", False),
        ("http://[65e7:9410:d8b6:e227:58cd:e55b:8fc0:206d]?localhost:8000/path", False),
        ("http://65e7:9410:d8b6:e227:58cd:e55b:8fc0:206d?localhost:8000/path", False),
        ("http://127.0.0.1:12345/path", True),
        ("http://[0:0:0:0:0:0:0:1]:12345/path", True),
        ("https://example.com/dashboard", True),
        ("http://example.com/dashboard", False),
        ("https://example.com:8443/dashboard", False),
    ],
)
def test_an_address_is_judged_as_supabase_auth_judges_it(url: str, allowed: bool) -> None:  # noqa: FBT001 - a table's column
    assert Redirects(SITE, THEIR_LIST).choose(url) == (url if allowed else SITE)


@pytest.mark.parametrize(
    ("site", "url", "allowed"),
    [
        ("https://example.com:9000", "https://example.com:9000/path", True),
        ("https://example.com:9000", "https://example.com/path", False),
        ("https://example.com:9000", "https://example.com:9001/path", False),
        ("http://localhost:3000", "http://localhost:8080/callback", True),
        ("http://127.0.0.1:3000", "http://127.0.0.1:8080/callback", True),
        ("http://localhost:3000", "http://localhost/callback", True),
        ("https://localhost:3000", "http://localhost:3000/callback", False),
        ("com.example.app://", "com.example.app://", True),
    ],
)
def test_the_site_itself_is_allowed_and_on_loopback_with_any_port(site: str, url: str, allowed: bool) -> None:  # noqa: FBT001 - a table's column
    assert Redirects(site, ()).allows(url) is allowed


@pytest.mark.parametrize(
    ("pattern", "url", "allowed"),
    [
        ("https://*.vercel.app/**", "https://preview.vercel.app/any/where?x=1", True),
        ("https://*.vercel.app/**", "https://evil.com/x.vercel.app/", False),
        ("https://*.vercel.app/**", "https://evil.com?.vercel.app/", False),
        ("https://*.vercel.app/**", "https://a.b.vercel.app/", False),
        ("https://**.vercel.app/**", "https://a.b.vercel.app/", True),
        ("https://**.vercel.app/**", "https://evil.com/a.vercel.app/", False),
        ("https://site.test/app/*", "https://site.test/app/one", True),
        ("https://site.test/app/*", "https://site.test/app/one/two", False),
        ("https://site.test/app/*", "https://site.test/app/one#there", True),
        ("https://site.test/a?c", "https://site.test/abc", True),
        ("https://site.test/a?c", "https://site.test/a/c", False),
        ("https://site.test/[a-c]", "https://site.test/b", True),
        ("https://site.test/[!a-c]", "https://site.test/b", False),
        ("https://one[.-9].site.test/", "https://one2.site.test/", True),
        ("https://one[.-9].site.test/", "https://one/.site.test/", False),
        ("https://one[#-z].site.test/", "https://one?.site.test/", False),
        ("https://site.test/one[.-9]two", "https://site.test/one/two", True),
        ("https://{one,two}.test/", "https://two.test/", True),
        ("https://{one,two}.test/", "https://three.test/", False),
        (r"https://site.test/\*", "https://site.test/*", True),
        (r"https://site.test/\*", "https://site.test/x", False),
        ("https://**", "https://any.test/where", True),
        ("**", "https://any.test/where", False),
        ("com.example.app://*", "com.example.app://signed-in", True),
        ("com.example.app:/callback", "com.example.app:/callback", True),
    ],
)
def test_patterns_mean_what_they_mean_in_supabase_auth(pattern: str, url: str, allowed: bool) -> None:  # noqa: FBT001 - a table's column
    assert Redirects(SITE, (pattern,)).allows(url) is allowed


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:x@evil.test/callback",
        "http://127.0.0.1:80@evil.test/callback",
        "http://127.0.0.1:1234@evil.test:1/callback",
        "http://127.0.0.1:/@evil.test\\callback",
        "http://user@127.0.0.1:1234/callback",
        "http://127.0.0.1:1\t@evil.test/callback",
        "http://127.0.0.1.evil.test:1234/callback",
    ],
)
def test_g1_a_wildcard_for_a_port_admits_no_other_host(url: str) -> None:
    assert Redirects(SITE, ("http://127.0.0.1:*/callback",)).choose(url) == SITE


@pytest.mark.parametrize(
    "url",
    [
        "",
        "/relative",
        "//evil.test/",
        "https:/evil.test/",
        "https:///evil.test/",
        "https://evil.test\\@example.com/",
        "https://example.com\r\nSet-Cookie: x",
        "https://example.com/\x00",
        "https://user:secret@example.com/",
        "https://2130706433/",
        "https://0x08080808/",
        "https://8.8.8.8/",
        "https://8.8.2056/",
        "https://[::ffff:8.8.8.8]/",
        "https://example.com:port/",
        "javascript://example.com/%0aalert(1)",
        "data:text/html,x",
        "https://" + "a" * 5000,
    ],
)
def test_what_parsers_may_disagree_on_is_refused_even_by_a_list_that_allows_all(url: str) -> None:
    assert not Redirects(SITE, ("https://**", "**", "javascript://**", "data:*")).allows(url)


def test_the_fixed_loopback_ports_are_allowed_by_the_list_they_stand_in() -> None:
    redirects = Redirects(SITE, LOOPBACK_REDIRECTS)

    assert all(redirects.allows(url) for url in LOOPBACK_REDIRECTS)


def test_the_referer_counts_where_nothing_allowed_was_asked_for() -> None:
    redirects = Redirects(SITE, ("https://app.test/*",))

    assert redirects.choose("https://evil.test/", "https://app.test/page") == "https://app.test/page"
    assert redirects.choose("", "https://evil.test/") == SITE


@pytest.mark.parametrize("pattern", ["https://[a", "https://{a,b", "https://a\\", "https://[z-a].test"])
def test_a_pattern_that_cannot_be_read_is_a_clear_error(pattern: str) -> None:
    with pytest.raises(ConfigurationError, match="uri_allow_list"):
        Redirects(SITE, (pattern,))


def test_a_site_that_is_no_url_is_a_clear_error() -> None:
    with pytest.raises(ConfigurationError, match="site_url"):
        Redirects("example.com", ())


WORDS = (
    ("http", "https", ":", "//", "/", "\\", "@", "?", "#", "127.0.0.1", "[::1]", "localhost", "evil.test", "app.test"),
    ("a.", ".", "*", "x", "1", ":80", "%2f", "%40", "%5c", "0x7f", "javascript", "\t", "\n", " ", "\u3002", "\uff0f"),
)
PIECES = st.sampled_from([word for words in WORDS for word in words])
URLS = st.lists(PIECES, max_size=10).map("".join) | st.text(max_size=40).map("http://app.test".__add__)


@given(URLS)
@example("http://app.test@evil.test/")
def test_no_address_leads_a_browser_to_a_host_that_is_not_allowed(url: str) -> None:
    patterns = ("http://*.app.test:*/**", "https://app.test/**", "http://127.0.0.1:*/callback", "https://app.test/?")
    if Redirects("https://app.test", patterns).allows(url):
        host = host_for_a_browser(url)
        assert host in {"127.0.0.1", "[::1]", "app.test"} or host.endswith(".app.test")


def host_for_a_browser(url: str) -> str:
    """The host as WHATWG's URL parser finds it, in the way that is worst for us."""
    kept = "".join(char for char in url.strip("".join(map(chr, range(33)))) if char not in "\t\n\r").replace("\\", "/")
    after_scheme = kept.partition(":")[2].lstrip("/")
    for end in "/?#":
        after_scheme = after_scheme.partition(end)[0]
    host = after_scheme.rpartition("@")[2]
    return host if host.endswith("]") else host.rpartition(":")[0] or host
