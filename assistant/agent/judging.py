"""A sentence of the model against what it cites: the verdict, and the citation narrowed to the sentences that bear it.

Pure but for the check itself, which is handed in.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

from assistant import evidence
from assistant.agent.context import Desk, Figure, Quoted, Reading, orders
from assistant.agent.reading import Piece
from assistant.compose import Span
from assistant.lexicon import keys
from assistant.models import Claim, Number, ToolResult, Verdict
from assistant.numbers import quantities
from vectorstore.records import Passage
from vectorstore.text import is_table_row


# A check of one sentence (assistant.grounding.check): its numbers are traced to S1, S2, … and T1, T2, … in the order given.
class Check(Protocol):
    def __call__(
        self,
        claim: str,
        evidence: Sequence[str],
        tool_results: Sequence[ToolResult] = (),
        *,
        context: Sequence[str] = (),
    ) -> Claim: ...


# A line above a table's rows: the years of its columns, or the scale of its figures.
_TABLE_HEAD = re.compile(r"(?:19|20)\d\d\D{1,20}(?:19|20)\d\d|\bin (?:thousands|millions|billions)\b", re.I)
log = logging.getLogger(__name__)
TRIED = 3  # sentences of the cited passages that are tried alone, and then together
FOUND_BY_US = "the model named no source; this one was found among its passages and says it"
NO_SOURCE = "no source is cited, and no passage given to the model says this"


@dataclass(frozen=True, slots=True)
class Judged:
    """A sentence with its verdict; ``numbers`` are traced to the keys of ``spans`` and to tool ids."""

    piece: Piece
    verdict: Verdict
    score: float
    reason: str
    spans: Mapping[str, Span] = field(default_factory=dict)
    tools: tuple[str, ...] = ()
    numbers: tuple[Number, ...] = ()

    @property
    def supported(self) -> bool:
        return self.verdict == "supported"


@dataclass(frozen=True, slots=True)
class _Candidate:
    span: Span
    text: str  # with the head of its table, for a row
    overlap: float
    context: tuple[str, ...] = ()  # what the document says of itself, and the sentence that it leans on


def judge(piece: Piece, desk: Desk, check: Check) -> Judged:
    """Return the verdict on one sentence."""
    cited = [desk.held[name] for name in piece.ids if name in desk.held]
    if not cited:
        return _uncited(piece, desk, check)
    quoted = [e for e in cited if isinstance(e, Quoted)]
    figures = [e for e in cited if isinstance(e, Figure)]
    results = {name: e.result for name in piece.ids if isinstance(e := desk.held.get(name), Reading)}
    ranked = candidates(piece.text, quoted)
    best = ranked[:TRIED]
    if results or figures:
        lines = [c for figure in figures for c in _lines(figure)]
        found = _check(piece, lines, check, results, figures)
        if not found.supported and best:
            found = _check(piece, [*lines, *best], check, results, figures)
        return found
    alone = [j for c in best if (j := _check(piece, [c], check)).supported]
    if alone:
        # One span a passage that says all of it: a second passage that the model cites and that says it too stays.
        firsts = {next(iter(j.spans.values())).chunk_id: j for j in reversed(alone)}
        chosen = [c for c in best if any(key_of(c.span) in j.spans for j in firsts.values())]
        joint = _check(piece, chosen, check) if len(chosen) > 1 else alone[0]
        return joint if joint.supported else alone[0]
    for count in range(2, len(best) + 1):
        found = _check(piece, best[:count], check)
        if found.supported:
            return _narrowed(found)
    found = _check(piece, [_whole(e) for e in quoted], check)
    if found.supported:
        return _narrowed(found)
    # What the model cites is shown even so: the sentence of each passage that comes nearest.
    nearest = {c.span.chunk_id: c for c in reversed(ranked)}
    return replace(found, spans={key_of(c.span): c.span for c in nearest.values()}, numbers=_untraced(found.numbers))


def _uncited(piece: Piece, desk: Desk, check: Check) -> Judged:
    plain = _check(piece, [], check)
    if plain.verdict == "unchecked":
        return plain
    ranked = candidates(piece.text, [e for _, e in desk.passages()])[:TRIED]
    tried = [[c] for c in ranked if c.overlap > 0]
    tried += [_lines(e) for e in list(desk.held.values()) if isinstance(e, Figure)]
    figures = [e for e in list(desk.held.values()) if isinstance(e, Figure)]
    for some in tried:
        found = _check(piece, some, check, figures=figures)
        if found.supported:
            return replace(found, reason=FOUND_BY_US)
    return replace(plain, verdict="unsupported", reason=NO_SOURCE, numbers=_untraced(plain.numbers))


def _check(
    piece: Piece,
    chosen: Sequence[_Candidate],
    check: Check,
    results: Mapping[str, ToolResult] | None = None,
    figures: Sequence[Figure] = (),
) -> Judged:
    """Check a sentence against chosen spans and tool results; trace its numbers to their keys and ids."""
    results = results or {}
    context = tuple(dict.fromkeys(text for c in chosen for text in c.context))
    unmarked = [r.model_copy(update={"marker": ""}) for r in results.values()]
    try:
        found = check(piece.text, [c.text for c in chosen], unmarked, context=context)
    except Exception as error:
        # One sentence that the check cannot read must not cost the whole answer; it stays, and is shown as unchecked.
        log.exception("a sentence could not be checked")
        found = Claim(text=piece.text, start=0, end=0, reason=f"the check broke off ({type(error).__name__})")
    named = {f"S{i}": key_of(c.span) for i, c in enumerate(chosen, start=1)}
    named |= {f"T{i}": name for i, name in enumerate(results, start=1)}
    known = {(n.value, n.unit): n.derivation for figure in figures for n in figure.claim.numbers if n.derivation}
    numbers = tuple(
        n.model_copy(
            update={
                "traced_to": tuple(dict.fromkeys(named[m] for m in n.traced_to if m in named)),
                # The arithmetic of a figure that code worked out goes on beside the number that takes it over.
                "derivation": n.derivation or known.get((n.value, n.unit)),
            }
        )
        for n in found.numbers
    )
    spans = {key_of(c.span): c.span for c in chosen}
    return Judged(piece, found.verdict, found.score, found.reason, spans, tuple(results), numbers)


def _narrowed(found: Judged) -> Judged:
    """Leave out the spans that no number of a supported claim stands in, where its numbers tell."""
    named = {key for number in found.numbers for key in number.traced_to}
    used = {key: span for key, span in found.spans.items() if key in named}
    return replace(found, spans=used) if used and all(n.traced_to for n in found.numbers) else found


def _untraced(numbers: Sequence[Number]) -> tuple[Number, ...]:
    return tuple(n.model_copy(update={"traced_to": (), "derivation": None}) for n in numbers)


def key_of(span: Span) -> str:
    return f"{span.document.document_id} {span.start} {span.end}"


def about(passage: Passage) -> tuple[str, ...]:
    """Return what a passage's document says of itself and is needed to read a sentence of it: title, company, period, section."""
    meta = passage.metadata
    parts = (meta.title, meta.company, meta.ticker, meta.fiscal_period, passage.chunk.section.rsplit(" > ", 1)[-1])
    return tuple(dict.fromkeys(" ".join(part.split()) for part in parts if part))


def candidates(text: str, quoted: Iterable[Quoted]) -> list[_Candidate]:
    """Return the sentences of passages, those that share most with ``text`` first: its figures count most."""
    wanted = keys(text)
    figures = {_digits(q.text) for q in quantities(text)}
    out: list[_Candidate] = []
    for item in quoted:
        passage, document = item.passage, item.document
        chunk = passage.chunk
        if chunk.role != "body":
            out.append(_whole(item))
            continue
        head = ""
        for sentence in _statements(item):
            row = is_table_row(sentence.text)
            if not row:
                head = sentence.text if _TABLE_HEAD.search(sentence.text) else ""
            shared = wanted & keys(sentence.text)
            same = figures & {_digits(q.text) for q in quantities(sentence.text)}
            overlap = len(shared) / max(len(wanted), 1) + 2.0 * len(same) / max(len(figures), 1)
            if sentence.heading:
                overlap -= 0.2
            context = about(passage)
            if sentence.before:
                context += (evidence.fold(document.text[slice(*sentence.before)]),)
            span = Span(document, sentence.start, sentence.end, chunk.chunk_id)
            shown = f"{head}\n{sentence.text}" if row and head else sentence.text
            out.append(_Candidate(span, shown, overlap, context))
    return sorted(out, key=lambda c: (-c.overlap, c.span.document.document_id, c.span.start))


def _statements(item: Quoted) -> list[evidence.Sentence]:
    """Return the sentences of a passage that tell something: an order to a model does not, nor what follows it in its paragraph."""
    out: list[evidence.Sentence] = []
    text, ordered, last = item.document.text, False, item.passage.chunk.start
    for sentence in evidence.split(item.passage, item.document):
        ordered = (ordered and not re.search(r"\n\s*\n", text[last : sentence.start])) or orders(
            text[sentence.start : sentence.end]
        )
        last = sentence.end
        if not ordered:
            out.append(sentence)
    return out


def _digits(text: str) -> str:
    return re.sub(r"[^\d.]", "", text).strip(".")


def _whole(item: Quoted) -> _Candidate:
    chunk, document = item.passage.chunk, item.document
    start = chunk.start + len(chunk.text) - len(chunk.text.lstrip())
    end = start + len(chunk.text.strip())
    span = Span(document, start, end, chunk.chunk_id)
    shown = document.text[start:end]
    if orders(shown):
        shown = "\n".join(s.text for s in _statements(item))
    return _Candidate(span, shown, 0.0, about(item.passage))


def _lines(figure: Figure) -> list[_Candidate]:
    """Return the rows behind a line that code read or worked out; the first carries the line itself."""
    out = []
    for number, span in enumerate(figure.spans):
        meta = span.document.metadata
        context = tuple(part for part in (meta.title, meta.company, meta.fiscal_period) if part)
        quote = span.document.text[span.start : span.end]
        out.append(_Candidate(span, f"{figure.claim.text}\n{quote}" if number == 0 else quote, 0.0, context))
    return out
