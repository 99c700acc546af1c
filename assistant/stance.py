"""How far a sentence speaks for or against its subject: its nearness to ``data/stance.txt`` and its words. Pure."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from assistant.evidence import Encode, Sentence
from assistant.lexicon import keys, stances

_FOR_KEYS = frozenset(
    {
        "#benefit",
        "#outperform",
        "#rally",
        "#growth",
        "#catalyst",
        "#improve",
        "attract",
        "opportun",
        "advantag",
        "boost",
        "better",
    }
)
_AGAINST_KEYS = frozenset(
    {"#risk", "#drawdown", "#underperform", "#unprofitable", "#lowest", "#thin", "#recession", "#volatility", "lack", "avoid", "worst",
     "weak", "pessim", "stress", "uncertain", "deterior", "overlook", "crosshair", "lower-qual"}
)  # fmt: skip


def stance_of(sentences: Sequence[Sentence], encode: Encode) -> list[float]:
    """Return how far each sentence leans: above 0 for, below 0 against.

    The mean of the three nearest of ``data/stance.txt`` on each side, and the words of each side.
    """
    good, bad = stances()
    vectors = encode([*good, *bad, *[s.text for s in sentences]])
    examples, own = vectors[: len(good) + len(bad)], vectors[len(good) + len(bad) :]
    near = np.sort(own @ examples[: len(good)].T, axis=1)[:, -3:].mean(axis=1)
    far = np.sort(own @ examples[len(good) :].T, axis=1)[:, -3:].mean(axis=1)
    result = []
    for s, leaning in zip(sentences, near - far, strict=True):
        found = keys(s.text)
        words = len(found & _FOR_KEYS) - len(found & _AGAINST_KEYS)
        result.append(float(leaning) + 0.08 * max(-2, min(2, words)))
    return result
