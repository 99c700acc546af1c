"""The answer to a question of the board: verbatim sentences with their citation, figures with their tool result."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from assistant.catalysts.asking import BoardQuestion
from assistant.catalysts.claim_face import Wanted
from assistant.catalysts.face import Catalysts
from assistant.catalysts.schema import Catalyst, Condition
from assistant.catalysts.shapes import CatalystBoard, Evidence, Reading
from assistant.catalysts.status import known_by, metric_of
from assistant.compose import Span, Writer, retrieved
from assistant.live_text import lacking, line
from assistant.models import Citation, Claim, Retrieved, Status, ToolResult
from vectorstore.records import Document, Passage
from vectorstore.view import Base

MOST_CLAIMS = 3  # of one side
MOST_DUE = 8
READING_S = 3.0
_SHOWN = {"no_data": "no data"}


@dataclass(frozen=True, slots=True)
class BoardAnswer:
    """The parts of an Answer that the board gives."""

    status: Status
    text: str
    claims: tuple[Claim, ...]
    citations: tuple[Citation, ...]
    tool_results: tuple[ToolResult, ...]
    passages: tuple[Retrieved, ...]
    warnings: tuple[str, ...]


@dataclass
class Telling:
    """Writes one answer; tool results are marked in the order in which they are told."""

    face: Catalysts
    store: Base
    documents: Callable[[str, str], Document]
    as_of: str | None
    writer: Writer = field(default_factory=Writer)
    results: dict[tuple[str, str], ToolResult] = field(default_factory=dict)
    marked: dict[tuple[str, str], ToolResult] = field(default_factory=dict)
    passages: dict[str, Retrieved] = field(default_factory=dict)

    def answer(self, warnings: Sequence[str]) -> BoardAnswer:
        writer = self.writer
        return BoardAnswer(
            "answered" if writer.claims else "insufficient_evidence",
            writer.text.strip(),
            tuple(writer.claims),
            tuple(writer.citations),
            tuple(self.marked.values()),
            tuple(self.passages.values()),
            tuple(warnings),
        )

    def paragraph(self, text: str) -> None:
        self.writer.write(("\n\n" if self.writer.length else "") + text)

    def quote(self, document_id: str, version: str, start: int, end: int, before: str) -> None:
        """Write ``sentence`` as an item of a list."""
        self.writer.write(f"\n- {before}")
        self.sentence(document_id, version, start, end)

    def sentence(self, document_id: str, version: str, start: int, end: int) -> None:
        """Write a sentence as it stands in its document, with its citation, where the text stands."""
        document = self.documents(document_id, version)
        chunk = self.store.chunk_at(document_id, start)
        if chunk is not None and chunk.chunk_id not in self.passages:
            passage = Passage(chunk, document.metadata, document.path, document.collection, 0.0)
            self.passages[chunk.chunk_id] = retrieved(passage, given=True)
        span = Span(document, start, end, chunk.chunk_id if chunk is not None else "")
        self.writer.claim(document.text[start:end], [span], reason="verbatim")

    def figure(self, condition: Condition, reading: Reading, lead: str) -> None:
        """Write a condition with its figure, or why there is none."""
        result = self.results.get(condition.call)
        if result is None:
            return
        marked = self.mark(condition.call, result)
        metric = metric_of(result, condition, self.as_of)
        self.writer.write(f"\n- {lead} {condition.rule} ({condition.why}): ")
        if metric is None or metric.value is None or reading.holds is None:
            why = lacking(result) if result.error is not None else f"{reading.reason} {reading.what_to_do}".strip()
            self.writer.write(f"{why} [{marked.marker}]")
            return
        text, numbers = line(metric, marked.marker, stale=reading.old)
        said = (
            "it holds."
            if reading.holds and not reading.old
            else "it does not hold."
            if not reading.holds
            else "the figure is old."
        )
        self.writer.write(f"{said} ")
        self.writer.claim(text, [], tools=(marked.marker,), checked=numbers, reason="read from the tool")

    def mark(self, call: tuple[str, str], result: ToolResult) -> ToolResult:
        if call not in self.marked:
            shown = known_by(result, self.as_of)
            self.marked[call] = shown.model_copy(update={"marker": f"T{len(self.marked) + 1}"})
        return self.marked[call]


def answer(
    question: BoardQuestion, face: Catalysts, store: Base, documents: Callable[[str, str], Document], as_of: str | None
) -> BoardAnswer:
    """Return the answer. ``documents``: by (id, version), for quotes. Raises StoreEmpty, StoreError, CatalystsError."""
    telling = Telling(face, store, documents, as_of)
    if question.kind == "due":
        return _due(question, telling)
    if question.kind == "companies":
        from assistant.catalysts.answering_companies import companies

        return telling.answer(companies(question, telling))
    face.update(seconds=READING_S)
    only = None if question.catalyst is None else question.catalyst.id
    board = face.board(only, as_of=as_of)
    catalysts = {one.id: one for one in face.listed()}
    telling.results = face.results([catalysts[one.id] for one in board.catalysts], as_of)
    if question.kind == "mind":
        _mind(board.catalysts[0], catalysts[board.catalysts[0].id], telling)
    else:
        _standing(question, board.catalysts, catalysts, telling)
    return telling.answer(board.warnings)


def _mind(one: CatalystBoard, catalyst: Catalyst, telling: Telling) -> None:
    telling.paragraph(f"**What would refute “{one.name}”** ({_state(one)})")
    read = one.metrics[len(catalyst.confirms) :]
    for condition, reading in zip(catalyst.refutes, read, strict=True):
        telling.figure(condition, reading, "Live data:")
    if not catalyst.refutes:
        telling.writer.write("\nIt has no condition on live data.")
    against = [e for e in one.against if e.superseded is None][:MOST_CLAIMS]
    if against:
        telling.paragraph(f"**What documents say against it** ({one.counts.speak_against} in all)\n")
        for e in against:
            telling.quote(e.document_id, e.version, e.start, e.end, _who(e))
    pairs = [pair for pair in one.contradictions if pair.kind == "metric" and pair.for_id is not None]
    if pairs:
        telling.paragraph("**Where live data contradict a claim**\n")
        by_id = {e.evidence_id: e for e in one.for_}
        for e in (by_id[str(pair.for_id)] for pair in pairs[:1]):
            telling.quote(e.document_id, e.version, e.start, e.end, _who(e))


def _standing(
    question: BoardQuestion, listed: Sequence[CatalystBoard], catalysts: Mapping[str, Catalyst], telling: Telling
) -> None:
    refuting = "contradicting" in question.states
    chosen = [one for one in listed if _fits(one, question)]
    when = f"as of {telling.as_of}" if telling.as_of else "today"
    if question.states and not chosen:
        telling.paragraph(f"No catalyst is {question.asked} by live data {when}.")
    for one in chosen:
        telling.paragraph(f"**{one.name}**: {_state(one)}")
        catalyst = catalysts[one.id]
        for condition, reading in zip(catalyst.conditions, one.metrics, strict=True):
            shown = reading.holds and (reading.side == "refutes" if refuting else True)
            if shown:
                telling.figure(condition, reading, "Confirms:" if reading.side == "confirms" else "Refutes:")
    without = [one for one in listed if one.status == "no_data"]
    if without and "no_data" not in question.states:
        names = ", ".join(one.name for one in without)
        telling.paragraph(f"Without a live figure: {names}. {without[0].rule}")


def _fits(one: CatalystBoard, question: BoardQuestion) -> bool:
    if "contradicting" in question.states:
        return any(r.holds and not r.old and r.side == "refutes" for r in one.metrics)
    return not question.states or one.status in question.states


def _due(question: BoardQuestion, telling: Telling) -> BoardAnswer:
    first, last = question.due
    telling.face.claims.update(seconds=READING_S)
    listing = telling.face.claims.listed(Wanted(due=question.due, as_of=telling.as_of))
    entries = [e for e in listing.entries if e.standing == "current"]
    entries.sort(key=lambda e: (e.claim.due or "", e.claim.claim_id))
    if not entries:
        telling.paragraph(f"No claim that stands is due from {first} to {last}.")
        return telling.answer(())
    telling.paragraph(f"**Claims due from {first} to {last}** ({len(entries)})\n")
    for entry in entries[:MOST_DUE]:
        claim = entry.claim
        who = claim.author or claim.publisher or claim.title
        told = f"{claim.due}, {who}{f' ({claim.published})' if claim.published else ''}, {entry.outcome}: "
        telling.quote(claim.document_id, claim.version, claim.start, claim.end, told)
    left = len(entries) - MOST_DUE
    return telling.answer((f"{left} more are due: thesis claims --due {first}..{last}",) if left > 0 else ())


def _state(one: CatalystBoard) -> str:
    return f"live data: {_SHOWN.get(one.status, one.status)}"


def _who(one: Evidence) -> str:
    return f"{one.author or one.title or 'A document'} ({one.published or 'undated'}, {one.kind}): "


__all__ = ["BoardAnswer", "Telling", "answer"]
