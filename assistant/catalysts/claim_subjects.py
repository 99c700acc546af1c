"""Whose measure a claim speaks of: an index or size class of the thesaurus, a name, or the company of the document. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from assistant.lexicon import terms, thesaurus
from vectorstore.names import fold, same_company
from vectorstore.records import Metadata

Scope = Literal["market", "company"]
# Regions and countries name where, not whose: "European small caps" are small caps.
_REGIONS = frozenset({"emerging", "europe", "japan", "china", "uk", "india", "canada", "germany"})
_SMALL = frozenset({"smallcap", "midcap", "largecap", "microcap"})


@dataclass(frozen=True, slots=True)
class Subject:
    """``name``: for people, and compared; ``tool``: as the tools take it ("" where no tool measures it); ``region`` as the text says."""

    name: str
    scope: Scope
    tool: str = ""
    region: str = ""
    start: int = -1
    end: int = -1


_LABELS = {
    "smallcap": ("small caps", "Russell 2000"), "midcap": ("mid caps", "Russell Midcap"), "largecap": ("large caps", "S&P 500"),
    "microcap": ("micro caps", ""), "russell2000": ("Russell 2000", "Russell 2000"), "iwm": ("Russell 2000", "Russell 2000"),
    "russell1000": ("Russell 1000", "Russell 1000"), "russell3000": ("Russell 3000", "Russell 3000"), "sp500": ("S&P 500", "S&P 500"),
    "sp600": ("S&P 600", "S&P 600"), "sp400": ("S&P 400", "S&P 400"), "nasdaq": ("Nasdaq", "Nasdaq-100"), "dow": ("Dow Jones", ""),
    "msciworld": ("MSCI World", "MSCI World"), "msciworldsmall": ("MSCI World Small Cap", "MSCI World Small Cap"),
}  # fmt: skip
_REGION_LABELS = {"emerging": "Emerging markets", "europe": "Europe", "uk": "UK"}


def markets(text: str) -> tuple[Subject, ...]:
    """Return the indices and size classes that ``text`` names, in order; of one inside another only the longer."""
    entities = thesaurus().entities
    found = [t for t in terms(text) if t.concept and t.key[1:] in entities]
    whole = [
        t
        for t in found
        if t.key[1:] in _LABELS
        and not any(o is not t and o.key[1:] in _LABELS and o.start <= t.start and t.end <= o.end and _finer(o, t) for o in found)
    ]  # fmt: skip
    places = [t for t in found if t.key[1:] in _REGIONS]
    out: list[Subject] = []
    for t in whole:
        label, tool = _LABELS[t.key[1:]]
        style = re.match(r"\s+(Growth|Value)\b", text[t.end :])
        if style and t.key[1:].startswith("russell"):
            label, tool = f"{label} {style[1]}", f"{tool} {style[1]}"
        region = ""
        if t.key[1:] in _SMALL:
            near = next((p for p in places if -2 <= t.start - p.end <= 6), None)
            key = near.key[1:] if near else ""
            region = _REGION_LABELS.get(key, key.capitalize())
        out.append(Subject(f"{region} {label}".strip(), "market", tool if not region else "", region, t.start, t.end))
    return tuple(out)


def _finer(a: object, b: object) -> bool:
    return (a.end - a.start, a.key) > (b.end - b.start, b.key)  # type: ignore[attr-defined]


def own_company(metadata: Metadata) -> Subject | None:
    """Return the company that a document is about."""
    if not metadata.company:
        return None
    return Subject(metadata.company, "company", metadata.ticker or metadata.company)


def subject_of(
    text: str, at: int, measured: Sequence[int], metadata: Metadata, scope: str, who: str = "", default: str = ""
) -> Subject | None:
    """Return whose measure the figure at ``at`` is, of ``scope`` ("" for either); None where the sentence does not tell.

    ``measured``: where the measure is named before the figure; ``who``: a name that expects it; ``default``: whose it is where nobody is named.
    """
    if scope != "company":
        found = markets(text)
        before = [s for s in found if s.end <= at]
        after = [s for s in found if s.start >= at]
        near = before[-1] if before else None
        # "6% of the Russell 2000", "0.67% in European small caps": what follows at once is whose it is.
        if after and _FOLLOWS.fullmatch(text[_figure_end(text, at) : after[0].start]):
            near = after[0]
        if near is None and after:
            near = after[0]
        if near is not None:
            return near
    if scope != "market":
        own = own_company(metadata)
        owners = [o["name"] for m in measured if (o := _OWNER.search(text[:m]))]
        name = next((n for n in reversed(owners) if n.split()[0].lower() not in _NOBODY), who)
        if (
            name
            and metadata.company
            and (same_company(name, metadata.company) or fold(name) == fold(metadata.ticker or ""))
        ):
            return own
        if name:
            return Subject(name, "company")
        if own is not None:
            return own
    return Subject(default, "market") if default else None


def _figure_end(text: str, at: int) -> int:
    match = re.compile(r"[-–—\d.,$€£%\s]*(?:percent|percentage points|points)?").match(text, at)
    return match.end() if match else at


_FOLLOWS = re.compile(r"[^,;.]{0,14}\b(?:of|in|for|among|across)\s+(?:the\s+)?(?:[\w.]+\s+){0,2}")
# "FPL's capital expenditures": whose measure it is, right before it.
_OWNER = re.compile(r"(?P<name>[A-Z][\w&.-]*(?:\s+(?:&\s+)?[A-Z][\w&.-]*){0,4})['’]s?\s+(?:[\w-]+\s+){0,3}$")
_NOBODY = frozenset(
    """
    it we they this that these those our the a an and but so as if for in on at to of by with speaker management company analysts
    investors market markets congress government today year quarter let here there what who
    """.split()  # noqa: SIM905 - reads better
)
