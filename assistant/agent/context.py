"""What the model is shown: evidence under opaque ids, fenced as data. Pure.

An id is a short hash of what stands behind it, never a number in an order: a model that guesses one finds nothing.
Fences carry a boundary that is drawn anew for each question, so that no document can close one.
"""

from __future__ import annotations

import hashlib
import json
import re
import secrets
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from assistant.compose import Span
from assistant.models import Claim, ToolResult
from vectorstore.records import Document, Passage

# Four characters a token: the common rule of thumb for English; a margin is left for tables of figures.
CHARACTERS_A_TOKEN = 3.5
_SHORTEST_ID = 6
# Signs that a chat template, a fence or a hidden instruction is made of.
_INVISIBLE = re.compile(
    r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u00ad\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufe00-\ufe0f\ufeff\ufff9-\ufffb"
    r"\U000e0000-\U000e01ef]"
)
_TEMPLATE = re.compile(
    r"<\|+|\|+>|<{2,}|>{2,}|\[/?INST\]|</?(?:s|system|assistant|user|tool|tool_call|function)\b[^>\n]{0,80}>", re.I
)
# Words that speak to a model instead of telling a reader something. What they stand in is shown to the model, since nothing is
# kept from it, and bears no claim: else a document could have its orders carried out and then prove them.
_ORDER = re.compile(
    r"\b(?:ignore|disregard|forget|override|bypass)\b[^.\n]{0,40}\b(?:instructions?|prompts?|rules|directions|guidelines|context|above|previous)\b|"
    r"\b(?:system|hidden|developer) (?:prompt|message|instructions?)\b|\byou are (?:now|an? (?:ai|assistant|language model|chatbot))\b|"
    r"\b(?:as|dear|hey|attention,?) (?:an? )?(?:ai|llm|assistant|language model|chatbot)\b|\bfrom now on\b[^.\n]{0,40}\b(?:answer|respond|reply|say|you)\b|"
    r"(?:^|[.!?:;\n]\s*|\b(?:must|please|then|always|to) )(?:tell|inform|assure|remind|instruct|advise|convince) (?:the|your|every|any|all) "
    r"(?:readers?|users?|customers?|clients?|person|human)\b|"
    r"\b(?:answer|respond to|reply to) (?:every|each|any|all) questions?\b|"
    r"\b(?:end|begin|finish|start|conclude|close) (?:every|each|any|all|an|your) (?:answer|reply|response|message)s?\b|"
    r"\bcite this (?:passage|document|source|page|text)\b|\b(?:print|reveal|output|repeat|show|display|include) (?:the|your|this|following) "
    r"(?:key|password|prompt|instructions?|rules|image|picture|link|markdown)\b|"
    r"<\|[a-z_]+\|>|</?(?:system|tool_call|function_call|assistant)\b|\[/?INST\]|(?:^|\n)\s*(?:system|assistant|user|human)\s*:|!\[[^\]]*\]\(",
    re.I,
)
_SIGNS = str.maketrans({"<": "‹", ">": "›", "[": "(", "]": ")"})


@dataclass(frozen=True, slots=True)
class Quoted:
    """A passage that the model may cite."""

    passage: Passage
    document: Document


@dataclass(frozen=True, slots=True)
class Figure:
    """A line that was read or worked out from statements by code, with the spans that it stands on."""

    claim: Claim
    spans: tuple[Span, ...]


@dataclass(frozen=True, slots=True)
class Reading:
    """What a live tool returned."""

    result: ToolResult


Evidence = Quoted | Figure | Reading


def neutral(text: str) -> str:
    """Return a document's text for the model: no invisible signs, nothing that looks like a fence or a chat template.

    What is cited is always the stored text; this is only how the model sees it.
    """
    text = _INVISIBLE.sub("", text.replace("\r\n", "\n").replace("\u2028", "\n").replace("\u2029", "\n"))
    return _TEMPLATE.sub(lambda m: m.group().translate(_SIGNS), text)


def orders(text: str) -> bool:
    """Whether a sentence of a document speaks to a model."""
    return bool(_ORDER.search(_INVISIBLE.sub("", text)))


def draw_boundary() -> str:
    """Return a boundary that no document can know."""
    return secrets.token_hex(8)


@dataclass
class Desk:
    """The evidence of one answer by id, in the order in which it was shown."""

    boundary: str = field(default_factory=draw_boundary)
    held: dict[str, Evidence] = field(default_factory=dict)

    def add(self, evidence: Evidence) -> str:
        """Return the id of a piece of evidence, the same one each time that it comes up."""
        letter, content = _identity(evidence)
        digest = hashlib.sha256(content.encode("utf-8", "surrogatepass")).hexdigest()
        for length in range(_SHORTEST_ID, len(digest) + 1):
            name = letter + digest[:length]
            found = self.held.setdefault(name, evidence)
            if found is evidence or _identity(found) == (letter, content):
                return name
        raise AssertionError("two contents with the same sha256")

    def show(self, evidence: Evidence) -> str:
        """Return one piece of evidence as the model reads it, inside its fence."""
        return f"<<<DATA {self.boundary} id={self.add(evidence)}>>>\n{_body(evidence)}\n<<<END {self.boundary}>>>"

    def passages(self) -> Iterator[tuple[str, Quoted]]:
        for name, evidence in list(self.held.items()):  # searches add while sentences are checked
            if isinstance(evidence, Quoted):
                yield name, evidence

    def tools(self) -> Iterator[tuple[str, Reading]]:
        for name, evidence in list(self.held.items()):  # searches add while sentences are checked
            if isinstance(evidence, Reading):
                yield name, evidence


def _identity(evidence: Evidence) -> tuple[str, str]:
    if isinstance(evidence, Quoted):
        chunk = evidence.passage.chunk
        return "c", f"{chunk.chunk_id}\0{chunk.text}"
    if isinstance(evidence, Figure):
        return "f", "\0".join(
            [evidence.claim.text, *(f"{s.document.document_id} {s.start} {s.end}" for s in evidence.spans)]
        )
    return "t", evidence.result.model_dump_json()


def label(passage: Passage) -> str:
    """Return what a passage's document says of itself, on one line: title, house, date, company, form, period, page, section."""
    meta, chunk = passage.metadata, passage.chunk
    parts = (
        meta.title,
        meta.publisher,
        f"published {meta.published}" if meta.published else None,
        meta.company,
        meta.form,
        meta.fiscal_period,
        f"page {chunk.page}" if chunk.page else None,
        chunk.section,
    )
    return " | ".join(dict.fromkeys(" ".join(part.split()) for part in parts if part))


def _body(evidence: Evidence) -> str:
    if isinstance(evidence, Quoted):
        head = neutral(label(evidence.passage))
        return (f"({head})\n" if head else "") + neutral(evidence.passage.chunk.text.strip())
    if isinstance(evidence, Figure):
        return "(worked out from the statements) " + neutral(evidence.claim.text)
    shown = evidence.result.model_dump(mode="json", exclude={"marker", "cached"})
    return neutral(json.dumps(shown, ensure_ascii=False))


def tokens(text: str) -> int:
    """Return about how many tokens a text has; no tokenizer is loaded, since those of the providers are fetched."""
    return round(len(text) / CHARACTERS_A_TOKEN) + 4


def fitting(desk: Desk, found: Iterable[Evidence], room: int) -> list[str]:
    """Return the shown form of as many pieces of evidence, in order, as ``room`` tokens hold; at least one."""
    out: list[str] = []
    for evidence in found:
        known = set(desk.held)
        text = desk.show(evidence)
        room -= tokens(text)
        if room < 0 and out:
            for name in set(desk.held) - known:  # it is not shown, so it cannot be cited
                del desk.held[name]
            break
        out.append(text)
    return out


def trimmed(history: Sequence[tuple[str, str]], room: int) -> list[tuple[str, str]]:
    """Return the newest (role, content) messages that ``room`` tokens hold, beginning with one of the user."""
    kept: list[tuple[str, str]] = []
    for role, content in reversed(history):
        room -= tokens(content)
        if room < 0:
            break
        kept.append((role, content))
    kept.reverse()
    while kept and kept[0][0] != "user":
        kept.pop(0)
    return kept
