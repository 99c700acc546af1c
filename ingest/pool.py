"""Worker processes from the parent's side: one job at a time each, a time limit, and a new one after a death."""

from __future__ import annotations

import contextlib
import os
import pickle
import signal
import subprocess
import sys
import tempfile
import threading
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, BinaryIO, TypeVar, cast

from ingest.worker import READY, send
from vectorstore.errors import ReadError, ThesisError

T = TypeVar("T")

_START_SECONDS = 120.0  # for the interpreter and its imports, on a machine that is busy

# -P and the parent's own path: a folder that happens to hold a "pickle.py" must not be imported from.
_BOOT = "import sys, pickle; sys.path[:] = pickle.load(sys.stdin.buffer); from ingest.worker import main; main()"


class Worker:
    """One child process, started at the first call and again after it died. Use it from one thread at a time."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._messages: BinaryIO | None = None
        self._guard = threading.Lock()
        self._closed = False

    def call(self, reference: str, *arguments: Any, seconds: float, what: str) -> Any:
        """Return what the function ``reference`` ("module:name") returns for the arguments, run in the child.

        ``what`` names the work in errors. Raises what the function raised (a ThesisError), or ReadError where the child
        took longer than ``seconds`` or died.
        """
        process = self._process
        if process is None or process.poll() is not None:
            process = self._start(what)
            if self._exchange(process, sys.path, _START_SECONDS, f"The process to read {what}") != READY:
                raise ReadError(f"The process to read {what} speaks another version.", "Install the program anew.")
        done, value = self._exchange(process, (reference, arguments, seconds), seconds, what)
        if done:
            return value
        assert isinstance(value, ThesisError)
        raise value

    def _exchange(self, process: subprocess.Popen[bytes], message: object, seconds: float, what: str) -> Any:
        """Send and receive; the child is killed when the answer is late. Raises ReadError where there is none."""
        assert process.stdin is not None
        assert process.stdout is not None
        late = threading.Event()

        def stop() -> None:
            late.set()
            process.kill()

        timer = threading.Timer(seconds, stop)
        timer.daemon = True
        timer.start()
        try:
            send(cast(BinaryIO, process.stdin), message)
            return pickle.load(process.stdout)  # noqa: S301 - our own child
        except (OSError, EOFError, pickle.UnpicklingError, ValueError) as error:
            raise self._gone(process, what, late.is_set(), seconds) from error
        finally:
            timer.cancel()

    def close(self) -> None:
        """End the child at once; also from another thread, whose ``call`` then fails."""
        with self._guard:
            self._closed = True
            process = self._process
        if process is not None:
            process.kill()
            process.wait()

    def _start(self, what: str) -> subprocess.Popen[bytes]:
        with self._guard:
            if self._closed:
                raise ReadError(f"{what} was not read: the ingest was stopped.", "Run it again.")
            self.release()
            self._messages = cast(BinaryIO, tempfile.TemporaryFile())  # noqa: SIM115 - closed in release
            try:
                process = subprocess.Popen(
                    [sys.executable, "-P", "-c", _BOOT],
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=self._messages,
                    # One core a worker: the tokenizer would otherwise start a thread for each.
                    env={**os.environ, "TOKENIZERS_PARALLELISM": "false", "PYTHONIOENCODING": "utf-8:backslashreplace"},
                    creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
                )
            except OSError as error:
                raise ReadError(
                    f"No process could be started to read {what} ({error}).", "Close other programs, or lower workers."
                ) from error
            self._process = process
        return process

    def _gone(self, process: subprocess.Popen[bytes], what: str, late: bool, seconds: float) -> ReadError:
        try:
            code = process.wait(1)  # how it ended of itself is the better answer
        except subprocess.TimeoutExpired:
            process.kill()
            code = process.wait()
        if late:
            return ReadError(
                f"{what} took longer than {seconds:g} s to read and was stopped.",
                "Split it, or raise file_timeout_s (THESIS_FILE_TIMEOUT_S).",
            )
        if self._closed:
            return ReadError(f"{what} was not read: the ingest was stopped.", "Run it again.")
        return ReadError(
            f"{what} brought down the process that read it ({self._cause(code)}).",
            "It may be damaged: save it anew or in another format.",
        )

    def _cause(self, code: int) -> str:
        text = ""
        if self._messages is not None:
            size = self._messages.seek(0, os.SEEK_END)
            self._messages.seek(max(0, size - 4000))
            text = self._messages.read().decode("utf-8", "replace").strip()
        fatal = [line for line in text.splitlines() if line.startswith("Fatal Python error: ")]
        if fatal:
            cause = fatal[-1].removeprefix("Fatal Python error: ")[:200]
            # PDFium ends its process where it gets no memory.
            return cause + (", perhaps for its use of memory" if cause.startswith("Aborted") else "")
        if code == 1 and text:  # an exception: its last line says which
            return text.rsplit("\n", 1)[-1][:200]
        if code < 0:
            with contextlib.suppress(ValueError):
                name = signal.Signals(-code).name
                return name + (", perhaps for its use of memory" if name == "SIGKILL" else "")
        return f"exit code {code}"

    def release(self) -> None:
        """Give the pipes of an ended child back."""
        if self._process is not None:
            for pipe in (self._process.stdin, self._process.stdout):
                if pipe is not None:
                    with contextlib.suppress(OSError):  # unsent bytes to a child that is gone
                        pipe.close()
            self._process = None
        if self._messages is not None:
            self._messages.close()
            self._messages = None


class Pool:
    """Threads that each own a worker, so that a file that hangs or crashes costs its own worker only."""

    def __init__(self, workers: int) -> None:
        self._threads = ThreadPoolExecutor(workers, thread_name_prefix="thesis-read")
        self._local = threading.local()
        self._workers: list[Worker] = []
        self._guard = threading.Lock()

    def worker(self) -> Worker:
        """Return the worker of the calling thread."""
        worker: Worker | None = getattr(self._local, "worker", None)
        if worker is None:
            worker = self._local.worker = Worker()
            with self._guard:
                self._workers.append(worker)
        return worker

    def submit(self, function: Any, *arguments: Any) -> Future[Any]:
        return self._threads.submit(function, *arguments)

    def close(self) -> None:
        """End all workers at once, also those at work."""
        self._threads.shutdown(wait=False, cancel_futures=True)
        with self._guard:
            workers = list(self._workers)
        for worker in workers:
            worker.close()
        self._threads.shutdown(wait=True)
        for worker in workers:
            worker.release()
