"""What a browser would make of rendered HTML: elements, attributes and text; and that none of it is active."""

from __future__ import annotations

from html.parser import HTMLParser

from web_fakes import HOSTILE_TEXT, HOSTILE_TITLE, FakeAssistant, citation, sample_documents

from assistant.models import Answer, Claim, Metric, ToolResult

KNOWN_TAGS = {
    "a", "article", "aside", "b", "blockquote", "body", "br", "button", "code", "dd", "details", "div", "dl", "dt", "em",
    "figcaption", "figure", "form", "h1", "h2", "h3", "h4", "head", "header", "html", "img", "input", "label", "li", "main", "mark", "meta", "nav", "ol", "option", "p",
    "section", "select", "span", "strong", "style", "script", "summary", "table", "tbody", "td", "textarea", "th", "thead", "title",
    "tr", "ul",
}  # fmt: skip


class Parsed(HTMLParser):
    """Collects elements, attributes and text as a browser would see them."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self.marked: list[str] = []
        self._mark = 0
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        self._mark += tag == "mark"

    def handle_endtag(self, tag: str) -> None:
        self._mark -= tag == "mark"

    def handle_data(self, data: str) -> None:
        self.texts.append(data)
        if self._mark:
            self.marked.append(data)

    @property
    def text(self) -> str:
        return "".join(self.texts)

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attrs for name, attrs in self.elements if name == tag]


def assert_inert(html: str, *, scripts: int = 0) -> Parsed:
    """Only our elements, no inline handler, no address that leads elsewhere or runs."""
    parsed = Parsed(html)
    for tag, attrs in parsed.elements:
        assert tag in KNOWN_TAGS
        for name, value in attrs.items():
            assert not name.startswith("on"), (tag, name)
            if name in {"href", "src"}:
                assert value is not None
                assert (
                    value.startswith(("document/", "#"))
                    or value.startswith(tuple("0123456789abcdef"))
                    or value == "../"
                )
    assert len(parsed.all("script")) == scripts
    return parsed


def answer(text: str, **fields: object) -> Answer:
    values = {"answer_id": "a", "question": "Q?", "standalone_question": "Q?", "status": "answered", "text": text}
    return Answer.model_validate(values | fields)


def hostile_answer() -> Answer:
    document = sample_documents()[2]
    cited = citation(document, 0, len(document.text))
    return answer(
        f"**{HOSTILE_TITLE}**\n\n- {HOSTILE_TEXT} [S1]",
        question=HOSTILE_TEXT,
        standalone_question=HOSTILE_TITLE,
        citations=(cited.model_copy(update={"url": "javascript:alert(1)"}),),
        passages=FakeAssistant().answer("hostile harbour terms").passages,
        warnings=(HOSTILE_TEXT,),
        filters={"publisher": [HOSTILE_TITLE]},
        tool_results=(
            ToolResult(tool=HOSTILE_TITLE, marker="T1", warnings=(HOSTILE_TEXT,)),
            ToolResult(
                tool="quote",
                marker="T2",
                metrics=(Metric(name=HOSTILE_TITLE, subject=HOSTILE_TEXT, value=1.0, unit="<i>", as_of="<b>"),),
            ),
        ),
        claims=(Claim(text="x", start=2, end=20, verdict="unsupported", reason=HOSTILE_TEXT),),
    )
