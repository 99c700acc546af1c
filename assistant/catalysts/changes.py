"""What changed on the board, as a list that is kept with its times.

What documents say is noted in the transaction that replaces it; figures and statuses are compared with those of the last measurement of
the whole base. Until a base was read whole for the first time nothing is a change: with that the list begins.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from assistant.catalysts.board import Said
from assistant.catalysts.database import Part
from assistant.catalysts.evidence import Difference, Found
from assistant.catalysts.schema import Catalyst
from assistant.catalysts.shapes import Change, ChangeKind, Changes, Reading
from assistant.catalysts.status import number, status_of
from vectorstore.database import Connection
from vectorstore.records import SourceInfo, sha256

MOST_KEPT = 20_000
_READ = 500  # that are read at once

PART = Part(
    "changes",
    1,
    """
-- documents: ids, as JSON, that whoever is shown the change must be able to read, whole: only for those who read the whole base
CREATE TABLE changes (
    change_id INTEGER PRIMARY KEY AUTOINCREMENT, time TEXT NOT NULL, kind TEXT NOT NULL, catalyst TEXT NOT NULL, title TEXT NOT NULL,
    text TEXT NOT NULL, document_id TEXT, version TEXT, quote BLOB, start INTEGER, stop INTEGER, evidence_ids TEXT NOT NULL,
    before TEXT, after TEXT, documents TEXT NOT NULL, whole INTEGER NOT NULL);
CREATE INDEX changes_time ON changes(time);
-- the last known state of each catalyst, as JSON, of catalyst "": when the list began
CREATE TABLE board_state (catalyst TEXT PRIMARY KEY, state TEXT NOT NULL) WITHOUT ROWID
""",
)

_SELECT = (
    "SELECT change_id, time, kind, catalyst, title, text, document_id, version, quote, start, stop, evidence_ids, before, after, "
    "documents, whole FROM changes"
)


@dataclass(frozen=True, slots=True)
class Noted:
    """A change before it has its number. ``documents``: who may not read one of them is not told; ``whole``: nor is a partial reader."""

    kind: ChangeKind
    catalyst: str
    title: str
    text: str
    found: Found | None = None
    version: str | None = None
    document_id: str | None = None
    evidence_ids: tuple[str, ...] = ()
    before: str | None = None
    after: str | None = None
    documents: tuple[str, ...] = ()
    whole: bool = False


# What differs (pure)


def of_reading(difference: Difference, catalyst: Catalyst, source: SourceInfo | None, name: str) -> list[Noted]:
    """Return what a new reading of a document changed; nothing where the terms changed, for that is no news."""
    if not difference.same_terms:
        return []
    read, out = difference.read, []
    where = _where(source, name)
    if difference.new:
        sides = _sides(difference.new)
        first = max(difference.new, key=lambda f: f.score)
        out.append(
            Noted(
                "evidence_new",
                catalyst.id,
                f"{catalyst.name}: {sides}",
                f"New in {where}: {sides}.",
                found=first,
                version=read.version,
                document_id=read.document_id,
                evidence_ids=tuple(f.evidence_id for f in difference.new),
                documents=(read.document_id,),
            )
        )
    if difference.gone:
        sides = _sides(difference.gone)
        out.append(
            Noted(
                "evidence_gone",
                catalyst.id,
                f"{catalyst.name}: {sides} gone",
                f"No longer in {where}: {sides}.",
                version=read.version,
                document_id=read.document_id,
                evidence_ids=tuple(f.evidence_id for f in difference.gone),
                documents=(read.document_id,),
            )
        )
    return out


def _where(source: SourceInfo | None, name: str) -> str:
    if source is None:
        return f"a document that was taken out ({name})"
    meta = source.metadata
    title = meta.title or source.path.rsplit("/", 1)[-1]
    told = ", ".join(part for part in (meta.publisher or meta.company, meta.published) if part)
    return f"“{title}”" + (f" ({told})" if told else "")


def _sides(found: Sequence[Found]) -> str:
    parts = []
    for side in ("for", "against"):
        count = sum(f.side == side for f in found)
        if count:
            parts.append(f"{count} sentence{'s' * (count != 1)} {side}")
    return ", ".join(parts)


def superseded(before: Mapping[str, str], catalyst: Catalyst, said: Said) -> list[Noted]:
    """Return the claims that are superseded now and were not ``before`` (evidence id -> that of the later one)."""
    claims = {first.found.evidence_id: first for first, _ in said.groups}
    out = []
    for name, later in said.later.items():
        if before.get(name) == later.claim.found.evidence_id or name not in claims:
            continue
        old, new = claims[name], later.claim
        how = "and takes the other side" if old.found.side != new.found.side else "on the same side"
        out.append(
            Noted(
                "superseded",
                catalyst.id,
                f"{catalyst.name}: {new.author} speaks again",
                f"{new.author} came back on {new.day} to what was said on {old.day}, {how}.",
                found=new.found,
                version=new.source.version,
                document_id=new.source.document_id,
                evidence_ids=(new.found.evidence_id, name),
                before=old.found.quote,
                after=new.found.quote,
                documents=tuple(sorted({old.source.document_id, new.source.document_id})),
            )
        )
    return out


def figures(
    before: Mapping[str, Any], catalyst: Catalyst, read: Sequence[Reading], reads_base: Callable[[str], bool]
) -> list[Noted]:
    """Return the thresholds that were crossed, and the status where it changed, since the state ``before``.

    A figure that is lacking now leaves the last one in force: that a source did not answer is no news of the world.
    """
    held: Mapping[str, Mapping[str, Any]] = before.get("readings", {})
    out = []
    for one in read:
        old = held.get(one.rule)
        if old is None or one.holds is None or old["holds"] is None or old["holds"] == one.holds:
            continue
        was, now = number(old["value"], one.unit), number(one.value, one.unit)
        what = f"now {'confirms' if one.side == 'confirms' else 'refutes'} it" if one.holds else "no longer does"
        out.append(
            Noted(
                "metric_crossed",
                catalyst.id,
                f"{catalyst.name}: {one.metric} {what}",
                f"{one.rule}: {now} as of {one.as_of}, before {was} as of {old['as_of']} ({one.source}).",
                before=was,
                after=now,
                whole=reads_base(one.tool),
            )
        )
    state, rule = status_of(read)
    was_state = before.get("status")
    if was_state is not None and was_state != state and not unanswered(before, read):
        out.append(
            Noted(
                "status_changed",
                catalyst.id,
                f"{catalyst.name}: {state.replace('_', ' ')}",
                f"From {was_state.replace('_', ' ')} to {state.replace('_', ' ')}. {rule}",
                before=was_state,
                after=state,
                whole=any(reads_base(one.tool) for one in read),
            )
        )
    return out


def unanswered(before: Mapping[str, Any], read: Sequence[Reading]) -> bool:
    """Whether a figure that was there is lacking now because its source failed."""
    held = before.get("readings", {})
    return any(
        one.holds is None
        and one.tool_status in ("error", "rate_limited")
        and held.get(one.rule, {}).get("holds") is not None
        for one in read
    )


def state_of(before: Mapping[str, Any], read: Sequence[Reading]) -> dict[str, Any]:
    """Return what is remembered of figures: where one is lacking now, the one before."""
    held = dict(before.get("readings", {}))
    status = before["status"] if "status" in before and unanswered(before, read) else status_of(read)[0]
    for one in read:
        if one.holds is not None or one.rule not in held:
            held[one.rule] = {"value": one.value, "holds": one.holds, "as_of": one.as_of}
    rules = {one.rule for one in read}
    return {"readings": {rule: row for rule, row in held.items() if rule in rules}, "status": status}


# What is kept


def begun(connection: Connection) -> bool:
    """Whether the base was once read whole, so that differences are news."""
    return state(connection, "") is not None


def state(connection: Connection, catalyst: str) -> dict[str, Any] | None:
    """Return the last known state of a catalyst."""
    row = connection.execute("SELECT state FROM board_state WHERE catalyst = ?", (catalyst,)).fetchone()
    return None if row is None else dict(json.loads(row[0]))


def remember(connection: Connection, catalyst: str, known: Mapping[str, Any]) -> None:
    """Keep the state of a catalyst."""
    connection.execute(
        "INSERT INTO board_state VALUES (?, ?) ON CONFLICT (catalyst) DO UPDATE SET state = excluded.state",
        (catalyst, json.dumps(known)),
    )


def note(connection: Connection, noted: Iterable[Noted], now: str) -> int:
    """Append changes; return how many."""
    rows = [
        (
            *(now, one.kind, one.catalyst, one.title, one.text, one.document_id, one.version),
            None if one.found is None else one.found.quote.encode("utf-8", "surrogatepass"),
            *((None, None) if one.found is None else (one.found.start, one.found.end)),
            *(json.dumps(one.evidence_ids), one.before, one.after, json.dumps(one.documents), int(one.whole)),
        )
        for one in noted
    ]
    if not rows:
        return 0
    connection.executemany(
        "INSERT INTO changes (time, kind, catalyst, title, text, document_id, version, quote, start, stop, evidence_ids, before, after, "
        "documents, whole) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        rows,
    )
    connection.execute("DELETE FROM changes WHERE change_id <= (SELECT max(change_id) FROM changes) - ?", (MOST_KEPT,))
    return len(rows)


def clear_quotes(connection: Connection, current: Mapping[str, str], retention_days: int) -> None:
    """Drop the words of documents that were taken out, and of versions whose time is over, from the list."""
    rows = connection.execute(
        "SELECT change_id, time, document_id, version, documents FROM changes WHERE quote IS NOT NULL OR kind = 'superseded'"
    ).fetchall()
    old = (datetime.now(UTC) - timedelta(days=retention_days)).isoformat(timespec="seconds") if retention_days else ""
    over = [
        (name,)
        for name, time, document_id, version, documents in rows
        if any(one not in current for one in json.loads(documents))
        or (time < old and current.get(document_id) != version)
    ]
    connection.executemany("UPDATE changes SET quote = NULL WHERE change_id = ?", over)
    connection.executemany(
        "UPDATE changes SET before = NULL, after = NULL WHERE change_id = ? AND kind = 'superseded'", over
    )


def listed(
    connection: Connection,
    readable: Callable[[str], bool],
    *,
    whole: bool,
    since: str | None = None,
    until: str | None = None,
    catalyst: str | None = None,
    limit: int = 200,
) -> Changes:
    """Return changes newest first that a reader may see, at most ``limit``.

    ``readable``: whether the reader may read a document; ``whole``: whether they read all; ``since`` and ``until``: days, inclusive.
    """
    found: list[Change] = []
    for row in _rows(connection, since or "", f"{until}T99" if until else "9", catalyst):
        if (row[15] and not whole) or not all(map(readable, json.loads(row[14]))):
            continue
        if len(found) == limit:
            return Changes(since=since, changes=tuple(found), more=True)
        found.append(_change(row))
    return Changes(since=since, changes=tuple(found))


def _rows(connection: Connection, since: str, until: str, catalyst: str | None) -> Iterator[Sequence[Any]]:
    """Yield rows newest first; a part of the list is read at a time, for few are shown."""
    statement = f"{_SELECT} WHERE time >= ? AND time < ? AND catalyst = coalesce(?, catalyst) AND change_id < ? ORDER BY change_id DESC LIMIT ?"
    last: int | None = 2**63 - 1
    while last is not None:
        rows = connection.execute(statement, (since, until, catalyst, last, _READ)).fetchall()
        yield from rows
        last = rows[-1][0] if len(rows) == _READ else None


def after(connection: Connection, known: int, most: int) -> tuple[list[Change], int]:
    """Return up to ``most`` changes after the one with the number ``known``, oldest first, and the number of the last."""
    rows = connection.execute(f"{_SELECT} WHERE change_id > ? ORDER BY change_id LIMIT ?", (known, most)).fetchall()
    return [_change(row) for row in rows], rows[-1][0] if rows else last_number(connection)


def last_number(connection: Connection) -> int:
    """Return the number of the newest change that is kept; 0 where there is none."""
    return int(connection.execute("SELECT coalesce(max(change_id), 0) FROM changes").fetchone()[0])


def _change(row: Sequence[Any]) -> Change:
    # The number of a row would tell a reader how many changes there are that they may not see.
    name = sha256(
        "\0".join(map(str, (row[1], row[2], row[3], row[4], row[6], row[11]))).encode("utf-8", "surrogatepass")
    )
    return Change(
        change_id=name[:16],
        time=row[1],
        kind=row[2],
        catalyst=row[3],
        title=row[4],
        text=row[5],
        document_id=row[6],
        version=row[7],
        quote=None if row[8] is None else bytes(row[8]).decode("utf-8", "surrogatepass"),
        start=row[9],
        end=row[10],
        evidence_ids=tuple(json.loads(row[11])),
        before=row[12],
        after=row[13],
    )


def now() -> str:
    """Return the time as it is kept: UTC, to the second."""
    return datetime.now(UTC).isoformat(timespec="seconds")
