"""HTML to text in reading order: a block a paragraph, a table row a line, with what the mark-up says of itself.

Text that a reader of the page would not see (it may be meant for a language model) is left out and counted.
"""

from __future__ import annotations

import re
from types import MappingProxyType
from typing import Any

from lxml import etree

from ingest.readers import _edgar
from ingest.readers._headings import structural
from ingest.readers._htmlmeta import embedded_of
from ingest.readers._htmltable import rows_of
from ingest.readers._model import Heading, Reading, clean, nest
from vectorstore.errors import ReadError
from vectorstore.records import Furniture, Region

_DROPPED = frozenset(
    """
    head script style noscript template svg math iframe object embed canvas select option datalist textarea audio video
    map ix:header ix:hidden ix:resources
    """.split()  # noqa: SIM905 - sixty names read best as words
)
_PARAGRAPHS = frozenset(
    """
    p div h1 h2 h3 h4 h5 h6 table ul ol dl blockquote section article main header footer nav aside figure pre form fieldset
    hr body center address details page text
    """.split()  # noqa: SIM905
)
_LINES = frozenset(("li", "dt", "dd", "tr", "br", "figcaption", "caption", "summary", "legend"))
_NAVIGATION_TAGS = frozenset(("nav", "footer", "aside"))
_NAVIGATION_ROLES = frozenset(("navigation", "banner", "contentinfo", "complementary", "search", "menu", "menubar"))
_COOKIE = re.compile(r"(?:^|[\s_-])(?:cookie|consent|gdpr)(?:s|[\s_-]|banner|bar|notice|$)", re.I)
_HIDDEN_STYLE = re.compile(
    r"display\s*:\s*none|visibility\s*:\s*(?:hidden|collapse)|font-size\s*:\s*0(?:px|pt|em|rem|%)?\s*(?:;|!|$)"
    r"|opacity\s*:\s*0(?:\.0+)?\s*(?:;|!|$)",
    re.I,
)
_IN_LINE = re.compile(r"</?(?:font|b|i|u|em|strong|span|small|big|a|tt|ins|del)(?:\s[^<>]*)?>", re.IGNORECASE)
_SPACE = re.compile(r"\s+")
_INVISIBLE = re.compile("[\u200b-\u200f\u2060\ufeff\xad]")


class _Writer:
    """Collects text with white space collapsed, and knows how long it is so far."""

    def __init__(self) -> None:
        self.parts: list[str] = []
        self.length = 0
        self._breaks = 0
        self._space = False

    def text(self, value: str) -> None:
        value = _SPACE.sub(" ", _INVISIBLE.sub("", value))
        if not value:
            return
        if value[0] == " ":
            self._space = True
            value = value[1:]
        if not value:
            return
        trailing = value[-1] == " "
        self._emit(value.rstrip(" "))
        self._space = trailing

    def verbatim(self, value: str) -> None:
        for index, line in enumerate(value.split("\n")):
            if index:
                self.lines(1)
            if line.strip():
                self._emit(line.rstrip())

    def _emit(self, value: str) -> None:
        if self._breaks:
            lead = "\n" * self._breaks if self.length else ""
        else:
            lead = " " if self._space and self.length else ""
        self._breaks, self._space = 0, False
        self.parts.append(lead + value)
        self.length += len(lead) + len(value)

    def lines(self, count: int) -> None:
        self._breaks = max(self._breaks, count)
        self._space = False

    def upcoming(self) -> int:
        """Return where the next text will start."""
        if not self.length:
            return 0
        return self.length + (self._breaks or int(self._space))


def _name(element: Any) -> str:
    tag = element.tag
    if not isinstance(tag, str):
        return ""
    return tag.rsplit("}", 1)[-1].lower()


def _is_hidden(element: Any) -> bool:
    get = element.get
    if get("hidden") is not None and get("hidden") != "until-found":
        return True
    style = get("style")
    return bool(style and _HIDDEN_STYLE.search(style))


def _navigation_tag(element: Any, name: str) -> Furniture | None:
    label = f"{element.get('id') or ''} {element.get('class') or ''}"
    if name not in {"html", "body", "main", "article"} and _COOKIE.search(label):
        return "cookie"
    if name in _NAVIGATION_TAGS or (element.get("role") or "").lower() in _NAVIGATION_ROLES:
        return "navigation"
    return None


class _Renderer:
    def __init__(self) -> None:
        self.out = _Writer()
        self.headings: list[Heading] = []
        self.regions: list[Region] = []
        self.hidden_blocks = 0
        self.hidden_characters = 0

    def render(self, root: Any) -> None:
        """Walk the tree with an explicit stack: depth costs no recursion."""
        out = self.out
        skip: Any = None
        opened: list[tuple[Any, int, Furniture]] = []
        counters: list[int | None] = []
        heading: tuple[Any, int] | None = None
        pre = 0
        for event, element in etree.iterwalk(root, events=("start", "end", "comment", "pi")):
            if event in {"comment", "pi"}:
                if skip is None and element.tail:
                    self._text(element.tail, pre)
                continue
            name = _name(element)
            if event == "start":
                if skip is not None:
                    continue
                if name in _DROPPED:
                    skip = element
                    continue
                if _is_hidden(element):
                    self._count_hidden(element)
                    skip = element
                    continue
                if name in _PARAGRAPHS:
                    out.lines(2)
                elif name in _LINES:
                    out.lines(1)
                tag = _navigation_tag(element, name)
                if tag and not opened:
                    opened.append((element, out.upcoming(), tag))
                if name == "table":
                    rows = rows_of(element, _is_hidden, _DROPPED)
                    if rows is not None:
                        for row in rows:
                            out.lines(1)
                            out.text(row)
                        out.lines(2)
                        self._count_hidden_inside(element)
                        skip = element
                        continue
                elif name == "td":
                    out.lines(1)
                elif name in {"ul", "ol"}:
                    counters.append(0 if name == "ol" else None)
                elif name == "li":
                    self._bullet(counters)
                elif len(name) == 2 and name[0] == "h" and name[1] in "123456" and heading is None:
                    heading = (element, out.upcoming())
                elif name == "pre":
                    pre += 1
                if element.text:
                    self._text(element.text, pre)
                continue
            # end
            if skip is not None:
                if element is not skip:
                    continue
                skip = None
            else:
                if name == "pre":
                    pre -= 1
                elif name in {"ul", "ol"} and counters:
                    counters.pop()
                if heading and heading[0] is element:
                    self._heading(heading[1], int(name[1]))
                    heading = None
            if opened and opened[-1][0] is element:
                _, start, tag = opened.pop()
                if out.length > start:
                    self.regions.append(Region(start, out.length, tag))
            if name in _PARAGRAPHS:
                out.lines(2)
            elif name in _LINES:
                out.lines(1)
            if element is not root and element.tail:
                self._text(element.tail, pre)

    def _text(self, value: str, pre: int) -> None:
        if pre:
            self.out.verbatim(_INVISIBLE.sub("", value))
        else:
            self.out.text(value)

    def _bullet(self, counters: list[int | None]) -> None:
        counter = counters[-1] if counters else None
        if counter is None:
            self.out.text("• ")
        else:
            counters[-1] = counter + 1
            self.out.text(f"{counter + 1}. ")

    def _heading(self, start: int, level: int) -> None:
        if self.out.length > start:
            self.headings.append(Heading(start, "", level))

    def _count_hidden(self, element: Any) -> None:
        # Inline XBRL hides its facts in a block of its own: expected, no reason to warn.
        # The elements themselves: the id of one that nothing holds is soon that of another.
        dropped = {d for e in element.iter() if _name(e) in _DROPPED for d in e.iter()}
        count = sum(
            len((e.text or "").strip() if isinstance(e.tag, str) else "")
            + (len((e.tail or "").strip()) if e is not element else 0)
            for e in element.iter()
            if e not in dropped and not _name(e).startswith("ix:")
        )
        if count:
            self.hidden_blocks += 1
            self.hidden_characters += count

    def _count_hidden_inside(self, table: Any) -> None:
        walk = etree.iterwalk(table, events=("start",))
        for _, element in walk:
            if element is not table and _is_hidden(element):
                self._count_hidden(element)
                walk.skip_subtree()


def _parse(text: str, name: str) -> Any:
    """Return the tree. The parser stops without a word at a depth of 2048, so its log is asked."""
    for attempt in (text, None):
        # Old pages never close their fonts: without in-line marks their depth is that of their blocks.
        page = attempt if attempt is not None else _IN_LINE.sub("", text)
        # For HTML a huge tree lifts limits of size only: it declares no entities that could grow.
        parser = etree.HTMLParser(encoding="utf-8", no_network=True, huge_tree=True, remove_pis=True, recover=True)
        try:
            root = etree.fromstring(page.encode("utf-8", errors="replace"), parser)
        except (etree.XMLSyntaxError, ValueError, AssertionError) as error:
            raise ReadError(f"{name} cannot be parsed as HTML ({error}).", "Save it again from a browser.") from error
        if not any(entry.type_name == "ERR_RESOURCE_LIMIT" for entry in parser.error_log):
            break
    else:
        raise ReadError(f"{name} nests its elements too deeply to be read.", "Save the page as PDF or text.")
    if root is None:
        raise ReadError(f"{name} holds no HTML elements.", "Save it again from a browser.")
    return root


def _read_page(text: str, name: str) -> Reading:
    root = _parse(text, name)
    renderer = _Renderer()
    renderer.render(root)
    result = clean("".join(renderer.out.parts))
    headings = [
        Heading(
            h.start, " ".join(result[h.start : result.find("\n", h.start) % (len(result) + 1)].split())[:160], h.level
        )
        for h in renderer.headings
    ]
    warnings: tuple[str, ...] = ()
    if renderer.hidden_characters:
        warnings = (
            f"{renderer.hidden_characters} characters of hidden text in {renderer.hidden_blocks} places were left out.",
        )
    found = structural(result)
    return Reading(
        result,
        "text/html",
        sections=nest(found if len(found) > len(headings) else headings, len(result)),
        embedded=MappingProxyType(embedded_of(root)),
        navigation=tuple(renderer.regions),
        warnings=warnings,
    )


def read_html(text: str, name: str) -> Reading:
    """Return the reading of an HTML page or of an EDGAR submission that holds some. Raises ReadError."""
    text = clean(text)
    submission = _edgar.unwrap(text)
    if submission is None:
        return _read_page(text, name)
    readings: list[Reading] = []
    for body in submission.bodies:
        if re.search(r"<(?:html|body|p|div|table)\b", body, re.I):
            readings.append(_read_page(body, name))
        else:
            plain = body.strip("\n")
            readings.append(Reading(plain, "text/plain", sections=nest(structural(plain), len(plain))))
    return _edgar.join(submission, readings)
