"""Answers from a document's metadata: who wrote it, when and where it appeared. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import replace

from assistant.compose import Span, Writer
from assistant.lexicon import question_words, stem, terms
from assistant.question import Expected, Question, named_in
from vectorstore.records import Chunk, Document, Metadata, Origin, SourceInfo

ChunkAt = Callable[[str, int], Chunk | None]
LABELS = {
    "authors": "Authors",
    "published": "Published",
    "publisher": "Publisher",
    "title": "Title",
    "after": "Based on",
}
_ASKING = frozenset(
    stem(w)
    for w in [
        "author",
        "wrote",
        "write",
        "written",
        "writer",
        "publish",
        "published",
        "publisher",
        "date",
        "dated",
        "release",
        "released",
        "issued",
        "issue",
        "when",
        "who",
        "where",
        "piece",
        "article",
        "note",
        "report",
        "paper",
        "filing",
        "document",
        "story",
        "post",
        "research",
        "firm",
        "house",
        "outlet",
        "company",
        "put",
        "appear",
        "appeared",
        "come",
        "came",
        "out",
        "title",
        "titled",
        "called",
        "old",
        "sign",
        "signed",
        "byline",
        "behind",
        "call",
        "transcript",
        "letter",
    ]
)


def topic(text: str) -> frozenset[str]:
    """Return the stems of a question that name a document, without the words that ask about it."""
    return frozenset(
        t.key for t in terms(text) if not t.concept and t.key not in _ASKING and (t.key not in question_words())
    )


def as_fact(question: Question) -> Question:
    """Return the question as one for a sentence: where no document's metadata answers, a text may still say it."""
    fields = question.metadata
    wanted: Expected = "date" if fields == ("published",) else "author" if "authors" in fields else "person"
    words = {
        "authors": "by authors",
        "published": "date",
        "publisher": "article by",
        "title": "title",
        "after": "article by",
    }
    subject = tuple(u for u in question.units if u.entity or not (u.words & _ASKING) or u.words - _ASKING)
    text = " ".join([*question.names, *(u.surface for u in subject), "article", *(words[f] for f in fields)])
    return replace(
        question, text=text, units=subject, intent="fact", expected=wanted, metadata=(), parts=(text,), strict=True
    )


# A line with a name, and up to two short lines below it: how a byline or a signature gives a role.
_SHORT = 90


def role_block(question: Question, documents: Sequence[Document]) -> tuple[Document, int, int] | None:
    """Return where a document gives the role of a person that the question names: a byline, a signature."""
    for document in documents:
        for name in question.names:
            if len(name.split()) < 2:
                continue
            for match in re.finditer(re.escape(name), document.text):
                start = document.text.rfind("\n", 0, match.start()) + 1
                lines, end = 0, start
                for line in document.text[start : start + 600].splitlines(keepends=True):
                    plain = line.strip()
                    if len(plain) > _SHORT or (lines and plain.endswith(".")) or lines == 4:
                        break
                    end += len(line)
                    lines += bool(plain)
                    if lines and plain and ROLE.search(plain) and not plain.endswith((",", "&", " and", " of")):
                        body = document.text[start:end].rstrip()
                        return document, start, start + len(body)
    return None


ROLE = re.compile(
    r"\b(?:chief|officer|president|director|manager|head|analyst|chair\w*|partner|secretary|treasurer|founder|counsel|economist|strategist|"
    r"editor|CEO|CFO|COO|CIO|CTO|EVP|SVP|VP)\b",
    re.I,
)


def _titled(title: str | None, plain: str) -> bool:
    """Whether ``plain`` (lower-case words) names the title: as it stands, or all but one of six of its words."""
    words = re.findall(r"\w+", (title or "").lower())
    asked = set(plain.split())
    return len(words) >= 3 and (
        " ".join(words) in plain or (len(words) >= 5 and sum(w in asked for w in words) >= 0.85 * len(words))
    )


def underlying(question: Question, sources: Sequence[SourceInfo]) -> SourceInfo | None:
    """Return a note that is based on the document whose title the question names, where that one is not in the base."""
    plain = " ".join(re.findall(r"\w+", question.text.lower()))
    for source in sources:
        for entry in source.metadata.extra.get("after", "").split(";"):
            if _titled(entry.rsplit(",", 2)[0], plain):
                return source
    return None


def targets(question: Question, sources: Sequence[SourceInfo]) -> list[SourceInfo]:
    """Return the documents that a metadata question speaks of, best first; [] where none stands out.

    A quoted or nearly complete title decides; else its publisher, company or author, together with its
    subject and kind where several fit.
    """
    wanted = topic(question.text)
    plain = " ".join(re.findall(r"\w+", question.text.lower()))
    whole = [source for source in sources if _titled(source.metadata.title, plain)]
    if whole:
        return whole
    scored: list[tuple[float, SourceInfo]] = []
    for source in sources:
        meta = source.metadata
        firm = named_in(question.text, [f for f in (meta.publisher, meta.company) if f])
        people = named_in(question.text, meta.authors) or tuple(
            a
            for a in meta.authors
            if len(a.split()) > 1 and re.search(rf"\b{re.escape(a.split()[-1])}\b", question.text)
        )
        title_keys = {t.key for t in terms(meta.title or "") if not t.concept}
        rest = wanted - {stem(w) for f in (*firm, *people) for w in re.findall(r"\w+", f)}
        overlap = len(rest & title_keys) / len(rest) if rest else 0.0
        match = len(rest & title_keys) / len(title_keys) if title_keys else 0.0
        score = 2.0 * bool(firm) + 2.0 * bool(people) + overlap + match
        kinds = {
            k
            for k in ("note", "article", "filing", "transcript", "release")
            if re.search(rf"\b{k}s?\b", question.text, re.I)
        }
        if kinds:
            score += 0.6 if meta.kind in kinds else -0.3
        if firm or people or (overlap >= 0.6 and rest):
            scored.append((score, source))
    if not scored:
        return []
    scored.sort(key=lambda pair: (-pair[0], pair[1].path))
    best = scored[0][0]
    close = [source for score, source in scored if score >= best - 0.25]
    return close if len(close) <= 4 else []


def value(meta: Metadata, name: str) -> str:
    """Return a metadata value as it is shown; "" where it is not known."""
    found = meta.extra.get("after") if name == "after" else getattr(meta, name)
    return ", ".join(found) if isinstance(found, tuple) else (found or "")


def _found(document: Document, name: str, shown: str) -> Origin | None:
    """Return the place of a value that the text holds word for word (a free key of the front matter)."""
    at = document.text.find(shown)
    return Origin(name, "front_matter", at, at + len(shown)) if at >= 0 else None


def answer(question: Question, documents: Sequence[Document], writer: Writer, chunk_at: ChunkAt) -> set[str]:
    """Write what is known of each document; return the fields that could be answered.

    ``chunk_at(document_id, offset)``: the chunk that holds it. A value that was read from no span
    (a user's ``--meta``, a PDF property) is stated as unchecked, with where it comes from.
    """
    given: set[str] = set()
    for document in documents:
        meta = document.metadata
        for name in question.metadata:
            shown = value(meta, name)
            origin = meta.origin(name) or _found(document, name, shown)
            if not shown:
                continue
            if writer.length:
                writer.write("\n\n")
            subject = meta.title if name != "title" and meta.title else document.path.rsplit("/", 1)[-1]
            text = f"“{subject}” - {LABELS[name].lower()}: {shown}."
            if origin is not None and origin.start is not None and origin.end is not None:
                chunk = chunk_at(document.document_id, origin.start)
                span = Span(document, origin.start, origin.end, chunk.chunk_id if chunk else "")
                writer.claim(text, [span], reason=f"read from the {origin.source.replace('_', ' ')}")
            else:
                place = origin.source.replace("_", " ") if origin else "metadata"
                writer.claim(
                    text, [], verdict="unchecked", score=0.0, reason=f"from the {place}; it does not stand in the text"
                )
            given.add(name)
    return given
