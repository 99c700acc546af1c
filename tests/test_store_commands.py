"""`thesis backup | restore | prune | rebuild | show --version` on real bases."""

from __future__ import annotations

import io
import json
import logging
import os
import re
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

import app
from assistant import Assistant
from assistant.cli import Wiring, run
from ingest import CHUNKER_VERSION, Ingestor
from vectorstore._rebuild import Green
from vectorstore.embedding import Embedder
from vectorstore.settings import Settings
from vectorstore.store import Store

ROOT = Path(__file__).resolve().parent.parent
QUESTION = "How many analysts follow the average large-cap stock?"
FEW = ("active-management-and-coverage.md", "tariffs.md")


@dataclass
class Shell:
    """Runs `thesis` in this process, as app.py wires it, over one store."""

    store: Path

    def text(self, *arguments: str) -> tuple[int, str]:
        out = io.StringIO()
        wiring = Wiring(app.open_assistant, app.open_ingestor, app.serve, app.progress)
        code = run([*arguments, "--store", str(self.store)], wiring, out=out)
        return code, out.getvalue()

    def json(self, *arguments: str) -> tuple[int, Any]:
        code, text = self.text(*arguments, "--json")
        return code, json.loads(text)


@pytest.fixture(autouse=True)
def _quiet(monkeypatch: pytest.MonkeyPatch, model_cache: Path) -> Iterator[None]:
    monkeypatch.setenv("THESIS_CACHE", str(model_cache))
    monkeypatch.setenv("THESIS_WORKERS", "1")
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    yield
    root.handlers, root.level = handlers, level


@pytest.fixture
def notes(tmp_path: Path, knowledge_store: Callable[[Path], Path]) -> Shell:
    return Shell(knowledge_store(tmp_path))


@pytest.fixture
def few(tmp_path: Path) -> Shell:
    """Two of the sample notes: a model in full precision takes its time over twelve."""
    shell = Shell(tmp_path / "few")
    assert shell.json("ingest", *(str(ROOT / "knowledge" / name) for name in FEW))[1]["added"] == len(FEW)
    return shell


@pytest.fixture
def own(tmp_path: Path) -> Shell:
    """One note in two versions, and one that was removed."""
    shell = Shell(tmp_path / "own")
    files = tmp_path / "files"
    files.mkdir()
    (files / "a.md").write_text("# Alder\n\nFerry demand rose 3% in April 2024.\n", encoding="utf-8")
    (files / "b.md").write_text("# Birch\n\nHarbour fees fell 2% in May 2024.\n", encoding="utf-8")
    assert shell.json("ingest", str(files))[0] == 0
    (files / "a.md").write_text("# Alder\n\nFerry demand fell 9% in June 2024.\n", encoding="utf-8")
    assert shell.json("ingest", str(files / "a.md"))[1]["updated"] == 1
    assert shell.json("remove", str(files / "b.md")) == (0, {"removed": 1})
    return shell


def versions(store: Path) -> dict[str, list[tuple[str, str]]]:
    """Every (document id, version) ever stored, by file name, oldest first."""
    connection = sqlite3.connect(store / "ledger.sqlite")
    found: dict[str, list[tuple[str, str]]] = {}
    for path, name, version in connection.execute(
        "SELECT path, document_id, v.version FROM versions v JOIN documents d USING (document_id) ORDER BY v.rowid"
    ):
        found.setdefault(Path(path).name, []).append((name, version))
    connection.close()
    return found


def section(name: str) -> str:
    text = (ROOT / "docs" / "cli.md").read_text(encoding="utf-8")
    return text.split(f"## thesis {name}")[1].split("\n## ")[0]


def test_a_backup_answers_as_the_base_did(notes: Shell, tmp_path: Path) -> None:
    before = notes.json("ask", QUESTION)[1]
    code, saved = notes.json("backup", str(tmp_path / "b.zip"))
    assert (code, saved["documents"], saved["bytes"]) == (0, 12, (tmp_path / "b.zip").stat().st_size)
    other = Shell(tmp_path / "other")
    code, made = other.json("restore", str(tmp_path / "b.zip"))
    assert (code, made["documents"], made["chunks"]) == (0, 12, saved["chunks"])
    assert other.json("verify") == (0, {"clean": True, "problems": []})
    after = other.json("ask", QUESTION)[1]
    for name in ("text", "citations", "index_fingerprint"):
        assert after[name] == before[name]
    for name, printed in (("backup", saved), ("restore", made)):
        assert {key for key in printed if f'"{key}"' not in section(name)} == set()
    assert re.fullmatch(r".+b2\.zip: 12 documents, 12 versions, 0 originals, [\d.]+ MB\.\n", notes.text("backup", str(tmp_path / "b2.zip"))[1])  # fmt: skip


def test_a_base_that_another_process_has_open_is_backed_up_without_it(notes: Shell, tmp_path: Path) -> None:
    holder = (
        "import sys\nfrom store_fakes import CountingEmbedder\nfrom vectorstore.settings import Settings\n"
        "from vectorstore.embedding import make_embedder\nfrom vectorstore.store import Store\n"
        f"with Store.open({str(notes.store)!r}, embedder=make_embedder(Settings(cache={os.environ['THESIS_CACHE']!r}))):\n"
        "    print('held', flush=True)\n    sys.stdin.readline()\n"
    )
    environ = os.environ | {"PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "tests")])}
    with subprocess.Popen(
        [sys.executable, "-c", holder], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environ
    ) as first:
        assert first.stdout is not None
        assert first.stdout.readline() == "held\n"
        assert notes.json("backup", str(tmp_path / "b.zip"))[1]["documents"] == 12
        first.communicate("\n", timeout=60)
    assert Shell(tmp_path / "other").json("restore", str(tmp_path / "b.zip"))[0] == 0


def test_what_cannot_be_restored_or_saved_is_named(notes: Shell, tmp_path: Path) -> None:
    (tmp_path / "letter.zip").write_text("a letter")
    for arguments, kind in (
        (["restore", str(tmp_path / "letter.zip")], "store"),
        (["restore", str(tmp_path / "none.zip")], "not_found"),
        (["backup", str(tmp_path / "letter.zip")], "store"),
    ):
        code, found = (notes if arguments[0] == "backup" else Shell(tmp_path / "new")).json(*arguments)
        assert (code, found["error"]["kind"]) == (1, kind)
        assert found["error"]["what_to_do"]
    code, found = Shell(tmp_path / "new").json("backup", str(tmp_path / "b.zip"))
    assert (code, found["error"]["kind"]) == (1, "store_empty")
    assert notes.json("backup", str(tmp_path / "b.zip"))[0] == 0
    code, found = notes.json("restore", str(tmp_path / "b.zip"))
    assert (code, found["error"]["message"]) == (1, f"{notes.store} is not empty.")


def test_every_version_stays_readable_until_retention_ends(own: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    found = versions(own.store)
    (name, old), (_, new) = found["a.md"]
    ((removed, gone),) = found["b.md"]
    for identity, version, words in (
        (name, old, "rose 3%"),
        (name, new, "fell 9%"),
        (name[:8], old, "rose 3%"),
        (removed, gone, "fees fell"),
        (removed[:8], gone, "fees fell"),
    ):
        code, shown = own.json("show", identity, "--version", version)
        assert (code, words in shown["text"], shown["version"]) == (0, True, version)
    code, shown = own.json("show", removed)
    assert (code, shown["error"]["kind"]) == (1, "not_found")
    assert f"--version {gone}" in shown["error"]["what_to_do"]

    code, pruned = own.json("prune")
    assert (code, pruned["versions"]) == (0, 0)
    assert pruned["vectors"] > 0
    assert {key for key in pruned if f'"{key}"' not in section("prune")} == set()
    connection = sqlite3.connect(own.store / "ledger.sqlite")
    with connection:
        connection.execute("UPDATE versions SET replaced_at = '2020-01-02T03:04:05+00:00' WHERE version = ?", (old,))
    connection.close()
    monkeypatch.setenv("THESIS_RETENTION_DAYS", "30")
    assert own.text("prune") == (0, "Forgotten: 1 versions, 0 originals, 0 vectors; 0.0 MB less.\n")
    code, shown = own.json("show", name, "--version", old)
    assert (code, shown["error"]["kind"]) == (1, "not_found")
    assert "'Alder'" in shown["error"]["message"]
    assert "current until 2020-01-02" in shown["error"]["message"]
    assert own.json("show", name)[1]["version"] == new
    assert own.json("show", removed, "--version", gone)[0] == 0
    assert own.json("verify")[0] == 0


def test_a_rebuild_that_is_stopped_leaves_the_base_as_it_was(notes: Shell, capsys: pytest.CaptureFixture[str]) -> None:
    before = notes.json("search", "tariffs")[1]

    def stop(self: Green, group: object) -> None:
        raise KeyboardInterrupt

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Green, "_add", stop)
        assert notes.text("rebuild") == (1, "")
    assert "Stopped." in capsys.readouterr().err
    assert notes.json("verify") == (0, {"clean": True, "problems": []})
    assert notes.json("search", "tariffs")[1] == before
    assert notes.json("rebuild")[0] == 0
    assert notes.json("search", "tariffs")[1] == before


def test_another_model_takes_over_in_a_running_process_without_a_restart(
    few: Shell, embedder: Embedder, model_cache: Path
) -> None:
    """The same model computed in full precision is another one: its vectors may not be mixed."""
    settings = Settings(store=str(few.store), cache=str(model_cache), workers=1)
    told: list[tuple[str, str]] = []
    with (
        Store.open(few.store, embedder=embedder, chunker_version=CHUNKER_VERSION) as store,
        Ingestor(store, settings) as ingestor,
        Assistant(store, settings) as assistant,
    ):
        before = assistant.ask(QUESTION)

        def ask(moment: object) -> None:
            answer = assistant.ask(QUESTION)
            told.append((answer.text, answer.embedding_fingerprint))

        ingestor.rebuild(ask, settings=replace(settings, embedding_backend="torch"))
        after = assistant.ask(QUESTION)
        assert set(told) == {(before.text, before.embedding_fingerprint)}
        assert "torch" in after.embedding_fingerprint
        assert "onnx" in before.embedding_fingerprint
        assert (after.status, [c.quote for c in after.citations]) == (
            before.status,
            [c.quote for c in before.citations],
        )
        assert store.verify() == []
        assert ingestor.ingest([str(ROOT / "knowledge" / "sentiment-and-hedging.md")]).added == 1
        assert store.verify() == []


def test_a_base_of_another_model_says_so_and_is_rebuilt(few: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    before = few.json("search", "tariffs", "-k", "1")[1]["passages"][0]
    monkeypatch.setenv("THESIS_EMBEDDING_BACKEND", "torch")
    code, found = few.json("search", "tariffs")
    assert (code, found["error"]["kind"]) == (1, "fingerprint_mismatch")
    assert "thesis rebuild" in found["error"]["what_to_do"]
    monkeypatch.delenv("THESIS_EMBEDDING_BACKEND")
    assert few.json("search", "tariffs", "-k", "1")[1]["passages"] == [before]
    monkeypatch.setenv("THESIS_EMBEDDING_BACKEND", "torch")
    assert few.json("rebuild") == (0, {"chunks": 10})
    assert few.json("verify") == (0, {"clean": True, "problems": []})
    assert few.json("search", "tariffs", "-k", "1")[1]["passages"][0]["text"] == before["text"]


def test_a_tool_that_reads_beside_the_owner_migrates_nothing(notes: Shell, tmp_path: Path) -> None:
    old = Path(shutil.copytree(notes.store, tmp_path / "old"))
    connection = sqlite3.connect(old / "ledger.sqlite")
    with connection:
        connection.execute("UPDATE meta SET value = '1' WHERE key = 'schema'")
    connection.close()
    _, found = Shell(old).json("tool", "call_sentiment")
    shown = json.dumps(found)
    assert "older version" in shown
    assert "thesis sources" in shown
    assert Shell(old).json("sources")[0] == 0
    assert "older version" not in json.dumps(Shell(old).json("tool", "call_sentiment")[1])
