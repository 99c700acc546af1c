"""Which questions the board answers: what would change one's mind on a catalyst, where live data stand, what falls due. Pure.

Few on purpose: a question that a document may answer goes to the documents. Each pattern is of the whole question.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Literal

from assistant.catalysts.schema import Catalyst
from assistant.catalysts.shapes import BoardStatus
from assistant.lexicon import stem, stopwords

_WHOSE = r"(?:your|our|my|one['’]s|the (?:house|desk|team)['’]s|the)"
_MIND = re.compile(
    rf"(?:so,? )?what (?:would|could|might|will|can) (?:it take to |make (?:you|us|one) )?(?:change|changes) {_WHOSE} (?:mind|minds|view|views|opinion)s?"
    r" (?:on|about|of|regarding|concerning) (?P<what>.+?)",
    re.I,
)
_STATES: tuple[tuple[str, tuple[BoardStatus, ...]], ...] = (
    (r"contradicted|refuted|disproved|disproven|denied|opposed|challenged", ("contradicting", "mixed")),
    (r"confirmed|supported|borne out|backed|proven", ("confirming",)),
    (r"mixed|unclear|undecided", ("mixed",)),
    (r"stale|out of date|old", ("stale",)),
    (r"without (?:live )?data|not covered|untested", ("no_data",)),
)
_BY = r"(?:by|with|in|according to) (?:the )?(?:(?:live|current|latest|newest|today['’]s) )?(?:data|metrics?|figures?|numbers|tools)"
_WHICH = re.compile(
    r"(?:which|what|how many)(?: of (?:the|our|your|my))? catalysts (?:are|is|stand|look|have been|get|were) (?:now |currently |today )?"
    rf"(?P<state>{'|'.join(words for words, _ in _STATES)})(?: {_BY})?(?: now| today| at the moment| currently)?",
    re.I,
)
_BOARD = re.compile(
    r"(?:show(?: me)?|give me|what is|what['’]s|where is|how is|how does)? ?(?:the )?(?:status of (?:the |our |all |each )?catalysts?|catalyst board(?: look(?: like)?| stand)?)"
    r"(?: now| today)?|(?:where|how) do (?:the |our |all )?catalysts stand(?: now| today)?",
    re.I,
)
_DUE = re.compile(
    r"(?:(?:which|what)(?: (?:claims?|forecasts?|predictions?|guidance|targets?))? (?:is|are|comes?|falls?|will be|becomes?) due|"
    r"(?:which|what) (?:claims?|forecasts?|predictions?|guidance|targets?) (?:fall|come|mature|end)s?(?: due)?)"
    r" (?:in |by |within )?(?:the )?(?:end of )?(?:the )?(?P<when>this|next|current|coming) (?P<span>week|month|quarter|year)",
    re.I,
)
_PLAIN = frozenset(
    stem(w)
    for w in (
        "thesis",
        "catalyst",
        "small",
        "cap",
        "caps",
        "company",
        "story",
        "case",
        "theme",
        "new",
        "rising",
        "higher",
    )
)


@dataclass(frozen=True, slots=True)
class BoardQuestion:
    """What is asked. ``mind``: of one ``catalyst``; ``standing``: which are of one of ``states`` (all where empty); ``due``: claims by day."""

    kind: Literal["mind", "standing", "due"]
    catalyst: Catalyst | None = None
    states: tuple[BoardStatus, ...] = ()
    asked: str = ""
    due: tuple[str, str] = ("", "")


def board_question(text: str, catalysts: Callable[[], Sequence[Catalyst]], today: date) -> BoardQuestion | None:
    """Return what a question asks of the board; None for all that documents or single tools answer.

    ``catalysts`` is called only where one is to be named: a file of them that is broken fails no other question.
    """
    plain = " ".join(text.split()).strip().rstrip("?!. ")
    if match := _MIND.fullmatch(plain):
        found = named(match["what"], catalysts())
        return BoardQuestion("mind", catalyst=found) if found is not None else None
    if match := _WHICH.fullmatch(plain):
        said = match["state"].lower()
        states = next(states for words, states in _STATES if re.fullmatch(words, said))
        return BoardQuestion("standing", states=states, asked=said)
    if _BOARD.fullmatch(plain):
        return BoardQuestion("standing")
    if match := _DUE.fullmatch(plain):
        return BoardQuestion("due", due=_span(match["when"].lower(), match["span"].lower(), today))
    return None


def named(words: str, catalysts: Sequence[Catalyst]) -> Catalyst | None:
    """Return the catalyst that ``words`` name: by words of its name and id only, or by one of its phrases; None where several fit."""
    said = _stems(words) - _PLAIN
    if not said:
        return None
    by_name = [one for one in catalysts if said <= _stems(f"{one.name} {one.id}")]
    if len(by_name) == 1:
        return by_name[0]
    by_phrase = [one for one in by_name or catalysts if any(said == _stems(phrase) - _PLAIN for phrase in one.look_for)]
    return by_phrase[0] if len(by_phrase) == 1 else None


def _stems(text: str) -> frozenset[str]:
    found = re.findall(r"[A-Za-z0-9]+", text.lower())
    return frozenset(stem(word) for word in found if word not in stopwords())


def _span(when: str, span: str, today: date) -> tuple[str, str]:
    """Return the first and last day of this or the next week (from Monday), month, quarter or year."""
    ahead = int(when in ("next", "coming"))
    if span == "week":
        first = today - timedelta(days=today.weekday()) + timedelta(weeks=ahead)
        return first.isoformat(), (first + timedelta(days=6)).isoformat()
    months = {"month": 1, "quarter": 3, "year": 12}[span]
    begin = today.year * 12 + (today.month - 1) // months * months + months * ahead
    first, after = (date(n // 12, n % 12 + 1, 1) for n in (begin, begin + months))
    return first.isoformat(), (after - timedelta(days=1)).isoformat()


__all__ = ["BoardQuestion", "board_question", "named"]
