"""Whether the settings of sign-in hold together: looked at before anything is served."""

from __future__ import annotations

import re
from ipaddress import ip_address
from urllib.parse import urlsplit

from assistant.web.signin import proxies
from vectorstore.errors import SettingsError
from vectorstore.settings import Settings

MODES = ("open", "users", "proxy", "oidc")
_HEADER = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
_ORIGIN = re.compile(r"https?://(\*\.)?([a-z0-9]([a-z0-9-]*[a-z0-9])?\.)*[a-z0-9]([a-z0-9-]*[a-z0-9])?(:[0-9]{1,5})?")
_ORIGIN_6 = re.compile(r"https?://\[[0-9a-f:.]{2,45}\](:[0-9]{1,5})?")


def is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def frame_origins(settings: Settings) -> tuple[str, ...]:
    """Return the origins that may frame /embed. Raises SettingsError naming the one that is none."""
    for origin in settings.frame_origins:
        if not _ORIGIN.fullmatch(origin) and not _ORIGIN_6.fullmatch(origin):
            raise SettingsError(
                f"frame_origins: {origin!r} is no origin.",
                "Write https://intranet.example or https://*.example, in small letters, without a path.",
            )
    return settings.frame_origins


def check(settings: Settings) -> None:
    """Raises SettingsError for a mode that is none, or that lacks what it needs."""
    mode = settings.auth
    if mode not in MODES:
        raise SettingsError(f"auth = {mode!r} is no way to sign in.", f"It is one of: {', '.join(MODES)}.")
    if mode == "open" and not is_loopback(settings.host):
        raise SettingsError(
            f"Without sign-in this server answers on this machine only, not on {settings.host or 'every address'}.",
            'Set auth to "users" (a file of names and passwords), "proxy" (a proxy signs people in) or "oidc" (a provider '
            "does), or host to 127.0.0.1: docs/signin.md.",
        )
    proxies.networks(settings.trusted_proxies)
    proxies.root_path(settings.root_path)
    frame_origins(settings)
    _check_cors(settings)
    if settings.session_idle_minutes < 1 or settings.session_hours < 1:
        raise SettingsError(
            "A session lasts at least a minute.", "Give session_idle_minutes and session_hours from 1 up."
        )
    for name in ("proxy_user_header", "proxy_groups_header"):
        header = getattr(settings, name)
        if header and not _HEADER.fullmatch(header):
            raise SettingsError(f"{name} = {header!r} is no name of a header.", "Write it as X-Forwarded-User.")
    if mode == "proxy":
        if not settings.trusted_proxies:
            raise SettingsError(
                'auth = "proxy" believes nobody yet.', "Name the proxy's address in trusted_proxies, such as 127.0.0.1."
            )
        if not settings.proxy_user_header:
            raise SettingsError("proxy_user_header is empty.", "Name the header in which the proxy says who asks.")
    if mode == "oidc":
        _check_oidc(settings)


def _check_cors(settings: Settings) -> None:
    for origin in settings.cors_origins:
        # "*" would let every site that somebody visits read a server without sign-in.
        if "*" in origin or not (_ORIGIN.fullmatch(origin) or _ORIGIN_6.fullmatch(origin)):
            raise SettingsError(
                f"cors_origins: {origin!r} is no origin.",
                "Write each as https://portal.example.com, in small letters, without a path or a wildcard.",
            )


def _check_oidc(settings: Settings) -> None:
    for name in ("oidc_issuer", "oidc_client_id", "oidc_name_claim"):
        if not getattr(settings, name):
            raise SettingsError(f'auth = "oidc" needs {name}.', "Your provider names it: docs/signin.md.")
    issuer = urlsplit(settings.oidc_issuer)
    try:
        host = issuer.hostname or ""
    except ValueError:
        host = ""
    if not host or issuer.scheme not in {"https", "http"} or issuer.query or issuer.fragment or issuer.username:
        raise SettingsError(f"oidc_issuer: {settings.oidc_issuer!r} is no address.", "Write https://login.example/…")
    if issuer.scheme == "http" and not is_loopback(host):
        raise SettingsError("oidc_issuer must begin with https://.", "Plain HTTP is for tests on this machine.")
    if "openid" not in settings.oidc_scopes:
        raise SettingsError("oidc_scopes lacks openid.", "Without it a provider names nobody.")
