"""The terms that FTS5 makes of words, made by its own tokenizer."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterable
from functools import lru_cache

TOKENIZER = "porter unicode61 remove_diacritics 2"


class Stems:
    """The terms that FTS5's own tokenizer makes of a word."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._connection = sqlite3.connect(":memory:", check_same_thread=False, isolation_level=None)
        self._connection.execute(f"CREATE VIRTUAL TABLE one USING fts5(word, tokenize = '{TOKENIZER}')")
        self._connection.execute("CREATE VIRTUAL TABLE terms USING fts5vocab(one, instance)")
        self.of = lru_cache(maxsize=65_536)(self._of)

    def close(self) -> None:
        with self._lock:
            self._connection.close()

    def _of(self, word: str) -> tuple[str, ...]:
        with self._lock:
            self._connection.execute("INSERT INTO one (rowid, word) VALUES (1, ?)", (word,))
            found = self._connection.execute("SELECT term FROM terms ORDER BY offset").fetchall()
            self._connection.execute("DELETE FROM one")
        return tuple(row[0] for row in found)


class Terms(dict[str, str]):
    """A word as it stands in a text -> the term of the query that it is; "" for none."""

    def __init__(self, asked: Iterable[str], stems: Stems) -> None:
        super().__init__()
        self._asked, self._stems = frozenset(asked), stems
        # Porter takes endings off and changes at most the last letter that stays.
        self._openings = tuple({term[: 3 if len(term) > 3 else max(1, len(term) - 1)] for term in self._asked})

    def __missing__(self, word: str) -> str:
        found = ""
        if not word.isascii() or word.lower().startswith(self._openings):
            terms = self._stems.of(word)
            found = terms[0] if len(terms) == 1 and terms[0] in self._asked else ""
        self[word] = found
        return found
