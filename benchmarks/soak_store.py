"""For soak: generated documents, an ingest in a process that may be killed, and what a store holds, as values to compare.

The processes are forks of this one, which has imported everything and never opens a store itself: a run starts at once.
"""

from __future__ import annotations

import contextlib
import os
import pickle
import random
import select
import signal
import sqlite3
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

sys.path.append(str(Path(__file__).resolve().parent.parent / "tests"))

import chromadb
import onnxruntime  # noqa: F401
from pdfmaker import make_pdf
from store_fakes import CountingEmbedder

from assistant.assistant import Assistant
from ingest import pipeline
from ingest.chunking import CHUNKER_VERSION
from vectorstore.embedding import Embedder, make_embedder
from vectorstore.errors import ThesisError
from vectorstore.records import Filters
from vectorstore.settings import Settings
from vectorstore.store import Store

SETTINGS = Settings(workers=2, knowledge="")
_FIRMS = ("Alder Freight", "Basalt Pumps", "Cedar Grid", "Dune Ports", "Elm Rail", "Fjord Cable", "Gorse Mills")
_THINGS = ("backlog", "order intake", "operating margin", "net debt", "lead time", "headcount", "capital spending")
QUESTION = "How large was the backlog of Elm Rail?"


# Documents


class Documents:
    """A folder of small files that changes from one generation to the next."""

    def __init__(self, folder: Path, seed: int, count: int) -> None:
        self.folder, self._random, self._count = folder, random.Random(seed), count
        folder.mkdir(parents=True)
        self.generation = 0
        for number in range(count):
            self._write(number)

    def change(self) -> None:
        """Edit a third of the files, take a few away, add as many."""
        self.generation += 1
        names = sorted(self.folder.iterdir())
        for path in self._random.sample(names, max(1, len(names) // 12)):
            path.unlink()
        for path in self._random.sample(sorted(self.folder.iterdir()), max(1, len(names) // 3)):
            self._write(int(path.stem.split("-")[1]), path.suffix)
        for number in range(
            self._count * (self.generation + 1), self._count * (self.generation + 1) + len(names) // 12 + 1
        ):
            self._write(number)

    def _write(self, number: int, suffix: str | None = None) -> None:
        pick = self._random
        suffix = suffix or (".md", ".html", ".pdf", ".txt")[number % 4]
        firm = _FIRMS[number % len(_FIRMS)]
        paragraphs = [
            f"{firm} said that its {pick.choice(_THINGS)} reached {pick.randint(3, 900)} million dollars in week "
            f"{pick.randint(1, 52)}, after {pick.randint(1, 99)} percent in edition {self.generation} of note {number}."
            for _ in range(pick.randint(4, 30))
        ]
        path = self.folder / f"note-{number}{suffix}"
        if suffix == ".pdf":
            pages = [[*paragraphs[i : i + 6]] for i in range(0, len(paragraphs), 6)]
            path.write_bytes(make_pdf(*([_wrapped(page) for page in pages])))
        elif suffix == ".html":
            body = "".join(f"<p>{p}</p>" for p in paragraphs)
            path.write_text(
                f"<html><head><title>{firm} {number}</title></head><body><h1>{firm}</h1>{body}</body></html>"
            )
        else:
            path.write_text(f"# {firm} note {number}\n\n" + "\n\n".join(paragraphs) + "\n")


def _wrapped(paragraphs: list[str]) -> list[str]:
    lines: list[str] = []
    for paragraph in paragraphs:
        words = paragraph.split()
        lines += [" ".join(words[i : i + 14]) for i in range(0, len(words), 14)]
    return lines


# Processes


def embedder(quick: bool) -> Embedder:
    return CountingEmbedder() if quick else make_embedder(SETTINGS)


@contextlib.contextmanager
def opened(root: Path, quick: bool, **more: Any) -> Iterator[Store]:
    with Store.open(root, embedder=embedder(quick), chunker_version=CHUNKER_VERSION, **more) as store:
        yield store


def ingest(root: Path, folder: Path, quick: bool, tell: Callable[[str], None] = lambda _: None) -> dict[str, Any]:
    """Ingest with --sync, as the command does; ``tell`` hears "open" and "done"."""
    with opened(root, quick) as store:
        tell("open")
        found = pipeline.ingest(store, [str(folder)], settings=SETTINGS, sync=True).to_json()
    tell("done")
    return found


@dataclass
class Process:
    """A fork with a process group of its own. What its function returned or raised comes through ``result``."""

    pid: int
    pipe: int

    @classmethod
    def start(cls, function: Callable[..., Any], *arguments: Any) -> Process:
        sys.stdout.flush()
        sys.stderr.flush()
        ours, theirs = os.pipe()
        pid = os.fork()
        if pid:
            os.close(theirs)
            return cls(pid, ours)
        code = 1
        try:
            os.setsid()
            os.close(ours)
            os.set_inheritable(theirs, False)
            try:
                value: tuple[bool, Any] = (True, function(*arguments))
            except (ThesisError, OSError, MemoryError) as error:
                value = (False, error)
            with os.fdopen(theirs, "wb") as stream:
                pickle.dump(value, stream)
            code = 0
        finally:
            os._exit(code)

    def result(self, seconds: float = 300) -> Any:
        """Return what the function returned, or raise what it raised; None for a process that died.

        Raises TimeoutError for one that takes longer than ``seconds``, and ends it.
        """
        end = time.monotonic() + seconds
        data = b""
        while True:
            ready, _, _ = select.select([self.pipe], [], [], max(0.0, end - time.monotonic()))
            if not ready:
                self.kill(group=True)
                raise TimeoutError(f"it took longer than {seconds:g} s")
            part = os.read(self.pipe, 1 << 20)
            if not part:
                break
            data += part
        os.close(self.pipe)
        os.waitpid(self.pid, 0)
        if not data:
            return None
        good, value = pickle.loads(data)
        if not good:
            raise value
        return value

    def over(self) -> bool:
        """Whether it has ended by itself (it is then still to be asked for its result)."""
        found = os.waitid(os.P_PID, self.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT)
        return found is not None

    def workers(self) -> list[int]:
        """Return the processes that it has started."""
        found: list[int] = []
        for path in Path(f"/proc/{self.pid}/task").glob("*/children"):
            with contextlib.suppress(OSError):
                found += map(int, path.read_text().split())
        return found

    def kill(self, *, group: bool) -> list[int]:
        """SIGKILL it, alone or with all that it started; return the processes that it had started."""
        children = self.workers()
        with contextlib.suppress(ProcessLookupError):
            if group:
                os.killpg(self.pid, signal.SIGKILL)
            else:
                os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)
        os.close(self.pipe)
        return children


def call(function: Callable[..., Any], *arguments: Any) -> Any:
    """Return what ``function`` returns in a process of its own."""
    return Process.start(function, *arguments).result()


def alive(pid: int) -> bool:
    """Whether a process runs; one that only waits to be collected does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


def gone(pids: list[int], seconds: float) -> float:
    """Wait until all have ended; return how long that took, infinity where one runs on."""
    begun = time.monotonic()
    while any(map(alive, pids)):
        if time.monotonic() - begun > seconds:
            return float("inf")
        time.sleep(0.005)
    return time.monotonic() - begun


# What a store holds


@dataclass(frozen=True, slots=True)
class State:
    """What was found after a kill: the version that answers and the state by path, and what was wrong."""

    versions: dict[str, str]
    states: dict[str, str]
    passages: int
    waiting: int
    problems: list[str]


def look(root: Path, quick: bool) -> State:
    """Open the store, ask it a question, and hold what it answers against its own texts."""
    problems: list[str] = []
    with opened(root, quick) as store:
        sources = {info.document_id: info for info in store.sources()}
        versions = {info.path: info.version for info in sources.values() if info.version}
        passages = store.search(QUESTION, k=10)
        if versions and not passages:
            problems.append("documents are in, and a question finds nothing")
        for passage in passages:
            chunk = passage.chunk
            if store.document(chunk.document_id).text[chunk.start : chunk.end] != chunk.text:
                problems.append(f"{passage.path}: a passage is not the text at its place")
            if versions.get(passage.path) != chunk.version:
                problems.append(f"{passage.path}: a passage of a version that is not current")
        if versions and not quick:
            answer = Assistant(store, SETTINGS).ask(QUESTION)
            if answer.error is not None:
                problems.append(f"the question failed: {answer.error.message}")
            problems += [
                f"{cited.path}: a quote is not the text at its place"
                for cited in answer.citations
                if store.document(cited.document_id, cited.version).text[cited.start : cited.end] != cited.quote
            ]
        problems += [p for p in store.verify() if "wait for their vectors" not in p]
        for filters in (Filters(), Filters(roles=())):
            found = [p.chunk.chunk_id for p in store.search_keyword("million dollars week", k=500, filters=filters)]
            if len(found) != len(set(found)):
                problems.append("a chunk is found twice")
        waiting = len(store.waiting())
    return State(versions, {i.path: i.state for i in sources.values()}, len(passages), waiting, problems)


def content(root: Path) -> dict[str, Any]:
    """Return what a closed store holds, without its times and numbers: equal for equal stores.

    Read from the files themselves, not by the code under test; of several index files those that answer.
    """
    found: dict[str, Any] = {}
    with contextlib.closing(sqlite3.connect(root / "ledger.sqlite")) as ledger:
        rows = ledger.execute(
            "SELECT document_id, path, collection, version, state, error, media_type, metadata, warnings, pages, characters, "
            "chunks FROM documents"
        ).fetchall()
        found["documents"] = {row[0]: row[1:] for row in rows}
        names = dict(ledger.execute("SELECT number, document_id FROM documents"))
        found["versions"] = set(ledger.execute("SELECT document_id, version, text_sha, structure FROM versions"))
        found["chunks"] = set(
            ledger.execute(
                "SELECT chunk_id, document_id, version, place, start, end, text, page, section, role, text_sha, embedded_sha "
                "FROM chunks"
            )
        )
        found["kept vectors"] = dict(ledger.execute("SELECT embedder || sha, vector FROM embeddings"))
        found["marks"] = ledger.execute("SELECT * FROM marks").fetchall()
        found["waiting"] = ledger.execute("SELECT * FROM waiting").fetchall()
        meta = dict(ledger.execute("SELECT key, value FROM meta"))
    with contextlib.closing(sqlite3.connect(root / meta.get("keyword_index", "keyword.sqlite"))) as keyword:
        for table in ("body", "furniture"):
            columns = [row[1] for row in keyword.execute(f"PRAGMA table_info({table})")]
            rows = keyword.execute(f"SELECT rowid, * FROM {table}").fetchall()
            found[f"keyword {table}"] = sorted(
                (
                    names[row[0] >> 20],
                    row[0] & 0xFFFFF,
                    *(str(v) for c, v in zip(columns, row[1:], strict=True) if c != "key"),
                )
                for row in rows
            )
    found["vectors"] = call(_vectors, root / meta.get("vector_index", "chroma"))
    found["originals"] = sorted(path.name for path in (root / "originals").glob("*"))
    return found


def _vectors(folder: Path) -> dict[str, tuple[str, str, bytes]]:
    client = chromadb.PersistentClient(str(folder), settings=chromadb.config.Settings(anonymized_telemetry=False))
    found: dict[str, tuple[str, str, bytes]] = {}
    for name in ("body", "furniture"):
        page = client.get_collection(name, embedding_function=None).get(include=["embeddings", "metadatas"])
        for one, vector, metadata in zip(page["ids"], page["embeddings"], page["metadatas"], strict=True):
            found[one] = (name, str(sorted(metadata.items())), vector.astype("<f4").tobytes())
    return found


def differences(one: dict[str, Any], other: dict[str, Any]) -> list[str]:
    """Return in which parts two stores differ, in plain words."""
    out = []
    for part in sorted(one.keys() | other.keys()):
        a, b = one.get(part), other.get(part)
        if a == b:
            continue
        if isinstance(a, dict) and isinstance(b, dict):
            wrong = [key for key in a.keys() | b.keys() if a.get(key) != b.get(key)]
        else:
            wrong = list(map(str, set(a or ()) ^ set(b or ())))
        out.append(f"{part}: {len(wrong)} entries differ, such as {str(min(wrong, default=''))[:80]}")
    return out
