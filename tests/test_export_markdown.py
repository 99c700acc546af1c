"""An answer as Markdown with footnotes."""

from __future__ import annotations

import re

from web_fakes import HOSTILE_TEXT, HOSTILE_TITLE, citation, sample_documents

from assistant.export.answers import answer_paper
from assistant.export.markdown import plain, write
from assistant.models import Answer, Claim, Failure, Metric, ToolResult


def to_markdown(answer: Answer) -> str:
    return write(answer_paper(answer))


def test_footnotes_are_numbered_by_first_use_and_hold_the_quote() -> None:
    note, filing, _ = sample_documents()
    gap = note.text.index("The gap to large caps")
    revenue = filing.text.index("Revenue of Harbor")
    first = citation(note, gap, gap + len("The gap to large caps stood at 26 percent in March 2024."), "S1")
    second = citation(filing, revenue, revenue + 51, "S2")
    answer = Answer(
        answer_id="a",
        question="What of the gap?",
        standalone_question="What of the gap?",
        status="answered",
        text="**Both**\n\n- Revenue rose. [S2]\n- The gap is wide. [S1][S2]",
        citations=(first, second),
        as_of="2024-06-30",
        warnings=("One thing.",),
    )
    assert to_markdown(answer) == (
        "# What of the gap?\n\n"
        "**Both**\n\n- Revenue rose. [^1]\n- The gap is wide. [^2][^1]\n\n"
        "> One thing.\n\n"
        "*As of 2024-06-30.*\n\n"
        "*Without a language model.*\n\n"
        "[^1]: Harbor Tools 10-K, SEC, 2024-02-28, p. 2: “Revenue of Harbor Tools rose to 412 million dollars” "
        "(`filings/harbor.pdf`)\n"
        "[^2]: Valuation gap, Sample notes, 2024-03-20: “The gap to large caps stood at 26 percent in March 2024.” "
        "(`notes/discount.md`)\n"
    )


def test_source_text_makes_no_link_image_or_html() -> None:
    document = sample_documents()[2]
    answer = Answer(
        answer_id="a",
        question=HOSTILE_TITLE,
        standalone_question="q",
        status="partial",
        text=f"{HOSTILE_TEXT} [S1] and www.evil.test [S9]",
        citations=(citation(document, 0, len(document.text)),),
        claims=(Claim(text=HOSTILE_TEXT, start=0, end=5, verdict="unsupported", reason=HOSTILE_TITLE),),
    )
    text = to_markdown(answer)
    assert "\\<script\\>" in text
    assert "\\[S9\\]" in text
    # What is left without the escaped characters is all that a Markdown reader could act on.
    live = re.sub(r"\\.", "", text)
    for active in ("](", "![", "://", "www.", "<", "`http"):
        assert active not in live


def test_tools_errors_and_doubtful_claims_are_kept() -> None:
    tool = ToolResult(
        tool="iwm_price",
        marker="T1",
        metrics=(Metric(name="price", subject="IWM", value=201.5, unit="USD", as_of="2024-05-01", source="snapshot"),),
    )
    answer = Answer(
        answer_id="a",
        question="Price?",
        standalone_question="Price?",
        status="answered",
        text="It stood at 201.5. [T1]",
        tool_results=(tool,),
        claims=(Claim(text="It stood at 201.5.", start=0, end=18, verdict="unchecked"),),
    )
    assert "[^1]: iwm\\_price: price of IWM 201.5 USD, as of 2024-05-01, snapshot" in to_markdown(answer)
    assert "- It stood at 201.5. (unchecked)" in to_markdown(answer)
    failed = Answer(
        answer_id="a", question="Q", standalone_question="Q", status="error", text="",
        error=Failure(kind="x", message="Locked.", what_to_do="Close it."),
    )  # fmt: skip
    assert to_markdown(failed) == "# Q\n\n**Error.** Locked. Close it.\n"


def test_plain_is_one_line() -> None:
    assert plain("a\n\n# b *c*  <d> & http://e") == "a \\# b \\*c\\* \\<d\\> &amp; http:\\//e"


def test_file_names_come_from_words_only() -> None:
    answer = Answer(answer_id="a", question="../../etc/passwd? <Ω>", standalone_question="", status="answered", text="")
    assert answer_paper(answer).stem == "etc-passwd"
    assert answer_paper(answer.model_copy(update={"question": "??"})).stem == "answer"


def test_a_marker_in_the_words_of_a_source_is_no_footnote() -> None:
    words = "Orders **rose** [S1]."
    claim = Claim(text=words, start=0, end=len(words), markers=("S1",), verdict="supported")
    answer = Answer(
        answer_id="a",
        question="Q?",
        standalone_question="Q?",
        status="answered",
        text=words + " [S1]",
        claims=(claim,),
        citations=(citation(sample_documents()[0], 0, 4),),
    )
    text = to_markdown(answer)
    assert "Orders \\*\\*rose\\*\\* \\[S1\\]. [^1]\n" in text
    assert text.count("[^1]") == 2
