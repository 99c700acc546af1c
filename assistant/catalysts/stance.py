"""For, against or neither: how a sentence stands to a catalyst, without a language model (docs/stance.md).

Two readings, mixed by the logarithms of their chances: features of words and of embeddings (stance_model.NAMES), and for the shipped
catalysts a linear map on the embedding of a copy of the bundled model that was adapted to stances. A user's catalyst has the first
alone, with maps that are fitted to its own examples where it has them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Protocol, runtime_checkable

import numpy as np

from assistant.catalysts import library
from assistant.catalysts.cues import Cues
from assistant.catalysts.likeness import LEAST, Floats, Likeness, fitted, known
from assistant.catalysts.schema import Catalyst
from assistant.catalysts.stance_model import STANCES, logarithms, rows, weights
from assistant.evidence import Encode

VERSION = weights().version
_STRANGE = 8  # examples of either side of each other catalyst, from which a user's catalyst is told apart
_SAME_MODEL = 0.98  # cosine of a statement's embedding with the one that the shipped maps were fitted with


@dataclass(frozen=True, slots=True)
class Stance:
    """``label``: "for", "against" or "neither"; ``score``: its chance, 0 to 1; ``reasons``: the words that speak for it, if any."""

    label: str
    score: float
    reasons: tuple[str, ...] = ()


@runtime_checkable
class Adapted(Protocol):
    """An encoder that has the embedding adapted to stances too."""

    def adapted(self, texts: Sequence[str]) -> Any:
        """Return unit vectors, (texts, dimension)."""
        ...


def stances(texts: Sequence[str], catalyst: Catalyst, encode: Encode) -> list[Stance]:
    """Return the stance of each of ``texts`` to ``catalyst``."""
    if not texts:
        return []
    model = weights()
    cues = _cues(catalyst.text_key, _Held(catalyst))
    fit = _likeness(catalyst, encode)
    table, said = rows(fit, cues, texts, np.asarray(encode(list(texts)), np.float64))
    chances = (model.bare if fit.stances is None else model.full).chances(table)
    shipped = model.shipped.get(catalyst.id)
    if shipped is not None and shipped.statement == catalyst.statement and isinstance(encode, Adapted):
        vectors = np.asarray(encode.adapted(list(texts)), np.float64)
        with_one = np.hstack([vectors, np.ones((len(texts), 1))])
        chances = logarithms(model.share * logarithms(with_one @ shipped.adapted) + (1 - model.share) * chances)
    found = []
    for row, one in zip(np.exp(chances), said, strict=True):
        label = STANCES[int(np.argmax(row))]
        found.append(Stance(label, float(row.max()), tuple(why for side, why in one.reasons if side == label)))
    return found


class _Held:
    """Carries what a cached function needs beside its key: equal to any other, so that the key alone decides."""

    def __init__(self, *values: Any) -> None:
        self.values = values

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Held)

    def __hash__(self) -> int:
        return 0


@lru_cache(maxsize=256)
def _cues(key: str, held: _Held) -> Cues:
    return Cues(held.values[0])


def _likeness(catalyst: Catalyst, encode: Encode) -> Likeness:
    """Return the maps of a catalyst: the shipped ones where they are for these words and this model, else fitted here."""
    shipped = weights().shipped.get(catalyst.id)
    own = np.asarray(encode([catalyst.statement])[0], np.float64)
    if shipped is not None and shipped.statement == catalyst.statement and _same(own, shipped.likeness.statement):
        return shipped.likeness
    return _fitted(catalyst.text_key, own.astype(np.float32).tobytes(), _Held(catalyst, encode))


def _same(one: Floats, other: Floats) -> bool:
    return one.shape == other.shape and float(one @ other) >= _SAME_MODEL


@lru_cache(maxsize=256)
def _fitted(key: str, model: bytes, held: _Held) -> Likeness:
    catalyst, encode = held.values
    others = [one for one in library.shipped() if one.id != catalyst.id]
    strange = [text for one in others for side in (one.examples_for, one.examples_against) for text in side[:_STRANGE]]
    enough = min(len(catalyst.examples_for), len(catalyst.examples_against)) >= LEAST
    general = library.general() if enough else library.general()[: 8 * _STRANGE]
    return fitted(known(catalyst, strange, general, encode))
