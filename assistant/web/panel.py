"""The side panel: an answer's sources by document, the chosen one opened on its cited words. Pure functions."""

from __future__ import annotations

from collections.abc import Sequence

from assistant.models import Answer, Citation, Claim, Retrieved
from assistant.web.excerpt import Excerpt, Other, excerpt, excerpt_html
from assistant.web.text import esc, meta_line, title_of

TEASER = 220  # characters of a quote on its card
_DOUBTS = {
    "contradicted": "These words contradict a sentence of the answer",
    "unsupported": "These words do not support a sentence of the answer",
}


def closer() -> str:
    """Return the button that closes the panel where it lies over the conversation."""
    return '<button type="button" class="t-icon t-close" data-action="close" aria-label="Close the sources">×</button>'


def empty() -> str:
    """Return the panel before the first answer."""
    return (
        '<div class="t-panel-empty"><h2>Sources</h2><p>The sources of an answer appear here. Select one, or a marker '
        "such as <span class='t-marker'>S1</span> in the answer, to read the cited words in their place.</p></div>"
    )


def others(answer: Answer, key: str) -> tuple[Other, ...]:
    """Return the spans that the answer cites beside that of ``key`` in the same version of its document."""
    chosen = _chosen(answer, key)
    if chosen is None:
        return ()
    return tuple(
        Other(c.marker, c.start, c.end)
        for c in answer.citations
        if (c.document_id, c.version) == (chosen.document_id, chosen.version) and (c.start, c.end) != (chosen.start, chosen.end)
    )  # fmt: skip


def _chosen(answer: Answer, key: str) -> Citation | Retrieved | None:
    cited = next((c for c in answer.citations if c.marker == key), None)
    if cited is None and key[:1] == "p" and key[1:].isdecimal() and int(key[1:]) < len(answer.passages):
        return answer.passages[int(key[1:])]
    return cited


def sources(answer: Answer, number: int, *, chosen: str = "", shown: Excerpt | None = None, problem: str = "") -> str:
    """Return the panel of an answer.

    ``chosen`` is a marker ("S1") or the index of a passage ("p3"), ``shown`` its text, ``problem`` why there is none.
    """
    opened = _opened(answer, number, chosen, shown, problem) if chosen else ""
    rest = _uncited(answer)
    cards = "".join(_group(group, answer, number, chosen, opened) for group in _by_document(answer.citations))
    walk = _walk(answer, [f"p{index}" for index, _ in rest], number, chosen)
    count = len(answer.citations)
    head = f'<div class="t-panel-top"><h2>Sources <span class="t-count">{count}</span></h2>{walk}</div>'
    head += f'<p class="t-dim t-for">{esc(answer.question)}</p>'
    if not count:
        head += '<p class="t-dim">Nothing is cited in this answer.</p>'
    return (
        f'<div class="t-panel" data-answer="{number}">{head}<div class="t-cards">{cards}</div>'
        f"{_rest(rest, number, not count, chosen, opened)}</div>"
    )


def _by_document(citations: Sequence[Citation]) -> list[list[Citation]]:
    groups: dict[tuple[str, str], list[Citation]] = {}
    for citation in citations:
        groups.setdefault((citation.document_id, citation.version), []).append(citation)
    return list(groups.values())


def _walk(answer: Answer, uncited: Sequence[str], number: int, chosen: str) -> str:
    """Return the buttons to the source before and after; the last is followed by the first. "" where there is one source."""
    keys = list(uncited) if chosen in uncited or not answer.citations else [c.marker for c in answer.citations]
    if len(keys) < 2:
        return ""
    at = keys.index(chosen) if chosen in keys else None
    before, after = (keys[-1], keys[0]) if at is None else (keys[at - 1], keys[(at + 1) % len(keys)])
    told = "" if at is None else f'<span class="t-hidden">Source </span>{at + 1} of {len(keys)}'
    return (
        f'<div class="t-walk"><span class="t-dim" role="status">{told}</span>'
        f'<button type="button" class="t-step" {_control(before)} data-step="-1" data-turn="{number}" '
        'aria-label="Previous source" title="Previous source (←)">‹</button>'
        f'<button type="button" class="t-step" {_control(after)} data-step="1" data-turn="{number}" '
        'aria-label="Next source" title="Next source (→)">›</button></div>'
    )


def _control(key: str) -> str:
    return f'data-passage="{esc(key[1:])}"' if key.startswith("p") else f'data-cite="{esc(key)}"'


def _group(group: Sequence[Citation], answer: Answer, number: int, chosen: str, opened: str) -> str:
    """Return the card of one document: one button where one span of it is cited, else a head with a button for each."""
    first = group[0]
    if len(group) == 1:
        doubt = _doubt_mark(answer, first.marker)
        return _card(first.marker, first, first.quote, number, opened if chosen == first.marker else "", doubt)
    rows = "".join(_span(one, answer, number, opened if chosen == one.marker else "") for one in group)
    return (
        f'<section class="t-card t-group" data-keys="{esc(" ".join(c.marker for c in group))}" title="{esc(first.path)}">'
        f'<div class="t-group-head"><h3 class="t-title">{esc(title_of(first))}</h3><p class="t-dim">{_line(first)}</p></div>{rows}</section>'
    )


def _span(one: Citation, answer: Answer, number: int, opened: str) -> str:
    page = f'<span class="t-at">p. {one.page}</span>' if one.page else ""
    teaser = "" if opened else f'<span class="t-teaser">{esc(_short(one.quote))}</span>'
    return (
        f'<div class="t-span{" t-chosen" if opened else ""}" data-key="{esc(one.marker)}"><button type="button" class="t-card-head" '
        f'data-cite="{esc(one.marker)}" data-turn="{number}" aria-expanded="{"true" if opened else "false"}">'
        f'<span class="t-badge">{esc(one.marker)}</span><span class="t-card-text">{page}{_doubt_mark(answer, one.marker)}{teaser}'
        f"</span></button>{opened}</div>"
    )


def _line(item: Citation | Retrieved, page: int | None = None) -> str:
    line = esc(meta_line(item.publisher, item.published, item.kind))
    return f'{line} · <span class="t-nowrap">p. {page}</span>' if page else line


def _card(key: str, item: Citation | Retrieved, teaser: str, number: int, opened: str, doubt: str = "") -> str:
    badge = "" if key.startswith("p") else f'<span class="t-badge">{esc(key)}</span>'
    short = "" if opened else f'<span class="t-teaser">{esc(_short(teaser))}</span>'
    return (
        f'<section class="t-card{" t-chosen" if opened else ""}" data-key="{esc(key)}"><button type="button" class="t-card-head" '
        f'{_control(key)} data-turn="{number}" aria-expanded="{"true" if opened else "false"}" title="{esc(item.path)}">{badge}'
        f'<span class="t-card-text"><span class="t-title">{esc(title_of(item))}</span><span class="t-dim">{_line(item, item.page)}</span>{doubt}{short}'
        f"</span></button>{opened}</section>"
    )


def _short(text: str) -> str:
    return " ".join(text.split())[:TEASER]


def _doubts(answer: Answer, marker: str) -> list[Claim]:
    return [claim for claim in answer.claims if claim.verdict in _DOUBTS and marker in claim.markers]


def _doubt_mark(answer: Answer, marker: str) -> str:
    held = {claim.verdict for claim in _doubts(answer, marker)}
    if not held:
        return ""
    word, kind = ("contradicts", "contradicted") if "contradicted" in held else ("does not support", "unsupported")
    return f'<span><span class="t-verdict t-is-{kind}">{word} a sentence</span></span>'


# What was retrieved and not cited


def _uncited(answer: Answer) -> list[tuple[int, Retrieved]]:
    spans = {(c.document_id, c.version, c.start, c.end) for c in answer.citations}
    chunks = {c.chunk_id for c in answer.citations}
    return [
        (index, p)
        for index, p in enumerate(answer.passages)
        if (p.document_id, p.version, p.start, p.end) not in spans and p.chunk_id not in chunks
    ]


def _rest(rest: Sequence[tuple[int, Retrieved]], number: int, alone: bool, chosen: str, opened: str) -> str:
    if not rest:
        return ""
    cards = "".join(_card(f"p{index}", p, p.text, number, opened if chosen == f"p{index}" else "") for index, p in rest)
    is_open = " open" if chosen.startswith("p") or alone else ""
    return (
        f'<details class="t-rest" data-keep="rest-{number}"{is_open}><summary>Retrieved, not cited <span class="t-count">{len(rest)}'
        f'</span></summary><div class="t-cards">{cards}</div></details>'
    )


# The opened source


def _opened(answer: Answer, number: int, chosen: str, shown: Excerpt | None, problem: str) -> str:
    if shown is None:
        return f'<div class="t-excerpt"><p class="t-alert">{esc(problem)}</p></div>'
    note = (
        ""
        if shown.faithful
        else '<p class="t-alert">The stored text no longer reads as it was quoted; the marked words are what stands there.</p>'
    )
    note += "".join(_doubt(claim) for claim in _doubts(answer, chosen))
    lead = "" if shown.starts_document else '<p class="t-cut" aria-hidden="true">⋯</p>'
    tail = "" if shown.ends_document else '<p class="t-cut" aria-hidden="true">⋯</p>'
    markers = [(other.key, _marker(other.key, number)) for other in shown.others]
    return (
        f'<div class="t-excerpt">{note}<blockquote tabindex="0" aria-label="The cited words in their place">{lead}'
        f"{excerpt_html(shown, markers)}{tail}</blockquote>{_picture(shown)}"
        f'<a class="t-open" href="{esc(shown.link)}" target="_blank" rel="noopener noreferrer">Open the document here</a></div>'
    )


def _doubt(claim: Claim) -> str:
    reason = f": {claim.reason}" if claim.reason else "."
    return f'<p class="t-reason">{esc(_DOUBTS[claim.verdict])}, “{esc(_short(claim.text))}”{esc(reason)}</p>'


def _marker(key: str, number: int) -> str:
    return (
        f'<button type="button" class="t-marker" data-cite="{esc(key)}" data-turn="{number}" '
        f'aria-label="Source {esc(key[1:])}">{esc(key)}</button>'
    )


def _picture(shown: Excerpt) -> str:
    if not shown.picture:
        return ""
    printed = f" (printed {shown.label})" if shown.label and shown.label != str(shown.page) else ""
    return (
        f'<figure class="t-page"><a href="{esc(shown.picture)}" target="_blank" rel="noopener noreferrer" title="Open the picture '
        f'alone"><img src="{esc(shown.picture)}" loading="lazy" alt="Page {shown.page} with the cited words marked"></a>'
        f"<figcaption>Page {shown.page}{esc(printed)}</figcaption></figure>"
    )


__all__ = ["Excerpt", "Other", "closer", "empty", "excerpt", "others", "sources"]
