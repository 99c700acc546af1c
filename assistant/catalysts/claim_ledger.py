"""The claim ledger: the claims of the base's documents and every check of them.

Claims are a function of one version's text and of what is known of its document, so they are read once for each. What is listed
is narrowed to the documents that the reader may open, and what hangs on other claims (superseded, contradicted) is found among those alone.
"""

from __future__ import annotations

import json
import time
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import fields, replace
from datetime import date
from typing import Any

from assistant.catalysts.claim_entries import Check, Entry, standing, superseded
from assistant.catalysts.claim_reading import CODE, claims_of
from assistant.catalysts.claims import Claim
from assistant.catalysts.database import Part
from vectorstore.database import AnyDatabase
from vectorstore.errors import NotFound
from vectorstore.names import fold
from vectorstore.records import SourceInfo, sha256
from vectorstore.view import Base, StoreView

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
-- as_of: the last day whose data could be used; over: JSON, the collections that its figures may come from, NULL: all, []: none;
-- figures: JSON; a check is never changed and outlives its claim
CREATE TABLE claim_checks (
    id INTEGER PRIMARY KEY AUTOINCREMENT, claim_id TEXT NOT NULL, document_id TEXT NOT NULL, time TEXT NOT NULL, as_of TEXT NOT NULL,
    outcome TEXT NOT NULL, status TEXT NOT NULL, reason TEXT NOT NULL, call TEXT NOT NULL, figures TEXT NOT NULL, over TEXT);
CREATE INDEX claim_checks_claim ON claim_checks(claim_id, as_of, id)
""",
)
_NOT_IN_BODY = frozenset({"claim_id", "document_id", "version", "collection", "published", "quote"})


class ClaimLedger:
    """Safe in any number of threads; ``database`` has ``PART`` and is closed by who opened it."""

    def __init__(self, database: AnyDatabase) -> None:
        self._database = database

    # reading documents

    def update(
        self,
        base: Base,
        *,
        seconds: float | None = None,
        stop: Callable[[], bool] = lambda: False,
        go_on: Callable[[], None] = lambda: None,
        progress: Callable[[int, int], None] = lambda done, total: None,
    ) -> int:
        """Read the documents of ``base`` that are new or changed, and return how many are left.

        ``seconds``, ``stop``: when to leave the rest for later; ``go_on`` raises where nobody waits any more.
        """
        end = None if seconds is None else time.monotonic() + seconds
        sources = {s.document_id: s for s in base.sources() if s.version}
        with self._database.read() as connection:
            held = dict(connection.execute("SELECT document_id, key FROM claims_read"))
        new = [s for s in sources.values() if held.get(s.document_id) != _key(s)]
        for done, source in enumerate(new):
            if stop() or (end is not None and time.monotonic() >= end):
                return len(new) - done
            go_on()
            progress(done, len(new))
            self._read(base, source)
        if new:
            progress(len(new), len(new))
        self._forget(base, sources)
        return 0

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
            connection.executemany(
                "INSERT INTO claims VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (claim_id) DO UPDATE SET "
                "document_id = excluded.document_id, version = excluded.version, collection = excluded.collection, "
                "published = excluded.published, quote = excluded.quote, body = excluded.body",
                rows,
            )
            row = (source.document_id, source.version, _key(source))
            connection.execute(
                "INSERT INTO claims_read VALUES (?, ?, ?) ON CONFLICT (document_id) DO UPDATE SET "
                "version = excluded.version, key = excluded.key",
                row,
            )

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

    def keep(self, base: Base, check: Check, *, reads_base: bool) -> None:
        """Keep a check for good. ``reads_base``: its figures may come from the documents of ``base``, so that only those who may read
        all of these see it.
        """
        over: str | None = "[]"
        if reads_base:
            over = _json(sorted(map(fold, base.within))) if isinstance(base, StoreView) else None
        row = (
            check.claim_id, check.document_id, check.time, check.as_of, check.outcome, check.status, check.reason,
            _json(check.call), _json(list(check.figures)), over,
        )  # fmt: skip
        with self._database.write() as connection:
            connection.execute(
                "INSERT INTO claim_checks (claim_id, document_id, time, as_of, outcome, status, reason, call, figures, over) "
                "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
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
                if (as_of is None or check.as_of <= as_of) and may_read(check.document_id) and _sees(base, row[-1]):
                    checks[check.claim_id].append(check)
        claims = [
            _claim(row)
            for row in rows
            if may_read(row[1]) and (as_of is None or (row[4] is not None and row[4] <= as_of))
        ]
        stands = {c.claim_id: standing(c, sources.get(c.document_id), as_of) for c in claims}
        later = superseded([c for c in claims if stands[c.claim_id] == "current"])
        found = [
            Entry(
                c,
                "superseded" if c.claim_id in later else stands[c.claim_id],
                later.get(c.claim_id),
                tuple(checks.get(c.claim_id, ())),
            )
            for c in claims
        ]
        return tuple(sorted(found, key=lambda e: (_descending(e.claim.published), e.claim.path, e.claim.figure_start)))


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


def _sees(base: Base, over: str | None) -> bool:
    """Whether a reader may read every document that a check may have read."""
    if not isinstance(base, StoreView):
        return True
    return over is not None and frozenset(json.loads(over)) <= base.within


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


def _check(row: tuple[Any, ...]) -> Check:
    _, claim_id, document_id, time, as_of, outcome, status, reason, call, figures, _ = row
    return Check(
        claim_id, document_id, time, as_of, outcome, status, reason, json.loads(call), tuple(json.loads(figures))
    )
