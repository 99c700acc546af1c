"""The tab of the catalyst board: catalysts, claims, companies, changes. One gr.HTML; what is chosen is a frozen value."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import urlencode

import gradio as gr

from assistant.access import User
from assistant.catalysts.library import load
from assistant.catalysts.schema import Catalyst
from assistant.models import Failure
from assistant.service import Service
from assistant.web import board_html, handlers, render, theses_html
from assistant.web.asking import user_of
from assistant.web.chat import today
from assistant.web.html import CLICKS, PRIVATE, html, sent_with
from assistant.web.text import esc
from vectorstore.errors import SettingsError, ThesisError
from vectorstore.settings import Settings

log = logging.getLogger(__name__)
VIEWS = {"catalysts": "Catalysts", "claims": "Claims", "companies": "Companies", "changes": "What changed"}
_STATUSES = ("open", "confirmed", "refuted", "changed", "untestable", "superseded", "gone")
_FORMS = {
    "markdown": "Markdown",
    "html": "Web page (HTML)",
    "pdf": "PDF",
    "json": "JSON",
    "csv": "CSV",
    "xlsx": "Excel",
}
_RAISES = f"""const RAISED = ['view', 'open', 'back', 'set', 'check'];
{CLICKS}
element.addEventListener('change', (event) => {{
  const field = event.target.closest('[data-field]');
  if (field) trigger('set', {{name: field.dataset.field, value: field.value}});
}});
// A catalyst is read from its head on; whoever goes back finds the list, and the focus, where they were left.
const left = {{top: 0, id: '', place: ''}};
const scroller = () => document.scrollingElement;
element.addEventListener('click', (event) => {{
  const hit = event.target.closest('[data-event=open],[data-event=back]');
  if (!hit) return;
  left.place = hit.dataset.event;
  if (left.place === 'open') Object.assign(left, {{top: scroller().scrollTop, id: hit.dataset.id}});
}});
new MutationObserver(() => {{
  const head = element.querySelector('.t-one h2');
  const row = [...element.querySelectorAll('.t-catalyst-head')].find((one) => one.dataset.id === left.id);
  if (left.place === 'open' && head) {{
    head.tabIndex = -1;
    head.focus({{preventScroll: true}});
    scroller().scrollTop = 0;
  }} else if (left.place === 'back' && row) {{
    row.focus({{preventScroll: true}});
    scroller().scrollTop = left.top;
  }} else return;
  left.place = '';
}}).observe(element, {{childList: true, subtree: true}});
"""


@dataclass(frozen=True, slots=True)
class Chosen:
    """What the reader chose; dates and tickers are still text."""

    view: str = "catalysts"
    catalyst: str = ""  # shown in full, and what claims, companies and changes are narrowed to
    as_of: str = ""
    since: str = ""
    tickers: str = ""
    where: str = "little_debt"
    status: str = ""

    def dates(self) -> tuple[str | None, str | None]:
        """Raises SettingsError for a date that is none."""
        return handlers.read_day(self.as_of, "As of"), handlers.read_day(self.since, "New since")

    def listed(self) -> tuple[str, ...]:
        """Return the tickers. Raises SettingsError for what is none."""
        from assistant.catalysts.watchlist import parse

        words = self.tickers.replace(",", " ").split()
        return parse("\n".join(words), "Watchlist").tickers if words else ()


_FIELDS = frozenset({"catalyst", "as_of", "since", "tickers", "where", "status"})


@dataclass
class BoardTab:
    """What the tab is made of."""

    service: Service
    settings: Settings
    tab: Any = None
    chosen: Any = None
    shown: Any = None
    saved: dict[str, Any] = field(default_factory=dict)

    def show(self) -> None:
        """Make the tab."""
        with gr.Tab("Board", id="board", elem_id="tab-board") as self.tab:
            self.chosen = gr.State(Chosen())
            self.shown = html("", _RAISES, "board")

    def connect(self) -> None:
        """Connect the events."""
        both: dict[str, Any] = {"outputs": [self.chosen, self.shown], "trigger_mode": "always_last", **PRIVATE}
        self.tab.select(self.arrive, self.chosen, **both)
        for name, done in {
            "view": self.view,
            "open": self.open,
            "back": self.back,
            "set": self.set,
            "check": self.check,
        }.items():
            getattr(self.shown, name)(done, self.chosen, **both)

    # Events

    def arrive(self, request: gr.Request, chosen: Chosen) -> Iterator[tuple[Any, Any]]:
        yield from self._turned(request, chosen)

    def view(self, request: gr.Request, chosen: Chosen, event: gr.EventData) -> Iterator[tuple[Any, Any]]:
        name = str(sent_with(event).get("view"))
        yield from self._turned(request, replace(chosen, view=name if name in VIEWS else "catalysts"))

    def open(self, request: gr.Request, chosen: Chosen, event: gr.EventData) -> Iterator[tuple[Any, Any]]:
        yield from self._turned(
            request, replace(chosen, view="catalysts", catalyst=str(sent_with(event).get("id") or "")[:80])
        )

    def back(self, request: gr.Request, chosen: Chosen) -> Iterator[tuple[Any, Any]]:
        yield from self._turned(request, replace(chosen, catalyst=""))

    def set(self, request: gr.Request, chosen: Chosen, event: gr.EventData) -> Iterator[tuple[Any, Any]]:
        sent = sent_with(event)
        name, value = str(sent.get("name")), str(sent.get("value") or "")[:5000]
        yield from self._turned(request, replace(chosen, **{name: value}) if name in _FIELDS else chosen)

    def check(self, request: gr.Request, chosen: Chosen) -> Iterator[tuple[Any, Any]]:
        yield (
            gr.skip(),
            self._frame(
                chosen, '<p class="t-status" role="status"><span class="t-dot"></span>Asking the live data…</p>'
            ),
        )
        user = user_of(request)

        def checked() -> str:
            self.service.check_claims(user, as_of=chosen.dates()[0])
            return self._claims(user, chosen)

        yield gr.skip(), self._frame(chosen, self._safe(checked))

    def _turned(self, request: gr.Request, chosen: Chosen) -> Iterator[tuple[Any, Any]]:
        user = user_of(request)
        yield chosen, self._frame(chosen, self._safe(lambda: self._body(user, chosen)))

    def _safe(self, made: Any) -> str:
        try:
            return str(made())
        except ThesisError as error:
            return render.failure_html(handlers.failure(error))
        except Exception:
            log.exception("the board failed")
            return render.failure_html(
                Failure(
                    kind="internal",
                    message="The board could not be made because of a fault in the program.",
                    what_to_do="Try again; the log of the server names the fault.",
                )
            )

    # What is shown

    def _body(self, user: User, chosen: Chosen) -> str:
        if chosen.view == "claims":
            return self._claims(user, chosen)
        if chosen.view == "companies":
            return self._companies(user, chosen)
        as_of, since = chosen.dates()
        if chosen.view == "changes":
            found = self.service.board_changes(
                user, chosen.catalyst or None, since=since, as_of=as_of, tickers=chosen.listed()
            )
            return theses_html.changes(found)
        board = self.service.board(user, chosen.catalyst or None, as_of=as_of, since=since, tickers=chosen.listed())
        notes = "".join(f'<p class="t-note">{esc(text)}</p>' for text in board.warnings)
        if chosen.catalyst:
            return notes + board_html.catalyst(board.catalysts[0], board, today())
        return notes + board_html.overview(board, today())

    def _claims(self, user: User, chosen: Chosen) -> str:
        from assistant.catalysts.claim_face import Wanted

        wanted = Wanted(status=chosen.status, catalyst=chosen.catalyst, as_of=chosen.dates()[0])
        names = {one.id: one.name for one in load(self.settings)}
        return theses_html.claims(self.service.claims(user, wanted), today(), names)

    def _companies(self, user: User, chosen: Chosen) -> str:
        if not chosen.catalyst:
            raise SettingsError("No catalyst is chosen.", "Choose the catalyst that the companies speak of, above.")
        where = [chosen.where] if chosen.where else []
        found = self.service.companies(
            user, chosen.catalyst, where=where, as_of=chosen.dates()[0], tickers=chosen.listed()
        )
        return theses_html.companies(found, today())

    def _frame(self, chosen: Chosen, body: str) -> str:
        try:
            known: Sequence[Catalyst] = load(self.settings)
        except ThesisError:
            known = ()  # the body says what is wrong with the file
        return frame(chosen, known, body)


def frame(chosen: Chosen, known: Sequence[Catalyst], body: str) -> str:
    """Return the tab: what is looked at, what narrows it, and ``body``. Pure."""
    views = "".join(
        f'<button type="button" class="t-view" data-event="view" data-view="{name}" aria-pressed="{"true" if name == chosen.view else "false"}">'
        f"{word}</button>"
        for name, word in VIEWS.items()
    )
    catalysts = "".join(_option(one.id, one.name, chosen.catalyst) for one in known)
    fields = [_select("catalyst", "Catalyst", _option("", "All", chosen.catalyst) + catalysts)]
    fields.append(_input("as_of", "As of", chosen.as_of, "date"))
    if chosen.view in {"catalysts", "changes"}:
        fields.append(_input("since", "New since", chosen.since, "date"))
    if chosen.view == "claims":
        fields.append(
            _select(
                "status",
                "Outcome",
                _option("", "All", chosen.status) + "".join(_option(s, s, chosen.status) for s in _STATUSES),
            )
        )
        fields.append('<button type="button" class="t-action" data-event="check">Check against live data</button>')
    else:
        fields.append(_input("tickers", "Watchlist (tickers)", chosen.tickers, "text", "All companies"))
    if chosen.view == "companies":
        from assistant.catalysts.companies import NAMED

        named = "".join(_option(name, name.replace("_", " "), chosen.where) for name in NAMED)
        fields.append(_select("where", "With", _option("", "any figures", chosen.where) + named))
    fields.append(_saving(chosen))
    return (
        f'<div class="t-board"><div class="t-board-top"><div class="t-views" role="group" aria-label="What of the board">{views}</div>'
        f'<div class="t-fields">{"".join(fields)}</div></div><div class="t-board-body">{body}</div></div>'
    )


def _saving(chosen: Chosen) -> str:
    """Return the menu that saves what is shown; "" where it is no file."""
    if chosen.view not in {"catalysts", "companies"} or (chosen.view == "companies" and not chosen.catalyst):
        return ""
    name, forms = (
        ("board", _FORMS) if chosen.view == "catalysts" else ("companies", {f: _FORMS[f] for f in ("csv", "xlsx")})
    )
    wanted = {"catalyst": chosen.catalyst, "as_of": chosen.as_of, "tickers": chosen.tickers}
    wanted |= {"since": chosen.since} if name == "board" else {"where": chosen.where}
    query = urlencode({key: value for key, value in wanted.items() if value})
    items = "".join(
        f'<a class="t-item" href="{esc(f"board/{name}.{form}?{query}")}" download>{word}</a>'
        for form, word in forms.items()
    )
    return f'<details class="t-menu"><summary class="t-action">Export</summary><div class="t-items">{items}</div></details>'


def _select(name: str, label: str, options: str) -> str:
    return f'<label class="t-field"><span>{esc(label)}</span><select data-field="{name}">{options}</select></label>'


def _option(value: str, text: str, chosen: str) -> str:
    return f'<option value="{esc(value)}"{" selected" if value == chosen else ""}>{esc(text)}</option>'


def _input(name: str, label: str, value: str, kind: str, placeholder: str = "") -> str:
    return (
        f'<label class="t-field"><span>{esc(label)}</span><input type="{kind}" data-field="{name}" value="{esc(value)}" '
        f'placeholder="{esc(placeholder)}" autocomplete="off"></label>'
    )
