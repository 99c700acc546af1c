"""The board of one store: brought up to date, and shown as a reader may see it.

Documents are read for all at once; what a reader is shown is made from the documents of their own view, as if no others were in.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import Counter, OrderedDict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from functools import cache, partial
from typing import TYPE_CHECKING

from assistant.catalysts import changes, claim_ledger, evidence, measured, outbox, recording, status
from assistant.catalysts.board import RULES, Said, catalyst_board, said
from assistant.catalysts.database import open_board, taken
from assistant.catalysts.evidence import Classify, Evidence, Found
from assistant.catalysts.library import load, need
from assistant.catalysts.measured import Call, Measured
from assistant.catalysts.schema import Catalyst
from assistant.catalysts.shapes import Board, Changes
from assistant.evidence import Encode
from assistant.models import ToolResult
from assistant.scope import replaced
from vectorstore.database import AnyDatabase, shared_of
from vectorstore.errors import NotFound
from vectorstore.names import fold
from vectorstore.records import Filters, SourceInfo
from vectorstore.settings import Settings
from vectorstore.view import Base, StoreView

if TYPE_CHECKING:
    from assistant.catalysts.stance_by_model import ByModel

log = logging.getLogger(__name__)
_AT_ONCE = 16  # documents that are read and kept together
_PARTS = (evidence.PART, measured.PART, changes.PART, outbox.PART, claim_ledger.PART)
_SHOWN_KEPT = 16  # views, days and catalysts whose claims are kept

# (what stands for the documents, as_of, ids) -> claims by catalyst
_Key = tuple[object, ...]


class Boards:
    """Safe in any number of threads; one reads documents at a time. ``store``: the whole base."""

    def __init__(
        self,
        store: Base,
        settings: Settings,
        encode: Encode,
        classify: Classify,
        reader: str,
        model: ByModel | None = None,
    ) -> None:
        """``reader``: what the stances depend on beside texts and catalysts: the classifier's version. ``model``: reads again what it finds."""
        self._store, self._settings, self._encode, self._classify = store, settings, encode, classify
        self._model = model
        self._reader = reader if model is None else f"{reader}+{model}"
        self._opening, self._keeping = threading.Lock(), threading.Lock()
        self._database: AnyDatabase | None = None
        self._settled: object = None  # what the list of changes was last compared over
        self._said: OrderedDict[_Key, tuple[Mapping[str, Said], int]] = OrderedDict()

    @property
    def reader(self) -> str:
        """Who reads: classifier, model and chunker. Where one changes, all is read again."""
        return f"{self._reader}/{self._store.embedding_fingerprint}"

    def database(self) -> AnyDatabase:
        """Return what is kept, opened at the first use: ``board.sqlite``, or what machines share. Raises StoreError."""
        with self._opening:
            if self._database is None:
                place = shared_of(self._settings) or self._store.root
                self._database = open_board(place, *_PARTS)
            return self._database

    def close(self) -> None:
        with self._opening:
            if self._database is not None:
                self._database.close()
                self._database = None

    # Reading

    def update(
        self,
        *,
        stop: Callable[[], bool] = lambda: False,
        seconds: float | None = None,
        progress: Callable[[int, int], None] = lambda done, total: None,
    ) -> int:
        """Read what has changed since the last time; return how many documents are still to be read.

        ``seconds``: no new batch is begun after that, and another thread or process that reads is not waited for. ``stop`` ends
        it too. Raises StoreError, CatalystsError.
        """
        with taken(self.database().lock("reading"), wait=seconds is None, stop=stop) as lock:
            if lock is None:
                return 1
            try:
                return self._update(lambda: stop() or not lock.kept(), seconds, progress)
            finally:
                if self._model is not None:
                    self._model.report()

    def _update(self, stop: Callable[[], bool], seconds: float | None, progress: Callable[[int, int], None]) -> int:
        end = None if seconds is None else time.monotonic() + seconds
        catalysts, database = load(self._settings), self.database()
        kept = Evidence(database, self.reader)
        sources = {s.document_id: s for s in self._store.sources() if s.version}
        current = {name: source.version for name, source in sources.items()}
        recording.forget(database, kept, catalysts, sources, self._settings.retention_days)
        new = kept.unread(current, catalysts)
        unread, first, at_once = list(new.items()), len(new), _AT_ONCE
        if self._model is not None:  # slow: what was read is kept after each document
            at_once = 1
            partly = kept.unread(current, catalysts, partly=True)
            unread += [one for one in partly.items() if one[0] not in new]
        for at in range(0, len(unread), at_once):
            if at >= first and self._model is not None and self._model.paused:
                break
            if stop() or (end is not None and at and time.monotonic() > end):
                return len(unread) - at
            progress(at, len(unread))
            reads = [
                one for name, wanted in unread[at : at + at_once] for one in self._read(name, current[name], wanted)
            ]
            recording.keep(database, kept, reads, catalysts, sources, again=at >= first)
        if unread:
            progress(len(unread), len(unread))
        terms = (hash(tuple(map(identity, sources.values()))), tuple(one.text_key for one in catalysts), self.reader)
        if sources and terms != self._settled:  # with an empty base nothing has begun yet
            standing = _standing(sources.values())
            recording.settle(database, catalysts, self._told(catalysts, standing)[0], self.reader)
            self._settled = terms
        return 0

    def _read(self, document_id: str, version: str, wanted: Sequence[Catalyst]) -> list[evidence.Read]:
        try:
            document = self._store.document(document_id, version)
            chunks = self._store.chunks(document_id)
        except NotFound:
            return []  # taken out meanwhile: the next update sees it
        if self._model is None:
            return evidence.read(document, chunks, wanted, self._classify, self._encode)
        from assistant.catalysts.stance_by_model import Judge

        judge = Judge(self._model, document.collection)
        read = evidence.read(document, chunks, wanted, judge, self._encode)
        return [replace(one, partly=one.catalyst in judge.unasked) for one in read]

    # Showing

    def board(
        self,
        view: Base,
        call: Call,
        *,
        as_of: str | None = None,
        since: str | None = None,
        only: str | None = None,
        refresh: bool = False,
        measure: bool = True,
        keep: Callable[[SourceInfo], bool] | None = None,
    ) -> Board:
        """Return the board over the documents of ``view``, as far as they are read.

        ``call`` runs a tool over them as of the same day; ``refresh`` calls all tools again, ``measure`` False calls none. ``only``:
        the id of one catalyst. ``keep``: which documents count (a watchlist). Raises NotFound, StoreError, CatalystsError.
        """
        catalysts = load(self._settings)
        chosen = catalysts if only is None else (need(catalysts, only),)
        listed = view.sources(Filters(as_of=as_of))
        sources = {name: s for name, s in _standing(listed).items() if keep is None or keep(s)}
        told, pending = self._told(chosen, sources)
        today = datetime.now(UTC).date().isoformat()
        results, at = self.results(chosen, view, call, as_of=as_of, refresh=refresh, measure=measure)
        undated = view.undated(Filters(as_of=as_of))
        return Board(
            as_of=as_of,
            since=since,
            catalysts=tuple(
                catalyst_board(
                    one,
                    told[one.id],
                    status.readings(
                        one, results, day=as_of or today, as_of=as_of, stale_after_days=self._settings.stale_after_days
                    ),
                    since=since,
                    measured_at=at,
                )
                for one in chosen
            ),
            documents=len(sources),
            pending=pending,
            classifier=self._reader,
            rules=dict(RULES) | ({} if self._model is None else {"model": self._model.rule}),
            warnings=_warnings(undated, as_of, pending, [why for one in told.values() for why in one.without]),
        )

    def found(
        self, view: Base, only: str, *, as_of: str | None = None, keep: Callable[[SourceInfo], bool] | None = None
    ) -> tuple[list[Found], Mapping[str, SourceInfo], int]:
        """Return every sentence that is surely on the catalyst ``only``, also those that say the same again, the documents by id, and how many of these
        are not read yet. Raises as ``board``.
        """
        one = need(load(self._settings), only)
        standing = _standing(view.sources(Filters(as_of=as_of)))
        sources = {name: s for name, s in standing.items() if keep is None or keep(s)}
        found, _, known = Evidence(self.database(), self.reader).of(
            one, {name: s.version for name, s in sources.items()}
        )
        return [one for one in found if one.sure], sources, len(sources.keys() - known)

    def changes(
        self,
        view: Base,
        *,
        since: str | None = None,
        until: str | None = None,
        catalyst: str | None = None,
        limit: int = 200,
        keep: Callable[[SourceInfo], bool] | None = None,
    ) -> Changes:
        """Return what changed, newest first, as far as a reader may know. Raises NotFound, StoreError, CatalystsError."""
        if catalyst is not None:
            need(load(self._settings), catalyst)
        kept = None if keep is None else {s.document_id for s in view.sources() if keep(s)}
        readable = cache(view.readable)
        with self.database().read() as connection:
            return changes.listed(
                connection,
                lambda one: readable(one) and (kept is None or one in kept),
                whole=not isinstance(view, StoreView),
                since=since,
                until=until,
                catalyst=catalyst,
                limit=limit,
            )

    def measure(self, call: Call, *, refresh: bool = False) -> Board:
        """Return the board of the whole base as of today, and note what its figures changed. ``call``, ``refresh``: as ``board``."""
        board = self.board(self._store, call, refresh=refresh)
        recording.measured(self.database(), load(self._settings), board, reads_base)
        return board

    def results(
        self,
        catalysts: Sequence[Catalyst],
        view: Base,
        call: Call,
        *,
        as_of: str | None = None,
        refresh: bool = False,
        measure: bool = True,
    ) -> tuple[dict[tuple[str, str], ToolResult], str | None]:
        """Return what the tools gave for the conditions of ``catalysts`` by Condition.call, and when; parameters as ``board``."""
        return Measured(self.database(), self._settings).results(
            status.needed(catalysts),
            call,
            day=as_of or datetime.now(UTC).date().isoformat(),
            as_of=as_of,
            over=partial(_over, view),
            refresh=refresh,
            ask=measure,
        )

    def _told(self, catalysts: Sequence[Catalyst], sources: Mapping[str, SourceInfo]) -> tuple[Mapping[str, Said], int]:
        """Return the claims by catalyst, and how many of ``sources`` are not read yet."""
        database, again = self.database(), 0
        if self._model is not None:
            with database.read() as connection:
                again = recording.times_again(connection)
        key: _Key = (
            hash(tuple(map(identity, sources.values()))),
            *((one.id, one.text_key) for one in catalysts),
            self.reader,
            again,
        )
        with self._keeping:
            if key in self._said:
                self._said.move_to_end(key)
                return self._said[key]
        kept = Evidence(database, self.reader)
        current = {name: source.version for name, source in sources.items()}
        made: dict[str, Said] = {}
        read = set(current)
        with database.read():
            listed = [(one.id, kept.of(one, current)) for one in catalysts]
        for name, (found, left_out, known) in listed:
            made[name] = said(found, sources, left_out)
            read &= known
        result = made, len(current) - len(read)
        if result[1]:
            return result  # more is to come; what is whole never changes under its key
        with self._keeping:
            self._said[key] = result
            while len(self._said) > _SHOWN_KEPT:
                self._said.popitem(last=False)
        return result


def identity(source: SourceInfo) -> tuple[object, ...]:
    """Return all of a document that the board shows or orders by."""
    meta = source.metadata
    named = (meta.title, meta.publisher, meta.authors, meta.published, meta.kind, meta.company, meta.ticker)
    return source.document_id, source.version, source.path, *named


def _standing(listed: Iterable[SourceInfo]) -> dict[str, SourceInfo]:
    """Return the documents that speak, by id: those that are in, without filings that an amended one stands in for."""
    sources = [source for source in listed if source.version]
    old = replaced(sources)
    return {source.document_id: source for source in sources if source.document_id not in old}


def reads_base(tool: str) -> bool:
    """Whether a tool's figures hang on the documents that are in."""
    from assistant.tools.registry import tools

    return tool in tools() and "documents" in tools()[tool].sources


def _over(view: Base, tool: str) -> str:
    """Return what stands for the documents that a tool reads: who may see what is part of it."""
    if not reads_base(tool):
        return ""
    within = "|".join(sorted(map(fold, view.within))) if isinstance(view, StoreView) else "*"
    return f"{within} {view.index_fingerprint}"


def _warnings(undated: int, as_of: str | None, pending: int, without: Sequence[str]) -> tuple[str, ...]:
    out = []
    if undated:
        out.append(f"{undated} document{'s' * (undated != 1)} without a date left out under as-of {as_of}.")
    if pending:
        out.append(f"{pending} document{'s are' if pending != 1 else ' is'} not read for the board yet.")
    for why, count in sorted(Counter(without).items()):
        out.append(f"{count} sentence{'s were' if count != 1 else ' was'} {why}.")
    return tuple(out)


__all__ = ["Boards", "identity", "reads_base"]
