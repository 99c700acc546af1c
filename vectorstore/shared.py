"""Where a base lives that several processes work on: its PostgreSQL, read from the settings, checked, and nothing asked yet.

The password is best left out of the URL: libpq's own PGPASSWORD, ~/.pgpass and service files are heard.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from urllib.parse import urlsplit, urlunsplit

from vectorstore.errors import SettingsError
from vectorstore.settings import Settings

_NAME = re.compile(r"[a-z_][a-z0-9_]{0,39}")
_EXAMPLE = "Give it as postgresql://USER@HOST/DATABASE; empty: SQLite, in the store's folder."


@dataclass(frozen=True, slots=True)
class Shared:
    """A PostgreSQL database; ``schema`` is the start of the names of the base's schemas in it, so that it may hold several bases."""

    url: str = field(repr=False)
    schema: str = "thesis"

    @property
    def shown(self) -> str:
        """The address, without a password."""
        parts = urlsplit(self.url)
        name = f"{parts.username}@" if parts.username else ""
        host = f"{name}{parts.hostname or ''}{f':{parts.port}' if parts.port else ''}"
        return urlunsplit(("postgresql", host, parts.path, "", ""))

    def part(self, name: str) -> str:
        """Return the PostgreSQL schema of one part of the base; the ledger's is ``schema`` itself."""
        return f"{self.schema}_{name}" if name else self.schema


def shared_of(settings: Settings) -> Shared | None:
    """Return the database that the settings name; None for files of the store's folder. Raises SettingsError."""
    url = settings.ledger.strip()
    if not url:
        return None
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        raise SettingsError("The setting ledger is no address of a database.", _EXAMPLE) from None
    if parts.scheme not in ("postgresql", "postgres") or not parts.path.strip("/"):
        # Not shown: it may hold a password.
        raise SettingsError("The setting ledger is no address of a PostgreSQL database.", _EXAMPLE)
    if not _NAME.fullmatch(settings.ledger_schema):
        raise SettingsError(
            f"ledger_schema = {settings.ledger_schema!r} is no plain name.",
            "Give small letters, digits and underscores, 40 at most, such as thesis.",
        )
    if not settings.chroma.strip():
        raise SettingsError(
            "The setting ledger names a database that machines share, and the vectors would stay in the folder of one of them.",
            "Set chroma to the address of a Chroma server, too (docs/scale.md).",
        )
    return Shared(url, settings.ledger_schema)
