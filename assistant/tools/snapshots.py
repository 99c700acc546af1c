"""Saved pulls: what each source gave and when, so that history-based signals have a history and offline has an answer.

One SQLite file under the store folder, made at the first save; several processes may use it at once. A payload that comes
again unchanged is kept once.
"""

from __future__ import annotations

import contextlib
import hashlib
import sqlite3
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path

from vectorstore.errors import StoreError

_SCHEMA = """
CREATE TABLE IF NOT EXISTS payloads (sha TEXT PRIMARY KEY, body BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS snapshots (
    id INTEGER PRIMARY KEY,
    source TEXT NOT NULL, key TEXT NOT NULL, sha TEXT NOT NULL REFERENCES payloads,
    retrieved_at TEXT NOT NULL, observed TEXT, url TEXT, label TEXT
);
CREATE UNIQUE INDEX IF NOT EXISTS snapshots_by_key ON snapshots (source, key, retrieved_at);
"""


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
    """Saved pulls of one store. Safe from several threads; nothing stays open between calls."""

    def __init__(self, folder: str | Path) -> None:
        self.path = Path(folder) / "snapshots.sqlite"

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
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StoreError(
                f"{self.path.parent} cannot be made: {error.strerror}.", "Name another --store."
            ) from error
        with self._open() as connection:
            connection.executescript(_SCHEMA)
            with connection:
                connection.execute("INSERT OR IGNORE INTO payloads VALUES (?, ?)", (sha, zlib.compress(raw)))
                connection.execute(
                    "INSERT OR REPLACE INTO snapshots (source, key, sha, retrieved_at, observed, url, label) VALUES (?, ?, ?, ?, ?, ?, ?)",
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
        if not self.path.exists():
            return []
        where, values = "source = ? AND key = ?", [source, key]
        if until is not None:
            where += " AND substr(retrieved_at, 1, 10) <= ? AND (observed IS NULL OR observed <= ?)"
            values += [until.isoformat()] * 2
        with self._open() as connection:
            rows = connection.execute(
                f"SELECT source, key, body, retrieved_at, observed, url, label FROM snapshots JOIN payloads USING (sha) WHERE {where} {order}",  # noqa: S608 - no value stands in it
                values,
            ).fetchall()
        return [
            Snapshot(s, k, zlib.decompress(body).decode(), at, date.fromisoformat(seen) if seen else None, url, label)
            for s, k, body, at, seen, url, label in rows
        ]

    @contextlib.contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        try:
            with contextlib.closing(sqlite3.connect(self.path, timeout=10)) as connection:
                yield connection
        except (sqlite3.Error, zlib.error) as error:
            raise StoreError(
                f"The saved pulls in {self.path} cannot be used: {error}.",
                "If the file is damaged, delete it: pulls are made again, only their history is lost.",
            ) from error
