"""The catalyst board as the base grows: ``make bench-board ARGS="--documents 2000 --source STORE"``.

Ten catalysts over 2,000 documents, made of 11 consecutive chunks each of the base ``--source`` (or of notes of our own, drawn with a fixed
seed). Measured: the first reading (cold), the board from what is kept in a new process' memory (warm), the same again, and after one
new document. The time limit is on warm: 10 s. Tools are asked as the settings have them: without a source they say so at once.
"""

from __future__ import annotations

import argparse
import random
import tempfile
import time
from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from pathlib import Path

from assistant.assistant import Assistant
from assistant.catalysts.boards import Boards
from assistant.catalysts.encoding import board_encode
from assistant.catalysts.face import Catalysts
from assistant.catalysts.library import shipped
from assistant.tools.wiring import LedgerDocuments
from benchmarks.report import write
from ingest.chunking import CHUNKER_VERSION
from vectorstore.embedding import make_embedder
from vectorstore.records import Chunk, Document, Kind, Metadata, chunk_id, document_id, sha256
from vectorstore.settings import Settings
from vectorstore.store import Store, Upsert

EACH = 11  # chunks of a document
WARM_S = 10.0
_KINDS: tuple[Kind, ...] = ("filing", "filing", "transcript", "release", "note", "article")
_MAKERS = ("valves", "chairs", "cables", "pumps", "boats", "lamps", "tools", "engines", "glass", "paper")
_PLACES = ("Ohio", "Texas", "Maine", "Utah", "Iowa", "Oregon", "Kansas", "Nevada")
# Sentences of our own around the words of each catalyst; {m} maker, {p} place, {n} a number, {w} a word to look for.
_SAID = (
    "The makers of {m} in {p} say that {w} changed their plans for {n} percent of their plants this year.",
    "A rise in {w} of {n} percent would hurt the makers of {m}, who have little room in their margins.",
    "We see {w} as a help to those who make {m} in {p}, and expect {n} percent more orders from it.",
    "Our view of {w} has not changed since the spring, when {n} makers of {m} in {p} were asked about it.",
)
_ELSE = (
    "The makers of {m} in {p} moved {n} of their desks to another floor of the same house in autumn.",
    "In {p} the weather was mild, and {n} visitors came to see how {m} are packed and sent.",
    "A new hall for {m} was painted green, for which {n} cans of paint were used by the staff of {p}.",
)  # fmt: skip


def made_texts(count: int, pick: random.Random) -> Iterator[list[str]]:
    """Yield the paragraphs of ``count`` notes of our own."""
    words = [word for one in shipped() for word in one.look_for]
    for _ in range(count):
        paragraphs = []
        for _ in range(EACH):
            lines = [pick.choice(_SAID if pick.random() < 0.25 else _ELSE) for _ in range(6)]
            paragraphs.append(
                " ".join(
                    line.format(
                        m=pick.choice(_MAKERS), p=pick.choice(_PLACES), n=pick.randint(2, 60), w=pick.choice(words)
                    )
                    for line in lines
                )
            )
        yield paragraphs


def taken_texts(source: Path, count: int) -> Iterator[list[str]]:
    """Yield the texts of up to ``count`` runs of chunks of a base."""
    base = LedgerDocuments(source)
    made = 0
    for info in base.sources():
        chunks = [chunk.text for chunk in base.chunks(info.document_id) if chunk.role == "body"]
        for at in range(0, len(chunks), EACH):
            if made == count:
                return
            made += 1
            yield chunks[at : at + EACH]


def upserts(texts: Iterator[list[str]], pick: random.Random) -> Iterator[Upsert]:
    """Yield each text as a document with a date, an author and a kind."""
    for number, paragraphs in enumerate(texts):
        text = "\n\n".join(paragraphs)
        name, version = document_id("default", f"/bench/{number}.txt"), sha256(text.encode("utf-8", "surrogatepass"))
        day = date(2020, 1, 1) + timedelta(days=pick.randrange(2000))
        company = f"Company {pick.randrange(200)}"
        meta = Metadata(
            title=f"Document {number}", published=day.isoformat(), kind=pick.choice(_KINDS), company=company
        )
        chunks, start = [], 0
        for paragraph in paragraphs:
            end = start + len(paragraph)
            chunks.append(Chunk(chunk_id(name, version, start, end), name, version, start, end, paragraph))
            start = end + 2
        yield Upsert(Document(name, version, f"/bench/{number}.txt", "default", text, meta), tuple(chunks))


def measure(store: Store, settings: Settings, new: Sequence[Upsert]) -> dict[str, float]:
    """Return the figures; ``new``: one more document, put in on the way."""
    found: dict[str, float] = {}

    def opened() -> tuple[Boards, Catalysts]:
        assistant = Assistant(store, settings)
        boards = assistant._common.boards
        boards._encode = board_encode(store, settings, 1 << 13)
        return boards, Catalysts(boards, store, settings, assistant.tool, whole=True)

    def timed(name: str, face: Catalysts, *, board: bool = True) -> None:
        begun = time.perf_counter()
        face.update()
        if board:
            face.board()
        found[name] = round(time.perf_counter() - begun, 2)
        print(f"{name:<24}{found[name]:>10.2f} s", flush=True)

    boards, face = opened()
    timed("cold_s", face)
    boards.close()
    boards, face = opened()
    timed("warm_s", face)
    timed("again_s", face)
    store.put_many(new)
    timed("one_new_document_s", face)
    board = face.board()
    found["documents"] = board.documents
    found["claims"] = sum(c.counts.speak_for + c.counts.speak_against for c in board.catalysts)
    found["repeats"] = sum(c.counts.repeats for c in board.catalysts)
    with boards.database().read() as connection:
        found["rows"] = connection.execute("SELECT count(*) FROM evidence").fetchone()[0]
    found["megabytes"] = round((store.root / "board.sqlite").stat().st_size / 1e6, 1)
    boards.close()
    return found


def main() -> int:
    """Run the benchmark; 1 where the warm board takes longer than it may."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--documents", type=int, default=2000)
    parser.add_argument("--source", type=Path, help="a base whose chunks the documents are made of")
    a = parser.parse_args()
    pick = random.Random(1)
    texts = taken_texts(a.source, a.documents + 1) if a.source else made_texts(a.documents + 1, pick)
    listed = list(upserts(texts, pick))
    with tempfile.TemporaryDirectory(prefix="bench-board-") as folder:
        settings = Settings(store=folder)
        with Store.open(folder, embedder=make_embedder(settings), chunker_version=CHUNKER_VERSION) as store:
            store.put_many(listed[:-1])
            found = measure(store, settings, listed[-1:])
    for name in ("documents", "claims", "repeats", "rows", "megabytes"):
        print(f"{name:<24}{found[name]:>10,}")
    corpus = f"{len(listed) - 1} documents of {a.source or 'our own sentences'}"
    # What it would cost to read all again each time.
    write("board", found, corpus=corpus, baseline={"warm_s": found["cold_s"], "one_new_document_s": found["cold_s"]})
    print(f"warm: {found['warm_s']:.2f} s of {WARM_S:.0f} s")
    return int(found["warm_s"] > WARM_S)


if __name__ == "__main__":
    raise SystemExit(main())
