"""The audit in the records: append, read, verify, empty what retention lets go."""

from __future__ import annotations

import json
import sqlite3
import zlib
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any

from assistant.records.chain import GENESIS, PRUNED, Emptying, Problem, Row, Verdict, canonical, make_row, verify
from assistant.records.guards import counted, missing_guards
from vectorstore.database import AnyDatabase, Connection
from vectorstore.errors import NotFound, StoreError

_LEVEL = 1  # 6 takes three times as long for 13 % less
_LARGEST = 256 << 20  # bytes of one payload; what inflates to more was not written by this program
_BATCH = 200  # rows that are emptied in one transaction: who asks meanwhile waits for no more
_READ = 500  # rows that are read at once
_COLUMNS = 'seq, time, "user", kind, channel, payload, payload_sha, prev, hash'


def now() -> str:
    """Return the time as the records write it: UTC, milliseconds."""
    return stamp(datetime.now(UTC))


def stamp(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def packed(data: bytes) -> bytes:
    return zlib.compress(data, _LEVEL)


def unpacked(data: object) -> bytes:
    """Return what ``packed`` was given. Raises ValueError for anything else."""
    if not isinstance(data, bytes):
        raise ValueError("no deflated data")  # noqa: TRY004 - a value of the file, not of the program
    machine = zlib.decompressobj()
    try:
        found = machine.decompress(data, _LARGEST)
    except zlib.error as error:
        raise ValueError(str(error)) from error
    if not machine.eof or machine.unused_data:
        raise ValueError("no whole deflated data")
    return found


def append(connection: Connection, *, user: str, kind: str, channel: str, payload: bytes, packed_payload: bytes) -> int:
    """Add a row in a transaction that holds the right to write; return its number."""
    last = connection.execute("SELECT hash FROM audit ORDER BY seq DESC LIMIT 1").fetchone()
    # Counted on from what the file ever had: where its end was cut off, the gap stays to be seen.
    row = make_row(
        counted(connection) + 1,
        last[0] if last else GENESIS,
        time=now(),
        user=user,
        kind=kind,
        channel=channel,
        payload=payload,
        payload_sha=sha256(payload).hexdigest(),
    )
    values = (row.seq, row.time, row.user, row.kind, row.channel, packed_payload, row.payload_sha, row.prev, row.hash)
    connection.execute(f"INSERT INTO audit ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", values)  # noqa: S608
    return row.seq


def rows(connection: Connection, *, since: str = "", until: str = "", user: str = "") -> Iterator[Row]:
    """Yield rows in order. ``since``, ``until``: times, the second exclusive. A payload that cannot be read is given as it is."""
    # "||": by number and never by the index of times, which would sort rows with their payloads.
    wanted = [("time || '' >= ?", since), ("time || '' < ?", until), ('"user" = ?', user)]
    held = [(text, value) for text, value in wanted if value]
    where = " AND ".join(["seq > ?", *(text for text, _ in held)])
    statement = f"SELECT {_COLUMNS} FROM audit WHERE {where} ORDER BY seq LIMIT ?"  # noqa: S608 - the words above only
    last = -(2**63)
    while True:
        # A part at a time: what a driver gives of a whole audit may be more than fits into memory.
        found = connection.execute(statement, [last, *(value for _, value in held), _READ]).fetchall()
        for seq, time, name, kind, channel, payload, *rest in found:
            yield Row(seq, time, name, kind, channel, None if payload is None else _told(payload), *rest)
        if len(found) < _READ:
            return
        last = found[-1][0]


def _told(payload: object) -> bytes:
    try:
        return unpacked(payload)
    except ValueError:
        return payload if isinstance(payload, bytes) else str(payload).encode("utf-8", "replace")


def payload_of(connection: Connection, seq: int) -> dict[str, Any] | None:
    """Return the payload of a row; None where retention has emptied it. Raises NotFound, StoreError for one that was changed."""
    row = connection.execute("SELECT payload, payload_sha FROM audit WHERE seq = ?", (seq,)).fetchone()
    if row is None:
        raise NotFound(f"The audit has no row {seq}.", "See `thesis audit verify`.")
    if row[0] is None:
        return None
    data = _told(row[0])
    if sha256(data).hexdigest() != row[1]:
        raise StoreError(f"Row {seq} of the audit was changed: its payload is not what was recorded.", "See `thesis audit verify`.")  # fmt: skip
    found: dict[str, Any] = json.loads(data)
    return found


def row_of(connection: Connection, answer_id: str) -> int | None:
    """Return the number of the newest row of an answer."""
    found = connection.execute("SELECT max(seq) FROM answer_rows WHERE answer_id = ?", (answer_id,)).fetchone()
    return None if found[0] is None else int(found[0])


def head(connection: Connection) -> tuple[int, str]:
    """Return number and hash of the last row; (0, GENESIS) for none."""
    found = connection.execute("SELECT seq, hash FROM audit ORDER BY seq DESC LIMIT 1").fetchone()
    return (found[0], found[1]) if found else (0, GENESIS)


def check(connection: Connection, noted: str = "") -> Verdict:
    """Verify the whole audit in one snapshot; ``noted``: a head noted earlier."""
    found = verify(rows(connection), list(_emptyings(connection)), counted=counted(connection), head=noted)
    gone = missing_guards(connection)
    if not gone:
        return found
    where = "file" if isinstance(connection, sqlite3.Connection) else "database"
    text = f"the guards against change are gone or other ({', '.join(gone)}): somebody has opened the {where} to change it."
    return Verdict(found.rows, found.emptied, found.head, (*found.problems, Problem(None, text)))


def _emptyings(connection: Connection) -> Iterator[Emptying]:
    for seq, payload in connection.execute("SELECT seq, payload FROM audit WHERE kind = ? ORDER BY seq", (PRUNED,)):
        with suppress(ValueError, KeyError, TypeError):  # a row of this kind that was changed is told by its digest
            yield Emptying(int(seq), str(json.loads(_told(payload))["before"]))


def prune(database: AnyDatabase, days: int, *, user: str, moment: datetime | None = None) -> int:
    """Empty the payloads of rows older than ``days``; return how many. The rows, their digests and the chain stay.

    That it was done is a row itself, whose payload stays. Answers that stand in a conversation stay with that.
    """
    before = stamp((moment or datetime.now(UTC)) - timedelta(days=days))
    older = "payload IS NOT NULL AND kind <> ? AND time < ?"
    with database.write() as connection:
        overwrite(connection)
        count = int(connection.execute(f"SELECT count(*) FROM audit WHERE {older}", (PRUNED, before)).fetchone()[0])  # noqa: S608
        if not count:
            return 0
        data = canonical({"before": before, "rows": count})
        append(connection, user=user, kind=PRUNED, channel="cli", payload=data, packed_payload=packed(data))
    last = 0
    while True:
        with database.write() as connection:
            found = [
                seq
                for (seq,) in connection.execute(
                    f"SELECT seq FROM audit WHERE {older} AND seq > ? ORDER BY seq LIMIT ?",  # noqa: S608
                    (PRUNED, before, last, _BATCH),
                )
            ]
            for seq in found:
                _keep_answers(connection, seq)
            connection.executemany("UPDATE audit SET payload = NULL WHERE seq = ?", [(seq,) for seq in found])
        if not found:
            return count
        last = found[-1]


def overwrite(connection: Connection) -> None:
    """See to it that what this transaction takes out does not stay readable in unused pages of the file.

    PostgreSQL has nothing of the kind: there its vacuum gives the room to what comes next (docs/audit.md).
    """
    if isinstance(connection, sqlite3.Connection):
        connection.execute("PRAGMA secure_delete = ON")


def _keep_answers(connection: Connection, seq: int) -> None:
    """Give a conversation its own copy of the answer in a row; an answer outside any goes with the row."""
    connection.execute("DELETE FROM turns WHERE seq = ? AND (conversation_id IS NULL OR cut IS NOT NULL)", (seq,))
    waiting = connection.execute("SELECT id FROM turns WHERE seq = ? AND answer IS NULL", (seq,)).fetchall()
    if waiting:
        held = payload_of(connection, seq)
        if held and "answer" in held:
            copy = packed(canonical(held["answer"]))
            connection.executemany("UPDATE turns SET answer = ? WHERE id = ?", [(copy, id_) for (id_,) in waiting])
