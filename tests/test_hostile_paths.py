"""Names and places made to do harm: pipes, devices, links, names that steer, and limits that end a reader."""

from __future__ import annotations

import io
import os
import socket
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

import pytest

from ingest import sources
from ingest.files import open_file
from ingest.pool import Worker
from ingest.progress import Progress, ProgressLine
from ingest.worker import Job, Parsed
from tests import hostile_files as hostile
from vectorstore.errors import ReadError
from vectorstore.settings import Settings

SETTINGS = Settings(knowledge="")
POSIX = pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no pipes and devices in folders")


@POSIX
def test_nothing_but_a_file_is_opened(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.txt")
    for place in (tmp_path / "pipe.txt", tmp_path, Path("/dev/zero")):
        with pytest.raises(ReadError, match="is a device or a pipe, not a file"):
            open_file(place)
    (tmp_path / "a.txt").write_bytes(b"a\r\nb")
    with open_file(tmp_path / "a.txt") as stream:
        assert stream.read() == b"a\r\nb"
    with pytest.raises(FileNotFoundError):
        open_file(tmp_path / "none.txt")


@POSIX
def test_a_file_that_became_a_pipe_or_went_away_fails_alone(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.txt")
    worker = Worker()
    try:
        for name, message in (("pipe.txt", "is a device or a pipe"), ("gone.txt", "No such file")):
            job = Job(f"/x/{name}", name, "default", tmp_path / name)
            with pytest.raises(ReadError, match=message):
                worker.call("ingest.worker:parse", job, SETTINGS, seconds=60, what=name)
        # The same process goes on to the next file.
        (tmp_path / "good.txt").write_text("Words stand here.")
        job = Job("/x/good.txt", "good.txt", "default", tmp_path / "good.txt")
        parsed: Parsed = worker.call("ingest.worker:parse", job, SETTINGS, seconds=60, what="good.txt")
        assert parsed.document.text == "Words stand here."
    finally:
        worker.close()
        worker.release()


@POSIX
def test_devices_pipes_and_sockets_are_named_and_never_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    os.mkfifo(folder / "pipe.txt")
    (folder / "zero.txt").symlink_to("/dev/zero")
    (folder / "up.txt").symlink_to(folder / ".." / "secret.txt")
    (tmp_path / "secret.txt").write_text("not for the base")
    (folder / "a.txt").write_text("words")
    monkeypatch.chdir(folder)  # the name of a socket must be short
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind("socket.txt")
        found = sources.find([str(folder), "/dev/zero", str(folder / "socket.txt"), str(folder / "..")])
    assert [Path(item.path).name for item in found.items] == ["a.txt", "secret.txt"]
    first = {Path(s.path).name: s.reason for s in reversed(found.skipped)}
    assert first["pipe.txt"] == first["socket.txt"] == "a device or a pipe"
    assert first["zero.txt"] == "a link that leads out of the folder"
    assert [s.reason for s in found.skipped if s.path == str(folder / "up.txt")] == [
        "a link that leads out of the folder"
    ]
    assert all("not a file" in f.error or "can't be read" in f.error for f in found.failed)
    assert [Path(f.path).name for f in found.failed] == ["zero", "socket.txt"]


def test_dots_in_a_path_are_resolved_to_one_identity(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "a.txt").write_text("words")
    found = sources.find([str(tmp_path / "in" / ".." / "a.txt"), str(tmp_path / "a.txt")])
    assert [item.path for item in found.items] == [(tmp_path / "a.txt").resolve().as_posix()]


@pytest.mark.skipif(sys.platform != "linux", reason="other systems refuse such names")
def test_names_that_steer_are_kept_apart_and_shown_safely(tmp_path: Path) -> None:
    names = [
        "a\x1b[2J.txt",
        "b\nc.txt",
        "d\u202etxt.exe.txt",
        "CON.txt",
        "trailing. .txt",
        "x" * 250 + ".txt",
        "é.txt",
        "e\u0301.txt",
    ]
    for name in names:
        (tmp_path / name).write_text("words")
    found = sources.find([str(tmp_path)])
    assert sorted(item.name for item in found.items) == sorted(names)
    assert len({item.path for item in found.items}) == len(names)
    screen = io.StringIO()
    line = ProgressLine(screen, every=0.0)
    for item in found.items:
        line(Progress(files_done=1, files_total=8, current=item.name))
    shown = screen.getvalue()
    assert shown.count("\n") == len(names)
    assert not any(c in shown for c in "\x1b\u202e")


def test_a_message_about_a_file_is_one_line_that_steers_nothing() -> None:
    from ingest.readers import Source, read

    data = hostile.word_with({"word/\x1b[2Jx.xml": b"<!DOCTYPE x><a/>"})
    with pytest.raises(ReadError) as caught:
        read(Source("/x", data, "a\n\x07.docx"))
    assert str(caught.value).isprintable()
    with pytest.raises(ReadError) as caught:
        read(Source("/x", b"", "n" * 5000 + ".txt"))
    assert len(caught.value.message) <= 500


@pytest.mark.parametrize("name", ["", ".", "..", "/", "\\", "\x00", "\u202e", " . ", "../..", "a/.."])
def test_an_upload_without_a_name_is_refused(name: str) -> None:
    with pytest.raises(ReadError, match="has no usable file name"):
        sources.upload_name(name)


@pytest.mark.parametrize(
    ("name", "safe"),
    [
        ("../../etc/passwd", "passwd"),
        ("C:\\Windows\\system32\\a.txt", "a.txt"),
        ("\x1b[2Ja\nb.txt", "[2Jab.txt"),
        (".hidden.txt", "hidden.txt"),
        ("report\u202efdp.txt", "reportfdp.txt"),
    ],
)
def test_an_upload_is_known_by_the_last_part_of_its_name(name: str, safe: str) -> None:
    assert sources.upload_name(name) == safe


def test_long_uploads_that_differ_at_the_end_are_two() -> None:
    first, second = (sources.upload_name("n" * 300 + end) for end in ("a.txt", "b.txt"))
    assert first != second
    assert first.endswith(".txt")
    assert len(first) <= 150
    assert sources.upload_name("n" * 300) != sources.upload_name("n" * 301)


def test_a_folder_of_thousands_is_walked_once(tmp_path: Path) -> None:
    for number in range(5000):
        (tmp_path / f"{number}.txt").touch()
    found = sources.find([str(tmp_path), str(tmp_path)])
    assert len(found.items) == 5000
    assert len(found.skipped) == 5000  # "read already", the second time
    assert found.failed == []


# Limits


@pytest.mark.skipif(sys.platform != "linux", reason="memory is limited on Linux")
@pytest.mark.parametrize("bomb", ["forms", "content", "text"])
def test_a_bomb_ends_at_the_memory_limit_and_the_next_file_reads(bomb: str) -> None:
    data = {
        "forms": lambda: hostile.form_pdf(12, 10),
        "content": lambda: hostile.packed_pdf(300),
        "text": lambda: "\U0001f600".encode() + b"a\n" * 2_000_000,
    }[bomb]()
    settings = replace(SETTINGS, file_memory_mb=220)
    worker = Worker()
    try:
        name = "bomb.txt" if bomb == "text" else "bomb.pdf"
        with pytest.raises(ReadError, match="memory"):
            worker.call(
                "ingest.worker:parse", Job("/x/b", name, "default", None, data), settings, seconds=300, what=name
            )
        job = Job("/x/good.txt", "good.txt", "default", None, b"Words stand here.")
        parsed: Parsed = worker.call("ingest.worker:parse", job, settings, seconds=60, what="good.txt")
        assert parsed.document.text == "Words stand here."
    finally:
        worker.close()
        worker.release()


def test_a_reader_that_is_late_is_ended_and_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    worker = Worker()
    try:
        job = Job("/x/b.pdf", "b.pdf", "default", None, hostile.form_pdf(14, 10))
        with pytest.raises(ReadError, match=r"b\.pdf took longer than 3 s") as caught:
            worker.call("ingest.worker:parse", job, replace(SETTINGS, file_memory_mb=0), seconds=3, what="b.pdf")
        assert "file_timeout_s" in caught.value.what_to_do
        process = worker._process
        assert process is None or process.poll() is not None
    finally:
        worker.close()
        worker.release()
    assert list(tmp_path.iterdir()) == []
