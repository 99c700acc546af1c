"""What an answer has to hold for a question: the kind of number, the thing counted, a cause, who is spoken of."""

from __future__ import annotations

import pytest

from assistant import asked
from assistant.question import understand
from vectorstore.records import Metadata


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("For how much did Harrow sell its ferry arm?", "money"),
        ("What did Harrow pay for the harbour licences?", "money"),
        ("How much did the dredging cost?", "money"),
        ("At what price per share did Harrow go public?", "per_share"),
        ("What did holders get paid per share?", "per_share"),
        ("What share of volume crosses the strait?", "percent"),
        ("What part of revenue came from Orkney?", "percent"),
        ("How many ferries does Harrow run?", "count"),
        ("How much did volumes grow?", ""),
        ("How much of its revenue does Harrow earn abroad?", ""),
    ],
)
def test_the_kind_of_number_that_is_asked_for(text: str, kind: str) -> None:
    assert asked.number_kind(text) == kind


@pytest.mark.parametrize(
    ("question", "sentence", "held"),
    [
        ("For how much did Harrow sell its ferry arm?", "Harrow sold the ferry arm for $310 million.", True),
        ("For how much did Harrow sell its ferry arm?", "The sale of the ferry arm was a cash inflow of 310 million.", True),
        ("For how much did Harrow sell its ferry arm?", "Since the sale of the ferry arm costs fell 5%.", False),
        ("What share of volume crosses the strait?", "About 40% of volume crosses the strait.", True),
        ("What share of volume crosses the strait?", "Two-thirds of volume crosses the strait.", True),
        ("What share of volume crosses the strait?", "A volume of 12 tons crosses the strait.", False),
        ("How many ferries does Harrow run?", "Harrow runs 14 ferries.", True),
        ("How many ferries does Harrow run?", "Harrow runs twelve large ferries.", True),
        ("How many ferries does Harrow run?", "Section 14 lists the ferries that Harrow runs.", False),
        ("How many ferries does Harrow run?", "Two ports take the boats of Harrow.", False),
        ("How many ferries does Harrow run?", "Ferries earn 14% of the revenue of Harrow.", False),
        ("How often is the pay of executives voted on?", "The holders chose every three years for the vote on pay.", True),
        ("By how much did volumes grow in 2021?", "In 2021 volumes grew.", False),
        ("At what price per share did Harrow go public?", "Harrow sold shares at $9.00 each.", True),
        ("At what price per share did Harrow go public?", "Harrow raised $90 million.", False),
    ],
)  # fmt: skip
def test_a_sentence_holds_a_number_of_that_kind(question: str, sentence: str, held: bool) -> None:
    assert asked.holds_number(understand(question), sentence) is held


def test_what_is_counted_stands_behind_how_many() -> None:
    assert [u.surface for u in asked.counted(understand("How many railcars did Vantor build?"))] == ["railcars"]
    assert asked.counted(understand("What did Vantor build?")) == ()


@pytest.mark.parametrize(
    ("question", "end"),
    [
        ("Which segment had the highest net sales?", "top"),
        ("Which nominee got the fewest votes?", "low"),
        ("Which nominee got the most votes?", "top"),
        ("Rank the divisions by revenue", "top"),
        ("Which firms are most exposed to tariffs?", ""),
        ("What are the strongest arguments for and against rail?", ""),
        ("Which firm employs at least the highest paid tenth?", ""),
    ],
)
def test_which_end_of_a_ranking_is_asked_for(question: str, end: str) -> None:
    assert asked.ranked_first(understand(question)) == end


def test_a_refusal_names_the_word_of_rank() -> None:
    assert asked.rank_word(understand("Which segment had the highest net sales?")) == "highest"
    assert asked.rank_word(understand("Rank the divisions by revenue")) == "rank"


def test_only_a_sentence_that_says_so_puts_something_first() -> None:
    assert asked.says_rank("top", "Ferries are the largest segment.")
    assert asked.says_rank("top", "Growth was led by ferries.")
    assert not asked.says_rank("top", "Ferries had sales of $3 million.")
    assert not asked.says_rank("low", "Ferries are the largest segment.")


@pytest.mark.parametrize(
    ("question", "sentence", "other"),
    [
        ("Why was the tax rate high in fiscal 2018?", "The rate for 2017 fell.", True),
        ("Why was the tax rate high in fiscal 2018?", "The rate rose in 2018 against 2017.", False),
        ("Why was the tax rate high in fiscal 2018?", "The rate rose.", False),
        ("Why was the tax rate high?", "The rate for 2017 fell.", False),
    ],
)
def test_a_sentence_on_other_years_is_known(question: str, sentence: str, other: bool) -> None:
    assert asked.other_years(understand(question), sentence) is other


@pytest.mark.parametrize(
    ("question", "party"),
    [
        ("Which segments does Vantor have?", "Vantor"),
        ("What is Vantor's backlog?", "Vantor"),
        ("Vantor revenue in 2020", ""),
        ("What changed in shipping?", ""),
    ],
)
def test_the_party_that_a_question_asks_about(question: str, party: str) -> None:
    assert asked.asked_party(understand(question)) == party


def test_a_company_that_speaks_of_itself_only_mentions_the_other() -> None:
    assert asked.about_another("Vantor", "We bought a division of Vantor.", "Harrow Inc")
    assert asked.about_another("Vantor", "Harrow competes with Vantor.", "Harrow Inc")
    assert asked.about_another("Vantor", "Nothing of it here.", "Harrow Inc")
    assert not asked.about_another("Vantor", "Vantor has three divisions.", "Harrow Inc")


def test_a_cause_ranks_higher_where_one_is_asked_for() -> None:
    why = understand("Why did tolls rise?")
    caused = asked.fit(why, "Tolls rose because of repairs.", "Tolls rose because of repairs.")
    plain = asked.fit(why, "Tolls rose.", "Tolls rose.")
    lead = asked.fit(why, "They were large.", "Repairs led to it because they were large.")
    assert caused > lead > plain


@pytest.mark.parametrize(
    ("question", "sentence", "said"),
    [
        ("What did Harrow say about fuel in Q4 2022?", "Fuel was dear in the fourth quarter of 2022.", True),
        ("What did Harrow say about fuel in Q4 2022?", "Fuel was dear in 4Q22.", True),
        ("What did Harrow say about fuel in Q4 2022?", "Fuel was dear in 2022.", False),
        ("What fuel costs does Harrow expect for Q2 2020?", "We see $3 million.", True),  # told the quarter before
        ("What fuel costs does Harrow expect for Q3 2021?", "We see $3 million.", False),
        ("What fuel costs did Harrow expect for Q4 2019?", "We see $3 million.", False),
        ("What did Harrow say about fuel in Q1 2020?", "Fuel was dear.", True),  # the document's own period
        ("What did Harrow say about fuel in 2017?", "Fuel was dear.", False),
        ("What did Harrow say about fuel in 2017?", "Fuel was dear in 2017.", True),
        ("What did Harrow say about fuel in May 2017?", "Fuel was dear.", True),  # a month bounds no report
    ],
)
def test_a_document_on_another_period_has_to_name_the_one_that_is_asked_for(
    question: str, sentence: str, said: bool
) -> None:
    report = Metadata(company="Harrow Inc", fiscal_period="Q1 2020")
    assert asked.period_said(understand(question), report, sentence) is said
