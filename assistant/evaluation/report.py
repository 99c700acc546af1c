"""An Evaluation as summary.json, JSON lines, Markdown and JUnit XML. Pure but for ``write_text``."""

from __future__ import annotations

import html
import json
import re
import xml.etree.ElementTree as ET
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from assistant.evaluation.dataset import Place
from assistant.evaluation.metrics import OUTCOMES
from assistant.evaluation.prediction import Found
from assistant.evaluation.run import FALLING, Evaluation, Result, Summary
from assistant.evaluation.thresholds import Threshold
from vectorstore.errors import SettingsError

SCHEMA_VERSION = "1.0"
_SEVERITY = {"error": 0, "wrong": 1, "refused": 2, "unjudged": 3, "right": 4}
_CONTROL = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def worst_first(results: Iterable[Result]) -> list[Result]:
    """Order questions: errors, wrong, refused, unjudged, right; within each by retrieval, citations, faithfulness, id."""

    def key(r: Result) -> tuple[Any, ...]:
        def low(name: str) -> float:
            value = r.value(name)
            return 1.0 if value is None else value

        return (
            _SEVERITY[r.outcome],
            low("page_mrr") if r.value("page_mrr") is not None else low("document_mrr"),
            low("citation_precision"),
            low("faithfulness_lexical"),
            r.row.id,
        )

    return sorted(results, key=key)


# summary.json


def summary_json(
    evaluation: Evaluation,
    *,
    datasets: Sequence[Mapping[str, Any]] = (),
    thresholds: Sequence[Threshold] = (),
    baseline: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Return the summary as one JSON object (docs/evaluation.md)."""
    return {
        "schema_version": SCHEMA_VERSION,
        "datasets": [dict(d) for d in datasets],
        "questions": len(evaluation.results),
        "outcomes": {name: sum(r.outcome == name for r in evaluation.results) for name in OUTCOMES},
        "metrics": {name: s.to_json() for name, s in evaluation.metrics.items()},
        "groups": {g: {name: s.to_json() for name, s in held.items()} for g, held in evaluation.groups.items()},
        "thresholds": [
            {
                "metric": t.metric,
                "limit": t.limit,
                "bound": "at_least" if t.at_least else "at_most",
                "value": t.value,
                "met": t.met,
                "message": t.message,
            }
            for t in thresholds
        ],
        "baseline": None if baseline is None else dict(baseline),
        "seed": evaluation.seed,
        "seconds": evaluation.seconds,
        "embedding_fingerprint": evaluation.embedding_fingerprint,
        "index_fingerprint": evaluation.index_fingerprint,
    }


def question_json(result: Result) -> dict[str, Any]:
    """Return one question with its scores, as a line of questions.jsonl."""
    row, prediction = result.row, result.prediction
    return {
        "id": row.id,
        "type": row.group,
        "question": row.question,
        "reference": row.reference,
        "expect": list(row.expect),
        "answerable": row.answerable,
        "outcome": result.outcome,
        "reason": result.reason,
        "status": prediction.status,
        "text": prediction.text,
        "error": prediction.error,
        "citations": [
            {
                "marker": c.marker,
                "document_id": c.document_id,
                "path": c.path,
                "page": c.page,
                "start": c.start,
                "end": c.end,
            }
            for c in prediction.citations or ()
        ],
        "gold": [
            {k: v for k in Place.__dataclass_fields__ if (v := getattr(place, k)) is not None} for place in row.evidence
        ],
        "gold_ranks": {level: list(found) for level, found in result.gold_ranks.items()},
        "scores": {
            name: {"value": s.value, "status": s.status, "reason": s.reason}
            for name, s in sorted(result.scores.items())
        },
    }


def json_lines(results: Iterable[Result]) -> str:
    """Return the questions as JSON lines, in the order of the data set."""
    return "".join(json.dumps(question_json(r), ensure_ascii=False, allow_nan=False) + "\n" for r in results)


# baseline


def read_baseline(path: Path) -> dict[str, Any]:
    """Return an earlier summary.json, with its questions' outcomes where questions.jsonl lies beside it.

    Raises SettingsError for a file that is none.
    """

    def no_summary(why: object) -> SettingsError:
        return SettingsError(f"The baseline {path} is no summary.json: {why}.", "Name one that --out wrote.")

    try:
        value = json.loads(path.read_text(encoding="utf-8-sig"))
        bare = {name: (m["value"], m.get("interval95")) for name, m in value["metrics"].items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise no_summary(error) from error
    if not all(v is None or isinstance(v, int | float) for v, _ in bare.values()):
        raise no_summary("a metric's value is no number")
    outcomes: dict[str, str] = {}
    beside = path.with_name("questions.jsonl")
    if beside.exists():
        try:
            for line in beside.read_text(encoding="utf-8").split("\n"):
                if line.strip():
                    one = json.loads(line)
                    outcomes[str(one["id"])] = str(one["outcome"])
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise SettingsError(f"{beside} is no questions.jsonl: {error}.", "Mend it or move it away.") from error
    return {"path": str(path), "metrics": bare, "outcomes": outcomes}


def compare(evaluation: Evaluation, baseline: Mapping[str, Any]) -> dict[str, Any]:
    """Return the differences to a baseline: each metric scored in both, and the questions that came out otherwise.

    ``beyond``: the two 95% intervals do not overlap.
    """
    metrics: dict[str, Any] = {}
    for name, now in evaluation.metrics.items():
        before, interval = baseline["metrics"].get(name, (None, None))
        if now.value is None or before is None:
            continue
        apart = False
        if now.interval95 and interval:
            apart = now.interval95[1] < interval[0] or now.interval95[0] > interval[1]
        metrics[name] = {"value": now.value, "baseline": before, "difference": now.value - before, "beyond": apart}
    was = baseline["outcomes"]
    changed = [
        {"id": r.row.id, "was": was[r.row.id], "is": r.outcome}
        for r in evaluation.results
        if r.row.id in was and was[r.row.id] != r.outcome
    ]
    return {"path": baseline["path"], "metrics": metrics, "changed": changed}


# Markdown


def _cell(text: object, limit: int = 400) -> str:
    """Return untrusted text for one line of Markdown: no markup, no cell ends."""
    line = " ".join(_CONTROL.sub("", str(text)).split())
    line = line if len(line) <= limit else line[: limit - 1] + "…"
    return re.sub(r"([\\`*_\[\]|~])", r"\\\1", html.escape(line, quote=False))


def _figure(name: str, s: Summary) -> str:
    if s.value is None:
        return f"{s.status}: {_cell(s.reason, 80)}"
    return f"{s.value:.1f}" if "_ms_" in name else f"{s.value:.3f}"


def _interval(name: str, s: Summary) -> str:
    if s.interval95 is None:
        return ""
    low, high = s.interval95
    return f"{low:.1f} to {high:.1f}" if "_ms_" in name else f"{low:.3f} to {high:.3f}"


def _place(place: Place) -> str:
    name = (
        place.document or place.title or place.document_id or place.sha256 or place.chunk_id or (place.text or "")[:60]
    )
    return f"{name} p. {place.page}" if place.page is not None else str(name)


def _cited(found: Found) -> str:
    name = re.split(r"[\\/]", found.path)[-1] or found.title or found.document_id
    return f"{name} p. {found.page}" if found.page is not None else str(name)


def markdown(
    evaluation: Evaluation,
    *,
    datasets: Sequence[Mapping[str, Any]] = (),
    thresholds: Sequence[Threshold] = (),
    baseline: Mapping[str, Any] | None = None,
) -> str:
    """Return the report: figures, thresholds, differences, then the questions, worst first."""
    lines = ["# Evaluation", ""]
    named = ", ".join(_cell(d["path"]) for d in datasets) or "rows"
    lines.append(f"{len(evaluation.results)} questions from {named}, {evaluation.seconds:.1f} s.")
    lines += ["", ", ".join(f"{sum(r.outcome == o for r in evaluation.results)} {o}" for o in OUTCOMES) + ".", ""]
    if thresholds:
        lines += [
            "## Thresholds",
            "",
            *(f"- {'met' if t.met else '**missed**'}: {_cell(t.message)}" for t in thresholds),
            "",
        ]
    compared = (baseline or {}).get("metrics", {})
    lines += ["## Metrics", ""]
    lines.append("| metric | value | 95% interval | scored |" + (" baseline | difference |" if compared else ""))
    lines.append("|---|---|---|---|" + ("---|---|" if compared else ""))
    for name, s in evaluation.metrics.items():
        line = f"| {_cell(name)} | {_figure(name, s)} | {_interval(name, s)} | {s.n_scored}/{s.n_total} |"
        if compared:
            d = compared.get(name)
            line += f" {d['baseline']:.3f} | {d['difference']:+.3f}{' !' if d['beyond'] else ''} |" if d else "  |  |"
        lines.append(line)
    if compared:
        lines += ["", "`!`: the two intervals do not overlap."]
    if baseline and baseline["changed"]:
        lines += ["", "## Changed since the baseline", ""]
        lines += [f"- {_cell(c['id'])}: {_cell(c['was'])} -> {c['is']}" for c in baseline["changed"]]
    if len(evaluation.groups) > 1:
        lines += [
            "",
            "## By type",
            "",
            "| type | n | right | wrong | refused | unjudged | page hit@5 |",
            "|---|---|---|---|---|---|---|",
        ]
        for group, held in evaluation.groups.items():
            shares = [_figure(f"{o}_share", held[f"{o}_share"]) for o in ("right", "wrong", "refused", "unjudged")]
            hit = held["page_hit@5"]
            shown = "" if hit.value is None else f"{hit.value:.3f}"
            lines.append(f"| {_cell(group)} | {held['right_share'].n_total} | {' | '.join(shares)} | {shown} |")
    lines += ["", "## Questions, worst first", ""]
    for r in worst_first(evaluation.results):
        lines += _question(r)
    return "\n".join(lines).rstrip() + "\n"


def _question(r: Result) -> list[str]:
    lines = [f"### {r.outcome}: {_cell(r.row.id)}", "", _cell(r.row.question), ""]
    expected = r.row.reference or ", ".join(r.row.expect) or ("" if r.row.answerable is not False else "a refusal")
    if expected:
        lines.append(f"- expected: {_cell(expected)}")
    lines.append(f"- answer ({r.prediction.status}): {_cell(r.prediction.text or r.prediction.error)}")
    if r.reason:
        lines.append(f"- why: {_cell(r.reason)}")
    if r.row.evidence:
        lines.append(f"- gold: {_cell('; '.join(_place(p) for p in r.row.evidence))}")
    for level, found in r.gold_ranks.items():
        lines.append(f"- rank of the gold {level}s: {', '.join('not found' if x is None else str(x) for x in found)}")
    if r.prediction.citations:
        lines.append(f"- cited: {_cell('; '.join(_cited(c) for c in r.prediction.citations))}")
    lines += [f"- {_cell(n)} failed: {_cell(s.reason)}" for n, s in sorted(r.scores.items()) if s.status == "error"][:5]
    return [*lines, ""]


# JUnit XML


def junit(evaluation: Evaluation, *, thresholds: Sequence[Threshold] = ()) -> str:
    """Return JUnit XML with a suite of thresholds and one of questions.

    With thresholds these are what can fail, and a question only tells how it came out (a base of 80% right would fail
    for ever otherwise); without any, a question that is wrong or wrongly refused is a failure.
    """
    top = ET.Element("testsuites", name="thesis eval")
    if thresholds:
        suite = _suite(top, "thresholds", len(thresholds), failures=sum(not t.met for t in thresholds))
        for t in thresholds:
            case = ET.SubElement(suite, "testcase", classname="thresholds", name=_plain(t.metric))
            if not t.met:
                ET.SubElement(case, "failure", type="threshold", message=_plain(t.message))
    gate = not thresholds
    counts = {o: sum(r.outcome == o for r in evaluation.results) for o in OUTCOMES}
    suite = _suite(
        top,
        "questions",
        len(evaluation.results),
        failures=(counts["wrong"] + counts["refused"]) if gate else 0,
        errors=counts["error"] if gate else 0,
        skipped=counts["unjudged"],
    )
    for r in evaluation.results:
        seconds = f"{(r.prediction.latency_ms or 0.0) / 1000:.3f}"
        case = ET.SubElement(
            suite, "testcase", classname=_plain(r.row.group or "questions"), name=_plain(r.row.id), time=seconds
        )
        why = _plain(f"{r.outcome}: {r.reason}")
        if r.outcome == "unjudged":
            ET.SubElement(case, "skipped", message=why)
        elif gate and r.outcome in {"wrong", "refused"}:
            ET.SubElement(case, "failure", type=r.outcome, message=why)
        elif gate and r.outcome == "error":
            ET.SubElement(case, "error", type="error", message=why)
        shown = f"{why}\nquestion: {r.row.question}\nexpected: {r.row.reference or ', '.join(r.row.expect)}\nanswer: {r.prediction.text}"
        ET.SubElement(case, "system-out").text = _plain(shown)
    ET.indent(top)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ET.tostring(top, encoding="unicode") + "\n"


def _suite(
    top: ET.Element, name: str, tests: int, *, failures: int = 0, errors: int = 0, skipped: int = 0
) -> ET.Element:
    counts = {"tests": tests, "failures": failures, "errors": errors, "skipped": skipped}
    return ET.SubElement(top, "testsuite", {"name": name} | {key: str(value) for key, value in counts.items()})


def _plain(text: str) -> str:
    """Drop what XML 1.0 cannot hold."""
    return _CONTROL.sub("", text)


# the console


def table(
    evaluation: Evaluation, *, thresholds: Sequence[Threshold] = (), baseline: Mapping[str, Any] | None = None
) -> str:
    """Return the figures as plain text: those scored, then why the others are not."""
    compared = (baseline or {}).get("metrics", {})
    lines = [f"{'metric':<24} {'value':>9}  {'95% interval':<18} {'scored':>9}" + ("  difference" if compared else "")]
    idle: dict[str, list[str]] = {}
    for name, s in evaluation.metrics.items():
        if s.value is None:
            idle.setdefault(f"{s.status}: {s.reason}", []).append(name)
            continue
        line = f"{name:<24} {_figure(name, s):>9}  {_interval(name, s):<18} {f'{s.n_scored}/{s.n_total}':>9}"
        if name in compared:
            d = compared[name]
            worse = d["difference"] > 0 if name in FALLING else d["difference"] < 0
            line += f"  {d['difference']:+.3f}{' worse' if worse and d['beyond'] else ''}"
        lines.append(line)
    lines += [f"{reason}: {', '.join(names)}" for reason, names in idle.items()]
    if len(evaluation.groups) > 1:
        for group, held in evaluation.groups.items():
            shares = ", ".join(
                f"{o} {held[f'{o}_share'].value:.3f}"
                for o in ("right", "wrong", "refused", "unjudged")
                if held[f"{o}_share"].value is not None
            )
            lines.append(f"{group} ({held['right_share'].n_total}): {shares}")
    lines += [f"{'met' if t.met else 'MISSED'}: {t.message}" for t in thresholds]
    return "\n".join(lines)


def write_text(path: Path, text: str) -> None:
    """Write a report; make its folder. Raises SettingsError where that is not possible."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8", newline="\n", errors="replace")
    except OSError as error:
        raise SettingsError(
            f"{path} cannot be written: {error}.", "Name a file in a folder that you may write."
        ) from error
