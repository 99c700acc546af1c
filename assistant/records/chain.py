"""The audit as a chain of rows; pure.

A row's hash covers its number, time, user, kind, channel, the SHA-256 of its payload and the hash of the row before. The payload itself
may be emptied later: its digest stays, so the chain stays whole.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

GENESIS = "0" * 64  # what the first row names as the hash before it
PRUNED = "pruned"  # the kind of the row that says what retention emptied


@dataclass(frozen=True, slots=True)
class Row:
    """One event. ``time``: UTC, ISO 8601 with milliseconds; ``payload``: canonical JSON, None once emptied."""

    seq: int
    time: str
    user: str
    kind: str
    channel: str
    payload: bytes | None
    payload_sha: str
    prev: str
    hash: str


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong, and at which row (None: with the whole)."""

    seq: int | None
    text: str

    def __str__(self) -> str:
        return self.text if self.seq is None else f"row {self.seq}: {self.text}"


@dataclass(frozen=True, slots=True)
class Emptying:
    """A row of the chain that says that retention emptied what was older than ``before``."""

    seq: int
    before: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """``head``: number and hash of the last row, (0, GENESIS) for none."""

    rows: int
    emptied: int
    head: tuple[int, str]
    problems: tuple[Problem, ...] = ()


def canonical(value: object) -> bytes:
    """Return JSON in one form: keys sorted, no spaces, ASCII (so that any text, also a lone surrogate, has one).

    Raises ValueError for NaN; what JSON has no form for is written as its text.
    """
    return json.dumps(
        value, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False, default=str
    ).encode("ascii")


def plain(text: object) -> str:
    """Return a text that databases take: a lone surrogate is no Unicode, and PostgreSQL has no NUL."""
    return str(text).encode("utf-8", "replace").decode("utf-8").replace("\0", "\ufffd")


def digest(value: object) -> str:
    """Return the SHA-256 of the canonical form."""
    return sha256(canonical(value)).hexdigest()


def row_hash(seq: int, time: str, user: str, kind: str, channel: str, payload_sha: str, prev: str) -> str:
    return digest([seq, time, user, kind, channel, payload_sha, prev])


def make_row(
    seq: int, prev: str, *, time: str, user: str, kind: str, channel: str, payload: bytes, payload_sha: str
) -> Row:
    """Return the row that follows the one whose hash is ``prev``."""
    made = row_hash(seq, time, user, kind, channel, payload_sha, prev)
    return Row(seq, time, user, kind, channel, payload, payload_sha, prev, made)


@dataclass(slots=True)
class _Check:
    """Goes along a chain; a row that is wrong is told once, and the next is compared with what stands there."""

    seq: int = 0
    hash: str = GENESIS
    rows: int = 0
    emptied: int = 0
    problems: list[Problem] = field(default_factory=list)

    def row(self, row: Row, emptyings: Sequence[Emptying]) -> None:
        self.rows += 1
        if row.seq > self.seq + 1:
            first, last = self.seq + 1, row.seq - 1
            what = f"row {first} is missing" if first == last else f"rows {first} to {last} are missing"
            self.problems.append(Problem(row.seq, f"{what} before it."))
        elif row.seq <= self.seq:
            self.problems.append(Problem(row.seq, "its number does not follow the one before."))
        parts = (row.time, row.user, row.kind, row.channel, row.payload_sha, row.prev)
        if not all(isinstance(part, str) for part in (*parts, row.hash)):
            self.problems.append(Problem(row.seq, "a field is no text: the row was written by another program."))
        elif row_hash(row.seq, *parts) != row.hash:
            self.problems.append(
                Problem(row.seq, "it was changed: its hash is not that of its fields and the row before.")
            )
        if row.prev != self.hash and row.seq == self.seq + 1:
            self.problems.append(
                Problem(row.seq, "it does not follow the row before: one of the two was changed, moved or put in.")
            )
        self._payload(row, emptyings)
        self.seq, self.hash = max(row.seq, self.seq), row.hash

    def _payload(self, row: Row, emptyings: Sequence[Emptying]) -> None:
        if row.payload is not None:
            if sha256(row.payload).hexdigest() != row.payload_sha:
                self.problems.append(Problem(row.seq, "its payload was changed."))
            return
        self.emptied += 1
        if not any(row.seq < one.seq and str(row.time) < one.before for one in emptyings):
            self.problems.append(Problem(row.seq, "its payload was emptied, and no retention says so."))


def verify(
    rows: Iterable[Row], emptyings: Sequence[Emptying] = (), *, counted: int | None = None, head: str = ""
) -> Verdict:
    """Compare every row with its hash, its payload and the row before it.

    ``counted``: how many rows the file says that it ever had; ``head``: a hash noted earlier, or "number:hash", which must still be
    in the chain. Without a ``head`` from elsewhere a chain that was made anew as a whole, or cut at its end together with the
    count, looks whole.
    """
    check, wanted = _Check(), head.strip().lower().rpartition(":")
    found = not head
    for row in rows:
        check.row(row, emptyings)
        found = found or (row.hash == wanted[2] and wanted[0] in {"", str(row.seq)})
    if counted is not None and counted > check.seq:
        text = f"the file had {counted} rows, and its last is row {check.seq}: its end was cut off."
        check.problems.append(Problem(None, text))
    elif counted is not None and counted < check.seq:
        text = f"the file counts {counted} rows, and its last is row {check.seq}: rows were put in."
        check.problems.append(Problem(None, text))
    if not found:
        text = f"no row has the head {head}: the end was cut off, or the chain was made anew."
        check.problems.append(Problem(None, text))
    return Verdict(check.rows, check.emptied, (check.seq, check.hash), tuple(check.problems))


def as_json(verdict: Verdict) -> Mapping[str, Any]:
    """Return what `thesis audit verify --json` prints."""
    return {
        "clean": not verdict.problems,
        "rows": verdict.rows,
        "emptied": verdict.emptied,
        "head": {"seq": verdict.head[0], "hash": verdict.head[1]},
        "problems": [{"seq": p.seq, "problem": p.text} for p in verdict.problems],
    }
