"""`thesis eval` from file to report: data sets, runs over a real base and offline, thresholds, reports, command."""

from __future__ import annotations

import io
import json
import xml.etree.ElementTree as ET
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from assistant.assistant import Assistant
from assistant.cli import Wiring, run
from assistant.evaluation import Evaluation, Row, assert_thresholds, evaluate, load, parse
from assistant.evaluation.prediction import Prediction
from assistant.evaluation.report import compare, json_lines, junit, markdown, read_baseline, summary_json, worst_first
from assistant.evaluation.thresholds import check
from vectorstore.errors import SettingsError, StoreEmpty
from vectorstore.settings import Settings

pytest_plugins = ["assistant.evaluation.plugin"]

STEEL = "Acme reported steel output of 57 million tons in 2024.\n\nThe plant in Ohio was closed for repairs."
BREAD = "Bread consumption in Ruritania fell by 15% in 2024.\n\nBakers blame the price of flour."


def offline(identity: str, text: str, status: str = "answered", **more: object) -> dict[str, object]:
    return {
        "id": identity,
        "question": f"How much is {identity}?",
        "answer": "$5 billion",
        "prediction": {"text": text, "status": status},
        **more,
    }


FOUR = [
    offline("right", "It was $5.0 billion.", type="money"),
    offline("wrong", "It was $6 billion.", type="money"),
    offline("refused", "The base does not hold it.", "insufficient_evidence", type="money"),
    offline("corrupted", "It was $5,0oo billion.", type="other"),
]


@pytest.fixture
def four() -> Evaluation:
    return evaluate(None, FOUR)


# data sets


def test_the_format_of_financebench_rows() -> None:
    [row] = parse(
        [
            {
                "id": "q1",
                "question": "How much?",
                "answer": "$0.40",
                "type": "metrics",
                "company": "Acme",
                "document": "A.pdf",
                "sha256": "ab",
                "title": "Annual report",
                "evidence": [
                    {"document": "A.pdf", "page": 3},
                    {"document": "A.pdf", "page": 3},
                    {"document": "B.pdf", "page": 1},
                ],
            }
        ]
    )
    assert (row.reference, row.group, row.answerable) == ("$0.40", "metrics", True)
    assert [(p.document, p.page, p.sha256, p.title) for p in row.evidence] == [
        ("A.pdf", 3, "ab", "Annual report"),
        ("B.pdf", 1, None, None),
    ]


def test_the_format_of_ragas_rows() -> None:
    [row] = parse(
        [
            {
                "user_input": "How much?",
                "reference": "$5 billion",
                "response": "It was $5 billion.",
                "retrieved_contexts": ["It was $5 billion in 2024.", "Else."],
                "retrieved_context_ids": ["c1", "c2"],
                "reference_context_ids": ["c1", 7],
            }
        ]
    )
    assert row.id == "line-1"
    assert [p.chunk_id for p in row.evidence] == ["c1", "7"]
    scores = evaluate(None, [row]).results[0].scores
    assert scores["chunk_hit@1"].value == 1.0
    assert scores["chunk_recall@20"].value == 0.5
    assert scores["context_precision"].value == 0.5
    assert scores["page_hit@1"].status == scores["document_hit@1"].status == "unscored"
    assert scores["answer_match"].value == scores["numeric_support"].value == 1.0


def test_gold_contexts_without_ids_are_known_by_their_words() -> None:
    rows = [{"user_input": "?", "reference": "x", "response": "y", "retrieved_contexts": ["Else.", "Steel output rose in May."], "reference_contexts": ["In May, steel output rose."]}]  # fmt: skip
    assert evaluate(None, rows).value("chunk_mrr") == 0.5


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("{", "line 2 is not JSON"),
        ("[1]", "line 2 is not an object"),
        ('{"id": "x"}', "line 2 has no question"),
        ('{"question": " "}', "line 2 has no question"),
        ('{"question": "a", "id": "first"}', "line 2: the id 'first' is that of line 1 too"),
        ('{"question": "a", "status": "maybe"}', "line 2: status = 'maybe'"),
        ('{"question": "a", "as_of": "June"}', "line 2: as_of = 'June' is not a date"),
        ('{"question": "a", "expect": ["("]}', "line 2: expect = '(' is not a regular expression"),
        ('{"question": "a", "expect": 5}', "line 2: expect = 5"),
        ('{"question": "a", "answer": ["x"]}', "line 2: answer"),
        ('{"question": "a", "filters": {"colour": "red"}}', "line 2: there is no filter 'colour'"),
        ('{"question": "a", "filters": {"since": "x"}}', "line 2: since = 'x'"),
        ('{"question": "a", "evidence": [{"page": 1}]}', "line 2: a piece of evidence names no document"),
        ('{"question": "a", "evidence": [{"document": "a", "page": 0}]}', "line 2: page = 0"),
        ('{"question": "a", "evidence": [{"document": "a", "page": "1"}]}', "line 2: page = '1'"),
        ('{"question": "a", "evidence": [{"document": "a", "start": 1}]}', "line 2: evidence needs both"),
        ('{"question": "a", "tool": 5}', "line 2: tool = 5"),
        ('{"question": "a", "tool": "x", "arguments": 5}', "line 2: arguments = 5"),
        ('{"question": "a", "response": 5}', "line 2: response"),
        ('{"question": "a", "prediction": {"status": "answered"}}', "line 2: prediction has no text"),
        ('{"question": "a", "prediction": {"text": "x", "citations": [5]}}', "line 2: prediction.citations"),
        ('{"question": "a", "prediction": {"text": "x", "citations": [{"page": "x"}]}}', "line 2: prediction cannot be read"),
        ('{"question": "a", "retrieved_contexts": ["x"], "retrieved_context_ids": [], "response": "x"}', "line 2: 1 retrieved"),
        ('{"question": "a", "history": "x"}', "line 2: history"),
    ],
)  # fmt: skip
def test_a_malformed_line_is_named(tmp_path: Path, line: str, said: str) -> None:
    file = tmp_path / "set.jsonl"
    file.write_text('{"id": "first", "question": "Fine?"}\n' + line + "\n", encoding="utf-8")
    with pytest.raises(SettingsError) as caught:
        load(file)
    assert said in caught.value.message
    assert "set.jsonl" in caught.value.message


def test_files_that_hold_nothing(tmp_path: Path) -> None:
    (tmp_path / "empty.jsonl").write_text("\n\n", encoding="utf-8")
    with pytest.raises(SettingsError, match="holds no questions"):
        load(tmp_path / "empty.jsonl")
    with pytest.raises(SettingsError, match="cannot be read"):
        load(tmp_path / "none.jsonl")
    (tmp_path / "bom.jsonl").write_text('\ufeff{"question": "a\\u2028b?"}\n', encoding="utf-8")
    assert load(tmp_path / "bom.jsonl")[0].question == "a\u2028b?"


# runs


def test_each_kind_of_answer_gets_the_score_that_a_person_would_give(four: Evaluation) -> None:
    assert {r.row.id: r.outcome for r in four.results} == {
        "right": "right",
        "wrong": "wrong",
        "refused": "refused",
        "corrupted": "wrong",
    }
    assert [four.value(f"{name}_share") for name in ("right", "wrong", "refused", "unjudged", "error")] == [
        0.25,
        0.5,
        0.25,
        0.0,
        0.0,
    ]
    assert four.value("answer_match") == 0.25
    assert four.value("money/right_share") == pytest.approx(1 / 3)
    assert four.value("abstention_precision") == 0.0
    assert four.summary("abstention_recall").to_json() == {
        "value": None,
        "status": "unscored",
        "reason": "should be answered",
        "n_scored": 0,
        "n_total": 4,
        "n_error": 0,
        "interval95": None,
    }


def test_without_a_base_every_row_needs_an_answer() -> None:
    with pytest.raises(SettingsError, match="1 questions bring no answer"):
        evaluate(None, [*FOUR, {"question": "And?"}])
    with pytest.raises(SettingsError, match="There is no metric 'recall'"):
        evaluate(None, FOUR).value("recall")
    with pytest.raises(SettingsError, match="cut-offs"):
        evaluate(None, FOUR, cutoffs=[0])
    with pytest.raises(SettingsError, match="holds no questions"):
        evaluate(None, [])


def test_a_run_over_a_real_base(make_base: Callable[..., Assistant]) -> None:
    assistant = make_base({"steel.md": STEEL, "bread.md": BREAD})
    rows: list[Mapping[str, Any]] = [
        {"id": "steel", "question": "What was Acme's steel output in 2024?", "expect": ["57 million"], "document": "steel.md", "tool": []},
        {"id": "span", "question": "By how much did bread consumption fall?", "answer": "15%", "evidence": [{"document": "bread.md", "start": 0, "end": 51}]},
        {"id": "moon", "question": "Who won the lunar regatta of 1887?", "status": "insufficient_evidence"},
    ]  # fmt: skip
    first, second = evaluate(assistant, rows), evaluate(assistant, rows)
    assert {r.row.id: r.outcome for r in first.results} == {"steel": "right", "span": "right", "moon": "right"}
    for name in ("document_hit@1", "document_mrr", "chunk_hit@1", "quote_fidelity", "faithfulness_lexical", "citation_precision", "citation_recall", "tool_call_f1", "abstention_recall", "numeric_support", "answer_match", "expect_recall"):  # fmt: skip
        assert first.value(name) == 1.0, name
    assert first.summary("document_hit@1").n_scored == 2
    assert first.summary("chunk_hit@1").n_scored == 1
    assert first.summary("latency_ms_p50").n_scored == 3
    assert first.summary("search_ms_p95").n_scored == 2
    assert first.index_fingerprint == assistant.store.index_fingerprint
    timeless = [{k: v for k, v in e.metrics.items() if "_ms_" not in k} for e in (first, second)]
    assert timeless[0] == timeless[1]


def test_quotes_of_answers_made_elsewhere_are_read_in_the_base(make_base: Callable[..., Assistant]) -> None:
    assistant = make_base({"steel.md": STEEL})
    answer = assistant.ask("What was Acme's steel output in 2024?").model_dump(mode="json")
    corrupted = json.loads(json.dumps(answer))
    corrupted["citations"][0]["quote"] += " indeed"
    corrupted["claims"][0]["text"] = corrupted["claims"][0]["text"].replace("57", "75")
    corrupted["text"] = corrupted["text"].replace("57", "75")
    base = {"question": answer["question"], "reference": "57 million tons"}
    result = evaluate(assistant, [base | {"id": "good", "answer": answer}, base | {"id": "bad", "answer": corrupted}])
    good, bad = result.results
    assert (good.outcome, good.value("quote_fidelity"), good.value("faithfulness_lexical")) == ("right", 1.0, 1.0)
    assert (bad.outcome, bad.value("quote_fidelity"), bad.value("numeric_support")) == ("wrong", 0.0, 0.0)


def test_an_empty_base_and_a_failing_search(make_base: Callable[..., Assistant]) -> None:
    with pytest.raises(StoreEmpty):
        evaluate(make_base({}), [{"question": "Anything?"}])

    class Failing:
        def __init__(self, whole: Assistant) -> None:
            self.ask, self.document = whole.ask, whole.document

        def search(self, query: str, **_: object) -> list[Any]:
            raise SettingsError("The search is off.", "Switch it on.")

    rows = [{"question": "What was Acme's steel output?", "document": "steel.md"}]
    result = evaluate(Failing(make_base({"steel.md": STEEL})), rows)
    summary = result.summary("document_hit@5")
    assert (summary.status, summary.value, summary.n_error) == ("error", None, 1)
    assert "The search is off." in summary.reason


class Strict:
    name = "strict"
    metrics = ("tone", "depth", "wit")

    def __call__(self, row: Row, prediction: Prediction) -> Mapping[str, float | None]:
        if row.id == "wrong":
            raise ValueError("lost for words")
        return {"tone": 0.5, "depth": float("nan"), "wit": None}


def test_a_judge_stands_in_columns_of_its_own(four: Evaluation) -> None:
    judged = evaluate(None, FOUR, judge=Strict())
    assert {k: v for k, v in judged.metrics.items() if k in four.metrics} == four.metrics
    tone = judged.summary("judge:strict:tone")
    assert (tone.value, tone.n_scored, tone.n_error) == (0.5, 3, 1)
    assert judged.summary("judge:strict:depth").status == "error"
    assert judged.results[0].scores["judge:strict:wit"].status == "unscored"
    with pytest.raises(AssertionError, match="lost for words"):
        assert_thresholds(judged, {"judge:strict:tone": 0.1})


# thresholds


def test_thresholds(four: Evaluation) -> None:
    found = check(four, {"right_share": 0.25, "answer_match": 0.3, "page_hit@5": 0.0}, {"wrong_share": 0.4})
    assert [t.met for t in found] == [True, False, False, False]
    assert found[2].message == "page_hit@5 is unscored (the gold names no page); at least 0 is wanted"
    with pytest.raises(AssertionError) as caught:
        assert_thresholds(four, {"right_share": 0.9}, {"wrong_share": 0.5})
    assert "right_share = 0.2500 over 4 of 4; at least 0.9 is wanted" in str(caught.value)
    assert "wrong: wrong" in str(caught.value)
    assert "wrong_share" not in str(caught.value)
    assert_thresholds(four, {"right_share": 0.25, "money/right_share": 0.3}, {"wrong_share": 0.5})


def test_the_fixture_of_the_plugin(thesis_eval: Callable[..., Evaluation], make_base: Callable[..., Assistant]) -> None:
    assert thesis_eval(FOUR, at_most={"wrong_share": 0.5}).value("right_share") == 0.25
    with pytest.raises(AssertionError, match="wrong_share"):
        thesis_eval(FOUR, at_most={"wrong_share": 0.1})
    rows = [{"question": "What was Acme's steel output in 2024?", "expect": ["57 million"]}]
    thesis_eval(rows, store=make_base({"steel.md": STEEL}), at_least={"right_share": 1.0})


# reports


def test_the_worst_come_first(four: Evaluation) -> None:
    assert [r.row.id for r in worst_first(four.results)] == ["corrupted", "wrong", "refused", "right"]
    text = markdown(four, thresholds=check(four, {"right_share": 0.9}))
    heads = [line for line in text.splitlines() if line.startswith("### ")]
    assert heads == ["### wrong: corrupted", "### wrong: wrong", "### refused: refused", "### right: right"]
    assert "| right\\_share | 0.250 |" in text
    assert "- **missed**: right\\_share = 0.2500" in text
    assert "| money | 3 | 0.333 | 0.333 | 0.333 | 0.000 |" in text


def test_untrusted_text_is_no_markup() -> None:
    row = offline("x|y", "<script>alert(1)</script> | [a](http://b) `c`\n# head", question="a | b\x07?")
    text = markdown(evaluate(None, [row]))
    assert "<script>" not in text
    assert "\x07" not in text
    assert "\n# head" not in text
    assert "&lt;script&gt;alert(1)&lt;/script&gt; \\| \\[a\\](http://b) \\`c\\`" in text


def test_json_never_holds_nan(four: Evaluation) -> None:
    lines = [json.loads(line) for line in json_lines(four.results).splitlines()]
    assert [line["id"] for line in lines] == ["right", "wrong", "refused", "corrupted"]
    assert lines[1]["reason"] == "leads with $6 billion where the reference has $5 billion"
    assert lines[1]["scores"]["answer_match"] == {
        "value": 0.0,
        "status": "ok",
        "reason": "",
    }
    summary = json.loads(json.dumps(summary_json(four), allow_nan=False))
    assert summary["outcomes"] == {"right": 1, "wrong": 2, "refused": 1, "unjudged": 0, "error": 0}
    for metric in summary["metrics"].values():
        assert (metric["value"] is None) == (metric["status"] != "ok")
        assert bool(metric["reason"]) == (metric["status"] != "ok")


def test_junit_without_thresholds_fails_each_question() -> None:
    rows = [
        *FOUR,
        offline("prose", "Else.", answer="Shipbuilding"),
        offline("broken", "", "error"),
        offline("bell\x07", "$5 billion"),
    ]
    top = ET.fromstring(junit(evaluate(None, rows)))
    [suite] = top.findall("testsuite")
    assert dict(suite.attrib) == {"name": "questions", "tests": "7", "failures": "3", "errors": "1", "skipped": "1"}
    assert {c.get("name"): [x.tag for x in c if x.tag != "system-out"] for c in suite} == {
        "right": [],
        "wrong": ["failure"],
        "refused": ["failure"],
        "corrupted": ["failure"],
        "prose": ["skipped"],
        "broken": ["error"],
        "bell": [],
    }


def test_junit_with_thresholds_fails_only_these(four: Evaluation) -> None:
    top = ET.fromstring(junit(four, thresholds=check(four, {"right_share": 0.9, "answer_match": 0.2})))
    limits, questions = top.findall("testsuite")
    assert (limits.get("tests"), limits.get("failures")) == ("2", "1")
    assert [c.get("name") for c in limits if c.find("failure") is not None] == ["right_share"]
    assert (questions.get("failures"), questions.findall(".//failure")) == ("0", [])


def test_a_baseline_shows_what_changed(tmp_path: Path, four: Evaluation) -> None:
    better = [row | ({"prediction": {"text": "$5 billion"}} if row["id"] == "wrong" else {}) for row in FOUR]
    (tmp_path / "summary.json").write_text(json.dumps(summary_json(four)), encoding="utf-8")
    (tmp_path / "questions.jsonl").write_text(json_lines(four.results), encoding="utf-8")
    found = compare(evaluate(None, better), read_baseline(tmp_path / "summary.json"))
    assert found["metrics"]["right_share"] == {"value": 0.5, "baseline": 0.25, "difference": 0.25, "beyond": False}
    assert found["changed"] == [{"id": "wrong", "was": "wrong", "is": "right"}]
    assert "page_hit@5" not in found["metrics"]
    text = markdown(evaluate(None, better), baseline=found)
    assert "| right\\_share | 0.500 | 0.000 to 1.000 | 4/4 | 0.250 | +0.250 |" in text
    assert "- wrong: wrong -> right" in text
    everything = evaluate(None, [offline(str(i), "$5 billion") for i in range(30)])
    nothing = evaluate(None, [offline(str(i), "$6 billion") for i in range(30)])
    (tmp_path / "summary.json").write_text(json.dumps(summary_json(nothing)), encoding="utf-8")
    assert compare(everything, read_baseline(tmp_path / "summary.json"))["metrics"]["right_share"]["beyond"] is True


@pytest.mark.parametrize(
    "text", ["", "[]", '{"metrics": 5}', '{"metrics": {"a": {}}}', '{"metrics": {"a": {"value": "x"}}}']
)
def test_a_baseline_that_is_none(tmp_path: Path, text: str) -> None:
    (tmp_path / "old.json").write_text(text, encoding="utf-8")
    with pytest.raises(SettingsError, match="no summary"):
        read_baseline(tmp_path / "old.json")


# the command


def wiring(assistant: Assistant | None) -> Wiring:
    @contextmanager
    def opened(_: Settings) -> Iterator[Assistant]:
        assert assistant is not None
        yield assistant

    def never(*_: object, **__: object) -> Any:
        raise AssertionError

    return Wiring(opened, never, never, never)


def call(assistant: Assistant | None, *arguments: str) -> tuple[int, str]:
    out = io.StringIO()
    return run(["eval", *arguments], wiring(assistant), out=out), out.getvalue()


def write_set(path: Path, rows: list[dict[str, object]]) -> str:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return str(path)


def test_the_command_writes_all_reports(tmp_path: Path) -> None:
    data = write_set(tmp_path / "set.jsonl", FOUR)
    out = tmp_path / "made" / "out"
    code, text = call(
        None, data, "--json", "--out", str(out), "--report", str(tmp_path / "r.md"), "--junit", str(tmp_path / "j.xml")
    )
    assert code == 0
    summary = json.loads(text)
    assert summary == json.loads((out / "summary.json").read_text(encoding="utf-8"))
    assert summary["metrics"]["right_share"]["value"] == 0.25
    assert [d["questions"] for d in summary["datasets"]] == [4]
    assert len((out / "questions.jsonl").read_text(encoding="utf-8").splitlines()) == 4
    assert (tmp_path / "r.md").read_text(encoding="utf-8").startswith("# Evaluation\n")
    assert ET.parse(tmp_path / "j.xml").getroot().tag == "testsuites"
    code, text = call(None, data, "--baseline", str(out / "summary.json"))
    assert code == 0
    assert "right_share                  0.250" in text
    assert "+0.000" in text


def test_exit_codes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = write_set(tmp_path / "set.jsonl", FOUR)
    assert call(None, data, "--fail-under", "right_share=0.25", "--fail-over", "wrong_share=0.5")[0] == 0
    code, text = call(
        None,
        data,
        "--fail-under",
        "right_share=0.5",
        "--fail-under",
        "money/right_share=0.3",
        "--fail-over",
        "wrong_share=0.1",
    )
    assert code == 1
    assert [line.split(" = ")[0] for line in text.splitlines() if "MISSED" in line] == [
        "MISSED: right_share",
        "MISSED: wrong_share",
    ]
    for wrong, said in [
        (["--fail-under", "beauty=1"], "no metric 'beauty'"),
        (["--fail-under", "right_share"], "is not METRIC=VALUE"),
        (["--fail-under", "right_share=nan"], "is not METRIC=VALUE"),
        (["--fail-under", "wrong_share=0.1"], "--fail-over wrong_share"),
        (["--fail-over", "right_share=0.1"], "--fail-under right_share"),
        (["--fail-under", "nobody/right_share=1"], "type 'nobody'"),
        (["--baseline", str(tmp_path / "none.json")], "no summary.json"),
        (["--where", "type"], "is not KEY=VALUE"),
        (["--where", "type=nothing"], "No question passes"),
        (["-k", "0"], "-k 0"),
        (["--seed", "-1"], "--seed -1"),
        ([data], "stands in"),
        (["--answers", data], "has no text"),
        (["--out", data], "cannot be written"),
    ]:
        assert call(None, data, *wrong)[0] == 2, wrong
        assert said in capsys.readouterr().err
    code, text = call(None, write_set(tmp_path / "bad.jsonl", [{"question": ""}]), "--json")
    assert code == 2
    assert "line 1" in json.loads(text)["error"]["message"]


def test_rows_by_their_keys_and_a_cutoff_of_ones_own(tmp_path: Path) -> None:
    data = write_set(tmp_path / "set.jsonl", FOUR)
    code, text = call(None, data, "--where", "type=other", "-k", "3", "--json")
    summary = json.loads(text)
    assert (code, summary["questions"]) == (0, 1)
    assert "page_hit@3" in summary["metrics"]


def test_answers_from_a_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows: list[dict[str, object]] = [
        {"id": "a", "question": "How much?", "answer": "5%"},
        {"id": "b", "question": "And?", "answer": "6%"},
    ]
    data = write_set(tmp_path / "set.jsonl", rows)
    answers = write_set(tmp_path / "answers.jsonl", [{"id": "a", "text": "5%"}, {"question": "And?", "text": "7%"}])
    code, text = call(None, data, "--answers", answers, "--json")
    assert (code, json.loads(text)["outcomes"]["right"], json.loads(text)["outcomes"]["wrong"]) == (0, 1, 1)
    assert call(None, data, "--answers", write_set(tmp_path / "one.jsonl", [{"id": "a", "text": "5%"}]))[0] == 2
    assert "has no answer to 1 questions (b" in capsys.readouterr().err


def test_the_command_asks_a_base(tmp_path: Path, knowledge: Assistant) -> None:
    rows: list[dict[str, object]] = [
        {"id": "a", "question": "How many analysts follow the average small cap?", "expect": ["5\\.7"], "document": "active-management-and-coverage.md"},
        {"id": "b", "question": "What is the price of tea in Ruritania?", "status": "insufficient_evidence"},
    ]  # fmt: skip
    data = write_set(tmp_path / "set.jsonl", rows)
    code, text = call(
        knowledge,
        data,
        "--store",
        str(tmp_path),
        "--fail-under",
        "right_share=1",
        "--fail-under",
        "document_hit@5=1",
        "--json",
    )
    assert code == 0, text
    assert json.loads(text)["metrics"]["quote_fidelity"]["value"] == 1.0
