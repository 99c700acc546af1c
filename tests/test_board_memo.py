"""The board as a memo and as tables: every claim with its source, in each form."""

from __future__ import annotations

import csv
import io
import json
import re
import zipfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pypdf
import pytest

from assistant.catalysts import memo, saving
from assistant.catalysts.shapes import Board
from assistant.export.blocks import Bullets, Plot, refs
from tests.board_cases import bench, note
from vectorstore.embedding import Embedder
from vectorstore.errors import SettingsError

MADE = datetime(2026, 1, 2, 3, 4, tzinfo=UTC)
HOSTILE = "=cmd|' /C calc'!A0 <img src=x onerror=alert(1)>"


@pytest.fixture(scope="module")
def board(tmp_path_factory: pytest.TempPathFactory, embedder: Embedder, model_cache: Path) -> Iterator[Board]:
    with bench(tmp_path_factory.mktemp("memo"), embedder, model_cache, stale_after_days=0) as base:
        saying = "Tariffs raise the costs of small importers of steel"
        base.put(
            {
                "a.md": note(f"# A\n\n{saying} by 3%.", title="A", publisher="Quay", published="2022-03-01", kind="note"),
                "b.md": note(f"# B\n\n{saying} by 4%.", title="B", publisher="Quay", published="2023-03-01", kind="note"),
                "c.md": note(
                    "# C\n\nA refund of tariffs will help the small importers of steel and lower their costs.",
                    title=HOSTILE, publisher="Harbor", published="2024-03-01", kind="article",
                ),
            }
        )  # fmt: skip
        base.tools.given = {
            "macro": [("customs_duty_rate_change", "United States", 0.8, "percentage points", "2024-02-29")]
        }
        base.face.update()
        yield base.face.board()


def test_each_claim_has_its_footnote(board: Board) -> None:
    paper = memo.paper(board, MADE)
    assert (paper.title, paper.facts) == (
        "The catalyst board", ("Made 2 Jan 2026, 03:04 UTC", "With all that is known today", "3 documents"),
    )  # fmt: skip
    tariffs = next(part for part in paper.parts if any("Tariffs" in str(block) for block in part.blocks[:1]))
    shown = {e.evidence_id: e for c in board.catalysts if c.id == "tariffs" for e in (*c.for_, *c.against)}
    assert {n.key for n in tariffs.notes} == set(refs(tariffs)) == set(shown)
    for one in tariffs.notes:
        assert one.place == f"{shown[one.key].path}, characters {shown[one.key].start}-{shown[one.key].end}"
        assert one.link == shown[one.key].url
    bullets = [span for block in tariffs.blocks if isinstance(block, Bullets) for item in block.items for span in item]
    for quote in (e.quote for e in shown.values()):
        assert any(quote in getattr(span, "text", "") for span in bullets)
    plots = [block for part in paper.parts for block in part.blocks if isinstance(block, Plot)]
    assert [line.points for plot in plots for line in plot.lines] == [
        ((2022.0, 1.0, "2022"), (2023.0, 1.0, "2023"), (2024.0, 0.0, "2024")),
        ((2022.0, 0.0, "2022"), (2023.0, 0.0, "2023"), (2024.0, 1.0, "2024")),
    ]
    assert dict(plots[0].bars)["Tariffs"] == 1.0  # the one that was superseded does not stand


@pytest.mark.parametrize("ending", [".md", ".html", ".pdf"])
def test_a_memo_says_the_claims_in_each_form(board: Board, ending: str) -> None:
    data = saving.content(board, ending, MADE)
    if ending == ".pdf":
        text = " ".join("".join(page.extract_text() for page in pypdf.PdfReader(io.BytesIO(data)).pages).split())
    else:
        text = data.decode()
    for words in (
        "importers of steel by 4",
        "refund of tariffs will help",
        "superseded 1 Mar 2023, then for",
        "0.8 pp",
    ):
        assert words in text
    assert "<img" not in text.replace("\\<img", "") or ending == ".pdf"  # a PDF has no mark-up to fall for


def test_json_is_the_board(board: Board) -> None:
    assert Board.model_validate(json.loads(saving.content(board, ".json", MADE))) == board


def test_tables_have_a_row_a_claim_and_a_link_a_source(board: Board) -> None:
    rows = list(
        csv.reader(io.StringIO(saving.content(board, ".csv", MADE, "https://thesis.example").decode("utf-8-sig")))
    )
    head, *claims = rows
    assert len(claims) == sum(c.counts.speak_for + c.counts.speak_against for c in board.catalysts) == 3
    by_title = {row[head.index("title")]: row for row in claims}
    assert "'" + HOSTILE in by_title  # no formula
    mine = by_title["B"]
    assert mine[head.index("sentence")] == "Tariffs raise the costs of small importers of steel by 4%."
    assert re.fullmatch(
        r"B, characters \d+-\d+ https://thesis\.example/document/\S+#cited", mine[head.index("sentence: source")]
    )
    with zipfile.ZipFile(io.BytesIO(saving.content(board, ".xlsx", MADE, "https://thesis.example"))) as book:
        names = book.read("xl/workbook.xml").decode()
        links = book.read("xl/worksheets/_rels/sheet1.xml.rels").decode()
    assert 'name="Claims"' in names
    assert 'name="Figures"' in names
    assert links.count("https://thesis.example/document/") == 3


def test_one_catalyst_alone_is_a_memo_of_its_own(board: Board) -> None:
    one = board.model_copy(update={"catalysts": tuple(c for c in board.catalysts if c.id == "tariffs")})
    paper = memo.paper(one)
    assert (paper.title, paper.stem, len(paper.parts)) == ("Tariffs", "tariffs", 2)


def test_a_board_without_a_claim_says_so(board: Board) -> None:
    text = saving.content(board, ".md", MADE).decode()
    assert "No sentence of the base is surely for or against it." in text


@pytest.mark.parametrize("name", ["board.docx", "none/board.pdf", "board"])
def test_a_file_that_cannot_be_is_told(tmp_path: Path, name: str) -> None:
    with pytest.raises(SettingsError, match="in a folder that is there"):
        saving.checked(tmp_path / name)
