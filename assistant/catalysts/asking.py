"""Which questions the board answers: what would change one's mind on a catalyst, where live data stand, what falls due, which companies
speak of a catalyst. Pure.

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
_COMPANIES = re.compile(
    r"(?:which|what)(?: of (?:the|our|my))? (?:(?P<size>small|mid|large)[- ]?caps?(?: (?:companies|firms|names|stocks))?|"
    r"(?P<sized>small|large)(?:er)? (?:companies|firms)|companies|firms|names|stocks)(?: in (?:the|our|my) (?:base|watchlist|universe))?"
    r" (?:mention|speak (?:of|about)|talk about|discuss|refer to|comment on|write about)s? (?P<what>.+?)"
    r"(?P<where>(?:,? (?:and|but|with|that|which|while|who)(?: also| still)?(?: (?:have|has|having|carry|carries|are|is|do|does))? .+?)?)",
    re.I,
)
# What a clause says of a company's figures -> the named condition (assistant.catalysts.companies.NAMED).
_WHERE: tuple[tuple[str, str], ...] = (
    (r"(?:have |has |carry |carries |with )?(?:very )?(?:little|low|small|modest|hardly any) (?:net )?(?:debt|leverage)|(?:are |is )?(?:not very|lowly|little) (?:indebted|leveraged|levered)", "little_debt"),
    (r"(?:have |has |carry |carries |with )?(?:much|high|heavy|large|a lot of|lots of) (?:net )?(?:debt|leverage)|(?:are |is )?(?:highly|heavily) (?:indebted|leveraged|levered)", "much_debt"),
    (r"(?:cannot|do not|don['’]t|does not) (?:cover|earn|pay) (?:their |its )?interest", "does_not_cover_interest"),
    (r"(?:easily |can |well )?(?:cover|covers|earn|earns) (?:their |its )?interest|good interest cover(?:age)?", "covers_interest"),
    (r"(?:have |has |with )?(?:low|modest|depressed) (?:embedded |implied |market )?expectations", "low_expectations"),
    (r"(?:are |is )?(?:hit|hurt|exposed) (?:by|to) tariffs", "hit_by_tariffs"),
)  # fmt: skip
_JOINS = re.compile(r"(?:,\s*(?:and|but)?|\b(?:and|but|with|that|which|while|who)\b)(?:\s+(?:also|still)\b)?", re.I)
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
    """What is asked. ``mind``: of one ``catalyst``; ``standing``: which are of one of ``states`` (all where empty); ``due``: claims by day;
    ``companies``: of one ``catalyst``, of ``size``, that meet all of ``where`` (names of conditions)."""

    kind: Literal["mind", "standing", "due", "companies"]
    catalyst: Catalyst | None = None
    states: tuple[BoardStatus, ...] = ()
    asked: str = ""
    due: tuple[str, str] = ("", "")
    size: str = ""
    where: tuple[str, ...] = ()


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
    if match := _COMPANIES.fullmatch(plain):
        return _of_companies(match, catalysts)
    return None


def _of_companies(match: re.Match[str], catalysts: Callable[[], Sequence[Catalyst]]) -> BoardQuestion | None:
    where = []
    for clause in filter(None, (part.strip() for part in _JOINS.split(match["where"]))):
        fits = [name for words, name in _WHERE if re.fullmatch(words, clause, re.I)]
        if not fits:
            return None  # a condition that no figure tells: the documents may
        where.append(fits[0])
    found = named(match["what"], catalysts())
    size = (match["size"] or match["sized"] or "").lower()
    return BoardQuestion("companies", catalyst=found, size=size, where=tuple(where)) if found is not None else None


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
