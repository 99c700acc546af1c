"""`thesis ask --export`: the answer over the sample notes as a file, each quote as its source has it."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path

import pypdf
import pytest

import app
from assistant.cli import Wiring, run

QUESTION = "How many analysts follow the average large-cap stock?"
SENTENCE = "16.4 for the average large-cap stock."


@pytest.fixture(scope="module")
def ask(tmp_path_factory: pytest.TempPathFactory, knowledge_store: Callable[[Path], Path], model_cache: Path) -> Callable[..., tuple[int, str, str]]:  # fmt: skip
    store = knowledge_store(tmp_path_factory.mktemp("export"))

    def asked(folder: Path, *arguments: str) -> tuple[int, str, str]:
        out, told = io.StringIO(), io.StringIO()
        wiring = Wiring(app.open_assistant, app.open_ingestor, app.serve, app.progress, told=told, folder=folder)
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("THESIS_CACHE", str(model_cache))
            code = run(["ask", *arguments, "--store", str(store)], wiring, out=out)
        return code, out.getvalue(), told.getvalue()

    return asked


def test_the_answer_is_printed_and_saved_in_each_form(ask: Callable[..., tuple[int, str, str]], tmp_path: Path) -> None:
    for ending in ("md", "html", "pdf"):
        code, text, told = ask(tmp_path, QUESTION, "--export", f"found.{ending}")
        assert code == 0
        assert SENTENCE in text
        assert told == f"Saved {tmp_path / 'found'}.{ending}\n"
    assert f"{SENTENCE} [^1]" in (tmp_path / "found.md").read_text(encoding="utf-8")
    assert f"{SENTENCE}<sup" in (tmp_path / "found.html").read_text(encoding="utf-8")
    read = " ".join("".join(one.extract_text() for one in pypdf.PdfReader(tmp_path / "found.pdf").pages).split())
    assert f"{SENTENCE}1" in read
    assert "Thin analyst coverage leaves room for active managers, Sample notes, 2025-07-09" in read


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((QUESTION, "--export", "found.docx"), "found.docx is no .md, .html or .pdf file"),
        ((QUESTION, "--export", "none/found.pdf"), "found.pdf is no .md, .html or .pdf file in a folder that is there."),
        (("--batch", "rows.jsonl", "--export", "found.pdf"), "--export takes one answer."),
    ],
)  # fmt: skip
def test_a_file_that_cannot_be_is_said_before_anything_is_asked(ask: Callable[..., tuple[int, str, str]], tmp_path: Path, arguments: tuple[str, ...], message: str) -> None:  # fmt: skip
    code, text, told = ask(tmp_path, *arguments)
    assert (code, text) == (2, "")
    assert message in told


def test_a_file_that_cannot_be_written_is_said(ask: Callable[..., tuple[int, str, str]], tmp_path: Path) -> None:
    (tmp_path / "taken.pdf").mkdir()
    code, _, told = ask(tmp_path, QUESTION, "--export", "taken.pdf")
    assert code == 2
    assert "taken.pdf cannot be written" in told
