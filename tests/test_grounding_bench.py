"""The corruption benchmark: damage is real, seeded, and none of it shares code with the checker; figures on the sample notes."""

from __future__ import annotations

import ast
import random
import re
from pathlib import Path

import pytest

from assistant.grounding import check
from benchmarks import grounding_damage
from benchmarks.grounding import contained, passages_of
from benchmarks.grounding_claims import KINDS, make
from benchmarks.grounding_pairs import auroc, macro_f1
from benchmarks.grounding_rephrase import rephrase
from benchmarks.grounding_text import Passage, sentences_of

ROOT = Path(__file__).resolve().parents[1]
TEXT = (
    "During the year the revenue of Acme increased 12% to $1.5 billion in 2022, compared with $1.3 billion in 2021. "
    "However, the company did not record a loss of $40 million for the three months ended in March. "
    "In spring Acme bought Bolt for 30 million shares, and the buyers of Acme were pleased with Bolt."
)
PASSAGE = Passage("a.txt", "Acme", TEXT)


@pytest.mark.parametrize(
    ("kind", "sentence", "gone"),
    [
        ("number", 0, None),
        ("scale", 0, "billion"),
        ("unit", 1, None),
        ("year", 0, None),
        ("entity", 0, "Acme"),
        ("sign", 1, "loss"),
        ("direction", 0, "increased"),
        ("negation", 1, " not "),
        ("swap", 0, None),
    ],
)
def test_each_kind_of_damage_changes_the_sentence(kind: str, sentence: int, gone: str | None) -> None:
    original = sentences_of(PASSAGE)[sentence]
    for seed in range(20):
        damaged = grounding_damage.DAMAGE[kind](original, PASSAGE, ["Acme", "Zeta Labs"], random.Random(seed))
        assert damaged is not None
        assert damaged != original
        assert gone is None or damaged.count(gone) < original.count(gone)


def test_rephrasing_keeps_every_figure_in_some_notation() -> None:
    original = sentences_of(PASSAGE)[0]
    made = {rephrase(original, random.Random(seed)) for seed in range(30)}
    assert None not in made
    assert len(made) >= 2
    for text in made:
        assert text is not None
        assert re.search(r"2022.*2021", text)
        assert re.search(r"12(?:%| percent)", text)
        assert re.search(r"\$1\.5 billion|\$1,500 million", text)


def test_claims_are_the_same_for_the_same_seed_and_half_are_damaged() -> None:
    passages = passages_of(ROOT / "knowledge")
    first, again = make(passages, per_kind=6, seed=3), make(passages, per_kind=6, seed=3)
    assert first == again
    assert {m.kind for m in first} <= {*KINDS, "untouched", "rephrased"}
    damaged = sum(m.kind in KINDS for m in first)
    assert damaged >= 30
    assert abs(2 * damaged - len(first)) <= 1
    for made in first:
        whole = " ".join(made.evidence.split())
        assert (made.original in whole) == (made.kind != "citation")
        assert made.kind in {"citation", "untouched"} or made.claim != made.original


def test_generator_and_checker_share_no_code() -> None:
    for name in ("grounding_claims", "grounding_damage", "grounding_rephrase", "grounding_text"):
        tree = ast.parse((ROOT / "benchmarks" / f"{name}.py").read_text(encoding="utf-8"))
        imported = {n.module for n in ast.walk(tree) if isinstance(n, ast.ImportFrom)} | {
            a.name for n in ast.walk(tree) if isinstance(n, ast.Import) for a in n.names
        }
        assert not {m for m in imported if m and m.startswith(("assistant", "ingest", "vectorstore"))}


def test_damage_to_the_sample_notes_is_caught_and_what_is_right_is_left_alone() -> None:
    claims = make(passages_of(ROOT / "knowledge"), per_kind=12, seed=11)
    caught = [check(m.claim, [m.evidence]).verdict != "supported" for m in claims if m.kind in KINDS]
    doubted = [check(m.claim, [m.evidence]).verdict != "supported" for m in claims if m.kind not in KINDS]
    assert sum(caught) / len(caught) >= 0.9
    assert sum(doubted) / len(doubted) <= 0.05


def test_the_baseline_counts_words_only() -> None:
    assert contained("Revenue of Acme decreased 12%", TEXT)
    assert not contained("Zebras graze on distant plains", TEXT)


def test_macro_f1_and_auroc_of_scores() -> None:
    rows = [(0.9, True), (0.6, True), (0.4, True), (0.5, False), (0.1, False)]
    # Supported: 2 right, 1 missed, 1 too many; not supported: 1 right, 1 missed, 1 too many.
    assert macro_f1(rows, 0.5) == pytest.approx((2 * 2 / 6 + 2 * 1 / 4) / 2)
    assert auroc(rows) == pytest.approx(5 / 6)
    assert auroc([(0.5, True), (0.5, False)]) == 0.5
