"""The figures of a claim: traced to the source, worked out, or found to be others. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from assistant.grounding.arithmetic import Derived, derive, operand_groups
from assistant.grounding.case import Case, Finding, places
from assistant.grounding.compare import agree, difference, rivals
from assistant.grounding.figure import Figure
from assistant.grounding.slots import Item, nearness, place, preposition_gap
from assistant.grounding.twin import Twin
from assistant.grounding.words import Sentence, Token
from assistant.models import Number

# How near the place of another figure or name must be, and by how much nearer than its own, to say that one was put for the other.
_PLACE, _MARGIN = 0.5, 0.22
_ALONE = 0.6  # … where nothing of the claim stands around its own
_WHEN = frozenset({"year", "date", "quarter"})


def _token_of(tokens: Sequence[Token], figure: Figure) -> int:
    return next((i for i, t in enumerate(tokens) if t.figure is not None and t.figure.start == figure.start), -1)


@dataclass(frozen=True, slots=True)
class _Rival:
    """The figure that the source has in the place of one of the claim: how ``near`` the places are, and whether ``nearer`` than where it has the claim's own."""

    figure: Figure
    near: float
    nearer: bool


def check_figures(case: Case, twin: Twin | None = None) -> tuple[list[Finding], list[Number]]:
    """Trace each figure of the claim to the source, or work it out, or say what the source has in its place."""
    findings: list[Finding] = []
    numbers: list[Number] = []
    sentences = case.sentences()
    holders = [case.holders(figure) for figure in case.figures]
    for figure, held in zip(case.figures, holders, strict=True):
        findings += _other_column(case, figure, [f for _, f in held])
    groups = operand_groups(case.figures, [held[0] if held else None for held in holders], sentences)
    for figure, held in zip(case.figures, holders, strict=True):
        owners = tuple(sorted({owner for owner, _ in held}))
        rival = _in_place(case, figure, sentences)
        derived: Derived | None = None
        if held or _known(case, figure):
            if held and rival and rival.nearer and not (twin and _paired(twin, figure)):
                findings.append(Finding("figure", difference(figure, rival.figure), True))
        else:
            derived = _derived(case, figure, rival, groups)
            if derived is None:
                findings += _absent(case, figure, rival)
        if figure.unit == "quarter":
            continue
        numbers.append(
            Number(
                text=figure.text,
                value=figure.value,
                unit=figure.unit or _unit(figure),
                traced_to=derived.owners if derived else owners,
                derivation=derived.calculation if derived else None,
            )
        )
    return findings, numbers


def _paired(twin: Twin, figure: Figure) -> bool:
    """Whether the sentence that the claim repeats has a year or date, and none of its kind beside what the claim has: then it only moved with its clause."""
    at = _token_of(twin.claim, figure) if figure.unit in _WHEN else -1
    return (
        at >= 0 and twin.pairs[at] >= 0 and not any(t.figure and rivals(t.figure, figure) for t in twin.left_source())
    )


def _other_column(case: Case, figure: Figure, held: Sequence[Figure]) -> list[Finding]:
    """Whether a table has the figure, but only in the columns of other years than the claim's."""
    year = _own_year(case, figure)
    if not year or not any(f.year for f in held) or any(f.year in {0, year} for f in held):
        return []
    told = f"{figure.text.strip()} stands in the column of {held[0].year} of the source's table, the claim says {year}"
    return [Finding("year", told, True)]


def _known(case: Case, figure: Figure) -> bool:
    """Whether a date or period stands in the header of a document, or is known from its parts."""
    if figure.unit not in _WHEN:
        return False
    return any(agree(figure, f) for f in case.evidence.context_figures) or (
        figure.unit == "date" and _dated(case, figure)
    )


def _derived(
    case: Case, figure: Figure, rival: _Rival | None, groups: Sequence[Sequence[tuple[str, Figure]]]
) -> Derived | None:
    """Return how a figure follows from others, unless the source has another one in its very place ("by 5" is a place of its own)."""
    if figure.unit in _WHEN:
        return None
    at = _token_of(case.tokens, figure)
    moved = at >= 0 and case.tokens[at].before == "by"
    if not moved and rival and rival.near >= 0.75 and rival.figure.kind == figure.kind:
        return None
    return derive(case.text, figure, groups)


def _absent(case: Case, figure: Figure, rival: _Rival | None) -> list[Finding]:
    """Say what the source has in place of a figure that it does not have."""
    if rival and rival.near >= 0.4:
        return [Finding("figure", difference(figure, rival.figure), True)]
    near = _scale_or_sign(case, figure)
    if near is not None:
        return [Finding("figure", difference(figure, near), True)]
    if figure.worded and ((figure.unit == "" and figure.value <= 12) or figure.unit == "x"):
        # "two reasons", "doubled": as often a way of speaking as a figure; the words must then be covered.
        return []
    told = f"{figure.text.strip()} does not stand in the sources and follows from none of their figures"
    return [Finding("figure", told, False)]


def _unit(figure: Figure) -> str:
    return f"{figure.noun}s" if figure.kind == "time" else ""


def _dated(case: Case, figure: Figure) -> bool:
    """Whether a date's parts are all known: the day from one sentence, the year from the header of the document."""
    year, month, day = figure.date or (0, 0, 0)
    known = [f for s in case.evidence.sentences for f in s.figures] + list(case.evidence.context_figures)
    years = {int(f.value) for f in known if f.unit == "year"} | {f.date[0] for f in known if f.date}
    # The day of another year is another day.
    months = {f.date[1:] for f in known if f.date and f.date[0] in {0, year}}
    return (not year or year in years) and (
        not month or any(m == month and (not day or not d or d == day) for m, d in months)
    )


def _own_year(case: Case, figure: Figure) -> int:
    """Return the year that the claim gives with a figure: the only one of its clause, or the nearest one after it."""
    years = [f for f in case.figures if f.unit == "year" or (f.unit == "date" and f.date and f.date[0])]
    at = _token_of(case.tokens, figure)
    if not years or figure in years or (at >= 0 and case.tokens[at].before == "base"):
        # "from 4 to 5 in 2022": where it came from is of another year.
        return 0
    nearest = min(years, key=lambda f: (min(abs(f.start - figure.end), abs(figure.start - f.end)), f.start))
    if len({f.value for f in years}) > 1:
        return 0
    return nearest.date[0] if nearest.date else int(nearest.value)


def _in_place(case: Case, figure: Figure, sentences: Sequence[tuple[str, Sentence]]) -> _Rival | None:
    """Return the figure that the source has in this one's place."""
    at = _token_of(case.tokens, figure)
    if at < 0:
        return None
    mine = place(case.tokens, Item(at, at), case.passive)
    own, other, rival = 0.0, 0.0, None
    for _, sentence in sentences:
        for i, token in enumerate(sentence.tokens):
            held = token.figure
            if held is None or not rivals(figure, held):
                continue
            score = nearness(mine, places(sentence, Item(i, i))) - preposition_gap(case.tokens[at], token)
            if agree(figure, held):
                own = max(own, score)
            elif _taken(case, figure, held, score, sentence, i):
                continue
            elif score > other or (score == other and rival is not None and held.text < rival.text):
                other, rival = score, held
    if rival is None:
        return None
    return _Rival(rival, other, other >= _PLACE and other > own + _MARGIN if own > 0 else other >= _ALONE)


def _taken(case: Case, figure: Figure, held: Figure, score: float, sentence: Sentence, at: int) -> bool:
    """Whether another figure of the claim is this one of the source, and stands at least as near to its place."""
    for i, token in enumerate(case.tokens):
        other = token.figure
        if other is None or other.start == figure.start or not agree(other, held):
            continue
        if (
            nearness(place(case.tokens, Item(i, i), case.passive), places(sentence, Item(at, at)))
            - preposition_gap(token, sentence.tokens[at])
            >= score
        ):
            return True
    return False


def _scale_or_sign(case: Case, figure: Figure) -> Figure | None:
    """Return a figure of the source that differs in scale, sign, currency or unit only."""
    if figure.unit in _WHEN or not figure.value:
        return None
    digits = re.sub(r"[^\d.]", "", figure.text)
    for _, sentence in case.sentences():
        for held in sentence.figures:
            if held.unit not in _WHEN and digits and re.sub(r"[^\d.]", "", held.text) == digits and len(digits) >= 2:
                return held
    return None
