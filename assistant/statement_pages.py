"""Where a filing's primary statements stand, and which of them a question is about: a ranking signal. Pure, cached by version."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from assistant.kept import Kept
from assistant.statements.figures import held_statements
from assistant.statements.formulas import formula, leaves, mentions
from assistant.statements.items import items, metrics
from vectorstore.records import Document

_NAMED = {
    "cash": re.compile(r"\bcash flows? (?:statement|information)|statements? of cash flows?\b", re.I),
    "balance": re.compile(r"\bbalance sheets?|(?:statements? of )?financial (?:position|condition)\b", re.I),
    "income": re.compile(
        r"\b(?:income statements?|p&l|p & l|profit and loss|statements? of (?:consolidated )?(?:income|operations|earnings|profit))\b", re.I
    ),
}  # fmt: skip
# A primary statement gives the group's line, not that of a part: who asks for parts is served by the notes.
_BY_PART = re.compile(
    r"\b(?:segments?|divisions?|geograph\w*|regions?|countr(?:y|ies)|lines? of business|business (?:lines?|units?)|franchises?|brands?|"
    r"product (?:lines?|groups?|categor\w+)|by (?:product|channel))\b",
    re.I,
)
# Nor does it say why: what moved a line is told in the discussion beside it.
_ASKS_WHY = re.compile(
    r"^why\b|[.?] why\b|\bwhat (?:drove|drives|helped|made|caused|led|explains?|hurt|pushed|lifted|weighed|contributed|(?:is|was) behind)\b|"
    r"\bwhat (?:is|are|was|were) (?:the )?(?:main |key |primary )?(?:drivers?|reasons?|causes?)\b|\bdrivers? (?:of|for|behind)\b",
    re.I,
)
_held: Kept[tuple[str, str], Mapping[str, frozenset[int]]] = Kept(256)


def wanted_kinds(text: str) -> frozenset[str]:
    """Return the statements ("income", "balance", "cash") that a question names or whose line items it asks for.

    None where it asks for segments, divisions, regions or products, or for the reasons of a change.
    """
    if _BY_PART.search(text) or _ASKS_WHY.search(text):
        return frozenset()
    found = {kind for kind, pattern in _NAMED.items() if pattern.search(text)}
    for _, _, name in mentions(text):
        if name in items():
            found.add(items()[name].statement)
        elif name in metrics():
            found.update(items()[leaf].statement for leaf in leaves(formula(name)) if leaf in items())
    return frozenset(found)


def statement_pages(
    document_id: str, version: str, load: Callable[[str, str], Document]
) -> Mapping[str, frozenset[int]]:
    """Return the pages of the first (the group's) statement of each kind in one version of a document."""
    return _held.made((document_id, version), lambda: _pages(load(document_id, version)))


def _pages(document: Document) -> Mapping[str, frozenset[int]]:
    pages: dict[str, frozenset[int]] = {}
    for one in held_statements(document):
        first, last = document.page_at(one.start), document.page_at(max(one.start, one.end - 1))
        if one.kind not in pages and first and last and not one.minor:
            pages[one.kind] = frozenset(range(first, last + 1))
    return pages
