"""Lines of a statement as cells: label, then the values of the columns in order. Pure.

A value in brackets is negative and a dash is nil (0). Offsets are into the text that the line was cut from.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

_LINE = re.compile(r"[^\n\r\f\v\x1c-\x1e\x85\u2028\u2029]+")
_VALUE = re.compile(
    r"(?:(?:US|C|A|HK|NT|R)?\$|[£€¥]|RMB|USD|EUR|GBP)?[^\S\n]{0,4}(?P<open>\()?[^\S\n]{0,4}[$£€¥]?\s?(?P<sign>[-–—−](?=[\d.]))?"
    r"(?P<digits>\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?|\.\d+)(?P<close>\s?\))?(?P<percent>\s?%)?(?P<late>\))?"
    r"|[$£€¥]?\s?(?P<nil>[—–−]+|-+|nil)"
)
_SIGN = re.compile(r"(?:(?:US|C|A|HK|NT|R)?\$|[£€¥])(?=\s|\||$)")
_WORD = re.compile(r"[^\s|]+")
_YEAR = re.compile(r"(?:19|20)\d\d")


@dataclass(frozen=True, slots=True)
class Cell:
    """One value as printed at [start, end): ``value`` in the unit of its table; ``nil``: printed as a dash."""

    text: str
    value: float
    start: int
    end: int
    nil: bool = False
    percent: bool = False

    @property
    def year(self) -> int | None:
        """The calendar year that it reads as, if any."""
        return int(self.text) if _YEAR.fullmatch(self.text) else None


@dataclass(frozen=True, slots=True)
class Line:
    """A printed line, or a part of one where two rows were run together; ``cells`` are those at its end."""

    start: int
    end: int
    label: str
    cells: tuple[Cell, ...]

    @property
    def years_only(self) -> bool:
        """Whether every value reads as a year: a column header, not a row."""
        return bool(self.cells) and all(cell.year for cell in self.cells)


def lines(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    """Yield the spans of the printed lines of ``text[start:end]``, stripped, empty ones left out."""
    for match in _LINE.finditer(text, start, end):
        raw = match.group()
        stripped = raw.strip()
        if stripped:
            first = match.start() + len(raw) - len(raw.lstrip())
            yield first, first + len(stripped)


def _tokens(text: str, start: int, end: int) -> list[Cell | tuple[int, int]]:
    """Return values, and the spans of words, in order."""
    found: list[Cell | tuple[int, int]] = []
    at = start
    while at < end:
        if text[at].isspace() or text[at] == "|":
            at += 1
            continue
        value = _VALUE.match(text, at, end)
        if value and (value.end() == end or text[value.end()].isspace() or text[value.end()] == "|"):
            cell = _cell(text, value)
            if cell is not None:
                found.append(cell)
                at = value.end()
                continue
        sign = _SIGN.match(text, at, end)
        if sign:
            at = sign.end()
            continue
        word = _WORD.match(text, at, end)
        assert word is not None
        found.append(word.span())
        at = word.end()
    return found


def _cell(text: str, match: re.Match[str]) -> Cell | None:
    if match["nil"]:
        return Cell(match.group(), 0.0, match.start(), match.end(), nil=True)
    closed = bool(match["close"] or match["late"])
    if bool(match["open"]) != closed:
        return None  # "11)" ends a note, "(5" opens one
    value = float(match["digits"].replace(",", ""))
    if match["open"] or match["sign"]:
        value = -value
    return Cell(match.group(), value, match.start(), match.end(), percent=bool(match["percent"]))


def parse(text: str, start: int, end: int, columns: int = 0) -> list[Line]:
    """Return the row(s) that one printed line holds; none for a line of separators alone.

    With ``columns`` known, a line such as "A 5 — B 7 8", which a PDF's text layer makes of two rows, is cut after the
    first row's last value.
    """
    tokens = _tokens(text, start, end)
    found: list[Line] = []
    first = 0
    run = 0
    for index, token in enumerate(tokens):
        if isinstance(token, Cell):
            run += 1
            following = tokens[index + 1] if index + 1 < len(tokens) else None
            if (
                columns
                and isinstance(following, tuple)
                and _begins(text, following[0])
                and _ended(tokens, index, run, columns, text)
            ):
                found.append(_line(text, tokens[first : index + 1]))
                first, run = index + 1, 0
        else:
            run = 0
    if tokens[first:]:
        found.append(_line(text, tokens[first:]))
    return found


def _ended(tokens: Sequence[Cell | tuple[int, int]], index: int, run: int, columns: int, text: str) -> bool:
    """Whether a row ends at ``index`` though its printed line goes on: a word behind as many values as columns."""
    last, following = tokens[index], tokens[index + 1]
    assert isinstance(last, Cell)
    assert isinstance(following, tuple)
    if last.nil and run >= columns and isinstance(tokens[-1], Cell):
        return True
    values = [t for t in tokens[index + 1 - run : index + 1] if isinstance(t, Cell)]
    return run == columns > 1 and text[slice(*following)].lstrip("(")[:1].isupper() and not all(v.year for v in values)


def _begins(text: str, start: int) -> bool:
    """Whether a label may begin here: a letter, or "(Gain) or loss"."""
    return text[start].isalpha() or (text[start] == "(" and text[start + 1 : start + 2].isalpha())


def _line(text: str, tokens: Sequence[Cell | tuple[int, int]]) -> Line:
    cells: list[Cell] = []
    for token in reversed(tokens):
        if not isinstance(token, Cell):
            break
        cells.append(token)
    cells.reverse()
    spans = [(t.start, t.end) if isinstance(t, Cell) else t for t in tokens]
    words = spans[: len(tokens) - len(cells)]
    label = text[words[0][0] : words[-1][1]] if words else ""
    return Line(spans[0][0], spans[-1][1], " ".join(label.replace("|", " ").split()), tuple(cells))


_BRACKETS = re.compile(r"/?\([^()]*\)/?")
_TAIL = re.compile(
    r"\s(?:net of|less) (?:allowances?|accumulated|doubtful|reserves?|related|valuation).*|\s(?:including|inclusive of|excluding|exclusive of)\b.*|"
    r"\s(?:notes?|see note) \d.*|\s[-–—]$"
)
_SIGNS = re.compile(r"[^\w&%'/ ]+")


def plain(label: str) -> str:
    """Return a row label for comparing: lower case, without brackets, note numbers and marks of footnotes."""
    text = label.lower().replace("’", "'").replace("‘", "'")
    text = _BRACKETS.sub(" ", _BRACKETS.sub(" ", text))
    text = text.replace("&", " and ")
    text = " ".join(_SIGNS.sub(" ", text).split())
    text = re.sub(r"(?<=\w)'s?(?=\s|$)", "", text)
    cut = _TAIL.sub("", text)
    return (cut or text).strip(" /")
