"""What the address of /embed sets before anybody types: a question, filters, whether to ask at once. Untrusted; pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from assistant.web.handlers import LONGEST_QUESTION, Scope
from assistant.web.text import esc

_LISTS = {
    "kind": "kinds",
    "publisher": "publishers",
    "company": "companies",
    "ticker": "tickers",
    "form": "forms",
    "collection": "collections",
}
_DAYS = ("since", "until", "as_of")
_SAID = {"since": "from", "until": "to", "as_of": "as of"}
_LONGEST, _MOST = 200, 20  # characters of a value, values of one name


@dataclass(frozen=True, slots=True)
class Preset:
    """``ask``: the question is asked when the page opens."""

    question: str = ""
    scope: Scope = field(default_factory=Scope)
    ask: bool = False


def preset(query: Sequence[tuple[str, str]]) -> Preset:
    """Read a query; what it does not know is left alone. A value that is none is told of by the answer."""
    lists: dict[str, list[str]] = {}
    once: dict[str, str] = {}
    for name, value in query:
        text = value.strip()
        if name in _LISTS and text and len(lists.setdefault(name, [])) < _MOST:
            lists[name].append(text[:_LONGEST])
        elif name in _DAYS:
            once.setdefault(name, text[:_LONGEST])
        elif name in {"question", "ask"}:
            once.setdefault(name, text)
    question = once.get("question", "")[:LONGEST_QUESTION]
    fields: dict[str, Any] = {_LISTS[name]: tuple(dict.fromkeys(values)) for name, values in lists.items()}
    fields |= {name: once[name] for name in _DAYS if once.get(name)}
    return Preset(question, Scope(**fields), once.get("ask") == "1" and bool(question))


def chips(scope: Scope) -> str:
    """Return what narrows every answer of the page, in words; "" for nothing."""
    said = [text for name in _LISTS.values() for text in getattr(scope, name)]
    said += [f"{_SAID[name]} {getattr(scope, name)}" for name in _DAYS if getattr(scope, name)]
    if not said:
        return ""
    return (
        f'<p class="t-chips"><span>Only</span>{"".join(f"<span class=t-chip>{esc(text)}</span>" for text in said)}</p>'
    )
