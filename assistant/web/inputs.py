"""The inputs of one figure as a table: what it is, its value, and where it was read. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from assistant.live_text import figure
from assistant.models import Metric
from assistant.web.text import day, esc

MOST_ROWS = 12
_WHAT = ("name", "company", "ticker", "concept", "claim", "verdict", "of")
_VALUES = {"value": "", "weight_pct": "percent", "score_pct": "percent", "value_pct": "percent", "amount_usd": "USD", "difference_pp": "percentage points"}  # fmt: skip
# What a machine needs, and people see in the quote, the page or the metric itself.
_UNSAID = frozenset({"subject", "unit", "version", "document_id", "sign", "method"})
_PLACE = frozenset({"start", "end"})


def table(metric: Metric) -> str:
    """Return a row for each input that is no curve and no grid, the first of many; "" for none."""
    held = [one for one in metric.inputs if "series" not in one and "rows" not in one]
    if not held:
        return ""
    rest = len(held) - MOST_ROWS
    more = f'<tr><td colspan="3">and {rest} more, in the file of inputs</td></tr>' if rest > 0 else ""
    return f'<table class="t-inputs">{"".join(_row(one) for one in held[:MOST_ROWS])}{more}</table>'


def _row(one: Mapping[str, Any]) -> str:
    what = next((key for key in _WHAT if one.get(key) not in (None, "")), "")
    value = next((key for key in _VALUES if _number(one.get(key))), "")
    shown = figure(float(one[value]), str(one.get("unit") or _VALUES[value])) if value else ""
    unsaid = _UNSAID | {what, value} | (_PLACE if "quote" in one else frozenset())
    told = [text for key, given in one.items() if key not in unsaid and (text := _told(key, given))]
    words = str(one[what]) if what else ""
    return f"<tr><td>{esc(words.replace('_', ' '))}</td><td>{esc(shown)}</td><td>{'; '.join(told)}</td></tr>"


def _told(key: str, given: object) -> str:
    """Return a field in words, as HTML; "" for what says nothing."""
    if given in (None, "", {}, [], ()) or (key == "absent" and given is False):
        return ""
    name = key.removesuffix("_pct").replace("_", " ")
    if key == "quote":
        return f"“{esc(' '.join(str(given).split()))}”"
    if key == "url":
        link = str(given)
        return f'<a href="{esc(link)}" target="_blank" rel="noopener noreferrer">source</a>' if link.startswith("https://") else esc(link)  # fmt: skip
    if isinstance(given, bool):
        return esc(name) if key == "absent" else f"{esc(name)} {'yes' if given else 'no'}"
    if isinstance(given, Mapping):
        return esc(f"{name}: {', '.join(f'{k} {v}' for k, v in given.items())}")
    if _number(given):
        assert isinstance(given, int | float)
        return f"{esc(name)} {esc(figure(float(given), 'percent') if key.endswith('_pct') else f'{given:,.6g}' if isinstance(given, float) else str(given))}"  # fmt: skip
    text = str(given)
    return f"{esc(name)} {esc(day(text) if key in {'filed', 'day', 'end', 'start', 'published'} else text)}"


def _number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


__all__ = ["MOST_ROWS", "table"]
