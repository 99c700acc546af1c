"""Every input of a tool's figures as rows, for a spreadsheet (CSV) or a program (JSON). Pure."""

from __future__ import annotations

import csv
import io
import json
import math
from typing import Any

from assistant.models import ToolResult

FORMS = ("csv", "json")


def rows(result: ToolResult) -> list[dict[str, Any]]:
    """Return a row an input of every metric, with the metric and the subject it belongs to.

    A point of a series and a case of a grid is a row of its own.
    """
    return [
        {"metric": metric.name, "of": metric.subject, **row}
        for metric in result.metrics
        for one in metric.inputs
        for row in _flat(one)
    ]


def export(result: ToolResult, form: str = "json") -> str:
    """Return the rows as JSON, or as CSV with the union of their columns. Raises ValueError for another form."""
    held = rows(result)
    if form == "json":
        return json.dumps(
            {"tool": result.tool, "arguments": result.arguments, "inputs": [_finite(row) for row in held]},
            indent=1,
            allow_nan=False,
        )
    if form != "csv":
        raise ValueError(f"{form!r} is neither json nor csv")
    out = io.StringIO()
    writer = csv.DictWriter(out, list(dict.fromkeys(key for row in held for key in row)), lineterminator="\n")
    writer.writeheader()
    # A text that a spreadsheet would run as a formula is kept as text.
    writer.writerows(
        {k: f"'{v}" if isinstance(v, str) and v[:1] in "=+-@\t\r" and v[:1] else v for k, v in row.items()}
        for row in held
    )
    return out.getvalue()


def _finite(value: Any) -> Any:
    """Return a value that JSON can hold: what is no finite number is null."""
    if isinstance(value, dict):
        return {key: _finite(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(one) for one in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _flat(one: dict[str, Any]) -> list[dict[str, Any]]:
    said = {key: one[key] for key in ("name", "unit") if key in one}
    series, cases = one.get("series"), one.get("rows")
    if isinstance(series, list | tuple) and all(isinstance(p, list | tuple) and len(p) == 2 for p in series):
        return [said | {"year" if isinstance(x, int | float) else "day": x, "value": y} for x, y in series]
    if isinstance(cases, list | tuple) and all(isinstance(case, dict) for case in cases):
        return [said | case for case in cases]
    return [one]


__all__ = ["FORMS", "export", "rows"]
