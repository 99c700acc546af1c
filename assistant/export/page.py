"""A Paper as one HTML file that stands alone: its own style for screen and print, no script, nothing from elsewhere. Pure."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path

from assistant.export.blocks import (
    Block,
    Break,
    Bullets,
    Heading,
    Mark,
    Note,
    Paper,
    Paragraph,
    Part,
    Plot,
    Ref,
    Spans,
    Table,
    Words,
    numbers,
    ordered,
    refs,
)  # fmt: skip
from assistant.export.drawing import figure_html
from assistant.export.text import esc, one_line

FOOT = "Made by Thesis. A number stands for the words of a source, or the result of a tool, that it leads to."
# An address below this server: no scheme, no host, no way to the top.
_OWN = re.compile(r"(?:\.\./){0,3}[A-Za-z0-9_-][A-Za-z0-9_./%-]*(?:\?[A-Za-z0-9_.%&=-]*)?(?:#[A-Za-z0-9_-]*)?")


@cache
def style() -> str:
    """Return the style sheet, as it stands in every page."""
    return (Path(__file__).parent / "page.css").read_text(encoding="utf-8").strip()


@cache
def policy() -> str:
    """Return the Content-Security-Policy of a page: it loads nothing, runs nothing, sends nothing; only this style counts."""
    digest = base64.b64encode(hashlib.sha256(style().encode()).digest()).decode()
    return f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"


def write(paper: Paper, links: Sequence[tuple[str, str]] = ()) -> str:
    """Return the page. ``links``: (words, address of this server, relative) that stand under the facts."""
    number = numbers(paper)
    parts = "".join(_part(part, own) for part, own in zip(paper.parts, number, strict=True))
    facts = "".join(f'<p class="facts">{esc(fact)}</p>' for fact in paper.facts)
    own = " · ".join(f'<a href="{esc(link)}">{esc(words)}</a>' for words, link in links if own_address(link))
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{esc(policy())}">'
        '<meta name="viewport" content="width=device-width, initial-scale=1"><meta name="robots" content="noindex">'
        f'<meta name="referrer" content="no-referrer"><title>{esc(one_line(paper.title))}</title><style>{style()}</style></head>'
        f'<body><header><h1><bdi>{esc(paper.title)}</bdi></h1>{facts}{f"""<p class="facts links">{own}</p>""" if own else ""}</header>'
        f"<main>{parts}</main><footer>{FOOT}</footer></body></html>\n"
    )


class _Refs:
    """Numbers the places that point at a note, so that the note can point back at each."""

    def __init__(self, number: Mapping[str, int]) -> None:
        self.number = number
        self.seen: dict[str, int] = {}

    def html(self, key: str) -> str:
        number = self.number.get(key)
        if number is None:
            return esc(f"[{key}]")
        self.seen[key] = self.seen.get(key, 0) + 1
        return f'<sup id="r{number}-{self.seen[key]}"><a href="#n{number}">{number}</a></sup>'


def _part(part: Part, number: Mapping[str, int]) -> str:
    found = _Refs(number)
    blocks = "".join(_block(block, found) for block in part.blocks)
    uses = list(refs(part))
    notes = "".join(_note(n, note, uses.count(note.key)) for n, note in ordered(part, number))
    below = f'<section class="notes"><h3>Sources</h3><ol>{notes}</ol></section>' if notes else ""
    return f'<section class="part">{blocks}{below}</section>'


def _block(block: Block, found: _Refs) -> str:
    if isinstance(block, Heading):
        level = min(6, block.level + 1)
        return f"<h{level}><bdi>{spans_html(block.spans, found)}</bdi></h{level}>"
    if isinstance(block, Paragraph):
        kind = "" if block.kind == "body" else f' class="{block.kind}"'
        return f"<p{kind}>{spans_html(block.spans, found)}</p>" if block.spans else ""
    if isinstance(block, Bullets):
        name = "ol" if block.ordered else "ul"
        return f"<{name}>{''.join(f'<li>{spans_html(item, found)}</li>' for item in block.items)}</{name}>"
    if isinstance(block, Plot):
        return figure_html(block)
    return _table(block, found)


def _table(block: Table, found: _Refs) -> str:
    columns = block.columns

    def row(cells: tuple[Spans, ...], name: str) -> str:
        out = []
        for n, cell in enumerate(cells):
            last = n == len(cells) - 1 and n < columns - 1
            wide = f' colspan="{columns - n}"' if last else ""
            scope = ' scope="col"' if name == "th" else ""
            kind = ' class="n"' if n in block.numbers and not last else ""
            out.append(f"<{name}{scope}{kind}{wide}>{spans_html(cell, found)}</{name}>")
        return f"<tr>{''.join(out)}</tr>"

    caption = f"<caption>{esc(block.caption)}</caption>" if block.caption else ""
    head = f"<thead>{row(block.head, 'th')}</thead>" if block.head else ""
    body = "".join(row(cells, "td") for cells in block.rows)
    return (
        f'<div class="wide" tabindex="0" role="group" aria-label="{esc(block.caption or "Table")}"><table>{caption}{head}<tbody>{body}</tbody></table></div>'
        if columns
        else ""
    )


def spans_html(spans: Spans, found: _Refs) -> str:
    out: list[str] = []
    for span in spans:
        if isinstance(span, Break):
            out.append("<br>")
        elif isinstance(span, Ref):
            if out:
                out[-1] = out[-1].rstrip(" ")
            out.append(found.html(span.key))
        elif isinstance(span, Mark):
            reason = f" ({esc(span.reason)})" if span.reason else ""
            out.append(f' <span class="mark">{esc(span.words)}{reason}</span>')
        else:
            out.append(_words(span))
    return "".join(out)


def _words(span: Words) -> str:
    text = esc(span.text)
    if span.tone == "plain":
        return text
    if span.tone == "code":
        return f"<code><bdi>{text}</bdi></code>"
    opened = {"strong": "<strong>", "quiet": '<span class="quiet">', "doubt": '<span class="doubt">'}[span.tone]
    return f"{opened}{text}{'</strong>' if span.tone == 'strong' else '</span>'}"


def _note(number: int, note: Note, uses: int) -> str:
    title = f"<bdi>{esc(note.title)}</bdi>"
    if own_address(note.link):
        title = f'<a href="{esc(note.link)}" rel="noopener">{title}</a>'
    said = ", ".join([title, *(f"<bdi>{esc(part)}</bdi>" for part in note.detail if part)])
    if note.text:
        said += f": {esc(note.text)}"
    if note.quote:
        said += f": <q><bdi>{esc(one_line(note.quote))}</bdi></q>"
    if note.place:
        said += f' <span class="place">(<code><bdi>{esc(note.place)}</bdi></code>)</span>'
    back = "".join(
        f' <a href="#r{number}-{n}" aria-label="Back to place {n} of source {number}">↩</a>' for n in range(1, uses + 1)
    )
    return f'<li id="n{number}" value="{number}">{said}{back}</li>'


def own_address(link: str) -> bool:
    """Whether a link leads to this server: relative, without scheme or host."""
    return bool(link) and _OWN.fullmatch(link) is not None


__all__ = ["own_address", "policy", "style", "write"]
