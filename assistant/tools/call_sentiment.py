"""The tone of the calls and releases in the base, by size of company: (positive - negative words) / words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from pydantic import Field

from assistant.question import named_in
from assistant.tools.base import Arguments, Context, Documents, Draft, NoData, Tool, execute
from assistant.tools.sentiment import Lexicon, Sentence, Tone, loughran_mcdonald, shipped, tone
from assistant.tools.sentiment_groups import Call, Comparison, Interval, agreement, compare, level, when
from vectorstore.records import Document, SourceInfo

FORMULA = "(positive words - negative words) / words"
SIZES = ("small", "mid", "large")
_UNDATED = "their calls have no date (give it: thesis ingest FILE --meta published=YYYY-MM-DD)"


class CallSentimentArguments(Arguments):
    """Which documents are read, and what is shown."""

    ticker: str = Field("", description="ticker or name of a company; empty: every company in the base")
    quarter: str = Field(
        "",
        pattern=r"^(?:\d{4}Q[1-4])?$",
        description="calendar quarter of the calls, such as 2025Q2; empty: the newest",
    )
    kind: Literal["", "transcript", "release"] = Field(
        "", description="empty: transcripts, and releases where there are none"
    )
    top: int = Field(3, ge=0, le=20, description="sentences to quote for each side")


@dataclass(frozen=True, slots=True)
class Read:
    """One document, its size group, when its call was, and its tone."""

    document: Document
    size: str
    quarter: str | None
    day: str | None
    tone: Tone

    @property
    def score(self) -> float:
        return self.tone.score or 0.0

    @property
    def call(self) -> Call:
        name = self.document.metadata.company or self.document.metadata.title or self.document.path
        return Call(self.document.document_id, name, self.size, self.score, self.quarter, self.day)


def _run(arguments: CallSentimentArguments, context: Context, draft: Draft) -> None:
    if context.documents is None:
        raise NoData("There is no base to read calls from.", "Add transcripts or releases with: thesis ingest FOLDER")
    lexicon = shipped()
    chosen = _chosen(arguments, context, context.documents, draft)
    reads = [r for r in (_read(context.documents, source, lexicon) for source in chosen) if r.tone.words]
    if arguments.quarter:
        reads = [r for r in reads if r.quarter == arguments.quarter]
    if not reads:
        asked = f" in {arguments.quarter}" if arguments.quarter else ""
        raise NoData(f"No call or release that was asked for{asked} is in the base.", "Add it with: thesis ingest FILE")
    groups = {size: [r for r in reads if r.size == size] for size in (*SIZES, "")}
    single = bool(arguments.ticker)
    found = (
        None
        if single
        else compare(*([r.call for r in groups[s]] for s in ("small", "large")), quarter=arguments.quarter or None)
    )
    _levels(reads, groups, found, draft, context, single)
    if found is not None:
        _difference(found, groups, draft, context)
    elif not single:
        _ungrouped(groups, draft)
    _quoted(reads, arguments.top, draft, context)
    if context.settings.sentiment_lexicon:
        _agreement(reads, loughran_mcdonald(context.settings.sentiment_lexicon), draft, context)


def _ungrouped(groups: dict[str, list[Read]], draft: Draft) -> None:
    """Say why small companies are not compared with large ones, and what to set."""
    other = sorted(
        {str(r.document.metadata.extra["size"]) for r in groups[""] if r.document.metadata.extra.get("size")}
    )
    if other:
        draft.warn(f"{', '.join(map(repr, other[:3]))} is no size: it is small, mid or large.")
    missing = [f"size={size}" for size in ("small", "large") if not groups[size]]
    if missing:
        draft.warn(
            f"No comparison of small with large companies: {len(groups[''])} of {sum(map(len, groups.values()))} documents have no size. "
            f"Give it: thesis ingest FILES --meta {' and, for the others, --meta '.join(missing)}; what is in the base already is updated."
        )
    else:
        draft.warn("No comparison of small with large companies: both are needed in the same quarter.")


def _chosen(
    arguments: CallSentimentArguments, context: Context, documents: Documents, draft: Draft
) -> list[SourceInfo]:
    """Return the sources of one kind, each text once; transcripts and releases differ in tone and are never mixed."""
    kinds = (arguments.kind,) if arguments.kind else ("transcript", "release")
    for kind in kinds:
        held = [s for s in documents.sources(context.filters(kind=(kind,))) if s.version]
        if arguments.ticker:
            wanted = named_in(arguments.ticker, [s.metadata.company for s in held if s.metadata.company])
            ticker = arguments.ticker.upper()
            held = [s for s in held if s.metadata.company in wanted or s.metadata.ticker == ticker]
            companies = sorted({s.metadata.company or "" for s in held})
            if len(companies) > 1:
                raise NoData(f"{arguments.ticker!r} may be any of: {', '.join(companies)}.", "Name one of them.")
            draft.resolved(company=companies[0] if companies else arguments.ticker)
        if held:
            draft.resolved(kind=kind)
            return list({(s.version, s.metadata.company, s.metadata.published): s for s in held}.values())
    return []


def _read(documents: Documents, source: SourceInfo, lexicon: Lexicon) -> Read:
    document = documents.document(source.document_id, source.version)
    quarter, day = when(document.metadata)
    size = str(document.metadata.extra.get("size", "")).strip().lower()
    return Read(document, size if size in SIZES else "", quarter, day, tone(document, lexicon))


def _levels(
    reads: Sequence[Read],
    groups: dict[str, list[Read]],
    found: Comparison | None,
    draft: Draft,
    context: Context,
    single: bool,
) -> None:
    shown = found.quarter if found else None
    names = {"small": "small caps", "mid": "mid caps", "large": "large caps", "": "companies without a size"}
    if single or not any(groups[s] for s in SIZES):
        groups, names = {"": list(reads)}, {"": reads[0].call.company if single else "all companies in the base"}
    for size, members in groups.items():
        held = [r for r in members if shown is None or r.quarter == shown]
        made = level([r.call for r in held])
        if made is None:
            continue
        draft.add(
            "call_sentiment", names[size], 100 * made.mean, "percent",
            as_of=_as_of(held, context), period=shown or _span(held), source="documents", formula=FORMULA,
            inputs=[*_interval(made.interval), *(_row(r) for r in held)], n=made.n,
        )  # fmt: skip
    undated = sum(r.quarter is None for r in reads)
    if undated:
        draft.warn(f"{undated} of {len(reads)} documents: {_UNDATED}, so they belong to no quarter.")


def _difference(found: Comparison, groups: dict[str, list[Read]], draft: Draft, context: Context) -> None:
    both = [r for s in ("small", "large") for r in groups[s] if found.quarter is None or r.quarter == found.quarter]
    common: dict[str, Any] = {
        "as_of": _as_of(both, context),
        "period": found.quarter or _span(both),
        "source": "documents",
    }
    draft.add(
        "call_sentiment_difference", "small caps against large caps", 100 * found.difference, "percentage points",
        formula="mean(small) - mean(large)", inputs=_interval(found.interval), n=len(both), **common,
    )  # fmt: skip
    if found.z is not None:
        draft.add(
            "call_sentiment_z", "small caps against large caps", found.z, "standard deviations",
            formula="(newest - mean) / standard deviation, over quarters",
            inputs=[{"quarter": q, "difference_pp": 100 * d} for q, d in found.history.items()], n=len(found.history), **common,
        )  # fmt: skip
    elif found.reason:
        draft.warn(f"{found.reason[:1].upper()}{found.reason[1:]}.")


def _quoted(reads: Sequence[Read], top: int, draft: Draft, context: Context) -> None:
    """Add how the words fell, with the sentences that lean furthest to each side, word for word and with their place."""
    for sign, name in ((1, "most_positive_sentences"), (-1, "most_negative_sentences")):
        leaning = [(r, s) for r in reads for s in r.tone.strongest(sign, top)]
        leaning.sort(key=lambda x: (-sign * x[1].lean, x[0].document.document_id, x[1].start))
        if leaning[:top]:
            draft.add(
                name, "documents read", float(len(leaning[:top])), "sentences", as_of=_as_of(reads, context), source="documents",
                formula="(positive words - negative words) / square root of words, of a sentence", inputs=[_sentence(r, s) for r, s in leaning[:top]], n=len(reads),
            )  # fmt: skip


def _agreement(reads: Sequence[Read], theirs: Lexicon, draft: Draft, context: Context) -> None:
    other = [tone(r.document, theirs).score or 0.0 for r in reads]
    found = agreement([r.score for r in reads], other)
    if found is None:
        draft.warn("The two lexicons are compared from three documents on.")
        return
    subject = f"own lexicon and {theirs.name}"
    common: dict[str, Any] = {"as_of": _as_of(reads, context), "source": "documents", "n": found.n}
    if found.correlation is not None:
        draft.add("lexicon_correlation", subject, found.correlation, "", formula="Pearson, over documents", **common)
    draft.add("lexicon_sign_agreement", subject, 100 * found.same_sign, "percent", **common)


def _as_of(reads: Sequence[Read], context: Context) -> str:
    """Return the day of the newest call; of the reading itself where none has a date."""
    return max((r.day for r in reads if r.day), default=context.day.isoformat())


def _span(reads: Sequence[Read]) -> str:
    days = sorted(r.day for r in reads if r.day)
    undated = len(reads) - len(days)
    told = f"{days[0]} to {days[-1]}" if days else ""
    return ", ".join(x for x in (told, f"{undated} undated" if undated else "") if x)


def _interval(found: Interval | None) -> list[dict[str, Any]]:
    if found is None:
        return []
    return [{"name": "interval95", "low": 100 * found[0], "high": 100 * found[1], "method": "bootstrap over documents"}]


def _row(read: Read) -> dict[str, Any]:
    counted = read.tone
    return {
        "document_id": read.document.document_id, "company": read.call.company, "quarter": read.quarter, "score_pct": 100 * read.score,
        "positive": counted.positive, "negative": counted.negative, "words": counted.words, "left_out": dict(counted.left_out),
    }  # fmt: skip


def _sentence(read: Read, sentence: Sentence) -> dict[str, Any]:
    document = read.document
    return {
        "document_id": document.document_id, "version": document.version, "company": read.call.company,
        "start": sentence.start, "end": sentence.end, "page": document.page_at(sentence.start),
        "quote": document.text[sentence.start : sentence.end], "positive": sentence.positive, "negative": sentence.negative,
    }  # fmt: skip


TOOL = Tool(
    name="call_sentiment",
    summary="Tone of earnings calls and releases in the base, small against large companies",
    arguments=CallSentimentArguments,
    sources=("documents",),
    run=execute("call_sentiment", _run),
)
