"""The events of one question on their way out: gated and recorded before anybody sees them."""

from __future__ import annotations

from collections.abc import Generator, Mapping
from typing import Any

from assistant.access import User
from assistant.service.ports import Asked, Gates, Records, Refused

Event = Mapping[str, Any]
_WORDS = frozenset({"sentence", "draft"})


def refused(user: User, asked: Asked, records: Records | None, gates: Gates | None) -> None:
    """Raise Refused, recorded, where a gate lets the question not in."""
    if gates is None:
        return
    try:
        gates.question(user, asked.question)
    except Refused as error:
        if records is not None:
            records.ended(user, asked, "refused", error.why or error.message)
        raise


def delivered(
    events: Generator[Event, None, None], user: User, asked: Asked, records: Records | None, gates: Gates | None
) -> Generator[Event, None, None]:
    """Yield ``events`` as they may leave.

    Without a model the sentences wait for the record of their answer. A model's words go out while it writes: that it was asked is
    recorded before, each of its words passes the gates, and what was shown stands in the record where no answer follows.
    Raises Refused, StoreError where nothing can be recorded: then the answer is not given.
    """
    held: list[Event] = []
    said: list[str] = []
    kind, reason, recorded = "stopped", "", records is None
    try:
        if records is not None and asked.by_model:
            records.begun(user, asked)
        for event in events:
            if event["type"] == "answer":
                answer = event["answer"] if gates is None else gates.answer(user, event["answer"])
                notes = len(answer.warnings) - len(event["answer"].warnings)
                recorded = True  # or it cannot be, and then neither can what follows from that
                if records is not None:
                    records.asked(user, asked, answer, notes=notes)
                yield from held
                yield {**event, "answer": answer}
            elif event["type"] not in _WORDS:
                yield event
            else:
                if gates is not None:
                    gates.sentence(user, event["text"])
                if not asked.by_model and not recorded:
                    held.append(event)
                    continue
                if event["type"] == "sentence":
                    said.append(event["text"])
                yield event
    except Refused as error:
        kind, reason = "refused", error.why or error.message
        raise
    except Exception as error:
        kind, reason = "failed", type(error).__name__
        raise
    finally:
        events.close()
        if records is not None and not recorded:
            records.ended(user, asked, kind, reason, said)
