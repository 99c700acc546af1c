"""An embedder without a model, for tests of the storage: the same text the same vector, and it counts its work."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray


class CountingEmbedder:
    """Vectors from the words' hashes; ``encoded`` lists every text that it was given."""

    def __init__(self, name: str = "words", dimension: int = 16, max_tokens: int = 256) -> None:
        self.fingerprint = f"{name}/{dimension}"
        self.dimension = dimension
        self.max_tokens = max_tokens
        self.encoded: list[str] = []

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        self.encoded += texts
        vectors = np.full((len(texts), self.dimension), 1e-3, np.float32)
        for row, text in zip(vectors, texts, strict=True):
            for word in re.findall(r"\w+", text.casefold()):
                digest = hashlib.sha256(word.encode("utf-8", "replace")).digest()
                row[digest[0] % self.dimension] += 1 + digest[1] / 256
        return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        return [len(re.findall(r"\w+|[^\w\s]", text)) + 2 for text in texts]
