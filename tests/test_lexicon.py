"""Words, stems and concepts: what a question and a sentence have in common."""

from __future__ import annotations

import sys
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assistant.lexicon import helpers, keys, light_words, stances, stem, synonyms, terms, thesaurus, widen


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("deglobalisation", "deglobalization"),
        ("organisations", "organizations"),
        ("realised", "realized"),
        ("labour", "labor"),
        ("favours", "favors"),
        ("defence", "defense"),
        ("centre", "center"),
        ("travelled", "traveled"),
        ("modelling", "modeling"),
        ("company's", "companies"),
        ("Russell’s", "russell"),
        ("U.S.", "us"),
        ("Tariffs", "tariff"),
        ("borrowing", "borrow"),
    ],
)
def test_one_word_in_two_spellings_has_one_stem(one: str, other: str) -> None:
    assert stem(one) == stem(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [("enterprise", "enterprize"), ("rise", "rize"), ("supervise", "supervize"), ("surprise", "surprize")],
)
def test_a_word_that_is_spelt_with_s_everywhere_keeps_it(one: str, other: str) -> None:
    assert stem(one) != stem(other)


@pytest.mark.parametrize(
    ("text", "concept"),
    [
        ("companies that are losing money", "#unprofitable"),
        ("firms that don't make money", "#unprofitable"),
        ("firms that don’t make money", "#unprofitable"),
        ("an unprofitable cohort", "#unprofitable"),
        ("initial public offerings", "#ipo"),
        ("the IPO backlog", "#ipo"),
        ("variable rate loans", "#floating"),
        ("Bank of America", "#bofa"),
        ("the Russell 2000", "#russell2000"),
        ("IWM options", "#iwm"),
        ("S&P 500", "#sp500"),
        ("defence budgets", "#defense"),
        ("P/E", "#pe"),
        ("How many people work there?", "#headcount"),
        ("it divested the yard", "#disposal"),
        ("the holders voted down the plan", "#reject"),
        ("independent registered public accounting firm", "#auditor"),
        ("it paid down the term loan", "#repay"),
        ("same store sales slipped", "#comparable_sales"),
        ("ongoing legal battles", "#lawsuit"),
        ("it wrote down goodwill", "#impairment"),
        ("What became of the bid?", "#terminate"),
    ],
)
def test_phrases_stand_for_concepts(text: str, concept: str) -> None:
    assert concept in keys(text)


def test_a_concept_is_also_what_it_is_a_case_of() -> None:
    assert "#smallcap" in keys("the microcap index")
    assert widen(["#iwm"]) >= {"#iwm", "#smallcap", "#russell2000"}
    assert "#russell2000" not in keys("small caps")


def test_what_helps_to_answer_is_not_what_it_is_a_case_of() -> None:
    assert helpers(["#russell2000"]) == frozenset({"#smallcap"})
    assert helpers(["tariff"]) == frozenset()


def test_a_term_stands_where_the_text_has_it() -> None:
    text = "Higher tariffs hurt the Russell 2000."
    found = {t.key: text[t.start : t.end] for t in terms(text)}
    assert found["#tariff"] == found["tariff"] == "tariffs"
    assert found["#russell2000"] == "Russell 2000"
    assert [t.key for t in terms(text) if t.entity] == ["#russell2000"]
    assert "the" not in found


def test_synonyms_are_the_listed_phrases_of_a_concept() -> None:
    assert "initial public offering" in synonyms("#ipo")
    assert synonyms("ipo") == synonyms("#nothing") == ()


def test_each_name_that_the_thesaurus_points_at_is_a_concept() -> None:
    book = thesaurus()
    known = set(book.surfaces)
    pointed = {name for names in (*book.wider.values(), *book.stands_for.values()) for name in names}
    assert (set(book.wider) | set(book.stands_for) | pointed) - known == set()
    assert all(phrases for phrases in book.surfaces.values())
    assert book.entities <= known


def test_the_words_of_the_lists_are_what_they_say() -> None:
    assert {stem("important"), stem("level")} <= light_words()
    assert not {stem("tariff"), stem("debt"), stem("hedging")} & light_words()
    good, bad = stances()
    assert len(good) >= 5
    assert len(bad) >= 5
    assert not set(good) & set(bad)


@given(st.text(max_size=200))
def test_any_text_has_terms_at_exact_places(text: str) -> None:
    for term in terms(text):
        assert 0 <= term.start < term.end <= len(text)
    assert keys(text) >= {term.key for term in terms(text)}


def test_words_are_stemmed_right_in_many_threads_at_once() -> None:
    roots = ("organiz", "relat", "nation", "hope", "trad", "communic", "adjust", "produc", "consid", "perform")
    ends = ("ations", "ational", "fulness", "ingly", "ization", "ements", "ibility", "iveness", "ousness", "alities")
    words = [f"{root}{end}{letter}s" for root in roots for end in ends for letter in "abcdefgh"]
    alone = [stem.__wrapped__(word) for word in words]
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        with ThreadPoolExecutor(8) as pool:
            for together in pool.map(lambda _: [stem.__wrapped__(word) for word in words], range(8)):
                assert together == alone
    finally:
        sys.setswitchinterval(interval)
