"""Decides which addresses a model endpoint may have, from the base URL that the operator wrote.

An address in the base URL itself is allowed, also one of this machine or of a private network. The
same holds for the addresses of a name that no public registry gives out. A public name must lead to
a public address, because the owner of the name could point it at services that only this machine
can reach. Addresses that belong to no single machine, and those where clouds hand out credentials,
are never allowed.
"""

from __future__ import annotations

import ipaddress


class AddressRefusedError(OSError):
    """An endpoint has an address that is not allowed; the message names the kind of address."""


Address = ipaddress.IPv4Address | ipaddress.IPv6Address

METADATA = frozenset(
    ipaddress.ip_address(text)
    for text in (
        *("169.254.169.254", "169.254.170.2", "fd00:ec2::254"),  # most clouds, and Amazon's
        "100.100.100.200",  # Alibaba
        "168.63.129.16",  # Azure
        "192.0.0.192",  # Oracle
    )
)
"""Addresses at which machines in a cloud get their own credentials."""

_PRIVATE_NAMES = ("localhost", "local", "internal", "home.arpa", "lan", "home", "corp")
"""Endings of names that no public registry gives out (RFC 6761, 6762, 8375; ICANN reservations)."""

_TRANSLATED = ipaddress.ip_network("64:ff9b::/96")
"""IPv4 addresses as they are written in networks that have only IPv6 (RFC 6052)."""


def refusal(host: str, address: str, *, allow_private: bool) -> str | None:
    """Return the kind of address if an endpoint must not be called there; None if it may be.

    Args:
        host: The host of the base URL: a name or an address.
        address: The address that the host was resolved to, or the host itself.
        allow_private: Whether public names may lead to private networks.
    """
    try:
        plain = _plain(ipaddress.ip_address(address.partition("%")[0]))
    except ValueError:
        return "no address at all"
    if kind := _never_allowed(plain):
        return kind
    if plain.is_global or allow_private or is_literal(host) or _is_private_name(host):
        return None
    return "an address of this machine" if plain.is_loopback else "an address of a private network"


def is_literal(host: str) -> bool:
    """Return whether the host is an address, so that no name has to be resolved."""
    return ":" in host or host.replace(".", "").isdigit()


def _never_allowed(address: Address) -> str | None:
    if address in METADATA:
        return "an address for a cloud's metadata"
    kinds = {
        "a link-local address": address.is_link_local,
        "a multicast address": address.is_multicast,
        "the unspecified address": address.is_unspecified,
        "a reserved address": address.is_reserved,
    }
    return next(
        (kind for kind, applies in kinds.items() if applies and not address.is_loopback), None
    )


def _plain(address: Address) -> Address:
    """Return the IPv4 address that an IPv6 address stands for, or else the address itself."""
    if isinstance(address, ipaddress.IPv4Address):
        return address
    if address in _TRANSLATED:
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped or address.sixtofour or address


def _is_private_name(host: str) -> bool:
    name = host.rstrip(".").lower()
    return "." not in name or name.endswith(tuple(f".{end}" for end in _PRIVATE_NAMES))
