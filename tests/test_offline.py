"""No network at all: a first start, a second one, and questions, with every way out blocked and written down."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

ROOT = Path(__file__).resolve().parent.parent
# Python reads this in every process that it starts, workers too.
GUARD = """
import ipaddress, os, socket, sys

LOG = os.environ["THESIS_TEST_ATTEMPTS"]


def local(host):
    if host in (None, "", b"", "localhost", "0.0.0.0", "::"):
        return True
    try:
        return ipaddress.ip_address(host.decode() if isinstance(host, bytes) else host).is_loopback
    except ValueError:
        return False


def refuse(what, host):
    with open(LOG, "a", encoding="utf-8") as log:
        log.write(f"{os.getpid()} {what} {host!r}\\n")
    raise socket.gaierror(socket.EAI_NONAME, f"blocked by the test: {what} {host!r}")


def guarded(name, at):
    real = getattr(socket.socket, name)

    def method(self, *arguments):
        if self.family in (socket.AF_INET, socket.AF_INET6):
            address = arguments[at] if name != "sendto" else arguments[-1]
            if isinstance(address, tuple) and not local(address[0]):
                refuse(name, address)
        return real(self, *arguments)

    return method


def look_up(name):
    real = getattr(socket, name)

    def function(host, *arguments, **named):
        if not local(host):
            refuse(name, host)
        return real(host, *arguments, **named)

    return function


class Socket(socket.socket):
    connect = guarded("connect", 0)
    connect_ex = guarded("connect_ex", 0)
    sendto = guarded("sendto", -1)


socket.socket = Socket
for name in ("getaddrinfo", "gethostbyname", "gethostbyname_ex", "gethostbyaddr"):
    setattr(socket, name, look_up(name))
"""


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    """A machine without a network, a home folder with nothing in it, and no prepared model."""
    guard = tmp_path / "guard"
    guard.mkdir()
    (guard / "sitecustomize.py").write_text(GUARD, encoding="utf-8")
    home = tmp_path / "home"
    home.mkdir()
    attempts = tmp_path / "attempts.txt"
    attempts.touch()
    kept = {
        k: v for k, v in os.environ.items() if "PROXY" not in k.upper() and not k.startswith(("HF_", "XDG_", "THESIS_"))
    }
    return kept | {
        "PYTHONPATH": os.pathsep.join([str(guard), str(ROOT)]),
        "THESIS_TEST_ATTEMPTS": str(attempts),
        "HOME": str(home),
        "USERPROFILE": str(home),
        "THESIS_STORE": str(tmp_path / "store"),
        "THESIS_CACHE": str(tmp_path / "cache"),
        "THESIS_KNOWLEDGE": str(ROOT / "knowledge"),
        "THESIS_PORT": "0",
        "PYTHONUNBUFFERED": "1",
    }


def attempts(environ: dict[str, str]) -> str:
    return Path(environ["THESIS_TEST_ATTEMPTS"]).read_text(encoding="utf-8")


def _listen() -> None:
    signal.signal(signal.SIGINT, signal.default_int_handler)


# A test run that a shell put into the background ignores Ctrl-C, and its children inherit that.
_heeds_ctrl_c = None if os.name == "nt" else _listen


@contextmanager
def chat(environ: dict[str, str], folder: Path) -> Iterator[httpx.Client]:
    """`python app.py` until it answers; ended as with Ctrl-C."""
    with (
        (folder / "stderr.txt").open("w+", encoding="utf-8") as errors,
        subprocess.Popen(
            [sys.executable, str(ROOT / "app.py")],
            stdout=subprocess.PIPE, stderr=errors, text=True, encoding="utf-8", cwd=folder, env=environ, preexec_fn=_heeds_ctrl_c,
        ) as process,
    ):  # fmt: skip
        try:
            assert process.stdout is not None
            line = process.stdout.readline()
            assert line.startswith("Thesis is ready on http://127.0.0.1:"), (folder / "stderr.txt").read_text()
            with httpx.Client(base_url=line.split()[-1], trust_env=False, timeout=60) as client:
                yield client
        finally:
            process.send_signal(signal.SIGTERM if os.name == "nt" else signal.SIGINT)
            process.communicate(timeout=30)


def ask(web: httpx.Client, question: str) -> str:
    event = web.post("/gradio_api/call/ask", json={"data": [question, [], [], [], [], None, None, None, ""]}).json()[
        "event_id"
    ]
    with web.stream("GET", f"/gradio_api/call/ask/{event}") as stream:
        lines = [line for line in stream.iter_lines() if line]
    assert lines[-2] == "event: complete"
    return lines[-1]


def test_the_guard_catches_what_goes_out(environ: dict[str, str]) -> None:
    code = (
        "import socket, urllib.request\n"
        "for call in (lambda: urllib.request.urlopen('http://example.test'),\n"
        "             lambda: socket.create_connection(('192.0.2.1', 80), timeout=1),\n"
        "             lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b'x', ('192.0.2.1', 53))):\n"
        "    try:\n        call()\n    except OSError:\n        continue\n    raise SystemExit('went out')\n"
    )
    subprocess.run([sys.executable, "-c", code], env=environ, check=True, timeout=60)
    assert [line.split()[1] for line in attempts(environ).splitlines()] == ["getaddrinfo", "getaddrinfo", "sendto"]


@pytest.mark.timeout(180)
def test_the_chat_starts_and_answers_without_a_network(environ: dict[str, str], tmp_path: Path) -> None:
    """The first start prepares the model and takes in the sample notes; the second finds all of it."""
    for question, fact in (
        ("How many analysts follow the average large-cap stock?", "16.4"),
        ("What share of US small caps makes no profit?", "40%"),
    ):
        with chat(environ, tmp_path) as web:
            assert web.get("/", headers={"accept": "text/html"}).status_code == 200
            assert fact in ask(web, question)
    assert attempts(environ) == ""


@pytest.mark.timeout(120)
def test_the_command_line_works_without_a_network(environ: dict[str, str], tmp_path: Path) -> None:
    def thesis(*arguments: str) -> dict[str, object]:
        done = subprocess.run(
            [sys.executable, "-c", "import app, sys; sys.exit(app.main())", *arguments, "--json"],
            env=environ,
            cwd=tmp_path,
            capture_output=True,
            timeout=100,
            check=True,
        )
        found: dict[str, object] = json.loads(done.stdout)
        return found

    assert thesis("ingest", str(ROOT / "knowledge" / "tariffs.md"))["added"] == 1
    assert thesis("ask", "What is the weight of tariff-exposed sectors in the S&P 500?")["status"] == "answered"
    assert thesis("verify") == {"clean": True, "problems": []}
    assert thesis("doctor")["cache"]
    assert attempts(environ) == ""
