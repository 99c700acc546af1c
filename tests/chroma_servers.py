"""A real Chroma server for tests: `chroma run` on a free port of this machine, with a folder of its own."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx

_CHROMA = Path(sys.executable).parent / "chroma"
_UP_S = 60.0


class ChromaServer:
    """One server; it keeps its port and its data from one start to the next."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = int(probe.getsockname()[1])
        self.url = f"http://127.0.0.1:{self.port}"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> ChromaServer:
        self._folder.mkdir(parents=True, exist_ok=True)
        with (self._folder / "log").open("ab") as said:
            self._process = subprocess.Popen(
                [_CHROMA, "run", "--path", self._folder / "data", "--host", "127.0.0.1", "--port", str(self.port)],
                stdin=subprocess.DEVNULL,
                stdout=said,
                stderr=said,
                env=os.environ | {"ANONYMIZED_TELEMETRY": "False"},
            )
        until = time.monotonic() + _UP_S
        while time.monotonic() < until:
            if self._process.poll() is not None:
                break
            try:
                if httpx.get(f"{self.url}/api/v2/heartbeat", trust_env=False).is_success:
                    return self
            except httpx.TransportError:
                time.sleep(0.02)
        self.stop()
        raise AssertionError(f"chroma run did not come up: {(self._folder / 'log').read_text()[-2000:]}")

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def stop(self, how: signal.Signals = signal.SIGTERM) -> None:
        """End it; SIGKILL is a crash."""
        process, self._process = self._process, None
        if process is not None:
            process.send_signal(how)
            process.wait()

    def tell(self, what: signal.Signals) -> None:
        """SIGSTOP: it takes connections and answers nothing; SIGCONT: it goes on."""
        assert self._process is not None
        self._process.send_signal(what)

    def __enter__(self) -> ChromaServer:
        return self.start()

    def __exit__(self, *error: object) -> None:
        self.stop(signal.SIGKILL)  # also one that is stopped by SIGSTOP


_API = "api/v2/tenants/default_tenant/databases/default_database/collections"


def collections(url: str) -> set[str]:
    """Return the names of the collections on a server."""
    answer = httpx.get(f"{url}/{_API}", params={"limit": 100_000}, trust_env=False).raise_for_status()
    return {str(one["name"]) for one in answer.json()}


def lose_collections(url: str, store: str) -> None:
    """Delete the collections of one store, as a server that lost its data has none."""
    for name in sorted(collections(url)):
        if store in name:
            httpx.delete(f"{url}/{_API}/{name}", trust_env=False).raise_for_status()


Answer = tuple[int, bytes]


class Between:
    """A proxy before a server, which answers itself what ``answer`` says (method, path, length of the body), or passes it on."""

    def __init__(self, url: str) -> None:
        self.answer: Callable[[str, str, int], Answer | None] = lambda method, path, length: None
        self.heard: list[dict[str, str]] = []  # the headers of each request
        between, passed_on = self, httpx.Client(base_url=url, trust_env=False)

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                between.heard.append({name.lower(): value for name, value in self.headers.items()})
                answer = between.answer(self.command, self.path, len(body))
                if answer is None:
                    kept = {"content-type": self.headers.get("Content-Type") or "application/json"}
                    found = passed_on.request(self.command, self.path, content=body, headers=kept)
                    answer = found.status_code, found.content
                self.send_response(answer[0])
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(answer[1])))
                self.end_headers()
                self.wfile.write(answer[1])

            do_GET = do_POST = do_PUT = do_DELETE = do_PATCH = do

            def log_message(self, *said: Any) -> None: ...

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._passed_on = passed_on
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)

    def __enter__(self) -> Between:
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
        self._passed_on.close()
