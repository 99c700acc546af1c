"""The inputs of one figure as a table: what it is, its value, and where it was read. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from assistant.export.figures import input_row, inputs, told_of
from assistant.models import Metric
from assistant.web.text import esc

MOST_ROWS = 12


def table(metric: Metric) -> str:
    """Return a row for each input that is no curve and no grid, the first of many; "" for none."""
    held = inputs(metric)
    if not held:
        return ""
    rest = len(held) - MOST_ROWS
    more = f'<tr><td colspan="3">and {rest} more, in the file of inputs</td></tr>' if rest > 0 else ""
    return f'<table class="t-inputs">{"".join(_row(one) for one in held[:MOST_ROWS])}{more}</table>'


def _row(one: Mapping[str, Any]) -> str:
    what, value, rest = input_row(one)
    told = [text for key, given in rest if (text := _told(key, given))]
    return f"<tr><td>{esc(what)}</td><td>{esc(value)}</td><td>{'; '.join(told)}</td></tr>"


def _told(key: str, given: object) -> str:
    """Return a field in words, as HTML; an address of the web as a link."""
    link = str(given)
    if key == "url" and link.startswith("https://"):
        return f'<a href="{esc(link)}" target="_blank" rel="noopener noreferrer">source</a>'
    return esc(told_of(key, given))


__all__ = ["MOST_ROWS", "table"]
