"""Papers as one HTML file and as a clipping; the model's numbers; signs that mislead are made visible."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import pytest
from export_samples import GAP, MADE, TURNED, TURNED_SHOWN, answer, hostile
from web_fakes import HOSTILE_TEXT, HOSTILE_TITLE

from assistant.export import page
from assistant.export.answers import STOPPED, Turn, answer_clipping, answer_paper, conversation_paper
from assistant.export.blocks import Note, Paper, Paragraph, Part, Plot, Ref, Table, Words, numbers, ordered, words
from assistant.export.clipping import clip
from assistant.export.figures import told_of
from assistant.export.markdown import write as markdown
from assistant.export.plots import in_words, plots
from assistant.export.text import age, day, esc, file_name, visible
from assistant.models import Claim


class Elements(HTMLParser):
    """What a browser makes of a page: elements with their attributes, and what is said outside of the style."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.said = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        if not self.found or self.found[-1][0] != "style":
            self.said += data

    def all(self, name: str) -> list[dict[str, str | None]]:
        return [attributes for tag, attributes in self.found if tag == name]


def test_numbers_run_through_the_paper_in_order_of_use() -> None:
    first = Part((Paragraph((Ref("B"), Ref("none"), Ref("A"), Ref("B"))),), (Note("A", "a"), Note("C", "c"), Note("B", "b")))  # fmt: skip
    second = Part((Table(((words("x"), (Ref("A"),)),)),), (Note("A", "other"), Note("A", "again")))
    paper = Paper("P", (first, second))
    assert numbers(paper) == ({"B": 1, "A": 2, "C": 3}, {"A": 4})
    assert [(n, note.title) for n, note in ordered(second, numbers(paper)[1])] == [(4, "other")]
    for written in (markdown(paper), page.write(paper), clip(paper).text):
        assert "[none]" in written.replace("\\", "")


def test_the_page_loads_nothing_and_holds_everything() -> None:
    found = Elements(page.write(answer_paper(answer(), MADE)))
    tags = {tag for tag, _ in found.found}
    assert tags <= {
        "html", "head", "meta", "title", "style", "body", "header", "h1", "h2", "h3", "bdi", "p", "main", "section", "strong", "span", "ul", "ol", "li",
        "sup", "a", "q", "code", "div", "table", "caption", "thead", "tbody", "tr", "th", "td", "figure", "svg", "path", "polyline", "rect", "text",
        "figcaption", "footer",
    }  # fmt: skip
    policy = next(one["content"] for one in found.all("meta") if one.get("http-equiv") == "Content-Security-Policy")
    assert policy == page.policy()
    assert policy is not None
    assert re.fullmatch(r"default-src 'none'; style-src 'sha256-[A-Za-z0-9+/]{43}='; base-uri 'none'; form-action 'none'", policy)  # fmt: skip
    assert not {key for _, attributes in found.found for key in attributes} & {"src", "style", "onclick", "srcset"}
    for said in ("Made 5 Oct 2026, 14:03 UTC", "not supported by the cited source (“held” is not said)", "16 days old", "last / peak - 1", "retrieved 1 Oct 2026 (4 days old), from a saved pull", "not switched on"):  # fmt: skip
        assert said in found.said
    assert len(found.all("polyline")) == 2
    assert len(found.all("rect")) == 2


def test_footnotes_lead_there_and_back() -> None:
    found = Elements(page.write(answer_paper(answer())))
    names = {one["id"] for _, one in found.found if "id" in one}
    links = [one["href"] for one in found.all("a")]
    assert {link for link in links if link} | {"#n4"} == {f"#{name}" for name in names}  # nothing points at the last
    assert links.count("#n2") == 3  # [S2] is said three times, and its note has three ways back
    assert [link for link in links if link and link.startswith("#r2")] == ["#r2-1", "#r2-2", "#r2-3"]


@pytest.mark.parametrize("link", ["../document/ab12?version=v&start=1&end=2#cited", "document/x", "TOKEN-_.md"])
def test_an_address_of_this_server_becomes_a_link(link: str) -> None:
    paper = Paper("P", (Part((), (Note("S1", "Title", link=link),)),))
    assert [one["href"] for one in Elements(page.write(paper)).all("a")] == [link]


@pytest.mark.parametrize("link", ["https://evil.test", "//evil.test", "/login", "javascript:alert(1)", "a b", 'x" y', "../../../../x", ".."])  # fmt: skip
def test_no_other_address_does(link: str) -> None:
    paper = Paper("P", (Part((), (Note("S1", "Title", link=link),)),))
    assert Elements(page.write(paper, (("more", link),))).all("a") == []


def test_hostile_words_make_no_element_and_no_attribute() -> None:
    paper = conversation_paper("", [Turn("q", hostile()), Turn(HOSTILE_TEXT, None, HOSTILE_TEXT)], MADE)
    text = page.write(paper)
    found = Elements(text)
    assert not {tag for tag, _ in found.found} & {"script", "img", "b", "iframe", "form", "input"}
    assert HOSTILE_TITLE in found.said
    assert TURNED_SHOWN in found.said
    assert {one["href"] for one in found.all("a")} <= {"#n1", "#n2", "#r1-1"}
    for written in (
        text,
        markdown(paper),
        clip(answer_clipping(hostile())).text,
        clip(answer_clipping(hostile())).html,
    ):
        assert not re.search("[\0\x07\x1b\u202a-\u202e\u2066-\u2069]", written)
    live = re.sub(r"\\.|`[^`]*`", "", markdown(paper))  # neither what is escaped nor code is acted on
    assert not re.search(r"<|\[(?!\^\d)|://|\bwww\.", live)


def test_a_conversation_says_what_was_not_answered() -> None:
    turns = [Turn("First?", answer("First?")), Turn("Second?", None, STOPPED), Turn("Third?", answer("Third?", text=GAP, claims=(), tool_results=()))]  # fmt: skip
    text = markdown(conversation_paper("Small caps", turns, MADE, facts=("Shared by ada",)))
    heads = [line for line in text.splitlines() if line.startswith("# ") or line.startswith("## ")]
    assert heads == ["# Small caps", "## First?", "## Second?", "## Third?"]
    assert text.startswith("# Small caps\n\n*Made 5 Oct 2026, 14:03 UTC*\n\n*3 questions*\n\n*Shared by ada*\n")
    assert f"## Second?\n\n{STOPPED}\n" in text
    assert "### T1 drawdown" in text
    assert [int(n) for n in re.findall(r"^\[\^(\d+)\]:", text, re.M)] == [1, 2, 3, 4, 5, 6]
    assert conversation_paper("", []).title == "Conversation"


def test_tables_of_markdown_keep_their_cells_apart() -> None:
    table = Table(((words("a|b"), (Words("c"), Ref("S1"))), (words("line\nbreak"),)), (words("Head"), words("1")), "Cap", numbers=(1,))  # fmt: skip
    text = markdown(Paper("P", (Part((table,), (Note("S1", "t"),)),)))
    assert "**Cap**\n\n| Head | 1 |\n| --- | ---: |\n| a\\|b | c[^1] |\n| line break |  |\n" in text


@pytest.mark.parametrize(("text", "shown"), [("1. x", "1\\. x"), ("- x", "\\- x"), ("+ x", "\\+ x"), ("2024 was", "2024 was"), ("= x", "\\= x")])  # fmt: skip
def test_what_would_begin_a_list_begins_none(text: str, shown: str) -> None:
    assert markdown(Paper("P", (Part((Paragraph(words(text)),)),))) == f"# P\n\n{shown}\n"


def test_a_clipping_has_its_sources_below() -> None:
    words_ = "Orders **rose** [S1]."
    claim = Claim(text=words_, start=0, end=len(words_), markers=("S1",), verdict="supported")
    found = clip(answer_clipping(answer(text=f"{words_} [S1]", claims=(claim,), as_of=None, warnings=())))
    lines = found.text.splitlines()
    assert lines[0] == "Orders **rose** [S1]. [1]"
    assert f"[1] Filing S1, SEC, 2024-02-28, p. 3: “{GAP}” (filings/S1.pdf)" in lines
    assert "Figures" not in found.text
    assert found.html.startswith("<p>Orders **rose** [S1]. [1]</p>")


def test_a_plot_is_told_in_words() -> None:
    drawn = plots(answer().tool_results[0].metrics)
    assert in_words(drawn[0]) == (
        "Russell 2000: drawdown: now from 0% (1 Jan 2026) to −5% (5 Jan 2026), lowest −10%, highest 0%; before from −2% (1 Jan 2026) to "
        "−15% (5 Jan 2026), lowest −15%, highest −2%."
    )
    assert in_words(drawn[1]) == "IWM: top2 weight: AAA 4%, BBB 2%."
    assert in_words(Plot("Nothing")) == "Nothing."


def test_signs_that_mislead_are_seen_and_letters_from_the_right_stay() -> None:
    assert visible(TURNED) == TURNED_SHOWN
    assert esc(TURNED) == TURNED_SHOWN
    assert visible("a\0b\x1bc\ud800d\uffffe") == "a\ufffdb\ufffdc\ufffdd\ufffde"
    for kept in ("tab\tline\nend\r", "הפער 26%", "النمو", "a\u200bb", "naïve €"):
        assert visible(kept) == kept
    assert visible("a\x0bb\x0cc\u2028d") == "a b c d"


def test_days_ages_and_names_of_odd_input() -> None:
    assert (day("2024-²-01"), day("2024-02-01"), day(None)) == ("2024-²-01", "1 Feb 2024", "")
    assert [age(one, MADE.date()) for one in ("2026-10-05", "2026-10-04T09:00", "2027-01-01", "Q2", None)] == ["today", "1 day old", "", "", ""]  # fmt: skip
    assert age("2026-10-04", None) == ""
    assert file_name("http://[x/y") == "http://[x/y"


@pytest.mark.parametrize(
    ("key", "given", "told"),
    [("quote", " a  b ", "“a b”"), ("absent", True, "absent"), ("absent", False, ""), ("covers_pct", 12.0, "covers 12%"), ("n", 3, "n 3"),
     ("left_out", {"a": 1}, "left out: a 1"), ("filed", "2024-02-01", "filed 1 Feb 2024"), ("url", "javascript:x", "javascript:x"), ("x", None, "")],
)  # fmt: skip
def test_a_field_of_an_input_in_words(key: str, given: object, told: str) -> None:
    assert told_of(key, given) == told
