"""A slice of the fuzz run, what earlier runs found, and that the run itself sees what it is there to see."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from benchmarks import soak_fuzz
from benchmarks._fuzz_inputs import _WORDS, MAKERS, make
from benchmarks.soak_fuzz import Verdict, broken_promise, examine, run
from tests import hostile_files as hostile

INPUTS = 210


@pytest.fixture(autouse=True)
def out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(soak_fuzz, "OUT", tmp_path / "fuzz")
    return tmp_path / "fuzz"


def test_a_slice_of_the_run_finds_nothing(out: Path) -> None:
    figures = run(1e9, seed=20, inputs=INPUTS)
    assert not out.exists(), [f.read_text() for f in out.glob("*.why")]
    assert (figures["inputs"], figures["crashes"], figures["hangs"], figures["broken"]) == (INPUTS, 0, 0, 0)
    assert figures["read"] + figures["refused"] == INPUTS
    assert min(figures["read"], figures["refused"]) > INPUTS / 10
    assert all(figures[f"inputs_{kind}"] == INPUTS / len(MAKERS) for kind in MAKERS)


def test_an_input_is_made_again_from_seed_and_number() -> None:
    assert [make(3, n) for n in range(40)] == [make(3, n) for n in range(40)]
    assert make(3, 5) != make(4, 5)


def faulty(seed: int, numbers: Sequence[int]) -> list[Verdict]:
    """Examine as always, but let some inputs do harm. Runs in a worker process."""
    if 2 in numbers:
        os.abort()
    if 9 in numbers:
        time.sleep(600)
    if 13 in numbers:
        raise KeyError("unforeseen")
    return [Verdict(n, "text", True, 0.0, "the same bytes gave two results" if n == 20 else "") for n in numbers]


def test_the_run_sees_crashes_hangs_and_broken_promises_and_keeps_the_inputs(
    out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(soak_fuzz, "_BATCH", 7)
    monkeypatch.setattr(soak_fuzz, "_BATCH_S", 3.0)
    figures = run(1e9, seed=1, inputs=21, examiner="tests.test_fuzz:faulty")
    assert (figures["inputs"], figures["crashes"], figures["hangs"], figures["broken"]) == (21, 2, 1, 1)
    kept = {int(f.name.split("-")[1]): f.read_text() for f in out.glob("*.why")}
    assert kept.keys() == {2, 9, 13, 20}
    assert "brought down the process" in kept[2]
    assert "longer than 3 s" in kept[9]
    assert "KeyError: 'unforeseen'" in kept[13]
    _, name, data = make(1, 20)
    assert (out / f"1-20-{name}").read_bytes() == data


def test_the_run_ends_when_its_time_is_up() -> None:
    assert run(0.0, seed=1, inputs=50)["inputs"] == 0


def test_examine_tells_what_reads_and_what_is_refused() -> None:
    verdicts = examine(20, range(14))
    assert [v.number for v in verdicts] == list(range(14))
    assert {v.read for v in verdicts} == {True, False}


@given(
    st.lists(st.sampled_from(_WORDS) | st.text(max_size=20), max_size=120), st.sampled_from(["a.txt", "a.md", "a.html"])
)
@hypothesis_settings(max_examples=60, deadline=None, database=None, suppress_health_check=list(HealthCheck))
def test_any_text_keeps_the_promises(words: list[str], name: str) -> None:
    assert broken_promise(name, "".join(words).encode("utf-8", "surrogatepass"))[1] == ""


@given(st.binary(max_size=3000), st.sampled_from(["", "%PDF-1.4\n", "PK\x03\x04", "<html>", "---\na: "]))
@hypothesis_settings(max_examples=60, deadline=None, database=None, suppress_health_check=list(HealthCheck))
def test_any_bytes_keep_the_promises(data: bytes, start: str) -> None:
    assert broken_promise("a.txt", start.encode() + data)[1] == ""


# What earlier runs found, in the smallest form


@pytest.mark.parametrize(
    "data",
    [
        hostile.word_with({"word/_rels/document.xml.rels": hostile.relations('Id="r1" Type="x"')}),
        hostile.word_with({"word/styles.xml": b'<w:styles xmlns:w="http://a\x7fb"/>'}),
        hostile.word_with({"_rels/.rels": '<Relationships xmlns="http://a\u0085b"/>'.encode()}),
        hostile.word_with(
            {"[Content_Types].xml": hostile.word_parts()["[Content_Types].xml"].replace(b"main+xml", b"other")}
        ),
        hostile.word("<w:tbl><w:tr><w:tc><w:tcPr><w:gridSpan/></w:tcPr><w:p/></w:tc></w:tr></w:tbl>"),
    ],
    ids=[
        "a relation without a target",
        "a control sign in a message",
        "another",
        "an address in a message",
        "a span without a number",
    ],
)
def test_found_by_the_run(data: bytes) -> None:
    assert broken_promise("a.docx", data) == (False, "")
