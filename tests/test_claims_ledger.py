"""The claim ledger over a real store: read once, kept when documents go, seen by those who may read, checked against live data."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from assistant.assistant import Assistant
from assistant.catalysts.claim_face import Claims, Wanted, due_range, speaks_of
from assistant.catalysts.claim_ledger import PART, ClaimLedger
from assistant.catalysts.database import NAME, Part, open_board
from assistant.catalysts.library import shipped
from assistant.models import ToolResult
from ingest.chunking import CHUNKER_VERSION
from ingest.ingestor import Ingestor
from tests.kept import kept_at
from vectorstore.embedding import Embedder
from vectorstore.errors import NotFound, SettingsError, StoreError
from vectorstore.settings import Settings
from vectorstore.store import Store


def note(text: str, **head: str) -> str:
    return (
        "---\n" + "".join(f"{key}: {value}\n" for key, value in head.items()) + f"---\n\n# {head['title']}\n\n{text}\n"
    )


QUAY = {"publisher": "Quay Research", "kind": "article"}
FIRST = note(
    "We think the return on assets of the Russell 2000 will reach 9% by 2027. More than 35% of small caps are unprofitable.",
    title="Small caps, first look", published="2025-01-10", **QUAY,
)  # fmt: skip
LATER = note(
    "We now think the return on assets of the Russell 2000 will reach 7.5% by 2027. Tariffs are a burden.",
    title="Small caps, second look", published="2025-04-02", **QUAY,
)  # fmt: skip
OTHER = note(
    "Analysts expect the return on assets of the Russell 2000 to fall to 5% by 2027.",
    title="A darker view", published="2025-03-01", publisher="Lantern Notes", kind="note",
)  # fmt: skip
FALL = note(
    "The Russell 2000 has fallen more than 15% from its peak.",
    title="The fall", published="2025-05-12", publisher="Lantern Notes", kind="note",
)  # fmt: skip
CALL = note(
    "We expect capital expenditures of $14 million in fiscal 2026.",
    title="Harbor Tools call", published="2025-05-01", kind="transcript", company="Harbor Tools, Inc.", ticker="HRBR",
)  # fmt: skip
UNDATED = note(
    "We think the return on assets of the Russell 2000 will reach 11% by 2027.",
    title="No day",
    kind="note",
    publisher="Nobody",
)
FILES = {
    "first.md": FIRST,
    "later.md": LATER,
    "other.md": OTHER,
    "fall.md": FALL,
    "call.md": CALL,
    "undated.md": UNDATED,
}
PRICES = "date,symbol,close\n2024-11-25,IWM,240\n2025-05-09,IWM,200\n2025-06-27,IWM,215\n"


@dataclass
class Base:
    """An open base with its ledger; ``called`` counts the calls of tools."""

    store: Store
    ingestor: Ingestor
    assistant: Assistant
    ledger: ClaimLedger
    folder: Path
    called: list[str]

    def put(self, files: Mapping[str, str], collection: str = "default") -> None:
        place = self.folder / collection
        place.mkdir(exist_ok=True)
        for name, text in files.items():
            (place / name).write_text(text, encoding="utf-8")
        report = self.ingestor.ingest([str(place / name) for name in files], collection=collection)
        assert report.failed == ()

    def claims(self, within: frozenset[str] | None = None) -> Claims:
        assistant = self.assistant if within is None else self.assistant.within(within)

        def call(name: str, arguments: Mapping[str, Any], as_of: str | None) -> ToolResult:
            self.called.append(name)
            return assistant.tool(name, arguments, as_of=as_of)

        return Claims(self.ledger, assistant.store, self.assistant.settings, call)


@contextmanager
def opened(folder: Path, embedder: Embedder, cache: Path, files: Path | None = None) -> Iterator[Base]:
    """Yield the base in ``folder``; its documents come from ``files``, whose paths tell their identity."""
    (folder / "data").mkdir()
    (folder / "data" / "prices.csv").write_text(PRICES, encoding="utf-8")
    settings = Settings(store=str(folder / "store"), cache=str(cache), workers=1, data=str(folder / "data"))
    with (
        Store.open(folder / "store", embedder=embedder, chunker_version=CHUNKER_VERSION) as store,
        Ingestor(store, settings) as ingestor,
    ):
        database = open_board(kept_at(store.root), PART)
        assistant = Assistant(store, settings)
        try:
            yield Base(store, ingestor, assistant, ClaimLedger(database), files or folder, [])
        finally:
            assistant.release()
            database.close()


@pytest.fixture(scope="module")
def ingested(tmp_path_factory: pytest.TempPathFactory, embedder: Embedder, model_cache: Path) -> Path:
    """A folder with a store that holds FILES, to be copied."""
    folder = tmp_path_factory.mktemp("ingested")
    with opened(folder, embedder, model_cache, folder / "files") as made:
        (folder / "files").mkdir()
        made.put(FILES)
    return folder


@pytest.fixture
def base(tmp_path: Path, ingested: Path, embedder: Embedder, model_cache: Path, kept_in: str) -> Iterator[Base]:
    shutil.copytree(ingested / "store", tmp_path / "store")
    (tmp_path / "store" / NAME).unlink()
    with opened(tmp_path, embedder, model_cache, ingested / "files") as made:
        yield made


def counted(ledger: ClaimLedger, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return the list to which each document that the ledger reads is added."""
    read, found = ledger._read, []

    def reading(base: Any, source: Any) -> None:
        found.append(source.path)
        read(base, source)

    monkeypatch.setattr(ledger, "_read", reading)
    return found


def statements(claims: Claims, **wanted: Any) -> list[str]:
    return [e.claim.statement for e in claims.listed(Wanted(**wanted)).entries]


ROA = "Russell 2000, return on assets: {} (2027)"


def test_documents_are_read_once_and_again_when_they_change(base: Base, monkeypatch: pytest.MonkeyPatch) -> None:
    claims, read = base.claims(), counted(base.ledger, monkeypatch)
    assert claims.update(seconds=0) == 6  # later
    assert statements(claims) == []
    assert claims.update() == 0
    assert len(read) == 6
    assert claims.update() == 0
    assert len(read) == 6
    assert len(statements(claims)) == 7
    base.put({"first.md": FIRST.replace("9%", "10%")})
    claims.update()
    assert len(read) == 7
    assert ROA.format("10%") in statements(claims)
    base.ingestor.amend(base.store.sources()[0].document_id, {"publisher": "Another House"})
    claims.update()
    assert len(read) == 8


def test_every_quote_is_its_span(base: Base) -> None:
    claims = base.claims()
    claims.update()
    for one in json.loads(json.dumps(claims.listed().to_json(), allow_nan=False))["claims"]:
        cited = one["citation"]
        text = base.store.document(cited["document_id"], cited["version"]).text
        assert text[cited["start"] : cited["end"]] == cited["quote"]


def test_the_same_author_s_later_word_supersedes_and_another_s_contradicts(base: Base) -> None:
    claims = base.claims()
    claims.update()
    listing = claims.listed(Wanted(status="superseded"))
    assert [e.claim.statement for e in listing.entries] == [ROA.format("9%")]
    (later,) = claims.listed(Wanted(author="quay", due=("2027-01-01", "2027-12-31"), status="current")).entries
    assert listing.entries[0].superseded_by == later.claim.claim_id
    pairs = claims.listed().contradictions
    said = {tuple(p.to_json()["statements"]) for p in pairs}
    assert (ROA.format("5%"), ROA.format("7.5%")) in said
    # The superseded claim contradicts nobody, and neither do two figures that agree within their room.
    assert not any(ROA.format("9%") in pair for pair in said)


def test_as_of_shows_nothing_that_came_later(base: Base) -> None:
    claims = base.claims()
    claims.update()
    early = claims.listed(Wanted(as_of="2025-03-15"))
    assert {e.claim.statement for e in early.entries} == {
        ROA.format("9%"), ROA.format("5%"), "small caps, share of companies that lose money: at least 35%",
    }  # fmt: skip
    assert all(e.standing == "current" for e in early.entries)  # what supersedes it is not said yet
    claims.check(as_of="2025-06-30")
    assert all(not e.checks for e in claims.listed(Wanted(as_of="2025-06-29")).entries if e.claim.due is None)
    with pytest.raises(SettingsError, match="still to come"):
        claims.check(as_of="2999-01-01")


def test_filters(base: Base) -> None:
    claims = base.claims()
    claims.update()
    assert statements(claims, author="harbor") == ["Harbor Tools, Inc., capital spending: 14 million USD (fiscal 2026)"]
    assert statements(claims, author="analysts") == [ROA.format("5%")]
    assert statements(claims, due=("2026-01-01", "2026-12-31")) == statements(claims, author="harbor")
    assert due_range("2026-01-01..") == ("2026-01-01", "")
    assert due_range("2026-01-01") == ("2026-01-01", "2026-01-01")
    for wrong in ("..", "soon", "2026-02-01..2026-01-01"):
        with pytest.raises(SettingsError):
            due_range(wrong)
    with pytest.raises(SettingsError, match="no status 'done'"):
        claims.listed(Wanted(status="done"))
    with pytest.raises(NotFound):
        claims.listed(Wanted(catalyst="no-such"))
    unprofitable = next(e.claim for e in claims.listed().entries if "lose money" in e.claim.statement)
    fitting = [c.id for c in shipped() if speaks_of(unprofitable, c)]
    assert claims.listed().catalysts[unprofitable.claim_id] == tuple(fitting)
    assert all(unprofitable.statement in statements(claims, catalyst=name) for name in fitting)


def test_a_claim_s_outcome_is_that_of_verify_claim_and_every_check_stays(base: Base) -> None:
    claims = base.claims()
    claims.update()
    (fall,) = [e for e in claims.listed().entries if "peak" in e.claim.statement]
    assert fall.outcome == "open"
    then = claims.check([fall.claim.claim_id], as_of="2025-05-12").entries[0]
    assert then.outcome == "confirmed"
    after = claims.check([fall.claim.claim_id[:10]], as_of="2025-06-30").entries[0]
    assert after.outcome == "changed"
    assert [c.outcome for c in after.checks] == ["confirmed", "changed"]
    figures = {f["name"]: f for f in after.checks[-1].figures}
    assert figures["claimed"]["value"] == -15.0
    assert figures["then"]["value"] == pytest.approx(100 * (200 / 240 - 1))
    assert figures["now"]["value"] == pytest.approx(100 * (215 / 240 - 1))
    assert figures["now"]["as_of"] == "2025-06-27"
    # Looked at from May, the later check is not there.
    (seen,) = [e for e in claims.listed(Wanted(as_of="2025-05-31")).entries if "peak" in e.claim.statement]
    assert (seen.outcome, len(seen.checks)) == ("confirmed", 1)
    record = {r["author"]: r for r in claims.listed().to_json()["authors"]}
    assert record["Lantern Notes"]["changed"] == 1


def test_what_is_to_come_is_open_and_what_no_tool_measures_is_untestable(base: Base) -> None:
    claims = base.claims()
    claims.update()
    found = {e.claim.statement: e for e in claims.check(as_of="2026-01-15").entries}
    roa = found[ROA.format("7.5%")]
    assert roa.outcome == "open"
    assert "due on 2027-12-31" in roa.checks[-1].reason
    spending = found["Harbor Tools, Inc., capital spending: 14 million USD (fiscal 2026)"]
    assert spending.outcome == "open"  # not due yet
    lossmaking = found["small caps, share of companies that lose money: at least 35%"]
    assert (lossmaking.outcome, lossmaking.checks[-1].status) == ("open", "no_data")
    (later,) = [e for e in claims.listed().entries if e.claim.claim_id == spending.claim.claim_id]
    assert len(later.checks) == 1
    with pytest.raises(NotFound, match="no claim 0123"):
        claims.check(["0123456789"])


def test_that_nothing_measures_a_claim_is_kept_once(base: Base) -> None:
    claims = base.claims()
    claims.update()
    (one,) = claims.listed(Wanted(author="harbor")).entries
    for _ in range(3):
        again = claims.check([one.claim.claim_id], as_of="2026-01-15").entries[0]
    assert len(again.checks) == 1


def test_a_document_that_goes_takes_no_check_with_it(base: Base) -> None:
    claims = base.claims()
    claims.update()
    fall = next(e.claim for e in claims.listed().entries if "peak" in e.claim.statement)
    claims.check([fall.claim_id], as_of="2025-05-12")
    base.put({"fall.md": FALL.replace("15%", "16%")})
    claims.update()
    held = {e.claim.statement: e for e in claims.listed().entries if "peak" in e.claim.statement}
    assert {e.standing for e in held.values()} == {"current", "replaced"}
    replaced = next(e for e in held.values() if e.standing == "replaced")
    assert (replaced.claim.claim_id, replaced.outcome) == (fall.claim_id, "confirmed")
    assert replaced.claim.quote == fall.quote
    base.ingestor.remove([fall.document_id])
    claims.update()
    gone = [e for e in claims.listed(Wanted(status="gone")).entries if "peak" in e.claim.statement]
    assert len(gone) == 2
    assert [len(e.checks) for e in gone if e.claim.claim_id == fall.claim_id] == [1]


def test_a_text_that_the_store_has_forgotten_is_quoted_no_more(
    tmp_path: Path, embedder: Embedder, model_cache: Path
) -> None:
    with opened(tmp_path, embedder, model_cache) as base:
        base.put({"fall.md": FALL})
        claims = base.claims()
        claims.update()
        base.put({"fall.md": FALL.replace("15%", "16%")})
        claims.update()

        class Forgetful:
            """The store after `thesis prune`."""

            def __getattr__(self, name: str) -> Any:
                return getattr(base.store, name)

            def document(self, document_id: str, version: str | None = None) -> Any:
                if version is not None and version != base.store.sources()[0].version:
                    raise NotFound("Its retention has ended.")
                return base.store.document(document_id, version)

        base.ledger.update(Forgetful())  # type: ignore[arg-type]
        (old,) = claims.listed(Wanted(status="replaced")).entries
        assert (old.claim.quote, "15%" in old.claim.statement) == ("", True)


def test_a_reader_sees_what_a_base_without_the_rest_gives(
    tmp_path: Path, embedder: Embedder, model_cache: Path
) -> None:
    """The ledger of a narrowed view is byte for byte that of a base that never held the other collection."""
    hidden = {
        "zorvane.md": LATER.replace("7.5%", "6.1%").replace("2025-04-02", "2025-06-02"),
        "dark.md": OTHER.replace("5%", "3%"),
    }
    (tmp_path / "whole").mkdir()
    (tmp_path / "alone").mkdir()
    told = []
    with (
        opened(tmp_path / "whole", embedder, model_cache) as whole,
        opened(tmp_path / "alone", embedder, model_cache) as alone,
    ):
        for base in (whole, alone):
            # The same paths, so that the same documents have the same ids.
            base.folder = tmp_path / "files"
            base.folder.mkdir(exist_ok=True)
            base.put({"first.md": FIRST, "fall.md": FALL}, "open")
        whole.put(hidden, "deals")
        insider = whole.claims()
        insider.update()
        first = next(e for e in insider.listed().entries if e.claim.statement == ROA.format("9%"))
        assert first.standing == "superseded"  # by what the reader may not see
        insider.check()
        for base in (whole, alone):
            reader = base.claims(frozenset({"open"}))
            reader.update()
            listing = reader.listed().to_json()
            for claim in listing["claims"]:
                claim["checks"] = []
                claim["outcome"] = ""
            listing["authors"] = []
            told.append(json.dumps(listing, sort_keys=True))
        assert told[0] == told[1]
        assert "6.1%" not in told[0]
        deals = [e.claim.claim_id for e in insider.listed().entries if e.claim.collection == "deals"]
        assert deals
        for name in deals:
            with pytest.raises(NotFound) as caught:
                whole.claims(frozenset({"open"})).check([name])
            assert (
                str(caught.value).replace(name, "ID")
                == "There is no claim ID. `thesis claims` lists them with their ids."
            )


def test_a_check_that_read_the_base_is_for_those_who_may_read_all_of_it(base: Base) -> None:
    base.put({"margin.md": note("The operating margin of Harbor Tools is 20%.", title="Margin", published="2025-05-20", publisher="Quay Research",
                               kind="article", company="Harbor Tools, Inc.", ticker="HRBR")}, "open")  # fmt: skip
    insider = base.claims()
    insider.update()
    (margin,) = [e for e in insider.listed().entries if e.claim.measure == "operating_margin"]
    insider.check([margin.claim.claim_id])
    assert len(insider.listed(Wanted(author="quay", status="current")).entries) >= 1
    seen = {e.claim.claim_id: e for e in insider.listed().entries}
    assert len(seen[margin.claim.claim_id].checks) == 1
    outside = {e.claim.claim_id: e for e in base.claims(frozenset({"open"})).listed().entries}
    assert outside[margin.claim.claim_id].checks == ()
    # A check of one's own is seen by oneself, and by whoever may read more.
    base.claims(frozenset({"open"})).check([margin.claim.claim_id])
    outside = {e.claim.claim_id: e for e in base.claims(frozenset({"open"})).listed().entries}
    assert len(outside[margin.claim.claim_id].checks) == 1
    assert len({e.claim.claim_id: e for e in insider.listed().entries}[margin.claim.claim_id].checks) == 2


def test_a_board_of_a_newer_program_is_refused_and_a_damaged_one_named(tmp_path: Path) -> None:
    open_board(tmp_path, PART).close()
    with pytest.raises(StoreError, match="newer version of this program \\(claims 1, known: 0\\)"):
        open_board(tmp_path, replace(PART, version=0))
    open_board(tmp_path, PART, Part("more", 1, "CREATE TABLE more (x)")).close()
    grown = Part("more", 2, "CREATE TABLE more (x, y)", {1: "ALTER TABLE more ADD COLUMN y"})
    with open_board(tmp_path, grown).read() as connection:
        assert [row[1] for row in connection.execute("PRAGMA table_info(more)")] == ["x", "y"]
    (tmp_path / "bad").mkdir()
    (tmp_path / "bad" / NAME).write_bytes(b"no database at all, but long enough to look like one" * 40)
    with pytest.raises(StoreError, match=r"board\.sqlite"):
        open_board(tmp_path / "bad", PART)
