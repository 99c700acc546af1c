"""How well the stance of a sentence to a catalyst is told: macro-F1 on the labels that nothing was tuned on. ``make bench-stance``

    python -m benchmarks.stance ../shared/corpus [--left-out] [--kept]

Beside it what it is to be compared with: always the commonest stance, the words alone, the examples alone (maps on the plain embedding), no
adapted embedding, and catalysts as a user writes them. --left-out fits the head anew without each catalyst in turn and reads
that catalyst as a user's with examples. --kept: on the set that is kept back. The interval is a bootstrap over documents.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from assistant.catalysts.cues import Cues
from assistant.catalysts.encoding import BoardEncode
from assistant.catalysts.library import shipped
from assistant.catalysts.stance import VERSION, stances
from assistant.catalysts.stance_model import NAMES, STANCES, rows, weights
from assistant.evidence import Encode
from benchmarks.stance_data import KEPT, SHIPPED, Pair, load
from benchmarks.stance_fit import bared, head, labelled, table
from vectorstore.embedding import Embedder, make_embedder
from vectorstore.settings import Settings

BAR = 0.80
DRAWS = 2000
Places = NDArray[np.int64]  # places in STANCES


def macro_f1(true: Places, said: Places) -> float:
    """Return the mean over STANCES of F1 = 2 hits / (true + said); one that neither has counts 0."""
    return float(np.mean(each_f1(true, said)))


def each_f1(true: Places, said: Places) -> list[float]:
    """Return F1 of each of STANCES."""
    counts = [(np.sum((true == k) & (said == k)), np.sum(true == k) + np.sum(said == k)) for k in range(len(STANCES))]
    return [2 * float(hits) / float(both) if both else 0.0 for hits, both in counts]


def interval(true: Places, said: Places, documents: Sequence[str], seed: int = 0) -> tuple[float, float]:
    """Return the middle 95% of macro-F1 over documents that are drawn with replacement."""
    rng = np.random.default_rng(seed)
    names = sorted(set(documents))
    places = [np.flatnonzero(np.array([one == name for one in documents])) for name in names]
    drawn = []
    for _ in range(DRAWS):
        at = np.concatenate([places[k] for k in rng.integers(len(names), size=len(names))])
        drawn.append(macro_f1(true[at], said[at]))
    low, high = np.quantile(drawn, (0.025, 0.975))
    return float(low), float(high)


class _Store:
    def __init__(self, embedder: Embedder) -> None:
        self.embedder = embedder


class Plain:
    """An encoder without the adapted embedding."""

    def __init__(self, encode: Encode) -> None:
        self._encode = encode

    def __call__(self, texts: Sequence[str]) -> NDArray[np.float32]:
        return self._encode(texts)


def read(pairs: Sequence[Pair], encode: Encode, variant: str = "full") -> Places:
    """Return the stance of each pair. ``variant``: as shipped, or as a user writes a catalyst ("words": no examples, "bare": no signs)."""
    said = np.zeros(len(pairs), np.int64)
    for one in shipped():
        at = [k for k, pair in enumerate(pairs) if pair.label.catalyst == one.id]
        catalyst = one if variant == "full" else bared(one, words=variant == "words")
        for k, stance in zip(at, stances([pairs[k].text for k in at], catalyst, encode), strict=True):
            said[k] = STANCES.index(stance.label)
    return said


def by_words(pairs: Sequence[Pair]) -> Places:
    """Return the side that more words speak for, "neither" where they are even."""
    cues = {one.id: Cues(one) for one in shipped()}
    said = []
    for pair in pairs:
        one = cues[pair.label.catalyst].say(pair.text)
        pro, con = one.moved[0] + one.signed[0], one.moved[1] + one.signed[1]
        said.append(2 if pro == con else int(con > pro))
    return np.array(said)


def by_maps(pairs: Sequence[Pair], encode: Encode) -> Places:
    """Return the stance that the map on the plain embedding, which is fitted to our examples, gives most."""
    vectors = np.asarray(encode([pair.text for pair in pairs]), np.float64)
    fits = {name: one.likeness for name, one in weights().shipped.items()}
    found = [fits[pair.label.catalyst].features(row[None])[0, :3] for pair, row in zip(pairs, vectors, strict=True)]
    return np.array([int(np.argmax(row)) for row in found])


def left_out(pairs: Sequence[Pair], corpus: Path, encode: Encode) -> Places:
    """Return the stances where the head has seen no label and no example of the catalyst that is read."""
    data = labelled(corpus)
    whole = table(data, encode)
    said = np.zeros(len(pairs), np.int64)
    for one in shipped():
        fit = head(whole, NAMES, [name != one.id for name, _ in whole.groups])
        at = [k for k, pair in enumerate(pairs) if pair.label.catalyst == one.id]
        texts = [pairs[k].text for k in at]
        maps = weights().shipped[one.id].likeness
        features, _ = rows(maps, Cues(one), texts, np.asarray(encode(texts), np.float64))
        said[at] = fit.chances(features).argmax(axis=1)
    return said


def main(argv: Sequence[str] | None = None) -> int:
    """Print the figures; return 1 where macro-F1 is below the bar."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("corpus", nargs="?", type=Path, default=os.environ.get("THESIS_CORPUS"))
    parser.add_argument("--left-out", action="store_true", help="each catalyst by a head that was fitted without it")
    parser.add_argument("--kept", action="store_true", help="on the set that is kept back")
    options = parser.parse_args(argv)
    if options.corpus is None:
        parser.error("name the corpus, or set THESIS_CORPUS")
    corpus = Path(options.corpus)
    pairs = load(KEPT if options.kept else SHIPPED, corpus, workers=2)
    pairs = [pair for pair in pairs if pair.label.split in ("held", "kept")]
    true = np.array([STANCES.index(pair.label.stance) for pair in pairs])
    documents = [pair.label.file_sha256 for pair in pairs]
    settings = Settings()
    plain = make_embedder(settings)
    encode = BoardEncode(_Store(plain), settings, 1 << 14)
    said = read(pairs, encode)
    low, high = interval(true, said, documents)
    score = macro_f1(true, said)
    print(f"{VERSION}: {len(pairs)} pairs of {len(set(documents))} documents that nothing was tuned on\n")
    print(f"macro-F1 {score:.3f} (95%: {low:.3f} to {high:.3f}), the bar is {BAR:.2f}")
    print("F1: " + ", ".join(f"{name} {one:.3f}" for name, one in zip(STANCES, each_f1(true, said), strict=True)))
    print(
        f"the same stance: {float(np.mean(true == said)):.3f}\n\n| label | "
        + " | ".join(STANCES)
        + " |\n|---|---|---|---|"
    )
    for k, name in enumerate(STANCES):
        print(f"| {name} | " + " | ".join(str(int(np.sum((true == k) & (said == j)))) for j in range(3)) + " |")
    print("\n| catalyst | pairs | macro-F1 | the same stance |\n|---|---|---|---|")
    for one in shipped():
        at = np.array([pair.label.catalyst == one.id for pair in pairs])
        print(f"| {one.id} | {at.sum()} | {macro_f1(true[at], said[at]):.3f} | {np.mean(true[at] == said[at]):.3f} |")
    bare = Plain(encode)
    commonest = np.full(len(pairs), np.bincount(true).argmax())
    others = {
        "always the commonest stance": commonest,
        "words alone": by_words(pairs),
        "examples alone, plain embedding": by_maps(pairs, encode),
        "without the adapted embedding": read(pairs, bare),
        "a user's catalyst with words to look for and signs": read(pairs, bare, "words"),
        "a user's catalyst with words to look for alone": read(pairs, bare, "bare"),
    }
    if options.left_out:
        others["a catalyst with examples that no label was seen of"] = left_out(pairs, corpus, encode)
    print("\n| beside it | macro-F1 |\n|---|---|")
    for name, places in others.items():
        print(f"| {name} | {macro_f1(true, places):.3f} |")
    return int(score < BAR)


if __name__ == "__main__":
    raise SystemExit(main())
