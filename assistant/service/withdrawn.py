"""What was said and may not be read: a right that is withdrawn counts for old answers too, and a reader's own for another's."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from assistant.models import Answer
from assistant.service.ports import Turn
from vectorstore.errors import NotFound
from vectorstore.names import fold

Readable = Callable[[frozenset[str]], bool]
WITHHELD = "withheld"  # the status of a turn whose answer its reader may not see


def no_answer() -> NotFound:
    """Return the error for an answer that is not there, or no longer for this user."""
    return NotFound("There is no such answer.", "Ask again: it may have been deleted, or was another's.")


def documents_of(answer: Answer) -> frozenset[str]:
    """Return the ids of all documents whose words or figures an answer holds."""
    inputs = (one for result in answer.tool_results for metric in result.metrics for one in metric.inputs)
    return frozenset(
        {c.document_id for c in answer.citations}
        | {p.document_id for p in answer.passages}
        | {str(one["document_id"]) for one in inputs if one.get("document_id")}
    )


def narrowed(conversation: Mapping[str, Any], readable: Readable) -> Mapping[str, Any]:
    """Return a conversation (``Records.conversation``) whose answers that may no longer be read are None."""

    def shown(turn: Mapping[str, Any]) -> Answer | None:
        answer: Answer | None = turn["answer"]
        return answer if answer is None or readable(documents_of(answer)) else None

    return _with_answers(conversation, shown)


def _with_answers(
    conversation: Mapping[str, Any], shown: Callable[[Mapping[str, Any]], Answer | None]
) -> Mapping[str, Any]:
    turns = [
        {key: held for key, held in turn.items() if key != "collections"} | {"answer": shown(turn)}
        for turn in conversation["turns"]
    ]
    return {**conversation, "turns": turns}


def unsaid(history: Sequence[Turn], conversation: Mapping[str, Any], readable: Readable) -> list[Turn]:
    """Return ``history`` without the answers that may no longer be read; the user's own words stay."""
    hidden = {
        turn["answer"].text
        for turn in conversation["turns"]
        if turn["answer"] is not None and not readable(documents_of(turn["answer"]))
    }
    return [turn for turn in history if turn["role"] == "user" or turn["content"] not in hidden]


@dataclass(frozen=True, slots=True)
class Reader:
    """Who reads what another was told. ``collections``: that they may read (None: all); ``names``: the companies, tickers and
    publishers of those; ``gate``: returns an answer as it may leave now, None for one that is held back.
    """

    collections: frozenset[str] | None
    readable: Readable
    names: frozenset[str]
    gate: Callable[[Answer], Answer | None]

    def covers(self, collections: frozenset[str] | None) -> bool:
        """Whether all of ``collections`` (None: all there are) may be read."""
        if self.collections is None:
            return True
        return collections is not None and set(map(fold, collections)) <= set(map(fold, self.collections))


def for_reader(conversation: Mapping[str, Any], reader: Reader) -> Mapping[str, Any]:
    """Return another's conversation as ``reader`` may see it: title and questions as they are, answers as they may.

    Of an answer that is withheld not even its id stays, nor whether the base had one.
    """
    shown = _with_answers(conversation, lambda turn: _lent(turn, reader))
    withheld = {"status": WITHHELD, "answer_id": None}
    turns = [
        new | withheld if new["answer"] is None and old["answer"] is not None else new
        for old, new in zip(conversation["turns"], shown["turns"], strict=True)
    ]
    return {**shown, "turns": turns}


def _lent(turn: Mapping[str, Any], reader: Reader) -> Answer | None:
    """Return the answer of a turn for a reader; None where it speaks of what they may not read.

    One that was made over more than the reader may read says more than its documents: counts of documents in its warnings, names
    of the base in its filters, figures of live metrics that read all documents. The first is taken out, the others hide it.
    """
    answer: Answer | None = turn["answer"]
    if answer is None or not reader.readable(documents_of(answer)):
        return None
    if not reader.covers(turn["collections"]):
        if any(reads_base(result.tool) for result in answer.tool_results) or not _names_of(answer) <= set(
            map(fold, reader.names)
        ):
            return None
        answer = answer.model_copy(update={"warnings": (), "index_fingerprint": ""})
    return reader.gate(answer)


def _names_of(answer: Answer) -> frozenset[str]:
    listed = (answer.filters.get(key, ()) for key in ("company", "ticker", "publisher"))
    return frozenset(fold(str(name)) for names in listed for name in names)


def reads_base(tool: str) -> bool:
    """Whether a live metric may have read documents of the base."""
    from assistant.tools.registry import tools

    return tool not in tools() or tool == "verify_claim" or "documents" in tools()[tool].sources
