"""The registry, the snapshots, the names and the command line: a call never raises, and says what it lacks."""

from __future__ import annotations

import dataclasses
import io
import json
import sqlite3
import threading
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from pydantic import Field
from tool_server import TODAY, Said, Source, context, source, tickers

import app
from assistant.models import ToolResult
from assistant.tools import registry
from assistant.tools.base import Arguments, Context, Draft, NoData, NotConfigured, Tool, execute
from assistant.tools.entities import company, find_fund, instrument, listings
from assistant.tools.providers.protocols import Closes, Listing
from assistant.tools.registry import call, tools
from assistant.tools.snapshots import Snapshots
from assistant.tools.wiring import LedgerDocuments, make_context
from benchmarks.schema import FOLDER
from tests.kept import kept_at
from vectorstore.errors import NotFound, SettingsError, StoreError
from vectorstore.settings import Settings, load_settings

SCHEMA = Draft202012Validator(json.loads((FOLDER / "toolresult.schema.json").read_text(encoding="utf-8")))


@pytest.fixture
def server() -> Iterator[Source]:
    with source() as made:
        yield made


class EchoArguments(Arguments):
    count: int = Field(1, description="a number")
    day: date | None = Field(None, description="a day")


def use(monkeypatch: pytest.MonkeyPatch, run: Callable[[Any, Context], ToolResult]) -> None:
    """Make `echo` the only tool."""
    tool = Tool("echo", "Echoes.", EchoArguments, (), run)
    monkeypatch.setattr(registry, "tools", lambda: {"echo": tool})


# every tool


@pytest.mark.parametrize("name", registry.NAMES)
def test_every_tool_runs_without_arguments_in_an_empty_store_with_no_source_on(name: str, tmp_path: Path) -> None:
    result = call(name, {}, make_context(Settings(store=str(tmp_path / "s")), environ={}))
    assert result.status in {"not_configured", "no_data"}
    assert result.error is not None
    assert result.error.what_to_do
    assert result.tool == name
    # A claim keeps its own figure and date where there is no live one.
    assert {m.name for m in result.metrics} <= ({"claimed", "verdict"} if name == "verify_claim" else set())
    SCHEMA.validate(result.model_dump(mode="json"))
    assert not (tmp_path / "s").exists()


@pytest.mark.parametrize("name", registry.NAMES)
def test_every_tool_has_a_page_that_names_its_arguments(name: str) -> None:
    page = (Path(__file__).parent.parent / "docs" / "tools" / f"{name}.md").read_text(encoding="utf-8")
    for argument in tools()[name].arguments.model_fields:
        assert f"`{argument}`" in page
    for heading in ("## Formula", "## Limits", "## Sources"):
        assert heading in page


@pytest.mark.parametrize("name", registry.NAMES)
def test_every_argument_has_a_default_and_a_description(name: str) -> None:
    tool = tools()[name]
    assert tool.name == name
    assert tool.summary
    tool.arguments()
    assert all(field.description for field in tool.arguments.model_fields.values())


# calling


def test_an_unknown_tool_argument_or_type_is_an_error_with_a_remedy(tmp_path: Path) -> None:
    ran = context(tmp_path)
    for name, arguments, kind, said in (
        ("nosuch", {}, "unknown_tool", "no tool 'nosuch'"),
        ("drawdown", {"tickr": "IWM"}, "bad_arguments", "no argument 'tickr'"),
        ("drawdown", {"since": "soon"}, "bad_arguments", "since = 'soon'"),
        ("drawdown", {"years": "0"}, "bad_arguments", "years = '0'"),
        ("drawdown", {"ticker": {"a": object()}}, "bad_arguments", "ticker"),
    ):
        result = call(name, arguments, ran)
        assert result.status == "error"
        assert result.error is not None
        assert result.error.kind == kind
        assert said in result.error.message
        assert result.error.what_to_do
        SCHEMA.validate(result.model_dump(mode="json"))


def test_a_bug_in_a_tool_is_a_result(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def work(a: EchoArguments, context: Context, draft: Draft) -> None:
        raise ZeroDivisionError("float division by zero")

    use(monkeypatch, execute("echo", work))
    result = call("echo", {"count": "3"}, context(tmp_path))
    assert (result.status, result.arguments["count"]) == ("error", 3)
    assert result.error is not None
    assert (result.error.kind, "ZeroDivisionError" in result.error.message) == ("internal", True)


def test_a_tool_that_takes_too_long_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    free = threading.Event()

    def work(a: EchoArguments, context: Context, draft: Draft) -> None:
        free.wait(60)

    use(monkeypatch, execute("echo", work))
    ran = dataclasses.replace(context(tmp_path), settings=Settings(store=str(tmp_path), tool_timeout_s=0))
    result = call("echo", {}, ran)
    free.set()
    assert result.status == "error"
    assert result.error is not None
    assert result.error.kind == "timeout"


def test_a_part_without_data_is_a_warning_where_another_has_some(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def missing() -> None:
        raise NotConfigured("Nothing is on.", "Switch it on.")

    def work(a: EchoArguments, context: Context, draft: Draft) -> None:
        draft.attempt(missing)
        if a.count > 1:
            draft.add("x", "y", 1.0, "percent", as_of=TODAY, source="s")
        else:
            raise NoData("There is none.", "Wait.")

    use(monkeypatch, execute("echo", work))
    some, none = call("echo", {"count": 2}, context(tmp_path)), call("echo", {}, context(tmp_path))
    assert (some.status, some.warnings, some.error) == ("ok", ("Nothing is on. Switch it on.",), None)
    assert (none.status, none.warnings) == ("no_data", ("Nothing is on. Switch it on.",))


# snapshots


def save(at: Snapshots, payload: str, when: str, observed: date | None = None) -> None:
    at.save("s", "k", payload, retrieved_at=when, observed=observed, url="https://example.org/x")


def test_snapshots_keep_the_last_of_each_day_and_hold_to_a_date(kept_in: str, tmp_path: Path) -> None:
    kept = Snapshots(kept_at(tmp_path / "deep" / "store"))
    assert kept.latest("s", "k") is None
    assert kept.history("s", "k") == []
    save(kept, "1", "2025-06-01T10:00:00+00:00")
    save(kept, "2", "2025-06-01T12:00:00+00:00")
    save(kept, "3", "2025-06-03T09:00:00+00:00", date(2025, 6, 2))
    assert [s.payload for s in kept.history("s", "k")] == ["2", "3"]
    newest = kept.latest("s", "k")
    assert newest is not None
    assert (newest.payload, newest.observed, newest.url) == ("3", date(2025, 6, 2), "https://example.org/x")
    # What was fetched on the 3rd was not known on the 2nd, whatever day it speaks of.
    early = kept.latest("s", "k", until=date(2025, 6, 2))
    assert early is not None
    assert early.payload == "2"
    assert kept.latest("s", "other") is None


def test_an_unchanged_payload_is_stored_once(tmp_path: Path) -> None:
    kept = Snapshots(tmp_path)
    for hour in range(5):
        save(kept, "same", f"2025-06-01T{hour:02}:00:00+00:00")
    with sqlite3.connect(tmp_path / "snapshots.sqlite") as connection:
        counts = [connection.execute(f"SELECT count(*) FROM {t}").fetchone()[0] for t in ("payloads", "snapshots")]
    connection.close()
    assert counts == [1, 5]


def test_damaged_snapshots_say_what_to_do(tmp_path: Path) -> None:
    kept = Snapshots(tmp_path)
    (tmp_path / "snapshots.sqlite").write_bytes(b"this is no database, and long enough to be one" * 50)
    with pytest.raises(StoreError, match="cannot be used") as caught:
        kept.latest("s", "k")
    assert "delete it" in caught.value.what_to_do
    result = call("drawdown", {}, context(tmp_path))
    assert (result.status, result.error.kind if result.error else "") == ("error", "store")


# offline


def closes(days: int = 30, last: date = TODAY) -> Closes:
    span = tuple(last - timedelta(days=days - 1 - i) for i in range(days))
    return Closes(symbol="IWM", currency="USD", days=span, closes=tuple(100.0 + i for i in range(days)))


def test_offline_the_last_snapshot_answers_with_its_age(tmp_path: Path) -> None:
    old = datetime.now(UTC) - timedelta(days=9)
    Snapshots(tmp_path).save(
        "market",
        "closes:IWM",
        closes().model_dump_json(),
        retrieved_at=old.isoformat(timespec="seconds"),
        label="Synthetic Market",
    )
    result = call("drawdown", {"ticker": "IWM", "benchmark": "", "since": "2025-06-20"}, context(tmp_path))
    assert (result.status, result.cached, result.stale) == ("ok", True, True)
    assert result.metrics[0].source == "Synthetic Market"
    assert result.retrieved_at == old.isoformat(timespec="seconds")
    assert "(9 days ago), because its source is not switched on" in result.warnings[0]


def test_a_source_that_fails_leaves_its_last_answer(tmp_path: Path, server: Source) -> None:
    server.put("/files/company_tickers.json", tickers(("AAA", 1, "Alder Inc.")))
    draft = Draft("t", {})
    assert listings(context(tmp_path, server), draft)[0].ticker == "AAA"
    assert (draft.cached, draft.stale, draft.warnings) == (False, False, [])
    (tmp_path / "tools" / "http_cache.sqlite").unlink()
    server.put("/files/company_tickers.json", Said(b"", 500))
    draft = Draft("t", {})
    assert listings(context(tmp_path, server), draft)[0].cik == 1
    assert draft.cached
    assert "because sec answered with status 500" in draft.warnings[0]


def test_the_base_is_read_beside_its_owner(make_base: Callable[..., Any]) -> None:
    base = make_base({"alder.md": "# Alder\n\nAlder makes pumps.", "birch.md": "# Birch\n\nBirch makes boats."})
    beside = LedgerDocuments(base.store.root)
    found = beside.sources()
    assert [s.document_id for s in found] == [s.document_id for s in base.sources()]
    assert beside.document(found[0].document_id).text == base.document(found[0].document_id).text
    assert [c.text for c in beside.chunks(found[0].document_id)] == [
        c.text for c in base.store.chunks(found[0].document_id)
    ]
    empty = LedgerDocuments(base.store.root / "none")
    assert empty.sources() == []
    with pytest.raises(NotFound, match="There is no base"):
        empty.document("x")


# names


def test_an_index_is_its_fund_whatever_it_is_called() -> None:
    for name in ("Russell 2000", "the Russell 2000 Index", "iwm", "^RUT", "R2000", "small caps"):
        found = find_fund(name)
        assert found is not None
        assert found.ticker == "IWM"
    assert [instrument(n)[0] for n in ("^RUT", "Russell 2000", "S&P 500", "spx", "abc", "MSCI World")] == [
        "^RUT",
        "IWM",
        "SPY",
        "SPY",
        "ABC",
        "URTH",
    ]
    assert find_fund("Russell 9000") is None
    with pytest.raises(NoData, match="no ticker"):
        instrument("the biggest firms there are")


LIST = [
    Listing(ticker="AAA", cik=1, name="Alder Instruments Inc."),
    Listing(ticker="ALDR", cik=2, name="Alder Pharma Corp"),
    Listing(ticker="BRK-B", cik=3, name="Birch Holdings"),
    Listing(ticker="BRK-A", cik=3, name="Birch Holdings"),
    Listing(ticker="CEDAR", cik=4, name="Elm Group"),
    Listing(ticker="ZZ", cik=5, name="Cedar Corp"),
]


@pytest.mark.parametrize(
    ("asked", "cik"),
    [("AAA", 1), ("aaa", 1), ("2", 2), ("Alder Pharma", 2), ("BRK.B", 3), ("brk b", 3), ("birch holdings", 3), ("CEDAR", 4)],
)  # fmt: skip
def test_a_ticker_cik_or_name_is_its_company(asked: str, cik: int) -> None:
    assert company(asked, LIST).cik == cik


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ("Alder", "'Alder' may be AAA (Alder Instruments Inc., CIK 1); ALDR (Alder Pharma Corp, CIK 2)"),
        ("Cedar", "'Cedar' may be CEDAR (Elm Group, CIK 4); ZZ (Cedar Corp, CIK 5)"),
        ("Walnut", "No company of SEC's list is called 'Walnut'"),
        ("99", "No company of SEC's list is called '99'"),
    ],
)
def test_an_ambiguous_or_unknown_name_is_no_guess(asked: str, said: str) -> None:
    with pytest.raises(NoData) as caught:
        company(asked, LIST)
    assert said in caught.value.message
    assert caught.value.what_to_do


# settings and the command line


def test_only_known_sources_can_be_switched_on(tmp_path: Path) -> None:
    settings = load_settings(environ={"THESIS_SOURCES": "sec, fred", "THESIS_STORE": str(tmp_path)})
    made = make_context(settings, environ={}).providers
    assert (made.facts is None, made.fred is None, made.treasury is None) == (False, False, True)
    with pytest.raises(SettingsError, match="no source 'bloomberg'"):
        make_context(Settings(sources=("bloomberg",)), environ={})
    with pytest.raises(SettingsError, match="is no folder"):
        make_context(Settings(data=str(tmp_path / "none")), environ={})
    with pytest.raises(SettingsError, match="is not FUND=address"):
        make_context(Settings(store=str(tmp_path), sources=("holdings",), holdings_urls=("IWM",)), environ={})


def test_market_data_stay_off_until_the_terms_are_accepted(tmp_path: Path) -> None:
    for accepted, there in ((False, False), (True, True)):
        settings = Settings(store=str(tmp_path), sources=("market",), accept_market_terms=accepted)
        assert (make_context(settings, environ={}).providers.prices is not None) is there


def shell(*argv: str) -> tuple[int, str]:
    out = io.StringIO()
    from assistant.cli import Wiring, run

    code = run(argv, Wiring(app.open_assistant, app.open_ingestor, app.serve, app.progress), out=out)
    return code, out.getvalue()


def test_the_list_names_every_tool_with_arguments_and_sources(tmp_path: Path) -> None:
    code, text = shell("tool", "--json", "--store", str(tmp_path))
    listed = json.loads(text)["tools"]
    assert code == 0
    assert [t["name"] for t in listed] == list(registry.NAMES)
    drawdown = next(t for t in listed if t["name"] == "drawdown")
    assert {"name": "years", "description": tools()["drawdown"].arguments.model_fields["years"].description,
            "type": "integer", "default": 2} in drawdown["arguments"]  # fmt: skip
    assert drawdown["sources"] == ["market", "data"]
    assert shell("tool", "--store", str(tmp_path))[1].startswith("drawdown: How far")


def test_a_call_prints_one_tool_result(tmp_path: Path) -> None:
    code, text = shell("tool", "drawdown", "--ticker", "IWM", "--benchmark=", "--json", "--store", str(tmp_path / "s"))
    result = json.loads(text)
    SCHEMA.validate(result)
    assert (code, result["status"], result["arguments"]["ticker"]) == (0, "not_configured", "IWM")
    code, text = shell("tool", "drawdown", "--as-of", "2025-05-12", "--store", str(tmp_path / "s"))
    assert code == 0
    assert "as_of=2025-05-12" in text
    assert "sources = [" in text


@pytest.mark.parametrize(
    ("argv", "code", "said"),
    [
        (("tool", "nosuch"), 1, "There is no tool 'nosuch'"),
        (("tool", "drawdown", "--tickr", "IWM"), 1, "no argument 'tickr'"),
        (("tool", "drawdown", "IWM"), 2, "'IWM' is no argument"),
        (("tool", "drawdown", "--ticker"), 2, "--ticker has no value"),
        (("tool", "drawdown", "--as-of", "soon"), 2, "as_of = 'soon' is not a date"),
        (("sources", "--ticket", "x"), 2, "Unrecognized arguments: --ticket"),
    ],
)
def test_a_wrong_call_says_what_is_wrong(argv: tuple[str, ...], code: int, said: str, tmp_path: Path) -> None:
    got, text = shell(*argv, "--json", "--store", str(tmp_path))
    found: Mapping[str, Any] = json.loads(text)
    assert got == code
    assert said in found["error"]["message"]


# export


def exported(folder: Path, *arguments: str) -> tuple[int, str]:
    return shell("tool", "drawdown", "--store", str(folder / "s"), *arguments)


def test_the_inputs_of_any_tool_are_written_as_csv_or_json(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "prices.csv").write_text("date,IWM,SPY\n2025-06-30,250,500\n2025-07-01,200,500\n", encoding="utf-8")
    monkeypatch.setenv("THESIS_DATA", str(tmp_path))
    wide = ["--as-of", "2025-07-01"]
    code, said = exported(tmp_path, *wide, "--export", str(tmp_path / "out.csv"), "--json")
    assert (code, json.loads(said)["status"]) == (0, "ok")
    lines = (tmp_path / "out.csv").read_text(encoding="utf-8").splitlines()
    assert lines[0].split(",")[:4] == ["metric", "of", "name", "value"]
    assert any(line.startswith("drawdown,Russell 2000,last close,200.0") for line in lines)
    assert "inputs written to" in capsys.readouterr().err
    exported(tmp_path, *wide, "--export", str(tmp_path / "out.json"))
    held = json.loads((tmp_path / "out.json").read_text(encoding="utf-8"))
    assert (held["tool"], len(held["inputs"])) == ("drawdown", len(lines) - 1)


def test_without_figures_nothing_is_exported(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, said = exported(tmp_path, "--export", str(tmp_path / "out.csv"))
    assert code == 0
    assert "not_configured" in said
    assert "was not written" in capsys.readouterr().err
    assert not (tmp_path / "out.csv").exists()


@pytest.mark.parametrize("name", ["out.xlsx", "nowhere/out.csv", "out"])
def test_a_file_that_could_not_be_written_is_refused_before_the_call(tmp_path: Path, name: str) -> None:
    code, said = exported(tmp_path, "--json", "--export", str(tmp_path / name))
    assert code == 2
    assert "is no .csv or .json file" in json.loads(said)["error"]["message"]
