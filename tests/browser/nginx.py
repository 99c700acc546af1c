"""Debian's nginx as a child process: the program under a path, and pages of an intranet that show it."""

from __future__ import annotations

import shutil
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

PATH = "/team/research"

_CONFIG = """
daemon off;
master_process off;
pid {folder}/nginx.pid;
error_log stderr warn;
events {{ worker_connections 256; }}
http {{
  types {{ text/html html; text/javascript js; }}
  access_log off;
  client_max_body_size 50m;
  client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
  server {{
    listen 127.0.0.1:{front};
    location {path}/ {{
      proxy_pass http://127.0.0.1:{port}{kept};
      proxy_http_version 1.1;
      proxy_set_header Host $http_host;
      proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
      proxy_set_header X-Forwarded-Proto $scheme;
      proxy_set_header X-Forwarded-Host $http_host;
      proxy_set_header Connection "";
      proxy_buffering off;
      proxy_read_timeout 1h;
    }}
    location / {{ return 404; }}
  }}
  {sites}
}}
"""
_SITE = "server {{ listen 127.0.0.1:{port}; root {folder}; }}"


def program() -> str | None:
    return shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin:/usr/local/sbin")


def free_ports(count: int) -> list[int]:
    held = [socket.socket() for _ in range(count)]
    try:
        for one in held:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in held]
    finally:
        for one in held:
            one.close()


@dataclass(frozen=True)
class Front:
    """``front``: the port of the program's address; ``sites``: those of other pages; ``pages``: their folder."""

    front: int
    sites: tuple[int, ...]
    pages: Path

    def url(self, host: str = "localhost") -> str:
        return f"http://{host}:{self.front}{PATH}"

    def write(self, pages: Mapping[str, str]) -> None:
        for name, text in pages.items():
            (self.pages / name).write_text(text, encoding="utf-8")


@contextmanager
def nginx(folder: Path, front: Front, port: int, *, keeps_path: bool) -> Iterator[None]:
    """Serve the program of ``port`` under PATH, passing the path on with it (``keeps_path``) or without."""
    found = program()
    assert found is not None
    folder.mkdir(exist_ok=True)
    sites = "\n  ".join(_SITE.format(port=one, folder=front.pages) for one in front.sites)
    config = folder / "nginx.conf"
    config.write_text(
        _CONFIG.format(
            folder=folder, front=front.front, port=port, path=PATH, kept="" if keeps_path else "/", sites=sites
        ),
        encoding="utf-8",
    )
    log = (folder / "log").open("wb")
    child = subprocess.Popen([found, "-p", str(folder), "-c", str(config), "-e", "stderr"], stdout=log, stderr=log)
    try:
        for _ in range(100):
            assert child.poll() is None, (folder / "log").read_text(errors="replace")
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", front.front)) == 0:
                    break
            time.sleep(0.05)
        yield
    finally:
        child.terminate()
        child.wait(20)
        log.close()
