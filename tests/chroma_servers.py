"""A real Chroma server for tests: `chroma run` on a free port of this machine, with a folder of its own."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

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
