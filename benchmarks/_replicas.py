"""Real replicas for tests and measurements: `thesis serve` processes over one shared base, behind the nginx of docs/scale/nginx.conf."""

from __future__ import annotations

import json
import os
import re
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx

ROOT = Path(__file__).resolve().parents[1]
THESIS = [sys.executable, "-c", f"import sys; sys.path.insert(0, {str(ROOT)!r}); import app; sys.exit(app.main())"]
PASSWORD = "a long enough phrase"
_UP_S = 180.0
_NGINX = """
daemon off;
master_process off;
pid {folder}/nginx.pid;
error_log stderr warn;
events {{ worker_connections 512; }}
http {{
  access_log off;
  client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
  include {folder}/thesis.conf;
}}
"""


def free_ports(count: int) -> list[int]:
    held = [socket.socket() for _ in range(count)]
    try:
        for one in held:
            one.bind(("127.0.0.1", 0))
        return [int(one.getsockname()[1]) for one in held]
    finally:
        for one in held:
            one.close()


def nginx_program() -> str | None:
    return shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin:/usr/local/sbin")


def on_loopback(config: str, front: int, ports: Sequence[int]) -> str:
    """Return docs/scale/nginx.conf with its addresses on this machine and without TLS; all else as it stands there."""
    found = re.findall(r"server 10\.0\.0\.1\d:7860", config)
    if len(found) < len(ports):
        raise ValueError(f"the configuration names {len(found)} replicas")
    for number, old in enumerate(found):
        if number < len(ports):
            config = config.replace(old, f"server 127.0.0.1:{ports[number]}")
        else:
            config = re.sub(rf"\n.*{re.escape(old)}.*", "", config)
    config = config.replace("listen 443 ssl;", f"listen 127.0.0.1:{front};")
    return re.sub(r"\n *ssl_certificate.*", "", config)


class Replica:
    """One `thesis serve` on a port of its own, with a folder of its own; it may be killed and started again."""

    def __init__(self, folder: Path, port: int, environ: Mapping[str, str], log: Path) -> None:
        self.folder, self.port, self.log = folder, port, log
        self.url = f"http://127.0.0.1:{port}"
        self._environ = {**environ, "THESIS_STORE": str(folder), "THESIS_PORT": str(port)}
        self.process: subprocess.Popen[bytes] | None = None

    def begin(self) -> None:
        with self.log.open("ab") as said:
            self.process = subprocess.Popen(
                [*THESIS, "serve"],
                cwd=self.log.parent,
                env=self._environ,
                stdin=subprocess.DEVNULL,
                stdout=said,
                stderr=said,
                start_new_session=True,  # Ctrl-C in the terminal is for the measurement
            )

    def wait(self) -> None:
        """Return once it is ready. Raises RuntimeError with its log where it ended."""
        assert self.process is not None
        until = time.monotonic() + _UP_S
        while time.monotonic() < until:
            if self.process.poll() is not None:
                break
            try:
                if httpx.get(f"{self.url}/readyz", trust_env=False, timeout=5).status_code == 200:
                    return
            except httpx.TransportError:
                pass
            time.sleep(0.1)
        raise RuntimeError(f"a replica did not come up:\n{self.said()[-4000:]}")

    def said(self) -> str:
        return self.log.read_text(encoding="utf-8", errors="replace") if self.log.exists() else ""

    def end(self, how: signal.Signals = signal.SIGTERM, patience: float = 60.0) -> int:
        """End it and return its exit code; SIGKILL is a crash."""
        process, self.process = self.process, None
        if process is None:
            return 0
        process.send_signal(how)
        try:
            return process.wait(patience)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            raise


class Cluster:
    """``count`` replicas of a shared base. ``url``: the address of nginx in front of them; with sign-in by name and password.

    ``schema``: of a base that is there already; ``store``: the folder of the one server that has a base of its own (``ledger`` "").
    """

    def __init__(
        self,
        folder: Path,
        *,
        ledger: str,
        chroma: str,
        count: int = 3,
        schema: str | None = None,
        settings: Mapping[str, str] | None = None,
        store: Path | None = None,
    ) -> None:
        from assistant.access.users import Users

        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        front, *ports = free_ports(count + 1)
        self.url = f"http://127.0.0.1:{front}"
        self.schema = schema or f"r{secrets.token_hex(6)}"
        self.users = Users(folder / "users.toml")
        given = {
            "LEDGER": ledger, "LEDGER_SCHEMA": self.schema, "CHROMA": chroma, "AUTH": "users", "HOST": "127.0.0.1",
            "USERS_FILE": str(self.users.path), "KNOWLEDGE": "", "WORKERS": "1", "RATE_PER_MINUTE": "0",
            "CONCURRENT_PER_USER": "0", "TRUSTED_PROXIES": "127.0.0.1", "BOARD_HOURS": "0",
        }  # fmt: skip
        named = {f"THESIS_{name}": value for name, value in (given | dict(settings or {})).items()}
        # A thread a core in each of them would be three times as many as there are.
        self.environ = {**os.environ, "OMP_NUM_THREADS": "1", **named}
        self._shell = store or folder / "shell"
        self.replicas = [
            Replica(store or folder / f"replica{n + 1}", port, self.environ, folder / f"replica{n + 1}.log")
            for n, port in enumerate(ports)
        ]
        self._front, self._stack = front, ExitStack()

    def __enter__(self) -> Cluster:
        try:
            for one in self.replicas:  # all at once, as a cluster starts
                self._stack.callback(one.end, signal.SIGKILL)
                one.begin()
            for one in self.replicas:
                one.wait()
            self._nginx()
        except BaseException:
            self._stack.close()
            raise
        return self

    def __exit__(self, *error: object) -> None:
        self._stack.close()

    def _nginx(self) -> None:
        found = nginx_program()
        if found is None:
            raise RuntimeError("nginx is not installed: apt-get install nginx")
        folder = self.folder / "nginx"
        folder.mkdir()
        ours = (ROOT / "docs" / "scale" / "nginx.conf").read_text(encoding="utf-8")
        ports = [one.port for one in self.replicas]
        (folder / "thesis.conf").write_text(on_loopback(ours, self._front, ports), encoding="utf-8")
        (folder / "nginx.conf").write_text(_NGINX.format(folder=folder), encoding="utf-8")
        log = self._stack.enter_context((folder / "log").open("wb"))
        child = subprocess.Popen(
            [found, "-p", str(folder), "-c", str(folder / "nginx.conf"), "-e", "stderr"],
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
        self._stack.callback(child.wait)
        self._stack.callback(child.terminate)
        for _ in range(200):
            if child.poll() is not None:
                break
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self._front)) == 0:
                    return
            time.sleep(0.05)
        raise RuntimeError(f"nginx did not start: {(folder / 'log').read_text(errors='replace')}")

    def thesis(self, *arguments: str) -> Any:
        """Run one command over the shared base, in a folder of its own; return what it printed as JSON. It must not fail."""
        done = subprocess.run(
            [*THESIS, *arguments, "--json"],
            cwd=self.folder,
            env={**self.environ, "THESIS_STORE": str(self._shell)},
            capture_output=True,
            text=True,
            check=False,
            timeout=300,
        )
        if done.returncode:
            raise RuntimeError(f"thesis {' '.join(arguments)}: {done.stdout} {done.stderr}")
        return json.loads(done.stdout)

    def token(self, name: str, user: str) -> dict[str, str]:
        """Return the header of a new token of ``user``."""
        return {"authorization": f"Bearer {self.thesis('token', 'create', name, '--user', user)['token']}"}
