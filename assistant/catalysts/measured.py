"""What the tools gave for the board, kept: each call once a refresh, and again when it is old.

A result is kept under whose documents it was measured over (for tools that read documents), the day asked for, and the settings
that say which sources are on.
"""

from __future__ import annotations

import hashlib
import json
import zlib
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

from assistant.catalysts.database import Part
from assistant.models import ToolResult
from vectorstore.database import AnyDatabase, among
from vectorstore.settings import Settings

KEPT = timedelta(hours=24)
FAILURE_KEPT = timedelta(minutes=15)
_AT_ONCE = 4  # calls; each has its own time limit
_SETTINGS = ("sources", "data", "contact", "accept_market_terms", "holdings_urls", "sentiment_lexicon")

PART = Part(
    "measured",
    1,
    """
-- result: a ToolResult as JSON, deflated
CREATE TABLE measured (
    key TEXT PRIMARY KEY, tool TEXT NOT NULL, at TEXT NOT NULL, status TEXT NOT NULL, result BLOB NOT NULL) WITHOUT ROWID
""",
)

Call = Callable[[str, Mapping[str, Any]], ToolResult]


class Measured:
    """The kept results of one store. Safe in any number of threads."""

    def __init__(self, database: AnyDatabase, settings: Settings) -> None:
        self._database = database
        self._settings = json.dumps([getattr(settings, name) for name in _SETTINGS])

    def results(
        self,
        calls: Mapping[tuple[str, str], tuple[str, dict[str, Any]]],
        call: Call,
        *,
        day: str,
        as_of: str | None,
        over: Callable[[str], str],
        refresh: bool = False,
        ask: bool = True,
    ) -> tuple[dict[tuple[str, str], ToolResult], str | None]:
        """Return the result of each of ``calls``, and when the oldest was measured.

        ``over``: by tool, what stands for the documents that it reads ("" where it reads none). ``refresh``: call all again;
        ``ask`` False: call none, what is not kept is left out.
        """
        keys = {name: self._key(name, day, as_of, over(name[0])) for name in calls}
        held = {} if refresh else self._held(keys)
        found = {name: held[key][1] for name, key in keys.items() if key in held}
        times = [held[key][0] for key in keys.values() if key in held]
        missing = [name for name in calls if name not in found] if ask else []
        if missing:
            with ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="board-tools") as pool:
                found |= dict(zip(missing, pool.map(lambda n: call(*calls[n]), missing), strict=True))
            now = _now()
            times.append(now)
            self._keep({keys[name]: found[name] for name in missing}, now)
        return {name: found[name] for name in calls if name in found}, min(times, default=None)

    def _key(self, name: tuple[str, str], day: str, as_of: str | None, over: str) -> str:
        said = json.dumps([*name, as_of or f"on {day}", over, self._settings])
        return hashlib.sha256(said.encode("utf-8", "surrogatepass")).hexdigest()

    def _held(self, keys: Mapping[tuple[str, str], str]) -> dict[str, tuple[str, ToolResult]]:
        now = datetime.now(UTC)
        with self._database.read() as connection:
            rows = connection.execute(
                f"SELECT key, at, status, result FROM measured WHERE {among('key')}",  # noqa: S608 - a constant
                (json.dumps(list(keys.values())),),
            ).fetchall()
        return {
            key: (at, ToolResult.model_validate_json(zlib.decompress(packed)))
            for key, at, status, packed in rows
            if now - datetime.fromisoformat(at) < (KEPT if status == "ok" else FAILURE_KEPT)
        }

    def _keep(self, results: Mapping[str, ToolResult], now: str) -> None:
        old = (datetime.now(UTC) - 2 * KEPT).isoformat(timespec="seconds")
        with self._database.write() as connection:
            connection.execute("DELETE FROM measured WHERE at < ?", (old,))
            connection.executemany(
                "INSERT INTO measured VALUES (?, ?, ?, ?, ?) ON CONFLICT (key) DO UPDATE SET tool = excluded.tool, at = excluded.at, "
                "status = excluded.status, result = excluded.result",
                [
                    (key, r.tool, now, r.status, zlib.compress(r.model_dump_json().encode()))
                    for key, r in results.items()
                ],
            )


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


__all__ = ["PART", "Call", "Measured"]
