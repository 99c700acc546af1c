"""Which measure and which window a figure of a sentence belongs to, and whether they fit together. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from assistant.catalysts.claim_cues import Cue
from assistant.catalysts.claim_dates import Made, Window
from assistant.catalysts.claim_figures import Figure
from assistant.catalysts.claim_measures import Mention, measures
from assistant.catalysts.claim_subjects import markets

OWN_WORDS = frozenset({"transcript", "release", "filing"})  # kinds in which a company speaks of itself
_COUNTED = re.compile(
    r"\b(?:open\w*|add\w*|reach\w*|hir\w+|creat\w+|total\w*|employ\w*|clos\w+|ship\w*|approach\w*|deliver\w*|buil[dt]\w*|construct\w*|install\w*|exceed\w*|to|be|by|have|grow\w*)\s+"
    r"(?:(?:about|approximately|around|roughly|over|more|than|up|to|at|least|between|nearly|another|an|additional|net|be|have|reach|some|of|as|many|total)\s+)*$",
    re.I,
)
# What may follow an amount whose sign is left out; another noun is what the number counts.
_AFTER_MONEY = frozenset(
    """
    a an and annual annualized annually approximately as at before by compared depending dollar dollars driven due during each excluding for from
    given higher if in including inclusive into is later less lower more of on or over per plus pre range reflecting representing
    run since so than that the then this through throughout to total under until up versus we which will with within year
    """.split()  # noqa: SIM905 - reads better
)
_BY = re.compile(
    r"\bby\s+(?:(?:about|over|more\s+than|at\s+least|approximately|roughly|around|nearly|up\s+to|another)\s+)*$", re.I
)
_GROWS = re.compile(r"\b(?:gr[eo]w\w*|increas\w*|up)\b", re.I)
_SHRINKS = re.compile(r"\b(?:declin\w*|decreas\w*|reduc\w*|down|cut)\b", re.I)
# What stands between an index and by how much it moves.
_MOVES = r"\s*(?:stocks?|shares?|index|equities|prices)?\s*(?:(?:have|has|had|will|should|could|to|is|are|be|expected|likely|already|now|since|also|set|ha[sd])\s+)*(?:[a-z]+\s+){1,2}(?:by\s+)?(?:(?:about|over|more\s+than|another|nearly|roughly|at\s+least|less\s+than|up\s+to|around|approximately|as\s+much\s+as)\s+)*"
_DONE = re.compile(
    r"\b(?:announced|completed|acquired|closed|launched|issued|adopted|approved|began|begun|started|ended|ending|since|from|versus|vs\.?|than|base|over|filed|dated|published|effective|"
    r"compared\s+(?:to|with)|relative\s+to|of\s+the)\s*(?:in|during|on|to|with|our|the|fiscal|calendar|full|year|full-year|,)?\s*(?:in|the|fiscal|year)?\s*$",
    re.I,
)
_SPANS = re.compile(r"\d\s*(?:through|to|[-–—])\s*\D*\d{4}", re.I)
_NEXT = re.compile(r"\s*,?\s*(?:and\s+)?")
_OTHER_END = re.compile(r"[^,;]{0,70}\bto\s+(?:about\s+|approximately\s+)?", re.I)
_BESIDE = re.compile(
    r"\W*(?:compared\s+(?:to|with)|versus|vs\.?|against)\s+(?:only\s+|just\s+|approximately\s+|about\s+|roughly\s+)*",
    re.I,
)


@dataclass(frozen=True, slots=True)
class Sentence:
    """A sentence with all that was read from it; ``start`` of it in the document."""

    text: str  # as long as the span, white space made plain
    start: int
    figures: tuple[Figure, ...]
    mentions: tuple[Mention, ...]
    windows: tuple[Window, ...]
    cues: tuple[Cue, ...]


def in_list(s: Sentence, index: int) -> bool:
    ends = [s.figures[i : i + 2] for i in (index - 1, index) if i >= 0]
    return any(len(two) == 2 and _NEXT.fullmatch(s.text[two[0].end : two[1].start]) for two in ends)


def measure_of(s: Sentence, figure: Figure, index: int, last: tuple[Mention, Figure] | None) -> Mention | None:
    """Return the measure of a figure: what follows it at once, else what stands nearest before it."""
    floor = s.figures[index - 1].end if index else 0
    ceiling = s.figures[index + 1].start if index + 1 < len(s.figures) else len(s.text)
    after = [m for m in s.mentions if figure.end <= m.start < ceiling and m.measure.takes(figure.quantity)]
    if after:
        between = s.text[figure.end : after[0].start]
        if re.fullmatch(
            r"\s*(?:(?:of|in|for|annual|annualized|total|additional|new|more|average|run[- ]rate|gross|net|pre-?tax|incremental|[\w-]+ly|U\.S\.|sell-side)\s+){0,3}(?:[\w-]+\s+)?",
            between,
        ) and not re.search(r"\b(?:and|or|to|is|are|by|the)\b\s*$", between):
            return after[0]
        behind = [m for m in after if m.measure.behind]
        if behind and not re.search(r"[;]", s.text[figure.end : behind[0].start]):
            return behind[0]
        if after[0].measure.noun and re.fullmatch(r"\s*(?:[\w-]+\s+){0,4}", between):
            return after[0]
    held = open_bracket(s.text, figure.start)
    if last is not None and not held:
        # "Over 40% of small companies (15-20% of weight), compared to 20% of larger ones": the figure outside of the brackets counts.
        between = s.text[last[1].end : figure.start]
        ranged = _OTHER_END.fullmatch(between) and re.search(r"\brang\w+\s+(?:from\s+)?$", s.text[: last[1].start])
        if (ranged or _BESIDE.fullmatch(_outside(between))) and last[0].measure.takes(figure.quantity):
            return last[0]
    before = [m for m in s.mentions if floor <= m.start and m.end <= figure.start and not m.measure.noun]
    fitting = [m for m in before if m.measure.takes(figure.quantity)]
    if fitting:
        return fitting[-1]
    if last is not None and re.fullmatch(
        r",?\s*(?:or|and|representing|which\s+represents|an?|up|down|increas\w+|growth|decline|of|\(|to|by|a\s+growth)?[\s,(]*(?:an?\s+)?(?:increase|decline|decrease|growth|reduction|up|down)?\s*(?:of|by)?\s*(?:approximately|about|roughly)?\s*",
        s.text[last[1].end : figure.start],
    ):
        return last[0] if last[0].measure.takes(figure.quantity) else None
    states = [m for m in s.mentions if m.start >= figure.end and m.measure.takes(figure.quantity)]
    mover = [m for m in markets(s.text[: figure.start]) if re.fullmatch(_MOVES, s.text[m.end : figure.start], re.I)]
    if figure.change and figure.unit == "%" and mover:
        return Mention(measures()["price"], figure.start, figure.start)
    # "Over 40% of small companies are unprofitable": what is said of a share stands behind it.
    if (
        states
        and re.search(r"^\s*of\b", s.text[figure.end :])
        and not re.search(r"[,;]", s.text[figure.end : states[0].start])
    ):
        return states[0]
    return None


def moved(text: str, mention: Mention, figure: Figure) -> Figure:
    """Return the figure as a change where the words around its measure say so: "growth of EPS in the range of 6% to 8%"."""
    if figure.change or figure.unit not in {"%", "pp", "bp"}:
        return figure
    if not mention.measure.changes_in(figure.unit) and not _BY.search(text[: figure.start]):
        return figure
    around = text[max(0, mention.start - 36) : max(mention.end, figure.start)]
    if _GROWS.search(around):
        return replace(figure, change="rose")
    return replace(figure, change="fell") if _SHRINKS.search(around) else figure


def open_bracket(text: str, at: int) -> bool:
    return text.count("(", 0, at) > text.count(")", 0, at)


def _outside(text: str) -> str:
    """Return a text without what stands in brackets, and without the end of what a figure is a share of."""
    plain = re.sub(r"\([^)]*\)", " ", text)
    return re.sub(r"^[^,;]*,", ",", plain) if "," in plain else plain


def fits(mention: Mention, figure: Figure, text: str, kind: str) -> bool:
    if not mention.measure.takes(figure.quantity):
        return False
    if mention.measure.weak and kind in OWN_WORDS:
        return False
    if mention.measure.changes_in(figure.unit) and not figure.change:
        return False  # "30% of our cash flow", "75% of sales": a share of something else
    if mention.measure.noun and kind in OWN_WORDS:
        return bool(_COUNTED.search(text[: figure.start]))
    if not figure.unit and not mention.measure.noun:
        following = re.match(r"\s+([A-Za-z]+)", text[figure.end :])
        return following is None or following[1].lower() in _AFTER_MONEY
    return True


def window_of(s: Sentence, figure: Figure, index: int) -> Window | None:
    """Return the window that a figure belongs to: the next behind it, else the nearest before, else the sentence's only one."""
    usable = [w for w in s.windows if _SPANS.search(w.text) or not _DONE.search(s.text[max(0, w.start - 36) : w.start])]
    if not usable:
        return None
    ceiling = s.figures[index + 1].start if index + 1 < len(s.figures) else len(s.text)
    floor = s.figures[index - 1].end if index else 0
    after = [w for w in usable if figure.end <= w.start < ceiling]
    if after and not re.search(r";|\b(?:compared|versus|while|but)\b", s.text[figure.end : after[0].start], re.I):
        return after[0]
    before = [w for w in usable if w.end <= figure.start]
    near = [w for w in before if w.start >= floor]
    if near:
        return near[-1]
    return before[-1] if before else usable[0] if len(usable) == 1 else None


def is_ahead(window: Window | None, when: Made) -> bool:
    """Whether a window is not over when the document is published."""
    if window is None or window.due is None:
        return True
    if when.published is not None:
        return window.due >= when.published
    return when.year is None or window.due.year >= when.year


def names_past(s: Sentence, when: Made) -> bool:
    """Whether the sentence names a period, and only such as were over when it was written."""
    if when.published is None:
        return bool(s.windows)
    ended = [w.due < when.published.replace(day=1) for w in s.windows if w.due is not None]
    return bool(ended) and all(ended)


_OVER = re.compile(
    r"\b(?:over|in|during)\s+the\s+(?:last|past)\s+[\w-]+(?:\s+(?:years?|months?|quarters?|decades?))?|\bsince\s+(?:(?!\b(?:as|while|and|when|but)\b)[^,.;]){3,40}",
    re.I,
)


def past_window(s: Sentence, figure: Figure) -> Window | None:
    match = _OVER.search(s.text, figure.end) or _OVER.search(s.text)
    return Window(match.group().strip(), match.start(), match.end(), None, "") if match else None
