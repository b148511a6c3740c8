"""Where a request comes from. Whatever counts by address asks here, so that a proxy is seen through in one place."""

from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address

from django.conf import settings
from django.http import HttpRequest

# What one customer of a provider gets: whoever has one address of it has all of them.
IPV6_PREFIX = 64


def client_address(request: HttpRequest) -> str | None:
    """The address that a limit counts by; of IPv6 its /64 network. None where there is none (a Unix socket).

    X-Forwarded-For is believed for as many of its last entries as ``TRUSTED_PROXIES`` says: each proxy appends whom
    it was asked by, and what stands before those was written by the client itself.
    """
    direct = _read(request.META.get("REMOTE_ADDR", ""))
    hops = request.META.get("HTTP_X_FORWARDED_FOR", "").split(",")[-settings.TRUSTED_PROXIES :]
    forwarded = _read(hops[0]) if settings.TRUSTED_PROXIES else None
    address = forwarded or direct
    return None if address is None else _counted(address)


def _read(text: str) -> IPv4Address | IPv6Address | None:
    """An address, of which some proxies write the port too: ``192.0.2.1:4711``, ``[2001:db8::1]:4711``."""
    text = text.strip()
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        return ip_address(text)
    except ValueError:
        return None


def _counted(address: IPv4Address | IPv6Address) -> str:
    if isinstance(address, IPv4Address):
        return str(address)
    if address.ipv4_mapped is not None:
        return str(address.ipv4_mapped)
    return str(IPv6Network((int(address), IPV6_PREFIX), strict=False).network_address)
