"""The spans that an address names: ``?start=…&end=…`` the chosen one, ``&span=a-b`` others beside it. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

MOST = 20  # spans beside the chosen one
_SPAN = re.compile(r"([0-9]{1,10})-([0-9]{1,10})")


@dataclass(frozen=True, slots=True)
class Asked:
    """``chosen``: the span that is scrolled to; ``others``: marked too; ``wrong``: the address names one that is none."""

    chosen: tuple[int, int] | None = None
    others: tuple[tuple[int, int], ...] = ()
    wrong: bool = False

    @property
    def all(self) -> tuple[tuple[int, int], ...]:
        return (*((self.chosen,) if self.chosen else ()), *self.others)

    def within(self, length: int) -> Asked:
        """Return the spans that a text of ``length`` characters has; without a chosen one the first other is chosen."""
        kept = [span for span in self.all if span[1] <= length]
        wrong = self.wrong or len(kept) < len(self.all)
        if self.chosen is not None and self.chosen not in kept:
            return Asked(None, tuple(kept), True)
        return Asked(kept[0] if kept else None, tuple(kept[1:]), wrong)


def asked(start: str | None, end: str | None, spans: Sequence[str]) -> Asked:
    """Return the spans of an address as it was sent. A span twice is one; more than ``MOST`` are left out and said."""
    wrong = len(spans) > MOST
    chosen = None
    if start is not None or end is not None:
        chosen = _span(f"{start or ''}-{end or ''}")
        wrong |= chosen is None
    found = [_span(text) for text in spans[:MOST]]
    wrong |= None in found
    others = dict.fromkeys(span for span in found if span is not None and span != chosen)
    return Asked(chosen, tuple(others), wrong)


def _span(text: str) -> tuple[int, int] | None:
    match = _SPAN.fullmatch(text)
    if match is None:
        return None
    low, high = int(match[1]), int(match[2])
    return (low, high) if low < high else None


__all__ = ["MOST", "Asked", "asked"]
