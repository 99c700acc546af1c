"""The bodies of requests and responses. What a request may hold is as narrow as what is taken, so that the spec is true."""

from __future__ import annotations

import re
from datetime import date
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema, model_validator

from assistant.models import Answer
from vectorstore.records import Kind

_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)


def _day(text: str) -> str:
    try:
        if _DAY.fullmatch(text):
            return date.fromisoformat(text).isoformat()
    except ValueError:
        pass  # told below, with what has another form
    raise ValueError("is no date: write it as YYYY-MM-DD")


def _digits(value: Any) -> Any:
    if isinstance(value, str) and not re.fullmatch(r"-?[0-9]{1,18}", value):
        raise ValueError("is no whole number")
    return value


# In an address "1.0", "+1" and "1_0" are no ways to write a number.
DIGITS = BeforeValidator(_digits)
Day = Annotated[str, AfterValidator(_day), WithJsonSchema({"type": "string", "format": "date"})]
# "" for a document that has no such day.
DayOrNone = Annotated[
    str,
    AfterValidator(lambda text: _day(text) if text else ""),
    WithJsonSchema({"anyOf": [{"type": "string", "format": "date"}, {"const": ""}]}),
]
Name = Annotated[str, Field(min_length=1, max_length=200)]
Names = Annotated[list[Name], Field(max_length=50)]
UploadId = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{8,64}$")]
ConversationId = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{8,64}$")]
# What regular expressions call a space differs: a question has a character that none of them does.
_SAYS = r"[^\s\x00-\x1f\x7f-\x9f\ufeff]"
Query = Annotated[str, Field(min_length=1, max_length=4000, pattern=_SAYS)]
Model = Annotated[str, Field(max_length=200)]


class Given(BaseModel):
    """What a client sends: an unknown name is an error, so that a slip of the pen is seen."""

    model_config = ConfigDict(extra="forbid", strict=True)


class Filters(Given):
    """Which documents may answer: values of one name are alternatives, names are combined with and."""

    kind: Kind | Annotated[list[Kind], Field(max_length=50)] | None = None
    publisher: Name | Names | None = None
    company: Name | Names | None = None
    ticker: Name | Names | None = None
    form: Name | Names | None = None
    collection: Name | Names | None = None
    since: Day | None = Field(None, description="Published on this day or later.")
    until: Day | None = Field(None, description="Published on this day or before.")


class Ask(Given):
    """A question."""

    question: Query
    as_of: Day | None = Field(None, description="Nothing published after this day is used, and nothing without a date.")
    filters: Filters | None = None
    conversation_id: ConversationId | None = Field(
        None,
        description="Any name of yours. Its earlier turns are read with the question; a new one begins a conversation.",
    )
    model: Model | None = Field(
        None, description="“extractive” for no language model; default: as the server is set up."
    )


class Read(Given):
    """A question that is to be understood only."""

    question: Query
    as_of: Day | None = Field(None, description="As of the question.")
    filters: Filters | None = None
    conversation_id: ConversationId | None = Field(None, description="Its earlier turns are read with the question.")


class Cut(Given):
    """Where a conversation is to end."""

    after: Annotated[str, Field(min_length=1, max_length=64)] | None = Field(
        description="The id of the last answer that stays; null for none."
    )


class ToolCall(Given):
    """A call of one live metric."""

    arguments: dict[Name, str | int | float | bool | list[str] | None] = Field(default={}, max_length=30)
    as_of: Day | None = Field(None, description="Nothing published, filed or observed after this day is used.")


class Amend(Given):
    """What a document is; only what is named changes. null: what the document itself says; "" or []: there is none."""

    model_config = ConfigDict(extra="forbid", strict=True, json_schema_extra={"minProperties": 1})

    title: Annotated[str, Field(max_length=1000)] | None = None
    publisher: Annotated[str, Field(max_length=200)] | None = None
    authors: Annotated[list[Annotated[str, Field(min_length=1, max_length=200)]], Field(max_length=50)] | None = None
    published: DayOrNone | None = None
    kind: Kind | None = None
    company: Annotated[str, Field(max_length=200)] | None = None
    ticker: Annotated[str, Field(max_length=20)] | None = None
    form: Annotated[str, Field(max_length=40)] | None = None
    fiscal_period: Annotated[str, Field(max_length=20)] | None = Field(None, description="Such as FY2023 or Q3 2023.")
    period_end: DayOrNone | None = None
    report_date: DayOrNone | None = None
    url: Annotated[str, Field(max_length=2000)] | None = None

    @model_validator(mode="after")
    def _something(self) -> Self:
        if not self.model_fields_set:
            raise ValueError("names no field that is to change")
        return self

    def fields(self) -> dict[str, str | None]:
        """Return what is named, as text."""
        named = {name: getattr(self, name) for name in self.model_fields_set}
        return {name: "; ".join(value) if isinstance(value, list) else value for name, value in named.items()}


class Feedback(Given):
    """What you think of an answer that you got."""

    answer_id: Annotated[str, Field(min_length=1, max_length=64)]
    verdict: Literal["good", "bad"]
    comment: Annotated[str, Field(max_length=2000)] = ""


class Asked(BaseModel):
    """Values of a query string."""

    model_config = ConfigDict(extra="forbid")


class Narrowed(Asked):
    """Filters of a query string; give a name again for an alternative."""

    kind: Annotated[list[Kind], Field(max_length=50)] = []
    publisher: Names = []
    company: Names = []
    ticker: Names = []
    form: Names = []
    collection: Names = []
    since: Day | None = None
    until: Day | None = None

    def filters(self) -> dict[str, Any]:
        """Return what was given, by the names of the Answer's contract."""
        found = {name: getattr(self, name) for name in Narrowed.model_fields}
        return {name: value for name, value in found.items() if value}


class Search(Narrowed):
    q: Query
    k: Annotated[int, Field(ge=1, le=100), DIGITS] = 10
    as_of: Day | None = None


class Listing(Narrowed):
    limit: Annotated[int, Field(ge=1, le=1000), DIGITS] = 100
    offset: Annotated[int, Field(ge=0, le=10_000_000), DIGITS] = 0


class Span(Asked):
    """A version of a document, and a stretch of its text in Unicode code points."""

    version: Annotated[str, Field(min_length=1, max_length=64)] | None = None
    start: Annotated[int, Field(ge=0, le=1_000_000_000), DIGITS] | None = None
    end: Annotated[int, Field(ge=0, le=1_000_000_000), DIGITS] | None = None


# Responses


class Wrong(BaseModel):
    """One value that is not right; ``in``: body, query, path or header."""

    in_: str = Field(alias="in")
    field: str
    message: str


class Problem(BaseModel):
    """An error (RFC 9457)."""

    model_config = ConfigDict(extra="allow")

    type: str
    title: str
    status: int
    detail: str
    instance: str
    kind: str
    what_to_do: str
    errors: list[Wrong] | None = Field(None, description="The values that are not right.")
    error_id: str | None = Field(None, description="The number of a fault, which the server's log has too.")
    answer_id: str | None = None


class ProblemKind(BaseModel):
    """What a kind of problem is."""

    kind: str
    status: int
    title: str


class Passage(BaseModel):
    """A stretch of a document that was found; higher scores are better."""

    chunk_id: str
    document_id: str
    version: str
    title: str | None
    publisher: str | None
    published: str | None
    kind: str
    path: str
    page: int | None
    start: int
    end: int
    text: str
    score: float
    company: str | None
    form: str | None
    fiscal_period: str | None
    section: str
    collection: str


class Passages(BaseModel):
    passages: list[Passage]


class Source(BaseModel):
    """A document without its text."""

    document_id: str
    version: str
    path: str
    collection: str
    title: str | None
    publisher: str | None
    authors: list[str]
    published: str | None
    kind: str
    company: str | None
    ticker: str | None
    form: str | None
    fiscal_period: str | None
    period_end: str | None
    report_date: str | None
    url: str | None
    extra: dict[str, str]
    media_type: str
    state: str
    pages: int
    characters: int
    chunks: int
    ingested_at: str
    error: str | None
    warnings: list[str]
    origins: dict[str, str] = Field(
        {}, description="By field, where its value is from: user, front_matter, text, embedded or file_name."
    )


class Sources(BaseModel):
    """A part of the list; ``total``: how many match."""

    documents: list[Source]
    total: int
    limit: int
    offset: int


class Text(BaseModel):
    """A stretch of the stored text of one version: ``text`` is ``characters`` [start:end]."""

    document_id: str
    version: str
    start: int
    end: int
    characters: int
    text: str


class Taken(BaseModel):
    """What came of one file; ``text``: why it failed, or what there is to know."""

    path: str
    document_id: str
    outcome: Literal["added", "updated", "unchanged", "failed"]
    pages: int
    chunks: int
    text: str


class StoppedUpload(BaseModel):
    upload_id: str


class Removed(BaseModel):
    removed: int


class Place(BaseModel):
    path: str
    error: str | None = None
    reason: str | None = None
    text: str | None = None


class Report(BaseModel):
    """What an upload did; a file that is not taken fails alone."""

    added: int
    updated: int
    unchanged: int
    removed: int
    skipped: list[Place]
    failed: list[Place]
    warnings: list[Place]
    chunks: int
    seconds: float
    files: list[Taken] = []


class Argument(BaseModel):
    name: str
    description: str
    type: Any
    default: Any


class Tool(BaseModel):
    """A live metric. ``sources``: where its figures come from."""

    name: str
    summary: str
    arguments: list[Argument]
    sources: list[str]


class Tools(BaseModel):
    tools: list[Tool]


class Kept(BaseModel):
    """What was said has been kept."""

    answer_id: str
    verdict: Literal["good", "bad"]


class Conversation(BaseModel):
    """One conversation of yours.

    ``changed``: when its last turn was added, ``shared``: the token of its link, null for none, ``turns``: how many it has.
    """

    conversation_id: str
    title: str
    created: str
    changed: str
    shared: str | None
    turns: int


class Conversations(BaseModel):
    conversations: list[Conversation]


class Turn(BaseModel):
    """A question and its answer; null where it got none."""

    time: str
    question: str
    status: str
    answer_id: str | None
    answer: Answer | None


class Turns(BaseModel):
    """A conversation of yours with its turns, oldest first."""

    conversation_id: str
    title: str
    created: str
    changed: str
    shared: str | None
    turns: list[Turn]


class Shared(BaseModel):
    """A link: whoever sends its token to /api/v1/shared reads the conversation."""

    token: str


class SharedTurns(BaseModel):
    """Another's conversation, oldest turn first; an answer that you may not read is null, its turn's status "withheld"."""

    owner: str
    title: str
    created: str
    changed: str
    turns: list[Turn]


class Understood(BaseModel):
    """What an answer would look for; names as the base has them. ``notes``: what of the question the base cannot meet."""

    standalone_question: str
    companies: list[str]
    tickers: list[str]
    publishers: list[str]
    kinds: list[str]
    forms: list[str]
    periods: list[str]
    years: list[str]
    since: str | None
    until: str | None
    live: bool
    tools: list[str]
    notes: list[str]


class Alive(BaseModel):
    status: Literal["ok"]


class Ready(BaseModel):
    status: Literal["ready"]
