"""A Paper as PDF: the only importer of fpdf2. A4, page numbers, an outline; no links, no scripts, no address in it.

Fonts are DejaVu Sans, of which a file holds the letters that it shows. What they lack is shown as "�", which the file says.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

from fontTools.ttLib import TTFont
from fpdf import FPDF
from fpdf.bidi import BidiParagraph
from fpdf.enums import TextDirection

from assistant.export import flow, layout
from assistant.export.blocks import Paper
from assistant.export.text import one_line

_FONTS = {False: "DejaVuSans.ttf", True: "DejaVuSans-Bold.ttf"}
_FAMILY = "dejavu"
_LACKING = "\ufffd"
_PAIRS = dict(zip("()[]{}<>«»‹›", ")(][}{><»«›‹", strict=True))


def write(paper: Paper, made: datetime | None = None) -> bytes:
    """Return the file. ``made``: the time that it carries (default: now)."""
    font = Measured()
    laid = layout.lay(paper, font)
    if font.lacking:
        said = (
            f"{len(font.lacking)} kind{'s' if len(font.lacking) > 1 else ''} of characters that the font of this file lacks "
            f"{'are' if len(font.lacking) > 1 else 'is'} shown as {_LACKING}. The HTML and the Markdown export hold them."
        )
        laid = layout.lay(paper, font, said)
    return _drawn(laid, one_line(font.shown(paper.title)), made or datetime.now(UTC))


class Measured:
    """The two fonts as ``typeset.Font``; ``lacking``: what was asked for and is in none."""

    def __init__(self) -> None:
        self.lacking: set[str] = set()

    def shown(self, text: str) -> str:
        known = _widths(False)
        out = []
        for sign in text:
            if ord(sign) in known or sign.isspace():
                out.append(sign)
            else:
                self.lacking.add(sign)
                out.append(_LACKING)
        return "".join(out)

    def width(self, text: str, bold: bool) -> float:
        widths = _widths(bold)
        lacking = widths[ord(_LACKING)]
        return sum(widths.get(ord(sign), lacking) for sign in text)

    def order(self, text: str, rtl: bool) -> Sequence[tuple[int, str]]:
        direction = TextDirection.RTL if rtl else TextDirection.LTR
        paragraph = BidiParagraph(text=text, base_direction=direction)
        out = []
        for one in paragraph.get_reordered_characters():
            sign = one.character
            out.append((one.character_index, _PAIRS.get(sign, sign) if one.embedding_level % 2 else sign))
        return out


@cache
def _widths(bold: bool) -> dict[int, float]:
    """Return the width of each character at size 1. Those that the other font lacks are left out, so that both show the same."""
    with TTFont(_path(bold), lazy=True) as font:
        scale = 1 / font["head"].unitsPerEm
        metrics = font["hmtx"].metrics
        with TTFont(_path(not bold), lazy=True) as other:
            both = other.getBestCmap()
        return {code: metrics[name][0] * scale for code, name in font.getBestCmap().items() if code in both}


def _path(bold: bool) -> Path:
    return Path(__file__).parent / "fonts" / _FONTS[bold]


def _drawn(laid: flow.Laid, title: str, made: datetime) -> bytes:
    pdf = FPDF(unit="pt", format="A4")
    pdf.set_auto_page_break(False)
    pdf.set_margin(0)
    pdf.alias_nb_pages(None)  # type: ignore[arg-type]  # "{nb}" in a document stays what it is
    for bold in _FONTS:
        pdf.add_font(_FAMILY, "B" if bold else "", _path(bold))
    pdf.set_title(title)
    pdf.set_creator("Thesis")
    pdf.set_lang("en")
    pdf.set_creation_date(made)
    for number, marks in enumerate(laid.pages, start=1):
        pdf.add_page()
        for entry in laid.outline:
            if entry.page == number:
                pdf.set_y(entry.y)
                pdf.start_section(entry.title[:200], strict=False)
        for mark in marks:
            _draw(pdf, mark)
    return bytes(pdf.output())


def _draw(pdf: FPDF, mark: flow.Mark) -> None:
    if isinstance(mark, flow.Text):
        pdf.set_font(_FAMILY, "B" if mark.bold else "", mark.size)
        pdf.set_text_color(*mark.colour)
        pdf.text(mark.x, mark.y, mark.text)
    elif isinstance(mark, flow.Box):
        pdf.set_fill_color(*mark.colour)
        pdf.rect(mark.x, mark.y, mark.width, mark.height, style="F")
    else:
        pdf.set_draw_color(*mark.colour)
        pdf.set_line_width(mark.width)
        pdf.polyline(list(mark.points))


__all__ = ["Measured", "write"]
