"""How likely a question asks for a live figure, and for which tool's: logistic votes over its features, and its embedding.

The weights stand in data/routing_weights.json and are learned by `python -m benchmarks.route_training` from labelled questions.
With no encoder the votes are over the features alone, with weights of their own.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

import numpy as np
from numpy.typing import NDArray

from assistant.routing.features import features
from vectorstore.embedding import Embedder
from vectorstore.records import SourceInfo

Encode = Callable[[Sequence[str]], NDArray[np.float32]]
Floats = NDArray[np.float64]
MODEL = "all-MiniLM-L6-v2"  # whose embeddings the weights are for
SCALE = 4.0  # of an embedding (unit length) beside features that are 0 or 1
LIVE = "live"  # the first vote: does it ask for a live figure at all?
_MOST_REASONS = 4


@dataclass(frozen=True, slots=True)
class Votes:
    """Probabilities: of a live figure being asked for, and of each tool. ``because``: the features that weigh most for each."""

    live: float
    tools: Mapping[str, float]
    because: Mapping[str, tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class Weights:
    """``names`` of the features; ``outputs``: LIVE and the tools; ``matrix``: a row a feature, the last the bias, by output."""

    names: tuple[str, ...]
    outputs: tuple[str, ...]
    words: Floats  # features + 1, outputs
    both: Floats  # features + dimension + 1, outputs


@cache
def weights() -> Weights:
    """Return the weights of data/routing_weights.json."""
    data: Mapping[str, Any] = json.loads(
        files("assistant").joinpath("data", "routing_weights.json").read_text(encoding="utf-8")
    )
    scale = float(data["scale"])
    return Weights(
        tuple(data["names"]),
        tuple(data["outputs"]),
        np.array(data["words"], np.float64) / scale,
        np.array(data["both"], np.float64) / scale,
    )


def encoder(embedder: Embedder) -> Encode | None:
    """Return what embeds a question for the votes; None where the model is another than the weights are for."""
    return embedder.encode if embedder.fingerprint.startswith(f"{MODEL}@") else None


def row(found: frozenset[str], names: Sequence[str]) -> Floats:
    """Return features as 0 and 1, in the order of ``names``."""
    return np.array([name in found for name in names], np.float64)


def votes(
    text: str, sources: Sequence[SourceInfo], encode: Encode | None = None, weighed: Weights | None = None
) -> Votes:
    """Return the votes of a question whose shorthand is written out."""
    held = weighed or weights()
    found = features(text, sources)
    said = row(found, held.names)
    matrix = held.words if encode is None else held.both
    values = said if encode is None else np.concatenate([said, SCALE * encode([text])[0].astype(np.float64)])
    scores = values @ matrix[:-1] + matrix[-1]
    chances = 1.0 / (1.0 + np.exp(-np.clip(scores, -50, 50)))
    because = {}
    for n, output in enumerate(held.outputs):
        parts = said * matrix[: len(held.names), n]
        best = [i for i in np.argsort(-parts)[:_MOST_REASONS] if parts[i] > 0]
        because[output] = tuple(held.names[i] for i in best)
    tools = {name: float(chances[n]) for n, name in enumerate(held.outputs) if name != LIVE}
    return Votes(float(chances[held.outputs.index(LIVE)]), tools, because)
