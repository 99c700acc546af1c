"""The learned part of the stance: what weights of what features, and of what adapted embedding. Pure, apart from its data file.

``data/stance_weights.json`` is made by ``python -m benchmarks.stance_fit`` from labelled sentences and from our own examples; it holds
numbers alone.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

import numpy as np

from assistant.catalysts import likeness
from assistant.catalysts.cues import TRAITS, Cues, Said, traits
from assistant.catalysts.likeness import Floats, Likeness

WEIGHTS = "stance_weights.json"
ADAPTER = "stance_adapter.json"
STANCES = ("for", "against", "neither")
_SAID = ("moved_for", "moved_against", "signed_for", "signed_against", "net", "subjects", "looked", "alike")
_OF_EXAMPLES = tuple(name for name in likeness.NAMES if name not in likeness.BARE)
NAMES = (*likeness.NAMES, *_SAID, "net_topic", "maps_topic", *TRAITS)
BARE = tuple(name for name in NAMES if name not in (*_OF_EXAMPLES, "maps_topic"))
_MOST = 2.0  # of a count


@dataclass(frozen=True, slots=True)
class Head:
    """Multinomial logistic regression on the columns ``names`` of NAMES. ``weights``: (names + 1, 3), the last row for a constant."""

    names: tuple[str, ...]
    mean: Floats
    scale: Floats
    weights: Floats

    def chances(self, rows: Floats) -> Floats:
        """Return the logarithms of the chances of STANCES: (sentences, len(NAMES)) -> (sentences, 3)."""
        chosen = rows[:, [NAMES.index(name) for name in self.names]]
        with_one = np.hstack([(chosen - self.mean) / self.scale, np.ones((len(rows), 1))])
        return logarithms(with_one @ self.weights)


@dataclass(frozen=True, slots=True)
class Shipped:
    """What was fitted for one shipped catalyst. ``adapted``: (dimension + 1, 3), on the adapted embedding."""

    statement: str  # of the catalyst: with another one the weights are not for it
    likeness: Likeness
    adapted: Floats


@dataclass(frozen=True, slots=True)
class Weights:
    """All of data/stance_weights.json. ``share``: the weight of the adapted embedding beside the rest, from 0 to 1."""

    version: str
    full: Head
    bare: Head
    share: float
    shipped: Mapping[str, Shipped]


def rows(fitted: Likeness, cues: Cues, texts: Sequence[str], vectors: Floats) -> tuple[Floats, list[Said]]:
    """Return NAMES of each sentence, (sentences, len(NAMES)), and what its words say. ``vectors``: (sentences, dimension)."""
    likenesses = fitted.features(vectors)
    said = [cues.say(text) for text in texts]
    table = [_row(like, one, text) for like, one, text in zip(likenesses, said, texts, strict=True)]
    return np.array(table, np.float64).reshape(len(texts), len(NAMES)), said


def _row(like: Floats, said: Said, text: str) -> list[float]:
    pro, con = (min(_MOST, said.moved[k]) for k in (0, 1))
    sign_pro, sign_con = (min(_MOST, said.signed[k]) for k in (0, 1))
    net = float(np.tanh(pro + sign_pro - con - sign_con))
    topic = float(np.clip(like[likeness.NAMES.index("map_topic")], 0, 1))
    counts = [min(_MOST, said.subjects), min(_MOST, said.looked), min(1.0, said.alike)]
    return [
        *map(float, like),
        pro, con, sign_pro, sign_con, net, *counts, net * topic, float(like[0] - like[1]) * topic,
        *traits(text),
    ]  # fmt: skip


def logarithms(scores: Floats) -> Floats:
    """Return the logarithm of the softmax of each row."""
    shifted = scores - scores.max(axis=1, keepdims=True)
    return np.asarray(shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True)), np.float64)


def packed(array: Floats) -> dict[str, Any]:
    """Return an array as JSON holds it: its shape, and base64 of its numbers as float16, little-endian."""
    return {
        "shape": list(array.shape),
        "float16": base64.b64encode(np.ascontiguousarray(array, "<f2").tobytes()).decode("ascii"),
    }


def packed_rows(array: Floats) -> dict[str, Any]:
    """Return unit vectors as JSON holds them: their shape, and base64 of 127 times each number over the largest of all as int8."""
    largest = float(np.abs(array).max()) if array.size else 1.0
    whole = np.rint(array / largest * 127).astype(np.int8)
    return {"shape": list(array.shape), "largest": largest, "int8": base64.b64encode(whole.tobytes()).decode("ascii")}


def _unpacked_rows(row: Mapping[str, Any]) -> Floats:
    whole = np.frombuffer(base64.b64decode(row["int8"]), np.int8).astype(np.float64).reshape(row["shape"])
    return np.asarray(whole * (float(row["largest"]) / 127), np.float64)


def unpacked(row: Mapping[str, Any]) -> Floats:
    """Return the array of ``packed``."""
    return np.frombuffer(base64.b64decode(row["float16"]), "<f2").astype(np.float64).reshape(row["shape"])


@cache
def weights() -> Weights:
    """Return data/stance_weights.json."""
    return parsed(json.loads(files("assistant").joinpath("data", WEIGHTS).read_text(encoding="utf-8")))


def parsed(data: Mapping[str, Any]) -> Weights:
    """Return what the file holds."""
    plain = _unpacked_rows(data["plain"])
    shipped = {name: _shipped(row, plain) for name, row in data["catalysts"].items()}
    return Weights(data["version"], _head(data["full"]), _head(data["bare"]), float(data["share"]), shipped)


def _shipped(row: Mapping[str, Any], plain: Floats) -> Shipped:
    pro, con = map(_unpacked_rows, row["examples"])
    neither = np.vstack([_unpacked_rows(row["neither"]), plain])
    stances, topic, statement, words = (
        unpacked(row[part]) for part in ("stances", "topic", "of_statement", "of_words")
    )
    maps = Likeness(stances, topic, statement, words, (pro, con, neither))
    return Shipped(row["statement"], maps, unpacked(row["adapted"]))


def _head(row: Mapping[str, Any]) -> Head:
    return Head(tuple(row["names"]), *(np.array(row[part], np.float64) for part in ("mean", "scale", "weights")))
