"""What the tests of the model mode share: a small base with made-up companies, and an Assistant that asks a scripted server."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from assistant import Assistant
from assistant.agent import LiveTool
from assistant.models import Answer
from tests.model_server import ModelServer, Script, serving

NOTES = {
    "harbor.md": (
        "---\ntitle: Harbor Tools in 2023\npublisher: Quay Research\npublished: 2024-02-10\ncompany: Harbor Tools\n---\n"
        "# Harbor Tools in 2023\n\n"
        "Harbor Tools sold 41,000 presses in 2023, which was 12% more than in 2022. "
        "Revenue of Harbor Tools rose to $184 million in 2023 from $160 million in 2022. "
        "Its operating margin fell to 9.5%, because steel became dearer.\n\n"
        "The company owes its banks $75 million, all of it due in 2027. "
        "Management expects no dividend before the debt is repaid.\n"
    ),
    "lantern.md": (
        "---\ntitle: Lantern Foods after the recall\npublisher: Quay Research\npublished: 2024-03-05\ncompany: Lantern Foods\n---\n"
        "# Lantern Foods after the recall\n\n"
        "Lantern Foods recalled 3 million jars in August 2023. "
        "The recall cost Lantern Foods $22 million and lowered its gross margin to 31%. "
        "Two supermarket chains dropped the brand, and one came back in January 2024.\n"
    ),
}
REVENUE = "What was the revenue of Harbor Tools in 2023?"
DEBT = "How much does Harbor Tools owe its banks?"
RECALL = "What did the recall cost Lantern Foods?"
SAID = "Revenue of Harbor Tools rose to $184 million in 2023"


@contextmanager
def asking(
    base: Assistant, *script: Script, tools: Sequence[LiveTool] = (), **settings: Any
) -> Iterator[tuple[Assistant, ModelServer]]:
    """Yield an Assistant over the same store whose model is the scripted server, and the server."""
    with serving(*script) as server:
        chosen = replace(
            base.settings, **({"model": "openai:scripted", "model_url": server.url, "model_timeout_s": 20} | settings)
        )
        assistant = Assistant(base.store, chosen, tools)
        try:
            yield assistant, server
        finally:
            assistant._agent.close()


def check_contract(assistant: Assistant, answer: Answer) -> None:
    """Assert what the contract promises of any answer, whatever a model wrote."""
    for claim in answer.claims:
        assert answer.text[claim.start : claim.end] == claim.text
        assert claim.text
        for number in claim.numbers:
            assert set(number.traced_to) <= set(claim.markers)
    known = [c.marker for c in answer.citations]
    assert known == [f"S{i}" for i in range(1, len(known) + 1)]
    used = [m for claim in answer.claims for m in claim.markers if m.startswith("S")]
    assert list(dict.fromkeys(used)) == known  # in order of first use
    for c in answer.citations:
        assert assistant.document(c.document_id, c.version).text[c.start : c.end] == c.quote
        chunk = assistant.store.chunk(c.chunk_id)
        assert chunk.start <= c.start < c.end <= chunk.end
    if answer.status in {"insufficient_evidence", "error"}:
        assert (answer.claims, answer.citations) == ((), ())
    else:
        assert any(c.verdict == "supported" and c.markers for c in answer.claims)
    assert "](" not in answer.text
    assert "![" not in answer.text


def same(answer: Answer) -> dict[str, Any]:
    return answer.model_dump(mode="json", exclude={"answer_id", "timings_ms"})
