"""`thesis …`: what stands on standard output, the exit codes, and errors that name the thing."""

from __future__ import annotations

import argparse
import io
import json
import logging
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

import app
from assistant import Assistant, doctor
from assistant.cli import Wiring, parser, run
from vectorstore.settings import Settings

ROOT = Path(__file__).resolve().parent.parent
QUESTION = "How many analysts follow the average large-cap stock?"
NOTE = "---\ntitle: {title}\npublisher: Northwind Research\ndate: 2024-03-05\n---\n\n# {title}\n\nFerry demand rose {n}% in April 2024.\n"


def strict(text: str) -> Any:
    """Read JSON that holds no NaN or Infinity."""

    def no(name: str) -> None:
        raise AssertionError(f"{name} is no JSON")

    return json.loads(text, parse_constant=no)


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
        assert text.count("\n") == 1
        assert text.endswith("\n")
        return code, strict(text)

    def error(self, *arguments: str) -> tuple[int, str, str]:
        code, found = self.json(*arguments)
        assert list(found) == ["error"]
        assert set(found["error"]) == {"kind", "message", "what_to_do"}
        assert found["error"]["what_to_do"]
        return code, found["error"]["kind"], found["error"]["message"]


@pytest.fixture(autouse=True)
def _quiet(monkeypatch: pytest.MonkeyPatch, model_cache: Path) -> Iterator[None]:
    monkeypatch.setenv("THESIS_CACHE", str(model_cache))
    monkeypatch.setenv("THESIS_WORKERS", "1")
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    yield
    root.handlers, root.level = handlers, level


@pytest.fixture(scope="module")
def notes(tmp_path_factory: pytest.TempPathFactory, knowledge_store: Callable[[Path], Path]) -> Shell:
    """Over the sample notes; nothing may be written."""
    return Shell(knowledge_store(tmp_path_factory.mktemp("cli")))


@pytest.fixture
def own(tmp_path: Path) -> Shell:
    return Shell(tmp_path / "store")


@pytest.fixture
def files(tmp_path: Path) -> Path:
    folder = tmp_path / "files"
    folder.mkdir()
    for i, title in enumerate(("Alder", "Birch"), start=1):
        (folder / f"{title.lower()}.md").write_text(NOTE.format(title=title, n=i), encoding="utf-8")
    return folder


# reading commands


def test_ask_prints_the_answer_of_the_python_face(notes: Shell, knowledge: Assistant) -> None:
    code, found = notes.json("ask", QUESTION)
    assert code == 0
    expected = knowledge.ask(QUESTION).model_dump(mode="json")
    for name in ("answer_id", "timings_ms"):
        assert found.pop(name)
        assert expected.pop(name)
    assert found == expected
    schema = strict((ROOT / "docs" / "schema" / "answer.schema.json").read_text(encoding="utf-8"))
    assert list(Draft202012Validator(schema).iter_errors(found | {"answer_id": "a", "timings_ms": {}})) == []


def test_ask_without_json_shows_text_and_sources(notes: Shell) -> None:
    code, text = notes.text("ask", QUESTION)
    assert code == 0
    assert "against 16.4 for the average large-cap stock. [S1]" in text
    assert re.search(
        r"^\[S1\] Thin analyst coverage leaves room for active managers, Sample notes, 2025-07-09 \(.+, characters \d+-\d+\)$",
        text, re.M,
    )  # fmt: skip


def test_no_evidence_is_no_failure(notes: Shell) -> None:
    code, found = notes.json("ask", "Who won the World Cup?")
    assert (code, found["status"], found["error"]) == (0, "insufficient_evidence", None)


def test_as_of_and_filters_reach_the_answer(notes: Shell) -> None:
    _, found = notes.json("ask", QUESTION, "--as-of", "2025-05-12", "--kind", "note", "--kind", "article")
    assert (found["as_of"], found["filters"]) == ("2025-05-12", {"kind": ["note", "article"]})
    assert {p["published"] for p in found["passages"]} == {"2025-05-12"}


def test_search_ranks_as_ask_does(notes: Shell, knowledge: Assistant) -> None:
    code, found = notes.json("search", "analyst coverage", "-k", "3")
    assert code == 0
    expected = knowledge.search("analyst coverage", k=3)
    assert [p["chunk_id"] for p in found["passages"]] == [p.chunk.chunk_id for p in expected]
    assert [p["score"] for p in found["passages"]] == sorted((p["score"] for p in found["passages"]), reverse=True)
    document = knowledge.document(found["passages"][0]["document_id"])
    assert document.text[found["passages"][0]["start"] : found["passages"][0]["end"]] == found["passages"][0]["text"]
    assert notes.json("search", "anything", "--kind", "filing") == (0, {"passages": []})
    assert notes.text("search", "anything", "--kind", "filing") == (0, "No passage passes the filters.\n")


def test_sources_and_show(notes: Shell) -> None:
    code, found = notes.json("sources", "--until", "2025-05-12")
    assert code == 0
    assert {s["published"] for s in found["sources"]} == {"2025-05-12"}
    assert "text" not in found["sources"][0]
    source = next(s for s in found["sources"] if s["title"].startswith("Tariffs"))
    assert (source["publisher"], source["kind"], source["state"]) == ("Sample notes", "note", "indexed")
    text = (ROOT / "knowledge" / "tariffs.md").read_text(encoding="utf-8")
    whole = notes.json("show", source["document_id"])[1]
    assert (whole["text"], whole["version"], whole["path"]) == (text, source["version"], source["path"])
    part = notes.json("show", source["document_id"][:8], "--start", "4", "--end", "9")[1]
    assert (part["text"], part["start"], part["end"]) == (text[4:9], 4, 9)
    assert notes.text("show", source["document_id"], "--start", "4", "--end", "9") == (0, text[4:9] + "\n")


def test_the_base_as_a_reader_sees_it(notes: Shell, tmp_path: Path) -> None:
    """``--within`` leaves no trace of other collections, and nothing at all where none of its own is in."""
    whole, mine = (notes.json("sources", *more)[1]["sources"] for more in ((), ("--within", "notes, DEFAULT")))
    assert whole == mine
    assert notes.json("sources", "--within", "deals") == (0, {"sources": []})
    assert notes.error("search", "analyst coverage", "--within", "deals")[:2] == (1, "store_empty")
    assert notes.error("ask", QUESTION, "--within", "deals")[:2] == (1, "store_empty")
    assert notes.json("ask", QUESTION, "--within", "default")[1]["status"] == "answered"
    assert notes.error("ask", QUESTION, "--within", ",")[:2] == (2, "settings")
    rows = tmp_path / "rows.jsonl"
    rows.write_text(json.dumps({"id": "a", "question": QUESTION, "answerable": True}) + "\n", encoding="utf-8")
    assert notes.json("eval", str(rows), "--within", "default")[0] == 0
    assert notes.error("eval", str(rows), "--within", "deals")[:2] == (1, "store_empty")


def test_a_server_does_not_start_with_an_access_file_that_is_wrong(
    notes: Shell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "access.toml"
    monkeypatch.setenv("THESIS_ACCESS_FILE", str(path))
    for text in (None, 'default = "nobody"\n[collections.deals]\nreader = ["ada"]\n'):
        if text:
            path.write_text(text, encoding="utf-8")
        code, kind, message = notes.error("serve", "--port", "0")
        assert (code, kind) == (2, "settings")
        assert str(path) in message


def test_verify_and_doctor_of_a_sound_store(notes: Shell) -> None:
    assert notes.json("verify") == (0, {"clean": True, "problems": []})
    code, found = notes.json("doctor")
    assert code == 0
    assert set(found) == {"python", "settings", "packages", "store", "model", "cache"}
    assert (found["store"]["documents"], found["store"]["states"]) == (12, {"indexed": 12})
    assert found["cache"]["exists"] is True


def test_doctor_shows_no_secret(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    @dataclass(frozen=True)
    class Later(Settings):
        model_api_key: str = ""
        access_token: str = ""

    monkeypatch.setenv("HTTPS_PROXY", "http://user:hunter2@proxy.test:8080")
    settings = Later(store=str(tmp_path / "none"), model_api_key="hunter2")
    found = doctor.examine(settings, app.open_assistant)
    assert found["settings"]["model_api_key"] == "(set)"
    assert found["settings"]["access_token"] == ""
    assert "hunter2" not in json.dumps(found)
    assert found["store"] == {
        "path": str((tmp_path / "none").resolve()),
        "exists": False,
        "note": "made at the first ingest",
    }


# batches


def test_a_batch_gives_an_answer_a_line_in_order(notes: Shell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [
        {"id": "a", "question": QUESTION},
        {"question": QUESTION, "as_of": "2025-05-12"},
        {"id": 3, "question": "What weighs on small caps?", "filters": {"publisher": "Nobody"}},
        {"id": "sep", "question": "Tariffs \u2028 and debt?"},
    ]
    text = "\n\n".join(json.dumps(row, ensure_ascii=False) for row in rows)
    file = tmp_path / "questions.jsonl"
    file.write_text(text, encoding="utf-8")
    code, out = notes.text("ask", "--batch", str(file), "--json")
    lines = [strict(line) for line in out.rstrip("\n").split("\n")]
    assert code == 0
    assert [line.get("id") for line in lines] == ["a", None, 3, "sep"]
    assert [line["as_of"] for line in lines] == [None, "2025-05-12", None, None]
    assert lines[2]["status"] == "insufficient_evidence"
    monkeypatch.setattr("sys.stdin", io.StringIO(text))
    again = [strict(line) for line in notes.text("ask", "--batch", "-")[1].rstrip("\n").split("\n")]
    assert [line["text"] for line in again] == [line["text"] for line in lines]


def test_a_batch_with_an_error_goes_on_and_fails(notes: Shell, tmp_path: Path) -> None:
    file = tmp_path / "q.jsonl"
    file.write_text(f'{{"question": "x", "as_of": "June"}}\n{{"question": "{QUESTION}"}}\n', encoding="utf-8")
    code, out = notes.text("ask", "--batch", str(file))
    assert code == 1
    assert [strict(line)["status"] for line in out.splitlines()] == ["error", "answered"]


@pytest.mark.parametrize(
    ("line", "named"),
    [
        ("{", "line 2 is not JSON"),
        ("[1]", "line 2 has no question"),
        ('{"question": 5}', "line 2 has no question"),
        ('{"question": "x", "as_of": 5}', "line 2: as_of = 5 is not a date"),
        ('{"question": "x", "filters": "note"}', "line 2: filters = 'note' is not an object"),
        ('{"question": "x", "history": {}}', "line 2: history = {} is not a list"),
    ],
)
def test_a_bad_line_of_a_batch_is_named_before_anything_is_asked(
    notes: Shell, tmp_path: Path, line: str, named: str
) -> None:
    file = tmp_path / "q.jsonl"
    file.write_text(f'{{"question": "x"}}\n{line}\n', encoding="utf-8")
    code, kind, message = notes.error("ask", "--batch", str(file))
    assert (code, kind) == (2, "settings")
    assert f"{file}, {named}" in message


# wrong calls


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["ask"], "Give a question or --batch FILE"),
        (["ask", "q", "--batch", "f"], "Give a question or --batch FILE"),
        (["ask", "--batch", "nowhere.jsonl"], "The batch nowhere.jsonl cannot be read"),
        (["ask", "q", "--as-of", "June 2023"], "as_of = 'June 2023' is not a date"),
        (["ask", "q", "--since", "2024-13-01"], "since = '2024-13-01' is not a date"),
        (["ask", "q", "--sector", "rail"], "Unrecognized arguments: --sector rail"),
        (["ask", "q", "--publish", "x"], "Unrecognized arguments: --publish x"),
        (["ask", "q", "--model", "acme:x"], "There is no provider 'acme'"),
        (["ask", "   "], "The question is empty"),
        (["search", "q", "-k", "0"], "-k 0 is not a number of passages"),
        (["search", "q", "-k", "many"], "invalid int value: 'many'"),
        (["show"], "The following arguments are required: DOCUMENT_ID"),
        (["sources", "--until", "soon"], "until = 'soon' is not a date"),
        (["ingest", "x.md", "--meta", "publisher"], "--meta 'publisher' is not KEY=VALUE"),
        (["frobnicate"], "invalid choice: 'frobnicate'"),
        (["ask", "q", "--config", "nowhere.toml"], "The settings file nowhere.toml does not exist"),
    ],
)
def test_a_wrong_call_is_named_and_ends_with_2(notes: Shell, arguments: list[str], named: str) -> None:
    code, kind, message = notes.error(*arguments)
    assert (code, kind) == (2, "settings")
    assert named in message


@pytest.mark.parametrize(("start", "end"), [("-1", "5"), ("5", "2"), ("99999999", "99999999")])
def test_a_span_that_is_none_is_a_wrong_call(notes: Shell, start: str, end: str) -> None:
    identity = notes.json("sources")[1]["sources"][0]["document_id"]
    assert notes.error("show", identity, "--start", start, "--end", end)[0] == 2


@pytest.mark.parametrize("command", [["show", "0" * 24], ["show", "0" * 24, "--version", "1"], ["remove", "nowhere"]])
def test_an_unknown_document_is_a_failure(notes: Shell, command: list[str]) -> None:
    assert notes.error(*command)[:2] == (1, "not_found")


@pytest.mark.parametrize(
    "command", [["ask", "q"], ["ask", "--batch", "-"], ["search", "q"], ["sources"], ["show", "x"], ["verify"]]
)
def test_a_missing_store_is_a_failure_that_says_what_to_do(
    own: Shell, command: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO('{"question": "x"}'))
    code, kind, message = own.error(*command)
    assert (code, kind) == (1, "store_empty")
    assert str(own.store) in message
    assert not own.store.exists()


def test_errors_without_json_leave_standard_output_empty(own: Shell, capsys: pytest.CaptureFixture[str]) -> None:
    assert own.text("ask", "q") == (1, "")
    assert capsys.readouterr().err == (
        f"thesis: There is no base in {own.store}.\n  Make one with: thesis ingest PATH_OR_URL\n"
    )


def test_no_command_shows_the_help_and_ends_with_2() -> None:
    out = io.StringIO()
    wiring = Wiring(app.open_assistant, app.open_ingestor, app.serve, app.progress)
    assert run([], wiring, out=out) == 2
    assert out.getvalue().startswith("usage: thesis [-h] [--version] COMMAND")


# writing commands


def test_the_life_of_a_base(own: Shell, files: Path) -> None:
    """Ingest, again, edit, sync, remove: the counts, and what the older version still shows."""
    (files / ".hidden.md").write_text("hidden", encoding="utf-8")
    (files / "picture.xyz").write_bytes(b"\x89\x00\x01" * 50)
    empty = files.parent / "empty.md"
    empty.write_bytes(b"")
    code, report = own.json(
        "ingest", str(files), str(empty), "--meta", "publisher=User House", "--collection", "ferries"
    )
    assert code == 1
    assert set(report) == {
        "added",
        "updated",
        "unchanged",
        "removed",
        "skipped",
        "failed",
        "warnings",
        "chunks",
        "seconds",
    }
    assert (report["added"], report["updated"], report["unchanged"], report["removed"]) == (2, 0, 0, 0)
    assert [Path(f["path"]).name for f in report["failed"]] == ["empty.md"]
    assert {Path(s["path"]).name for s in report["skipped"]} <= {".hidden.md", "picture.xyz"}
    assert report["chunks"] >= 2

    sources = own.json("sources")[1]["sources"]
    alder = next(s for s in sources if s["title"] == "Alder")
    assert (alder["publisher"], alder["collection"], alder["published"]) == ("User House", "ferries", "2024-03-05")

    code, report = own.json("ingest", str(files), "--meta", "publisher=User House", "--collection", "ferries")
    assert (code, report["unchanged"], report["added"], report["chunks"]) == (0, 2, 0, 0)
    assert (
        "Nothing has changed."
        in own.text("ingest", str(files), "--meta", "publisher=User House", "--collection", "ferries")[1]
    )

    (files / "alder.md").write_text(NOTE.format(title="Alder", n=77), encoding="utf-8")
    code, report = own.json("ingest", str(files), "--meta", "publisher=User House", "--collection", "ferries")
    assert (code, report["updated"], report["unchanged"]) == (0, 1, 1)
    new = own.json("show", alder["document_id"])[1]
    old = own.json("show", alder["document_id"], "--version", alder["version"])[1]
    assert "rose 77%" in new["text"]
    assert "rose 1%" in old["text"]
    assert old["version"] == alder["version"] != new["version"]

    (files / "birch.md").unlink()
    assert own.json("ingest", str(files), "--collection", "ferries")[1]["removed"] == 0
    code, report = own.json("ingest", str(files), "--collection", "ferries", "--sync")
    assert (code, report["removed"]) == (0, 1)
    assert [s["title"] for s in own.json("sources")[1]["sources"] if s["version"]] == ["Alder"]

    assert own.json("remove", alder["document_id"][:10]) == (0, {"removed": 1})
    assert own.error("remove", alder["document_id"][:10])[:2] == (1, "not_found")
    assert own.error("ask", "How much did ferry demand rise?")[:2] == (1, "store_empty")


def test_lost_indexes_are_said_and_made_again(notes: Shell, tmp_path: Path) -> None:
    own = Shell(Path(shutil.copytree(notes.store, tmp_path / "copy", ignore=shutil.ignore_patterns("owner.*"))))
    before = own.json("ask", QUESTION)[1]["text"]
    shutil.rmtree(own.store / "chroma")
    code, text = own.text("verify")
    problem = own.json("verify")[1]
    assert code == 1
    assert "thesis rebuild" in text + json.dumps(problem)
    assert own.json("rebuild") == (0, {"chunks": 60})
    assert own.json("verify") == (0, {"clean": True, "problems": []})
    assert own.json("ask", QUESTION)[1]["text"] == before


def test_a_store_that_another_process_owns_is_not_touched(
    notes: Shell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A program that has the store and takes no commands (tests/test_handover.py has one that does)."""
    monkeypatch.setenv("THESIS_LOCK_WAIT_S", "0")
    own = Shell(Path(shutil.copytree(notes.store, tmp_path / "copy", ignore=shutil.ignore_patterns("owner.*"))))
    holder = (
        "import sys\nfrom assistant import Assistant\n"
        f"with Assistant.open({str(own.store)!r}):\n"
        "    print('held', flush=True)\n    sys.stdin.readline()\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", holder], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT
    ) as first:
        try:
            assert first.stdout is not None
            assert first.stdout.readline() == "held\n"
            for command in (["ask", QUESTION], ["ingest", str(tmp_path)], ["verify"], ["rebuild"]):
                code, kind, message = own.error(*command)
                assert (code, kind) == (1, "store_locked")
                assert f"is in use by process {first.pid} (" in message
            assert own.json("doctor")[0] == 1
        finally:
            first.communicate("\n", timeout=60)
    assert own.json("ask", QUESTION)[0] == 0


# as a process


def thesis(*arguments: str | bytes, **environ: str) -> subprocess.CompletedProcess[bytes]:
    code = "import app, sys; sys.exit(app.main())"
    return subprocess.run(
        [sys.executable, "-c", code, *arguments],
        capture_output=True,
        env=os.environ | environ,
        cwd=ROOT,
        timeout=120,
        check=False,
    )


def test_standard_output_is_utf8_json_whatever_the_terminal(notes: Shell) -> None:
    done = thesis(
        "ask", "Who wrote the note on tariffs?", "--json", "--store", str(notes.store), PYTHONIOENCODING="ascii"
    )
    assert (done.returncode, done.stderr) == (0, b"")
    assert set(strict(done.stdout.decode("utf-8"))) >= {"status", "claims"}
    assert done.stdout.count(b"\n") == 1


@pytest.mark.skipif(os.name == "nt", reason="arguments are text on Windows")
def test_an_argument_that_is_no_utf8_is_no_crash(notes: Shell) -> None:
    done = thesis("ask", b"How many analysts \xff follow?", "--json", "--store", str(notes.store))
    assert (done.returncode, done.stderr) == (0, b"")
    assert strict(done.stdout.decode("utf-8"))["question"] == "How many analysts \ufffd follow?"


def test_logs_are_json_lines_without_the_question(notes: Shell) -> None:
    question = "How many zebrafish analysts follow a small cap?"
    done = thesis("ask", question, "--store", str(notes.store), THESIS_LOG_FORMAT="json", THESIS_LOG_LEVEL="DEBUG")
    assert done.returncode == 0
    entries = [strict(line) for line in done.stderr.decode("utf-8").splitlines()]
    assert all({"time", "level", "logger", "message"} <= set(entry) for entry in entries)
    assert "zebrafish" not in done.stderr.decode("utf-8")


def test_a_log_entry_is_one_json_object_with_its_exception(capsys: pytest.CaptureFixture[str], own: Shell) -> None:
    os.environ["THESIS_LOG_FORMAT"] = "json"
    try:
        assert own.text("ask", "q")[0] == 1
        capsys.readouterr()
        error = ValueError("“broken”\nin two")
        logging.getLogger("thesis.test").error("It %s\nfailed", "really", exc_info=error)
        entry = strict(capsys.readouterr().err)
    finally:
        del os.environ["THESIS_LOG_FORMAT"]
    assert (entry["level"], entry["logger"], entry["message"]) == ("ERROR", "thesis.test", "It really\nfailed")
    assert "ValueError: “broken”" in entry["exception"]


@pytest.mark.parametrize(("name", "value"), [("LOG_FORMAT", "xml"), ("LOG_LEVEL", "loud")])
def test_an_unknown_way_to_log_is_named(notes: Shell, monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    monkeypatch.setenv(f"THESIS_{name}", value)
    assert notes.error("sources")[0] == 2


# the documentation


def subcommands() -> dict[str, argparse.ArgumentParser]:
    action = next(a for a in parser()._actions if isinstance(a, argparse._SubParsersAction))
    return dict(action.choices)


def test_each_command_and_each_flag_is_documented() -> None:
    text = (ROOT / "docs" / "cli.md").read_text(encoding="utf-8")
    shared, *sections = re.split(r"^## thesis ", text, flags=re.M)
    documented = {section.split()[0]: section for section in sections}
    commands = subcommands()
    assert set(documented) == set(commands)
    for name, command in commands.items():
        for action in command._actions:
            for flag in action.option_strings:
                if flag not in {"-h", "--help"}:
                    assert f"`{flag}" in documented[name] + shared, (name, flag)


def test_the_exit_codes_and_error_kinds_are_documented() -> None:
    from vectorstore import errors

    text = (ROOT / "docs" / "cli.md").read_text(encoding="utf-8")
    kinds = {e.kind for e in vars(errors).values() if isinstance(e, type) and issubclass(e, errors.ThesisError)}
    assert {kind for kind in kinds - {"error"} if f"`{kind}`" not in text} == set()


def test_the_documented_objects_are_those_that_are_printed(notes: Shell) -> None:
    text = (ROOT / "docs" / "cli.md").read_text(encoding="utf-8")
    printed = {
        "search": notes.json("search", "tariffs", "-k", "1")[1]["passages"][0],
        "sources": notes.json("sources")[1]["sources"][0],
        "doctor": notes.json("doctor")[1],
    }
    for name, found in printed.items():
        section = text.split(f"## thesis {name}")[1].split("\n## ")[0]
        assert {key for key in found if f'"{key}"' not in section} == set(), name


def test_flags_win_over_the_settings_file(tmp_path: Path, notes: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    config = tmp_path / "own.toml"
    config.write_text(f'store = "{(tmp_path / "other").as_posix()}"\nport = 1234\n', encoding="utf-8")
    served: list[Settings] = []
    wiring = Wiring(app.open_assistant, app.open_ingestor, lambda s: served.append(s) or 7, app.progress)
    monkeypatch.setenv("THESIS_HOST", "0.0.0.0")
    arguments = ["serve", "--config", str(config), "--store", "flag", "--port", "0"]
    assert run(arguments, wiring, out=io.StringIO()) == 7
    assert served == [replace(served[0], store="flag", port=0, host="0.0.0.0")]
