"""How differences reach the list of changes, each together with what makes it so: a crash in between loses none and tells none twice."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from assistant.catalysts import changes
from assistant.catalysts.board import Said
from assistant.catalysts.changes import Noted
from assistant.catalysts.evidence import Difference, Evidence, Read
from assistant.catalysts.schema import Catalyst
from assistant.catalysts.shapes import Board
from vectorstore.database import AnyDatabase, Connection
from vectorstore.records import SourceInfo

Sources = Mapping[str, SourceInfo]
_AGAIN = "/again"  # the state that counts; no catalyst has such an id


def keep(
    database: AnyDatabase,
    kept: Evidence,
    reads: Sequence[Read],
    catalysts: Sequence[Catalyst],
    sources: Sources,
    *,
    again: bool = False,
) -> None:
    """Keep readings, and note what they changed. ``again``: of documents that stood already, which is counted."""
    with database.write() as connection:
        if again:
            changes.remember(connection, _AGAIN, {"times": times_again(connection) + 1})
        differences = kept.keep(reads)
        if changes.begun(connection):
            changes.note(connection, _noted(differences, catalysts, sources), changes.now())


def times_again(connection: Connection) -> int:
    """Return how many times documents that stood already were read again."""
    return int((changes.state(connection, _AGAIN) or {"times": 0})["times"])


def forget(
    database: AnyDatabase, kept: Evidence, catalysts: Sequence[Catalyst], sources: Sources, retention_days: int
) -> None:
    """Drop what is not in any more, and note what went. ``sources``: the documents that are in, by id."""
    current = {name: source.version for name, source in sources.items()}
    with database.write() as connection:
        gone = kept.forget(current, catalysts)
        if changes.begun(connection):
            changes.note(connection, _noted(gone, catalysts, sources), changes.now())
            changes.clear_quotes(connection, current, retention_days)


def _noted(differences: Sequence[Difference], catalysts: Sequence[Catalyst], sources: Sources) -> list[Noted]:
    by_id = {one.id: one for one in catalysts}
    return [
        noted
        for one in differences
        if one.read.catalyst in by_id
        for noted in changes.of_reading(
            one, by_id[one.read.catalyst], sources.get(one.read.document_id), one.read.document_id[:12]
        )
    ]


def settle(database: AnyDatabase, catalysts: Sequence[Catalyst], said: Mapping[str, Said], reader: str) -> None:
    """Note which claims are superseded now; with the first call the list begins. ``said``: of the whole base."""
    now = changes.now()
    with database.write() as connection:
        first = not changes.begun(connection)
        for one in catalysts:
            before = changes.state(connection, one.id) or {}
            terms = f"{one.text_key}/{reader}"
            if not first and before.get("terms") == terms:
                changes.note(connection, changes.superseded(before.get("later", {}), one, said[one.id]), now)
            elif not first and "terms" in before:
                text = "Its words, or what reads them, have changed: its evidence was found anew, which is not listed."
                changes.note(connection, [Noted("redefined", one.id, f"{one.name}: found anew", text)], now)
            later = {name: after.claim.found.evidence_id for name, after in said[one.id].later.items()}
            changes.remember(connection, one.id, before | {"terms": terms, "later": later})
        if first:
            changes.remember(connection, "", {"begun": now})
            text = "The base was read for the board. From here on, what changes is listed."
            changes.note(connection, [Noted("begun", "", "The list of changes begins", text)], now)


def measured(
    database: AnyDatabase, catalysts: Sequence[Catalyst], board: Board, reads_base: Callable[[str], bool]
) -> None:
    """Note thresholds that were crossed and statuses that changed. ``board``: of the whole base, of today."""
    by_id = {one.id: one for one in catalysts}
    now = changes.now()
    with database.write() as connection:
        for one in board.catalysts:
            before = changes.state(connection, one.id) or {}
            changes.note(connection, changes.figures(before, by_id[one.id], one.metrics, reads_base), now)
            changes.remember(connection, one.id, before | changes.state_of(before, one.metrics))


__all__ = ["forget", "keep", "measured", "settle", "times_again"]
