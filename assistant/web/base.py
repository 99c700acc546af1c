"""What is in the base: what can be filtered by, example questions, the page about it. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from assistant.agent.providers import describe
from assistant.web.text import day, esc
from vectorstore.records import SourceInfo
from vectorstore.settings import Settings


@dataclass(frozen=True, slots=True)
class Choices:
    """The values that the filters offer."""

    kinds: tuple[str, ...]
    publishers: tuple[str, ...]
    companies: tuple[str, ...] = ()
    collections: tuple[str, ...] = ()


def choices(sources: Sequence[SourceInfo]) -> Choices:
    """Return what can be filtered by, from the documents that can answer."""
    usable = [source for source in sources if source.chunks]
    return Choices(
        kinds=tuple(sorted({str(s.metadata.kind) for s in usable})),
        publishers=tuple(sorted({s.metadata.publisher for s in usable if s.metadata.publisher}, key=str.casefold)),
        companies=tuple(sorted({s.metadata.company for s in usable if s.metadata.company}, key=str.casefold)),
        collections=tuple(sorted({s.collection for s in usable})),
    )


def examples(sources: Sequence[SourceInfo], *, limit: int = 4) -> tuple[str, ...]:
    """Return questions that fit what is in, spread over publishers and kinds, newest first."""
    newest = sorted((s for s in sources if s.chunks), key=lambda s: s.metadata.published or "", reverse=True)
    seen: dict[tuple[str, str], int] = {}
    ranked: list[tuple[int, SourceInfo]] = []
    for source in newest:
        group = (source.metadata.publisher or "", source.metadata.kind)
        seen[group] = seen.get(group, 0) + 1
        ranked.append((seen[group], source))
    ranked.sort(key=lambda item: item[0])
    out: list[str] = []
    for _, source in ranked:
        text = _example(source, len(out))
        if text and text not in out:
            out.append(text)
        if len(out) == limit:
            break
    return tuple(out)


def _example(source: SourceInfo, place: int) -> str | None:
    meta = source.metadata
    if meta.company and meta.fiscal_period and meta.kind in {"filing", "transcript"}:
        return f"What did {meta.company} say about revenue in {meta.fiscal_period}?"
    if not meta.title or meta.kind == "filing":
        return None
    if place % 2:
        return f"What is the case for and against “{meta.title}”?"
    return f"What are the main points of “{meta.title}”?"


def mode(settings: Settings) -> str:
    """Return how answers are made here, in words for the page."""
    described = describe(settings)
    if "problem" in described:
        return f"Verbatim sentences of the sources. The language model cannot be used: {described['problem']} {described['what_to_do']}".rstrip(
            "."
        )
    if described["mode"] == "model":
        return f"Written by {described['provider']}:{described['name']}; each sentence is checked against the sources"
    return "Verbatim sentences of the sources, without a language model"


def modes(settings: Settings) -> tuple[tuple[str, str], ...]:
    """Return how answers can be made here, as (words, value), the usual one first."""
    described = describe(settings)
    without = "Verbatim sentences, without a language model"
    if described["mode"] != "model":
        return ((without, ""),)
    return ((f"{described['provider']}:{described['name']}, each sentence checked", ""), (without, "extractive"))


def about(sources: Sequence[SourceInfo], settings: Settings) -> str:
    """Return what this installation is: mode, store, model, counts."""
    described = describe(settings)
    asks = described["mode"] == "model" and not described["local"]
    private = (
        f"Questions and the passages for them go to {described['provider']}; nothing else leaves this machine"
        if asks
        else "Nothing leaves this machine"
    )
    usable = [source for source in sources if source.chunks]
    dates = sorted(s.metadata.published for s in usable if s.metadata.published)
    rows = {
        "Answers": mode(settings),
        "Embedding model": settings.embedding_model or "all-MiniLM-L6-v2, bundled",
        "Store": Path(settings.store).resolve().name,
        "Collection": settings.collection,
        "Documents": f"{len(usable):,}",
        "Chunks": f"{sum(s.chunks for s in usable):,}",
        "Publishers": f"{len({s.metadata.publisher for s in usable if s.metadata.publisher}):,}",
        "Published": f"{day(dates[0])} to {day(dates[-1])}" if dates else "no dated document",
        "Failed files": f"{sum(1 for s in sources if s.error):,}",
    }
    cells = "".join(f"<dt>{esc(key)}</dt><dd>{esc(value)}</dd>" for key, value in rows.items())
    return (
        f'<div class="t-about"><h2>About this base</h2><dl>{cells}</dl><p class="t-dim">Each sentence of an answer points '
        "at a verbatim span of a source. What the base does not hold is said so, and what lies nearby is listed. "
        f"{private}: no telemetry, no outside fonts or scripts.</p></div>"
    )
