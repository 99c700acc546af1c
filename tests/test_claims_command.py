"""`thesis claims` and `thesis companies` as a shell runs them: text, JSON, files, exit codes."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import app
from assistant.assistant import Assistant
from assistant.cli import Wiring, run

MakeBase = Callable[..., Assistant]


def note(text: str, **head: str) -> str:
    return (
        "---\n" + "".join(f"{key}: {value}\n" for key, value in head.items()) + f"---\n\n# {head['title']}\n\n{text}\n"
    )


FILES = {
    "view.md": note("We think the return on assets of the Russell 2000 will reach 9% by 2027.", title="A view", published="2025-01-10",
                    kind="article", publisher="Quay Research"),
    "other.md": note("Analysts expect the return on assets of the Russell 2000 to be 5% in 2027.", title="Another", published="2025-02-10",
                     kind="article", publisher="Lantern Notes"),
    "call.md": note("Our reshoring of production to a domestic plant brings us more orders. We expect capital expenditures of $14 million in fiscal 2026.",
                    title="Harbor Tools call", published="2025-05-01", kind="transcript", company="Harbor Tools, Inc.", ticker="HRBR"),
}  # fmt: skip


class Shell:
    def __init__(self, store: Path, folder: Path) -> None:
        self.store, self.folder = store, folder

    def text(self, *arguments: str) -> tuple[int, str]:
        out = io.StringIO()
        wiring = Wiring(app.open_assistant, app.open_ingestor, app.serve, app.progress, folder=self.folder)
        return run([*arguments, "--store", str(self.store)], wiring, out=out), out.getvalue()

    def json(self, *arguments: str) -> tuple[int, Any]:
        code, text = self.text(*arguments, "--json")
        return code, json.loads(text)


@pytest.fixture(scope="module")
def shell(make_base: MakeBase, tmp_path_factory: pytest.TempPathFactory) -> Shell:
    base = make_base(FILES)
    base.store.close()  # type: ignore[attr-defined]
    return Shell(base.store.root, tmp_path_factory.mktemp("shell"))


def test_claims_are_listed_and_checked(shell: Shell) -> None:
    code, found = shell.json("claims")
    assert code == 0
    assert {c["statement"] for c in found["claims"]} == {
        "Russell 2000, return on assets: 9% (2027)", "Russell 2000, return on assets: 5% (2027)",
        "Harbor Tools, Inc., capital spending: 14 million USD (fiscal 2026)",
    }  # fmt: skip
    (pair,) = found["contradictions"]
    assert pair["said_by"] == ["Quay Research", "analysts, in Lantern Notes"]
    code, checked = shell.json("claims", "check")
    assert [len(c["checks"]) for c in checked["claims"]] == [1, 1, 1]
    assert {c["outcome"] for c in checked["claims"]} <= {"open", "untestable"}
    code, text = shell.text("claims", "--author", "quay")
    assert code == 0
    assert "Russell 2000, return on assets: 9% (2027)  [open, due 2027-12-31]" in text
    assert "Contradictions:" in text
    assert text.rstrip().endswith("\n1 claim")
    (shell.folder / "mine.csv").write_text("ticker\nHRBR\n")
    assert len(shell.json("claims", "--watchlist", "mine.csv")[1]["claims"]) == 1
    assert len(shell.json("claims", "--as-of", "2025-01-31")[1]["claims"]) == 1
    assert shell.json("claims", "--within", "nowhere")[1]["claims"] == []


@pytest.mark.parametrize(
    ("arguments", "kind", "words"),
    [
        (("claims", "list"), "settings", "does not know 'list'"),
        (("claims", "check", "000000000000"), "not_found", "There is no claim 000000000000."),
        (("claims", "check", "--author", "quay"), "settings", "takes ids, and no filter"),
        (("claims", "--due", "soon"), "settings", "is not a date"),
        (("claims", "--status", "done"), "settings", "no status 'done'"),
        (("claims", "--as-of", "soon"), "settings", "is not a date"),
        (("companies",), "settings", "--catalyst"),
        (("companies", "--catalyst", "nothing"), "not_found", "nothing"),
        (("companies", "--catalyst", "reshoring", "--where", "beauty>3"), "settings", "is no condition"),
        (("companies", "--catalyst", "reshoring", "--csv", "table.txt"), "settings", "does not end in .csv"),
    ],
)
def test_what_is_wrong_is_told(shell: Shell, arguments: tuple[str, ...], kind: str, words: str) -> None:
    code, found = shell.json(*arguments)
    assert (code, found["error"]["kind"]) == (2 if kind == "settings" else 1, kind)
    assert words in found["error"]["message"]


def test_companies_as_text_and_files(shell: Shell) -> None:
    code, found = shell.json("companies", "--catalyst", "reshoring", "--csv", "table.csv", "--xlsx", "table.xlsx")
    assert code == 0
    assert [Path(p).name for p in found["files"]] == ["table.csv", "table.xlsx"]
    assert (shell.folder / "table.csv").read_bytes().startswith(b"\xef\xbb\xbfcompany,")
    assert (shell.folder / "table.xlsx").read_bytes().startswith(b"PK")
    (company,) = found["companies"]
    assert (company["company"], company["for"]) == ("Harbor Tools, Inc.", 1)
    assert all(f["value"] is not None or f["reason"] for f in company["figures"].values())
    code, again = shell.json("companies", "--catalyst", "reshoring", "--csv", "table.csv")
    assert (code, "exists already" in again["error"]["message"]) == (1, True)
    code, text = shell.text("companies", "--catalyst", "reshoring", "--where", "little_debt")
    assert "Only companies with net debt to EBITDA <= 1.5x (little debt)." in text
    assert "Cannot be told for Harbor Tools, Inc.: net debt to EBITDA: " in text
