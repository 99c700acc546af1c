"""A blue/green rebuild: new index files are filled beside those that answer, which are exchanged for them at the end.

New chunks wait in the ledger's staged tables, new vectors under their own model. Nothing of what answers is touched until the one
transaction of ``Green.switch``; a rebuild that ends before it leaves files, rows and vectors that ``discard`` or the next start
takes away (the vectors stay for the rebuild that follows).
"""

# ruff: noqa: S608 - every name put into a statement is a constant of the package
from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from vectorstore import _rows
from vectorstore._indexes import Files, Indexes, delete
from vectorstore._items import Upsert, check, embedded_texts, flat, sha
from vectorstore._places import Place
from vectorstore._rows import Head, Match
from vectorstore.chroma import REBUILD, VectorIndex, collection_of
from vectorstore.embedding import Embedder
from vectorstore.errors import StoreError
from vectorstore.keyword import KeywordIndex
from vectorstore.ledger import Ledger
from vectorstore.records import Chunk, Document, Filters, sha256

Progress = Callable[[int, int], None]  # chunks done, chunks in all
Rechunk = Callable[[Document], Sequence[Chunk]]
_ENCODE = 256  # texts embedded between two savings
_READ = 64  # documents read together
_GROUP = 512  # chunks brought in together
_COLUMNS = f"{_rows.CHUNK}, place, text_sha, embedded_sha"


@dataclass(frozen=True, slots=True)
class _Cut:
    """A document as it stands in the ledger, with the chunks that it is to have."""

    match: Match
    head: Head
    chunks: Sequence[Chunk]
    before: Sequence[tuple[Chunk, str]] | None  # what it has, with the shas of what was embedded; None: not the same


class Green:
    """The generation in the making."""

    def __init__(
        self,
        root: Path,
        blue: Files,
        place: Place,
        keyword: Callable[[Files], KeywordIndex],
        ledger: Ledger,
        embedder: Embedder,
        chunker: str,
        rechunk: Rechunk | None,
        go_on: Callable[[], None],
    ) -> None:
        """``go_on`` is called often, and raises where the rebuild is to end. Raises StoreError."""
        self._root, self._place, self._ledger, self._embedder, self._chunker = root, place, ledger, embedder, chunker
        self._rechunk, self._go_on = rechunk, go_on
        self._built: dict[str, tuple[Match, int]] = {}  # by document: what was built, and how many chunks that made
        unstage(ledger)
        files = blue.following(root, place)
        try:
            self.indexes = Indexes(files, place, keyword, ledger, embedder, embedder.fingerprint)
        except BaseException:
            delete(root, files, place)
            raise

    @property
    def chunks(self) -> int:
        """How many chunks are in."""
        return sum(count for _, count in self._built.values())

    def behind(self) -> list[Match]:
        """Return the documents of the ledger that are not in yet as they stand there."""
        return [m for m in self._ledger.matching(Filters()) if self._built.get(m.document_id, (None, 0))[0] != m]

    def catch_up(self, progress: Progress | None = None) -> None:
        """Bring in what differs from the ledger, and take out what is no longer there."""
        with self._ledger.snapshot():
            behind = self.behind()
            there = {match.document_id for match in self._ledger.matching(Filters())}
        for name in self._built.keys() - there:
            match, _ = self._built.pop(name)
            self._drop(name, match.number, {})
            unstage(self._ledger, name)
        rest = sum(match.chunks for match in behind)
        for start in range(0, len(behind), _READ):
            part = behind[start : start + _READ]
            rest -= sum(match.chunks for match in part)
            cuts = [cut for match in part if (cut := self._cut(match.document_id)) is not None]
            left = sum(len(cut.chunks) for cut in cuts)
            for group in _grouped(cuts):
                self._go_on()
                self._add(group)
                left -= sum(len(cut.chunks) for cut in group)
                if progress:
                    progress(self.chunks, self.chunks + left + rest)

    def _cut(self, name: str) -> _Cut | None:
        """Read one document, all of one state; None where it has gone meanwhile."""
        self._go_on()
        with self._ledger.snapshot():
            match = next(iter(self._ledger.matching(Filters(document_id=(name,)))), None)
            if match is None:
                return None
            head = self._ledger.heads_of([name])[name]
            rows = [(chunk, embedded) for chunk, embedded in _chunk_rows(self._ledger, name)]
            document = self._ledger.document(name, head.version) if self._rechunk is not None else None
        old = [chunk for chunk, _ in rows]
        if document is None or self._rechunk is None:
            return _Cut(match, head, old, rows)
        chunks = self._rechunk(document)
        check(Upsert(document, chunks))
        return _Cut(match, head, chunks, rows if old == list(chunks) else None)

    def _add(self, group: Sequence[_Cut]) -> None:
        texts = [embedded_texts(self._embedder, cut.head.metadata, cut.chunks) for cut in group]
        shas = [[sha(text) for text in part] for part in texts]
        self._embed(dict(zip(flat(shas), flat(texts), strict=True)))
        vectors, keyword = self.indexes.vectors, self.indexes.keyword
        for cut, embedded in zip(group, shas, strict=True):
            name = cut.head.document_id
            if name in self._built:
                self._drop(name, cut.head.number, {c.chunk_id: collection_of(c.role) for c in cut.chunks})
            if cut.before is None or [before for _, before in cut.before] != embedded:
                _stage(self._ledger, name, cut.chunks, embedded)
            else:
                unstage(self._ledger, name)
            vectors.add(cut.chunks, self._ledger.vectors_for(self._embedder.fingerprint, embedded))
            keyword.replace(cut.head.number, cut.chunks, cut.head.metadata)
            self._built[name] = (cut.match, len(cut.chunks))

    def _drop(self, name: str, number: int, keep: dict[str, str]) -> None:
        """Take a document's chunks out, but those that are to be in the same collection again."""
        for collection, ids in self.indexes.vectors.ids_of(name).items():
            self.indexes.vectors.remove(collection, sorted(i for i in ids if keep.get(i) != collection))
        self.indexes.keyword.replace(number, [], None)

    def _embed(self, texts: dict[str, str]) -> None:
        model = self._embedder.fingerprint
        missing = sorted(self._ledger.missing(model, texts), key=lambda one: len(texts[one]))
        for start in range(0, len(missing), _ENCODE):
            self._go_on()
            part = missing[start : start + _ENCODE]
            self._ledger.keep_vectors(model, part, self._embedder.encode([texts[one] for one in part]))

    def switch(self) -> None:
        """Make this the generation that answers, in one transaction. The caller lets nothing be written meanwhile."""
        self._go_on()
        with self._ledger.transaction() as connection:
            staged = connection.execute("SELECT document_id FROM staged_documents").fetchall()
            self._ledger.words_changed(row[0] for row in staged)
            connection.execute("DELETE FROM chunks WHERE document_id IN (SELECT document_id FROM staged_documents)")
            connection.execute(f"INSERT INTO chunks ({_COLUMNS}) SELECT {_COLUMNS} FROM staged_chunks")
            connection.execute(
                "UPDATE documents SET chunks = (SELECT count(*) FROM staged_chunks s WHERE s.document_id = documents.document_id) "
                "WHERE document_id IN (SELECT document_id FROM staged_documents)"
            )
            unstage(self._ledger)
            self._ledger.set_meta("embedder", self._embedder.fingerprint)
            self._ledger.set_meta("chunker", self._chunker)
            self.indexes.files.remember(self._ledger)
            connection.execute("DELETE FROM meta WHERE key = 'indexes'")  # an older program's mark of a rebuild
            self._ledger.settle(self._ledger.marked())
            self._ledger.indexed([one.document_id for one in self._ledger.waiting()])
            self._ledger.indexed([one.document_id for one in self._ledger.waiting()])

    def discard(self) -> None:
        """Leave everything as it was."""
        self.indexes.close()
        delete(self._root, self.indexes.files, self._place)
        unstage(self._ledger)


def unstage(ledger: Ledger, document_id: str | None = None) -> None:
    """Forget the staged chunks of one document, or of all."""
    condition, values = ("WHERE document_id = ?", [document_id]) if document_id is not None else ("", [])
    with ledger.transaction() as connection:
        connection.execute(f"DELETE FROM staged_chunks {condition}", values)
        connection.execute(f"DELETE FROM staged_documents {condition}", values)


def fill_keyword(ledger: Ledger, keyword: KeywordIndex) -> None:
    """Put every document of the ledger into an empty keyword index."""
    for head in ledger.heads():
        keyword.replace(head.number, ledger.chunks(head.document_id), head.metadata)


def fill_vectors(ledger: Ledger, vectors: VectorIndex, embedder: str) -> None:
    """Put every document that has its vectors in the ledger into an empty vector index."""
    waiting = {one.document_id for one in ledger.waiting()}
    for head in ledger.heads():
        if head.document_id in waiting:
            continue
        chunks = ledger.chunks(head.document_id)
        ids, _, matrix = ledger.vectors(embedder, head.document_id)
        if len(ids) != len(chunks):
            raise StoreError(f"Vectors of {head.path} are missing.", REBUILD)
        vectors.add(chunks, matrix)


def _stage(ledger: Ledger, name: str, chunks: Sequence[Chunk], embedded: Sequence[str]) -> None:
    with ledger.transaction() as connection:
        unstage(ledger, name)
        connection.execute("INSERT INTO staged_documents VALUES (?)", (name,))
        connection.executemany(
            f"INSERT INTO staged_chunks ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                (
                    *(c.chunk_id, c.document_id, c.version, c.start, c.end, _rows.as_bytes(c.text), c.page),
                    *(_rows.plain(c.section), c.role, place, sha256(_rows.as_bytes(c.text)), one),
                )
                for place, (c, one) in enumerate(zip(chunks, embedded, strict=True))
            ),
        )


def _chunk_rows(ledger: Ledger, name: str) -> Iterator[tuple[Chunk, str]]:
    with ledger.snapshot() as connection:
        rows = connection.execute(
            f"SELECT {_rows.CHUNK}, embedded_sha FROM chunks WHERE document_id = ? ORDER BY place", (name,)
        )
        for row in rows:
            yield _rows.chunk(row[:9]), row[9]


def _grouped(cuts: Sequence[_Cut]) -> Iterator[list[_Cut]]:
    """Cut into groups of about 512 chunks, which fill the model's batches."""
    group: list[_Cut] = []
    for cut in cuts:
        group.append(cut)
        if sum(len(one.chunks) for one in group) >= _GROUP:
            yield group
            group = []
    if group:
        yield group
