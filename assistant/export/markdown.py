"""A Paper as Markdown that can be pasted anywhere, with footnotes. Text of others makes no link, image or HTML in it. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping

from assistant.export.blocks import (
    Block,
    Break,
    Bullets,
    Heading,
    Mark,
    Note,
    Paper,
    Paragraph,
    Plot,
    Ref,
    Spans,
    Table,
    Words,
    numbers,
    ordered,
)  # fmt: skip
from assistant.export.plots import in_words
from assistant.export.text import one_line, visible

_ACTIVE = re.compile(r"[\\`*_\[\]<>#|!~$]")
# What begins a list, a rule or a heading where it begins a line: "- ", "+ ", "1. ", "---", "===".
_LEADING = re.compile(r"^(\d{1,9})([.)])(?=\s|$)|^([-+=])")
_LINK = re.compile(r"://")
_WWW = re.compile(r"\bwww\.", re.IGNORECASE)
_SPACE = re.compile(r"\s+")
Number = Mapping[str, int]


def write(paper: Paper) -> str:
    """Return the paper: ``# title``, its parts, and all footnotes at its end, as ``[^1]: …``."""
    out = [f"# {plain(paper.title)}"]
    out += [f"*{plain(fact)}*" for fact in paper.facts]
    number = numbers(paper)
    for part, own in zip(paper.parts, number, strict=True):
        out += [text for block in part.blocks if (text := _block(block, own))]
    notes = [_note(n, note) for part, own in zip(paper.parts, number, strict=True) for n, note in ordered(part, own)]
    if notes:
        out.append("\n".join(notes))
    return "\n\n".join(out) + "\n"


def plain(text: str) -> str:
    """Return text of a source on one line, as Markdown that shows it and does nothing else."""
    return _escaped(one_line(text))


def _escaped(text: str) -> str:
    escaped = _ACTIVE.sub(lambda match: "\\" + match.group(0), text)
    # GitHub's dialect makes links of bare addresses.
    unlinked = _WWW.sub(lambda match: match.group(0)[:-1] + "\\.", _LINK.sub(r":\\//", escaped))
    return unlinked.replace("&", "&amp;")


def code(text: str) -> str:
    """Return text as code: read letter by letter, and nothing in it is mark-up."""
    shown = one_line(text)
    fence = "`" * (max((len(run) for run in re.findall(r"`+", shown)), default=0) + 1)
    pad = " " if not shown or shown.startswith("`") or shown.endswith("`") else ""
    return f"{fence}{pad}{shown}{pad}{fence}"


def _block(block: Block, number: Number) -> str:
    if isinstance(block, Heading):
        return f"{'#' * min(6, block.level + 1)} {_spans(block.spans, number)}"
    if isinstance(block, Paragraph):
        return _paragraph(block, number)
    if isinstance(block, Bullets):
        return "\n".join(
            f"{f'{n}.' if block.ordered else '-'} {_begun(_spans(item, number))}" for n, item in enumerate(block.items, 1)
        )  # fmt: skip
    if isinstance(block, Plot):
        return f"*Plot. {plain(in_words(block))}*"
    return _table(block, number)


def _paragraph(block: Paragraph, number: Number) -> str:
    text = _spans(block.spans, number)
    if block.kind == "note":
        return f"*{text}*" if text else ""
    if block.kind == "warning":
        return "\n".join(f"> {_begun(line)}" for line in text.split("\n"))
    return _begun(text)


def _begun(text: str) -> str:
    """Return what begins a line so that its first sign begins nothing else."""
    return _LEADING.sub(lambda m: f"{m.group(1)}\\{m.group(2)}" if m.group(1) else f"\\{m.group(3)}", text)


def _table(block: Table, number: Number) -> str:
    columns = block.columns
    if not columns:
        return ""

    def row(cells: tuple[Spans, ...]) -> str:
        shown = [_spans(cell, number).replace("\n", " ") for cell in cells] + [""] * (columns - len(cells))
        return f"| {' | '.join(shown)} |"

    rule = "|".join(" ---: " if n in block.numbers else " --- " for n in range(columns))
    caption = f"**{plain(block.caption)}**\n\n" if block.caption.strip() else ""
    return caption + "\n".join([row(block.head), f"|{rule}|", *(row(cells) for cells in block.rows)])


def _spans(spans: Spans, number: Number) -> str:
    out: list[str] = []
    for span in spans:
        if isinstance(span, Break):
            out.append("  \n")
        elif isinstance(span, Ref):
            out.append(f"[^{number[span.key]}]" if span.key in number else plain(f"[{span.key}]"))
        elif isinstance(span, Mark):
            out.append(f" *({plain(span.words)})*")
        else:
            out.append(_words(span))
    return "".join(out)


def _words(span: Words) -> str:
    if span.tone == "code":
        return code(span.text)
    text = _SPACE.sub(" ", visible(span.text))
    if span.tone == "strong" and text.strip():
        return f"{' ' * text.startswith(' ')}**{plain(text)}**{' ' * text.endswith(' ')}"
    return _escaped(text)


def _note(number: int, note: Note) -> str:
    said = ", ".join(plain(part) for part in (note.title, *note.detail) if part)
    if note.text:
        said += f": {plain(note.text)}"
    if note.quote:
        said += f": “{plain(note.quote)}”"
    return f"[^{number}]: {said}{f' ({code(note.place)})' if note.place else ''}"


__all__ = ["code", "plain", "write"]
