"""Commands for a store that another owner has open: handed over, run there, and shown here as if run here.

Real sockets and real stores; a scripted store stands in only where a command must stand still.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import app
from assistant.cli import Wiring, run
from assistant.handover import caller, note, passed, wire
from assistant.handover.call import Abandoned
from assistant.handover.note import Note
from assistant.handover.owner import Owner
from assistant.handover.wire import Channel, WireError
from vectorstore.errors import NotFound, SettingsError
from vectorstore.settings import Settings, load_settings

QUESTION = "How many analysts follow the average large-cap stock?"
NOTE = "---\ntitle: {title}\npublisher: Northwind\ndate: 2024-03-05\n---\n\n# {title}\n\nFerry demand at {title} rose {n}% in April 2024.\n"


@pytest.fixture(autouse=True)
def _settings(monkeypatch: pytest.MonkeyPatch, model_cache: Path) -> None:
    monkeypatch.setenv("THESIS_CACHE", str(model_cache))
    monkeypatch.setenv("THESIS_WORKERS", "1")
    monkeypatch.setenv("THESIS_LOCK_WAIT_S", "0")


@dataclass
class Line:
    """Progress as a caller's terminal gets it."""

    moments: list[Any] = field(default_factory=list)

    def __call__(self, progress: Any) -> None:
        self.moments.append(progress)

    def close(self) -> None:
        pass


@dataclass
class Shell:
    """Runs `thesis` in this process over one store."""

    store: Path
    line: Line = field(default_factory=Line)
    told: io.StringIO = field(default_factory=io.StringIO)

    def settings(self) -> Settings:
        return load_settings(overrides={"store": str(self.store)})

    def __call__(self, *arguments: str) -> tuple[int, str]:
        out = io.StringIO()
        wiring = Wiring(app.open_assistant, app.open_ingestor, app.serve, lambda stream: self.line, told=self.told)
        return run([*arguments, "--store", str(self.store)], wiring, out=out), out.getvalue()

    def json(self, *arguments: str) -> tuple[int, Any]:
        code, text = self(*arguments, "--json")
        return code, json.loads(text)

    def titles(self) -> set[str]:
        return {s["title"] for s in self.json("sources")[1]["sources"]}


@pytest.fixture
def shell(tmp_path: Path, knowledge_store: Callable[[Path], Path]) -> Shell:
    return Shell(knowledge_store(tmp_path))


@pytest.fixture
def alder(tmp_path: Path) -> Path:
    path = tmp_path / "alder.md"
    path.write_text(NOTE.format(title="Alder Lines", n=17), encoding="utf-8")
    return path


# what is handed over


def test_reading_commands_print_what_they_print_alone(
    shell: Shell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    row = {"id": "1", "question": QUESTION, "answer": "16.4"}
    Path("set.jsonl").write_text(json.dumps(row) + "\n", encoding="utf-8")
    Path("batch.jsonl").write_text(json.dumps({"question": QUESTION}) + "\n", encoding="utf-8")
    name = shell.json("sources")[1]["sources"][0]["document_id"]
    commands = [
        ["search", "tariffs", "--json"],
        ["search", "tariffs", "-k", "0"],
        ["sources", "--kind", "note"],
        ["sources", "--kind", "none", "--json"],
        ["show", name[:8], "--json"],
        ["show", "nothing", "--json"],
        ["ask", QUESTION],
        ["ask", "Who won the World Cup?", "--as-of", "2025-05-12"],
        ["verify", "--json"],
    ]

    def results() -> list[tuple[int, str]]:
        return [shell(*command) for command in commands]

    alone = results()
    with app.open_ingestor(shell.settings()):
        assert results() == alone
        code, table = shell("eval", "set.jsonl", "--report", "report.md")
        assert (code, table.split()[0]) == (0, "metric")
        assert Path("report.md").is_file()
        code, answer = shell.json("ask", "--batch", "batch.jsonl")
        assert (code, "16.4" in answer["text"]) == (0, True)
        code, found = shell.json("doctor")
        assert (code, found["store"]["documents"]) == (0, 12)
    assert [code for code, _ in alone] == [0, 2, 0, 2, 0, 1, 0, 0, 0]


def test_a_batch_on_standard_input_goes_over(shell: Shell) -> None:
    out = io.StringIO()
    wiring = Wiring(
        app.open_assistant,
        app.open_ingestor,
        app.serve,
        app.progress,
        given=io.StringIO(json.dumps({"question": QUESTION})),
    )
    with app.open_ingestor(shell.settings()):
        assert run(["ask", "--batch", "-", "--store", str(shell.store)], wiring, out=out) == 0
    assert "16.4" in json.loads(out.getvalue())["text"]


def test_changes_answer_in_the_owner_and_progress_reaches_the_caller(shell: Shell, alder: Path) -> None:
    with app.open_ingestor(shell.settings()) as ingestor:
        code, report = shell.json("ingest", str(alder), "nowhere.md")
        assert code == 1
        assert (report["added"], report["updated"], report["removed"]) == (1, 0, 0)
        assert [entry["path"] for entry in report["failed"]] == ["nowhere.md"]
        assert "Alder Lines" in {s.metadata.title for s in ingestor.store.sources()}
        assert shell("ask", "How much did ferry demand at Alder Lines rise?")[1].startswith(
            "Ferry demand at Alder Lines rose 17%"
        )
        assert {"files_done": 1, "files_total": 1, "current": "alder.md"}.items() <= shell.line.moments[-1].items()
        assert shell.json("remove", str(alder)) == (0, {"removed": 1})
        assert shell.json("remove", str(alder))[1]["error"]["kind"] == "not_found"
        assert shell.json("rebuild") == (0, {"chunks": 60})
    assert shell.json("verify") == (0, {"clean": True, "problems": []})
    assert "Alder Lines" not in shell.titles()


def test_relative_names_are_those_of_the_caller(shell: Shell, alder: Path, tmp_path: Path) -> None:
    """The owner is in another folder: what it is sent names the caller's."""
    with app.open_ingestor(shell.settings()) as ingestor:
        report = ingestor.ingest([alder.name], folder=tmp_path)
        assert (report.added, report.failed) == (1, ())
        assert ingestor.ingest([alder.name]).failed[0].path == alder.name
        assert ingestor.remove([alder.name], folder=tmp_path) == 1


# whose settings count


def test_each_setting_is_the_callers_the_owners_or_must_agree() -> None:
    groups = [set(passed._CALLERS), set(passed.FIXED), set(passed.OWNERS)]
    assert sum(map(len, groups)) == len(set().union(*groups)) == len(fields(Settings))
    assert set().union(*groups) == {f.name for f in fields(Settings)}


def test_the_callers_settings_choose_the_answer(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    with app.open_ingestor(shell.settings()):
        assert "note: The newest source" in shell("ask", QUESTION)[1]
        monkeypatch.setenv("THESIS_STALE_AFTER_DAYS", "0")
        assert "note: The newest source" not in shell("ask", QUESTION)[1]


def test_another_embedding_than_the_stores_is_refused(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    with app.open_ingestor(shell.settings()):
        monkeypatch.setenv("THESIS_EMBEDDING_BACKEND", "onnx")  # what auto comes to
        assert shell("search", "tariffs")[0] == 0
        monkeypatch.setenv("THESIS_EMBEDDING_BACKEND", "torch")
        code, found = shell.json("search", "tariffs")
    assert (code, found["error"]["kind"]) == (1, "fingerprint_mismatch")
    assert "thesis rebuild" in found["error"]["what_to_do"]


def test_paths_in_settings_are_made_absolute(tmp_path: Path) -> None:
    (tmp_path / "own").mkdir()
    given, fixed = passed.of_caller(Settings(data="own", reranker="org/name", sources=("sec",)), tmp_path)
    assert (given["data"], given["reranker"], given["sources"]) == (str(tmp_path / "own"), "org/name", ["sec"])
    assert passed.combined(Settings(), given).sources == ("sec",)
    assert passed.combined(Settings(), fixed, passed.FIXED) == Settings()


@pytest.mark.parametrize("sent", [{"no_such": 1}, {"model": 3}, {"store": "/elsewhere"}, {"sources": "sec"}])
def test_a_setting_that_is_none_is_refused(sent: Mapping[str, Any]) -> None:
    with pytest.raises(SettingsError, match="another version"):
        passed.combined(Settings(), sent)


# owners that take no changes, and those that cannot be reached


def test_an_owner_that_only_reads_takes_what_is_short(shell: Shell, alder: Path) -> None:
    with app.open_assistant(shell.settings()):
        for command in (["ingest", str(alder)], ["rebuild"], ["verify"], ["ask", "--batch", str(alder)]):
            if command[0] == "ask":
                alder.write_text(json.dumps({"question": QUESTION}), encoding="utf-8")
            code, found = shell.json(*command)
            assert (code, found["error"]["kind"]) == (1, "store_locked"), command
        assert shell("search", "tariffs")[0] == 0
        assert shell("ask", QUESTION)[0] == 0


def test_a_change_waits_for_a_reader_to_end(shell: Shell, alder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("THESIS_LOCK_WAIT_S", "60")
    with contextlib.ExitStack() as reading:
        reading.enter_context(app.open_assistant(shell.settings()))
        found: list[tuple[int, Any]] = []
        thread = threading.Thread(target=lambda: found.append(shell.json("ingest", str(alder))))
        thread.start()
        until(lambda: "Waiting for it, up to 60 s." in shell.told.getvalue())
        assert found == []
    thread.join(60)
    assert (found[0][0], found[0][1]["added"]) == (0, 1)


@pytest.mark.parametrize(
    "left",
    [
        "",
        "{",
        "[]",
        json.dumps({"port": 1}),
        json.dumps({"port": 70000, "token": "x" * 64, "pid": 1, "host": "h", "command": "c"}),
        json.dumps({"port": 9, "token": 5, "pid": 1, "host": "h", "command": "c"}),
    ],
)
def test_a_note_without_sense_is_as_none(tmp_path: Path, left: str) -> None:
    (tmp_path / note.NAME).write_text(left, encoding="utf-8")
    assert note.read(tmp_path) is None


def test_what_a_dead_owner_left_is_no_hindrance(shell: Shell) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    note.write(shell.store, Note(port))
    assert shell("search", "tariffs")[0] == 0
    note.write(shell.store, Note(port, host="elsewhere"))
    assert shell("search", "tariffs")[0] == 0
    assert note.read(shell.store) is None  # the last owner took its own away


def test_the_note_is_for_this_user_only(shell: Shell) -> None:
    with app.open_ingestor(shell.settings()):
        path = shell.store / note.NAME
        assert len(json.loads(path.read_text(encoding="utf-8"))["token"]) == 64
        if os.name == "posix":
            assert path.stat().st_mode & 0o777 == 0o600
        assert "token" not in (shell.store / "owner.json").read_text(encoding="utf-8")
    assert [p.name for p in shell.store.glob("control*")] == []


# who may ask


def connected() -> tuple[Channel, Channel]:
    first, second = socket.socketpair()
    return Channel(first), Channel(second)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@given(st.dictionaries(st.sampled_from(["nonce", "proof", "token"]), json_values))
def test_whoever_does_not_know_the_token_is_turned_away(reply: dict[str, Any]) -> None:
    owner, stranger = connected()
    with owner, stranger:
        stranger.send(reply)
        with pytest.raises(WireError):
            wire.greet_caller(owner, "t" * 64)
        hello = stranger.receive()
        assert hello is not None
        assert set(hello) == {"thesis", "nonce"}


def test_a_stranger_on_the_port_learns_nothing(shell: Shell) -> None:
    """Its greeting is right in form; it is sent neither the token nor the command, and the command runs here."""
    heard: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as server:

        def strange() -> None:
            connection, _ = server.accept()
            with connection:
                connection.sendall(json.dumps({"thesis": 1, "nonce": "0" * 32}).encode() + b"\n")
                heard.append(connection.recv(65536))
                connection.sendall(json.dumps({"proof": "0" * 64}).encode() + b"\n")
                heard.append(connection.recv(65536))

        thread = threading.Thread(target=strange)
        thread.start()
        left = Note(server.getsockname()[1])
        note.write(shell.store, left)
        assert shell("search", "tariffs")[0] == 0
        thread.join(10)
    assert set(json.loads(heard[0])) == {"nonce", "proof"}
    assert left.token.encode() not in b"".join(heard)
    assert heard[1] == b""


def test_a_long_or_senseless_message_is_refused() -> None:
    for sent in (b"x" * 10_000, b"no json\n", b"[1]\n", b"[" * 9_000 + b"\n"):
        owner, stranger = connected()
        with owner, stranger:
            stranger.connection.sendall(sent)
            stranger.connection.shutdown(socket.SHUT_WR)
            with pytest.raises(WireError):
                owner.receive(4096 if b"\n" not in sent else 20_000)


def test_an_owner_survives_what_strangers_send(shell: Shell) -> None:
    with app.open_ingestor(shell.settings()):
        known = note.read(shell.store)
        assert known is not None
        for sent in (b"", b"{}\n", b"\xff\xfe\n", b"x" * 9000):
            with socket.create_connection(("127.0.0.1", known.port)) as stranger, contextlib.suppress(OSError):
                stranger.sendall(sent)
        for request in ({}, {"command": "serve"}, {"command": "ask", "arguments": 3, "settings": {}, "fixed": {}}):
            with Channel(socket.create_connection(("127.0.0.1", known.port))) as channel:
                wire.greet_owner(channel, known.token)
                channel.send(request)
                answer = channel.receive()
                assert answer is None or "refused" in answer
        assert shell("search", "tariffs")[0] == 0


# an owner that ends, stops or falls silent


@contextlib.contextmanager
def scripted(shell: Shell, act: Callable[[Channel], None]) -> Iterator[None]:
    """An owner that greets rightly and takes one request; what it does then is ``act``'s."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        own = Note(server.getsockname()[1])

        def serve() -> None:
            with Channel(server.accept()[0]) as channel:
                wire.greet_caller(channel, own.token)
                channel.receive()
                note.remove(shell.store, own)
                act(channel)

        thread = threading.Thread(target=serve)
        thread.start()
        note.write(shell.store, own)
        yield
        thread.join(10)
        assert not thread.is_alive()


def test_an_owner_that_ends_in_the_middle_is_named(shell: Shell) -> None:
    with scripted(shell, lambda channel: channel.send({"started": True})):
        code, found = shell.json("search", "tariffs")
    assert (code, found["error"]["kind"]) == (1, "store")
    assert f"process {os.getpid()} (" in found["error"]["message"]
    assert "ended before it was done" in found["error"]["message"]
    assert "Run the same command again" in found["error"]["what_to_do"]


@pytest.mark.parametrize("last", [None, {"accepted": True}, {"stopped": True}])
def test_what_an_owner_had_not_begun_is_done_here(shell: Shell, last: dict[str, Any] | None) -> None:
    with scripted(shell, lambda channel: channel.send(last) if last else None):
        assert shell("search", "tariffs")[0] == 0


def test_a_silent_owner_is_waited_for_so_long(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(caller, "SILENT_S", 0.2)
    done = threading.Event()

    def silent(channel: Channel) -> None:
        channel.send({"started": True})
        done.wait(30)

    with scripted(shell, silent):
        code, found = shell.json("search", "tariffs")
        done.set()
    assert (code, found["error"]["kind"]) == (1, "store")
    assert "has said nothing for" in found["error"]["message"]


def test_another_version_is_named(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    with app.open_ingestor(shell.settings()):
        monkeypatch.setattr(caller, "PROTOCOL", 99)
        code, found = shell.json("search", "tariffs")
    assert (code, found["error"]["kind"]) == (1, "store_locked")
    assert "another version" in found["error"]["message"]


# commands under way: a store that does what the test says


class Still:
    """Stands for the open store: `remove` begins, and ends when it is let or when whoever asked is gone."""

    def __init__(self) -> None:
        self.settings = Settings()
        self.changes = True
        self.turn = threading.Lock()
        self.begun, self.let = threading.Event(), threading.Event()
        self.ended: list[str] = []

    def agree(self, settings: Settings) -> None:
        pass

    def assistant(self, settings: Settings) -> Any:
        raise AssertionError

    def rebuilder(self, settings: Settings) -> Any:
        return contextlib.nullcontext(self)

    @contextlib.contextmanager
    def ingestor(self, settings: Settings, waiting: Callable[[], None]) -> Iterator[Any]:
        while not self.turn.acquire(timeout=0.05):
            waiting()
        try:
            yield self
        finally:
            self.turn.release()

    def remove(self, names: Any, *, folder: Path | None = None) -> int:
        self.begun.set()
        assert self.let.wait(30)
        return len(names)

    def rebuild(self, progress: Callable[[Any], None]) -> int:
        """Goes from document to document until it is told to stop."""
        from ingest.progress import Progress

        self.begun.set()
        try:
            for done in range(3000):
                progress(Progress(chunks=done))
                time.sleep(0.01)
        except Abandoned:
            self.ended.append("abandoned")
            raise
        return -1


def until(reached: Callable[[], bool]) -> None:
    end = time.monotonic() + 30
    while not reached():
        assert time.monotonic() < end
        time.sleep(0.01)


def asked(shell: Shell, *arguments: str) -> tuple[threading.Thread, list[tuple[int, Any]]]:
    found: list[tuple[int, Any]] = []
    thread = threading.Thread(target=lambda: found.append(shell.json(*arguments)))
    thread.start()
    return thread, found


@pytest.fixture
def empty(tmp_path: Path) -> Shell:
    (tmp_path / "held").mkdir()
    return Shell(tmp_path / "held")


def test_an_owner_whose_own_work_is_done_finishes_what_it_took(
    empty: Shell, capsys: pytest.CaptureFixture[str]
) -> None:
    still = Still()
    with Owner(empty.store, still):
        thread, found = asked(empty, "remove", "a", "b")
        assert still.begun.wait(30)
        threading.Timer(0.3, still.let.set).start()
    assert note.read(empty.store) is None
    thread.join(30)
    assert found == [(0, {"removed": 2})]
    assert "Finishing what another shell asked of this one: remove." in capsys.readouterr().err


def test_an_owner_whose_own_command_failed_finishes_what_it_took(empty: Shell) -> None:
    still = Still()
    with contextlib.suppress(NotFound), Owner(empty.store, still):
        thread, found = asked(empty, "remove", "a")
        assert still.begun.wait(30)
        threading.Timer(0.3, still.let.set).start()
        raise NotFound("of its own")
    thread.join(30)
    assert found == [(0, {"removed": 1})]


def test_ctrl_c_in_the_owner_stops_what_it_took(empty: Shell) -> None:
    still = Still()
    with contextlib.suppress(KeyboardInterrupt), Owner(empty.store, still):
        thread, found = asked(empty, "rebuild")
        assert still.begun.wait(30)
        raise KeyboardInterrupt
    thread.join(30)
    assert "was stopped before it was done" in found[0][1]["error"]["message"]


def test_a_caller_that_goes_away_ends_what_it_asked_for(empty: Shell) -> None:
    still = Still()
    with Owner(empty.store, still) as owner:
        known = note.read(empty.store)
        assert known is not None
        with Channel(socket.create_connection(("127.0.0.1", known.port))) as channel:
            wire.greet_owner(channel, known.token)
            exchange = caller._Exchange(channel, known, empty.settings(), Wiring(*[None] * 4), io.StringIO())  # type: ignore[list-item, arg-type]
            channel.send(exchange._request(argparse_of("rebuild")))
            assert still.begun.wait(30)
        until(lambda: still.ended == ["abandoned"])
        still.begun.clear()
        still.let.set()
        assert empty.json("remove", "a") == (0, {"removed": 1})  # the owner goes on
        owner.stop()


def argparse_of(command: str) -> Any:
    from assistant.cli import parser

    return parser().parse_args([command])


def test_an_owner_that_is_stopped_says_so(empty: Shell) -> None:
    still = Still()
    with Owner(empty.store, still) as owner:
        thread, found = asked(empty, "rebuild")
        assert still.begun.wait(30)
        owner.stop()
    thread.join(30)
    assert (found[0][0], found[0][1]["error"]["kind"]) == (1, "store")
    assert "was stopped before it was done" in found[0][1]["error"]["message"]
    assert still.ended == ["abandoned"]


def test_a_second_change_waits_for_its_turn(empty: Shell) -> None:
    still = Still()
    other = replace(empty, told=io.StringIO())
    with Owner(empty.store, still):
        first, found = asked(empty, "remove", "a")
        assert still.begun.wait(30)
        second, later = asked(other, "remove", "a", "b")
        until(lambda: "Waiting for what process" in other.told.getvalue())
        assert later == []
        still.let.set()
        first.join(30)
        second.join(30)
    assert (found, later) == ([(0, {"removed": 1})], [(0, {"removed": 2})])


def test_a_fault_of_one_command_leaves_the_owner(empty: Shell, capsys: pytest.CaptureFixture[str]) -> None:
    still = Still()
    with Owner(empty.store, still):
        code, found = empty.json("sources")  # Still raises AssertionError
        assert (code, found["error"]["kind"]) == (1, "error")
        assert "AssertionError" in found["error"]["message"]
        still.let.set()
        assert empty.json("remove", "a") == (0, {"removed": 1})
    assert "a command that was handed over failed" in capsys.readouterr().err


def test_an_ingest_that_is_stopped_leaves_whole_documents(tmp_path: Path, shell: Shell) -> None:
    """What progress raises ends an ingest at the border of a document; the next one goes on from there."""
    folder = tmp_path / "files"
    folder.mkdir()
    for i in range(30):
        (folder / f"n{i}.md").write_text(NOTE.format(title=f"Alder {i}", n=i), encoding="utf-8")

    def stop(progress: Any) -> None:
        if progress.chunks:
            raise Abandoned

    with app.open_ingestor(shell.settings()) as ingestor:
        with pytest.raises(Abandoned):
            ingestor.ingest([str(folder)], progress=stop)
        assert not any("missing" in problem or "differ" in problem for problem in ingestor.store.verify())
        report = ingestor.ingest([str(folder)])
        assert report.failed == ()
        assert ingestor.store.verify() == []
        assert len(ingestor.store.sources()) == 42


def test_an_ingestor_gives_turns(shell: Shell) -> None:
    with app.open_ingestor(shell.settings()) as ingestor:
        waited: list[int] = []
        with ingestor.turn(Settings(collection="own"), lambda: None) as mine:
            assert mine.settings.collection == "own"

            def other() -> None:
                with contextlib.suppress(Abandoned), ingestor.turn(Settings(), give_up):
                    waited.append(-1)

            def give_up() -> None:
                waited.append(1)
                raise Abandoned

            thread = threading.Thread(target=other)
            thread.start()
            thread.join(30)
        assert waited == [1]


def test_a_machine_without_loopback_goes_without(
    shell: Shell, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def refuse(*_: Any) -> None:
        raise OSError("no loopback here")

    monkeypatch.setattr(socket.socket, "bind", refuse)
    assert shell("search", "tariffs")[0] == 0
    assert "no loopback here" in capsys.readouterr().err
