"""Token ids of a text from those of its words, which are kept: documents repeat most of their words.

Exact for tokenizers of the BERT kind, which split at white space before anything else and look at each word by itself.
Others are known by their parts and keep the plain way.
"""

from __future__ import annotations

from itertools import chain
from typing import Any

_MOST_WORDS = 100_000  # about 20 MB
_LONGEST_WORD = 40  # characters; longer ones are rare, and a hostile text could be full of them


class _Words(dict[str, tuple[int, ...]]):
    """The ids of words, found at the first look-up; forgotten all at once when there are too many."""

    def __init__(self, tokenizer: Any) -> None:
        super().__init__()
        self._tokenizer = tokenizer

    def __missing__(self, word: str) -> tuple[int, ...]:
        ids = tuple(self._tokenizer.encode(word, add_special_tokens=False).ids)
        if len(word) <= _LONGEST_WORD:
            if len(self) >= _MOST_WORDS:
                self.clear()
            self[word] = ids
        return ids


class WordPieces:
    """``ids`` and ``count`` as the tokenizer gives them. May be used from many threads."""

    def __init__(self, tokenizer: Any, before: list[int], after: list[int]) -> None:
        self._words = _Words(tokenizer)
        self._before, self._after = before, after

    @classmethod
    def of(cls, tokenizer: Any) -> WordPieces | None:
        """Return the word-wise way for ``tokenizer`` (of the package tokenizers), None where it would not be exact."""
        kinds = tuple(type(part).__name__ for part in (tokenizer.normalizer, tokenizer.pre_tokenizer, tokenizer.model))
        added = tokenizer.get_added_tokens_decoder().values()
        plain = not any(t.lstrip or t.rstrip or t.single_word or t.content.split() != [t.content] for t in added)
        if kinds != ("BertNormalizer", "BertPreTokenizer", "WordPiece") or not plain:
            return None
        probe = tokenizer.encode("a", add_special_tokens=False).ids
        whole, empty = tokenizer.encode("a").ids, tokenizer.encode("").ids
        for place in range(len(empty) + 1):
            if empty[:place] + probe + empty[place:] == whole:
                return cls(tokenizer, empty[:place], empty[place:])
        return None

    def ids(self, text: str) -> list[int]:
        """Return the ids of ``text`` with the special ones; nothing is cut."""
        found = map(self._words.__getitem__, _split(text))
        return [*self._before, *chain.from_iterable(found), *self._after]

    def count(self, text: str) -> int:
        """Return how many ids ``text`` has, the special ones included."""
        found = map(self._words.__getitem__, _split(text))
        return len(self._before) + sum(map(len, found)) + len(self._after)


def _split(text: str) -> list[str]:
    """Not ``str.split()``: such a tokenizer drops a form feed or \\x1c, and what stood beside them is one word."""
    return text.replace("\n", " ").replace("\t", " ").replace("\r", " ").split(" ")
