"""A client's address is believed only as far as the listed proxies vouch for it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cadenza.backend.address import AddressReader, counted_as

LISTED = ("127.0.0.1", "10.0.0.0/8", "::1")


@pytest.mark.parametrize(
    ("peer", "forwarded", "address"),
    [
        ("127.0.0.1", "203.0.113.9", "203.0.113.9"),
        ("127.0.0.1", "198.51.100.66, 203.0.113.9", "203.0.113.9"),
        ("127.0.0.1", "198.51.100.66, 203.0.113.9, 10.1.2.3", "203.0.113.9"),
        ("::1", "2001:db8::7", "2001:db8::7"),
        ("::ffff:127.0.0.1", "::ffff:203.0.113.9", "203.0.113.9"),
        ("127.0.0.1", "10.1.2.3", ""),
        ("127.0.0.1", "", ""),
        ("127.0.0.1", "nonsense", ""),
        ("127.0.0.1", "203.0.113.9, nonsense", ""),
        ("127.0.0.1", "203.0.113.9,", ""),
        ("203.0.113.1", "198.51.100.66", ""),
        ("", "198.51.100.66", ""),
        ("not an address", "198.51.100.66", ""),
    ],
)
def test_the_rightmost_hop_that_is_not_listed_is_the_client(peer: str, forwarded: str, address: str) -> None:
    assert AddressReader(LISTED).read(peer, forwarded_for=forwarded) == address


def test_with_no_listed_proxy_nobody_is_believed() -> None:
    assert AddressReader(()).read("127.0.0.1", forwarded_for="203.0.113.9", real_ip="203.0.113.9") == ""


def test_real_ip_is_read_only_when_nothing_was_forwarded() -> None:
    reader = AddressReader(LISTED)
    assert reader.read("127.0.0.1", real_ip="203.0.113.9") == "203.0.113.9"
    assert reader.read("127.0.0.1", forwarded_for="203.0.113.1", real_ip="203.0.113.9") == "203.0.113.1"


@given(peer=st.text(max_size=20), forwarded=st.text(max_size=60), real=st.text(max_size=30))
def test_no_header_can_make_it_fail(peer: str, forwarded: str, real: str) -> None:
    AddressReader(LISTED).read(peer, forwarded_for=forwarded, real_ip=real)


@given(forged=st.lists(st.ip_addresses().map(str) | st.text(alphabet="0123456789., x", max_size=12), max_size=4))
def test_what_a_client_writes_itself_never_counts(forged: list[str]) -> None:
    header = ",".join([*forged, "203.0.113.9"])
    assert AddressReader(LISTED).read("10.9.9.9", forwarded_for=header) == "203.0.113.9"


@pytest.mark.parametrize(
    ("address", "counted"),
    [
        ("203.0.113.9", "203.0.113.9"),
        ("", ""),
        ("nonsense", "nonsense"),
        ("2001:db8:0:1:ffff::9", "2001:db8:0:1::/64"),
        ("2001:0DB8:0:1::", "2001:db8:0:1::/64"),
        ("::ffff:203.0.113.9", "::ffff:203.0.113.9"),
        ("fe80::1%eth0", "fe80::/64"),
    ],
)
def test_limits_count_a_network_of_ipv6_as_one(address: str, counted: str) -> None:
    assert counted_as(address) == counted
