"""Which tools a question calls, and with which arguments, without a model: right and wrong on labelled questions.

    python -m benchmarks.tools [FILE.jsonl ...] [--store DIR] [-v]

Rows: id, question, tool ([] or a list of {tool, arguments}), as `thesis eval` reads them. Without a file: tools_*.jsonl,
which the weights are learned from, so that their figures say that nothing broke and no more, and kept_tools.jsonl, which is
kept back: nothing is learned from it, and none of its questions was mended. `python -m benchmarks.route_training
--check` asks each set with weights learned from the others. An argument `claim` is right with the id of the article's claim or words that state it. Companies are those of the base in --store, else COMPANIES.

    f1                tool choice: 2 right / (calls + expected calls), over all questions, by name
    arguments_right   of the expected calls whose tool was called: share with every expected argument right
    none_right        of the questions that need no tool: share that called none
    call_f1           mean over questions of the F1 of calls with their arguments (`tool_call_f1` of thesis eval)

The baseline calls a tool wherever its words stand, whatever the question wants of them.
"""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from assistant.evaluation.dataset import Row, load
from assistant.evaluation.dataset import ToolCall as Expected
from assistant.evaluation.metrics import tool_call_f1
from assistant.routing import ToolCall, route
from assistant.routing.arguments import arguments
from assistant.routing.entities import agency, named
from assistant.routing.rules import hits
from assistant.tools.base import NoData
from assistant.tools.claims import claims
from assistant.tools.worded import worded
from benchmarks.report import write
from vectorstore.embedding import make_embedder
from vectorstore.records import Metadata, SourceInfo
from vectorstore.settings import Settings

QUESTIONS = Path(__file__).parent / "questions"
# The base that the questions are asked of; a ticker is not known of each.
COMPANIES = {
    "Culp Inc": "CULP", "Monro Inc": "MNRO", "Lands' End, Inc.": "LE", "SiTime Corporation": "SITM", "REV Group, Inc.": "REVG",
    "Cumulus Media Inc": "CMLS", "Zagg Inc": None, "PepsiCo, Inc.": "PEP", "NIKE, Inc.": "NKE", "Verizon Communications Inc.": "VZ",
    "Lockheed Martin Corporation": "LMT", "CVS Health Corporation": "CVS", "Danaher Corp": None, "The Hershey Company": None, "Innovative Solutions and Support Inc": None,
}  # fmt: skip
Router = Callable[[str], Sequence[ToolCall]]


def base() -> list[SourceInfo]:
    """Return a made-up document of each of COMPANIES."""
    return [
        SourceInfo(name, "", name, "default", Metadata(company=name, ticker=ticker, kind="transcript"), "text/plain", "ready", 1, 1, 1, "")
        for name, ticker in COMPANIES.items()
    ]  # fmt: skip


def by_words(question: str, sources: Sequence[SourceInfo]) -> list[ToolCall]:
    """Return the baseline's calls: each tool whose words stand in the question."""
    found = named(question, sources)
    fund = any(t not in found.companies for t in found.tickers)
    said = hits(question, entity=bool(found.tickers), fund=fund, agency=agency(question) is not None)
    today = datetime.now(UTC).date()
    return [
        ToolCall(tool, made)
        for tool in said.tools
        for made in arguments(tool, question, found, said.names, today, sources)
    ]


def _by_id(given: Mapping[str, Any]) -> dict[str, Any]:
    """Return arguments with the id of an article's claim in place of words that state it: the tool takes either."""
    if "claim" not in given or given["claim"] in claims():
        return dict(given)
    try:
        known = worded(str(given["claim"]), datetime.now(UTC).date(), base()).id
    except NoData:
        return dict(given)
    return {**given, "claim": known if known in claims() else given["claim"]}


def measure(rows: Sequence[Row], router: Router, *, show: bool = False) -> dict[str, float]:
    """Return the figures of a router over labelled rows; with ``show`` print each row that is not wholly right."""
    right = called = expected = arguments_right = 0
    none = none_right = 0
    scores = []
    missed: Counter[str] = Counter()
    for row in rows:
        if row.tools is None:
            continue
        calls = list(router(row.question))
        got = [{"tool": c.name, "arguments": _by_id(c.arguments)} for c in calls]
        row = replace(row, tools=tuple(Expected(c.tool, _by_id(c.arguments)) for c in row.tools))
        assert row.tools is not None
        scores.append(tool_call_f1(row.tools, got).value or 0.0)
        called += len(got)
        expected += len(row.tools)
        none += not row.tools
        none_right += not row.tools and not got
        left = list(got)
        for want in row.tools:
            same = [one for one in left if one["tool"] == want.tool]
            if not same:
                missed[want.tool] += 1
                continue
            # A call that has the arguments is taken before one that has not.
            best = max(same, key=lambda one: tool_call_f1((want,), [one]).value or 0.0)
            left.remove(best)
            right += 1
            arguments_right += (tool_call_f1((want,), [best]).value or 0.0) == 1.0
        if show and scores[-1] < 1:
            print(
                f"{row.id}: {row.question}\n    expected {[(c.tool, dict(c.arguments)) for c in row.tools]}\n    called   {got}"
            )
    return {
        "questions": float(len(scores)),
        "f1": 2 * right / (called + expected) if called + expected else 1.0,
        "precision": right / called if called else 1.0,
        "recall": right / expected if expected else 1.0,
        "arguments_right": arguments_right / right if right else 1.0,
        "none_right": none_right / none if none else 1.0,
        "call_f1": sum(scores) / len(scores) if scores else 0.0,
    }


def main() -> None:
    """Print the table and write benchmarks/out/tools.json."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", nargs="*", type=Path)
    parser.add_argument("--store", type=Path)
    parser.add_argument("-v", action="store_true")
    options = parser.parse_args()
    sources = _sources(options.store) if options.store else base()
    today = datetime.now(UTC).date()
    encode = make_embedder(Settings()).encode
    routers: Mapping[str, Router] = {
        "ours": lambda q: route(q, today=today, sources=sources, encode=encode),
        "no embedding": lambda q: route(q, today=today, sources=sources),
        "words only": lambda q: by_words(q, sources),
    }
    metrics: dict[str, dict[str, float]] = {name: {} for name in routers}
    columns = ("questions", "f1", "precision", "recall", "arguments_right", "none_right", "call_f1")
    print(f"{'':<28}" + " ".join(f"{c:>15}" for c in columns))
    files = options.files or [*sorted(QUESTIONS.glob("tools_*.jsonl")), QUESTIONS / "kept_tools.jsonl"]
    for path in files:
        rows = load(path)
        for name, router in routers.items():
            found = measure(rows, router, show=options.v and name == "ours")
            print(f"{path.stem + ', ' + name:<28}" + " ".join(f"{found[c]:>15.3f}" for c in columns))
            metrics[name] |= {f"{path.stem}/{key}": value for key, value in found.items()}
    write("tools", metrics["ours"], baseline=metrics["words only"], corpus=", ".join(p.name for p in files))


def _sources(store: Path) -> list[SourceInfo]:
    from assistant.tools.wiring import LedgerDocuments

    found: list[Any] = list(LedgerDocuments(store).sources())
    return found


if __name__ == "__main__":
    main()
