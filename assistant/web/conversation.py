"""A conversation as frozen values: what the page keeps for one user between events."""

from __future__ import annotations

from dataclasses import dataclass, replace
from uuid import uuid4

from assistant.models import Answer, Failure

KEPT_TURNS = 50  # a session's memory is bounded; older turns leave the page


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

    @property
    def pending(self) -> bool:
        return self.answer is None and self.failure is None and not self.stopped


Turns = tuple[Turn, ...]


def begin(turns: Turns, question: str) -> Turns:
    """Add a turn; its number stays with it when older ones leave, and its conversation is that of the turn before."""
    number, kept = (turns[-1].number + 1, turns[-1].conversation) if turns else (1, uuid4().hex)
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


def history(turns: Turns) -> tuple[dict[str, str], ...]:
    """Return the answered turns as messages, oldest first."""
    messages: list[dict[str, str]] = []
    for turn in turns:
        if turn.answer is not None and turn.answer.status != "error":
            messages.append({"role": "user", "content": turn.question})
            messages.append({"role": "assistant", "content": turn.answer.text})
    return tuple(messages)
