"""`thesis doctor --live`: each source that is on is asked once, over loopback here; what it said and what to do is told."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tool_server import CONTACT, TODAY, Said, Source, context, source, submission

import app
from assistant.cli import Wiring, run
from assistant.tools import probe as probing
from assistant.tools.base import RateLimited
from assistant.tools.probe import APPLE, NONE_ON, probe
from assistant.tools.providers.protocols import Fetched
from vectorstore.errors import SettingsError
from vectorstore.settings import Settings

ALL = ("sec", "fred", "treasury", "usaspending", "holdings", "market")
KEY = "hunter2key"


@pytest.fixture
def server() -> Iterator[Source]:
    with source() as made:
        yield made


class Yahoo:
    source = "market"

    def closes(self, *_: object) -> Fetched:
        raise RateLimited("Yahoo limits the rate of requests.", "Try again later.")


def tried(server: Source, folder: Path, *names: str, **options: Any) -> dict[str, Any]:
    settings = Settings(store=str(folder / "s"), sources=names, contact=CONTACT, tool_timeout_s=10)
    made = context(folder, server, fred_key=KEY, prices=Yahoo(), **options)
    return probe(settings, providers=made.providers, today=TODAY)


def put_all(server: Source) -> None:
    server.put(f"/submissions/CIK{APPLE:010d}.json", submission(APPLE, "Apple Inc.", "3571", ["AAPL"]))
    server.put("/fred/series/observations", {"observations": [{"date": "2025-06-01", "value": "4.33"}]})
    record = {"record_date": "2025-06-30", "classification_desc": "Customs Duties", "current_month_net_rcpt_amt": "27000000000"}  # fmt: skip
    server.put("/services/api/fiscal_service/v1/accounting/mts/mts_table_4", {"data": [record]})
    totals = {"category": "awarding_agency", "results": [{"name": "Department of Defense", "code": "097", "amount": 5.0}], "page_metadata": {"hasNext": False}}  # fmt: skip
    server.put("/api/v2/search/spending_by_category/awarding_agency/", totals)


def test_each_source_is_asked_once_and_says_how_far_its_data_go(server: Source, tmp_path: Path) -> None:
    put_all(server)
    found = tried(server, tmp_path, "sec", "fred", "treasury", "usaspending")
    assert {name: one["status"] for name, one in found.items()} == dict.fromkeys(("sec", "fred", "treasury", "usaspending"), "ok")  # fmt: skip
    assert found["fred"]["message"] == "FRED answered, data to 2025-06-01."
    assert len(server.heard) == 4


def test_each_failure_says_what_to_do_and_no_message_holds_the_key(server: Source, tmp_path: Path) -> None:
    server.put(f"/submissions/CIK{APPLE:010d}.json", Said(b"Forbidden", 403))
    server.put("/fred/series/observations", Said(f"Bad Request. api_key {KEY} is wrong".encode(), 400))
    server.put("/services/api/fiscal_service/v1/accounting/mts/mts_table_4", "<html>Maintenance</html>")
    server.put("/api/v2/search/spending_by_category/awarding_agency/", Said(b"", 500))
    put = tried(server, tmp_path, *ALL)
    assert {name: one["status"] for name, one in put.items()} == {
        "sec": "not_configured", "fred": "not_configured", "treasury": "error", "usaspending": "error", "holdings": "no_data", "market": "rate_limited",
    }  # fmt: skip
    assert "contact" in put["sec"]["what_to_do"]
    assert "FRED_API_KEY" in put["fred"]["what_to_do"]
    assert "a web page" in put["treasury"]["message"]
    assert all(one["message"] and one["what_to_do"] for one in put.values())
    assert KEY not in json.dumps(put)


def test_a_source_that_does_not_answer_is_given_up(server: Source, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:  # fmt: skip
    monkeypatch.setattr(probing, "SECONDS", 0.2)
    server.put("/holdings/IWM.csv", Said(b"late", delay=3))
    found = tried(server, tmp_path, "holdings")["holdings"]
    assert found["status"] == "error"
    assert "in time" in found["message"] or "within 0.2 s" in found["message"]


def test_a_bug_of_a_library_is_told_by_its_kind_alone(server: Source, tmp_path: Path) -> None:
    class Broken:
        source = "market"

        def closes(self, *_: object) -> Fetched:
            raise KeyError(f"https://example.org/?key={KEY}")

    made = replace(context(tmp_path, server).providers, prices=Broken())
    found = probe(Settings(sources=("market",)), providers=made, today=TODAY)["market"]
    assert (found["status"], found["message"]) == ("error", "market failed: KeyError.")


def test_none_switched_on_says_so_and_how(tmp_path: Path) -> None:
    found = probe(Settings(store=str(tmp_path)), environ={})
    assert found["note"] == NONE_ON
    assert "sources =" in found["what_to_do"]


def test_a_source_that_lacks_its_terms_or_contact_sends_nothing(tmp_path: Path) -> None:
    found = probe(Settings(store=str(tmp_path), sources=("sec", "market")), environ={})
    assert {name: one["status"] for name, one in found.items()} == {"sec": "not_configured", "market": "not_configured"}
    assert "accept_market_terms" in found["market"]["what_to_do"]
    assert "contact" in found["sec"]["what_to_do"]
    assert not list(tmp_path.iterdir())


def test_a_source_that_does_not_exist_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="no source 'reuters'"):
        probe(Settings(store=str(tmp_path), sources=("reuters",)), environ={})


@pytest.mark.parametrize(
    ("text", "status", "said"),
    [("date,symbol,close\n2025-06-30,IWM,200\n", "ok", "prices.csv"), ("date,IWM,SPY\n2025-06-30,200,500\n", "ok", "prices.csv"),
     ("day,IWM\n2025-06-30,200\n", "error", "lacks date"), ("date,close\n2025-06-30,200\n", "error", "lacks symbol")],
)  # fmt: skip
def test_the_user_s_files_are_read_too(tmp_path: Path, text: str, status: str, said: str) -> None:
    (tmp_path / "prices.csv").write_text(text, encoding="utf-8")
    found = probe(Settings(store=str(tmp_path / "s"), data=str(tmp_path)), environ={})["data"]
    assert found["status"] == status
    assert said in found["message"]


def doctor(folder: Path, *arguments: str) -> tuple[int, str]:
    out = io.StringIO()
    wiring = Wiring(app.open_assistant, app.open_ingestor, app.serve, app.progress)
    code = run(["doctor", "--store", str(folder), *arguments], wiring, out=out)
    return code, out.getvalue()


def test_the_command_fails_only_where_a_source_that_is_on_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("THESIS_SOURCES", raising=False)
    code, said = doctor(tmp_path / "none", "--live", "--json")
    assert code == 0
    assert json.loads(said)["live"]["note"] == NONE_ON
    assert "live" not in json.loads(doctor(tmp_path / "none", "--json")[1])
    monkeypatch.setenv("THESIS_SOURCES", "market")
    code, said = doctor(tmp_path / "none", "--live")
    assert code == 1
    assert "  market: not_configured, market is named in sources, but not used. Set sources" in said
