"""The paper model of docs/scale.md is arithmetic over what it is given; figures of one part leave the others alone."""

from __future__ import annotations

from dataclasses import replace

import pytest

from benchmarks.scale import merged
from benchmarks.scale_paper import Assumed, Measured, figures, measured, plan

SMALL = Assumed(companies=10, years=2, annual=1, quarterly=3, current=8, calls=4, core_hour_usd=0.5)
ROUND = Measured(
    chunks_10k=1000, chunks_10q=500, chunks_8k=50, chunks_call=100, ledger_bytes=4000, words_bytes=1000, vector_bytes=2000,
    vector_memory_bytes=2500, whole_per_core=10, shared_takes_in=100, copy_fill=1000, question_replica_ms=50, question_servers_ms=5,
)  # fmt: skip


def test_the_paper_model_counts_documents_chunks_hours_and_bytes() -> None:
    rows = {row.name: row.value for row in plan(ROUND, SMALL, cores=(1, 64))}
    # 20 company years of 16 documents; 1,000 + 3 * 500 + 8 * 50 + 4 * 100 = 3,300 chunks each
    assert rows["documents"] == 320
    assert rows["chunks"] == pytest.approx(0.066)
    assert rows["processor time of ingest"] == pytest.approx(66_000 / 10 / 3600)
    assert rows["its cost"] == pytest.approx(66_000 / 10 / 3600 * 0.5)
    assert rows["ingest with 1 cores"] == pytest.approx(66_000 / 10 / 3600)
    assert rows["ingest with 64 cores"] == pytest.approx(66_000 / 100 / 3600)  # no faster than the base takes in
    assert rows["cores that this keeps busy"] == 10
    assert rows["ledger"] == pytest.approx(0.264)
    assert rows["copy of the words, each replica"] == pytest.approx(0.066)
    assert rows["vectors, in memory of one Chroma server"] == pytest.approx(0.165)
    assert rows["cores of replicas at the peak"] == pytest.approx(1.0)


def test_shorter_filings_leave_the_calls_as_they_are() -> None:
    rows = {row.name: row.value for row in plan(ROUND, replace(SMALL, length=0.5))}
    assert rows["documents"] == 320
    assert rows["chunks"] == pytest.approx(20 * (2900 / 2 + 400) / 1e6)


def test_what_a_run_measured_takes_the_place_of_what_stands_there() -> None:
    found = measured({"load/most_chunks_per_s": 777.0, "replicas/cores": 2.0})
    assert found == replace(Measured(), shared_takes_in=777.0)
    out, table = figures(found)
    assert table.count("\n| ") == len(plan(found, Assumed()))
    assert out["as_the_corpus/documents"] == out["half_as_long/documents"] == 320_000


def test_figures_of_one_part_leave_the_others_alone() -> None:
    before = {"load/old": 1.0, "loads/x": 2.0, "copy/y": 3.0}
    assert merged(before, "load", {"new": 4.00004}) == {"loads/x": 2.0, "copy/y": 3.0, "load/new": 4.0}
