"""What the board says, as frozen values that print as JSON with the same names (``for`` is ``for_`` in Python).

Offsets are Unicode code points into the stored text of the version named beside them: ``document.text[start:end] == quote``.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field

from assistant.models import Finite, Offset, Record, ToolStatus

BOARD_VERSION = "1.0"

Side = Literal["for", "against"]
BoardStatus = Literal["confirming", "contradicting", "mixed", "stale", "no_data"]
ChangeKind = Literal[
    "begun", "evidence_new", "evidence_gone", "superseded", "metric_crossed", "status_changed", "redefined"
]

# From the most binding: what a company signs for comes before what it announces, what it says before what others write of it.
AUTHORITY: tuple[str, ...] = ("filing", "release", "transcript", "note", "article", "other")


class Place(Record):
    """One place where a sentence stands."""

    document_id: str
    version: str
    start: Offset
    end: Offset
    page: Annotated[int, Field(ge=1)] | None
    title: str | None
    published: str | None
    path: str


class Superseded(Record):
    """What the same author said later on the same point. ``side``: of the later sentence; ``closeness``: cosine of the two."""

    evidence_id: str
    published: str
    side: Side
    closeness: Finite


class Evidence(Record):
    """One sentence that speaks for or against a catalyst.

    ``author``: who is named as its author, else the publisher, else the company. ``authority``: the place of its kind in AUTHORITY,
    from 1. ``score``: in 0..1, how sure the stance is; ``reasons``: why. ``also``: other places that say nearly the same words, older
    than this one. ``new``: published on or after the day asked for with ``since``.
    """

    evidence_id: str
    side: Side
    quote: str
    author: str | None
    published: str | None
    kind: str
    authority: Annotated[int, Field(ge=1)]
    title: str | None
    publisher: str | None
    company: str | None
    ticker: str | None
    document_id: str
    version: str
    start: Offset
    end: Offset
    page: Annotated[int, Field(ge=1)] | None
    path: str
    url: str
    score: Finite
    reasons: tuple[str, ...] = ()
    also: tuple[Place, ...] = ()
    superseded: Superseded | None = None
    new: bool = False


class Reading(Record):
    """A condition of a catalyst with the figure that live data give for it.

    ``holds`` is None where there is no figure, and then ``reason`` says why. ``threshold`` is a number, or the ``compared`` metric's value.
    ``old``: the figure is older than its source's own rhythm, or than the setting ``stale_after_days``.
    """

    side: Literal["confirms", "refutes"]
    rule: str
    why: str
    tool: str
    arguments: dict[str, Any]
    tool_status: ToolStatus
    metric: str
    subject: str | None
    value: Finite | None
    unit: str
    threshold: Finite | None
    compared: str | None
    holds: bool | None
    as_of: str | None
    period: str | None
    source: str
    source_url: str | None
    method: str | None
    retrieved_at: str | None
    old: bool = False
    reason: str = ""
    what_to_do: str = ""


class Pair(Record):
    """Two that contradict each other: claims of different authors, or a claim and a metric. ``why`` says so in words."""

    kind: Literal["authors", "metric"]
    for_id: str | None
    against_id: str | None
    reading: Annotated[int, Field(ge=0)] | None = None  # place in ``metrics``
    closeness: Finite | None = None
    why: str


class Counts(Record):
    """How many claims stand on each side; ``repeats``: places that say them again; ``left_out``: weaker ones that are not kept;
    ``less_sure``: sentences that are listed apart and count nowhere.
    """

    speak_for: int
    speak_against: int
    documents: int
    repeats: int
    superseded: int
    new: int
    left_out: int
    less_sure: int = 0


class CatalystBoard(Record):
    """One catalyst as it stands."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        json_schema_serialization_defaults_required=True,
        populate_by_name=True,
        serialize_by_alias=True,
    )

    id: str
    name: str
    statement: str
    mechanism: str
    direction: str
    status: BoardStatus
    rule: str
    for_: tuple[Evidence, ...] = Field((), alias="for")
    against: tuple[Evidence, ...] = ()
    less_sure: tuple[Evidence, ...] = ()  # the surest first
    metrics: tuple[Reading, ...] = ()
    contradictions: tuple[Pair, ...] = ()
    counts: Counts
    measured_at: str | None = None


class Board(Record):
    """The board of what a reader may see. ``rules``: what its marks mean, in words. ``pending``: documents not read for it yet."""

    schema_version: str = BOARD_VERSION
    as_of: str | None
    since: str | None
    catalysts: tuple[CatalystBoard, ...]
    documents: int
    pending: int
    classifier: str
    rules: dict[str, str]
    warnings: tuple[str, ...] = ()


class Change(Record):
    """One difference, kept with its time (UTC). ``change_id`` never changes; ``evidence_ids``: the sentences that it is about.

    ``quote`` is the sentence at [start, end) of the version named; None where its document was taken out since.
    """

    change_id: str
    time: str
    kind: ChangeKind
    catalyst: str
    title: str
    text: str
    document_id: str | None = None
    version: str | None = None
    quote: str | None = None
    start: Offset | None = None
    end: Offset | None = None
    evidence_ids: tuple[str, ...] = ()
    before: str | None = None
    after: str | None = None


class Changes(Record):
    """Changes, newest first. ``more``: whether there are older ones that fit."""

    since: str | None
    changes: tuple[Change, ...]
    more: bool = False


__all__ = [
    "AUTHORITY",
    "BOARD_VERSION",
    "Board",
    "BoardStatus",
    "CatalystBoard",
    "Change",
    "ChangeKind",
    "Changes",
    "Counts",
    "Evidence",
    "Pair",
    "Place",
    "Reading",
    "Side",
    "Superseded",
]
