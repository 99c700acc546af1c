"""Saved pulls: what each source gave and when, so that history-based signals have a history and offline has an answer.

One SQLite file under the store folder, or tables of the PostgreSQL that machines share, made at the first save; several
processes may use them at once. A payload that comes again unchanged is kept once.
"""

from __future__ import annotations

import contextlib
import hashlib
import sqlite3
import threading
import weakref
import zlib
from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path

from vectorstore.database import Connection, Shared, SharedDatabase
from vectorstore.errors import StoreError

_SCHEMA = (
    "CREATE TABLE IF NOT EXISTS payloads (sha TEXT PRIMARY KEY, body BLOB NOT NULL)",
    "CREATE TABLE IF NOT EXISTS snapshots (id INTEGER PRIMARY KEY, source TEXT NOT NULL, key TEXT NOT NULL, "
    "sha TEXT NOT NULL REFERENCES payloads, retrieved_at TEXT NOT NULL, observed TEXT, url TEXT, label TEXT)",
    "CREATE UNIQUE INDEX IF NOT EXISTS snapshots_by_key ON snapshots (source, key, retrieved_at)",
)
_PART = "snapshots"


@dataclass(frozen=True, slots=True)
class Snapshot:
    """One saved pull: ``payload`` as JSON; times in ISO, UTC; ``observed``: the day that the data speak of; ``label``: the source's name for people."""

    source: str
    key: str
    payload: str
    retrieved_at: str
    observed: date | None
    url: str | None
    label: str | None


def now() -> str:
    """Return the time as it is saved: ISO, UTC, to the second."""
    return datetime.now(UTC).isoformat(timespec="seconds")


class Snapshots:
    """Saved pulls of one store, in its folder or in what machines share. Safe from several threads."""

    def __init__(self, place: str | Path | Shared) -> None:
        self._tables: _File | _Tables = (
            _Tables(place) if isinstance(place, Shared) else _File(Path(place) / "snapshots.sqlite")
        )

    def save(
        self,
        source: str,
        key: str,
        payload: str,
        *,
        retrieved_at: str,
        observed: date | None = None,
        url: str | None = None,
        label: str | None = None,
    ) -> None:
        """Save one pull. Raises StoreError where the folder cannot be written."""
        raw = payload.encode()
        sha = hashlib.sha256(raw).hexdigest()
        with self._tables.write() as connection:
            connection.execute("INSERT INTO payloads VALUES (?, ?) ON CONFLICT DO NOTHING", (sha, zlib.compress(raw)))
            connection.execute(
                "INSERT INTO snapshots (source, key, sha, retrieved_at, observed, url, label) VALUES (?, ?, ?, ?, ?, ?, ?) "
                "ON CONFLICT (source, key, retrieved_at) DO UPDATE SET sha = excluded.sha, observed = excluded.observed, "
                "url = excluded.url, label = excluded.label",
                (source, key, sha, retrieved_at, observed.isoformat() if observed else None, url, label),
            )

    def latest(self, source: str, key: str, *, until: date | None = None) -> Snapshot | None:
        """Return the newest pull; ``until``: fetched, and speaking of a day, on or before it."""
        found = self._read(source, key, until, "ORDER BY retrieved_at DESC, id DESC LIMIT 1")
        return found[0] if found else None

    def history(self, source: str, key: str, *, until: date | None = None) -> list[Snapshot]:
        """Return the last pull of each day that the data speak of, oldest first."""
        by_day: dict[str, Snapshot] = {}
        for snapshot in self._read(source, key, until, "ORDER BY retrieved_at, id"):
            day = snapshot.observed.isoformat() if snapshot.observed else snapshot.retrieved_at[:10]
            by_day[day] = snapshot
        return [by_day[day] for day in sorted(by_day)]

    def _read(self, source: str, key: str, until: date | None, order: str) -> list[Snapshot]:
        if not self._tables.there():
            return []
        where, values = "source = ? AND key = ?", [source, key]
        if until is not None:
            where += " AND substr(retrieved_at, 1, 10) <= ? AND (observed IS NULL OR observed <= ?)"
            values += [until.isoformat()] * 2
        with self._tables.read() as connection:
            rows = connection.execute(
                f"SELECT source, key, body, retrieved_at, observed, url, label FROM snapshots JOIN payloads USING (sha) WHERE {where} {order}",  # noqa: S608 - no value stands in it
                values,
            ).fetchall()
            return [
                Snapshot(
                    s, k, zlib.decompress(body).decode(), at, date.fromisoformat(seen) if seen else None, url, label
                )
                for s, k, body, at, seen, url, label in rows
            ]


class _File:
    """Nothing stays open between calls."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def there(self) -> bool:
        return self._path.exists()

    @contextlib.contextmanager
    def write(self) -> Iterator[Connection]:
        folder = self._path.parent
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StoreError(f"{folder} cannot be made: {error.strerror}.", "Name another --store.") from error
        with self._open() as connection:
            connection.executescript(";".join(_SCHEMA))
            with connection:
                yield connection

    @contextlib.contextmanager
    def read(self) -> Iterator[Connection]:
        with self._open() as connection:
            yield connection

    @contextlib.contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        try:
            with contextlib.closing(sqlite3.connect(self._path, timeout=10)) as connection:
                yield connection
        except (sqlite3.Error, zlib.error) as error:
            raise StoreError(
                f"The saved pulls in {self._path} cannot be used: {error}.",
                "If the file is damaged, delete it: pulls are made again, only their history is lost.",
            ) from error


class _Tables:
    """Opened at the first use, and for as long as the object lives."""

    def __init__(self, place: Shared) -> None:
        self._place = place
        self._lock = threading.Lock()
        self._database: SharedDatabase | None = None

    def there(self) -> bool:
        return True

    def write(self) -> AbstractContextManager[Connection]:
        return self._opened().write()

    def read(self) -> AbstractContextManager[Connection]:
        return self._opened().read()

    def _opened(self) -> SharedDatabase:
        with self._lock:
            if self._database is None:
                made = SharedDatabase(self._place, _PART, "The saved pulls")
                weakref.finalize(self, made.close)
                if _PART not in made.tables():
                    made.define(_SCHEMA)
                self._database = made
            return self._database
