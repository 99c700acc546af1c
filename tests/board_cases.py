"""A board over a real store with a plain classifier: who marks a sentence with a word has said which side it takes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from assistant.assistant import Assistant
from assistant.catalysts.boards import Boards
from assistant.catalysts.candidates import pattern
from assistant.catalysts.face import Catalysts
from assistant.catalysts.schema import Catalyst
from assistant.common import Cached
from assistant.evidence import Encode
from assistant.models import Failure, Metric, ToolResult
from ingest.chunking import CHUNKER_VERSION
from ingest.ingestor import Ingestor
from tests.kept import shared_settings
from vectorstore.embedding import Embedder
from vectorstore.settings import Settings
from vectorstore.store import Store

FOR, AGAINST = ("raise", "hurt", "grow", "cheap"), ("refund", "help", "no longer", "dear")


@dataclass(frozen=True)
class Marked:
    label: str
    score: float
    reasons: tuple[str, ...] = ()


@dataclass
class Marker:
    """Classifies by the words above, and remembers what it was asked."""

    asked: list[tuple[str, str]] = field(default_factory=list)  # (catalyst, sentence)

    def __call__(self, sentences: Sequence[str], catalyst: Catalyst, encode: Encode) -> list[Marked]:
        self.asked += [(catalyst.id, text) for text in sentences]
        about = pattern(catalyst.look_for)
        return [self._one(text) if about.search(text) else Marked("neither", 0.5) for text in sentences]

    @staticmethod
    def _one(text: str) -> Marked:
        for label, words in (("against", AGAINST), ("for", FOR)):
            for word in words:
                if word in text.lower():
                    return Marked(label, 0.7 if "perhaps" in text.lower() else 0.9, (f"says {word}",))
        return Marked("neither", 0.5)


@dataclass
class Tools:
    """Stands for the tools: what each gives, and how often each was asked. Metrics: (name, subject, value, unit, as_of)."""

    given: dict[str, list[tuple[str, str, float, str, str]]] = field(default_factory=dict)
    failed: dict[str, str] = field(default_factory=dict)  # tool -> status
    calls: list[tuple[str, str | None]] = field(default_factory=list)

    def __call__(self, name: str, arguments: Mapping[str, Any], *, as_of: str | None = None) -> ToolResult:
        self.calls.append((name, as_of))
        metrics = tuple(
            Metric(name=n, subject=s, value=v, unit=u, as_of=d, source="A source")
            for n, s, v, u, d in self.given.get(name, [])
        )
        if name in self.failed or not metrics:
            status: Any = self.failed.get(name, "not_configured")
            failure = Failure(kind=status, message=f"{name} has no source.", what_to_do="Switch one on.")
            return ToolResult(tool=name, arguments=dict(arguments), status=status, error=failure)
        return ToolResult(
            tool=name, arguments=dict(arguments), metrics=metrics, retrieved_at="2024-06-01T00:00:00+00:00"
        )


def note(text: str, **head: str) -> str:
    """Return a note with front matter."""
    return "---\n" + "".join(f"{key}: {value}\n" for key, value in head.items()) + f"---\n\n{text}\n"


@dataclass
class Bench:
    """One base with its board."""

    assistant: Assistant
    ingestor: Ingestor
    boards: Boards
    marker: Marker
    tools: Tools
    folder: Path

    def wired(self) -> Assistant:
        """Return the assistant with this board in the place of its own."""
        self.assistant._common._boards = self.boards
        return self.assistant

    @property
    def face(self) -> Catalysts:
        return Catalysts(self.boards, self.assistant.store, self.assistant.settings, self.tools, whole=True)

    def within(self, *collections: str) -> Catalysts:
        view = self.assistant.store.view(frozenset(collections))
        return Catalysts(self.boards, view, self.assistant.settings, self.tools, whole=False)

    def put(self, files: Mapping[str, str], collection: str | None = None) -> None:
        """Bring files in; a name again is a new version of the same document."""
        for name, text in files.items():
            (self.folder / name).write_text(text, encoding="utf-8")
        report = self.ingestor.ingest([str(self.folder / name) for name in files], collection=collection)
        assert not report.failed

    def id_of(self, name: str) -> str:
        return next(s.document_id for s in self.assistant.sources() if s.path.endswith(f"/{name}"))


@contextmanager
def bench(folder: Path, embedder: Embedder, cache: Path, **settings: Any) -> Iterator[Bench]:
    """Yield an empty base with a board; another one over the same folder goes on with what the first kept."""
    root, files = folder / "store", folder / "files"
    files.mkdir(exist_ok=True)
    made = Settings(store=str(root), cache=str(cache), workers=1, **shared_settings(), **settings)
    with (
        Store.open(root, embedder=embedder, chunker_version=CHUNKER_VERSION) as store,
        Ingestor(store, made) as ingestor,
    ):
        marker = Marker()
        boards = Boards(store, made, Cached(store, 1024), marker, "marker 1")
        try:
            yield Bench(Assistant(store, made), ingestor, boards, marker, Tools(), files)
        finally:
            boards.close()
