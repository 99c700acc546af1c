"""The lexical index: SQLite FTS5 with BM25, persistent and incremental.

One table for body chunks and one for page furniture, so that each has its own word statistics. The column ``key`` holds
the document's number and the chunk's role as terms ("d17"): a filter joins the match expression and never scans. A row's id is
that number and the chunk's place in its document, so that documents are removed and filtered by ranges.
"""

# ruff: noqa: S608 - every name put into a statement is a constant of this module
from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from vectorstore._faults import fault
from vectorstore._ranking import BODY_WEIGHT, HEADER_WEIGHT, LARGE, SCANNED, SHIFT, Ranking
from vectorstore._scoped import Scope, Scoped
from vectorstore._sqlite import Database
from vectorstore._stems import TOKENIZER
from vectorstore.chroma import BODY, FURNITURE, REBUILD, collection_of
from vectorstore.errors import StoreError
from vectorstore.records import Chunk, Metadata

# Words that carry no topic; negations and comparatives stay.
STOP_WORDS = frozenset(
    """
    a about after all am an and any are as at be been being but by can could did do does doing for from had has have
    having he her here hers him his how i if in into is it its itself just me my of on or our ours shall she should so
    some such than that the their theirs them then there these they this those to was we were what when where which
    while who whom whose why will with would you your yours please tell show give
    """.split()  # noqa: SIM905 - reads better
)
# To be raised when the tables or what is written into them change: an index of another layout is made again when opened.
LAYOUT = 0
_WORD = re.compile(r"[^\W_]+")
# Beyond this many documents, or a fifth of the base, a test of each row found beats joining their key terms.
_MOST_KEYS = 400


class KeywordIndex:
    """Postings of one store folder."""

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            self._database = Database(path, synchronous="NORMAL")
            with self._database.write() as connection:
                if connection.execute("SELECT 1 FROM sqlite_master").fetchone() is None:
                    connection.execute(f"PRAGMA user_version = {LAYOUT}")
                for name in (BODY, FURNITURE):
                    connection.execute(
                        f"CREATE VIRTUAL TABLE IF NOT EXISTS {name} USING fts5(heading, content, key, chunk_id UNINDEXED, "
                        f"tokenize = '{TOKENIZER}')"
                    )
                    connection.execute(
                        f"CREATE VIRTUAL TABLE IF NOT EXISTS {name}_terms USING fts5vocab({name}, instance)"
                    )
            self._ranking = Ranking()
        except sqlite3.DatabaseError as error:
            self.close()
            raise StoreError(f"The keyword index {path} cannot be read: {error}.", REBUILD) from error

    def layout(self) -> int:
        """Return the number of the layout that this index was made in."""
        with self._guard(), self._database.read() as connection:
            return int(connection.execute("PRAGMA user_version").fetchone()[0])

    def close(self) -> None:
        if hasattr(self, "_database"):
            self._database.close()
        if hasattr(self, "_ranking"):
            self._ranking.close()

    def replace(self, number: int, chunks: Sequence[Chunk], metadata: Metadata | None) -> None:
        """Make the rows of document ``number`` exactly ``chunks``, in one transaction."""
        rows: dict[str, list[tuple[int, str, str, str, str]]] = {BODY: [], FURNITURE: []}
        for place, chunk in enumerate(chunks):
            head = header_words(metadata or Metadata(), chunk.section)
            key = f"d{number} {_role_term(chunk.role)}"
            row = ((number << SHIFT) + place, head, indexed_text(chunk.text), key, chunk.chunk_id)
            rows[collection_of(chunk.role)].append(row)
        with self._guard(), self._database.write() as connection:
            for name, new in rows.items():
                connection.execute(
                    f"DELETE FROM {name} WHERE rowid >= ? AND rowid < ?",
                    (number << SHIFT, (number + 1) << SHIFT),
                )
                connection.executemany(
                    f"INSERT INTO {name} (rowid, heading, content, key, chunk_id) VALUES (?, ?, ?, ?, ?)",
                    new,
                )

    def search(
        self,
        name: str,
        query: str,
        k: int,
        documents: Sequence[int] | None = None,
        roles: Sequence[str] = (),
        *,
        chunks: int | None = None,
    ) -> list[tuple[str, float]]:
        """Return up to ``k`` (chunk id, BM25 score, higher is better) of chunks that hold any word of ``query``.

        ``documents``: numbers of the documents that may answer, None for all; ``chunks``: how many they have, where that
        is known; ``roles``: likewise, empty for all. Any text is a valid query. Exact up to ``LARGE`` chunks, see _ranking.
        """
        words = query_words(query)
        if not words or k < 1 or (documents is not None and not documents):
            return []
        with self._guard(), self._database.read() as connection:
            view = self._ranking.view(connection, name, self._database.revision)
            selective = chunks is None or 5 * chunks < view.table.chunks
            if view.table.chunks >= LARGE and not roles:
                found = None
                if documents is None or len(documents) > _MOST_KEYS or not selective:
                    found = view.search(words, k, documents)
                elif chunks is not None and chunks <= SCANNED:
                    found = view.within(words, k, documents)
                if found is not None:
                    return found
            return _scored(connection, name, words, k, documents, roles, selective)

    def search_within(
        self, name: str, query: str, k: int, scope: Scope, documents: Sequence[int], roles: Sequence[str] = ()
    ) -> list[tuple[str, float]]:
        """Return what ``search`` does over an index that holds the documents of ``scope`` only; exact at any size.

        ``documents``: those of the scope that may answer.
        """
        words = query_words(query)
        if not words or k < 1 or not documents:
            return []
        with self._guard(), self._database.read() as connection:
            view = self._ranking.view(connection, name, self._database.revision)
            return Scoped(view, scope).search(words, k, documents, tuple(map(_role_term, roles)))

    def frequency(self, phrases: Sequence[str]) -> int:
        """Return how many body chunks hold any of ``phrases`` (their words in a row, stemmed); large counts of large bases are estimates."""
        match = _any_of(phrases)
        if not match:
            return 0
        with self._guard(), self._database.read() as connection:
            return self._ranking.view(connection, BODY, self._database.revision).count(match)

    def frequencies_within(self, groups: Sequence[Sequence[str]], scope: Scope) -> tuple[int, list[int]]:
        """Return how many chunks ``scope`` has, and for each group of phrases its body chunks that hold one; exact."""
        with self._guard(), self._database.read() as connection:
            body, furniture = (
                Scoped(self._ranking.view(connection, name, self._database.revision), scope)
                for name in (BODY, FURNITURE)
            )
            counts = [body.count(match) if (match := _any_of(phrases)) else 0 for phrases in groups]
            return body.size + furniture.size, counts

    def count(self) -> int:
        with self._guard(), self._database.read() as connection:
            return sum(
                connection.execute(f"SELECT count(*) FROM {name}_docsize").fetchone()[0] for name in (BODY, FURNITURE)
            )

    def entries(self) -> Iterator[tuple[str, int, str, str]]:
        """Yield (table, document number, chunk id, indexed text) of every row, for `thesis verify`."""
        with self._guard(), self._database.read() as connection:
            for name in (BODY, FURNITURE):
                for row in connection.execute(f"SELECT rowid, chunk_id, content FROM {name}"):
                    yield name, row[0] >> SHIFT, row[1], row[2]

    def problems(self) -> list[str]:
        """Return what FTS5's own integrity check finds."""
        found = []
        for name in (BODY, FURNITURE):
            try:
                with self._database.write() as connection:
                    connection.execute(f"INSERT INTO {name}({name}) VALUES ('integrity-check')")
            except sqlite3.DatabaseError as error:
                found.append(f"The keyword index ({name}) is damaged: {error}.")
        return found

    def _guard(self) -> _Guard:
        return _Guard(self.path)


class _Guard:
    """Turn an SQLite error of the index into one that says what to do."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, sqlite3.DatabaseError):
            raise fault(f"The keyword index {self.path}", error, REBUILD) from error


def _scored(
    connection: sqlite3.Connection,
    name: str,
    words: Sequence[str],
    k: int,
    documents: Sequence[int] | None,
    roles: Sequence[str],
    selective: bool,
) -> list[tuple[str, float]]:
    """Let FTS5 score all that match."""
    match = "{heading content} : (" + " OR ".join(f'"{word}"' for word in words) + ")"
    condition = ""
    if documents is not None and selective and len(documents) <= _MOST_KEYS:
        match += " AND key : (" + " OR ".join(f"d{number}" for number in documents) + ")"
    elif documents is not None:
        condition = f"AND (rowid >> {SHIFT}) IN (SELECT value FROM json_each(?))"
    if roles:
        match += " AND key : (" + " OR ".join(map(_role_term, roles)) + ")"
    # The third weight silences the key term: it filters and never scores.
    statement = (
        f"SELECT chunk_id, -bm25({name}, {HEADER_WEIGHT}, {BODY_WEIGHT}, 0.0, 0.0) AS score FROM {name} "
        f"WHERE {name} MATCH ? {condition} ORDER BY score DESC, rowid LIMIT ?"
    )
    values: list[object] = [match]
    if condition and documents is not None:
        values.append("[" + ",".join(map(str, documents)) + "]")
    return [(row[0], float(row[1])) for row in connection.execute(statement, (*values, k))]


def _any_of(phrases: Sequence[str]) -> str:
    """Return the FTS5 expression for any of ``phrases``; "" for none."""
    quoted = [" ".join(_WORD.findall(phrase.lower())) for phrase in phrases]
    match = " OR ".join(f'"{words}"' for words in dict.fromkeys(quoted) if words)
    return "{heading content} : (" + match + ")" if match else ""


def _role_term(role: str) -> str:
    return "r" + "".join(character for character in role if character.isalpha())


def query_words(query: str) -> list[str]:
    """Return the distinct words of a question, stop words dropped unless nothing else is left."""
    words = list(dict.fromkeys(_WORD.findall(indexed_text(query).casefold())))
    return [word for word in words if word not in STOP_WORDS] or words


def header_words(metadata: Metadata, section: str) -> str:
    """Return what stands above a chunk: title, company, ticker, form, fiscal period and section."""
    parts = (metadata.title, metadata.company, metadata.ticker, metadata.form, metadata.fiscal_period, section)
    return indexed_text(" ".join(_distinct(part for part in parts if part)))


def _distinct(parts: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(parts))


def indexed_text(text: str) -> str:
    """Return ``text`` as SQLite can hold it: NUL would end a string there, a lone surrogate has no UTF-8 form."""
    return text.replace("\0", " ").encode("utf-8", "replace").decode("utf-8")
