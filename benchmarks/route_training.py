"""Learn the weights of the votes that route a question (assistant/data/routing_weights.json).

    python -m benchmarks.route_training [--check [SET ...]]

Learns from benchmarks/questions/tools_*.jsonl, the questions of the other sets as ones that call no tool, and TEMPLATES. With
--check nothing is written: each set (or those named: a b) is left out in turn, the rest learned from, and it is asked.

Logistic regression (one output a tool, and one for "any"), full batch, Nesterov's gradient: the same data give the same weights.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

import assistant
from assistant.evaluation.dataset import load
from assistant.routing import route
from assistant.routing.features import features
from assistant.routing.shorthand import written_out
from assistant.routing.votes import LIVE, SCALE, Encode, Floats, Weights, row
from assistant.tools.registry import tools
from benchmarks.route_templates import rows as templates
from benchmarks.tools import QUESTIONS, base, measure
from vectorstore.embedding import make_embedder
from vectorstore.settings import Settings

OUT = Path(assistant.__file__).parent / "data" / "routing_weights.json"
NO_TOOL = ("corpus", "narrative_a", "narrative_b", "statements_a", "statements_b")
L2 = 1.0
TEMPLATE = 0.2  # weight of a template beside that of a question that somebody asked
STEPS = 400
ROUND = 1000  # weights are kept as whole thousandths


@dataclass(frozen=True, slots=True)
class Example:
    """A question as people asked it, written out, with its features and the tools that it should call."""

    text: str
    found: frozenset[str]
    tools: frozenset[str]
    weight: float = 1.0


def examples(rows: Iterable[tuple[str, Iterable[str]]], weight: float = 1.0) -> list[Example]:
    """Return examples of (question, tools)."""
    sources = base()
    texts = [(written_out(" ".join(question.split())), frozenset(called)) for question, called in rows]
    return [Example(text, features(text, sources), called, weight) for text, called in texts]


def learn(given: Sequence[Example], encode: Encode) -> Weights:
    """Return the weights that examples teach."""
    names = sorted({name for one in given for name in one.found})
    outputs = (LIVE, *sorted(tools()))
    said = np.array([row(one.found, names) for one in given])
    vectors = SCALE * encode([one.text for one in given]).astype(np.float64)
    wanted = np.array([[bool(one.tools) if o == LIVE else o in one.tools for o in outputs] for one in given], float)
    weigh = np.array([one.weight for one in given])[:, None]
    return Weights(
        tuple(names),
        outputs,
        _fit(said, wanted, weigh),
        _fit(np.hstack([said, vectors]), wanted, weigh),
    )


def _fit(x: Floats, y: Floats, weight: Floats) -> Floats:
    x = np.hstack([x, np.ones((len(x), 1))])
    step = 1 / (0.25 * np.linalg.norm(x.T @ x, 2) + L2)
    shrink = np.full((x.shape[1], 1), L2)
    shrink[-1] = 0
    now = np.zeros((x.shape[1], y.shape[1]))
    ahead, t = now, 1.0
    for _ in range(STEPS):
        chance = 1 / (1 + np.exp(-(x @ ahead)))
        new = ahead - step * (x.T @ ((chance - y) * weight) + shrink * ahead)
        after = (1 + (1 + 4 * t * t) ** 0.5) / 2
        now, ahead, t = new, new + (t - 1) / after * (new - now), after
    return now


def _labelled(path: Path) -> list[tuple[str, list[str]]]:
    return [(r.question, [c.tool for c in r.tools or ()]) for r in load(path)]


def _others() -> list[Example]:
    none = [(r.question, ()) for name in NO_TOOL for r in load(QUESTIONS / f"{name}.jsonl")]
    return [*examples(none), *examples(templates(), TEMPLATE)]


def write(held: Weights, path: Path = OUT) -> None:
    """Write weights as whole thousandths, a row a line."""
    fields: Mapping[str, Any] = {"scale": ROUND, "names": held.names, "outputs": held.outputs}
    lines = [f'"{k}": {json.dumps(v)}' for k, v in fields.items()]
    for name, matrix in (("words", held.words), ("both", held.both)):
        whole = np.rint(matrix * ROUND).astype(int).tolist()
        lines.append(f'"{name}": [\n' + ",\n".join(json.dumps(r, separators=(",", ":")) for r in whole) + "\n]")
    path.write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")


def check(paths: Sequence[Path], asked_of: Sequence[str], encode: Encode) -> None:
    """Print the figures on each set that is asked of, learned from the others."""
    held = {path: examples(_labelled(path)) for path in paths}
    others = _others()
    today = datetime.now(UTC).date()
    columns = ("questions", "f1", "precision", "recall", "arguments_right", "none_right")
    print(f"{'left out':<24}" + " ".join(f"{c:>15}" for c in columns))
    for path in paths:
        if path.stem.removeprefix("tools_") not in asked_of:
            continue
        taught = learn([*others, *(one for p in paths if p != path for one in held[p])], encode)
        for label, by in (("", encode), (", words", None)):
            asked = partial(route, today=today, sources=base(), encode=by, weighed=taught)
            found = measure(load(path), asked)
            print(f"{path.stem + label:<24}" + " ".join(f"{found[c]:>15.3f}" for c in columns), flush=True)


def main() -> None:
    """Learn and write, or check."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", nargs="*")
    options = parser.parse_args()
    encode = make_embedder(Settings()).encode
    paths = sorted(QUESTIONS.glob("tools_*.jsonl"))
    if options.check is not None:
        check(paths, options.check or [p.stem.removeprefix("tools_") for p in paths], encode)
        return
    given = [*_others(), *(one for path in paths for one in examples(_labelled(path)))]
    write(learn(given, encode))
    print(f"{OUT.name}: {len(given)} questions, {OUT.stat().st_size // 1024} KB")


if __name__ == "__main__":
    main()
