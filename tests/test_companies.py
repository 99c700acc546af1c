"""Which companies speak of a catalyst: cited sentences, figures of the tools or the reason for none, as JSON, CSV and XLSX."""

from __future__ import annotations

import csv
import io
import re
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st
from statement_samples import HARBOR

from assistant.assistant import Assistant
from assistant.catalysts.boards import Boards
from assistant.catalysts.companies import COLUMNS, METRICS, NAMED, Company, condition, spoken, table
from assistant.catalysts.companies_command import sheets_of, text
from assistant.catalysts.face import Catalysts
from assistant.catalysts.schema import Catalyst
from assistant.export.tables import Cell, Table, to_csv, to_xlsx
from assistant.grounding import check
from assistant.models import Answer, Metric, ToolResult
from vectorstore.errors import NotFound, SettingsError

MakeBase = Callable[..., Assistant]


@dataclass(frozen=True)
class Said:
    label: str
    score: float = 0.9
    reasons: tuple[str, ...] = ("by a word",)


def classify(sentences: Sequence[str], catalyst: Catalyst, encode: Any) -> list[Said]:
    """A classifier that goes by a word: what is doubted speaks against."""
    return [Said("against" if "doubt" in one else "for") for one in sentences]


def note(text: str, **head: str) -> str:
    return (
        "---\n" + "".join(f"{key}: {value}\n" for key, value in head.items()) + f"---\n\n# {head['title']}\n\n{text}\n"
    )


FILES = {
    "harbor-10k.md": note(HARBOR, title="Harbor Tools, Inc. 10-K 2021", published="2022-02-25", kind="filing", company="Harbor Tools, Inc.",
                          ticker="HRBR", form="10-K", fiscal_period="FY2021", period_end="2021-12-31"),
    "harbor-call.md": note("Our customers ask us for reshoring of their presses, and we build a new plant at home.", title="Harbor Tools call",
                           published="2022-05-02", kind="transcript", company="Harbor Tools, Inc.", ticker="HRBR", size="small"),
    "lantern.md": note("We doubt that nearshoring brings Lantern Foods any orders.", title="Lantern Foods call", published="2022-05-09",
                       kind="transcript", company="Lantern Foods Corp.", size="large"),
    "late.md": note("We now see reshoring at Harbor Tools in every region that we serve.", title="Harbor Tools later", published="2024-05-09",
                    kind="transcript", company="Harbor Tools, Inc.", ticker="HRBR"),
    "view.md": note("The reshoring of industry is under way in most regions.", title="A view of no company", published="2022-06-01", kind="article"),
}  # fmt: skip


@pytest.fixture(scope="module")
def base(make_base: MakeBase) -> Iterator[tuple[Assistant, Catalysts]]:
    assistant = make_base(FILES)
    boards = Boards(assistant.store, assistant.settings, assistant._common.encode, classify, "test")
    face = Catalysts(boards, assistant.store, assistant.settings, assistant.tool, whole=True)
    face.update()
    yield assistant, face
    boards.close()


def rows(
    base: tuple[Assistant, Catalysts], *, as_of: str | None = "2022-12-31", tickers: Sequence[str] = (), **options: Any
) -> Any:
    assistant, face = base
    found, sources, pending = face.found("reshoring", as_of=as_of, tickers=tickers)
    assert pending == 0

    def call(name: str, arguments: Mapping[str, Any]) -> ToolResult:
        return assistant.tool(name, arguments, as_of=as_of)

    return table("reshoring", spoken(found, sources), call, as_of=as_of, **options)


def test_companies_with_cited_sentences_and_figures(base: tuple[Assistant, Catalysts]) -> None:
    made = rows(base)
    harbor, lantern = made.companies
    assert (harbor.name, harbor.ticker, harbor.size, harbor.speak_for, harbor.speak_against) == (
        "Harbor Tools, Inc.",
        "HRBR",
        "small",
        1,
        0,
    )
    assert (lantern.name, lantern.size, lantern.speak_for, lantern.speak_against) == (
        "Lantern Foods Corp.",
        "large",
        0,
        1,
    )
    for company in made.companies:
        for sentence in company.sentences:
            document = base[0].store.document(sentence.source.document_id, sentence.source.version)
            assert document.text[sentence.start : sentence.end] == sentence.quote
    debt = harbor.figures["net_debt_to_ebitda"]
    assert (debt.value, debt.unit, debt.as_of, debt.source, debt.tool) == (
        0.25,
        "x",
        "2021-12-31",
        "10-K in the base",
        "balance_sheet",
    )
    for one in debt.inputs:
        assert (
            base[0].store.document(one["document_id"], one["version"]).text[one["start"] : one["end"]] == one["quote"]
        )
    # Every cell is a figure with its day, or empty with its reason.
    assert set(harbor.figures) == set(COLUMNS)
    for company in made.companies:
        for figure in company.figures.values():
            assert (figure.value is not None and figure.as_of and figure.source) or figure.reason
    assert lantern.figures["net_debt_to_ebitda"].value is None


def test_little_debt_is_a_rule_that_is_shown(base: tuple[Assistant, Catalysts]) -> None:
    made = rows(base, where=[condition("little debt")], size="small")
    assert [c.name for c in made.companies] == ["Harbor Tools, Inc."]
    assert made.to_json()["where"] == ["net debt to EBITDA <= 1.5x (little debt)"]
    assert made.order == "by net debt to EBITDA, smallest first"
    none = rows(base, where=[condition("net_debt_to_ebitda > 4")])
    assert (none.companies, none.failed) == ((), 1)
    assert [name for name, _ in none.unknown] == ["Lantern Foods Corp."]
    assert none.unknown[0][1].startswith("net debt to EBITDA: ")


def asked(base: tuple[Assistant, Catalysts], question: str, as_of: str = "2022-12-31") -> Answer:
    assistant, face = base
    assistant._common._boards = face._boards
    answer = assistant.ask(question, as_of=as_of)
    for claim in answer.claims:
        assert answer.text[claim.start : claim.end] == claim.text
        quotes = [c.quote for c in answer.citations if c.marker in claim.markers]
        results = [r for r in answer.tool_results if r.marker in claim.markers]
        assert check(claim.text, quotes, results).verdict == "supported"
    for one in answer.citations:
        assert assistant.document(one.document_id, one.version).text[one.start : one.end] == one.quote
    return answer


def test_the_chat_answers_with_a_table_each_cell_cited_or_empty(base: tuple[Assistant, Catalysts]) -> None:
    answer = asked(base, "Which small caps mention reshoring and have little debt?")
    assert answer.status == "answered"
    assert answer.text.splitlines() == [
        "**Companies that speak of “Deglobalization and reshoring”** (net debt to EBITDA <= 1.5x (little debt))",
        "",
        "| Company | What its documents say | net debt to EBITDA |",
        "|---|---|---|",
        "| Harbor Tools, Inc. (HRBR) | for: Our customers ask us for reshoring of their presses, and we build a new plant at home. [S1] "
        "| 0.25x (as of 2021-12-31) [T1] |",
    ]
    assert [n.traced_to for c in answer.claims for n in c.numbers] == [("T1",)]
    [result] = answer.tool_results
    assert (result.marker, result.tool, result.status) == ("T1", "balance_sheet", "ok")
    assert answer.warnings == ()


def test_for_whom_it_cannot_be_told_the_chat_says_so(base: tuple[Assistant, Catalysts]) -> None:
    answer = asked(base, "Which companies speak of nearshoring and are heavily indebted?")
    assert [c.text for c in answer.claims] == ["We doubt that nearshoring brings Lantern Foods any orders."]
    assert answer.text.startswith("No company that speaks of “Deglobalization and reshoring” is known to meet this (")
    assert "| Lantern Foods Corp. | against: We doubt" in answer.text
    assert "[S1] | – |" in answer.text
    assert "Empty cells: " in answer.text
    assert answer.warnings == ("1 more speak of it and do not meet this.",)
    early = asked(base, "Which companies speak of nearshoring?", as_of="2020-01-01")
    assert (early.status, early.text) == (
        "insufficient_evidence",
        "No company of the base speaks of “Deglobalization and reshoring”.",
    )


def test_a_condition_is_asked_before_the_other_tools(base: tuple[Assistant, Catalysts]) -> None:
    asked: list[str] = []
    _, face = base
    found, sources, _ = face.found("reshoring", as_of="2022-12-31")

    def call(name: str, arguments: Mapping[str, Any]) -> ToolResult:
        asked.append(name)
        return ToolResult(tool=name, arguments=dict(arguments), status="no_data", warnings=("nothing",))

    table("reshoring", spoken(found, sources), call, where=[condition("interest_cover>=3")])
    assert asked == ["balance_sheet", "balance_sheet"]


def test_as_of_and_watchlist(base: tuple[Assistant, Catalysts]) -> None:
    assert rows(base).companies[0].documents == 1
    later = rows(base, as_of="2024-12-31").companies[0]
    assert later.documents == 2
    assert later.sentences[0].source.metadata.published == "2024-05-09"
    assert [c.name for c in rows(base, tickers=("HRBR",)).companies] == ["Harbor Tools, Inc."]
    assert rows(base, tickers=("ZZZZ",)).companies == ()
    with pytest.raises(NotFound):
        base[1].found("no-such")


def test_a_reader_sees_their_own_companies_only(base: tuple[Assistant, Catalysts]) -> None:
    assistant, face = base
    outside = Catalysts(
        face._boards, assistant.store.view(frozenset({"nowhere"})), assistant.settings, assistant.tool, whole=False
    )
    assert outside.found("reshoring")[:2] == ([], {})


def test_sorting_and_unknown_names() -> None:
    def call(name: str, arguments: Mapping[str, Any]) -> ToolResult:
        value = {"A": 3.0, "B": 1.0, "C": None}[str(arguments["ticker"])]
        metric = Metric(
            name="net_debt_to_ebitda",
            subject="x",
            value=value,
            unit="x",
            as_of="2024-01-01",
            source="s",
            method="derived",
        )
        return ToolResult(tool=name, arguments=dict(arguments), status="ok", metrics=(metric,))

    three = [Company(n, n, "", 1, 1, 0, ()) for n in "ABC"]
    for sort, order in (("net_debt_to_ebitda", "BAC"), ("-net_debt_to_ebitda", "ABC"), ("", "ABC")):
        made = table("x", three, call, columns=["net_debt_to_ebitda"], sort=sort)
        assert "".join(c.name for c in made.companies) == order
    for options in ({"columns": ["beauty"]}, {"sort": "beauty"}, {"size": "huge"}):
        with pytest.raises(SettingsError):
            table("x", three, call, **options)  # type: ignore[arg-type]
    for wrong in ("beauty<=3", "net_debt_to_ebitda", "net_debt_to_ebitda<=much", "little_beauty"):
        with pytest.raises(SettingsError, match="is no condition"):
            condition(wrong)
    assert all(condition(name).metric in METRICS for name in NAMED)


def cells(data: bytes, sheet: int = 1) -> dict[str, tuple[str, str]]:
    """Return (type, text) of the cells of a sheet by their place; no formula may be in it."""
    space = {"m": "http://schemas.openxmlformats.org/spreadsheetml/2006/main"}
    with zipfile.ZipFile(io.BytesIO(data)) as book:
        assert book.testzip() is None
        shared = (
            ElementTree.fromstring(book.read("xl/sharedStrings.xml"))
            if "xl/sharedStrings.xml" in book.namelist()
            else None
        )
        strings = (
            ["".join(t.text or "" for t in si.iter(f"{{{space['m']}}}t")) for si in shared]
            if shared is not None
            else []
        )
        tree = ElementTree.fromstring(book.read(f"xl/worksheets/sheet{sheet}.xml"))
    assert tree.findall(".//m:f", space) == []
    found = {}
    for cell in tree.findall(".//m:c", space):
        value = cell.find("m:v", space)
        if value is not None:
            kind = cell.get("t", "n")
            found[cell.get("r", "")] = (kind, strings[int(value.text or 0)] if kind == "s" else value.text or "")
    return found


def links(data: bytes, sheet: int = 1) -> list[str]:
    with zipfile.ZipFile(io.BytesIO(data)) as book:
        name = f"xl/worksheets/_rels/sheet{sheet}.xml.rels"
        return re.findall(r'Target="(http[^"]*)"', book.read(name).decode()) if name in book.namelist() else []


def test_tables_as_files_with_links_to_their_citations(base: tuple[Assistant, Catalysts]) -> None:
    made = rows(base, where=[condition("little_debt")])
    sheets = sheets_of(made, "http://thesis.example:7860/base")
    data = to_xlsx(sheets)
    first = cells(data)
    assert first["A2"] == ("s", "Harbor Tools, Inc.")
    at = list(sheets[0].columns).index("net debt to EBITDA (x)")
    assert first[f"{chr(ord('A') + at)}2"] == ("n", "0.25")
    sentence = made.companies[0].sentences[0]
    target = f"http://thesis.example:7860/base/document/{sentence.source.document_id}?version={sentence.source.version}"
    assert any(link.startswith(target) for link in links(data))
    assert any(link.startswith(target) for link in links(data, 2))
    held = list(csv.DictReader(io.StringIO(to_csv(sheets[0]).decode("utf-8-sig"))))
    assert held[0]["net debt to EBITDA (x)"] == "0.25"
    assert "as of 2021-12-31" in held[0]["net debt to EBITDA (x): source"]
    assert held[0]["newest sentence for: source"].endswith(f"start={sentence.start}&end={sentence.end}")
    empty = next(name for name in held[0] if name.startswith("return on assets now") and not name.endswith("source"))
    assert held[0][empty] == ""
    assert held[0][f"{empty}: source"]
    shown = text(made)
    assert "net debt to EBITDA: 0.25 x (balance_sheet, as of 2021-12-31, 10-K in the base" in shown
    assert "Only companies with net debt to EBITDA <= 1.5x (little debt)." in shown


DANGEROUS = [
    "=1+1",
    "+1",
    "-1",
    "@SUM(A1)",
    "\t=1",
    "\r=1",
    " =1",
    "＝1",
    '=HYPERLINK("http://evil.example","x")',
    "=cmd|' /C calc'!A0",
]


@pytest.mark.parametrize("text", DANGEROUS)
def test_no_text_becomes_a_formula(text: str) -> None:
    one = Table(
        "t",
        ("name", text),
        ((Cell(text, note=text), Cell("plain")), (Cell(text, "https://a.example/x", text), Cell(None, note=text))),
        (text,),
    )
    (header, *lines) = list(csv.reader(io.StringIO(to_csv(one).decode("utf-8-sig"))))
    for value in (*header, *(v for line in lines for v in line)):
        assert not value.lstrip().startswith(("=", "+", "-", "@", "＝")), value
    found = cells(to_xlsx([one]))
    assert found["A2"][0] == "s"
    assert found["A2"][1].strip() == text.strip()


def test_numbers_stay_numbers_and_what_is_no_address_is_no_link() -> None:
    bad = ("javascript:alert(1)", "file:///etc/passwd", "http://a.example/ b", "https://" + "a" * 3000, "/document/x")
    one = Table("a/b:c" * 20, ("v",), (*((Cell("x", url),) for url in bad), (Cell(-2.5),), (Cell(float("nan")),)))
    data = to_xlsx([one, one, Table("empty", ("v",), ())])
    assert links(data) == []
    assert cells(data)["A7"] == ("n", "-2.5")
    assert b"-2.5" in to_csv(one)
    with zipfile.ZipFile(io.BytesIO(data)) as book:
        names = re.findall(r'<sheet name="([^"]*)"', book.read("xl/workbook.xml").decode())
    assert len(set(names)) == 3
    assert all(len(n.encode("utf-16-le")) <= 62 and not set(n) & set("[]:*?/\\") for n in names)


@given(
    st.lists(st.tuples(st.text(max_size=40), st.text(max_size=40), st.text(max_size=60)), min_size=1, max_size=5),
    st.text(max_size=60),
)
def test_any_table_is_a_file(given_rows: list[tuple[str, str, str]], title: str) -> None:
    one = Table(title, ("a", title), tuple((Cell(a, b, c), Cell(c)) for a, b, c in given_rows), (title,))
    assert list(csv.reader(io.StringIO(to_csv(one).decode("utf-8-sig"))))
    cells(to_xlsx([one, replace(one, title="again")]))
