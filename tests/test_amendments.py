"""An amended filing stands in for its original, where it is a whole one."""

from __future__ import annotations

from typing import Any

import pytest

from assistant.scope import replaced
from tests.metadata_samples import cover, signature
from vectorstore.records import Metadata, SourceInfo

FIRST = "The Dayton plant made 41,000 welding robots in the year, and its order book stood at nine months of work."
MENDED = "The Dayton plant made 38,500 welding robots in the year, and its order book stood at nine months of work."
FILLER = "\n\n".join(
    f"The {thing} of the works were renewed during the year without a stop of the lines."
    for thing in ("roofs", "presses", "cranes", "ovens", "lathes", "gates", "pumps", "docks", "sheds", "kilns")
)
QUESTION = "How many welding robots did the Dayton plant of Acme Robotics make in 2021?"


def info(name: str, characters: int = 1000, **metadata: Any) -> SourceInfo:
    extra = {"supersedes": metadata["form"][:-2]} if metadata["form"].endswith("/A") else {}
    known = Metadata(**({"company": "Acme", "fiscal_period": "FY2021", "kind": "filing", "extra": extra} | metadata))
    return SourceInfo(name, "v", name, "default", known, "text/plain", "ready", 0, characters, 1, "2026-01-01")


FILED = info("filed", form="10-K", published="2022-03-03")


@pytest.mark.parametrize(
    ("other", "stands"),
    [
        (info("mended", form="10-K/A", published="2022-06-01"), True),
        (info("mended", 599, form="10-K/A", published="2022-06-01"), False),  # Part III alone
        (info("mended", form="10-K/A", published="2022-06-01", fiscal_period="FY2020"), False),
        (info("mended", form="10-Q/A", published="2022-06-01"), False),
        (info("mended", form="10-K/A", published="2022-06-01", company="Birch"), False),
        (info("mended", form="10-K", published="2022-06-01"), False),
    ],
)
def test_what_stands_for_what(other: SourceInfo, stands: bool) -> None:
    for order in ((FILED, other), (other, FILED)):
        assert {old: new.document_id for old, new in replaced(order).items()} == ({"filed": "mended"} if stands else {})


def test_the_newest_of_two_amendments_stands_for_both() -> None:
    one, two = info("one", form="10-K/A", published="2022-06-01"), info("two", form="10-K/A", published="2022-09-01")
    for order in ((FILED, one, two), (two, one, FILED)):
        assert {old: new.document_id for old, new in replaced(order).items()} == {"filed": "two", "one": "two"}


def filing(sentence: str, form: str, signed: str) -> str:
    return cover(form=form) + f"\n\nItem 1. Business\n\n{sentence}\n\n{FILLER}\n\n" + signature(signed)


def test_the_amended_figure_answers_and_says_what_it_replaces(make_base: Any) -> None:
    base = make_base(
        {
            "first.txt": filing(FIRST, "FORM 10-K", "March 3, 2022"),
            "second.txt": filing(MENDED, "FORM 10-K/A\n(Amendment No. 1)", "June 1, 2022"),
        }
    )
    now = base.ask(QUESTION)
    assert "38,500" in now.text
    assert "41,000" not in now.text
    assert {c.published for c in now.citations} == {"2022-06-01"}
    assert any("10-K of 2022-03-03" in w and "replaced by its 10-K/A of 2022-06-01" in w for w in now.warnings)
    found = base.search("welding robots of the Dayton plant", k=5)
    assert {p.metadata.form for p in found} == {"10-K/A"}
    # Before the amendment was filed, the original stood; and who asks for it by its form gets it.
    for asked in (base.ask(QUESTION, as_of="2022-04-01"), base.ask(QUESTION, filters={"form": "10-K"})):
        assert "41,000" in asked.text
        assert not any("replaced" in w for w in asked.warnings)


def test_an_amendment_of_one_item_leaves_the_original_in_force(make_base: Any) -> None:
    short = cover(form="FORM 10-K/A\n(Amendment No. 1)") + "\n\nPart III\n\nThe directors met six times.\n\n" + signature("June 1, 2022")  # fmt: skip
    base = make_base(
        {"first.txt": filing(FIRST + "\n\n" + FILLER * 3, "FORM 10-K", "March 3, 2022"), "second.txt": short}
    )
    answer = base.ask(QUESTION)
    assert "41,000" in answer.text
    assert not any("replaced" in w for w in answer.warnings)
