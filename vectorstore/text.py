"""Sentences of a text with exact offsets: pure, standard library only.

Text from PDFs has hard-wrapped lines and no blank lines, text from the web has a paragraph a line, both have
headings, list items and table rows. So lines are first joined to units (a paragraph, a heading, a list
item, a table row), then each paragraph is split at the ends of its sentences.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from statistics import median

# A cell of a table row: a number with its signs, or a dash or mark that stands for one.
_NUMBER = re.compile(
    r"[-–—−+]?[$€£¥]?\(?[-–—−+]?[$€£¥]?(?:\d{1,3}(?:,\d{3})+|\d+)?(?:\.\d+|(?<=\d))"
    r"(?:[%)x]|bps|pts)*(?:\((?:[a-z]|\d{1,2})\)|[*†‡])*[)%]*"
)
_MARK = re.compile(r"[$€£¥%()|*†‡]+|[-–—−]+|N/?[AM]|n/[am]|nm|NM")
_DASH = re.compile(r"[-–—−]+|N/?[AM]|n/[am]|nm")
_LEADERS = re.compile(r"(?:\.{4,}|(?:\. ){3,}\.?|_{4,}|…{2,})\s*\S{0,6}$")
_BULLET = re.compile(r"(?:[•‣◦▪▫●○■□◆◇►▶➢✓✔·∙⁃\uf000-\uf0ff]+|[-–—*+](?=\s)|o(?=\s+[A-Z]))\s*")
_ENUMERATOR = re.compile(r"(?:\d{1,2}[.)]|[a-z][.)]|[A-Z]\)|[ivx]{1,5}[.)])\s+(?=\S)")
_PARENTHESISED = re.compile(r"\((?:\d{1,2}|[a-z]{1,2}|[ivx]{1,5}|[A-Z])\)\s+")
_HEADING = re.compile(
    r"#{1,6}\s|(?:PART|Part)\s+[IVX]+\b(?:[.,]?$|\s*[—–-])|(?:ITEM|Item)\s+\d{1,2}[A-C]?\s*[.:—–-]"
    r"|(?:NOTE|Note)\s+\d{1,2}\s*[.:—–-]"
)
_TERMINAL = re.compile(r"[.!?。！？…][\"'”’)\]]*(?:\(?\d{1,2}\)?)?$")
_LINE = re.compile(r"[^\n\r\f\v\x1c-\x1e\x85\u2028\u2029]+")
_NARROWEST = 45  # characters of a wrapped line, at least
_WORDISH = re.compile(r"\w")

# A possible end: the stop, closing quotes, a footnote mark; white space (none is needed after an East Asian stop).
_END = re.compile(
    r"(?<![.!?…])(?P<stop>[.!?…]++)(?P<close>[\"'”’)\]*_]*)(?P<note>(?:(?<=[a-z)”\"’]\.)|(?<=[a-z)”\"’][!?]))(?:\d{1,2}|\(\d{1,2}\)))?"
    r"(?=(?P<gap>\s+)(?P<next>\S+))|[。！？]+[」』”’）]*"
)


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_NEVER_ENDS = _words(
    """
    mr mrs ms mx dr prof gen sen rep gov col capt lt sgt rev hon messrs mt ft st vs v e.g i.e eg ie cf viz approx al
    ca resp incl excl
    """
)
_BEFORE_NUMBER = _words(
    """
    no nos fig figs sec secs art arts p pp vol ex par para ch app jan feb mar apr jun jul aug sep sept oct nov dec
    """
)
_MAY_END = _words(
    """
    inc corp ltd co llc cos plc etc jr sr bros est dept assn intl mfg l.p l.l.c l.l.p n.a n.v b.v s.a s.p.a a.g k.k a.s
    ph.d d.c m.d a.m p.m u.s u.k e.u u.n u.s.a u.s.c j.p b.a m.b.a int ave blvd bldg div mgmt avg min max
    """
)
_STARTERS = _words(
    """
    the this that these those it its in on at as for from to by with without and but or so yet if when while where
    since although though because before after during until unless however moreover furthermore therefore thus
    we our you your they their he his she her there here what which who how why one two three some many most each
    every both all any no not only also then under over between among despite given due based additionally
    meanwhile instead further finally first second third overall excluding including an a
    """
)
_LABELS = _words(
    """
    item items note notes part section sections exhibit rule rules article schedule figure table step
    """
)


@dataclass(slots=True)
class _Line:
    start: int
    end: int
    text: str
    row: bool
    weak: bool  # one number at its end: a row if a neighbour is one
    blank_before: bool
    item: int = 0  # characters of a list mark at its start
    bullet: bool = False


def _stops(line: _Line) -> bool:
    """Return whether a line ends as a sentence does."""
    return bool(_TERMINAL.search(line.text[-20:]))


def _row_strength(words: list[str]) -> int:
    """Return 2 for a table row, 1 for a line that is one beside another row, 0 for prose."""
    numbers = dashes = signs = used = 0
    last = ""
    for word in reversed(words):
        if _NUMBER.fullmatch(word) and any(map(str.isdigit, word)):
            numbers += 1
            last = last or word
        elif _MARK.fullmatch(word):
            if _DASH.fullmatch(word):
                dashes += 1
            elif word[0] in "$€£¥":
                signs += 1
        else:
            break
        used += 1
    if used == len(words) and (numbers or dashes):
        return 2
    if numbers >= 2 or dashes >= 2 or (numbers and (dashes or signs)):
        return 2
    return int(numbers == 1 and (not last.isdigit() or len(last) > 4))


def is_table_row(line: str) -> bool:
    """Return whether one line reads as a row: cells joined by "|", or two or more numbers at its end."""
    return " | " in line or _row_strength(line.split()) == 2


def _list_mark(line: str) -> tuple[int, bool]:
    mark = _BULLET.match(line)
    if mark:
        number = _ENUMERATOR.match(line, mark.end())
        return (number.end() if number else mark.end()), True
    mark = _ENUMERATOR.match(line)
    return (mark.end(), False) if mark else (0, False)


def _lines(text: str) -> list[_Line]:
    found: list[_Line] = []
    previous_end = 0
    for match in _LINE.finditer(text):
        raw = match.group()
        stripped = raw.strip()
        if not stripped:
            continue
        start = match.start() + len(raw) - len(raw.lstrip())
        gap = text[previous_end:start]
        blank = not found or gap.count("\n") + gap.count("\f") + gap.count("\u2029") > 1
        strength = 2 if " | " in stripped or _LEADERS.search(stripped[-40:]) else _row_strength(stripped.split())
        line = _Line(start, start + len(stripped), stripped, strength == 2, strength == 1, blank)
        if not line.row:
            line.item, line.bullet = _list_mark(stripped)
        found.append(line)
        previous_end = start + len(stripped)
    for index, line in enumerate(found):
        if line.weak and not _stops(line):
            before = index > 0 and not line.blank_before and found[index - 1].row
            after = index + 1 < len(found) and not found[index + 1].blank_before and found[index + 1].row
            line.row = before or after
    return found


def _opens_lower(line: _Line) -> bool:
    return line.text.lstrip("\"'“‘")[:1].islower()


def _widths(lines: list[_Line]) -> list[float]:
    """Return for each line how long a wrapped line is around it; 0 where no wrap is proven anywhere.

    A line break before a lower-case word, after no stop, is a wrap for certain.
    """
    proven: list[tuple[int, int]] = []
    for index, (line, following) in enumerate(pairwise(lines)):
        if (
            not line.row
            and not following.row
            and not following.blank_before
            and not following.item
            and _opens_lower(following)
            and not _stops(line)
        ):
            proven.append((index, len(line.text)))
    # Short lines beside each other (a cover, a signature block) are no paragraph.
    proven = [(index, length) for index, length in proven if length >= _NARROWEST]
    if not proven:
        return [0.0] * len(lines)
    overall = float(median(length for _, length in proven))
    result: list[float] = []
    low = 0
    for index in range(len(lines)):
        while low < len(proven) and proven[low][0] < index - 12:
            low += 1
        near = []
        at = low
        while at < len(proven) and proven[at][0] <= index + 12:
            near.append(proven[at][1])
            at += 1
        result.append(float(median(near)) if near else overall)
    return result


def _continues(line: _Line, following: _Line, width: float) -> bool:
    """Return whether the break between two prose lines is a wrap inside a paragraph."""
    if following.blank_before or _HEADING.match(line.text) or _HEADING.match(following.text):
        return False
    full = width > 0 and len(line.text) >= 0.8 * width
    if line.text.endswith(":"):
        return False
    stopped = _stops(line)
    if following.bullet or _PARENTHESISED.match(following.text):
        return False
    if following.item and (stopped or not full or line.item):
        return False
    if _opens_lower(following):
        # "growth.\nour view" stays one unit: the splitter decides.
        return True
    return full and width > 0


def _units(text: str) -> Iterator[tuple[int, int, bool]]:
    """Yield (start, end, whole): whole units are one span each, the others are split into sentences."""
    lines = _lines(text)
    widths = _widths(lines)
    index = 0
    while index < len(lines):
        line = lines[index]
        last = index
        if line.row:
            yield line.start, line.end, True
            index += 1
            continue
        while last + 1 < len(lines):
            following = lines[last + 1]
            if following.row:
                wrapped_label = (
                    last == index
                    and not following.blank_before
                    and not line.item
                    and _opens_lower(following)
                    and not _stops(line)
                    and not line.text.endswith(":")
                )
                if wrapped_label:
                    yield line.start, following.end, True
                    last = index = last + 1
                break
            if not _continues(lines[last], following, widths[last]):
                break
            last += 1
        if index == last and lines[last].row:
            index += 1
            continue
        yield line.start + line.item, lines[last].end, False
        index = last + 1


def _plain(word: str) -> str:
    return word.strip("\"'“”‘’()[]*_,;:.!?—–-").lower()


def _ends_sentence(text: str, start: int, match: re.Match[str]) -> bool:
    """Return whether a stop inside the unit that begins at ``start`` ends a sentence."""
    if match["stop"] is None:
        return True
    following = match["next"]
    bare = following.lstrip("\"'“”‘’([*_$€£¥•—–-")
    if bare and bare[0].islower():
        return False
    stop = match["stop"]
    if stop[0] != "." or len(stop) > 1:
        return not (stop.startswith("..") and len(stop) > 3)
    at = match.start()
    begin = at
    while begin > start and not text[begin - 1].isspace():
        begin -= 1
    word = text[begin:at].lstrip("\"'“”‘’([*_$")
    if not word:
        return False
    if match["close"] and match["close"][0] in "\"'”’)]":
        return word.lower() not in _NEVER_ENDS
    key = word.lower().rsplit("—", 1)[-1]
    starter = _plain(following) in _STARTERS and bare[:1].isupper()
    if len(word) == 1 and word.isupper():
        # An initial of a name; "Plan B. The" ends a sentence, "John A. Smith" does not.
        return starter and _plain(following) != "a"
    if key in _NEVER_ENDS:
        return False
    if key in _BEFORE_NUMBER:
        return not (bare[:1].isdigit() or following[0] in "(#")
    if key in _MAY_END:
        return starter
    if re.fullmatch(r"(?:[A-Za-z]\.)+[A-Za-z]", word):
        return starter
    if re.fullmatch(r"\(?(?:\d{1,2}[A-C]?|[ivxIVX]+)\)?", word):
        before = text[max(start, begin - 60) : begin].split()
        if not before:
            return False
        if before[-1].lower().strip('"“(') in _LABELS:
            return starter and len(before) > 1
    return True


def units(text: str) -> list[tuple[int, int, bool]]:
    """Return (start, end, whether it is a table row) of the paragraphs, headings, list items and rows of ``text``, in order.

    A list item begins after its mark; a row whose label is wrapped is one; every other character is white space.
    """
    return list(_units(text))


def sentences(text: str) -> list[tuple[int, int]]:
    """Return the spans (start, end) of the sentences of ``text``, in order, not overlapping, stripped.

    Headings, list items (without their mark) and table rows on lines of their own are spans of their own;
    hard-wrapped lines inside a paragraph are one span with the line break in it. A row whose label is
    wrapped is one span. Lines without a letter or digit are in no span.
    """
    spans: list[tuple[int, int]] = []

    def add(start: int, end: int) -> None:
        while start < end and text[start].isspace():
            start += 1
        while end > start and text[end - 1].isspace():
            end -= 1
        if start < end and _WORDISH.search(text, start, end):
            spans.append((start, end))

    for start, end, whole in _units(text):
        if whole:
            add(start, end)
            continue
        begin = start
        for match in _END.finditer(text, start, end):
            if match["gap"] is not None and match.end() + len(match["gap"]) >= end:
                continue
            if _ends_sentence(text, begin, match):
                add(begin, match.end())
                begin = match.end()
        add(begin, end)
    return spans
