"""Claims side by side: repeats, what an author said later, authors who disagree, and the order of all."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from assistant.catalysts.evidence import Found
from assistant.catalysts.grouping import SAME_POINT, SAME_WORDS, Claim, grouped, opposed, superseded
from assistant.catalysts.shapes import AUTHORITY
from vectorstore.records import KINDS, Metadata, SourceInfo


def claim(
    quote: str,
    day: str | None = "2024-01-01",
    *,
    side: str = "for",
    author: str = "Quay Research",
    kind: str = "note",
    points: Sequence[float] = (1.0, 0.0),
    document: str = "",
) -> Claim:
    """Return a claim; ``points``: the direction of its vector."""
    vector = np.array(points, dtype=np.float32)
    vector /= np.linalg.norm(vector)
    name = document or f"{author}{day}"
    meta = Metadata(title="T", publisher=author, published=day, kind=kind)  # type: ignore[arg-type]
    source = SourceInfo(name, "v", f"/{name}", "default", meta, "text/plain", "indexed", 0, 9, 1, "2024-01-01")
    found = Found(f"{name}/{quote}", name, 0, len(quote), None, side, 0.9, (), quote, vector)  # type: ignore[arg-type]
    return Claim(found, source)


def ids(claims: Sequence[Claim]) -> list[str]:
    return [one.found.quote for one in claims]


LONG = "Tariffs on imported steel raise the cost of every small maker of tools in the state of Ohio this year"


def test_nearly_the_same_words_are_one_claim_and_the_newest_is_shown() -> None:
    old, new = (
        claim(LONG + ".", "2023-01-01"),
        claim(LONG.replace("every", "each") + "!", "2024-01-01", author="Harbor Press"),
    )
    other = claim("Duties on toys from abroad hurt the shops that sell them in summer.", "2022-01-01")
    [(first, also), (alone, none)] = grouped([old, other, new])
    assert (ids([first]), ids(also), ids([alone]), none) == (ids([new]), ids([old]), ids([other]), ())


def test_another_figure_is_another_claim() -> None:
    made = [claim(f"{LONG}, by {part}%", day) for part, day in ((5, "2023-01-01"), (6, "2024-01-01"))]
    assert [also for _, also in grouped(made)] == [(), ()]


def test_another_side_is_another_claim() -> None:
    made = [claim(LONG, "2023-01-01"), claim(LONG, "2024-01-01", side="against")]
    assert [also for _, also in grouped(made)] == [(), ()]


@given(st.lists(st.lists(st.sampled_from("abcdefgh"), min_size=1, max_size=8), max_size=12))
def test_prefix_filtering_finds_every_pair(texts: list[list[str]]) -> None:
    made = [claim(" ".join(words), f"2024-01-{i + 1:02d}") for i, words in enumerate(texts)]
    groups = grouped(made)
    place = {one.found.evidence_id: n for n, (first, also) in enumerate(groups) for one in (first, *also)}
    assert sum(1 + len(also) for _, also in groups) == len(made)
    for i, a in enumerate(made):
        for b in made[:i]:
            if len(a.words & b.words) >= SAME_WORDS * len(a.words | b.words):
                assert place[a.found.evidence_id] == place[b.found.evidence_id]
    for _, (first, also) in enumerate(groups):
        assert [one.rank for one in (first, *also)] == sorted(one.rank for one in (first, *also))
    assert [first.rank for first, _ in groups] == sorted(first.rank for first, _ in groups)


def test_newest_first_then_the_more_binding_kind_and_undated_last() -> None:
    made = [
        claim("undated", None, kind="filing"),
        claim("old filing", "2022-01-01", kind="filing"),
        claim("new article", "2024-01-01", kind="article"),
        claim("new filing", "2024-01-01", kind="filing"),
    ]
    assert ids([first for first, _ in grouped(made)]) == ["new filing", "new article", "old filing", "undated"]


def test_authority_knows_every_kind() -> None:
    assert set(AUTHORITY) == set(KINDS)
    assert AUTHORITY[:5] == ("filing", "release", "transcript", "note", "article")


def test_the_same_author_later_on_the_same_point_supersedes() -> None:
    first = claim("first", "2022-01-01", points=(1, 0))
    second = claim("second", "2023-01-01", points=(1, 0.1), side="against")
    third = claim("third", "2024-01-01", points=(1, 0.2))
    elsewhere = claim("other point", "2024-02-01", points=(0, 1))
    later = superseded([third, first, elsewhere, second])
    assert {name: (one.claim.found.quote, one.claim.found.side) for name, one in later.items()} == {
        first.found.evidence_id: ("third", "for"),
        second.found.evidence_id: ("third", "for"),
    }
    assert all(one.closeness >= SAME_POINT for one in later.values())


def test_another_author_the_same_day_or_no_date_supersedes_nothing() -> None:
    made = [
        claim("a", "2023-01-01", author="A"),
        claim("b", "2024-01-01", author="B"),
        claim("c", "2024-01-01", author="B", document="c"),
        claim("d", None, author="B"),
    ]
    assert superseded(made) == {}


@given(st.lists(st.tuples(st.integers(1, 5), st.sampled_from("AB"), st.floats(0, 3)), max_size=15))
def test_what_supersedes_is_later_by_the_same_author_and_close(rows: list[tuple[int, str, float]]) -> None:
    made = [
        claim(
            str(i),
            f"2024-01-{day:02d}",
            author=author,
            points=(float(np.cos(turn)), float(np.sin(turn))),
            document=str(i),
        )
        for i, (day, author, turn) in enumerate(rows)
    ]
    by_id = {one.found.evidence_id: one for one in made}
    later = superseded(made)
    for one in made:
        fits = [
            o
            for o in made
            if o.author == one.author and o.day > one.day and float(o.found.vector @ one.found.vector) >= SAME_POINT
        ]
        assert (one.found.evidence_id in later) == bool(fits)
        if fits:
            found = later[one.found.evidence_id].claim
            assert found.day == max(o.day for o in fits)
            assert by_id[found.found.evidence_id].author == one.author


def test_contradictions_are_of_different_authors_and_the_closest_first() -> None:
    good = claim("good", points=(1, 0), author="A")
    own = claim("own", points=(1, 0.01), author="A", side="against", document="own")
    near = claim("near", points=(1, 0.3), author="B", side="against")
    far = claim("far", points=(0, 1), author="C", side="against")
    [pair] = opposed([good, own, near, far])
    assert (pair.speaks_for.found.quote, pair.speaks_against.found.quote) == ("good", "near")
    assert opposed([good, own, far]) == []
    assert opposed([good]) == []


def test_a_claim_is_in_one_contradiction_only() -> None:
    good = [claim(f"good {i}", points=(1, i / 10), author="A", document=f"g{i}") for i in range(4)]
    bad = [claim(f"bad {i}", points=(1, i / 10), author="B", side="against", document=f"b{i}") for i in range(2)]
    pairs = opposed([*good, *bad])
    assert [p.closeness for p in pairs] == sorted((p.closeness for p in pairs), reverse=True)
    used = [c.found.evidence_id for p in pairs for c in (p.speaks_for, p.speaks_against)]
    assert len(used) == len(set(used)) == 4
    assert all(a.closeness >= b.closeness for a, b in pairwise(pairs))
