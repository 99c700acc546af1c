"""An answer as Markdown that can be pasted anywhere: markers become footnotes."""

from __future__ import annotations

import re

from assistant.models import Answer, Citation, ToolResult
from assistant.web.text import title_of

_MARKER = re.compile(r"\[([ST]\d+)\]")
_ACTIVE = re.compile(r"[\\`*_\[\]<>#|!~$]")
_LINK = re.compile(r"://")
_WWW = re.compile(r"\bwww\.", re.IGNORECASE)


def plain(text: str) -> str:
    """Return text of a source on one line, as Markdown that shows it and does nothing else."""
    escaped = _ACTIVE.sub(lambda match: "\\" + match.group(0), " ".join(text.split()))
    return _unlink(escaped.replace("&", "&amp;"))


def to_markdown(answer: Answer) -> str:
    """Return the answer with ``[^1]`` footnotes, numbered in order of first use.

    A footnote gives title, publisher, date, page, the verbatim quote and the path. Text from sources
    makes no link, image or HTML. Claims that are not supported are listed below the answer.
    """
    known: dict[str, str] = {citation.marker: _source(citation) for citation in answer.citations}
    known.update({result.marker: _tool(result) for result in answer.tool_results if result.marker})
    numbers: dict[str, int] = {}

    def footnote(match: re.Match[str]) -> str:
        marker = match.group(1)
        if marker not in known:
            return f"\\[{marker}\\]"
        return f"[^{numbers.setdefault(marker, len(numbers) + 1)}]"

    def ours(text: str) -> str:
        return "".join(
            footnote(match) if (match := _MARKER.fullmatch(piece)) else _inert(piece)
            for piece in re.split(r"(\[[ST]\d+\])", text)
        )

    parts = [f"# {plain(answer.question)}"]
    pieces: list[str] = []
    position = 0
    for claim in sorted(answer.claims, key=lambda claim: claim.start):
        if claim.start < position:
            continue
        # A claim is the words of a source: a "[S1]" in it is no marker.
        pieces += [ours(answer.text[position : claim.start]), plain(answer.text[claim.start : claim.end])]
        position = claim.end
    body = "".join([*pieces, ours(answer.text[position:])])
    if body.strip():
        parts.append(body.strip())
    if answer.error is not None:
        parts.append(f"**Error.** {plain(answer.error.message)} {plain(answer.error.what_to_do)}".rstrip())
    doubtful = [claim for claim in answer.claims if claim.verdict != "supported"]
    if doubtful:
        parts.append("**Not confirmed by the sources**")
        parts.append(
            "\n".join(f"- {plain(c.text)} ({c.verdict}{': ' + plain(c.reason) if c.reason else ''})" for c in doubtful)
        )
    if answer.warnings:
        parts.append("\n".join(f"> {plain(warning)}" for warning in answer.warnings))
    if answer.as_of:
        parts.append(f"*As of {plain(answer.as_of)}.*")
    if answer.error is None:
        parts.append(f"*{plain(mode_line(answer))}.*")
    for marker in known:
        numbers.setdefault(marker, len(numbers) + 1)
    if numbers:
        parts.append("\n".join(f"[^{number}]: {known[marker]}" for marker, number in numbers.items()))
    return "\n\n".join(parts) + "\n"


def mode_line(answer: Answer) -> str:
    """Return how an answer was made, in words."""
    if answer.mode == "model":
        return f"Written by {answer.model}, checked against the sources"
    return "Without a language model"


def file_stem(answer: Answer) -> str:
    """Return a file name for the export, from the question's words."""
    words = re.findall(r"[a-z0-9]+", answer.question.lower())
    return "-".join(words)[:60].strip("-") or "answer"


def _inert(text: str) -> str:
    # The answer's own Markdown (bold, lists, headings) stays; what could load or lead elsewhere does not.
    return _unlink(re.sub(r"[<\[\]&]", lambda m: "&amp;" if m.group(0) == "&" else "\\" + m.group(0), text))


def _unlink(text: str) -> str:
    # GitHub's dialect makes links of bare addresses.
    return _WWW.sub(lambda match: match.group(0)[:-1] + "\\.", _LINK.sub(r":\\//", text))


def _code(text: str) -> str:
    fence = "`" * (max((len(run) for run in re.findall(r"`+", text)), default=0) + 1)
    pad = " " if text.startswith("`") or text.endswith("`") else ""
    return f"{fence}{pad}{' '.join(text.split())}{pad}{fence}"


def _source(citation: Citation) -> str:
    where = [plain(title_of(citation)), plain(citation.publisher or ""), citation.published or "undated"]
    if citation.page is not None:
        where.append(f"p. {citation.page}")
    return f"{', '.join(part for part in where if part)}: “{plain(citation.quote)}” ({_code(citation.path)})"


def _tool(result: ToolResult) -> str:
    if not result.metrics:
        return f"{plain(result.tool)}: {result.status.replace('_', ' ')}"
    shown = "; ".join(
        f"{plain(m.name)} of {plain(m.subject)} {m.value if m.value is not None else 'n/a'} {plain(m.unit)}, "
        f"as of {plain(m.as_of)}, {plain(m.source)}"
        for m in result.metrics
    )
    return f"{plain(result.tool)}: {shown}"
