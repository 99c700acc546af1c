"""What a source found unchanged, unaffected or not linked, a claim does not tell as changed. Pure."""

from __future__ import annotations

import re

from assistant.grounding.case import Case, Finding
from assistant.grounding.reading import read, spelled
from assistant.grounding.twin import Twin
from assistant.grounding.words import Token, alike

_NONE = re.compile(
    r"\b(?:no|not|neither|without|n't|never)\s(?:[\w-]+\s){0,5}?(?:differ(?:ed|s|ences?)?|effects?|affect(?:ed|s)?|associat(?:ed|ions?)|correlat(?:ed|ions?)|chang(?:ed?|es)|"
    r"impacts?|influenced?|relat(?:ed|ions?|ionships?)|link(?:s|ed)?|benefits?)\b|\b(?:un(?:changed|affected|altered)|remained\s(?:the\ssame|stable|constant|flat))\b",
    re.I,
)
_CLAUSE = re.compile(r"[;:()]|,?\s(?:while|whereas|but|although|though)\s")
_ACTS = re.compile(
    r"\b(?:affect\w*|effect\w*|associat\w*|correlat\w*|link\w*|caus\w*|leads?|led|improv\w*|chang\w*|influenc\w*|reduc\w*|increas\w*|rais\w*|lower\w*|los[et]\w*|gain\w*|boost\w*|rises?|rose|falls?|fell|differ\w*|worsen\w*|prolong\w*|shorten\w*)\b",
    re.I,
)
_DENIALS = frozenset({"not", "no", "never", "without", "neither", "nor", "cannot", "none", "nothing", "hardly"})
_MOST = 0.75  # of what the clause speaks of
_CLOSE = 0.9  # a claim that repeats another sentence is judged by that


def check_no_effect(case: Case, twin: Twin | None) -> list[Finding]:
    """A claim that something rose, fell, affects or is linked has no source that says the contrary of the same things."""
    acts = _ACTS.search(case.text)
    if not acts or set(spelled(case.text)) & _DENIALS or _NONE.search(case.text):
        return []
    if twin is not None and twin.share >= _CLOSE:
        return []
    for _, sentence in case.sentences(6):
        for clause in _CLAUSE.split(sentence.text):
            found = _NONE.search(clause)
            if not found:
                continue
            things = [t for t in read(clause) if not (found.start() <= t.start < found.end()) and not t.figure]
            if len(things) >= 2 and _share(things, case.tokens) >= _MOST:
                told = f"the source says “{found.group().strip()}” of it, the claim “{acts.group()}”"
                return [Finding("no effect", told, True)]
    return []


def _share(things: list[Token], claim: tuple[Token, ...]) -> float:
    return sum(any(alike(t, u) >= 0.8 for u in claim) for t in things) / len(things)
