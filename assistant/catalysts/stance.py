"""For, against or neither: how a sentence stands to a catalyst, by the words it uses. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from assistant.catalysts.cues import Cues
from assistant.catalysts.schema import Catalyst, Side
from assistant.evidence import Encode

VERSION = "words-1"


@dataclass(frozen=True, slots=True)
class Stance:
    """``label``: "for", "against" or "neither"; ``score``: 0 to 1; ``reasons``: the words that decided."""

    label: str
    score: float
    reasons: tuple[str, ...] = ()


def stances(texts: Sequence[str], catalyst: Catalyst, encode: Encode) -> list[Stance]:
    """Return the stance of each of ``texts`` to ``catalyst``."""
    cues = Cues(catalyst)
    return [_stance(cues, text) for text in texts]


def _stance(cues: Cues, text: str) -> Stance:
    said = cues.say(text)
    pro, con = said.moved[0] + said.signed[0], said.moved[1] + said.signed[1]
    if pro == con:
        return Stance("neither", 0.6)
    side: Side = "for" if pro > con else "against"
    return Stance(side, max(pro, con) / (1 + pro + con), tuple(why for given, why in said.reasons if given == side))
