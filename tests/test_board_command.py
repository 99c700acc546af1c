"""`thesis board`: text and JSON, one catalyst, dates, changes, files; errors say what to do."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import app
from assistant.catalysts import stance
from assistant.catalysts.shapes import Board
from assistant.cli import Wiring, run
from tests.board_cases import Marker, note

Call = Callable[..., tuple[int, str, str]]
FILES = {
    "quay.md": note(
        "# Quay\n\nTariffs raise the costs of small importers of steel.\n\nThe refund of duties will help the makers of chairs in Ohio.",
        title="Quay on tariffs", publisher="Quay Research", published="2024-03-01", kind="note", ticker="QUAY", company="Quay Tools, Inc.",
    ),
    "harbor.md": note(
        "# Harbor\n\nThe trade war will hurt the makers of chairs in Ohio \x1b[31mand their banks.",
        title="Harbor on trade", publisher="Harbor Press", published="2024-04-01", kind="article",
    ),
}  # fmt: skip


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("board-command")
    (made / "files").mkdir()
    for name, text in FILES.items():
        (made / "files" / name).write_text(text, encoding="utf-8")
    return made


@pytest.fixture(scope="module")
def thesis(folder: Path, model_cache: Path) -> Iterator[Call]:
    def call(*arguments: str) -> tuple[int, str, str]:
        out, told = io.StringIO(), io.StringIO()
        wiring = Wiring(app.open_assistant, app.open_ingestor, app.serve, app.progress, told=told, folder=folder)
        code = run([*arguments, "--store", str(folder / "store")], wiring, out=out)
        return code, out.getvalue(), told.getvalue()

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("THESIS_CACHE", str(model_cache))
        patch.setenv("THESIS_WORKERS", "1")
        patch.setattr(stance, "stances", Marker())
        patch.setattr(stance, "VERSION", "marker 1")
        assert call("ingest", str(folder / "files"))[0] == 0
        yield call


def found(thesis: Call, *arguments: str) -> dict[str, Any]:
    code, out, _ = thesis("board", "--json", *arguments)
    assert code == 0
    board: dict[str, Any] = json.loads(out)
    return board


def test_the_contract_of_the_json(thesis: Call) -> None:
    board = found(thesis)
    assert {"as_of", "catalysts"} <= set(board)
    assert len(board["catalysts"]) == 10
    for one in board["catalysts"]:
        assert {"id", "name", "status", "rule", "for", "against", "metrics"} <= set(one)
    assert Board.model_validate(board).model_dump(mode="json") == board
    tariffs = next(one for one in board["catalysts"] if one["id"] == "tariffs")
    assert [(e["author"], e["published"], e["kind"]) for e in tariffs["for"]] == [
        ("Harbor Press", "2024-04-01", "article"), ("Quay Research", "2024-03-01", "note"),
    ]  # fmt: skip
    assert {r["tool_status"] for r in tariffs["metrics"]} == {"not_configured"}
    assert set(board["rules"]) == {
        "repeats",
        "superseded",
        "contradictions",
        "authority",
        "order",
        "status",
        "new",
        "sure",
    }


def test_people_get_a_line_of_status_and_the_newest_claims(thesis: Call) -> None:
    code, out, told = thesis("board")
    assert (code, told) == (0, "")
    assert out.startswith("10 catalysts over 2 documents, as of today\n")
    assert "TARIFFS (tariffs): no data" in out
    assert "“Tariffs raise the costs of small importers of steel.” (Quay Research, 2024-03-01, note;" in out
    assert "contradiction: Harbor Press speaks for it (2024-04-01), Quay Research against (2024-03-01)." in out
    assert "\x1b" not in out
    assert max(map(len, out.splitlines())) <= 110


def test_one_catalyst_tells_its_conditions(thesis: Call) -> None:
    _, out, _ = thesis("board", "tariffs")
    assert "Statement: New and rising tariffs raise costs" in out
    assert "confirms: customs_duty_rate_change ≥ 0.5 percentage points: " in out
    code, _, told = thesis("board", "weather")
    assert code == 1
    assert told.startswith("thesis: There is no catalyst 'weather'.\n  Catalysts are: valuation-gap, reshoring,")


def test_days_and_watchlists_narrow_it(thesis: Call, folder: Path) -> None:
    then = found(thesis, "tariffs", "--as-of", "2024-03-15", "--since", "2024-03-01")
    assert [e["new"] for e in then["catalysts"][0]["for"]] == [True]
    assert (then["as_of"], then["since"], then["documents"], then["changes"]) == ("2024-03-15", "2024-03-01", 1, [])
    now = found(thesis, "tariffs", "--since", "2024-04-01")
    assert [e["new"] for e in now["catalysts"][0]["for"]] == [True, False]
    assert now["changes"] == []
    (folder / "mine.csv").write_text("ticker\nQUAY\nNONE\n")
    mine = found(thesis, "tariffs", "--watchlist", "mine.csv")
    assert {e["ticker"] for e in mine["catalysts"][0]["for"]} == {"QUAY"}
    assert mine["warnings"] == ["No document carries the ticker NONE of the watchlist."]


def test_what_changed_is_listed(thesis: Call, folder: Path) -> None:
    (folder / "files" / "late.md").write_text(
        note(
            "# Late\n\nThe tariffs hurt the makers of boats in Maine.",
            title="Late",
            publisher="Harbor Press",
            published="2024-05-01",
        )
    )
    assert thesis("ingest", str(folder / "files"))[0] == 0
    code, out, _ = thesis("board", "--since", "2024-05-01", "--refresh")
    assert code == 0
    assert "* “The tariffs hurt the makers of boats in Maine.”" in out
    assert "Tariffs: 1 sentence for. New in “Late” (Harbor Press, 2024-05-01): 1 sentence for." in out
    _, none, _ = thesis("board", "--since", "2999-01-01")
    assert none.endswith("Nothing has changed since 2999-01-01.\n")


@pytest.mark.parametrize("ending", ["md", "html", "pdf", "json", "csv", "xlsx"])
def test_it_is_saved_in_each_form(thesis: Call, folder: Path, ending: str) -> None:
    code, _, told = thesis("board", "tariffs", "--export", f"found.{ending}")
    assert (code, told) == (0, f"Saved {folder / 'found'}.{ending}\n")
    assert (folder / f"found.{ending}").stat().st_size > 1000


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (("--as-of", "soon"), 2, "as_of = 'soon' is not a date."),
        (("--since", "2024-02-30"), 2, "since = '2024-02-30' is not a date."),
        (("--export", "board.docx"), 2, "board.docx is no .md, .html, .pdf, .json, .csv or .xlsx file"),
        (("--watchlist", "none.csv"), 2, "cannot be read"),
        (("--check", "none.yaml"), 1, "none.yaml does not exist."),
        (("tariffs", "--check", "none.yaml"), 2, "--check stands alone."),
    ],
)
def test_a_wrong_call_is_told(thesis: Call, arguments: tuple[str, ...], code: int, message: str) -> None:
    found_code, out, told = thesis("board", *arguments)
    assert (found_code, out) == (code, "")
    assert message in told


def test_a_file_of_ones_own_is_checked(thesis: Call, folder: Path) -> None:
    (folder / "own.yaml").write_text("version: 1\ncatalysts:\n  - id: Weather!\n    name: Weather\n")
    code, out, _ = thesis("board", "--check", "own.yaml", "--json")
    checked = json.loads(out)
    assert code == 1
    assert {"file", "catalyst", "field", "message", "what_to_do"} == set(checked["problems"][0])
    assert len(checked["problems"]) > 1


def test_an_empty_base_says_so(thesis: Call, tmp_path: Path) -> None:
    out, told = io.StringIO(), io.StringIO()
    wiring = Wiring(app.open_assistant, app.open_ingestor, app.serve, app.progress, told=told)
    assert run(["board", "--store", str(tmp_path / "none")], wiring, out=out) == 1
    assert "There is no base" in told.getvalue()
