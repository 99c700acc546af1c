"""From the model's sentences to an Answer: each checked, the failed ones sent back once, the text composed. No I/O of its own."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from assistant.agent.context import Desk, Evidence, Figure, Quoted, Reading, neutral
from assistant.agent.judging import Check, Judged, judge
from assistant.agent.reading import Correction, Piece, Reader
from assistant.compose import Span, Writer
from assistant.lexicon import keys
from assistant.models import Answer, Claim, Number, Status, ToolResult
from assistant.numbers import quantities
from assistant.question import Question, part
from assistant.retrieval import says
from vectorstore.records import Document, Passage, SourceInfo

MOST_FAILED = 20  # sentences that one repair may hold
# Words that label a list and state nothing.
_LABELS = keys(
    "answer summary overview key point points main reasons reason risks risk arguments argument case bull bear pros cons for "
    "against positive negative figures sources source notes note here following from passages documents base other also"
)
_ASKS = re.compile(
    r"(?:and|or|but|also|,|\s)*(?:(?:at|by|in|from|to|for|of|on) )?(?:what|how|which|who|whom|whose|when|where|why|do|does|did|is|are|was|were|"
    r"has|have|had|can|could|will|would|should)\b",
    re.I,
)
_DECLINES = re.compile(
    r"\b(?:I(?:’m|'m| am) (?:sorry|unable|not able)|I (?:can(?:no|’|')?t|cannot|won(?:’|')t|will not) (?:help|assist|answer|provide|comply|"
    r"discuss|do|share)|as an AI)\b",
    re.I,
)


@dataclass
class Draft:
    """The answer as it grows: its pieces in order, each claim with its verdict."""

    desk: Desk
    check: Check
    question: Question
    parts: list[Judged | Piece] = field(default_factory=list)
    told: set[str] = field(default_factory=set)  # sentences that were given out
    withdrawn: int = 0
    seconds: float = 0.0  # spent on checks

    def take(self, piece: Piece) -> Judged | None:
        """Add a piece; return its verdict where it claims something."""
        if piece.kind == "heading" and not self._only_labels(piece.text):
            piece = replace(piece, kind="claim", lead="\n\n")
        if piece.kind != "claim":
            self.parts.append(piece)
            return None
        if any(isinstance(p, Judged) and p.piece.text == piece.text for p in self.parts):
            return None  # said already
        judged = self._judge(piece)
        self.parts.append(judged)
        return judged

    def claims(self) -> list[Judged]:
        return [p for p in self.parts if isinstance(p, Judged)]

    def supported(self) -> list[Judged]:
        return [p for p in self.claims() if p.supported]

    def failed(self) -> list[Judged]:
        return [p for p in self.claims() if p.verdict in {"unsupported", "contradicted"}][:MOST_FAILED]

    def lacking(self) -> list[str]:
        """Return what the model says it does not find, in the question's words or in ours."""
        asked = keys(self.question.text)
        out = []
        for piece in self.parts:
            if isinstance(piece, Piece) and piece.kind == "lacking":
                own = piece.text and keys(piece.text) <= asked | _LABELS and len(piece.text) < 300
                out.append(
                    f"The passages do not hold: {piece.text.rstrip('.?')}."
                    if own
                    else "The passages do not hold a part of what is asked."
                )
        return list(dict.fromkeys(out))

    def keep_supported(self) -> None:
        """Drop what was said before a search and is no checked claim: it was thinking, not the answer."""
        self.parts = [p for p in self.parts if isinstance(p, Judged) and p.supported]

    def declines(self) -> bool:
        claims = self.claims()
        return bool(claims) and not self.supported() and bool(_DECLINES.search(claims[0].piece.text))

    def mend(self, failed: Sequence[Judged], found: Mapping[int, Correction]) -> None:
        """Put corrections in the place of the sentences that failed, each checked like any other."""
        for number, old in enumerate(failed, start=1):
            correction = found.get(number)
            if correction is None:
                continue
            at = next(i for i, p in enumerate(self.parts) if p is old)
            if correction.withdrawn:
                self.withdrawn += 1
                self.parts[at : at + 1] = []
                continue
            leads = (old.piece.lead, *[" "] * len(correction.pieces))
            new = [self._judge(replace(p, lead=lead)) for p, lead in zip(correction.pieces, leads, strict=False)]
            self.parts[at : at + 1] = new

    def _judge(self, piece: Piece) -> Judged:
        begun = time.perf_counter()
        judged = judge(piece, self.desk, self.check)
        self.seconds += time.perf_counter() - begun
        return judged

    def _only_labels(self, text: str) -> bool:
        """Whether a heading has no word of its own: each stands in the question or in what the model was shown."""
        if len(text.split()) > 8 or any(q.unit != "year" for q in quantities(text)):
            return False
        words = keys(text) - _LABELS - keys(self.question.text)
        return not words or any(
            words <= keys(e.passage.chunk.text + " " + (e.passage.metadata.title or ""))
            for _, e in self.desk.passages()
        )


def first_evidence(
    passages: Sequence[Quoted],
    claims: Sequence[Claim],
    span_of: Callable[[str], Span | None],
    results: Sequence[ToolResult] = (),
) -> Iterator[Evidence]:
    """Return what the model is shown at first: live metrics, lines that code read or worked out, then the passages."""
    for result in results:
        yield Reading(result.model_copy(update={"marker": ""}))
    for claim in claims:
        if claim.verdict == "supported" and claim.reason != "verbatim":
            spans = tuple(s for m in claim.markers if (s := span_of(m)) is not None)
            if spans:
                yield Figure(claim, spans)
    yield from passages


def failed_list(failed: Sequence[Judged]) -> str:
    """Return the sentences that failed as the repair shows them."""
    lines = []
    for number, judged in enumerate(failed, start=1):
        cited = " ".join(f"[{name}]" for name in judged.piece.ids)
        lines.append(f"{number}: {judged.piece.text} {cited}".rstrip() + f"\n   Reason: {neutral(judged.reason)}")
    return "\n".join(lines)


@dataclass(frozen=True, slots=True)
class Composed:
    """The text of an answer with all that hangs on it."""

    writer: Writer
    tools: tuple[ToolResult, ...]
    status: Status
    shortfalls: tuple[str, ...]


def compose(draft: Draft, *, sources: Sequence[SourceInfo], complete: bool) -> Composed:
    """Write the answer. ``complete``: the model came to its end; else the answer is partial at best."""
    writer = Writer()
    results = dict(draft.desk.tools())
    markers: dict[str, str] = {}
    previous: Judged | Piece | None = None
    parts = _without_idle_headings(draft.parts)
    for item in parts:
        piece = item.piece if isinstance(item, Judged) else item
        if piece.kind == "lacking":
            continue
        if writer.length:
            follows = isinstance(previous, Piece) or previous is None
            before = previous.piece.lead if isinstance(previous, Judged) else ""
            if piece.lead == " " and not follows:
                writer.write(" ")
            elif piece.lead == "- " and before == "- ":
                writer.write("\n")
            else:
                writer.write("\n\n")
        if isinstance(item, Piece):
            writer.write(f"**{item.text}**")
        else:
            if piece.lead == "- ":
                writer.write("- ")
            for name in item.tools:
                markers.setdefault(name, f"T{len(markers) + 1}")
            _write_claim(writer, item, markers)
        previous = item
    for name in results:
        markers.setdefault(name, f"T{len(markers) + 1}")
    shortfalls = [*draft.lacking(), *unanswered(draft.question, draft.supported(), sources)]
    supported = bool(draft.supported())
    status: Status = (
        "insufficient_evidence" if not supported else "answered" if complete and not shortfalls else "partial"
    )
    for lack in shortfalls if supported else ():
        writer.write("\n\n" + lack)
    shown = sorted(results, key=lambda name: int(markers[name][1:]))
    tools = tuple(results[name].result.model_copy(update={"marker": markers[name]}) for name in shown)
    return Composed(writer, tools, status, tuple(shortfalls))


def _write_claim(writer: Writer, judged: Judged, tools: Mapping[str, str]) -> None:
    names = {key: writer.mark(span) for key, span in judged.spans.items()} | dict(tools)
    numbers: list[Number] = []
    for number in judged.numbers:
        traced = tuple(dict.fromkeys(names[key] for key in number.traced_to if key in names))
        numbers.append(number.model_copy(update={"traced_to": traced}))
    writer.claim(
        judged.piece.text,
        list(judged.spans.values()),
        verdict=judged.verdict,
        score=judged.score,
        reason=judged.reason,
        checked=numbers,
        tools=[tools[name] for name in judged.tools],
    )


def _without_idle_headings(parts: Sequence[Judged | Piece]) -> list[Judged | Piece]:
    """Leave out headings under which nothing stands."""
    out: list[Judged | Piece] = []
    for item in reversed(parts):
        if (
            isinstance(item, Piece)
            and item.kind == "heading"
            and (not out or (isinstance(out[-1], Piece) and out[-1].kind == "heading"))
        ):
            continue
        if not (isinstance(item, Piece) and item.kind == "lacking"):
            out.append(item)
    return out[::-1]


def unanswered(question: Question, supported: Sequence[Judged], sources: Sequence[SourceInfo]) -> list[str]:
    """Return a line for each part of a question that no supported sentence speaks of, where its own words can tell."""
    if len(question.parts) < 2 or not supported:
        return []
    # "Give a percentage with one decimal" is a part of the wording that asks for nothing more.
    pieces = [part(question, text, sources) for text in question.parts if _ASKS.match(text)]
    said = [
        keys(j.piece.text + " " + " ".join(s.document.text[s.start : s.end] for s in j.spans.values()))
        for j in supported
    ]
    out = []
    for piece in pieces:
        others = [u for p in pieces if p is not piece for u in p.units]
        own = [u for u in piece.units if not u.light and u not in others]
        if own and not any(says(unit, found) for unit in own for found in said):
            out.append(f"No sentence with a source answers this part: {' '.join(piece.text.split()).rstrip('?')}.")
    return out


def refusal(draft: Draft, plain: Answer, passages: Sequence[Passage]) -> str:
    """Return the text of an answer that has no supported claim."""
    if plain.status == "insufficient_evidence":
        return plain.text
    lacking = draft.lacking()
    if draft.claims() or not lacking:
        lacking = [
            "None of the model's sentences is supported by the sources that it was shown, so none is given as an answer."
        ]
    near: dict[str, str] = {}
    for passage in passages[:6]:
        near.setdefault(passage.chunk.document_id, _plain(passage.metadata.title or passage.path.rsplit("/", 1)[-1]))
    listed = "; ".join(f"“{title}”" for title in list(near.values())[:3])
    return " ".join(lacking) + (f"\n\nNearby, but not an answer: {listed}." if listed else "")


def _plain(text: str) -> str:
    return re.sub(r"\[([ST]\d+)\]", r"(\1)", " ".join(text.split()))


def notes(reader: Reader, draft: Draft, status: Status, plain: Answer) -> list[str]:
    """Return the warnings about what the model wrote."""
    out = []
    if reader.unknown:
        out.append(
            f"{_count(reader.unknown, 'citation')} of the model named no passage that it was shown, and {_were(reader.unknown)} dropped."
        )
    if reader.removed:
        out.append(
            f"{_count(reader.removed, 'link, image or tag', 'links, images or tags')} in the model's text {_were(reader.removed)} taken out."
        )
    if draft.withdrawn:
        out.append(f"The model took back {_count(draft.withdrawn, 'sentence')} that the check did not pass.")
    failed = [c for c in draft.claims() if c.verdict in {"unsupported", "contradicted"}]
    if status == "insufficient_evidence":
        if failed:
            out.append(
                f"{_count(len(failed), 'sentence')} of the model {_were(len(failed))} left out: no source supports {'it' if len(failed) == 1 else 'them'}."
            )
        if plain.status in {"answered", "partial"}:
            out.append("Without the model the base gives an answer: ask again with the model “extractive”.")
    elif failed:
        out.append(
            f"{_count(len(failed), 'sentence')} could not be verified against the sources and {'is' if len(failed) == 1 else 'are'} marked."
        )
    if reader.full:
        out.append(f"The model wrote more than {reader.limit:,} characters; the rest was not read.")
    return out


def _count(number: int, noun: str, plural: str = "") -> str:
    return f"{number} {noun if number == 1 else plural or noun + 's'}"


def _were(number: int) -> str:
    return "was" if number == 1 else "were"


def span_finder(answer: Answer, load: Callable[[str, str], Document]) -> Callable[[str], Span | None]:
    """Return what finds the span of a marker of an answer."""
    cited = {c.marker: c for c in answer.citations}

    def find(marker: str) -> Span | None:
        c = cited.get(marker)
        return Span(load(c.document_id, c.version), c.start, c.end, c.chunk_id) if c else None

    return find


def fallback(plain: Answer, why: str, more: Sequence[str] = ()) -> Answer:
    """Return the extractive answer with the reason why it stands in the model's place."""
    return Answer(**(dict(plain) | {"warnings": (why, *more, *plain.warnings)}))


def sentence(claim: Claim | Judged) -> dict[str, Any]:
    text = claim.text if isinstance(claim, Claim) else claim.piece.text
    return {"type": "sentence", "text": text, "verdict": claim.verdict}
