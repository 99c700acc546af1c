"""What was once said and may no longer be read: a right that is withdrawn counts for old answers too."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from assistant.models import Answer
from assistant.service.ports import Turn
from vectorstore.errors import NotFound

Readable = Callable[[frozenset[str]], bool]


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

    def shown(turn: Mapping[str, Any]) -> Mapping[str, Any]:
        answer = turn["answer"]
        return turn if answer is None or readable(documents_of(answer)) else {**turn, "answer": None}

    return {**conversation, "turns": [shown(turn) for turn in conversation["turns"]]}


def unsaid(history: Sequence[Turn], conversation: Mapping[str, Any], readable: Readable) -> list[Turn]:
    """Return ``history`` without the answers that may no longer be read; the user's own words stay."""
    hidden = {
        turn["answer"].text
        for turn in conversation["turns"]
        if turn["answer"] is not None and not readable(documents_of(turn["answer"]))
    }
    return [turn for turn in history if turn["role"] == "user" or turn["content"] not in hidden]
