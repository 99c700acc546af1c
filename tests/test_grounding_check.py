"""`thesis check FILE.jsonl`: rows in, verdicts out; bad rows named, the others checked."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest

from assistant.cli import Wiring, run


def never(*_: object, **__: object) -> Any:
    raise AssertionError("thesis check needs no base")


WIRING = Wiring(never, never, never, never)
GOOD = {"id": "a", "claim": "Costs fell 2%.", "evidence": ["Costs fell 2% in May."]}
WRONG = {"id": 7, "claim": "Costs rose 2%.", "evidence": ["Costs fell 2% in May."]}


def thesis(*arguments: str) -> tuple[int, str]:
    out = io.StringIO()
    return run(arguments, WIRING, out=out), out.getvalue()


def write(path: Path, *rows: object) -> str:
    path.write_text("\n".join(r if isinstance(r, str) else json.dumps(r) for r in rows), encoding="utf-8")
    return str(path)


def test_a_row_is_a_line_of_id_verdict_score_and_reason(tmp_path: Path) -> None:
    code, out = thesis("check", write(tmp_path / "rows.jsonl", GOOD, "", WRONG))
    rows = [json.loads(line) for line in out.splitlines()]
    assert code == 0
    assert [(r["id"], r["verdict"]) for r in rows] == [("a", "supported"), (7, "contradicted")]
    assert rows[1]["reason"] == "the source says “fell”, the claim “rose”"
    assert all(set(r) == {"id", "verdict", "score", "reason"} and 0 <= r["score"] <= 1 for r in rows)


def test_json_is_one_object(tmp_path: Path) -> None:
    code, out = thesis("check", write(tmp_path / "rows.jsonl", GOOD, WRONG), "--json")
    shown = json.loads(out)
    assert (code, [r["id"] for r in shown["results"]], shown["failed"]) == (0, ["a", 7], [])


@pytest.mark.parametrize(
    ("row", "told"),
    [
        ("{not json", "line 2 is not JSON"),
        ([1], "line 2 has no claim"),
        ({"id": 1}, "line 2 has no claim"),
        ({"claim": "x", "evidence": [1]}, "line 2: evidence is no list of texts"),
        ({"claim": "x", "evidence": {"S1": "x"}}, "line 2: evidence is no list of texts"),
        ({"claim": "x", "context": [None]}, "line 2: context is no list of texts"),
        ({"claim": "x", "tool_results": {}}, "line 2: tool_results is no list"),
        (
            {"claim": "x", "tool_results": [{"tool": "t", "status": "odd"}]},
            "line 2: a tool result is malformed: status",
        ),
    ],
)
def test_a_bad_row_is_named_and_the_others_are_checked(
    row: object, told: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = write(tmp_path / "rows.jsonl", GOOD, row, WRONG)
    code, out = thesis("check", file)
    assert (code, [json.loads(line)["id"] for line in out.splitlines()]) == (1, ["a", 7])
    assert told in capsys.readouterr().err
    code, out = thesis("check", file, "--json")
    shown = json.loads(out)
    assert (code, [f["line"] for f in shown["failed"]]) == (1, [2])
    assert told in shown["failed"][0]["error"]["message"]
    assert shown["failed"][0]["error"]["what_to_do"]


def test_tool_results_context_and_a_single_text_are_evidence(tmp_path: Path) -> None:
    metric = {"name": "pe_ratio", "subject": "IWM", "value": 21.39, "unit": "x", "as_of": "2025-06-30"}
    rows = [
        {"claim": "IWM has a PE ratio of 21.4x.", "evidence": [], "tool_results": [{"tool": "valuation", "metrics": [metric]}]},
        {"claim": "Acme's costs fell 2%.", "evidence": "Costs fell 2% in May.", "context": ["Acme Corp"]},
        {"claim": "Costs fell 2%."},
    ]  # fmt: skip
    code, out = thesis("check", write(tmp_path / "rows.jsonl", *rows))
    shown = [json.loads(line) for line in out.splitlines()]
    assert code == 0
    assert [(r["id"], r["verdict"]) for r in shown] == [(1, "supported"), (2, "supported"), (3, "unsupported")]


def test_a_file_that_cannot_be_read_is_a_wrong_call(tmp_path: Path) -> None:
    code, out = thesis("check", str(tmp_path / "none.jsonl"), "--json")
    assert code == 2
    assert json.loads(out)["error"]["kind"] == "settings"
    (tmp_path / "latin.jsonl").write_bytes(b"\xff\xfe\xe9")
    assert thesis("check", str(tmp_path / "latin.jsonl"))[0] == 2
    assert thesis("check")[0] == 2


def test_standard_input_and_a_line_separator_inside_a_text(monkeypatch: pytest.MonkeyPatch) -> None:
    row = {"id": "u", "claim": "Costs fell 2%.", "evidence": ["Costs fell\u2028 2%."]}
    monkeypatch.setattr("sys.stdin", io.StringIO(json.dumps(row, ensure_ascii=False)))
    code, out = thesis("check", "-")
    assert (code, json.loads(out)["verdict"]) == (0, "supported")
