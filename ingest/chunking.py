"""Documents to chunks: pure, with exact offsets, made of whole sentences and table rows.

The text is cut into zones that no chunk crosses (a page, a region of furniture), a zone into atoms (a sentence,
a heading, a table row), and atoms are packed up to the target size, cutting at the strongest break near it.
"""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from vectorstore.records import Chunk, Document, Role, Section, chunk_id
from vectorstore.text import is_table_row, sentences

CHUNKER_VERSION = "2"  # what a chunk is, and what of it is embedded
MAX_TOKENS = 256  # what the default model reads, special tokens included
TARGET_TOKENS = 200  # leaves room for a header (company, form, period) before the text
TARGET_CHARACTERS = 1000
_SMALLEST = 350  # characters: a section shorter than this shares a chunk with the next one
_SCRAP = 80  # characters
_SPECIAL = 2  # tokens that count_tokens adds to each text

_SLICE = 150  # characters of a word without end; at one token a character this is still under the target

TokenCounter = Callable[[Sequence[str]], Sequence[int]]

_LINE_PATTERN = re.compile(r"[^\n]+")
_WORD_PATTERN = re.compile(r"\S+")

# Strength of the break before an atom.
_INLINE, _ROW, _LINE, _PARAGRAPH, _SECTION = range(5)


@dataclass(frozen=True, slots=True)
class _Zone:
    start: int
    end: int
    page: int | None
    role: Role


@dataclass(frozen=True, slots=True)
class _Atom:
    start: int
    end: int  # without trailing white space
    strength: int
    heading: bool
    tokens: int = 0


def _zones(document: Document) -> Iterator[_Zone]:
    length = len(document.text)
    cuts = {0, length}
    for page in document.pages:
        cuts |= {page.start, page.end}
    for region in document.regions:
        cuts |= {region.start, region.end}
    ordered = sorted(cut for cut in cuts if 0 <= cut <= length)
    regions = sorted(document.regions, key=lambda r: r.start)
    at_region = 0
    for start, end in pairwise(ordered):
        while at_region < len(regions) and regions[at_region].end <= start:
            at_region += 1
        inside = at_region < len(regions) and regions[at_region].start <= start < regions[at_region].end
        role: Role = regions[at_region].tag if inside else "body"
        yield _Zone(start, end, document.page_at(start), role)


def _trim(text: str, start: int, end: int) -> tuple[int, int]:
    while start < end and text[start].isspace():
        start += 1
    while end > start and text[end - 1].isspace():
        end -= 1
    return start, end


def _atoms(text: str, zone: _Zone, ordered: Sequence[int], section_starts: frozenset[int]) -> list[_Atom]:
    """Return the atoms of a zone; ``ordered`` are the starts of the sections in order, ``section_starts`` as a set."""
    start, end = _trim(text, zone.start, zone.end)
    if start == end:
        return []
    part = text[start:end]
    spans = [(a + start, b + start) for a, b in sentences(part)]
    starts = [start]
    for a, _ in spans:
        # A list mark before the sentence on its line belongs to it.
        line = max(text.rfind("\n", starts[-1], a), text.rfind("\f", starts[-1], a)) + 1
        mark = text[line:a] if line > starts[-1] else ""
        cut = line + len(mark) - len(mark.lstrip()) if mark.strip() and len(mark) <= 12 else a
        if cut > starts[-1]:
            starts.append(cut)
    extra = ordered[bisect_right(ordered, start) : bisect_left(ordered, end)]
    starts = sorted({*starts, *extra})
    atoms: list[_Atom] = []
    was_row = False
    for a, following in zip(starts, [*starts[1:], end], strict=True):
        a, b = _trim(text, a, following)
        if a == b:
            continue
        gap = text[atoms[-1].end : a] if atoms else "\n\n"
        row = is_table_row(text[a:b])
        if a in section_starts:
            strength = _SECTION
        elif gap.count("\n") > 1 or "\f" in gap:
            strength = _PARAGRAPH
        elif "\n" not in gap:
            strength = _INLINE
        elif row and was_row:
            strength = _ROW
        else:
            strength = _LINE
        alone = following == end or "\n" in text[b : following + 1]
        short = b - a <= 120 and alone and not row and not re.search(r"[.!?;,][\"'”’)]*$", text[a:b])
        atoms.append(_Atom(a, b, strength, heading=short and strength >= _LINE))
        was_row = row
    return atoms


def _split_long(text: str, atom: _Atom, count_tokens: TokenCounter) -> list[_Atom]:
    """Return the pieces of an atom beyond the limits: its lines, else words, else parts of a word."""
    pieces = [(atom.start, atom.end)]
    for divide in (_lines, _words, _slices):
        counts = count_tokens([text[a:b] for a, b in pieces])
        divided: list[tuple[int, int]] = []
        for (a, b), count in zip(pieces, counts, strict=True):
            divided += [(a, b)] if _fits(b - a, count) else divide(text, a, b)
        pieces = divided
    counts = count_tokens([text[a:b] for a, b in pieces])
    return [
        _Atom(a, b, _INLINE if number else atom.strength, atom.heading and not number, count)
        for number, ((a, b), count) in enumerate(zip(pieces, counts, strict=True))
    ]


def _fits(characters: int, tokens: int) -> bool:
    return characters <= TARGET_CHARACTERS and tokens <= TARGET_TOKENS


def _lines(text: str, start: int, end: int) -> list[tuple[int, int]]:
    found = (_trim(text, m.start(), m.end()) for m in _LINE_PATTERN.finditer(text, start, end))
    return [(a, b) for a, b in found if a < b]


def _words(text: str, start: int, end: int) -> list[tuple[int, int]]:
    return [m.span() for m in _WORD_PATTERN.finditer(text, start, end)]


def _slices(text: str, start: int, end: int) -> list[tuple[int, int]]:
    """Return parts of a word, none of which begins with a combining mark."""
    cuts = [start]
    while end - cuts[-1] > _SLICE:
        cut = cuts[-1] + _SLICE
        while cut > cuts[-1] + 1 and unicodedata.combining(text[cut]):
            cut -= 1
        cuts.append(cut)
    return list(pairwise([*cuts, end]))


def _pack(atoms: list[_Atom]) -> Iterator[list[_Atom]]:
    """Yield the atoms of each chunk of a zone."""
    begin = 0
    while begin < len(atoms):
        end = begin
        tokens = _SPECIAL
        while end < len(atoms):
            atom = atoms[end]
            tokens += max(atom.tokens - _SPECIAL, 0)
            if end > begin:
                size = atom.end - atoms[begin].start
                if size > TARGET_CHARACTERS or tokens > TARGET_TOKENS:
                    break
                if atom.strength == _SECTION and atoms[end - 1].end - atoms[begin].start >= _SMALLEST:
                    break
            end += 1
        if _is_tail(atoms, begin, end, tokens):
            end = len(atoms)
        if end < len(atoms) and atoms[end].strength != _SECTION:
            end = _best_cut(atoms, begin, end)
        # A heading goes with what follows it.
        cut = end
        while cut < len(atoms) and cut - 1 > begin and atoms[cut - 1].heading:
            cut -= 1
        if cut - 1 >= begin and (cut == end or not atoms[cut - 1].heading):
            end = cut
        yield atoms[begin:end]
        begin = end


def _is_tail(atoms: list[_Atom], begin: int, end: int, tokens: int) -> bool:
    """Return whether what is left of the zone is a scrap (a page number) that still fits beside atoms begin..end."""
    if (
        end == len(atoms)
        or atoms[-1].end - atoms[end].start > _SCRAP
        or any(a.strength == _SECTION for a in atoms[end:])
    ):
        return False
    # ``tokens`` counts one atom beyond ``end`` already.
    total = tokens + sum(max(a.tokens - _SPECIAL, 0) for a in atoms[end + 1 :])
    return total <= TARGET_TOKENS + _SCRAP // 4


def _best_cut(atoms: list[_Atom], begin: int, end: int) -> int:
    """Return the cut in the last 40% before ``end`` with the strongest break; the latest of equals."""
    full = atoms[end - 1].end - atoms[begin].start
    best, best_score = end, -1.0
    for cut in range(end, begin, -1):
        size = atoms[cut - 1].end - atoms[begin].start
        if size < 0.6 * full:
            break
        score = atoms[cut].strength - 4.0 * (full - size) / max(full, 1)
        if score > best_score:
            best, best_score = cut, score
    return best


def _label_offset(atoms: list[_Atom]) -> int:
    """Return where to look up a chunk's section: at the last one that starts in its first third."""
    start, end = atoms[0].start, atoms[-1].end
    early = [a.start for a in atoms if a.strength == _SECTION and a.start - start <= (end - start) / 3]
    return early[-1] if early else start


def _paths(sections: Sequence[Section], offsets: list[int]) -> list[str]:
    """Return the path of headings at each offset (ascending)."""
    ordered = sorted(sections, key=lambda s: (s.start, s.level))
    result: list[str] = []
    active: list[Section] = []
    at = 0
    for offset in offsets:
        while at < len(ordered) and ordered[at].start <= offset:
            active.append(ordered[at])
            at += 1
        active = [section for section in active if section.end > offset]
        titles: list[str] = []
        for section in sorted(active, key=lambda s: (s.level, s.start)):
            if not titles or titles[-1] != section.title:
                titles.append(section.title)
        result.append(" > ".join(titles))
    return result


def chunk(document: Document, count_tokens: TokenCounter) -> tuple[Chunk, ...]:
    """Return the chunks of ``document`` in order, none over MAX_TOKENS as ``count_tokens`` counts.

    ``count_tokens`` takes texts and returns their token counts with the special tokens. All text but white space is
    in exactly one chunk; no chunk crosses a page or the edge of a region.
    """
    text = document.text
    section_starts = frozenset(section.start for section in document.sections)
    ordered = sorted(section_starts)
    by_zone = [(zone, _atoms(text, zone, ordered, section_starts)) for zone in _zones(document)]
    flat = [atom for _, atoms in by_zone for atom in atoms]
    counts = iter(count_tokens([text[a.start : a.end] for a in flat]) if flat else [])
    spans: list[tuple[int, int, int, _Zone]] = []
    for zone, atoms in by_zone:
        sized: list[_Atom] = []
        for atom in atoms:
            tokens = next(counts)
            if _fits(atom.end - atom.start, tokens):
                sized.append(_Atom(atom.start, atom.end, atom.strength, atom.heading, tokens))
            else:
                sized += _split_long(text, atom, count_tokens)
        spans.extend((packed[0].start, packed[-1].end, _label_offset(packed), zone) for packed in _pack(sized))
    spans = _enforce(text, spans, count_tokens)
    labels = _paths(document.sections, [label for _, _, label, _ in spans])
    return tuple(
        Chunk(
            chunk_id(document.document_id, document.version, start, end),
            document.document_id,
            document.version,
            start,
            end,
            text[start:end],
            zone.page,
            label,
            zone.role,
        )
        for (start, end, _, zone), label in zip(spans, labels, strict=True)
    )


def _enforce(
    text: str, spans: list[tuple[int, int, int, _Zone]], count_tokens: TokenCounter
) -> list[tuple[int, int, int, _Zone]]:
    """Halve what is still over the limit (a tokenizer need not be additive), until nothing is."""
    counts = count_tokens([text[start:end] for start, end, _, _ in spans]) if spans else []
    result: list[tuple[int, int, int, _Zone]] = []
    for span, count in zip(spans, counts, strict=True):
        start, end, label, zone = span
        if count <= MAX_TOKENS or end - start <= 1:
            result.append(span)
            continue
        middle = (start + end) // 2
        space = max(text.rfind("\n", start + 1, middle), text.rfind(" ", start + 1, middle))
        cut = space if space > start else middle
        halves = [_trim(text, a, b) for a, b in ((start, cut), (cut, end))]
        result += _enforce(
            text, [(a, b, max(label, a) if label < b else a, zone) for a, b in halves if a < b], count_tokens
        )
    return result
