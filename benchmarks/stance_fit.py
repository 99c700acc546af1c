"""Learn the weights of the stance (assistant/data/stance_weights.json, stance_adapter.json).

    python -m benchmarks.stance_fit ../shared/corpus [--adapt]

Learns from our own examples, the tune labels of benchmarks/questions/stance.jsonl and those of stance_more.jsonl; never from the held or
the kept ones. The features of an example come from maps that were fitted without its block of the examples. With --adapt the embedding is
adapted anew first (benchmarks.stance_adapt: needs torch and some minutes). Run it when the examples or the cues have changed.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

import assistant
from assistant.catalysts.cues import Cues
from assistant.catalysts.library import general, shipped
from assistant.catalysts.likeness import Floats, Known, Likeness, fitted, known
from assistant.catalysts.schema import Catalyst
from assistant.catalysts.stance_model import ADAPTER, BARE, NAMES, STANCES, WEIGHTS, Head, packed, packed_rows, rows
from assistant.evidence import Encode
from benchmarks import stance_adapt
from benchmarks.stance_data import MORE, SHIPPED, load
from vectorstore._adapter import adapter_file
from vectorstore.embedding import _bundled, make_embedder
from vectorstore.settings import Settings

DATA = Path(assistant.__file__).parent / "data"
SHARE = 0.5  # of the adapted embedding in the whole
FOLDS = 4  # blocks of the examples
EXAMPLE, GENERAL, FURTHER = (
    0.1,
    0.02,
    0.5,
)  # weights beside a tune label: an example, one of no catalyst, a label to learn from
L2, STEPS = 10.0, 400
_SAME = 0.55  # cosine of two statements above which the examples of the one are no foreign ones for the other


@dataclass(frozen=True, slots=True)
class Labelled:
    """A sentence with its stance to a catalyst; ``weight`` beside others."""

    text: str
    catalyst: str
    stance: str
    weight: float = 1.0
    document: str = ""


def labelled(corpus: Path, workers: int = 2) -> list[Labelled]:
    """Return the tune labels and those to learn from, with their text."""
    tune = [pair for pair in load(SHIPPED, corpus, workers=workers) if pair.label.split == "tune"]
    return [
        Labelled(pair.text, pair.label.catalyst, pair.label.stance, weight, pair.label.file_sha256)
        for pairs, weight in ((tune, 1.0), (load(MORE, corpus, workers=workers), FURTHER))
        for pair in pairs
    ]


def foreign(catalyst: Catalyst, encode: Encode) -> list[Catalyst]:
    """Return the other shipped catalysts that are not about nearly the same."""
    others = [one for one in shipped() if one.id != catalyst.id]
    own, *theirs = np.asarray(encode([catalyst.statement, *(one.statement for one in others)]))
    return [one for one, vector in zip(others, theirs, strict=True) if float(own @ vector) < _SAME]


def strange(catalyst: Catalyst, encode: Encode) -> list[str]:
    """Return the examples of the foreign catalysts."""
    return [text for one in foreign(catalyst, encode) for text in (*one.examples_for, *one.examples_against)]


def bared(catalyst: Catalyst, *, words: bool) -> Catalyst:
    """Return a catalyst as a user may write it: without examples, and unless ``words`` without signs and moves."""
    bare = replace(catalyst, examples_for=(), examples_against=(), examples_neither=())
    return bare if words else replace(bare, moves=(), signs_for=(), signs_against=())


@dataclass(frozen=True, slots=True)
class Table:
    """Features, (rows, len(NAMES)), stances and weights to fit a head on; ``groups``: of each row its catalyst and document."""

    features: Floats
    stances: list[int]
    weights: list[float]
    groups: list[tuple[str, str]]


def table(data: Sequence[Labelled], encode: Encode, variant: str = "full") -> Table:
    """Return the features of ``data`` and, for "full", of the examples. ``variant``: full, words (no examples) or bare (no signs either)."""
    parts: list[Floats] = []
    stances: list[int] = []
    weights: list[float] = []
    groups: list[tuple[str, str]] = []
    for whole in shipped():
        one = whole if variant == "full" else bared(whole, words=variant == "words")
        of = known(one, strange(whole, encode), general(), encode)
        cues, here = Cues(one), [row for row in data if row.catalyst == one.id]
        texts = [row.text for row in here]
        parts.append(rows(fitted(of), cues, texts, np.asarray(encode(texts), np.float64))[0])
        stances += [STANCES.index(row.stance) for row in here]
        weights += [row.weight for row in here]
        groups += [(one.id, row.document) for row in here]
        if variant == "full":
            _add_examples(one, of, cues, parts, stances, weights, groups)
    return Table(np.vstack(parts), stances, weights, groups)


def _add_examples(
    one: Catalyst, of: Known, cues: Cues, parts: list[Floats], stances: list[int], weights: list[float],
    groups: list[tuple[str, str]],
) -> None:  # fmt: skip
    sides = (*of.sides, of.plain)
    texts = (one.examples_for, one.examples_against, one.examples_neither, general())
    blocks = [np.minimum(np.arange(len(side)) * FOLDS // max(1, len(side)), FOLDS - 1) for side in sides]
    for fold in range(FOLDS):
        kept = [side[block != fold] for side, block in zip(sides, blocks, strict=True)]
        maps = fitted(replace(of, sides=(kept[0], kept[1], kept[2]), plain=kept[3]))
        for place, (side, block, listed) in enumerate(zip(sides, blocks, texts, strict=True)):
            chosen = np.flatnonzero(block == fold)
            if not len(chosen):
                continue
            parts.append(rows(maps, cues, [listed[k] for k in chosen], side[chosen])[0])
            stances += [min(place, 2)] * len(chosen)
            weights += [GENERAL if place == 3 else EXAMPLE] * len(chosen)
            groups += [(one.id, "")] * len(chosen)


def head(data: Table, names: Sequence[str], chosen: Sequence[bool] | None = None) -> Head:
    """Fit a head on the rows that are ``chosen``: each stance weighs as much in all, among the labels and among the examples."""
    use = np.ones(len(data.stances), bool) if chosen is None else np.asarray(chosen, bool)
    x = data.features[use][:, [NAMES.index(name) for name in names]]
    y, w = np.array(data.stances)[use], np.array(data.weights)[use]
    from_documents = np.array([bool(document) for _, document in data.groups])[use]
    for part in (from_documents, ~from_documents):
        if part.any():
            now = np.bincount(y[part], weights=w[part], minlength=3)
            w = np.where(part, w * (now.sum() / 3 / np.maximum(now, 1e-9))[y], w)
    mean = np.average(x, axis=0, weights=w)
    scale = np.sqrt(np.average((x - mean) ** 2, axis=0, weights=w)) + 1e-6
    z = np.hstack([(x - mean) / scale, np.ones((len(x), 1))])
    return Head(tuple(names), mean, scale, _logistic(z, y, w))


def _logistic(z: Floats, y: Any, w: Floats) -> Floats:
    """Return the weights of a multinomial logistic regression, by Nesterov's gradient from zero: the same data give the same."""
    target, whole = np.eye(3)[y], w.sum()
    penalty = np.full((z.shape[1], 1), L2 / whole)
    penalty[-1] = 0
    rate = 1 / (0.5 * np.linalg.norm(z * np.sqrt(w)[:, None], 2) ** 2 / whole + L2 / whole)
    found = ahead = np.zeros((z.shape[1], 3))
    pace = 1.0
    for _ in range(STEPS):
        scores = z @ ahead
        chances = np.exp(scores - scores.max(1, keepdims=True))
        chances /= chances.sum(1, keepdims=True)
        moved = ahead - rate * (z.T @ (w[:, None] * (chances - target)) / whole + penalty * ahead)
        following = (1 + np.sqrt(1 + 4 * pace * pace)) / 2
        ahead = moved + (pace - 1) / following * (moved - found)
        found, pace = moved, following
    return np.asarray(found, np.float64)


def joined(*tables: Table) -> Table:
    """Return the rows of several tables."""
    return Table(
        np.vstack([one.features for one in tables]),
        [s for one in tables for s in one.stances],
        [w for one in tables for w in one.weights],
        [g for one in tables for g in one.groups],
    )


def bare_table(data: Sequence[Labelled], encode: Encode) -> Table:
    """Return what the head for catalysts without examples is fitted on: each shipped one with its words, and without."""
    return joined(table(data, encode, "words"), table(data, encode, "bare"))


def maps(encode: Encode) -> dict[str, Likeness]:
    """Return the maps of each shipped catalyst."""
    return {one.id: fitted(known(one, strange(one, encode), general(), encode)) for one in shipped()}


def written(full: Head, bare: Head, fits: dict[str, Likeness], adapted: dict[str, Floats], adapter: bytes) -> str:
    """Return the text of stance_weights.json."""
    catalysts: dict[str, Any] = {}
    for one in shipped():
        fit = fits[one.id]
        assert fit.stances is not None
        parts = {"stances": fit.stances, "topic": fit.topic, "of_statement": fit.statement, "of_words": fit.words}
        catalysts[one.id] = {"statement": one.statement} | {name: packed(part) for name, part in parts.items()}
        catalysts[one.id]["examples"] = [packed_rows(side) for side in fit.examples[:2]]
        catalysts[one.id]["neither"] = packed_rows(fit.examples[2][: len(one.examples_neither)])
        catalysts[one.id]["adapted"] = packed(adapted[one.id])
    plain = packed_rows(fits[shipped()[0].id].examples[2][-len(general()) :])
    data = {"share": SHARE, "full": _shown(full), "bare": _shown(bare), "plain": plain, "catalysts": catalysts}
    whole = json.dumps(data, sort_keys=True).encode() + adapter
    return json.dumps({"version": "learned-" + hashlib.sha256(whole).hexdigest()[:12], **data}, indent=1) + "\n"


def _shown(one: Head) -> dict[str, Any]:
    mean, scale = ([float(f"{v:.5g}") for v in part] for part in (one.mean, one.scale))
    return {
        "names": list(one.names), "mean": mean, "scale": scale,
        "weights": [[round(float(v), 4) for v in row] for row in one.weights],
    }  # fmt: skip


def main(argv: Sequence[str] | None = None) -> int:
    """Write the two files."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("corpus", nargs="?", type=Path, default=os.environ.get("THESIS_CORPUS"))
    parser.add_argument("--adapt", action="store_true", help="adapt the embedding anew first")
    options = parser.parse_args(argv)
    if options.corpus is None:
        parser.error("name the corpus, or set THESIS_CORPUS")
    data = labelled(Path(options.corpus))
    encode = make_embedder(Settings()).encode
    if options.adapt:
        learned = stance_adapt.rows([(row.text, row.catalyst, row.stance) for row in data])
        trained = stance_adapt.train(learned, _bundled())
        (DATA / ADAPTER).write_bytes(adapter_file(*stance_adapt.thin(trained.changes)))
        adapted = {name: np.asarray(one, np.float64) for name, one in trained.maps.items()}
    else:
        from assistant.catalysts.stance_model import weights

        adapted = {name: one.adapted for name, one in weights().shipped.items()}
    full = head(table(data, encode), NAMES)
    bare = head(bare_table(data, encode), BARE)
    text = written(full, bare, maps(encode), adapted, (DATA / ADAPTER).read_bytes())
    (DATA / WEIGHTS).write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
