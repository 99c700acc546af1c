"""The chat and shells as real processes over one store: what one puts in the other answers, and either may end at any moment."""

from __future__ import annotations

import io
import json
import os
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

import app
from assistant.cli import Wiring, run
from benchmarks.soak import Options
from benchmarks.soak_concurrent import concurrent
from ingest import CHUNKER_VERSION, pipeline
from ingest.sources import Item, identity
from vectorstore.embedding import Embedder
from vectorstore.records import document_id
from vectorstore.settings import Settings
from vectorstore.store import Store

ROOT = Path(__file__).resolve().parent.parent
THESIS = [sys.executable, "-c", f"import sys; sys.path.insert(0, {str(ROOT)!r}); import app; sys.exit(app.main())"]
NOTE = "---\ntitle: {title}\npublisher: Northwind\ndate: 2024-03-05\n---\n\n# {title}\n\nFerry demand at {title} rose {n}% in April 2024.\n"
QUESTION = "How much did ferry demand at Alder Lines rise?"


def _heeds_ctrl_c() -> None:
    """A program started in the background of a shell ignores Ctrl-C, and so would its children."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture
def environ(tmp_path: Path, model_cache: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    for name, value in {"CACHE": str(model_cache), "WORKERS": "1", "STORE": str(tmp_path / "store")}.items():
        monkeypatch.setenv(f"THESIS_{name}", value)
    return dict(os.environ)


def started(*arguments: str, **options: Any) -> subprocess.Popen[str]:
    posix: dict[str, Any] = {"preexec_fn": _heeds_ctrl_c} if os.name == "posix" else {}
    return subprocess.Popen(
        [*THESIS, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, encoding="utf-8", **posix, **options
    )


def done(process: subprocess.Popen[str]) -> tuple[int, str, str]:
    out, told = process.communicate(timeout=120)
    return process.returncode, out, told


def thesis(*arguments: str, **options: Any) -> Any:
    """Run one command in a process of its own and return what it printed as JSON; it must not fail."""
    code, out, told = done(started(*arguments, "--json", **options))
    assert code == 0, out + told
    return json.loads(out)


def folder_of(tmp_path: Path, titles: dict[str, int]) -> Path:
    folder = tmp_path / "notes"
    folder.mkdir()
    for title, n in titles.items():
        (folder / f"{title.lower().replace(' ', '-')}.md").write_text(NOTE.format(title=title, n=n), encoding="utf-8")
    return folder


@contextmanager
def serving(**options: Any) -> Iterator[tuple[subprocess.Popen[str], httpx.Client]]:
    process = started("serve", "--port", "0", **options)
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        assert line.startswith("Thesis is ready on http://127.0.0.1:"), done(process)
        with httpx.Client(base_url=line.split()[-1], trust_env=False, timeout=60) as client:
            yield process, client
    finally:
        process.kill()
        process.communicate(timeout=60)


def chat(web: httpx.Client, question: str) -> str:
    """Ask in the web chat, as its page does."""
    event = web.post("/gradio_api/call/ask", json={"data": [question, [], [], [], [], None, None, None, ""]}).json()[
        "event_id"
    ]
    with web.stream("GET", f"/gradio_api/call/ask/{event}") as stream:
        lines = [line for line in stream.iter_lines() if line]
    assert lines[-2] == "event: complete"
    return lines[-1]


def test_what_a_shell_puts_in_the_open_chat_answers(
    tmp_path: Path, environ: dict[str, str], knowledge_store: Callable[[Path], Path]
) -> None:
    knowledge_store(tmp_path)
    folder = folder_of(tmp_path, {"Alder Lines": 17})
    with serving(cwd=tmp_path) as (server, web):
        assert "17%" not in chat(web, QUESTION)
        # The names are relative to the shell's folder, which is not the server's.
        assert thesis("ingest", "alder-lines.md", cwd=folder)["added"] == 1
        assert "rose 17%" in chat(web, QUESTION)
        assert "rose 17%" in thesis("ask", QUESTION)["text"]
        second = started("serve", "--port", "0")
        code, _, told = done(second)
        assert code == 1
        assert f"is in use by process {server.pid} (" in told
        assert thesis("remove", "alder-lines.md", cwd=folder) == {"removed": 1}
        assert "rose 17%" not in chat(web, QUESTION)
        if os.name == "posix":
            server.send_signal(signal.SIGINT)
            assert server.wait(60) == 0
            assert server.stderr is not None
            assert "Traceback" not in server.stderr.read()
            assert not (tmp_path / "store" / "control.json").exists()
    assert thesis("verify") == {"clean": True, "problems": []}


def test_what_was_left_waiting_for_its_vectors_gets_them_while_the_chat_is_open(
    tmp_path: Path, environ: dict[str, str], embedder: Embedder
) -> None:
    folder = folder_of(tmp_path, {"Alder Lines": 17, "Birch Lines": 18})
    with Store.open(tmp_path / "store", embedder=embedder, chunker_version=CHUNKER_VERSION) as store:
        items = [Item(identity(path), path.name, path, path.stat().st_size) for path in sorted(folder.iterdir())]
        assert pipeline.ingest_items(store, items[:1], settings=Settings(), embed=False).added == 1
        store.seen([(document_id("default", items[1].path), items[1].path, "default")])
    with serving(cwd=tmp_path, env=environ | {"THESIS_KNOWLEDGE": str(folder)}) as (server, web):
        assert "rose 17%" in chat(web, QUESTION)
        for _ in range(600):
            states = [source["state"] for source in thesis("sources")["sources"]]
            if states == ["indexed", "indexed"]:
                break
        assert states == ["indexed", "indexed"]
        if os.name == "posix":
            server.send_signal(signal.SIGINT)
            assert server.wait(60) == 0
    assert thesis("verify") == {"clean": True, "problems": []}


def test_two_ingests_at_once_both_finish(tmp_path: Path, environ: dict[str, str]) -> None:
    """The second hands its documents to the first, which reads them in after its own."""
    folder = folder_of(tmp_path, {"Alder Lines": 17, "Birch Lines": 18, "Cedar Lines": 19, "Dune Lines": 20})
    files = sorted(folder.iterdir())
    both = [started("ingest", "--json", *map(str, part)) for part in (files[:2], files[1:])]
    reports = []
    for code, out, told in map(done, both):
        assert code == 0, out + told
        reports.append(json.loads(out))
    assert sum(report["added"] for report in reports) == 4
    assert sum(report["unchanged"] for report in reports) == 1
    assert len(thesis("sources")["sources"]) == 4
    assert thesis("verify") == {"clean": True, "problems": []}


OWNER = (
    "import app, sys\nfrom vectorstore.settings import load_settings\n"
    "with app.open_ingestor(load_settings()):\n    print('held', flush=True)\n    sys.stdin.readline()\n"
)


def test_an_owner_killed_in_the_middle_is_named_and_the_next_run_goes_on(
    tmp_path: Path, environ: dict[str, str]
) -> None:
    folder = folder_of(tmp_path, {f"Carrier {i}": i for i in range(40)})
    with subprocess.Popen(
        [sys.executable, "-c", OWNER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, encoding="utf-8", cwd=ROOT
    ) as owner:
        assert owner.stdout is not None
        assert owner.stdout.readline() == "held\n"

        class Kills:
            """Shows the first progress, and kills the owner."""

            def __call__(self, progress: Any) -> None:
                owner.kill()

            def close(self) -> None:
                pass

        out = io.StringIO()
        wiring = Wiring(app.open_assistant, app.open_ingestor, app.serve, lambda stream: Kills())
        code = run(["ingest", str(folder), "--json"], wiring, out=out)
    error = json.loads(out.getvalue())["error"]
    assert (code, error["kind"]) == (1, "store")
    assert f"process {owner.pid} (" in error["message"]
    assert "ended before it was done" in error["message"]
    assert "goes on from what was finished" in error["what_to_do"]
    report = thesis("ingest", str(folder))
    assert (report["added"] + report["unchanged"] + report["updated"], report["failed"]) == (40, [])
    assert len(thesis("sources")["sources"]) == 40
    assert thesis("verify") == {"clean": True, "problems": []}


@pytest.mark.skipif(os.name != "posix", reason="Ctrl-C is sent as a signal")
def test_ctrl_c_in_a_shell_ends_its_work_and_leaves_the_owner(
    tmp_path: Path, environ: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The ingest stands at a web server that does not answer when it is stopped."""
    monkeypatch.setenv("THESIS_FETCH_PRIVATE_ADDRESSES", "true")
    folder = folder_of(tmp_path, {"Alder Lines": 17, "Birch Lines": 18})
    with (
        socket.create_server(("127.0.0.1", 0)) as web,
        subprocess.Popen(
            [sys.executable, "-c", OWNER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, encoding="utf-8", cwd=ROOT
        ) as owner,
    ):
        assert owner.stdout is not None
        assert owner.stdout.readline() == "held\n"
        shell = started("ingest", f"http://127.0.0.1:{web.getsockname()[1]}/slow.html")
        web.settimeout(60)
        connection, _ = web.accept()  # made by the owner, for the shell
        with connection:
            shell.send_signal(signal.SIGINT)
            code, out, told = done(shell)
            assert (code, out) == (1, "")
            assert told.endswith("Stopped.\n")
            assert "indexed" not in {s["state"] for s in thesis("sources")["sources"]}
        assert thesis("ingest", str(folder))["added"] == 2
        assert thesis("verify") == {"clean": True, "problems": []}
        owner.communicate("\n", timeout=60)
        assert owner.returncode == 0


@pytest.mark.skipif(os.name != "posix", reason="Windows has no SIGTERM that a program could hear")
def test_a_server_that_is_terminated_closes_its_store(
    tmp_path: Path, environ: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """systemd and Docker end a service so; an index that was not closed would be made again at each start."""
    folder = folder_of(tmp_path, {"Alder Lines": 17, "Birch Lines": 18})
    monkeypatch.setenv("THESIS_KNOWLEDGE", str(folder))
    server = started("serve", "--port", "0")
    assert server.stdout is not None
    assert server.stdout.readline().startswith("Thesis is ready on ")
    while len([s for s in thesis("sources")["sources"] if s["state"] == "indexed"]) < 2:
        time.sleep(0.1)
    server.send_signal(signal.SIGTERM)
    code, _, told = done(server)
    assert code == 0, told
    ledger = sqlite3.connect(tmp_path / "store" / "ledger.sqlite")
    assert dict(ledger.execute("SELECT key, value FROM meta")).get("changing") != "yes"
    ledger.close()
    code, _, told = done(started("verify"))
    assert (code, "made again" in told) == (0, False), told


def test_readers_and_writers_at_once(tmp_path: Path, environ: dict[str, str]) -> None:
    """A slice of `make soak`, which runs ten minutes."""
    scratch = tmp_path / "soak"
    scratch.mkdir()
    result = concurrent(Options(scratch, seed=7, quick=True, say=lambda text: None))
    assert result.problems == []
    assert (result.metrics["errors"], result.metrics["missing"], result.metrics["stale"]) == (0, 0, 0)
    assert result.metrics["checked"] > 0
    assert result.metrics["changes"] > 0
