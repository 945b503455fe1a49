"""Which addresses a message may be sent to: decided on the address that is then connected to."""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Collection
from urllib.parse import urlsplit

from o2c_mining.errors import ConfigError, DeliveryError

PORTS = frozenset({443, 8443})
_Address = ipaddress.IPv4Address | ipaddress.IPv6Address
# Ranges that lead inside although ``is_global`` calls them global: translated, tunnelled, special and multicast ones.
_NEVER = tuple(
    ipaddress.ip_network(network)
    for network in (
        "0.0.0.0/8",
        "100.64.0.0/10",
        "192.0.0.0/24",
        "192.88.99.0/24",
        "198.18.0.0/15",
        "224.0.0.0/3",
        "::/96",
        "::ffff:0:0/96",
        "64:ff9b::/96",
        "64:ff9b:1::/48",
        "100::/64",
        "2001::/23",
        "2002::/16",
        "3fff::/20",
        "5f00::/16",
        "fc00::/7",
        "fe80::/10",
        "fec0::/10",
        "ff00::/8",
    )
)


def check_url(url: str, *, allow_private: Collection[str]) -> tuple[str, str, int, str]:
    """Scheme, host, port and path of a target; https on 443 or 8443 unless the host is listed as private.

    Raises
    ------
    ConfigError
        If the URL is not one a message may go to.
    """
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise ConfigError(
            f"the URL {url!r} is not understood ({error}); expected https://host/path; correct it"
        ) from error
    host = (parts.hostname or "").rstrip(".").lower()
    if parts.scheme not in ("http", "https") or not host or any(ord(c) <= 32 or ord(c) > 126 for c in url):
        raise ConfigError(f"the URL {url!r} is not understood; expected https://host/path in plain ASCII; correct it")
    if parts.username is not None or parts.password is not None or parts.fragment:
        raise ConfigError(
            f"the URL of host {host!r} carries a user, password or fragment; expected https://host/path alone; "
            "remove it (secrets are references)"
        )
    inside = host in allow_private
    if parts.scheme == "http" and not inside:
        raise ConfigError(
            f"the URL of host {host!r} is not encrypted; expected https; use https, or list the host in allow_private"
        )
    port = port or (443 if parts.scheme == "https" else 80)
    if not inside and port not in PORTS:
        raise ConfigError(
            f"port {port} of host {host!r} is not allowed; expected one of {sorted(PORTS)}; use one of them, or list "
            "the host in allow_private"
        )
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return parts.scheme, host, port, path


def resolve(host: str, port: int, *, allow_private: Collection[str]) -> list[tuple[socket.AddressFamily, str]]:
    """Every address of a host, all of them checked; connect to one of these and to nothing else.

    Raises
    ------
    DeliveryError
        If the name does not resolve, or any of its addresses leads inside and the host is not listed as private.
    """
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise DeliveryError(
            f"the host {host!r} has no address ({error}); expected a name that resolves; check the name and DNS"
        ) from error
    addresses: list[tuple[socket.AddressFamily, str]] = [(entry[0], str(entry[4][0])) for entry in found]
    if host not in allow_private:
        for _, address in addresses:
            if not is_public(address):
                raise DeliveryError(
                    f"the host {host!r} leads to {address}, an address inside; expected a public one; list the host in "
                    "allow_private of the channel if that is meant",
                    permanent=True,
                )
    return addresses


def is_public(address: str) -> bool:
    """Whether an address lies outside for certain."""
    try:
        parsed: _Address = ipaddress.ip_address(address.split("%", 1)[0])
    except ValueError:
        return False
    return parsed.is_global and not any(parsed in network for network in _NEVER if network.version == parsed.version)
