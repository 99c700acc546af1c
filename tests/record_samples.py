"""Records over a folder, questions as a service asks them, and ways to damage what was recorded."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

from assistant.access import User
from assistant.models import Answer, Citation, Claim, Retrieved
from assistant.records import Records, schema
from assistant.records.schema import NAME
from assistant.service import Service
from assistant.service.ports import Asked
from tests.kept import shared_settings
from vectorstore.settings import Settings

ANNA, BEN = User("anna", "reader", via="password"), User("ben", "admin", via="password")
DAY = date(2026, 5, 4)


def settings_at(root: Path, **named: Any) -> Settings:
    """Settings of a base in ``root``, or in what the environment says that servers share (the fixture ``kept_in``)."""
    return Settings(store=str(root), **(shared_settings() | named))


def open_records(root: Path, **settings: Any) -> Records:
    found = Records.open(settings_at(root, **settings), root)
    assert found is not None
    return found


def ask(question: str = "What moved small caps?", **named: Any) -> Asked:
    return Asked(question, named.pop("today", DAY), **named)


def answer(answer_id: str = "a1", question: str = "What moved small caps?", text: str = "Rates fell.", **named: Any) -> Answer:  # fmt: skip
    place: dict[str, Any] = {
        "document_id": "d1", "version": "v1", "title": "Note", "publisher": "House", "published": "2026-01-02", "kind": "note",
        "path": "notes/note.md", "page": None, "start": 0, "end": len(text),
    }  # fmt: skip
    given: dict[str, Any] = {
        "answer_id": answer_id,
        "question": question,
        "standalone_question": question,
        "status": "answered",
        "text": f"{text} [S1]",
        "claims": (Claim(text=text, start=0, end=len(text), markers=("S1",), verdict="supported", score=1.0),),
        "citations": (Citation(marker="S1", chunk_id="c1", url="/document/d1", quote=text, **place),),
        "passages": (Retrieved(chunk_id="c1", text=text, score=0.5, given=True, **place),),
        "index_fingerprint": "f1",
    }
    return Answer(**(given | named))


def keep(records: Records, count: int, user: User = ANNA, **named: Any) -> None:
    """Record ``count`` questions."""
    for n in range(1, count + 1):
        question = f"Question {n}?"
        records.asked(user, ask(question, **named), answer(f"id{n}", question))


@contextmanager
def tampered(root: Path) -> Iterator[sqlite3.Connection]:
    """A connection to the file as anybody has who may write it; the guards are taken away, and put back at the end."""
    with closing(sqlite3.connect(root / NAME)) as connection:
        guards = connection.execute("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'").fetchall()
        for name, _ in guards:
            connection.execute(f"DROP TRIGGER {name}")
        yield connection
        for _, sql in guards:
            connection.execute(sql)
        connection.commit()


@dataclass
class Stub:
    """An assistant that answers every question by its own words, in the events of the real one."""

    events: Callable[[str], Iterator[Mapping[str, Any]]] | None = None
    asked: list[dict[str, Any]] = field(default_factory=list)
    closed: int = 0

    def stream(self, question: str, **named: Any) -> Iterator[Mapping[str, Any]]:
        self.asked.append({"question": question, **named})
        try:
            yield from (self.events or self._answered)(question)
        finally:
            self.closed += 1

    def _answered(self, question: str) -> Iterator[Mapping[str, Any]]:
        yield {"type": "status", "text": "Searching the base"}
        found = answer(f"id-{question}", question, f"About {question}")
        yield {"type": "sentence", "text": found.claims[0].text, "verdict": "supported"}
        yield {"type": "answer", "answer": found}


def service(stub: Any, records: Records | None = None, gates: Any = None, **settings: Any) -> Service:
    return Service(stub, None, Settings(**settings), records=records, gates=gates)


def kinds(root: Path) -> list[str]:
    with closing(schema.open_records(settings_at(root), root)) as database, database.read() as connection:
        return [kind for (kind,) in connection.execute("SELECT kind FROM audit ORDER BY seq")]


def texts(events: Sequence[Mapping[str, Any]]) -> list[tuple[str, str]]:
    return [(e["type"], e["answer"].text if e["type"] == "answer" else e["text"]) for e in events]
