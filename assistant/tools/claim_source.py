"""Where the base says what a claim says: the sentence of the article, with its place, so that it can be cited."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from assistant.lexicon import keys, widen
from assistant.tools.base import Context
from assistant.tools.claims import Claim
from vectorstore.errors import NotFound
from vectorstore.names import fold
from vectorstore.records import Document
from vectorstore.text import sentences

# The share of a claim's words that its sentence has to say: less where it states the claim's own figure too.
LEAST, LEAST_WITH_FIGURE = 0.5, 0.3
_FOLLOWS = 2  # sentences before, whose words count half: "Industries …" may be named in the one before


def said_in(claim: Claim, context: Context) -> list[dict[str, Any]]:
    """Return the place of the claim in its article as an input of a metric; [] where the base does not hold it, or not so.

    The article is the one of the claim's publisher and day.
    """
    if context.documents is None:
        return []
    day, who = claim.claimed_on.isoformat(), fold(claim.publisher)
    found: list[tuple[float, Document, int, int]] = []
    for source in context.documents.sources(context.filters()):
        meta = source.metadata
        if not source.version or meta.published != day or fold(meta.publisher or "") != who:
            continue
        try:
            document = context.documents.document(source.document_id, source.version)
        except NotFound:
            continue
        found += [(score, document, start, end) for score, start, end in _scored(claim, document)]
    if not found:
        return []
    _, document, start, end = max(found, key=lambda x: (x[0], -x[2]))
    return [
        {
            "name": "article", "title": document.metadata.title or document.path, "published": day, "document_id": document.document_id,
            "version": document.version, "start": start, "end": end, "page": document.page_at(start), "quote": document.text[start:end],
        }
    ]  # fmt: skip


def _scored(claim: Claim, document: Document) -> Iterator[tuple[float, int, int]]:
    wanted = keys(f"{claim.text} {claim.words}")
    named = keys(claim.text)
    figures = [v for v in (claim.value, claim.low, claim.high) if v is not None]
    stated = [v for v in figures if _states(claim.text, v)]
    before: list[frozenset[str]] = []
    for start, end in sentences(document.text):
        if any(r.start < end and start < r.end for r in document.regions):
            continue
        text = document.text[start:end]
        said = widen(keys(text))
        near: frozenset[str] = frozenset().union(*before[-_FOLLOWS:])
        before.append(said)
        share = len(named & said) / max(1, len(named))
        has = bool(stated) and all(_states(text, v) for v in stated)
        if stated and not has:
            continue
        if share >= (LEAST_WITH_FIGURE if has else LEAST):
            rest = wanted - said
            yield (len(wanted & said) + 0.5 * len(rest & near)) / len(wanted), start, end


def _states(text: str, value: float) -> bool:
    """Whether a text states a figure, sign aside."""
    return any(abs(float(m) - abs(value)) < 1e-9 for m in re.findall(r"(?<![\w.])\d+(?:\.\d+)?(?![\w]|\.\d)", text))


__all__ = ["said_in"]
