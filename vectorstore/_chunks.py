"""The chunks of the ledger, and the vectors of what was embedded for them."""

# ruff: noqa: S608 - every name put into a statement is a constant of this module
from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from vectorstore import _rows
from vectorstore._sql import among
from vectorstore._states import States
from vectorstore.errors import StoreError
from vectorstore.records import Chunk

Vectors = NDArray[np.float32]


class Chunks(States):
    """The part of the ledger that holds what is searched."""

    # Chunks

    def chunks(self, document_id: str) -> list[Chunk]:
        with self._database.read() as connection:
            rows = connection.execute(
                f"SELECT {_rows.CHUNK} FROM chunks WHERE document_id = ? ORDER BY place", (document_id,)
            )
            return [_rows.chunk(row) for row in rows]

    def chunk_at(self, document_id: str, offset: int) -> Chunk | None:
        """Return the chunk that holds ``offset``, else the first; None where there is none."""
        found = f"SELECT {_rows.CHUNK} FROM chunks WHERE document_id = ?"
        with self._database.read() as connection:
            row = connection.execute(
                f'{found} AND start <= ? AND ? < "end" ORDER BY place LIMIT 1', (document_id, offset, offset)
            ).fetchone()
            row = row or connection.execute(f"{found} ORDER BY place LIMIT 1", (document_id,)).fetchone()
            return _rows.chunk(row) if row else None

    def chunks_by_id(self, chunk_ids: Sequence[str]) -> dict[str, Chunk]:
        with self._database.read() as connection:
            rows = connection.execute(
                f"SELECT {_rows.CHUNK} FROM chunks WHERE {among('chunk_id')}",
                (json.dumps(list(chunk_ids)),),
            )
            return {row[0]: _rows.chunk(row) for row in rows}

    def count_chunks(self) -> int:
        """Return how many chunks are in, as the documents say."""
        with self._database.read() as connection:
            return int(connection.execute("SELECT coalesce(sum(chunks), 0) FROM documents").fetchone()[0])

    def chunk_rows(self) -> Iterator[tuple[Chunk, str, str]]:
        """Yield (chunk, sha of its text, sha of what was embedded), document by document."""
        with self._database.read() as connection:
            rows = connection.execute(
                f"SELECT {_rows.CHUNK}, text_sha, embedded_sha FROM chunks ORDER BY document_id, place"
            )
            for row in rows:
                yield _rows.chunk(row[:9]), row[9], row[10]

    # Vectors, by the text that was embedded

    def missing(self, embedder: str, shas: Iterable[str]) -> set[str]:
        wanted = set(shas)
        with self._database.read() as connection:
            rows = connection.execute(
                f"SELECT sha FROM embeddings WHERE embedder = ? AND {among('sha')}",
                (embedder, json.dumps(sorted(wanted))),
            )
            return wanted - {row[0] for row in rows}

    def keep_vectors(self, embedder: str, shas: Sequence[str], vectors: Vectors) -> None:
        with self._database.write() as connection:
            connection.executemany(
                "INSERT INTO embeddings VALUES (?, ?, ?) ON CONFLICT (embedder, sha) DO UPDATE SET vector = excluded.vector",
                ((embedder, sha, v.astype("<f4").tobytes()) for sha, v in zip(shas, vectors, strict=True)),
            )

    def vectors_for(self, embedder: str, shas: Sequence[str]) -> Vectors:
        """Return the vectors (len(shas), d) of texts that are all in. Raises StoreError otherwise."""
        with self._database.read() as connection:
            rows = connection.execute(
                f"SELECT sha, vector FROM embeddings WHERE embedder = ? AND {among('sha')}",
                (embedder, json.dumps(list(shas))),
            ).fetchall()
        found = dict(rows)
        if lost := set(shas) - found.keys():
            raise StoreError(f"{len(lost)} vectors are missing from the ledger.", "Run `thesis rebuild`.")
        flat = np.frombuffer(b"".join(found[sha] for sha in shas), dtype="<f4").astype(np.float32)
        return flat.reshape(len(shas), -1) if shas else flat.reshape(0, 0)

    def vectors(self, embedder: str, document_id: str) -> tuple[list[str], NDArray[np.str_], Vectors]:
        """Return (chunk ids, roles, vectors (n, d)) of one document, in order; chunks without a vector are left out."""
        with self._database.read() as connection:
            rows = connection.execute(
                "SELECT c.chunk_id, c.role, e.vector FROM chunks c JOIN embeddings e "
                "ON e.embedder = ? AND e.sha = c.embedded_sha WHERE c.document_id = ? ORDER BY c.place",
                (embedder, document_id),
            ).fetchall()
        flat = np.frombuffer(b"".join(row[2] for row in rows), dtype="<f4").astype(np.float32)
        roles = np.array([row[1] for row in rows], dtype=np.str_)
        return [row[0] for row in rows], roles, flat.reshape(len(rows), -1) if rows else flat.reshape(0, 0)

    def set_embedded_shas(self, shas: Mapping[str, str]) -> None:
        """Change what was embedded for chunks (chunk id -> sha)."""
        with self._database.write() as connection:
            connection.executemany(
                "UPDATE chunks SET embedded_sha = ? WHERE chunk_id = ?", ((s, c) for c, s in shas.items())
            )

    def count_vectors(self) -> int:
        with self._database.read() as connection:
            return int(connection.execute("SELECT count(*) FROM embeddings").fetchone()[0])

    def drop_unused_vectors(self, embedder: str) -> None:
        """Forget the vectors of other models, and of texts that no chunk has."""
        with self._database.write() as connection:
            connection.execute(
                "DELETE FROM embeddings WHERE embedder != ? OR sha NOT IN (SELECT embedded_sha FROM chunks)",
                (embedder,),
            )
