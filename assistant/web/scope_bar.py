"""What narrows an answer, and how it is made, as controls beside the composer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import gradio as gr

from assistant.web import base
from assistant.web.base import Choices
from assistant.web.handlers import Scope
from assistant.web.html import PRIVATE, html
from assistant.web.preset import chips
from vectorstore.records import SourceInfo
from vectorstore.settings import Settings

_LISTS = ("kinds", "publishers", "companies", "collections")
_LABELS = {"kinds": "Kind", "publishers": "Publisher", "companies": "Company", "collections": "Collection"}
_DAYS = {
    "since": "Published from",
    "until": "Published to",
    "as_of": "As of (cut-off)",
}
_CLEARS = """
element.addEventListener('click', (event) => {
  if (event.target.closest('[data-clear]')) trigger('clear', {});
});
"""


@dataclass
class ScopeBar:
    """The controls; ``inputs`` are their components, whose values ``read`` makes a Scope of."""

    settings: Settings
    panel: Any = None
    said: Any = None
    mode: Any = None
    lists: dict[str, Any] = field(default_factory=dict)
    days: dict[str, Any] = field(default_factory=dict)

    def show(self) -> None:
        """Make the controls."""
        self.said = html("", _CLEARS, "narrowing")
        with gr.Accordion("Filters, as-of date and mode", open=False, elem_id="filters") as self.panel:
            with gr.Row():
                for name in _LISTS:
                    self._list(name)
            with gr.Row():
                for name, label in _DAYS.items():
                    self.days[name] = _day(label, f"filter-{name.replace('_', '-')}")
                modes = base.modes(self.settings)
                self.mode = gr.Dropdown(
                    list(modes),
                    value=modes[0][1],
                    label="Answers" if len(modes) > 1 else "Answers (the setting “model” adds a language model)",
                    interactive=len(modes) > 1,
                    min_width=180,
                    elem_id="filter-mode",
                )

    def _list(self, name: str) -> None:
        self.lists[name] = gr.Dropdown(
            [], label=_LABELS[name], multiselect=True, min_width=110, elem_id=f"filter-{name}"
        )

    @property
    def inputs(self) -> list[Any]:
        return [*self.lists.values(), *self.days.values(), self.mode]

    def read(self, *values: Any) -> Scope:
        """Return the values of ``inputs``, in their order, as a Scope."""
        kinds, publishers, companies, collections = (tuple(given or ()) for given in values[: len(_LISTS)])
        since, until, as_of, mode = (str(given or "") for given in values[len(_LISTS) :])
        return Scope(
            kinds=kinds, publishers=publishers, companies=companies, collections=collections,
            since=since, until=until, as_of=as_of, mode=mode,
        )  # fmt: skip

    def choices(self, sources: Sequence[SourceInfo], *values: Any) -> dict[Any, Any]:
        """Return the lists with what can be chosen now; what was chosen and is still there stays."""
        found, chosen = base.choices(sources), self.read(*values)
        return {self.lists[name]: _offered(found, name, getattr(chosen, name)) for name in _LISTS}

    def preset(self, sources: Sequence[SourceInfo], companies: Sequence[str]) -> dict[Any, Any]:
        """Return the controls opened, with these companies chosen as far as the base has them."""
        return {
            self.panel: gr.Accordion(open=True),
            self.lists["companies"]: _offered(base.choices(sources), "companies", companies),
        }

    def connect(self) -> None:
        """Say in words what is set, with a button that sets all of it back."""
        gr.on(
            [one.change for one in self.inputs],
            lambda *values: _said(self.read(*values)),
            self.inputs,
            self.said,
            trigger_mode="always_last",
            **PRIVATE,
        )
        empty = [*([] for _ in _LISTS), *("" for _ in _DAYS), base.modes(self.settings)[0][1]]
        self.said.clear(lambda: empty, None, self.inputs, **PRIVATE)


def _offered(found: Choices, name: str, chosen: Sequence[str]) -> Any:
    offered = list(getattr(found, name))
    return gr.Dropdown(choices=offered, value=[one for one in chosen if one in offered])


def _said(scope: Scope) -> str:
    said = chips(replace(scope, mode=""))
    if scope.mode:
        said += '<p class="t-chips"><span class="t-chip">without a language model</span></p>'
    return (
        f'<div class="t-set">{said}<button type="button" class="t-link" data-clear>Clear</button></div>' if said else ""
    )


def _day(label: str, elem_id: str) -> gr.Textbox:
    # Gradio's own date field keeps the older date when what is typed is none; assets/app.js makes this a date input.
    return gr.Textbox(
        label=label,
        placeholder="YYYY-MM-DD",
        max_lines=1,
        max_length=10,
        min_width=140,
        elem_id=elem_id,
        elem_classes=["t-date"],
    )
