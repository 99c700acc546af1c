"""Watchlists: files of tickers, errors with their line, and what they leave of a base."""

from __future__ import annotations

import contextlib
import io
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import app
from assistant.assistant import Assistant
from assistant.catalysts.watchlist import MOST, Watchlist, keeps, load, parse, resolve, told
from assistant.cli import Wiring, run
from vectorstore.errors import SettingsError

MakeBase = Callable[..., Assistant]


def note(company: str, ticker: str, text: str) -> str:
    head = f"---\ntitle: {company}\ncompany: {company}\npublished: 2024-03-01\n" + (
        f"ticker: {ticker}\n" if ticker else ""
    )
    return f"{head}---\n\n# {company}\n\n{text}\n"


FILES = {
    "harbor.md": note("Harbor Tools, Inc.", "HRBR", "Harbor Tools sold 41,000 presses in 2023."),
    "lantern.md": note("Lantern Foods Corp.", "LNTN", "Lantern Foods sold 3 million jars in 2023."),
    "harbor-call.md": note("Harbor Tools Inc", "", "Presses sold well in the quarter of Harbor Tools."),
    "ports.md": "# Ports\n\nPorts that deepen their berths sold more slots in 2023.\n",
}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("HRBR\nLNTN\n", ("HRBR", "LNTN")),
        ("ticker\nHRBR\n", ("HRBR",)),
        ("Name,Ticker,Weight\nHarbor,hrbr,3\nLantern,LNTN,4\n", ("HRBR", "LNTN")),
        ("name;ticker\nHarbor, Inc.;HRBR\n", ("HRBR",)),
        ('\ufeffticker\r\n"BRK.B"\r\n\r\nHRBR\r\nHRBR\r\n', ("BRK.B", "HRBR")),
        ("# mine\nHRBR\n$LNTN\n", ("HRBR", "LNTN")),
    ],
)
def test_tickers_are_read_in_their_order_each_once(text: str, expected: tuple[str, ...]) -> None:
    assert parse(text).tickers == expected


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "holds no ticker"),
        ("\n\n# nothing\n", "holds no ticker"),
        ("ticker\n", "holds no ticker"),
        ("HRBR\nHarbor Tools\n", "line 2: 'Harbor Tools' is no ticker"),
        ("ticker,name\nHRBR,x\n,y\n", "line 3 has no ticker"),
        ("symbol,name\nHRBR,x\n", 'line 1 has several columns and none is called "ticker"'),
        ("ticker,ticker\nA,B\n", "two columns"),
        ("HRBR\n=1+1\n", "line 2: '=1+1' is no ticker"),
        ('ticker\n"HRBR\n', "is no CSV"),
        ("\n".join(f"T{n}" for n in range(MOST + 1)), f"{MOST + 1} tickers"),
    ],
)
def test_what_is_no_watchlist_is_told_with_its_line(text: str, words: str) -> None:
    with pytest.raises(SettingsError) as caught:
        parse(text, "mine.csv")
    assert words in str(caught.value)
    assert "mine.csv" in str(caught.value)
    assert caught.value.what_to_do


def test_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="cannot be read"):
        load(tmp_path / "none.csv")
    (tmp_path / "latin.csv").write_bytes(b"ticker\nHRBR\n\xe9\n")
    with pytest.raises(SettingsError, match="line 3 is not UTF-8"):
        load(tmp_path / "latin.csv")
    (tmp_path / "big.csv").write_bytes(b"A\n" * 600_000)
    with pytest.raises(SettingsError, match="larger than 1 MB"):
        load(tmp_path / "big.csv")


@given(st.text(max_size=200))
def test_any_text_is_a_watchlist_or_a_clear_error(text: str) -> None:
    with contextlib.suppress(SettingsError):
        found = parse(text)
        assert found.tickers
        assert all(t == t.upper() for t in found.tickers)


def test_a_list_keeps_the_documents_of_its_companies(make_base: MakeBase) -> None:
    base = make_base(FILES)
    sources = base.sources()
    mine = Watchlist(("HRBR", "ZZZZ"), "mine.csv")
    assert resolve(mine, sources).companies == {"HRBR": "Harbor Tools, Inc."}
    assert resolve(mine, sources).missing == ("ZZZZ",)
    kept = {Path(s.path).name for s in sources if keeps(mine, sources)(s)}
    assert kept == {"harbor.md", "harbor-call.md"}  # the call names the company, and no ticker
    assert told(mine, sources) == "No document carries the ticker ZZZZ of mine.csv."
    assert told(Watchlist(("HRBR",)), sources) is None


def test_tickers_filter_questions_and_searches(make_base: MakeBase, tmp_path: Path) -> None:
    base = make_base(FILES)
    both = base.search("sold in 2023", filters={"ticker": ["HRBR", "LNTN"]})
    assert {p.metadata.ticker for p in both} == {"HRBR", "LNTN"}
    one = base.ask("How many presses were sold in 2023?", filters={"ticker": ["hrbr"]})
    assert "41,000" in one.text
    none = base.ask("How many presses were sold in 2023?", filters={"ticker": ["LNTN"]})
    assert "41,000" not in none.text


def test_the_command_line_takes_a_list(make_base: MakeBase, tmp_path: Path) -> None:
    base = make_base(FILES)
    root = base.store.root
    base.store.close()  # type: ignore[attr-defined]
    (tmp_path / "mine.csv").write_text("ticker\nHRBR\n")
    (tmp_path / "bad.csv").write_text("ticker\nHarbor Tools\n")

    def thesis(*arguments: str) -> tuple[int, dict[str, object]]:
        out = io.StringIO()
        wiring = Wiring(app.open_assistant, app.open_ingestor, app.serve, app.progress, folder=tmp_path)
        code = run([*arguments, "--store", str(root), "--json"], wiring, out=out)
        return code, json.loads(out.getvalue())

    code, found = thesis("search", "sold in 2023", "--watchlist", "mine.csv")
    assert code == 0
    assert {p["ticker"] if "ticker" in p else p["company"] for p in found["passages"]} == {"Harbor Tools, Inc."}  # type: ignore[attr-defined]
    code, found = thesis("sources", "--watchlist", "mine.csv", "--ticker", "LNTN")
    assert [s["ticker"] for s in found["sources"]] == ["HRBR", "LNTN"]  # type: ignore[attr-defined]
    code, found = thesis("ask", "How many jars were sold in 2023?", "--ticker", "HRBR", "--ticker", "LNTN")
    assert found["filters"]["ticker"] == ["HRBR", "LNTN"]  # type: ignore[index]
    assert "3 million" in found["text"]  # type: ignore[operator]
    code, found = thesis("ask", "How many jars?", "--watchlist", "bad.csv")
    assert code == 2
    assert "bad.csv, line 2: 'Harbor Tools' is no ticker" in found["error"]["message"]  # type: ignore[index]
