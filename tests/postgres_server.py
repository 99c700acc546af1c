"""A PostgreSQL server of the tests' own: Debian's, on loopback, with a data folder that goes with it."""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg


class PostgresServer:
    """One server. ``stop`` and ``start`` are for tests of what happens without it; ``kill`` is a crash.

    ``durable``: it waits for the disk, as one in use does. The machine's own crash is not what tests are about.
    """

    def __init__(self, folder: Path, *, durable: bool = False) -> None:
        self.folder, self.port, self.durable = folder, _free_port(), durable
        self.url = f"postgresql://thesis@127.0.0.1:{self.port}/postgres"
        self._bin = binaries()
        self._process: subprocess.Popen[bytes] | None = None
        # It refuses to run as root: Debian's package made a user for it.
        self._user = pwd.getpwnam("postgres") if os.geteuid() == 0 else None
        folder.mkdir(parents=True)
        if self._user is not None:
            os.chown(folder, self._user.pw_uid, self._user.pw_gid)
        call = [self._bin / "initdb", "-D", folder / "data", "-U", "thesis", "-A", "trust", "-E", "UTF8", "--no-sync"]
        done = subprocess.run(call, capture_output=True, text=True, check=False, cwd="/", **self._as())  # type: ignore[call-overload]
        assert done.returncode == 0, done.stderr

    def _as(self) -> dict[str, object]:
        if self._user is None:
            return {}
        return {"user": self._user.pw_uid, "group": self._user.pw_gid, "extra_groups": []}

    @property
    def pid(self) -> int:
        """The process that starts all others of the server."""
        assert self._process is not None
        return self._process.pid

    def start(self) -> None:
        """Start it and wait until it answers."""
        settings = {
            "listen_addresses": "127.0.0.1",
            "unix_socket_directories": "",
            "fsync": "on" if self.durable else "off",
            "max_connections": "200",
        }
        options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        with (self.folder.parent / f"{self.folder.name}.log").open("ab") as log:
            self._process = subprocess.Popen(
                [self._bin / "postgres", "-D", self.folder / "data", "-p", str(self.port), *options],
                stdout=log,
                stderr=log,
                cwd="/",
                **self._as(),  # type: ignore[arg-type]
            )
        for _ in range(600):
            with contextlib.suppress(psycopg.OperationalError), psycopg.connect(self.url, connect_timeout=5):
                return
            assert self._process.poll() is None, "PostgreSQL did not start"
            time.sleep(0.05)
        raise AssertionError("PostgreSQL does not answer")

    def stop(self) -> None:
        """Stop it: every connection ends."""
        self._end(2)  # SIGINT: fast shutdown

    def kill(self) -> None:
        """End it at once, as a crash would."""
        self._end(3)  # SIGQUIT: no shutdown, recovery at the next start

    def _end(self, signal: int) -> None:
        if self._process is not None:
            self._process.send_signal(signal)
            self._process.wait(30)
            self._process = None


def binaries() -> Path:
    """Return the folder of the newest PostgreSQL that is installed."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    if found:
        return found[-1].parent
    there = shutil.which("initdb")
    assert there is not None, "PostgreSQL is not installed: apt-get install postgresql (.ci/run does)"
    return Path(there).resolve().parent


@contextlib.contextmanager
def postgres_server(folder: Path, *, durable: bool = False) -> Iterator[PostgresServer]:
    server = PostgresServer(folder, durable=durable)
    server.start()
    try:
        yield server
    finally:
        server.stop()


def _free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])
