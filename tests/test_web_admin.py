"""What administrators see of a server: figures that are counted, health in plain words, and nobody else."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import httpx
import pytest
from signin_cases import WARNINGS, Served, served, signed_in
from web_fakes import HOSTILE_TITLE, FakeAssistant
from web_parsed import assert_inert

from assistant.access.tokens import Tokens
from assistant.records.schema import open_database
from assistant.web.admin import LOW_DISK, Overview, _shared_sizes, _sizes, health, overview_html, size
from assistant.web.api.counters import Base, Counters, Figures
from vectorstore.settings import Settings
from vectorstore.shared import Shared

pytestmark = pytest.mark.filterwarnings(*WARNINGS)
GAP = "What was the gap to large caps in March 2024?"
WELL = Overview(
    settings=Settings(), problem="", place="/srv/base", parts={"Index of words": 1_500_000}, free=90_000_000_000, documents=3,
    chunks=9, states={"ready": 3}, ingesting=False, keeps=True,
    figures=Figures(3_700.0, {"answered": 2}, {"page": 2}, 1.0, 0, 7, 0, {}, 0),
)  # fmt: skip


@pytest.mark.parametrize(
    ("changes", "well", "words"),
    [
        ({}, True, "Questions can be answered."),
        ({"documents": 0}, False, "The base is empty"),
        ({"problem": "The base is broken. Mend it."}, False, "The base is broken. Mend it."),
        ({"states": {"failed": 2}}, False, "2 of the documents could not be read"),
        ({"states": {"reading": 4}}, False, "4 documents were not come to"),
        ({"states": {"reading": 4}, "ingesting": True}, True, "Documents are being read in."),
        ({"states": {"words": 5}}, True, "5 documents answer by their words"),
        ({"free": LOW_DISK - 1}, False, "Only 2.0 GB are free"),
        ({"keeps": False}, True, "not recorded"),
        ({"figures": replace(WELL.figures, faults=3)}, False, "3 requests ended with a fault"),
        ({"settings": Settings(model="nobody:x")}, False, "The language model:"),
    ],
)
def test_health_is_said_in_plain_words(changes: dict[str, object], well: bool, words: str) -> None:
    told = health(replace(WELL, **changes))  # type: ignore[arg-type]
    assert [one for one, text in told if words in text] == [well]


def test_the_overview_holds_storage_model_and_usage() -> None:
    text = assert_inert(overview_html(WELL)).text
    for words in ("/srv/base", "3 that can be cited, 9 chunks", "Index of words1.5 MB", "In all1.5 MB", "90.0 GB", "1 h 1 min", "2 (2 answered)", "page 2", "0.5 s on average"):  # fmt: skip
        assert words in text, words
    mean = replace(WELL, place=HOSTILE_TITLE, problem=HOSTILE_TITLE, settings=Settings(embedding_model=HOSTILE_TITLE))
    assert HOSTILE_TITLE in assert_inert(overview_html(mean)).text


def test_sizes_are_of_what_the_files_hold(tmp_path: Path) -> None:
    (tmp_path / "chroma-4" / "deep").mkdir(parents=True)
    for name, count in (("ledger.sqlite", 10), ("ledger.sqlite-wal", 5), ("chroma-4/deep/data", 7), ("x.lock", 1)):
        (tmp_path / name).write_bytes(b"x" * count)
    assert _sizes(tmp_path) == {"Documents and their texts": 15, "Index of vectors": 7, "Other": 1}
    assert _sizes(tmp_path / "none") == {}
    assert [size(n) for n in (0, 999, 1_000, 1_234_567, 250_000_000, 3e9)] == ["0 bytes", "999 bytes", "1.0 KB", "1.2 MB", "250 MB", "3.0 GB"]  # fmt: skip


def test_sizes_of_a_shared_base_are_of_what_its_tables_hold(
    shared_place: Shared, caplog: pytest.LogCaptureFixture
) -> None:
    assert set(_shared_sizes(shared_place)) == {"Documents and their texts"}  # the one row that counts changes
    open_database(shared_place).close()
    Tokens(shared_place).close()
    found = _shared_sizes(shared_place)
    assert set(found) == {"Documents and their texts", "Questions, answers and the audit", "Other"}
    assert found["Questions, answers and the audit"] > found["Other"] > 0
    assert _shared_sizes(replace(shared_place, url="postgresql://me:hidden@127.0.0.1:1/x")) == {}
    assert "the size of the base is not known" in caplog.text
    assert "hidden" not in caplog.text


def test_figures_are_those_of_the_metrics() -> None:
    counters = Counters(lambda: Base(0, 0, ready=True), lambda: 2)
    answer = FakeAssistant().answer(GAP)
    counters.answered(answer.model_copy(update={"timings_ms": {"total": 1500.0}}), "page")
    counters.answered(answer.model_copy(update={"timings_ms": {"total": 500.0}}), "mcp")
    counters.rejected("rate")
    for status in (200, 403, 500, 503):
        counters.began()
        counters.ended("GET", "/x", status, 0.1)
    found = counters.figures()
    assert (found.questions, found.channels) == ({"answered": 2}, {"page": 1, "mcp": 1})
    assert (found.answer_seconds, found.in_flight, found.requests, found.faults) == (2.0, 2, 4, 1)
    assert found.rejected == {"rate": 1}
    assert b'thesis_questions_total{channel="page"' in counters.text()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with served(tmp_path_factory.mktemp("admin"), auth="users") as running:
        running.users.add("ada", "the password of ada", role="admin")
        yield running


def test_only_administrators_are_shown_it(server: Served) -> None:
    with server.client() as nobody:
        assert nobody.get("/documents/administration").status_code == 401
    for name in ("anna", "bob"):
        with signed_in(server, name) as web:
            refused = web.get("/documents/administration")
            assert (refused.status_code, "may not use this" in refused.text) == (403, True)
            assert "data-admin" not in web.get("/documents/list").text


def test_an_administrator_is_shown_what_was_asked(server: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    from signin_cases import PASSWORDS

    monkeypatch.setitem(PASSWORDS, "ada", "the password of ada")
    with signed_in(server, "ada") as web:
        assert "data-admin" in web.get("/documents/list").text
        assert web.post("/api/v1/ask", json={"question": GAP}).status_code == 200
        got = web.get("/documents/administration")
        assert (got.status_code, got.headers["cache-control"]) == (200, "no-store")
        text = assert_inert(got.text).text
        assert "api 1" in text
        assert str(Path(server.settings.store).resolve()) in text
        assert re.search(r"Questions1 \(1 answered\)", text)


def test_where_nobody_signs_in_it_is_for_this_machine(tmp_path: Path) -> None:
    with served(tmp_path / "open") as running, httpx.Client(base_url=running.url, trust_env=False) as web:
        assert web.get("/documents/administration").status_code == 200
