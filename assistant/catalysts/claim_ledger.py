"""The claim ledger: the claims of the base's documents and every check of them, in ``board.sqlite``.

Claims are a function of one version's text and of what is known of its document, so they are read once for each. What is listed
is narrowed to the documents that the reader may open, and what hangs on other claims (superseded, contradicted) is found among those alone.
"""

from __future__ import annotations

import json
import sqlite3
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, fields, replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from assistant.catalysts.claim_reading import CODE, claims_of
from assistant.catalysts.claims import Claim, Outcome, Standing
from assistant.catalysts.database import Part, open_board
from vectorstore.database import Database
from vectorstore.errors import NotFound
from vectorstore.names import fold
from vectorstore.records import SourceInfo, sha256
from vectorstore.view import Base

PART = Part(
    "claims",
    1,
    """
-- body: the claim's other fields as JSON; quote NULL: retention has ended for that version
CREATE TABLE claims (
    claim_id TEXT PRIMARY KEY, document_id TEXT NOT NULL, version TEXT NOT NULL, collection TEXT NOT NULL, published TEXT,
    quote BLOB, body TEXT NOT NULL) WITHOUT ROWID;
CREATE INDEX claims_document ON claims(document_id, version);
-- one row a document, also where nothing was found
CREATE TABLE claims_read (document_id TEXT PRIMARY KEY, version TEXT NOT NULL, key TEXT NOT NULL) WITHOUT ROWID;
-- as_of: the last day whose data could be used; figures: JSON; a check is never changed and outlives its claim
CREATE TABLE claim_checks (
    id INTEGER PRIMARY KEY AUTOINCREMENT, claim_id TEXT NOT NULL, document_id TEXT NOT NULL, time TEXT NOT NULL, as_of TEXT NOT NULL,
    outcome TEXT NOT NULL, status TEXT NOT NULL, reason TEXT NOT NULL, call TEXT NOT NULL, figures TEXT NOT NULL);
CREATE INDEX claim_checks_claim ON claim_checks(claim_id, as_of, id)
""",
)
SAME_TIME_DAYS = 183  # two statements of how things are contradict each other if they are not further apart
_NOT_IN_BODY = frozenset({"claim_id", "document_id", "version", "collection", "published", "quote"})
RULES = {
    "superseded": "A claim is superseded by the next later claim of the same publisher (else company, else author) and holder on the same "
    "subject, measure and due date.",
    "contradictions": "Two claims of different publishers or holders on the same subject, measure and due date whose figures have nothing in "
    f"common; a plain figure has a tenth of room. Statements of how things are: not more than {SAME_TIME_DAYS} days apart.",
    "replaced": "The document has another version now. gone: it was taken out.",
    "due": "The last day of the window that the claim names.",
}


@dataclass(frozen=True, slots=True)
class Check:
    """One check of a claim. ``as_of``: the last day whose data could be used; ``figures``: what was compared, as the tool gave it."""

    claim_id: str
    document_id: str
    time: str
    as_of: str
    outcome: Outcome
    status: str
    reason: str
    call: Mapping[str, Any]
    figures: Sequence[Mapping[str, Any]] = ()

    def to_json(self) -> dict[str, Any]:
        return {name: value for name, value in asdict(self).items() if name not in {"claim_id", "document_id"}}


@dataclass(frozen=True, slots=True)
class Entry:
    """A claim as a reader sees it: what became of its document, which claim supersedes it, and its checks, oldest first."""

    claim: Claim
    standing: Standing = "current"
    superseded_by: str | None = None
    checks: tuple[Check, ...] = ()

    @property
    def last(self) -> Check | None:
        """The newest check: of the latest day, of several on that day the last made."""
        return max(self.checks, key=lambda c: (c.as_of, c.time), default=None)

    @property
    def outcome(self) -> Outcome:
        return self.last.outcome if self.last is not None else "open"

    def to_json(self) -> dict[str, Any]:
        return self.claim.to_json() | {
            "standing": self.standing,
            "superseded_by": self.superseded_by,
            "outcome": self.outcome,
            "checks": [check.to_json() for check in self.checks],
        }


@dataclass(frozen=True, slots=True)
class Contradiction:
    """Two claims that cannot both hold, the earlier first."""

    first: Claim
    second: Claim

    def to_json(self) -> dict[str, Any]:
        a, b = self.first, self.second
        return {
            "claims": [a.claim_id, b.claim_id],
            "statements": [a.statement, b.statement],
            "said_by": [_who(a), _who(b)],
            "due": a.due,
        }


class ClaimLedger:
    """Safe in any number of threads; ``database`` has ``PART`` and is closed by who opened it."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @classmethod
    @contextmanager
    def opened(cls, root: str | Path) -> Iterator[ClaimLedger]:
        """Open the ledger of the store folder ``root`` for a block. Raises StoreError."""
        database = open_board(root, PART)
        try:
            yield cls(database)
        finally:
            database.close()

    # reading documents

    def update(
        self,
        base: Base,
        *,
        go_on: Callable[[], None] = lambda: None,
        progress: Callable[[int, int], None] = lambda done, total: None,
    ) -> int:
        """Read the documents of ``base`` that are new or changed, and return how many. ``go_on`` raises where nobody waits any more."""
        sources = {s.document_id: s for s in base.sources() if s.version}
        with self._database.read() as connection:
            held = dict(connection.execute("SELECT document_id, key FROM claims_read"))
        new = [s for s in sources.values() if held.get(s.document_id) != _key(s)]
        for done, source in enumerate(new):
            go_on()
            progress(done, len(new))
            self._read(base, source)
        if new:
            progress(len(new), len(new))
        self._forget(base, sources)
        return len(new)

    def _read(self, base: Base, source: SourceInfo) -> None:
        try:
            document = base.document(source.document_id, source.version)
        except NotFound:
            return  # taken out meanwhile
        # The metadata of the listing are those of its key.
        found = claims_of(replace(document, metadata=source.metadata))
        rows = [
            (c.claim_id, c.document_id, c.version, c.collection, c.published, _packed(c.quote), _body(c)) for c in found
        ]
        with self._database.write() as connection:
            connection.execute(
                "DELETE FROM claims WHERE document_id = ? AND version = ?", (source.document_id, source.version)
            )
            connection.executemany("INSERT OR REPLACE INTO claims VALUES (?, ?, ?, ?, ?, ?, ?)", rows)
            row = (source.document_id, source.version, _key(source))
            connection.execute("INSERT OR REPLACE INTO claims_read VALUES (?, ?, ?)", row)

    def _forget(self, base: Base, sources: Mapping[str, SourceInfo]) -> None:
        """Empty the quotes of versions whose text the store has forgotten; the claims in this program's words stay, as their checks do."""
        with self._database.read() as connection:
            old = connection.execute(
                "SELECT DISTINCT document_id, version FROM claims WHERE quote IS NOT NULL ORDER BY document_id"
            ).fetchall()
        lost = [pair for pair in old if _version(sources, pair[0]) != pair[1] and not _stored(base, *pair)]
        if lost:
            with self._database.write() as connection:
                connection.executemany("UPDATE claims SET quote = NULL WHERE document_id = ? AND version = ?", lost)

    # checks

    def keep(self, check: Check) -> None:
        """Keep a check for good."""
        row = (
            check.claim_id, check.document_id, check.time, check.as_of, check.outcome, check.status, check.reason,
            _json(check.call), _json(list(check.figures)),
        )  # fmt: skip
        with self._database.write() as connection:
            connection.execute(
                "INSERT INTO claim_checks (claim_id, document_id, time, as_of, outcome, status, reason, call, figures) "
                "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                row,
            )

    # what a reader sees

    def entries(self, base: Base, *, as_of: str | None = None) -> tuple[Entry, ...]:
        """Return the claims of the documents that ``base`` lets its reader open, newest first; without a date last.

        ``as_of`` (an ISO day): only claims published by then and checks that used no later data; undated claims are left out.
        """
        sources = {s.document_id: s for s in base.sources() if s.version}
        readable: dict[str, bool] = {}

        def may_read(document_id: str) -> bool:
            if document_id not in readable:
                readable[document_id] = document_id in sources or base.readable(document_id)
            return readable[document_id]

        with self._database.read() as connection:
            rows = connection.execute("SELECT * FROM claims").fetchall()
            checks: dict[str, list[Check]] = defaultdict(list)
            for row in connection.execute("SELECT * FROM claim_checks ORDER BY id"):
                check = _check(row)
                if (as_of is None or check.as_of <= as_of) and may_read(check.document_id):
                    checks[check.claim_id].append(check)
        claims = [
            _claim(row)
            for row in rows
            if may_read(row[1]) and (as_of is None or (row[4] is not None and row[4] <= as_of))
        ]
        standing = {c.claim_id: _standing(c, sources.get(c.document_id), as_of) for c in claims}
        later = _superseded([c for c in claims if standing[c.claim_id] == "current"])
        found = [
            Entry(
                c,
                "superseded" if c.claim_id in later else standing[c.claim_id],
                later.get(c.claim_id),
                tuple(checks.get(c.claim_id, ())),
            )
            for c in claims
        ]
        return tuple(sorted(found, key=lambda e: (_descending(e.claim.published), e.claim.path, e.claim.figure_start)))


def contradictions(entries: Sequence[Entry]) -> tuple[Contradiction, ...]:
    """Return the pairs of standing claims that cannot both hold (RULES), the newest first."""
    by_topic: dict[tuple[str, ...], list[Claim]] = defaultdict(list)
    for entry in entries:
        if entry.standing == "current":
            by_topic[entry.claim.topic].append(entry.claim)
    found = []
    for claims in by_topic.values():
        ordered = sorted(claims, key=lambda c: (c.published or "", c.claim_id))
        for n, a in enumerate(ordered):
            found += [
                Contradiction(a, b)
                for b in ordered[n + 1 :]
                if a.owner != b.owner and _apart(a, b) and _same_time(a, b)
            ]
    return tuple(sorted(found, key=lambda p: (p.second.published or "", p.second.claim_id), reverse=True))


def _apart(a: Claim, b: Claim) -> bool:
    (low, high), (other_low, other_high) = a.span, b.span
    return high < other_low or other_high < low


def _same_time(a: Claim, b: Claim) -> bool:
    if a.kind != "state" and a.due:
        return True
    if a.published is None or b.published is None:
        return False
    return abs((date.fromisoformat(a.published) - date.fromisoformat(b.published)).days) <= SAME_TIME_DAYS


def _superseded(claims: Sequence[Claim]) -> dict[str, str]:
    """Return the claim that follows each earlier one of the same owner on the same topic."""
    groups: dict[tuple[object, ...], list[Claim]] = defaultdict(list)
    for claim in claims:
        if claim.published is not None:
            groups[claim.owner, claim.topic].append(claim)
    found: dict[str, str] = {}
    for group in groups.values():
        ordered = sorted(group, key=lambda c: (c.published or "", c.claim_id))
        for claim in ordered:
            after = next((c for c in ordered if (c.published or "") > (claim.published or "")), None)
            if after is not None:
                found[claim.claim_id] = after.claim_id
    return found


def _standing(claim: Claim, source: SourceInfo | None, as_of: str | None) -> Standing:
    if source is None:
        return "gone"
    later = as_of is not None and (source.metadata.published or "9999") > as_of
    return "current" if source.version == claim.version or later else "replaced"


def _who(claim: Claim) -> str:
    by = claim.publisher or claim.company or claim.author or "unknown"
    return f"{claim.holder}, in {by}" if claim.holder else by


def _descending(day: str | None) -> tuple[bool, int]:
    return (day is None, -date.fromisoformat(day).toordinal() if day else 0)


def _key(source: SourceInfo) -> str:
    """Return what tells whether a document has to be read again: its text, what is known of it, and this program's reading."""
    meta = source.metadata
    parts = (
        CODE, source.version, source.collection, source.path, meta.published, meta.kind, meta.publisher, meta.company, meta.ticker, meta.title,
        meta.authors, meta.fiscal_period, meta.period_end,
    )  # fmt: skip
    return sha256(repr(parts).encode("utf-8", "surrogatepass"))


def _version(sources: Mapping[str, SourceInfo], document_id: str) -> str:
    return sources[document_id].version if document_id in sources else ""


def _stored(base: Base, document_id: str, version: str) -> bool:
    if not base.readable(document_id):
        return True  # not this reader's to say
    try:
        base.document(document_id, version)
    except NotFound:
        return False
    return True


def _packed(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


def _json(value: object) -> str:
    return json.dumps(value, allow_nan=False, default=str)


def _body(claim: Claim) -> str:
    return _json({f.name: getattr(claim, f.name) for f in fields(Claim) if f.name not in _NOT_IN_BODY})


def _claim(row: tuple[Any, ...]) -> Claim:
    claim_id, document_id, version, collection, published, quote, body = row
    text = "" if quote is None else bytes(quote).decode("utf-8", "surrogatepass")
    return Claim(
        claim_id=claim_id, document_id=document_id, version=version, collection=collection, published=published, quote=text, **json.loads(body)
    )  # fmt: skip


def _check(row: sqlite3.Row | tuple[Any, ...]) -> Check:
    _, claim_id, document_id, time, as_of, outcome, status, reason, call, figures = row
    return Check(
        claim_id, document_id, time, as_of, outcome, status, reason, json.loads(call), tuple(json.loads(figures))
    )


def now() -> str:
    """Return the time as checks carry it."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def same_name(asked: str, *named: str) -> bool:
    """Whether one of ``named`` holds what is asked for, case aside."""
    return any(fold(asked) in fold(name) for name in named if name)
