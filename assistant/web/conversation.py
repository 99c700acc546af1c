"""A conversation as frozen values: what the page keeps for one user between events."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any
from uuid import uuid4

from assistant.models import Answer, Failure
from assistant.understood import Understood

KEPT_TURNS = 50  # a session's memory is bounded; older turns leave the page

_UNANSWERED = {
    "stopped": ("Stopped before an answer was made.", "Ask again, with Retry."),
    "failed": ("The question could not be answered because of a fault.", "Ask again, with Retry."),
}
_WITHHELD = (
    "This answer cannot be shown any more.",
    "It was made from documents that you may no longer read; ask again.",
)


@dataclass(frozen=True, slots=True)
class Turn:
    """One question and what came back so far: ``answer`` at the end, or a ``failure``, or ``stopped`` by the user."""

    question: str
    number: int = 0
    status: str = ""
    sentences: tuple[str, ...] = ()
    draft: str = ""  # words of a model that no check has seen yet
    answer: Answer | None = None
    failure: Failure | None = None
    stopped: bool = False
    conversation: str = ""  # the id under which records keep it with the turns before
    read: Understood | None = None  # what the question was understood as
    judged: str = ""  # what the user said of the answer: "good", "bad"

    @property
    def pending(self) -> bool:
        return self.answer is None and self.failure is None and not self.stopped


Turns = tuple[Turn, ...]


def begin(turns: Turns, question: str, conversation: str = "") -> Turns:
    """Add a turn; its number stays with it when older ones leave.

    Its conversation is that of the turn before; of a first turn ``conversation``, or a new one.
    """
    number, kept = (turns[-1].number + 1, turns[-1].conversation) if turns else (1, conversation or uuid4().hex)
    return (*turns, Turn(question=question, number=number, conversation=kept))[-KEPT_TURNS:]


def update(turns: Turns, turn: Turn) -> Turns:
    """Put a newer state of a turn in the place of the older one."""
    return tuple(turn if old.number == turn.number else old for old in turns)


def stop(turns: Turns) -> Turns:
    """Mark the turns that are still being answered as stopped."""
    return tuple(replace(turn, stopped=True, status="") if turn.pending else turn for turn in turns)


def find(turns: Turns, number: object) -> Turn | None:
    """Return the turn of that number (as a browser sent it); None where there is none."""
    return next((turn for turn in turns if str(turn.number) == str(number)), None)


def before(turns: Turns, number: int) -> Turns:
    """Return the turns before that number: what stays when the question of that number is asked anew."""
    return tuple(turn for turn in turns if turn.number < number)


def last_answer(turns: Turns) -> str | None:
    """Return the id of the last answer; None where there is none."""
    return next((turn.answer.answer_id for turn in reversed(turns) if turn.answer is not None), None)


def current(turns: Turns) -> str:
    """Return the id of the conversation that the turns are of; "" for none."""
    return turns[-1].conversation if turns else ""


def restored(kept: Mapping[str, Any]) -> Turns:
    """Return a conversation as records keep it (``Service.conversation``) as turns of the page."""
    turns = []
    for number, one in enumerate(kept["turns"], start=1):
        answer = one["answer"]
        message, what_to_do = _UNANSWERED.get(str(one["status"]), _WITHHELD)
        failure = None if answer is not None else Failure(kind="no_answer", message=message, what_to_do=what_to_do)
        turns.append(
            Turn(one["question"], number, answer=answer, failure=failure, conversation=kept["conversation_id"])
        )
    return tuple(turns)[-KEPT_TURNS:]


def history(turns: Turns) -> tuple[dict[str, str], ...]:
    """Return the answered turns as messages, oldest first."""
    messages: list[dict[str, str]] = []
    for turn in turns:
        if turn.answer is not None and turn.answer.status != "error":
            messages.append({"role": "user", "content": turn.question})
            messages.append({"role": "assistant", "content": turn.answer.text})
    return tuple(messages)
