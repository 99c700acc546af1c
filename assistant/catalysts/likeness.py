"""How like the examples of a catalyst a sentence is, by its embedding. Pure, apart from the encoder that is passed in.

For each catalyst two linear maps are fitted in closed form (weighted ridge regression, Hastie et al., "The Elements of Statistical
Learning", 2nd ed., 3.4.1) to the embeddings of its examples: to the three stances, and to "of this catalyst or of none".
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from assistant.catalysts.schema import Catalyst
from assistant.evidence import Encode

Floats = NDArray[np.float64]
NAMES = (
    "map_for", "map_against", "map_neither", "map_topic",
    "near_for", "near_against", "near_neither", "statement", "words",
)  # fmt: skip
BARE = ("map_topic", "near_neither", "statement", "words")  # those that a catalyst without examples has too
LEAST = 3  # examples of either side from which a map of stances is fitted
_NEAREST = 3
_RIDGE = 1.0
_WEIGHT = 20.0  # of all examples of one stance together
_GENERAL = 0.3  # weight of the general examples beside those of "neither"


@dataclass(frozen=True, slots=True)
class Likeness:
    """The fitted maps of one catalyst. ``dimension``: of the embedding; vectors are of unit length."""

    stances: Floats | None  # (dimension + 1, 3); None without examples
    topic: Floats  # (dimension + 1,)
    statement: Floats  # (dimension,)
    words: Floats  # (dimension,)
    examples: tuple[
        Floats, Floats, Floats
    ]  # for, against, neither (with such as speak of no catalyst): (count, dimension)

    def features(self, vectors: Floats) -> Floats:
        """Return NAMES of each row of ``vectors``: (sentences, dimension) -> (sentences, 9)."""
        with_one = np.hstack([vectors, np.ones((len(vectors), 1))])
        maps = np.zeros((len(vectors), 3)) if self.stances is None else with_one @ self.stances
        near = [_nearest(vectors, one) for one in self.examples]
        columns = [with_one @ self.topic, *near, vectors @ self.statement, vectors @ self.words]
        return np.hstack([maps, np.stack(columns, axis=1)])


@dataclass(frozen=True, slots=True)
class Known:
    """The embeddings that a catalyst's maps are fitted to, a row a sentence."""

    sides: tuple[Floats, Floats, Floats]  # its own examples: for, against, neither
    statement: Floats
    words: Floats
    strange: Floats  # of other catalysts
    plain: Floats  # of none


def known(catalyst: Catalyst, strange: Sequence[str], general: Sequence[str], encode: Encode) -> Known:
    """Return the embeddings of a catalyst's words and of the sentences that it is told apart from."""
    words = f"{catalyst.name}. {', '.join(catalyst.look_for)}"
    statement, of_words = _rows(encode, [catalyst.statement, words])
    size = len(statement)
    pro = _rows(encode, catalyst.examples_for, size)
    con = _rows(encode, catalyst.examples_against, size)
    neither = _rows(encode, catalyst.examples_neither, size)
    return Known((pro, con, neither), statement, of_words, _rows(encode, strange, size), _rows(encode, general, size))


def fitted(of: Known) -> Likeness:
    """Fit the maps of one catalyst."""
    pro, con, neither = of.sides
    stances = None
    if min(len(pro), len(con)) >= LEAST:
        stances = _map(
            [
                (np.vstack([pro, of.statement[None]]), 0, _WEIGHT),
                (con, 1, _WEIGHT),
                (neither, 2, _WEIGHT),
                (of.plain, 2, _WEIGHT * _GENERAL),
            ],
            3,
        )
    about = np.vstack([pro, con, of.statement[None], of.words[None]])
    others = [(of.strange, 0, _WEIGHT), (of.plain, 0, _WEIGHT), (neither, 0, _WEIGHT / 2)]
    topic = _map([(about, 1, _WEIGHT), *others], 2)[:, 1]
    return Likeness(stances, topic, of.statement, of.words, (pro, con, np.vstack([neither, of.plain])))


def _rows(encode: Encode, texts: Sequence[str], dimension: int = 0) -> Floats:
    if not texts:
        return np.zeros((0, dimension))
    return np.asarray(encode(list(texts)), np.float64)


def _nearest(vectors: Floats, examples: Floats) -> Floats:
    """Return the mean cosine with the nearest three examples, 0 where there is none."""
    if not len(examples):
        return np.zeros(len(vectors))
    cosines = vectors @ examples.T
    count = min(_NEAREST, len(examples))
    return np.asarray(np.partition(cosines, -count, axis=1)[:, -count:].mean(axis=1), np.float64)


def _map(groups: Sequence[tuple[Floats, int, float]], classes: int) -> Floats:
    """Return the weighted ridge regression of the classes (0 and 1) on rows and a constant: (dimension + 1, classes)."""
    groups = [group for group in groups if len(group[0])]
    rows = np.vstack([one for one, _, _ in groups])
    rows = np.hstack([rows, np.ones((len(rows), 1))])
    target = np.vstack([np.tile(np.eye(classes)[k], (len(one), 1)) for one, k, _ in groups])
    weight = np.concatenate([np.full(len(one), whole / len(one)) for one, _, whole in groups])[:, None]
    penalty = _RIDGE * np.eye(rows.shape[1])
    penalty[-1, -1] = 1e-6
    return np.asarray(np.linalg.solve(rows.T @ (weight * rows) + penalty, rows.T @ (weight * target)), np.float64)
