"""One extractive answer in the making: parts of the question, each answered or found lacking."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

from assistant import about, evidence, extractive, statements
from assistant.compose import Span, Writer
from assistant.models import Status
from assistant.question import Question, aliases, part
from assistant.retrieval import Rerank, Retrieval, retrieve, retrieve_sides, weights
from assistant.scope import own_period, replaced, resolve
from vectorstore.records import Document, Filters, Passage, SourceInfo
from vectorstore.view import Base

GIVEN = 16  # passages whose sentences are read
STATEMENTS = 8  # filings whose statements are read
# What a company plans for a year is told before it.
_AHEAD = re.compile(
    r"\b(?:expect\w*|plan\w*|guid\w*|outlook|target\w*|forecast\w*|project\w*|anticipat\w*|will|due|matur\w*|ahead|upcoming|next)\b",
    re.I,
)
_MARKER = re.compile(r"\[([ST]\d+)\]")


@dataclass
class Reply:
    """The working state of one answer; ``run`` fills it, then ``status`` and the writer hold the result."""

    store: Base
    encode: evidence.Encode
    load: Callable[[str, str], Document]
    question: Question
    wanted: Filters
    sources: Sequence[SourceInfo]
    writer: Writer = field(default_factory=Writer)
    passages: dict[str, Passage] = field(default_factory=dict)
    given: set[str] = field(default_factory=set)
    warnings: list[str] = field(default_factory=list)
    timings: dict[str, float] = field(default_factory=dict)
    shortfalls: list[str] = field(default_factory=list)
    rerank: Rerank | None = None
    enough: float = extractive.ENOUGH  # the confidence from which a sentence answers
    _loaded: dict[tuple[str, str], Document] = field(default_factory=dict)

    @cached_property
    def _replaced(self) -> Mapping[str, SourceInfo]:
        return replaced(self.sources)

    def run(self) -> None:
        """Answer each part; what has no answer is told in ``shortfalls``."""
        question = self.question
        if question.metadata and self._metadata():
            return
        if question.role and question.names and self._role():
            return
        # A ratio is often defined in a sentence of its own: the statements are asked with the whole question.
        if self._statement(question):
            return
        pieces = question.parts if len(question.parts) > 1 else (question.text,)
        for text in pieces:
            piece = question if len(pieces) == 1 else part(question, text, self.sources)
            sides = named_sides(piece)
            if sides:
                self._each_side(sides)
            else:
                self._part(piece)

    @property
    def status(self) -> Status:
        if not any(claim.verdict == "supported" for claim in self.writer.claims):
            return "insufficient_evidence"
        return "partial" if self.shortfalls else "answered"

    def finish(self) -> Writer:
        """Return the writer of the final text: the answer with what it lacks, or the refusal."""
        if self.status == "insufficient_evidence":
            unchecked = [claim for claim in self.writer.claims if claim.verdict != "supported"]
            final = Writer()
            final.write(self._refusal([f"{c.text} ({c.reason})" for c in unchecked]))
            return final
        self._amended()
        for lack in dict.fromkeys(self.shortfalls):
            self.writer.write("\n\n" + lack)
        return self.writer

    def _amended(self) -> None:
        """Say of a cited amendment which filing it stands in for."""
        cited = {c.document_id for c in self.writer.citations}
        by_id = {s.document_id: s.metadata for s in self.sources}
        for old, newer in self._replaced.items():
            if newer.document_id in cited:
                was, now = by_id[old], newer.metadata
                of = f" of {was.published}" if was.published else ""
                self.warnings.append(
                    f"The {was.form}{of} of {plain(was.company or '')} for {was.fiscal_period} is replaced by its {now.form} of {now.published}."
                )

    def _part(self, piece: Question) -> None:
        if piece.metadata:
            piece = about.as_fact(piece)
        elif piece is not self.question and self._statement(piece):
            return
        retrieval = self._retrieve(piece)
        begun = time.perf_counter()
        selection = self._select(piece, retrieval)
        self._count("select", begun)
        if selection.answered:
            self._write(selection)
        elif not (self.question.metadata and self._tell(self.question, self._holding(piece, retrieval))):
            self.shortfalls.append(shortfall(piece, selection))

    def _statement(self, piece: Question) -> bool:
        """Answer a question for a line item or a ratio from the statements of the company's filings.

        True also where they hold it and it cannot be read with certainty: the refusal names the page.
        """
        if len(piece.companies) != 1:
            return False
        own = [s for s in self.sources if s.metadata.company in piece.companies]
        scope = resolve(piece, own)
        periods = {p.label for p in piece.periods if not p.month}
        if piece.expected == "number" and periods and periods <= set(scope.lacking) and not _AHEAD.search(piece.text):
            self.shortfalls.append(
                f"The base does not hold the answer: no document in it reports on {', '.join(scope.lacking)} "
                f"of {plain(piece.companies[0])}."
            )
            self._retrieve(piece)
            return True
        # Best for the periods asked first; where none is asked, the newest.
        near = [s for s in scope.documents if own_period(s.metadata)] or list(scope.documents)
        near = near if piece.periods else sorted(near, key=_newest, reverse=True)
        documents = [self._document(s.document_id, s.version) for s in near[:STATEMENTS]]
        begun = time.perf_counter()
        found = statements.answer(piece.text, question=piece, documents=documents)
        self._count("statements", begun)
        if found is None:
            return False
        by_id = {d.document_id: d for d in documents}
        if not found.lines:
            pages = sorted({p for d, _, start, _ in found.spans if (p := by_id[d].page_at(start))})
            where = (
                f" See page {', '.join(map(str, pages))} of {by_id[found.spans[0][0]].metadata.title}." if pages else ""
            )
            self.shortfalls.append(plain(found.refusal + where))
            self._retrieve(piece)
            return True
        for line in found.lines:
            if self.writer.length:
                self.writer.write("\n\n")
            spans = [self._span(by_id[d], start, end) for d, _, start, end in line.spans]
            self.writer.claim(line.text, spans, reason="read from the cited rows", worked=line.numbers)
        self._keep_cited()
        return True

    def _each_side(self, sides: Sequence[tuple[str, Question]]) -> None:
        """Answer for each firm that a question names, under its name; one without an answer is said to have none."""
        groups = []
        for name, piece in sides:
            selection = self._select(piece, self._retrieve(piece))
            groups.append(extractive.Group(tuple(s for g in selection.groups for s in g.sentences), name))
        if any(group.sentences for group in groups):
            self._write(extractive.Selection(tuple(groups)))
        else:
            self.shortfalls.append(shortfall(self.question, extractive.Selection(())))

    # metadata

    def _metadata(self) -> bool:
        """Answer from documents that the question names, or from a note on the document that it names."""
        question = self.question
        if self._tell(question, about.targets(question, self.sources)):
            return True
        note = about.underlying(question, self.sources)
        if note is not None and set(question.metadata) & {"published", "publisher"}:
            return self._tell(replace(question, metadata=("after",)), [note])
        if note is not None:
            self.wanted = replace(self.wanted, document_id=(note.document_id,))
        return False

    def _tell(self, question: Question, targets: Sequence[SourceInfo]) -> bool:
        documents = [self._document(s.document_id, s.version) for s in targets]
        told = about.answer(question, documents, self.writer, self.store.chunk_at)
        lacking = [name for name in question.metadata if name not in told]
        if told and lacking:
            self.shortfalls.append(f"The base does not say: {', '.join(about.LABELS[n].lower() for n in lacking)}.")
        self._keep_cited()
        return any(claim.verdict == "supported" for claim in self.writer.claims)

    def _role(self) -> bool:
        """Answer what somebody is from a byline or a signature, in the documents whose text has the name."""
        known = {s.document_id: s.version for s in self.sources}
        scope = replace(self.wanted, roles=())
        hits = self.store.search_keyword(" ".join(self.question.names), k=20, filters=scope)
        order = [i for i in dict.fromkeys(p.chunk.document_id for p in hits) if i in known]
        found = about.role_block(self.question, [self._document(i, known[i]) for i in order])
        if found is None:
            return False
        document, start, end = found
        self.writer.claim(document.text[start:end], [self._span(document, start, end)], reason="verbatim")
        self._keep_cited()
        return True

    def _holding(self, piece: Question, retrieval: Retrieval) -> list[SourceInfo]:
        """Return the document that says what a metadata question describes instead of naming it."""
        ranked = self._rank(replace(piece, expected=""), retrieval)
        best = next((s for s in ranked if extractive.answers(s, piece)), None)
        return [s for s in self.sources if best is not None and s.document_id == best.passage.chunk.document_id]

    # passages and sentences

    def _retrieve(self, piece: Question) -> Retrieval:
        begun = time.perf_counter()
        find = retrieve_sides if piece.intent == "for_against" else retrieve
        wanted = replace(self.wanted, roles=()) if piece.furniture else self.wanted
        retrieval = find(self.store, piece, wanted, rerank=self.rerank)
        self._count("retrieve", begun)
        self.warnings += [w for w in retrieval.warnings if w not in self.warnings]
        old = self._replaced
        if old:
            kept = tuple(p for p in retrieval.passages if p.chunk.document_id not in old)
            retrieval = replace(retrieval, passages=kept)
        for passage in retrieval.passages:
            self.passages.setdefault(passage.chunk.chunk_id, passage)
        self.given.update(p.chunk.chunk_id for p in retrieval.passages[: _given(piece)])
        return retrieval

    def _rank(self, question: Question, retrieval: Retrieval) -> list[evidence.Sentence]:
        passages = retrieval.passages[: _given(question)]
        documents = {p.chunk.document_id: self._of(p) for p in passages}
        return evidence.score(question, passages, documents, weights(self.store, question.units), self.encode)

    def _select(self, question: Question, retrieval: Retrieval) -> extractive.Selection:
        ranked = self._rank(question, retrieval)
        documents = {s.passage.chunk.document_id: self._of(s.passage) for s in ranked}
        return extractive.select(
            question, ranked, documents, weights(self.store, question.units), self.encode, enough=self.enough
        )

    def _of(self, passage: Passage) -> Document:
        return self._document(passage.chunk.document_id, passage.chunk.version)

    def _document(self, document_id: str, version: str) -> Document:
        """Load it once: each sentence asks for its own, and where machines share the ledger that is a way to its server."""
        key = (document_id, version)
        if key not in self._loaded:
            self._loaded[key] = self.load(document_id, version)
        return self._loaded[key]

    def _span(self, document: Document, start: int, end: int) -> Span:
        chunk = self.store.chunk_at(document.document_id, start)
        return Span(document, start, end, chunk.chunk_id if chunk else "")

    def _keep_cited(self) -> None:
        """Put the chunks that are cited without a search among the passages."""
        by_id = {s.document_id: s for s in self.sources}
        for cited in self.writer.citations:
            if cited.chunk_id and cited.chunk_id not in self.passages:
                source = by_id[cited.document_id]
                chunk = self.store.chunk(cited.chunk_id)
                self.passages[cited.chunk_id] = Passage(chunk, source.metadata, source.path, source.collection, 1.0)
                self.given.add(cited.chunk_id)

    # text

    def _write(self, selection: extractive.Selection) -> None:
        writer = self.writer
        for group in selection.groups:
            # What another part of the question has brought already stands there.
            fresh = [s for s in group.sentences if not writer.cites(s.passage.chunk.document_id, s.start, s.end)]
            if not fresh and not (group.heading and not group.sentences):
                continue
            if writer.length:
                writer.write("\n\n")
            if group.heading:
                writer.write(f"**{plain(group.heading)}**\n\n")
                if not group.sentences:
                    writer.write("Nothing found in the base on this side.")
            previous = None
            for sentence in fresh:
                document = self._of(sentence.passage)
                if previous is not None:
                    same = previous.passage.chunk.document_id == document.document_id
                    if sentence.item or previous.item or group.heading:
                        writer.write("\n" if sentence.item and previous.item else "\n\n")
                    else:
                        writer.write(" " if same else "\n\n")
                if sentence.item or group.heading:
                    writer.write("- ")
                writer.claim(sentence.text, [self._span(document, sentence.start, sentence.end)], reason="verbatim")
                previous = sentence
        self._keep_cited()

    def _refusal(self, unchecked: Sequence[str]) -> str:
        """Say plainly that the base does not hold the answer, what is lacking, and what lies nearby."""
        if unchecked:
            return "No text in the base states this. What it was given beside the text:\n\n" + "\n".join(
                f"- {plain(line)}" for line in unchecked
            )
        if not self.passages:
            bound = f" published by {self.wanted.as_of}" if self.wanted.as_of else " that passes the filters"
            return f"The base holds no passage{bound}, so there is nothing to answer from."
        near: dict[str, str] = {}
        for passage in list(self.passages.values())[:6]:
            title = passage.metadata.title or passage.path.rsplit("/", 1)[-1]
            house = passage.metadata.publisher or passage.metadata.company
            known = ", ".join(plain(part) for part in (house, passage.metadata.published) if part)
            near.setdefault(passage.chunk.document_id, f"“{plain(title)}”" + (f" ({known})" if known else ""))
        nearby = "Nearby, but not an answer: " + "; ".join(list(near.values())[:3]) + "."
        return "\n\n".join([*(dict.fromkeys(self.shortfalls) or ["The base does not hold the answer."]), nearby])

    def _count(self, name: str, begun: float) -> None:
        self.timings[name] = self.timings.get(name, 0.0) + round((time.perf_counter() - begun) * 1000, 1)


def _newest(source: SourceInfo) -> tuple[int, int, str]:
    own = own_period(source.metadata)
    return (
        (own.year, own.quarter or 5, source.metadata.published or "")
        if own
        else (0, 0, source.metadata.published or "")
    )


def _given(question: Question) -> int:
    return 2 * GIVEN if question.intent == "for_against" else GIVEN


def plain(text: str) -> str:
    """Return a title or publisher for running text: one line, and nothing in it that reads as a marker."""
    return _MARKER.sub(r"(\1)", " ".join(text.split()))


def named_sides(question: Question) -> list[tuple[str, Question]]:
    """Return a question a firm where it names several companies or publishers; [] where it names at most one."""
    several = len(question.companies) > 1
    firms = question.companies if several else question.publishers
    if len(firms) < 2:
        return []
    others = {form for firm in firms for form in aliases(firm)}
    own = replace(question, names=tuple(n for n in question.names if not others & set(aliases(n))))
    return [(f, replace(own, companies=(f,)) if several else replace(own, publishers=(f,))) for f in firms]


def shortfall(question: Question, selection: extractive.Selection) -> str:
    """Say why one part of a question has no answer."""
    if question.live:
        return (
            "The base does not hold the answer: a live figure is asked for, and documents hold only what was so "
            "on their dates."
        )
    if selection.missing:
        listed = ", ".join(f"“{plain(word)}”" for word in selection.missing[:4])
        return f"The base does not hold the answer: no passage that is about the question speaks of {listed}."
    return "The base does not hold the answer: passages nearby touch on it, and none states it."
