"""What runs on the machines of a cluster: a source to its text in chunks, and chunks to vectors. No store, and no Ray.

Each is called with a batch of rows (a mapping of columns) and yields such batches; a row is one source in, and then one
part of a document. A source that cannot be read is a row too: nothing that a document brings about is raised.
"""

from __future__ import annotations

import logging
import pickle
from collections import OrderedDict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ingest.memory import give_back
from ingest.pool import Worker
from ingest.reading import Asked, read
from ingest.worker import Parsed, packed
from vectorstore.embedding import Embedder as Model
from vectorstore.embedding import Vectors, make_embedder
from vectorstore.errors import ThesisError
from vectorstore.records import Chunk, Metadata
from vectorstore.settings import Settings
from vectorstore.store import embedded_texts, text_sha

PART = 128  # chunks of a document that are embedded together: a few seconds of one core
_FILES, _BYTES = 16, 2_000_000  # what one reader takes at a time, at most
_SHARES = 4  # groups for each core, at least
_REPEATED = 20_000  # vectors kept of texts that stand in many documents (running heads)

Row = Mapping[str, Any]

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Unchanged:
    """The store has the source already."""


@dataclass(frozen=True, slots=True)
class Whole:
    """A document as it was read, and in how many parts its vectors come; ``data``: the bytes of a PDF that has no local file."""

    parsed: Parsed
    parts: int
    data: bytes | None = None


@dataclass(frozen=True, slots=True)
class Part:
    """Some chunks of a document, to be embedded."""

    metadata: Metadata
    chunks: tuple[Chunk, ...]


@dataclass(frozen=True, slots=True)
class Made:
    """The vectors (n, d) of the distinct texts of a part, by the texts' sha."""

    fingerprint: str
    shas: tuple[str, ...]
    vectors: Vectors


@dataclass(frozen=True, slots=True)
class Broken:
    """The machine cannot do what the run asks for; no document is at fault."""

    error: ThesisError


def row(place: int, value: object) -> dict[str, Any]:
    """Return a row: what came of the source at ``place``."""
    body = np.empty(1, dtype=object)
    body[0] = packed(value)
    return {"place": np.array([place]), "body": body}


def value_of(body: bytes) -> Any:
    """Return what ``row`` packed."""
    return pickle.loads(body)  # noqa: S301 - from our own processes


class Reader:
    """Sources to documents, read in a worker process of this actor's own, with its limits of time and memory."""

    def __init__(self, settings: Settings, parse: str) -> None:
        self._settings = settings
        self._parse = parse
        self._worker = Worker()

    def __call__(self, batch: Row) -> Iterator[Row]:
        for body in batch["body"]:
            for place, asked in value_of(body):
                yield from self._read(place, asked)

    def _read(self, place: int, asked: Asked) -> Iterator[Row]:
        try:
            found = read(asked, self._settings, self._worker.call, parse=self._parse)
        except (ThesisError, OSError) as error:
            yield row(place, error)
            return
        if found is None:
            yield row(place, Unchanged())
            return
        parsed, data = found
        chunks, metadata = parsed.chunks, parsed.document.metadata
        starts = range(0, len(chunks), PART)
        yield row(place, Whole(parsed, len(starts), data))
        for start in starts:
            yield row(place, Part(metadata, chunks[start : start + PART]))
        give_back()


class Embedder:
    """Parts of documents to their vectors; all other rows go through as they are."""

    def __init__(self, settings: Settings, fingerprint: str) -> None:
        self._settings = settings
        self._wanted = fingerprint
        self._model: Model | None = None
        self._repeated: OrderedDict[str, Vectors] = OrderedDict()

    def __call__(self, batch: Row) -> Iterator[Row]:
        parts: list[tuple[int, Part]] = []
        for place, body in zip(batch["place"], batch["body"], strict=True):
            value = value_of(body)
            if isinstance(value, Part):
                parts.append((int(place), value))
            else:
                yield {"place": np.array([place]), "body": np.array([body], dtype=object)}
        made = self._made([part for _, part in parts]) if parts else []
        for (place, _), one in zip(parts, made, strict=True):
            yield row(place, one)

    def _made(self, parts: Sequence[Part]) -> Sequence[Made | Broken]:
        """Return the vectors of each part: none where the model fails at a text, so that the store meets that itself."""
        try:
            model = self._model or self._load()
            texts = [embedded_texts(model, part.metadata, part.chunks) for part in parts]
            shas = [[text_sha(text) for text in some] for some in texts]
            distinct = {
                sha: text for one, some in zip(shas, texts, strict=True) for sha, text in zip(one, some, strict=True)
            }
            new = [sha for sha in distinct if sha not in self._repeated]
            vectors = dict(zip(new, model.encode([distinct[sha] for sha in new]), strict=True))
        except ThesisError as error:
            return [Broken(error)] * len(parts)
        except Exception:
            log.exception("the embedding model failed")
            return [Made(self._wanted, (), np.zeros((0, 0), np.float32))] * len(parts)
        vectors |= {sha: self._repeated[sha] for sha in distinct if sha not in vectors}
        for part, some in zip(parts, shas, strict=True):
            self._remember(
                {sha: vectors[sha] for sha, chunk in zip(some, part.chunks, strict=True) if chunk.role != "body"}
            )
        own = [tuple(dict.fromkeys(some)) for some in shas]
        return [Made(model.fingerprint, some, np.stack([vectors[sha] for sha in some])) for some in own]

    def _load(self) -> Model:
        model = make_embedder(self._settings, threads=1)
        if model.fingerprint != self._wanted:
            raise ThesisError(
                f"A machine of the cluster has the model {model.fingerprint}; the store was made with {self._wanted}.",
                "Give each machine the same version of the program and the same model.",
            )
        self._model = model
        return model

    def _remember(self, made: Mapping[str, Vectors]) -> None:
        self._repeated.update(made)
        while len(self._repeated) > _REPEATED:
            self._repeated.popitem(last=False)


def groups(asked: Sequence[Asked], cores: int) -> Iterator[list[tuple[int, Asked]]]:
    """Cut into what one reader takes at a time, with their places: a few small files, or a large one.

    Some groups for each of the ``cores``, so that all have work to the end.
    """
    share = _SHARES * cores
    files = max(1, min(_FILES, len(asked) // share))
    size = max(1, min(_BYTES, sum(one.item.size for one in asked) // share))
    group: list[tuple[int, Asked]] = []
    weight = 0
    for place, one in enumerate(asked):
        if group and (len(group) >= files or weight + one.item.size > size):
            yield group
            group, weight = [], 0
        group.append((place, one))
        weight += one.item.size
    if group:
        yield group
