"""An answer, and a conversation, as a Paper. Pure: the time comes in as a value."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from assistant.export.answer_text import body
from assistant.export.blocks import Block, Bullets, Heading, Note, Paper, Paragraph, Part, Words, words
from assistant.export.figures import STATUSES, result_blocks
from assistant.export.text import day, meta_line, one_line, stem, title_of
from assistant.freshness import newest_line
from assistant.models import Answer, Citation, Claim, Retrieved, ToolResult

NEARBY = 4
STOPPED = "Stopped before it was answered. What had come was not checked, and is left out."
Link = Callable[[Citation], str]  # the address of a cited span, relative; "" for none


@dataclass(frozen=True, slots=True)
class Turn:
    """One question of a conversation; ``why``: the reason why there is no answer, in words."""

    question: str
    answer: Answer | None = None
    why: str = ""


def answer_paper(answer: Answer, made: datetime | None = None, link: Link | None = None) -> Paper:
    """Return one answer under its question.

    ``made``: when the paper is made, which it then says, with ages of what it shows; ``link``: addresses of sources.
    """
    facts: list[str] = []
    if made is not None:
        as_of = [f"As of {day(answer.as_of)}"] if answer.as_of else []
        facts = [_made(made), *as_of, *([mode_line(answer)] if answer.error is None else [])]
    part = Part(_blocks(answer, _day(made), 1, bool(facts)), _notes(answer, link))
    return Paper(one_line(answer.question), (part,), tuple(facts), stem(answer.question))


def conversation_paper(
    title: str, turns: Sequence[Turn], made: datetime | None = None, link: Link | None = None, facts: Sequence[str] = ()
) -> Paper:
    """Return the turns in their order, each with its footnotes; ``title`` "": the first question's words.

    A question without an answer says why. ``facts`` stand after the date; the rest as ``answer_paper``.
    """
    named = one_line(title) or (one_line(turns[0].question) if turns else "") or "Conversation"
    parts = []
    for turn in turns:
        head = Heading(words(one_line(turn.question)), 1)
        if turn.answer is None:
            parts.append(Part((head, Paragraph(words(turn.why or "There is no answer."), "alert"))))
        else:
            parts.append(Part((head, *_blocks(turn.answer, _day(made), 2, False)), _notes(turn.answer, link)))
    count = f"{len(turns)} question{'' if len(turns) == 1 else 's'}"
    said = ([_made(made)] if made is not None else []) + [count, *facts]
    return Paper(named, tuple(parts), tuple(said), stem(named, "conversation"))


def answer_clipping(answer: Answer) -> Paper:
    """Return an answer as it is copied: without its tools' tables, whose figures stand in the sources."""
    return Paper(
        one_line(answer.question), (Part(_blocks(answer, None, 1, False, tables=False), _notes(answer, None)),)
    )


def mode_line(answer: Answer) -> str:
    """Return how an answer was made, in words."""
    if answer.mode == "model":
        return f"Written by {answer.model}, checked against the sources"
    return "Without a language model"


def _made(made: datetime) -> str:
    return f"Made {day(made.date().isoformat())}, {made:%H:%M} {made.tzname() or 'UTC'}"


def _day(made: datetime | None) -> date | None:
    return None if made is None else made.date()


def _blocks(answer: Answer, today: date | None, level: int, told: bool, *, tables: bool = True) -> tuple[Block, ...]:
    """Return what stands under the question; ``told``: as-of and mode are said elsewhere; ``tables``: with tools' results."""
    out: list[Block] = []
    if answer.status == "partial":
        said = "Part of the question is answered; the base does not cover the rest."
        out.append(Paragraph(words(said), "note"))
    known = {c.marker for c in answer.citations} | {r.marker for r in answer.tool_results}
    text = body(answer.text, answer.claims, known, level)
    out += text
    if answer.error is not None:
        said = f" {answer.error.message} {answer.error.what_to_do}".rstrip()
        out.append(Paragraph((Words("Error.", "strong"), Words(said)), "alert"))
    elif answer.status == "insufficient_evidence":
        out += [] if text else [Paragraph(words("The base does not hold the answer."))]
        out += _nearby(answer.passages, level)
    doubtful = [claim for claim in answer.claims if claim.verdict != "supported"]
    if doubtful:
        out.append(Paragraph(words("Not confirmed by the sources", "strong")))
        out.append(Bullets(tuple(words(_doubt(claim)) for claim in doubtful)))
    for result in answer.tool_results if tables else ():
        out += result_blocks(result, today, level)
    out += [Paragraph(words(warning), "warning") for warning in answer.warnings]
    out += [Paragraph(words(line), "note") for line in _scope(answer, today, told)]
    return tuple(out)


def _doubt(claim: Claim) -> str:
    return f"{one_line(claim.text)} ({claim.verdict}{f': {claim.reason}' if claim.reason else ''})"


def _scope(answer: Answer, today: date | None, told: bool) -> list[str]:
    """Return what the question was taken for and narrowed to, how old its newest source is, as of when, and how made."""
    said: list[str] = []
    if answer.standalone_question and answer.standalone_question != answer.question:
        said.append(f"Read as: {answer.standalone_question}")
    for key, value in answer.filters.items():
        if key in {"as_of", "roles"} or value in (None, "", (), []):
            continue
        values: Iterable[object] = value if isinstance(value, list | tuple) else [value]
        said.append(f"Only {key.replace('_', ' ')}: {', '.join(str(one) for one in values)}.")
    newest = newest_line(answer, today) if today is not None else ""
    if newest:
        said.append(f"{newest}.")
    if not told:
        said += [f"As of {answer.as_of}."] if answer.as_of else []
        said += [f"{mode_line(answer)}."] if answer.error is None else []
    return said


def _nearby(passages: Sequence[Retrieved], level: int) -> list[Block]:
    first: dict[str, Retrieved] = {}
    for passage in passages:
        first.setdefault(passage.document_id, passage)
    near = list(first.values())[:NEARBY]
    if not near:
        return []
    items = tuple(
        words(": ".join(part for part in (title_of(p), meta_line(p.publisher, p.published, p.kind, p.page)) if part))
        for p in near
    )
    return [Heading(words("What lies nearby"), level), Bullets(items)]


def _notes(answer: Answer, link: Link | None) -> tuple[Note, ...]:
    sources = tuple(_source(citation, link) for citation in answer.citations)
    return (*sources, *(_tool(result) for result in answer.tool_results if result.marker))


def _source(citation: Citation, link: Link | None) -> Note:
    page = f"p. {citation.page}" if citation.page is not None else ""
    where = (citation.publisher or "", citation.published or "undated", page)
    return Note(
        key=citation.marker, title=title_of(citation), detail=tuple(part for part in where if part), quote=citation.quote,
        place=citation.path, link=link(citation) if link is not None else "",
    )  # fmt: skip


def _tool(result: ToolResult) -> Note:
    if not result.metrics:
        return Note(result.marker, result.tool, text=STATUSES[result.status])
    said = [
        f"{m.name} of {m.subject} {m.value if m.value is not None else 'n/a'} {m.unit}, as of {m.as_of}"
        + (f", {m.source}" if m.source else "")
        for m in result.metrics
    ]
    old = " (stale)" if result.stale else ""
    return Note(result.marker, result.tool, text=f"{'; '.join(said)}{old}")


__all__ = ["STOPPED", "Link", "Turn", "answer_clipping", "answer_paper", "conversation_paper", "mode_line"]
