"""``make bench-retrieval`` on a made-up corpus, and its arithmetic."""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest
from pdfmaker import make_pdf

from assistant.evaluation.dataset import Place, Row
from assistant.evaluation.prediction import Found
from benchmarks import _tutorial, retrieval
from benchmarks.retrieval import Questions

ROOT = Path(__file__).resolve().parent.parent
GROUP = ("langchain_chroma", "langchain_community", "langchain_huggingface", "langchain_text_splitters")
needs_group = pytest.mark.skipif(
    any(importlib.util.find_spec(name) is None for name in GROUP),
    reason="needs the packages of requirements-bench.lock",
)


def question(name: str, *pages: int) -> Row:
    return Row(name, f"{name}?", evidence=tuple(Place(document="a.pdf", page=page) for page in pages))


def ranking(*pages: int) -> list[Found]:
    return [Found(document_id="a", path="/x/a.pdf", page=page, chunk_id=str(i)) for i, page in enumerate(pages)]


# arithmetic

FOUND = {"first": ranking(1, 2, 3), "third": ranking(9, 9, 8, 1), "never": ranking(5)}
SET = Questions("made", (question("first", 1), question("third", 1), question("never", 1)))


def test_pages_are_scored_once_each_by_the_rank_of_their_first_passage() -> None:
    scores = retrieval.score(SET, lambda row, k: FOUND[row.id][:k])
    assert retrieval.values(scores, "page_mrr") == [1.0, pytest.approx(1 / 3), 0.0]
    assert retrieval.values(scores, "page_hit@1") == [1.0, 0.0, 0.0]
    assert retrieval.values(scores, "page_hit@5") == [1.0, 1.0, 0.0]
    assert retrieval.values(scores, "document_hit@5") == [1.0, 1.0, 1.0]


def test_a_difference_is_paired() -> None:
    one = retrieval.score(SET, lambda row, k: FOUND[row.id])
    two = retrieval.score(SET, lambda row, k: FOUND["first"])
    assert retrieval.differences(two, one, "page_hit@1") == [0.0, 1.0, 1.0]


def test_a_mean_stands_with_its_interval() -> None:
    assert retrieval.mean([]) == "-"
    assert retrieval.mean([0.5]) == "0.500"
    assert retrieval.mean([0.25, 0.25]) == "0.250 [0.250 0.250]"
    assert retrieval.mean([0.25, 0.25], sign=True) == "+0.250 [+0.250 +0.250]"


def test_the_table_has_both_systems_and_the_difference() -> None:
    one = [retrieval.score(SET, lambda row, k: FOUND["never"])]
    two = [retrieval.score(SET, lambda row, k: FOUND["first"])]
    text = retrieval.compared([SET], {"tutorial": (one, 12.3), "ours": (two, 4.5)})
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in text.splitlines()]
    assert rows[0][:5] == ["pages found", "questions", "n", "hit@1", "hit@5"]
    assert rows[0][-2:] == ["document hit@5", "p50 ms"]
    assert [row[:4] for row in rows[2:]] == [
        ["tutorial", "made", "3", "0.000 [0.000 0.000]"],
        ["ours", "made", "3", "1.000 [1.000 1.000]"],
        ["difference", "made", "3", "+1.000 [+1.000 +1.000]"],
    ]
    assert [row[-1] for row in rows[2:]] == ["12", "4", ""]


def test_a_question_whose_gold_names_no_page_is_scored_by_document() -> None:
    plain = Questions("plain", (Row("q", "q?", evidence=(Place(document="a.pdf"),)),))
    assert (SET.level, plain.level) == ("page", "document")
    assert plain.columns[0] == "document_hit@1"
    assert plain.columns.count("document_hit@5") == 1
    figures = retrieval.figures_of([plain], [retrieval.score(plain, lambda row, k: ranking(1))])
    assert figures["plain/document_hit@1"] == 1.0
    assert figures["plain/document_hit@1/n"] == 1.0
    assert not any(name.startswith("plain/page") for name in figures)


def test_rows_without_gold_are_left_out_and_quick_takes_every_fourth(tmp_path: Path) -> None:
    file = tmp_path / "set.jsonl"
    rows = [{"id": f"q{i}", "question": "?", "document": "a.pdf", "page": 1} for i in range(8)]
    rows += [{"id": "none", "question": "?", "status": "insufficient_evidence"}]
    file.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    assert [len(one.rows) for one in retrieval.read([file])] == [8]
    assert [row.id for row in retrieval.read([file], quick=True)[0].rows] == ["q0", "q4"]


def test_the_golden_questions_count_where_one_note_alone_holds_the_facts(tmp_path: Path) -> None:
    notes, golden = tmp_path / "notes", tmp_path / "golden"
    notes.mkdir()
    golden.mkdir()
    (notes / "a.md").write_text("Rates fell to 3% in May.", encoding="utf-8")
    (notes / "b.md").write_text("Rates fell to 4%. Tariffs rose in May.", encoding="utf-8")
    base = {"question": "?", "status": "answered"}
    rows: list[Mapping[str, object]] = [
        base | {"id": "one", "expect": ["3%", "may"]},
        base | {"id": "both", "expect": ["May"]},
        base | {"id": "neither", "expect": ["5%"]},
        base | {"id": "nothing", "expect": []},
        base | {"id": "dated", "expect": ["3%"], "as_of": "2024-01-01"},
        {"id": "refused", "question": "?", "status": "insufficient_evidence", "expect": ["3%"]},
    ]
    (golden / "g.jsonl").write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    made = retrieval.notes_questions(notes, golden)
    assert [(row.id, row.evidence) for row in made.rows] == [("g/one", (Place(document="a.md"),))]


def test_the_sample_notes_have_questions_enough() -> None:
    assert len(retrieval.notes_questions(ROOT / "knowledge", ROOT / "tests" / "golden").rows) > 100


# the index of an earlier run


def test_the_key_changes_with_each_byte_name_and_parameter(tmp_path: Path) -> None:
    file = tmp_path / "a.txt"
    file.write_text("one", encoding="utf-8")
    first = _tutorial.key([file], "1000/150")
    assert _tutorial.key([file], "1000/150") == first
    assert _tutorial.key([file], "500/50") != first
    file.write_text("two", encoding="utf-8")
    assert _tutorial.key([file], "1000/150") != first


def test_hidden_and_unreadable_files_are_no_documents(tmp_path: Path) -> None:
    for name in ("b.txt", "a.PDF", "c.html", "d.py", ".hidden.md", ".git/e.md", "deep/f.md"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"x")
    found = [path.relative_to(tmp_path).as_posix() for path in _tutorial.files_in(tmp_path)]
    assert sorted(found) == ["a.PDF", "b.txt", "c.html", "deep/f.md"]


class Counting:
    """Embeddings of two dimensions that stop after a number of texts."""

    def __init__(self, stop: int) -> None:
        self.left, self.asked = stop, 0

    def embed_query(self, text: str) -> list[float]:
        return [0.0, 1.0]

    def embed_documents(self, texts: Sequence[str]) -> list[list[float]]:
        if self.asked >= self.left:
            raise KeyboardInterrupt
        self.asked += len(texts)
        return [[float(len(text)), 1.0] for text in texts]


def test_a_stopped_embedding_goes_on_where_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_tutorial, "_SLICE", 2)
    texts = ["aaaaa", "bbbb", "ccc", "dd", "e"]
    first, second = Counting(2), Counting(99)
    with pytest.raises(KeyboardInterrupt):
        _tutorial._embed(first, texts, tmp_path, lambda _: None)
    vectors, seconds = _tutorial._embed(second, texts, tmp_path, lambda _: None)
    assert (first.asked, second.asked) == (2, 3)
    assert vectors.tolist() == [[5, 1], [4, 1], [3, 1], [2, 1], [1, 1]]
    assert seconds > 0


# both pipelines

FACTS = {
    "Kestrel Paper": ("paper", 120, 300, "Lena Hofstad"),
    "Orchard Foods": ("apples", 40, 900, "Paul Mbeki"),
    "Harbor Tools": ("hammers", 75, 510, "Ines Duarte"),
}


def pages(company: str, year: int) -> list[list[str]]:
    """A cover that names company and year, and three pages that name neither."""
    made, tons, people, chief = FACTS[company]
    shift = year - 2020
    return [
        [
            "UNITED STATES SECURITIES AND EXCHANGE COMMISSION", "Washington, D.C. 20549", "FORM 10-K",
            f"For the fiscal year ended December 31, {year}", f"{company}, Inc.",
            "(Exact name of registrant as specified in its charter)",
        ],
        ["Output", f"In the year the plants made {tons + shift} tons of {made}."],
        ["Employees", f"At the end of the year {people + 10 * shift} people worked for the company."],
        ["Management", f"The chief executive officer is {chief}."],
    ]  # fmt: skip


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Six filings of three companies, with a question for the employees and the output of each."""
    root = tmp_path_factory.mktemp("root")
    folder, bench = root / "corpus", root / "bench"
    folder.mkdir()
    bench.mkdir()
    rows = []
    for company in FACTS:
        for year in (2021, 2022):
            name = f"{company.split()[0].upper()}_{year}_10K.pdf"
            (folder / name).write_bytes(make_pdf(*pages(company, year)))
            asked = (
                (f"How many people worked for {company} at the end of FY{year}?", 3),
                (f"How many tons did the plants of {company} make in FY{year}?", 2),
            )
            rows += [
                {"id": f"{name}-{page}", "question": text, "evidence": [{"document": name, "page": page}]}
                for text, page in asked
            ]
    (bench / "financebench_dev.jsonl").write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    return folder


@needs_group
def test_both_pipelines_run_on_the_same_files_and_questions(
    corpus: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], model_cache: Path
) -> None:
    written: dict[str, Mapping[str, float]] = {}

    def keep(name: str, metrics: Mapping[str, float], *, corpus: str, baseline: Mapping[str, float]) -> None:
        written.update({"metrics": metrics, "baseline": baseline, name: {corpus: 1.0}})

    questions = corpus.parent / "bench" / "financebench_dev.jsonl"
    monkeypatch.setenv("THESIS_CORPUS", str(corpus))
    monkeypatch.setenv("THESIS_CACHE", str(model_cache))
    monkeypatch.setattr(retrieval, "CACHE", tmp_path / "cache")
    monkeypatch.setattr(retrieval, "write", keep)
    retrieval.main(["--fast", "--questions", str(questions)])
    first = capsys.readouterr()
    ours, tutorial = written["metrics"], written["baseline"]
    # Ours reads from the cover whose page it is: each question finds its page first.
    for name in ("page_hit@1", "page_mrr", "document_hit@5"):
        assert ours[f"financebench_dev/{name}"] == 1.0
    assert ours["financebench_dev/page_hit@1/n"] == 12
    # The pages of two years differ in one number, which no question gives: which of them is nearer is a matter of chance.
    assert tutorial["financebench_dev/page_hit@1"] <= 0.75
    assert tutorial["financebench_dev/page_hit@20"] == 1.0
    assert tutorial["chunks"] == 24
    assert ours["ablation/nothing/financebench_dev/page_mrr"] == 1.0
    assert ours["ablation/without periods/financebench_dev/page_hit@1"] <= 0.75
    assert ours["ablation/without companies/financebench_dev/page_hit@1"] <= 0.75
    assert ours["ablation/+ sides/financebench_dev/page_mrr"] == 1.0
    assert "| without coverage" in first.out
    assert "| difference" in first.out
    # A second run embeds nothing again and finds the same.
    retrieval.main(["--fast", "--quick", "--questions", str(questions)])
    second = capsys.readouterr()
    assert "index of an earlier run" in second.err
    assert "store of an earlier run" in second.err
    assert "embedded" not in second.err
    assert written["metrics"]["financebench_dev/page_hit@1"] == 1.0
    assert written["metrics"]["financebench_dev/page_hit@1/n"] == 3


@needs_group
def test_the_tutorial_reads_each_kind_of_file(tmp_path: Path) -> None:
    (tmp_path / "a.pdf").write_bytes(make_pdf(["One"], ["Two"]))
    (tmp_path / "b.html").write_text(
        "<html><script>hidden()</script><style>p{}</style><p>Très&nbsp;bien</p></html>", encoding="utf-8"
    )
    (tmp_path / "c.md").write_text("# Note", encoding="utf-8")
    read = {path.name: _tutorial.load(path) for path in _tutorial.files_in(tmp_path)}
    assert [(d.page_content.strip(), d.metadata["page"]) for d in read["a.pdf"]] == [("One", 0), ("Two", 1)]
    assert read["b.html"][0].page_content.split() == ["Très", "bien"]
    assert read["c.md"][0].page_content == "# Note"


def test_a_folder_without_documents_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("THESIS_CORPUS", str(tmp_path))
    with pytest.raises(SystemExit, match="holds no documents"):
        retrieval.main([])
