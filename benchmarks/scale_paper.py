"""The Russell 2000's ten years of filings and calls, on paper: a pure function of what was measured and of what is assumed.

Part "paper" of ``make bench-scale``: figures of the other parts (scale.json) take the place of those that stand here as ``Measured``.
Nothing of this size was run.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace

HOUR = 3600.0


@dataclass(frozen=True, slots=True)
class Measured:
    """Figures of this machine (2 cores); of each, where it was measured."""

    # Chunks of one document, means of the corpus (filings of large companies; `thesis sources --json`)
    chunks_10k: float = 1091.0  # 23 files
    chunks_10q: float = 1186.0  # 3 files
    chunks_8k: float = 19.0  # 6 files, releases among them; one of 879 is left out
    chunks_call: float = 61.0  # 16 files
    # Bytes of one chunk at a million (docs/performance.md, Search)
    ledger_bytes: float = 3771.0
    words_bytes: float = 1325.0
    vector_bytes: float = 2376.0  # 1,863 MB for 784,000 vectors
    vector_memory_bytes: float = 2300.0  # of the process that has the graph
    # Chunks in a second
    whole_per_core: float = 80.0  # read, embed, put in: 30,641 chunks in 190 s on 2 cores (docs/performance.md)
    shared_takes_in: float = 1000.0  # all ingesters together on a shared base (part "load")
    copy_fill: float = 10_000.0  # a new replica's copy of the words (part "copy")
    # Processor milliseconds of one question, at 30,641 chunks (part "replicas")
    question_replica_ms: float = 80.0
    question_servers_ms: float = 10.0


@dataclass(frozen=True, slots=True)
class Assumed:
    """What nobody measured here."""

    companies: int = 2000
    years: int = 10
    annual: float = 1.0  # 10-K a company and year
    quarterly: float = 3.0  # 10-Q
    current: float = 8.0  # 8-K, and exhibits with releases
    calls: float = 4.0
    length: float = 1.0  # of a filing beside the corpus's, which are of larger companies
    core_hour_usd: float = 0.05
    gb_month_usd: float = 0.10  # of disk
    memory_gb_month_usd: float = 4.0
    peak_questions_per_s: float = 10.0
    replica_load: float = 0.5  # of its cores that a replica is to be busy at the peak


@dataclass(frozen=True, slots=True)
class Row:
    """``kind``: "assumed", "from measured" or "extrapolated" (nothing near it was run)."""

    name: str
    value: float
    unit: str
    kind: str


def plan(measured: Measured, assumed: Assumed, cores: Sequence[int] = (2, 32, 200)) -> list[Row]:
    """Return documents, chunks, hours, cost, sizes and memory."""
    a, m = assumed, measured
    firm_years = float(a.companies * a.years)
    documents = firm_years * (a.annual + a.quarterly + a.current + a.calls)
    filings = a.annual * m.chunks_10k + a.quarterly * m.chunks_10q + a.current * m.chunks_8k
    chunks = firm_years * (filings * a.length + a.calls * m.chunks_call)
    core_hours = chunks / m.whole_per_core / HOUR
    rows = [
        Row("documents", documents, "", "assumed"),
        Row("chunks", chunks / 1e6, "million", "from measured"),
        Row("processor time of ingest", core_hours, "core hours", "from measured"),
        Row("its cost", core_hours * a.core_hour_usd, "USD", "from measured"),
    ]
    for count in cores:
        slowest = min(count * m.whole_per_core, m.shared_takes_in)
        rows.append(Row(f"ingest with {count} cores", chunks / slowest / HOUR, "hours", "extrapolated"))
    rows += [
        Row("at best, as fast as one base takes in", chunks / m.shared_takes_in / HOUR, "hours", "extrapolated"),
        Row("cores that this keeps busy", m.shared_takes_in / m.whole_per_core, "cores", "from measured"),
        Row("ledger", chunks * m.ledger_bytes / 1e9, "GB", "extrapolated"),
        Row("copy of the words, each replica", chunks * m.words_bytes / 1e9, "GB", "extrapolated"),
        Row("vectors, on disk", chunks * m.vector_bytes / 1e9, "GB", "extrapolated"),
        Row("vectors, in memory of one Chroma server", chunks * m.vector_memory_bytes / 1e9, "GB", "extrapolated"),
        Row("a new replica fills its copy in", chunks / m.copy_fill / HOUR, "hours", "extrapolated"),
        Row("disk a month, ledger and vectors", chunks * (m.ledger_bytes + m.vector_bytes) / 1e9 * a.gb_month_usd, "USD", "extrapolated"),
        Row("memory a month, vectors", chunks * m.vector_memory_bytes / 1e9 * a.memory_gb_month_usd, "USD", "extrapolated"),
        Row("cores of replicas at the peak", a.peak_questions_per_s * m.question_replica_ms / 1e3 / a.replica_load, "cores", "extrapolated"),
        Row("cores of the servers at the peak", a.peak_questions_per_s * m.question_servers_ms / 1e3 / a.replica_load, "cores", "extrapolated"),
    ]  # fmt: skip
    return rows


# A field of Measured and the figure of scale.json that takes its place.
_FROM = {
    "shared_takes_in": "load/most_chunks_per_s",
    "copy_fill": "copy/fill_chunks_per_s",
    "ledger_bytes": "ledger/postgres_bytes_a_chunk",
    "words_bytes": "copy/bytes_a_chunk",
    "question_replica_ms": "replicas/shared_1_server_cpu_ms_a_question",
    "question_servers_ms": "replicas/shared_1_servers_cpu_ms_a_question",
}


def measured(figures: Mapping[str, float]) -> Measured:
    """Return what was measured, by this run where it has the figure."""
    return replace(Measured(), **{name: figures[key] for name, key in _FROM.items() if key in figures})


def figures(inputs: Measured) -> tuple[dict[str, float], str]:
    """Return the figures of both assumptions about length, and the table of docs/scale.md."""
    cases = {"as the corpus": Assumed(), "half as long": Assumed(length=0.5)}
    plans = {name: plan(inputs, assumed) for name, assumed in cases.items()}
    first = next(iter(plans.values()))
    lines = [f"| | {' | '.join(f'filings {name}' for name in plans)} | |", "|---|" + "---|" * (len(plans) + 1)]
    for at, row in enumerate(first):
        cells = " | ".join(_shown(rows[at]) for rows in plans.values())
        lines.append(f"| {row.name} | {cells} | {row.kind} |")
    given = [f"{field.name} {getattr(inputs, field.name):g}" for field in fields(inputs)]
    assumptions = [f"{field.name} {getattr(Assumed(), field.name):g}" for field in fields(Assumed)]
    text = "\n".join([*lines, "", "measured: " + ", ".join(given), "assumed: " + ", ".join(assumptions)])
    out = {f"{case}/{row.name}": row.value for case, rows in plans.items() for row in rows}
    return {name.replace(" ", "_").replace(",", ""): value for name, value in out.items()}, text


def _shown(row: Row) -> str:
    value = f"{row.value:,.0f}" if row.value >= 100 else f"{row.value:.2g}" if row.value < 10 else f"{row.value:.0f}"
    return f"{value} {row.unit}".strip()
