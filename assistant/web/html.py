"""A place for rendered HTML on the page, and what was clicked in it."""

from __future__ import annotations

import os

os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"  # read at import

from typing import Any

import gradio as gr

PRIVATE: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden"}

# One listener a component; what was clicked is read from data-* attributes, so no markup carries a handler. ``t-send`` is how
# assets/app.js raises an event that needs more than a click: {name, data}.
CLICKS = """
element.addEventListener('click', (event) => {
  const hit = event.target.closest('[data-event],[data-cite],[data-passage],[data-show],[data-example]');
  if (!hit || !element.contains(hit)) return;
  const {event: name, ...data} = hit.dataset;
  if (name) trigger(name, data);
  else if (data.example !== undefined) trigger('example', {question: data.example});
  else if (data.show !== undefined) trigger('cite', {turn: data.show, key: ''});
  else {
    const opened = hit.getAttribute('aria-expanded') === 'true';
    trigger('cite', {turn: data.turn, key: opened ? '' : (data.cite || 'p' + data.passage)});
  }
});
element.addEventListener('t-send', (event) => trigger(event.detail.name, event.detail.data));
"""


def clicks(*names: str) -> str:
    """Return CLICKS for a component that raises the events of those names."""
    # Gradio knows the events of a component by their names in quotes in its script.
    return f"const RAISED = [{', '.join(repr(name) for name in names)}];\n{CLICKS}"


def html(value: str, script: str | None, elem_id: str, **named: Any) -> gr.HTML:
    """Make a place for rendered HTML. ``script``: runs once, when it is shown."""
    return gr.HTML(value, js_on_load=script, elem_id=elem_id, apply_default_css=False, padding=False, **named)


def sent_with(event: gr.EventData) -> dict[str, Any]:
    """Return what the browser sent with an event of ours; {} for anything but an object."""
    return event._data if isinstance(event._data, dict) else {}
