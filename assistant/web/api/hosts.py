"""Which names this server answers to where nobody signs in: a page of another site must not reach it by a name of its own."""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import ip_address
from urllib.parse import urlsplit


def name_of(authority: str) -> str:
    """Return the host of "name:port", small, without brackets; "" for what is none."""
    try:
        return (urlsplit(f"//{authority}").hostname or "").rstrip(".")
    except ValueError:
        return ""


def is_own(authority: str, names: Sequence[str]) -> bool:
    """Whether a Host header names this machine (loopback) or one of ``names``."""
    name = name_of(authority)
    if not name or "@" in authority:
        return False
    if name == "localhost" or name.endswith(".localhost") or name in {n.lower().rstrip(".") for n in names if n}:
        return True
    try:
        return ip_address(name).is_loopback
    except ValueError:
        return False


def origin_is_own(origin: str, names: Sequence[str], allowed: Sequence[str]) -> bool:
    """Whether an Origin header is this server's own, or one that is ``allowed``."""
    if origin in allowed:
        return True
    parts = urlsplit(origin) if "://" in origin else None
    return parts is not None and parts.scheme in {"http", "https"} and is_own(parts.netloc, names)
