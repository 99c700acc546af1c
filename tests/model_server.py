"""A scripted OpenAI-compatible chat server on loopback: what a test says is what the model "answers".

Each request takes the next reply of the script; the last one serves all that follow. A reply may be a function of
the request, so that a scripted model can cite the ids that it was shown.
"""

from __future__ import annotations

import json
import re
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Request = Mapping[str, Any]
PATIENCE = 20.0  # seconds after which a reply that waits gives up, so that no test hangs


@dataclass(frozen=True)
class Reply:
    """One answer of the server. ``calls``: (name, arguments) of tools; arguments as a text are sent as they are."""

    text: str = ""
    calls: Sequence[tuple[str, Any]] = ()
    refusal: str = ""
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    finish: str | None = None  # default: stop, or tool_calls
    pieces: int = 12  # characters a chunk
    cut: bool = False  # the connection ends before the last chunk
    silent: bool = False  # headers, then nothing but keep-alive comments until the client leaves
    hold: threading.Event | None = None  # waits for this after the first chunk


Script = Reply | Callable[[Request], Reply]


def user_text(request: Request) -> str:
    """Return all that the model was given to read."""
    return "\n".join(str(m.get("content") or "") for m in request["messages"])


def ids(request: Request) -> dict[str, str]:
    """Return id -> text of the passages in a request."""
    return {m[1]: m[2] for m in re.finditer(r"<<<DATA \w+ id=(\w+)>>>\n(.*?)\n<<<END \w+>>>", user_text(request), re.S)}


def cite(request: Request, words: str) -> str:
    """Return "[id]" of the first passage that holds ``words``."""
    return next(f"[{key}]" for key, text in ids(request).items() if words in " ".join(text.split()))


class ModelServer:
    """The running server: ``url`` for THESIS_MODEL_URL, ``requests`` as they came, ``left`` when a client hung up."""

    def __init__(self, script: Sequence[Script]) -> None:
        self.script = list(script)
        self.requests: list[Request] = []
        self.headers: list[Mapping[str, str]] = []
        self.left = threading.Event()
        self.asked = threading.Event()
        self._lock = threading.Lock()
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_: object) -> None:
                pass

            def do_POST(self) -> None:
                length = int(self.headers["content-length"])
                request = json.loads(self.rfile.read(length))
                reply = outer._next(request, {k.lower(): v for k, v in self.headers.items()})
                try:
                    self._send(request, reply)
                except (BrokenPipeError, ConnectionResetError, ConnectionAbortedError):
                    outer.left.set()
                    self.close_connection = True

            def _send(self, request: Request, reply: Reply) -> None:
                if reply.status != 200:
                    body = json.dumps({"error": {"message": reply.text or "failed", "type": "test"}}).encode()
                    self.send_response(reply.status)
                    for name, value in reply.headers.items():
                        self.send_header(name, value)
                    self.send_header("content-type", "application/json")
                    self.send_header("content-length", str(len(body)))
                    self.end_headers()
                    self.wfile.write(body)
                    return
                if not request.get("stream") and not reply.silent:
                    message = {"role": "assistant", "content": reply.text or None, "refusal": reply.refusal or None}
                    whole = _frame(request) | {
                        "object": "chat.completion",
                        "choices": [{"index": 0, "message": message, "finish_reason": reply.finish or "stop"}],
                    }
                    body = json.dumps(whole).encode()
                    self.send_response(200)
                    self.send_header("content-type", "application/json")
                    self.send_header("content-length", str(len(body)))
                    self.end_headers()
                    self.wfile.write(body)
                    return
                self.send_response(200)
                self.send_header("content-type", "text/event-stream")
                self.send_header("transfer-encoding", "chunked")
                self.end_headers()
                if reply.silent:
                    self._wait(lambda: False)
                    return
                for number, chunk in enumerate(_chunks(request, reply)):
                    self._write(f"data: {json.dumps(chunk)}\n\n")
                    if number == 1 and reply.hold is not None:
                        self._wait(reply.hold.is_set)
                if reply.cut:
                    self.close_connection = True
                    return
                self._write("data: [DONE]\n\n")
                self.wfile.write(b"0\r\n\r\n")

            def _wait(self, done: Callable[[], bool]) -> None:
                end = time.monotonic() + PATIENCE
                while not done() and time.monotonic() < end:
                    self._write(": keep-alive\n\n")
                    time.sleep(0.01)

            def _write(self, text: str) -> None:
                data = text.encode()
                self.wfile.write(f"{len(data):x}\r\n".encode() + data + b"\r\n")
                self.wfile.flush()

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}/v1"

    def _next(self, request: Request, headers: Mapping[str, str]) -> Reply:
        with self._lock:
            self.requests.append(request)
            self.headers.append(headers)
            step = self.script.pop(0) if len(self.script) > 1 else self.script[0]
        self.asked.set()
        return step(request) if callable(step) else step

    def close(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


def _frame(request: Request) -> dict[str, Any]:
    return {"id": "chat-1", "created": 1, "model": request["model"]}


def _chunks(request: Request, reply: Reply) -> Iterator[dict[str, Any]]:
    def chunk(delta: Mapping[str, Any], finish: str | None = None) -> dict[str, Any]:
        return _frame(request) | {
            "object": "chat.completion.chunk",
            "choices": [{"index": 0, "delta": delta, "finish_reason": finish}],
        }

    yield chunk({"role": "assistant", "content": ""})
    for start in range(0, len(reply.text), reply.pieces):
        yield chunk({"content": reply.text[start : start + reply.pieces]})
    if reply.refusal:
        yield chunk({"refusal": reply.refusal})
    for number, (name, arguments) in enumerate(reply.calls):
        sent = arguments if isinstance(arguments, str) else json.dumps(arguments)
        call = {"index": number, "id": f"call_{number}_{name}", "type": "function"}
        yield chunk({"tool_calls": [call | {"function": {"name": name, "arguments": ""}}]})
        yield chunk({"tool_calls": [{"index": number, "function": {"arguments": sent}}]})
    if not reply.cut:
        yield chunk({}, reply.finish or ("tool_calls" if reply.calls else "stop"))


@contextmanager
def serving(*script: Script) -> Iterator[ModelServer]:
    """Serve a script until the block ends."""
    server = ModelServer(script)
    try:
        yield server
    finally:
        server.close()
