"""Which Chroma server holds the vectors of a store: read from the settings, checked, and nothing asked yet.

A server is one that runs `chroma run`, a distributed Chroma, or Chroma Cloud: all speak the same protocol. The token is no
setting: it comes from the environment, or from systemd's credentials.
"""

from __future__ import annotations

import ipaddress
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from vectorstore.errors import SettingsError
from vectorstore.settings import Settings

TOKEN, CREDENTIAL = "THESIS_CHROMA_TOKEN", "thesis-chroma-token"
_OWN_TOKEN = "CHROMA_API_KEY"  # noqa: S105 - Chroma's own name for it
_CLOUD = "api.trychroma.com"
_EXAMPLE = "Give it as http://127.0.0.1:8000 or https://api.trychroma.com; empty: embedded, in the store's folder."


@dataclass(frozen=True, slots=True)
class Server:
    """One tenant and database of a Chroma server. ``timeout_s``: for one request with its retries."""

    url: str
    tenant: str = ""
    database: str = ""
    token: str = field(default="", repr=False)
    timeout_s: float = 60.0
    ca_bundle: str = ""

    def headers(self) -> dict[str, str]:
        """Return what is sent with each request."""
        return {"X-Chroma-Token": self.token} if self.token else {}

    @property
    def cloud(self) -> bool:
        return (urlsplit(self.url).hostname or "") == _CLOUD


def server_of(settings: Settings, environ: Mapping[str, str] | None = None) -> Server | None:
    """Return the server that the settings name; None where vectors are embedded. Raises SettingsError."""
    if not settings.chroma.strip():
        return None
    environ = os.environ if environ is None else environ
    url = _url(settings.chroma)
    token = environ.get(TOKEN) or environ.get(_OWN_TOKEN) or _credential(environ)
    parts = urlsplit(url)
    if any(not " " <= character <= "~" for character in token):
        raise SettingsError(f"{TOKEN} holds characters that no header may have.", "Give the token alone, in one line.")
    if token and parts.scheme == "http" and not _near(parts.hostname or ""):
        raise SettingsError(
            f"The token for {url} would go over the network in the clear.",
            "Use https://, or an address of your own network.",
        )
    if not settings.chroma_timeout_s:
        raise SettingsError("chroma_timeout_s = 0 leaves no time.", "Give the seconds for one request, such as 60.")
    for name, value in (("chroma_tenant", settings.chroma_tenant), ("chroma_database", settings.chroma_database)):
        if "/" in value:
            raise SettingsError(f"{name} = {value!r} is no name.", "Give the name that your Chroma knows.")
    server = Server(
        url,
        settings.chroma_tenant.strip(),
        settings.chroma_database.strip(),
        token,
        float(settings.chroma_timeout_s),
        settings.ca_bundle,
    )
    if server.cloud and not token:
        raise SettingsError(
            f"Chroma Cloud ({url}) needs a key.", f"Set {TOKEN} or {_OWN_TOKEN} in the environment of the program."
        )
    return server


def _url(value: str) -> str:
    url = value.strip().rstrip("/")
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        raise SettingsError(f"chroma = {value!r} is no address of a server.", _EXAMPLE) from None
    if "@" in parts.netloc:
        # Not shown: it may be a password.
        raise SettingsError(
            "The setting chroma carries a name or a password.", f"Leave it out and set {TOKEN} instead."
        )
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment:
        raise SettingsError(f"chroma = {value!r} is no address of a server.", _EXAMPLE)
    return url


def _near(host: str) -> bool:
    """Whether a host is this machine, an address that is not public, or a name within one network."""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return "." not in host
    return address.is_loopback or address.is_private


def _credential(environ: Mapping[str, str]) -> str:
    folder = environ.get("CREDENTIALS_DIRECTORY")
    path = Path(folder) / CREDENTIAL if folder else None
    if path is None or not path.exists():
        return ""
    try:
        return path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path} cannot be read: {error}.", "Mend the unit's LoadCredential.") from error
