"""Answer -> HTML of the conversation. Pure functions; every text is escaped, and none of it is run as Markdown.

Of an answer's Markdown only paragraphs, lists, headings, bold and simple tables are shown as such; links,
images and HTML stay the characters that they are. A claim is the words of a source: nothing in it is mark-up, and
a "[S1]" that a document holds is no marker. Controls carry ``data-*`` attributes that assets/app.js
and the page's listeners read; nothing has an inline handler.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from datetime import date
from itertools import pairwise

from assistant.access import User
from assistant.export.answers import mode_line
from assistant.freshness import newest_line
from assistant.models import Answer, Claim, Failure, Retrieved
from assistant.understood import Understood
from assistant.web import metrics
from assistant.web.conversation import Turn, Turns
from assistant.web.text import day, esc, meta_line, title_of

_INLINE = re.compile(r"\[([ST]\d+)\]|\*\*(?=\S)(.+?)(?<=\S)\*\*")
_BULLET = re.compile(r"\s*(?:[-*•]|\d{1,2}\.)\s+")
_HEADING = re.compile(r"#{1,6}\s+")
_RULE = re.compile(r"\s*\|?(?:\s*:?-{3,}:?\s*\|)+\s*(?::?-{3,}:?\s*)?$")
NEARBY = 4

VERDICTS = {
    "unsupported": "not supported by the cited source",
    "contradicted": "contradicted by the cited source",
    "unchecked": "not checked",
}


def transcript(turns: Turns, today: date | None = None) -> str:
    """Return the finished turns; with ``today`` each says how old its newest source is."""
    return "".join(turn_html(turn, today) for turn in turns if not turn.pending)


def live(turns: Turns) -> str:
    """Return the turn that is being answered; "" when none is."""
    return "".join(turn_html(turn) for turn in turns if turn.pending)


def turn_html(turn: Turn, today: date | None = None) -> str:
    """Return one question with what came back."""
    if turn.answer is not None:
        body = answer_html(turn.answer, turn.number, today, turn.judged)
    elif turn.failure is not None:
        body = failure_html(turn.failure) + _again(turn.number)
    else:
        said = body_html("\n\n".join(turn.sentences), {}, (), turn.number) if turn.sentences else ""
        if turn.draft and not turn.stopped:
            said += f'<p class="t-draft" title="Not checked yet">{esc(turn.draft)}</p>'
        if turn.stopped:
            state = f'<p class="t-note">Stopped. What came before is not a checked answer.</p>{_again(turn.number)}'
        else:
            state = f'<p class="t-status" role="status"><span class="t-dot"></span>{esc(turn.status or "Searching the base")}…</p>'
        body = said + state
    return (
        f'<article class="t-turn" data-turn-number="{turn.number}"{_kept_in(turn)}><div class="t-asked"><h2 class="t-question">'
        f"{esc(turn.question)}</h2>{'' if turn.pending else _edit(turn.number)}</div>{_read(turn)}"
        f'<div class="t-answer">{body}</div></article>'
    )


def _kept_in(turn: Turn) -> str:
    return f' data-conversation="{esc(turn.conversation)}"' if turn.conversation else ""


def _edit(number: int) -> str:
    return (
        f'<button type="button" class="t-icon t-edit" data-event="edit" data-turn="{number}" '
        'aria-label="Edit this question and ask again" title="Edit and ask again">Edit</button>'
    )


def _again(number: int) -> str:
    return (
        f'<div class="t-actions"><button type="button" class="t-action" data-event="retry" data-turn="{number}">Retry'
        "</button></div>"
    )


def _read(turn: Turn) -> str:
    """Return what the question was understood as, with the button that takes it back to be put right."""
    said: list[str] = []
    asked = turn.answer.standalone_question if turn.answer is not None else ""
    if asked and asked != turn.question:
        said.append(f"“{esc(asked)}”")
    if turn.read is not None:
        said += [esc(part) for part in _understood(turn.read)]
    if not said:
        return ""
    companies = esc("\n".join(turn.read.companies)) if turn.read is not None else ""
    return (
        f'<p class="t-read"><span>Read as</span> {" · ".join(said)} <button type="button" class="t-link" data-event="correct" '
        f'data-turn="{turn.number}" data-standalone="1" data-companies="{companies}" '
        'title="Take the question back as it was read, and put it right">Change</button></p>'
    )


def _understood(read: Understood) -> list[str]:
    live = [f"live {tool.replace('_', ' ')}" for tool in read.tools]
    return [*read.companies, *(() if read.companies else read.publishers), *read.periods, *read.forms, *live]


def editing(later: int) -> str:
    """Return what stands above the field while an earlier question is edited; ``later``: turns after it."""
    rest = "" if not later else " and the question after it" if later == 1 else f" and the {later} questions after it"
    return (
        f'<p class="t-editing" role="status">You are editing an earlier question. Asking replaces its answer{rest}. '
        '<button type="button" class="t-link" data-event="cancel">Cancel</button></p>'
    )


def failure_html(failure: Failure) -> str:
    """Return what went wrong and what to do about it."""
    return (
        f'<div class="t-alert" role="alert"><strong>{esc(failure.message)}</strong>'
        f"{f'<p>{esc(failure.what_to_do)}</p>' if failure.what_to_do else ''}</div>"
    )


def answer_html(answer: Answer, number: int, today: date | None = None, judged: str = "") -> str:
    """Return an answer with its markers as buttons, its warnings and its actions."""
    if answer.status == "error" and answer.error is not None:
        return failure_html(answer.error) + _warnings(answer.warnings) + _again(number)
    labels = {c.marker: f"Source {c.marker[1:]}: {title_of(c)}" for c in answer.citations}
    labels.update({r.marker: f"Live figure {r.marker[1:]}: {r.tool}" for r in answer.tool_results if r.marker})
    parts = [_scope(answer)]
    body = body_html(answer.text, labels, answer.claims, number)
    if answer.status == "insufficient_evidence":
        body, nearby = _nearby(body, answer.passages, number)
        body = f'<div class="t-refusal">{body or "The base does not hold the answer."}</div>{nearby}'
    elif answer.status == "partial":
        parts.append('<p class="t-note">Part of the question is answered; the base does not cover the rest.</p>')
    parts.append(body)
    parts.append(metrics.cards(answer.tool_results, today, number=number, question=answer.question))
    parts.append(_warnings(answer.warnings))
    newest = newest_line(answer, today) if today else ""
    parts.append(f'<p class="t-note">{esc(newest)}</p>' if newest else "")
    parts.append(_actions(answer, number, judged))
    return "".join(parts)


def body_html(text: str, labels: dict[str, str], claims: Sequence[Claim], number: int) -> str:
    """Return Markdown text as paragraphs, lists, headings and tables. ``labels``: marker -> what it is."""
    claims = sorted(claims, key=lambda claim: claim.start)
    out: list[str] = []
    group: list[str] = []
    kind = ""

    def flush() -> None:
        nonlocal group, kind
        if group:
            if kind == "ul":
                out.append(f"<ul>{''.join(group)}</ul>")
            elif kind == "table":
                out.append(
                    f'<div class="t-scroll" tabindex="0" role="group" aria-label="Table"><table>{"".join(group)}</table></div>'
                )
            else:
                out.append(f"<p>{'<br>'.join(group)}</p>")
        group, kind = [], ""

    offset, gap = 0, False
    for line in text.split("\n"):
        start, offset = offset, offset + len(line) + 1
        if not line.strip():
            gap = True
            continue
        quoted = _within(start + len(line) - len(line.lstrip()), claims)
        bullet = None if quoted else _BULLET.match(line)
        heading = None if quoted else _HEADING.match(line)
        row = not quoted and line.strip().startswith("|") and line.strip().endswith("|") and len(line.strip()) > 2
        new = "ul" if bullet else "h" if heading else "table" if row else "p"
        if new != kind or (gap and new != "ul"):  # items with lines between them are one list
            flush()
            kind = new
        gap = False
        cut = bullet.end() if bullet else heading.end() if heading else 0
        if row:
            if not _RULE.match(line):
                group.append(_row(line, start, labels, claims, number))
            continue
        inner = _line(line[cut:], start + cut, labels, claims, number)
        if heading:
            out.append(f"<h3>{inner}</h3>")
            kind = ""
        else:
            group.append(f"<li>{inner}</li>" if bullet else inner)
    flush()
    return f'<div class="t-body">{"".join(out)}</div>' if out else ""


def _within(place: int, claims: Sequence[Claim]) -> bool:
    return any(claim.start <= place < claim.end for claim in claims)


def _row(line: str, start: int, labels: dict[str, str], claims: Sequence[Claim], number: int) -> str:
    bars = [at for at, sign in enumerate(line) if sign == "|" and not _within(start + at, claims)]
    cells: list[str] = []
    for low, high in pairwise(bars):
        cell = line[low + 1 : high]
        first = low + 1 + len(cell) - len(cell.lstrip())
        cells.append(f"<td>{_line(cell.strip(), start + first, labels, claims, number)}</td>")
    return f"<tr>{''.join(cells)}</tr>"


def _line(text: str, start: int, labels: dict[str, str], claims: Sequence[Claim], number: int) -> str:
    """Render a line; its claims, in order, are shown as they are and flagged where not supported.

    ``start`` is the line's offset in the answer.
    """
    end = start + len(text)
    out: list[str] = []
    position = start
    for claim in claims:
        low, high = max(claim.start, position), min(claim.end, end)
        if low >= high:
            continue
        out.append(_inline(text[position - start : low - start], labels, number))
        words = esc(text[low - start : high - start])
        if claim.verdict in VERDICTS:
            words = f'<span class="t-doubt t-{esc(claim.verdict)}">{words}</span>{_verdict(claim)}'
        out.append(words)
        position = high
    out.append(_inline(text[position - start :], labels, number))
    return "".join(out)


def _verdict(claim: Claim) -> str:
    """Return the mark of a sentence that is not supported; its reason shows on hover and, for touch and keys, on a click."""
    word = VERDICTS[claim.verdict]
    mark = f'class="t-verdict t-is-{esc(claim.verdict)}"'
    if not claim.reason:
        return f"<span {mark}>{esc(word)}</span>"
    return (
        f'<button type="button" {mark} data-action="why" aria-expanded="false" title="{esc(f"{word}: {claim.reason}")}">'
        f'{esc(word)}</button><span class="t-reason" hidden>{esc(claim.reason)}</span>'
    )


def _inline(text: str, labels: dict[str, str], number: int) -> str:
    out: list[str] = []
    position = 0
    for match in _INLINE.finditer(text):
        out.append(esc(text[position : match.start()]))
        marker, bold = match.group(1), match.group(2)
        if bold is not None:
            out.append(f"<strong>{esc(bold)}</strong>")  # a heading, which may name a source: no place of markers
        elif marker in labels:
            out.append(_marker(marker, labels[marker], number))
        else:
            out.append(esc(match.group(0)))
        position = match.end()
    out.append(esc(text[position:]))
    return "".join(out)


def _marker(marker: str, label: str, number: int) -> str:
    if marker.startswith("T"):
        return (
            f'<button type="button" class="t-marker t-tool" data-tool="{esc(marker)}" title="{esc(label)}" '
            f'aria-label="{esc(label)}">{esc(marker)}</button>'
        )
    return (
        f'<button type="button" class="t-marker" data-cite="{esc(marker)}" data-turn="{number}" '
        f'title="{esc(label)}" aria-label="{esc(label)}">{esc(marker)}</button>'
    )


_READ = ("company", "fiscal_period", "publisher")  # the line of what was understood says these


def _scope(answer: Answer) -> str:
    shown = [f"As of {day(answer.as_of)}"] if answer.as_of else []
    for key, value in answer.filters.items():
        if key in {"as_of", "roles", *_READ} or value in (None, "", (), []):
            continue
        values: Iterable[object] = value if isinstance(value, list | tuple) else [value]
        shown.append(f"{key.replace('_', ' ')}: {', '.join(day(str(v)) for v in values)}")
    return f'<p class="t-scope">{" · ".join(esc(part) for part in shown)}</p>' if shown else ""


def _warnings(warnings: Sequence[str]) -> str:
    if not warnings:
        return ""
    return f'<ul class="t-warnings">{"".join(f"<li>{esc(warning)}</li>" for warning in warnings)}</ul>'


def _nearby(body: str, passages: Sequence[Retrieved], number: int) -> tuple[str, str]:
    """Make the titles that a refusal names open their passages; return it and a list of those that it does not name."""
    near = _distinct(passages)
    buttons = {
        f"“{esc(title_of(p))}”": f'<button type="button" class="t-link" data-passage="{index}" data-turn="{number}">'
        f"“{esc(title_of(p))}”</button>"
        for index, p in near
    }
    if not buttons:
        return body, ""
    named: set[str] = set()

    def link(match: re.Match[str]) -> str:
        named.add(match.group(0))
        return buttons[match.group(0)]

    longest_first = sorted(buttons, key=len, reverse=True)
    body = re.sub("|".join(re.escape(title) for title in longest_first), link, body)
    items = "".join(
        f'<li>{buttons[title]} <span class="t-dim">{esc(meta_line(p.publisher, p.published, p.kind, p.page))}</span></li>'
        for _, p in near
        if (title := f"“{esc(title_of(p))}”") not in named
    )
    if named or not items:
        return body, ""
    return body, f'<div class="t-nearby"><h3>What lies nearby</h3><ul>{items}</ul></div>'


def _distinct(passages: Sequence[Retrieved]) -> list[tuple[int, Retrieved]]:
    first: dict[str, tuple[int, Retrieved]] = {}
    for index, passage in enumerate(passages):
        first.setdefault(passage.document_id, (index, passage))
    return list(first.values())[:NEARBY]


EXPORTS = {"markdown": "Markdown", "html": "Web page (HTML)", "pdf": "PDF"}


def _actions(answer: Answer, number: int, judged: str) -> str:
    cited = len(answer.citations)
    label = f"{cited} source{'' if cited == 1 else 's'}" if cited else "Passages"
    forms = "".join(
        f'<button type="button" class="t-item" data-event="export" data-turn="{number}" data-form="{form}">{name}</button>'
        for form, name in EXPORTS.items()
    )
    verdicts = "".join(
        f'<button type="button" class="t-action t-judge" data-event="judge" data-turn="{number}" data-verdict="{verdict}" '
        f'aria-pressed="{"true" if judged == verdict else "false"}" title="{title}">{word}</button>'
        for verdict, word, title in (
            ("good", "Good", "This answer is right"),
            ("bad", "Bad", "Something in it is wrong"),
        )
    )
    return (
        f'<div class="t-actions"><button type="button" class="t-action" data-show="{number}">{label}</button>'
        f'<button type="button" class="t-action" data-event="export" data-turn="{number}" data-form="copy" '
        'title="Copy the answer with its sources">Copy</button>'
        f'<details class="t-menu"><summary class="t-action">Export</summary><div class="t-items">{forms}</div></details>'
        f'<button type="button" class="t-action" data-event="retry" data-turn="{number}" title="Ask the same question again">'
        f"Retry</button>{verdicts}{_mode(answer)}</div>"
    )


def _mode(answer: Answer) -> str:
    return f'<span class="t-mode">{esc(mode_line(answer))}</span>'


KEYS = (
    ("/", "Write a question"), ("Enter", "Ask; Shift+Enter begins a line"), ("Esc", "Stop the answer, close what is open"),
    ("↑", "In the empty field: edit the last question"), ("Ctrl K", "Search conversations"), ("Alt N", "New conversation"),
    ("Alt ← →", "Source before, source after"), ("?", "This list"),
)  # fmt: skip


def header(user: User | None = None, form: str = "") -> str:
    """Return the head of the page. ``form``: what signing out must send; "" where nobody signs in or out here."""
    who = f'<span class="t-who">{esc(user.name)}</span>' if user is not None and user.via != "open" else ""
    # A form, so that no link of another site signs anybody out.
    out = (
        f'<form class="t-out" method="post" action="logout"><input type="hidden" name="form" value="{esc(form)}">'
        '<button type="submit" class="t-action">Sign out</button></form>'
        if form
        else ""
    )
    keys = "".join(f"<dt><kbd>{esc(key)}</kbd></dt><dd>{esc(what)}</dd>" for key, what in KEYS)
    return (
        '<header class="t-header"><button type="button" class="t-icon t-drawer" data-action="kept" aria-expanded="false" '
        'aria-label="Conversations"><span class="t-bars" aria-hidden="true"></span></button>'
        '<span class="t-logo" aria-hidden="true"></span><h1>Thesis</h1><span class="t-right">'
        f'{who}{out}<button type="button" class="t-icon" data-action="keys" aria-label="Keys" title="Keys">?</button>'
        '<button type="button" class="t-icon" data-action="theme" aria-label="Switch between light and dark" '
        'title="Light or dark">◐</button></span></header>'
        f'<dialog class="t-dialog" id="t-keys" aria-labelledby="t-keys-name"><h2 id="t-keys-name">Keys</h2><dl>{keys}</dl>'
        '<form method="dialog"><button class="t-action">Close</button></form></dialog>'
    )


def welcome(examples: Sequence[str], documents: int, mode: str = "", *, writes: bool = True) -> str:
    """Return what an empty conversation shows: what to ask of what is in, and how answers are made (``mode``)."""
    if not documents:
        add = (
            "<p>Add research notes, articles or filings; they answer questions right after.</p>"
            '<button type="button" class="t-new" data-action="tab" data-tab="documents">Add documents</button>'
            if writes
            else "<p>Nothing is in it that you may read. Ask who runs this server to add documents, or for the right to read.</p>"
        )
        return f'<div class="t-welcome"><h2>The base is empty</h2>{add}</div>'
    buttons = "".join(
        f'<button type="button" class="t-example" data-example="{esc(text)}">{esc(text)}</button>' for text in examples
    )
    noun = "document" if documents == 1 else "documents"
    said = f'<p class="t-note">{esc(mode)}.</p>' if mode else ""
    return (
        f'<div class="t-welcome"><h2>Ask your research</h2><p>Every sentence of an answer points at the words it came from, '
        f'in {documents} {noun}. Select a marker to read them in place.</p><div class="t-examples">{buttons}</div>'
        f"{said}</div>"
    )
