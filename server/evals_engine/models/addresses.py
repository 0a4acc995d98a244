"""Which addresses a model endpoint may be at, by what the operator wrote into its base URL.

An address that is written there is meant, also one of this machine or of a private network. So is
such an address behind a name that no public registry gives out. A public name that leads there is
not: whoever holds the name could point it at services that only this machine reaches. Addresses
that are no machine's own, and those where clouds hand out keys, are never meant.
"""

from __future__ import annotations

import ipaddress


class AddressRefusedError(OSError):
    """An endpoint is at an address that is not called; the text says what kind of address."""


Address = ipaddress.IPv4Address | ipaddress.IPv6Address

METADATA = frozenset(
    ipaddress.ip_address(text)
    for text in ("169.254.169.254", "169.254.170.2", "100.100.100.200", "fd00:ec2::254")
)
"""Where machines in a cloud ask for their own credentials."""

_PRIVATE_NAMES = ("localhost", "local", "internal", "home.arpa", "lan", "home", "corp")
"""Ends of names that no public registry gives out (RFC 6761, 6762, 8375; ICANN's reservations)."""

_TRANSLATED = ipaddress.ip_network("64:ff9b::/96")
"""IPv4 addresses as networks with IPv6 alone write them (RFC 6052)."""


def refusal(host: str, address: str, *, allow_private: bool) -> str | None:
    """Why an endpoint at this host is not called at this address; None when it is.

    Args:
        host: The host of its base URL: a name, or the address itself.
        address: What the host was resolved to, or the host itself.
        allow_private: Whether public names may lead to private networks.
    """
    try:
        found = _plain(ipaddress.ip_address(address.partition("%")[0]))
    except ValueError:
        return "no address at all"
    if kind := _never(found):
        return kind
    if found.is_global or allow_private or is_literal(host) or _is_private_name(host):
        return None
    return "an address of this machine" if found.is_loopback else "an address of a private network"


def is_literal(host: str) -> bool:
    """Whether the host is connected to as it is, without asking for an address."""
    return ":" in host or host.replace(".", "").isdigit()


def _never(address: Address) -> str | None:
    if address in METADATA:
        return "an address for a cloud's metadata"
    kinds = {
        "a link-local address": address.is_link_local,
        "a multicast address": address.is_multicast,
        "the unspecified address": address.is_unspecified,
        "a reserved address": address.is_reserved,
    }
    return next(
        (kind for kind, is_one in kinds.items() if is_one and not address.is_loopback), None
    )


def _plain(address: Address) -> Address:
    """The IPv4 address in the ways that IPv6 has to write one."""
    if isinstance(address, ipaddress.IPv4Address):
        return address
    if address in _TRANSLATED:
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped or address.sixtofour or address


def _is_private_name(host: str) -> bool:
    name = host.rstrip(".").lower()
    return "." not in name or name.endswith(tuple(f".{end}" for end in _PRIVATE_NAMES))
