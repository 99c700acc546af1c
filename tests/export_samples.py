"""Answers to export: one with everything in it, and one that is hostile."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from web_fakes import HOSTILE_TEXT, HOSTILE_TITLE, make_document, sample_documents
from web_fakes import citation as cited

from assistant.models import Answer, Citation, Claim, Failure, Metric, ToolResult
from vectorstore.records import Metadata

MADE = datetime(2026, 10, 5, 14, 3, tzinfo=UTC)
GAP = "The gap to large caps stood at 26 percent in March 2024."
MARGINS = "Margins held through the year."
TURNED = "The price rose from \u202e21\u202c to \u206642\u2069 dollars."
TURNED_SHOWN = "The price rose from \ufffd21\ufffd to \ufffd42\ufffd dollars."


def source(marker: str, quote: str, **changed: Any) -> Citation:
    """Return a citation of ``quote`` on page 3 of a filing."""
    known = {
        "marker": marker, "chunk_id": f"c{marker}", "document_id": f"d{marker}", "version": "v", "title": f"Filing {marker}",
        "publisher": "SEC", "published": "2024-02-28", "kind": "filing", "path": f"filings/{marker}.pdf", "url": "/document/d",
        "page": 3, "start": 0, "end": len(quote), "quote": quote,
    }  # fmt: skip
    return Citation(**(known | changed))


def drawdown(**changed: Any) -> ToolResult:
    """Return a measured result with two curves, its inputs, and bars."""
    curves = (
        {"name": "now", "unit": "percent", "series": [["2026-01-01", 0.0], ["2026-01-02", -10.0], ["2026-01-05", -5.0]]},
        {"name": "before", "unit": "percent", "series": [["2026-01-01", -2.0], ["2026-01-05", -15.0]]},
        {"name": "last_close", "value": 230.0, "unit": "USD", "day": "2026-09-19"},
    )  # fmt: skip
    weights = ({"ticker": "AAA", "weight_pct": 4.0}, {"ticker": "BBB", "weight_pct": 2.0})
    known = {
        "tool": "drawdown", "marker": "T1", "retrieved_at": "2026-10-01T10:00:00+00:00", "cached": True, "stale": True,
        "warnings": ("Two closes were left out.",),
        "metrics": (
            Metric(name="drawdown", subject="Russell 2000", value=-8.123, unit="percent", as_of="2026-09-19", source="your file prices.csv",
                   method="derived", formula="last / peak - 1", inputs=curves),
            Metric(name="top2_weight", subject="IWM", value=6.0, unit="percent", as_of="2026-09-19", inputs=weights),
        ),
    }  # fmt: skip
    return ToolResult(**(known | changed))


def answer(question: str = "How wide is the gap?", **changed: Any) -> Answer:
    """Return an answer with a list, a table, two claims that are not confirmed, sources and tools."""
    text = (
        f"**What the sources say**\n\n- {GAP} [S1][S2]\n- {MARGINS} [S2]\n\n## By year\n\n| Year | Revenue |\n|---|---|\n| 2023 | 412 [S2] |\n\n"
        "It is 8% below its peak. [T1]"
    )
    below = "It is 8% below its peak."
    filing = sample_documents()[1]
    known: dict[str, Any] = {
        "answer_id": "a", "question": question, "standalone_question": question, "status": "answered", "text": text,
        "claims": (
            claim(text, GAP, "supported"),
            claim(text, MARGINS, "unsupported", "“held” is not said"),
            claim(text, below, "contradicted", "the tool says −8.1%"),
        ),
        "citations": (source("S1", GAP), cited(filing, 0, 20, "S2")),
        "tool_results": (
            drawdown(),
            ToolResult(tool="hedging", marker="T2", status="not_configured", error=Failure(kind="k", message="No source.", what_to_do="Set sources.")),
        ),
        "warnings": ("1 undated document was left out.",), "as_of": "2026-09-30",
    }  # fmt: skip
    return Answer(**(known | changed))


def claim(text: str, words: str, verdict: Any, reason: str = "") -> Claim:
    start = text.index(words)
    return Claim(text=words, start=start, end=start + len(words), markers=("S1",), verdict=verdict, reason=reason)


def hostile() -> Answer:
    """Return an answer in which question, text, source, tool and warning try to be more than words."""
    page = make_document(
        HOSTILE_TITLE, HOSTILE_TEXT, metadata=Metadata(title=HOSTILE_TITLE, publisher="<b>Evil</b>", kind="article")
    )
    tool = ToolResult(
        tool="<script>x", marker="T1", status="ok", warnings=(HOSTILE_TEXT,),
        metrics=(
            Metric(name=HOSTILE_TITLE, subject=HOSTILE_TITLE, value=1.0, unit=HOSTILE_TITLE, as_of="x", source=HOSTILE_TITLE, formula=HOSTILE_TITLE,
                   inputs=({"name": HOSTILE_TITLE, "unit": HOSTILE_TITLE, "series": [[1, 1.0], [2, 2.0]]}, {"name": HOSTILE_TITLE, "url": "javascript:alert(1)"})),
        ),
    )  # fmt: skip
    text = f"{HOSTILE_TEXT} {TURNED} \0\x07\x1b[31m [S1] www.evil.test \n\n# <img src=x>\n\n| <b> | [x](http://evil.test) |"
    return Answer(
        answer_id="h", question=f"{HOSTILE_TITLE} {TURNED}", standalone_question="{nb} of {nb}", status="answered", text=text,
        claims=(claim(text, HOSTILE_TEXT, "unsupported", HOSTILE_TITLE),), citations=(cited(page, 0, len(HOSTILE_TEXT)),),
        tool_results=(tool,), warnings=(HOSTILE_TEXT, TURNED), filters={"company": [HOSTILE_TITLE]},
    )  # fmt: skip
