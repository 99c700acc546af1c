"""What the audit keeps of each event; pure. Digests stand in for texts where the setting ``audit_text`` is off."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from assistant.access import User
from assistant.models import Answer
from assistant.records.chain import canonical, digest
from assistant.service.ports import Asked
from vectorstore.settings import Settings

# Keys whose values hold words of a question or an answer.
TEXTS = frozenset({"question", "standalone_question", "query", "history", "answer", "arguments", "reason", "said"})


def question(asked: Asked) -> dict[str, Any]:
    """Return what was asked, with what the answer depends on beside the base."""
    return {
        "question": asked.question,
        "conversation_id": asked.conversation_id,
        "as_of": asked.as_of,
        "filters": _plain(asked.filters),
        "model_asked": asked.model,
        "by_model": asked.by_model,
        "collections": None if asked.collections is None else sorted(asked.collections),
        "history": [dict(turn) for turn in asked.history],
        "today": asked.today.isoformat(),
    }


def answered(asked: Asked, answer: Answer, notes: int, settings: Settings) -> dict[str, Any]:
    """Return what was asked, what answered it, and the whole Answer."""
    return question(asked) | {
        "answer_id": answer.answer_id,
        "standalone_question": answer.standalone_question,
        "status": answer.status,
        "error": answer.error.kind if answer.error else None,
        "mode": answer.mode,
        "model": answer.model,
        "prompt_sha": answer.prompt_sha,
        "embedding_fingerprint": answer.embedding_fingerprint,
        "index_fingerprint": answer.index_fingerprint,
        "cited": _versions(answer.citations),
        "retrieved": _versions(answer.passages),
        "tool_calls": [
            {"tool": r.tool, "arguments": r.arguments, "status": r.status, "retrieved_at": r.retrieved_at}
            for r in answer.tool_results
        ],
        "notes": notes,
        "settings": {"stale_after_days": settings.stale_after_days, "reranker": settings.reranker},
        "program": program(),
        "answer": answer.model_dump(),
    }


def by(user: User, payload: Mapping[str, Any]) -> dict[str, Any]:
    """Return a payload that says how the user was known."""
    return {**payload, "via": user.via, "role": user.role}


def without_texts(value: Any) -> Any:
    """Return a payload in which texts are replaced by their digest, under KEY_sha."""
    if isinstance(value, Mapping):
        return {
            **{key: without_texts(held) for key, held in value.items() if key not in TEXTS},
            **{f"{key}_sha": digest(held) for key, held in value.items() if key in TEXTS},
        }
    if isinstance(value, list | tuple):
        return [without_texts(held) for held in value]
    return value


def _versions(found: Sequence[Any]) -> list[list[str]]:
    return [list(pair) for pair in dict.fromkeys((one.document_id, one.version) for one in found)]


def _plain(filters: object) -> object:
    """Return filters as they were asked for; what is no JSON as its text."""
    try:
        canonical(filters)
    except (ValueError, TypeError, RecursionError):
        return str(type(filters).__name__)
    return filters


@cache
def program() -> str:
    """Return the version of this program."""
    try:
        return version("thesis-assistant")
    except PackageNotFoundError:
        return ""
