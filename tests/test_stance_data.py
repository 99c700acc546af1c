"""The labelled sentences: their format, and how they find their text; no corpus is needed."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pytest
import yaml

from benchmarks import stance_data
from benchmarks.stance_data import CATALYSTS, KEPT, SHIPPED, Label, SentencesNotFoundError
from vectorstore.records import sha256

TEXT = """Duties on steel went up. They cost us two points of margin.

- The plant moves home next year.
"""
SENTENCES = ("Duties on steel went up.", "They cost us two points of margin.", "The plant moves home next year.")


def row(file: str, sentence: str, **other: str) -> dict[str, str]:
    """A row of a file of labels."""
    return {
        "file_sha256": file,
        "sentence_sha256": stance_data.digest(sentence),
        "catalyst": "tariffs",
        "stance": "for",
        "split": "tune",
        **other,
    }


def written(folder: Path, *rows: dict[str, str]) -> Path:
    path = folder / "stance.jsonl"
    path.write_text("".join(json.dumps(r) + "\n" for r in rows), encoding="utf-8")
    return path


@pytest.fixture
def corpus(tmp_path: Path) -> tuple[Path, str]:
    """A corpus of one made-up note, and its sha256."""
    folder = tmp_path / "corpus" / "notes"
    folder.mkdir(parents=True)
    (folder / "note.txt").write_text(TEXT, encoding="utf-8")
    return tmp_path / "corpus", sha256(TEXT.encode())


def test_a_label_finds_its_sentence_and_the_ones_around_it(tmp_path: Path, corpus: tuple[Path, str]) -> None:
    folder, key = corpus
    path = written(
        tmp_path,
        *(row(key, s, note=str(n)) for n, s in enumerate(SENTENCES)),
        row(key, SENTENCES[1], catalyst="rates-debt"),
    )
    pairs = stance_data.load(path, folder)
    assert [p.text for p in pairs] == [*SENTENCES, SENTENCES[1]]
    assert [(p.before, p.after) for p in pairs[:3]] == [
        ("", SENTENCES[1]),
        (SENTENCES[0], SENTENCES[2]),
        (SENTENCES[1], ""),
    ]
    assert pairs[2].label.note == "2"
    assert pairs[0].path.name == "note.txt"


def test_white_space_does_not_move_a_sentence() -> None:
    assert stance_data.digest("Duties  on\nsteel\u00a0went up.") == stance_data.digest("Duties on steel went up.")


def test_a_sentence_that_is_gone_is_named(tmp_path: Path, corpus: tuple[Path, str]) -> None:
    folder, key = corpus
    path = written(tmp_path, row(key, SENTENCES[0]), row(key, "It was never said."), row("0" * 64, "Nor this."))
    with pytest.raises(SentencesNotFoundError) as caught:
        stance_data.load(path, folder)
    message = str(caught.value)
    assert "1 sentences are of files that are not in the corpus, 1 are not in their file" in message
    assert f"sentence {stance_data.digest('It was never said.')[:12]}… of file {key[:12]}…" in message
    assert f"file {'0' * 12}… is missing" in message
    assert len(caught.value.labels) == 2


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"stance": "maybe"}, "stance 'maybe' is unknown"),
        ({"catalyst": "weather"}, "catalyst 'weather' is unknown"),
        ({"split": "kept"}, "split 'kept' is unknown"),
        ({"file_sha256": "abc"}, "file_sha256 is no sha256"),
        ({"note": "x" * 121}, "at most 120 characters"),
        ({"text": "a sentence"}, "unexpected keyword argument 'text'"),
    ],
)
def test_a_row_that_breaks_the_format_is_named(tmp_path: Path, change: dict[str, str], said: str) -> None:
    path = written(tmp_path, row("0" * 64, "a"), {**row("0" * 64, "b"), **change})
    with pytest.raises(ValueError, match=r"stance\.jsonl:2: ") as caught:
        stance_data.labels(path)
    assert said in str(caught.value)


def shipped() -> list[Label]:
    return stance_data.labels(SHIPPED)


def test_enough_pairs_of_all_catalysts_in_both_halves() -> None:
    rows = shipped()
    assert len(rows) >= 560
    assert {(r.catalyst, r.split) for r in rows} == {(c, s) for c in stance_data.catalysts() for s in ("tune", "held")}
    share = {stance: n / len(rows) for stance, n in Counter(r.stance for r in rows).items()}
    assert share["for"] > 0.25
    assert share["against"] > 0.15
    assert share["neither"] < 0.55
    assert len(stance_data.labels(KEPT)) >= 120


def test_no_pair_twice_and_no_sentence_on_both_sides() -> None:
    rows = shipped()
    kept = stance_data.labels(KEPT)
    pairs = Counter((r.catalyst, r.sentence_sha256) for r in [*rows, *kept])
    assert max(pairs.values()) == 1


def test_no_document_in_both_halves() -> None:
    halves: dict[str, set[str]] = {}
    for r in shipped():
        halves.setdefault(r.file_sha256, set()).add(r.split)
    assert {len(found) for found in halves.values()} == {1}


def test_a_note_repeats_no_sentence() -> None:
    for r in [*shipped(), *stance_data.labels(KEPT)]:
        assert stance_data.digest(r.note) != r.sentence_sha256


def test_the_catalysts_are_described_in_full() -> None:
    from assistant.tools.registry import NAMES

    found = yaml.safe_load(CATALYSTS.read_text(encoding="utf-8"))
    assert found["version"] == 1
    assert len(found["catalysts"]) == 10
    compared = {"at_least", "at_most", "above_subject", "below_subject", "below_metric"}
    for catalyst in found["catalysts"]:
        assert set(catalyst) == {
            "id", "name", "statement", "mechanism", "direction", "look_for", "not_about", "moves", "signs_for", "signs_against",
            "confirms", "refutes",
        }  # fmt: skip
        assert catalyst["direction"] in {"tailwind", "headwind"}
        assert all(isinstance(word, str) for word in [*catalyst["look_for"], *catalyst["not_about"]])
        for condition in [*catalyst["confirms"], *catalyst["refutes"]]:
            assert condition["tool"] in NAMES
            assert len(compared & set(condition)) == 1
            assert condition["why"]
            assert set(condition) <= {"tool", "arguments", "metric", "subject", "unit", "why"} | compared
