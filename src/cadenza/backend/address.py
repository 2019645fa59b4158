"""Whose address a proxied call came from, believing only the proxies that are listed.

Above: ``app``. Below: nothing. Each proxy appends whom it heard from to ``X-Forwarded-For``, so it is read from the
right, past the listed ones; what stands further left anyone could have written.
"""

from collections.abc import Iterable
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

Network = IPv4Network | IPv6Network
Address = IPv4Address | IPv6Address

#: Of the 128. RFC 6177: nobody is given less than this many to choose from.
_IPV6_HOST_BITS = 64


class AddressReader:
    """Reads addresses behind ``trusted`` networks."""

    def __init__(self, trusted: Iterable[str]) -> None:
        self._trusted: tuple[Network, ...] = tuple(ip_network(network) for network in trusted)

    def read(self, peer: str, *, forwarded_for: str = "", real_ip: str = "") -> str:
        """The client's address, or "" when it cannot be known.

        Args:
            peer: Who opened the connection to us: the gateway.
            forwarded_for: ``X-Forwarded-For`` as it came.
            real_ip: ``X-Real-IP`` as it came, read when there is no ``X-Forwarded-For``.
        """
        if not self._trusts(peer):
            return ""
        for hop in reversed((forwarded_for or real_ip).split(",")):
            address = _parse(hop.strip())
            if address is None:
                return ""
            if not self._trusts(str(address)):
                return str(address)
        return ""

    def _trusts(self, text: str) -> bool:
        address = _parse(text)
        return address is not None and any(address in network for network in self._trusted)


@lru_cache(maxsize=4096)  # reading one takes longer than all the checks of a call together
def counted_as(address: str) -> str:
    """What limits count an address as: of IPv6 its network of 64 bits, within which its owner has any address."""
    parsed = _parse(address)
    if not isinstance(parsed, IPv6Address):
        return address
    return f"{IPv6Address(int(parsed) >> _IPV6_HOST_BITS << _IPV6_HOST_BITS)}/{128 - _IPV6_HOST_BITS}"


def _parse(text: str) -> Address | None:
    try:
        address = ip_address(text)
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address
