"""How much of an index its largest names make up.

top-10 weight = sum of the ten largest;  Herfindahl index = sum of w_i squared;  effective number = 1 / Herfindahl index
"""

from __future__ import annotations

from typing import Any

from pydantic import Field

from assistant.tools.base import Arguments, Context, Draft, Tool, execute
from assistant.tools.entities import pair
from assistant.tools.positions import Positions, positions

NAME = "concentration"
BIG_PCT = 5.0


class ConcentrationArguments(Arguments):
    ticker: str = Field("Russell 2000", description="An index or fund")
    benchmark: str = Field("S&P 500", description="What it is compared with; empty for nothing")
    top: int = Field(10, ge=1, le=100, description="How many of the largest names are added up")


def _work(a: ConcentrationArguments, context: Context, draft: Draft) -> None:
    first, second = pair(a.ticker, a.benchmark, context, draft)
    _add(positions(context, draft, first), a.top, draft)
    other = draft.attempt(positions, context, draft, second) if second else None
    if other is not None:
        _add(other, a.top, draft)


def _add(found: Positions, most: int, draft: Draft) -> None:
    name = found.fund.index
    top: list[dict[str, Any]] = [
        {"ticker": h.ticker, "name": h.name, "weight_pct": round(100 * s, 6)}
        for h, s in zip(found.holdings[:most], found.shares, strict=False)
    ]
    herfindahl = sum(s * s for s in found.shares)
    common: dict[str, Any] = {
        "as_of": found.day, "source": found.source, "source_url": found.url,
        "n": len(found.shares), "coverage_pct": min(100.0, found.equity_pct),
    }  # fmt: skip
    draft.add(
        f"top{most}_weight", name, 100 * sum(found.shares[:most]), "percent",
        formula=f"sum of the {most} largest weights in the equity", inputs=top, **common,
    )  # fmt: skip
    draft.add("largest_weight", name, 100 * found.shares[0], "percent", formula="max(w_i)", inputs=top[:1], **common)
    draft.add(
        "names_above_5pct", name, sum(100 * s > BIG_PCT for s in found.shares), "names",
        formula="count of w_i > 5%", inputs=[t for t in top if t["weight_pct"] > BIG_PCT], **common,
    )  # fmt: skip
    draft.add("herfindahl", name, herfindahl, "index (0 to 1)", formula="sum of w_i^2", **common)
    draft.add("effective_number", name, 1 / herfindahl, "names", formula="1 / sum of w_i^2", **common)


TOOL = Tool(
    NAME,
    "How concentrated an index is: weight of its top 10, largest name, Herfindahl index, effective number of names.",
    ConcentrationArguments,
    ("holdings",),
    execute(NAME, _work),
)
