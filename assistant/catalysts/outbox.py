"""What is to be told to the webhook: kept until it has arrived, so that a restart loses nothing.

A delivery holds the changes since the one before, and keeps its id and its body through all attempts.
"""

from __future__ import annotations

import json
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from assistant.catalysts import changes
from assistant.catalysts.database import Part
from vectorstore.database import AnyDatabase

MOST_IN_ONE = 200  # changes of one delivery; what is more comes in the next
GIVEN_UP_AFTER = timedelta(days=3)
_KEPT = timedelta(days=30)  # what arrived or was given up, to be looked up
_FIRST_WAIT, _LONGEST_WAIT = timedelta(seconds=30), timedelta(hours=6)
_TOLD = "\0webhook"  # the state under which the last change told is kept; PostgreSQL has U+FFFD there

PART = Part(
    "outbox",
    1,
    """
-- state: waiting | delivered | given_up
CREATE TABLE outbox (
    number INTEGER PRIMARY KEY AUTOINCREMENT, delivery_id TEXT NOT NULL UNIQUE, created TEXT NOT NULL, body BLOB NOT NULL, state TEXT NOT NULL,
    attempts INTEGER NOT NULL, next_at TEXT NOT NULL, last_error TEXT NOT NULL);
CREATE INDEX outbox_state ON outbox(state, number)
""",
)


@dataclass(frozen=True, slots=True)
class Delivery:
    """One body to be sent. ``attempts``: how many have failed."""

    delivery_id: str
    created: str
    body: bytes
    attempts: int
    last_error: str = ""


def fill(database: AnyDatabase) -> int:
    """Make deliveries of the changes that are in none yet; return how many. The first call makes none: it begins with what comes after."""
    made = 0
    with database.write() as connection:
        known = changes.state(connection, _TOLD)
        last = changes.last_number(connection)
        if known is None:
            changes.remember(connection, _TOLD, {"last": last})
            return 0
        while known["last"] < last:
            listed, reached = changes.after(connection, known["last"], MOST_IN_ONE)
            known = {"last": reached}
            if listed:
                name, now = uuid.uuid4().hex, changes.now()
                body = {
                    "type": "board.changed",
                    "delivery_id": name,
                    "time": now,
                    "changes": [one.model_dump(mode="json") for one in listed],
                }
                data = json.dumps(body, ensure_ascii=False, allow_nan=False).encode("utf-8", "replace")
                connection.execute(
                    "INSERT INTO outbox (delivery_id, created, body, state, attempts, next_at, last_error) VALUES (?, ?, ?, 'waiting', 0, ?, '')",
                    (name, now, data, now),
                )
                made += 1
        changes.remember(connection, _TOLD, known)
    return made


def due(database: AnyDatabase, now: datetime) -> Delivery | None:
    """Return the oldest delivery whose time has come."""
    with database.read() as connection:
        row = connection.execute(
            "SELECT delivery_id, created, body, attempts, last_error FROM outbox WHERE state = 'waiting' AND next_at <= ? "
            "ORDER BY number LIMIT 1",
            (_time(now),),
        ).fetchone()
    return None if row is None else Delivery(row[0], row[1], bytes(row[2]), row[3], row[4])


def waiting(database: AnyDatabase) -> int:
    """Return how many deliveries have not arrived yet."""
    with database.read() as connection:
        return int(connection.execute("SELECT count(*) FROM outbox WHERE state = 'waiting'").fetchone()[0])


def delivered(database: AnyDatabase, one: Delivery, now: datetime) -> None:
    """Note that a delivery has arrived."""
    with database.write() as connection:
        connection.execute(
            "UPDATE outbox SET state = 'delivered', last_error = '' WHERE delivery_id = ?", (one.delivery_id,)
        )
        connection.execute("DELETE FROM outbox WHERE state != 'waiting' AND created < ?", (_time(now - _KEPT),))


def failed(database: AnyDatabase, one: Delivery, error: str, now: datetime) -> bool:
    """Note a failed attempt; return whether it is tried again: after a wait that doubles, for three days."""
    wait = min(_FIRST_WAIT * 2 ** min(one.attempts, 20), _LONGEST_WAIT)
    again: bool = now + wait < datetime.fromisoformat(one.created) + GIVEN_UP_AFTER
    with database.write() as connection:
        connection.execute(
            "UPDATE outbox SET attempts = attempts + 1, next_at = ?, last_error = ?, state = ? WHERE delivery_id = ?",
            (_time(now + wait), error, "waiting" if again else "given_up", one.delivery_id),
        )
    return again


def _time(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="seconds")


__all__ = ["GIVEN_UP_AFTER", "PART", "Delivery", "delivered", "due", "failed", "fill", "waiting"]
