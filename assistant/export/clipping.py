"""A Paper for the clipboard: plain text with [1] and a list of sources below, and the same as a little HTML. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from assistant.export.blocks import (
    Block,
    Break,
    Bullets,
    Heading,
    Mark,
    Note,
    Paper,
    Plot,
    Ref,
    Spans,
    Table,
    numbers,
    ordered,
)
from assistant.export.plots import in_words
from assistant.export.text import esc, one_line, visible

Number = Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Clipping:
    """What is written to the clipboard together: ``text`` as text/plain, ``html`` as text/html."""

    text: str
    html: str


def clip(paper: Paper) -> Clipping:
    """Return the paper's parts with their sources; its title and facts stay away."""
    texts: list[str] = []
    pages: list[str] = []
    for part, own in zip(paper.parts, numbers(paper), strict=True):
        texts += [text for block in part.blocks if (text := _text(block, own))]
        pages += [_html(block, own) for block in part.blocks]
        notes = ordered(part, own)
        if notes:
            texts.append("\n".join(f"[{n}] {_note(note, visible)}" for n, note in notes))
            pages.append(f"<p>{'<br>'.join(f'[{n}] {_note(note, esc)}' for n, note in notes)}</p>")
    return Clipping("\n\n".join(texts) + "\n", "".join(pages))


def _text(block: Block, number: Number) -> str:
    if isinstance(block, Bullets):
        signs = [f"{n}." if block.ordered else "-" for n in range(1, len(block.items) + 1)]
        return "\n".join(f"{sign} {_said(item, number)}" for sign, item in zip(signs, block.items, strict=True))
    if isinstance(block, Plot):
        return visible(in_words(block))
    if isinstance(block, Table):
        rows = [block.head, *block.rows] if block.head else list(block.rows)
        lines = ["\t".join(_said(cell, number) for cell in row) for row in rows]
        return "\n".join([visible(block.caption), *lines] if block.caption else lines)
    return _said(block.spans, number)


def _said(spans: Spans, number: Number) -> str:
    out = ""
    for span in spans:
        if isinstance(span, Break):
            out += "\n"
        elif isinstance(span, Ref):
            out += f"[{number.get(span.key, span.key)}]"
        elif isinstance(span, Mark):
            out += f" ({visible(span.words)}{f': {visible(span.reason)}' if span.reason else ''})"
        else:
            out += visible(span.text)
    return out.strip()


def _html(block: Block, number: Number) -> str:
    if isinstance(block, Bullets):
        name = "ol" if block.ordered else "ul"
        return f"<{name}>{''.join(f'<li>{_marked(item, number)}</li>' for item in block.items)}</{name}>"
    if isinstance(block, Plot):
        return f"<p>{esc(in_words(block))}</p>"
    if isinstance(block, Table):
        head = "".join(f"<th>{_marked(cell, number)}</th>" for cell in block.head)
        rows = "".join(f"<tr>{''.join(f'<td>{_marked(c, number)}</td>' for c in row)}</tr>" for row in block.rows)
        caption = f"<caption>{esc(block.caption)}</caption>" if block.caption else ""
        return f"<table>{caption}{f'<tr>{head}</tr>' if head else ''}{rows}</table>"
    if isinstance(block, Heading):
        return f"<h{min(6, block.level + 2)}>{_marked(block.spans, number)}</h{min(6, block.level + 2)}>"
    return f"<p>{_marked(block.spans, number)}</p>"


def _marked(spans: Spans, number: Number) -> str:
    out = ""
    for span in spans:
        if isinstance(span, Break):
            out += "<br>"
        elif isinstance(span, Ref):
            out += esc(f"[{number.get(span.key, span.key)}]")
        elif isinstance(span, Mark):
            out += esc(f" ({span.words}{f': {span.reason}' if span.reason else ''})")
        else:
            out += f"<b>{esc(span.text)}</b>" if span.tone == "strong" else esc(span.text)
    return out


def _note(note: Note, shown: Callable[[str], str]) -> str:
    said = ", ".join(shown(one_line(part)) for part in (note.title, *note.detail) if part)
    said += f": {shown(one_line(note.text))}" if note.text else ""
    said += f": “{shown(one_line(note.quote))}”" if note.quote else ""
    return f"{said} ({shown(one_line(note.place))})" if note.place else said


__all__ = ["Clipping", "clip"]
