"""`thesis ask` with a model: what the check has passed is told while it comes, the answer stands on standard output."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import app
from assistant.cli import Wiring, run
from tests.agent_cases import NOTES, REVENUE, SAID
from tests.model_server import Reply, Request, cite, serving

WRONG = "Harbor Tools owes its banks $95 million"
Ask = Callable[..., tuple[int, str]]


@pytest.fixture
def ask(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, model_cache: Path) -> Iterator[Ask]:
    monkeypatch.setenv("THESIS_CACHE", str(model_cache))
    monkeypatch.setenv("THESIS_WORKERS", "1")
    folder = tmp_path / "notes"
    folder.mkdir()
    for name, text in NOTES.items():
        (folder / name).write_text(text, encoding="utf-8")
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level

    def thesis(*arguments: str) -> tuple[int, str]:
        out = io.StringIO()
        wiring = Wiring(app.open_assistant, app.open_ingestor, app.serve, app.progress)
        return run([*arguments, "--store", str(tmp_path / "store")], wiring, out=out), out.getvalue()

    assert thesis("ingest", str(folder))[0] == 0

    def reply(request: Request) -> Reply:
        marker = cite(request, SAID)
        return Reply(f"{SAID} {marker}. {WRONG} {marker}.")

    with serving(reply, Reply("")) as server:
        monkeypatch.setenv("THESIS_MODEL", "openai:scripted")
        monkeypatch.setenv("THESIS_MODEL_URL", server.url)
        yield thesis
    root.handlers, root.level = handlers, level


def test_checked_sentences_are_told_as_they_come_and_no_others(ask: Ask, capsys: pytest.CaptureFixture[str]) -> None:
    capsys.readouterr()
    code, out = ask("ask", REVENUE)
    told = capsys.readouterr().err.splitlines()
    assert code == 0
    first, said = told.index("[Searching the base]"), told.index(f"{SAID}.")
    assert first < told.index("[Asking openai:scripted]") < said
    assert out.startswith(f"{SAID}. [S1]")
    assert f"unverified: {WRONG}." in out


@pytest.mark.parametrize("more", [("--json",), ("--model", "extractive")])
def test_a_program_and_the_extractive_mode_get_the_answer_alone(
    ask: Ask, capsys: pytest.CaptureFixture[str], more: tuple[str, ...]
) -> None:
    capsys.readouterr()
    code, out = ask("ask", REVENUE, *more)
    assert (code, capsys.readouterr().err) == (0, "")
    if more == ("--json",):
        answer = json.loads(out)
        assert (answer["mode"], answer["model"]) == ("model", "openai:scripted")
        assert {c["verdict"] for c in answer["claims"]} == {"supported", "contradicted"}
        assert any(n["traced_to"] == ["S1"] for n in answer["claims"][0]["numbers"])
