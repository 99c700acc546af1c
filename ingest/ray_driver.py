"""The process that talks to Ray: sources in over standard input, what came of them out over standard output.

It is a process of its own because Ray ends the one that it lives in where the cluster is lost, prints on its standard output
and takes its signals; here that takes the run with it, and the store nothing. Ray is imported here only.
"""

from __future__ import annotations

import logging
import os
import pickle
import queue
import secrets
import shutil
import signal
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from ingest._actors import Embedder, Reader, groups, row
from ingest.reading import Asked
from ingest.worker import send
from vectorstore.errors import SettingsError, StoreError, ThesisError
from vectorstore.settings import Settings

_CONNECT_S = 10.0
_BLOCK = (
    256 << 10
)  # bytes that go from one actor to the next at once: a few seconds of work, so that all cores have some
_OBJECTS = 512 << 20  # bytes of shared memory for what is under way on this machine; beyond it Ray writes to disk
_READING = 0.25  # of a core: what reading takes beside embedding
_SWEEPS = 25  # tries to remove what Ray has written
_RETRIES = 3  # for what was under way in an actor that died; a file that brings down each is given up
_GPU_ROWS = 8  # parts that a GPU embeds at once


@dataclass(frozen=True, slots=True)
class Order:
    """What to do. ``workers``: cores to use (0: all); ``gpu``, ``cuda``: whether the model may run on GPUs, and whether it must."""

    asked: tuple[Asked, ...]
    settings: Settings
    fingerprint: str
    parse: str
    address: str
    workers: int
    gpu: bool
    cuda: bool


@dataclass(frozen=True, slots=True)
class Started:
    """Ray is there."""

    cores: int
    gpus: int


@dataclass(frozen=True, slots=True)
class Came:
    """A row: what came of the source at ``place``, packed."""

    place: int
    body: bytes


@dataclass(frozen=True, slots=True)
class Ended:
    """All is done, or why it ended before."""

    error: ThesisError | None = None


def main() -> None:
    """Serve one Order from standard input, and end with it, or when standard input closes."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    replies = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what Ray prints must not garble the replies
    orders: queue.SimpleQueue[_Session] = queue.SimpleQueue()

    def receive() -> None:
        session = _Session(pickle.load(sys.stdin.buffer))  # noqa: S301 - from our own parent
        orders.put(session)
        try:
            while sys.stdin.buffer.read(1):
                continue
        finally:  # the parent is gone, or wants no more
            session.end()
            os._exit(0)

    threading.Thread(target=receive, daemon=True).start()
    session = orders.get()
    try:
        try:
            send(replies, session.start())
            session.run(replies)
            end = Ended()
        except ThesisError as error:
            end = Ended(error)
        send(replies, end)
        threading.Event().wait()  # for the parent
    except BrokenPipeError:
        return
    finally:
        session.end()  # or wait for the other thread, which ends the process too


class _Session:
    """Ray on this machine, or a connection to a cluster, for one order."""

    def __init__(self, order: Order) -> None:
        self._order = order
        self._folder = ""
        self._cores = self._gpus = 0
        self._ray: Any = None
        self._guard = threading.Lock()

    def start(self) -> Started:
        """Start Ray, or join its cluster. Raises SettingsError, StoreError."""
        order = self._order
        if order.address:
            _reachable(order.address)
        os.environ |= {
            "RAY_USAGE_STATS_ENABLED": "0",
            "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",
            "RAY_BACKEND_LOG_LEVEL": "error",
            "TOKENIZERS_PARALLELISM": "false",
            "PYTHONPATH": os.pathsep.join(filter(None, sys.path)),  # for the processes that Ray starts here
        }
        if not order.address:
            # Ray listens on all of the machine's addresses: nobody else may give it work, and it tells nobody how it does.
            os.environ |= {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": secrets.token_hex(32)}
            os.environ |= {"AUTOSCALER_METRIC_PORT": "-1", "RAY_enable_metrics_collection": "0"}
        try:
            import ray
            import ray.data
        except ImportError as error:
            raise SettingsError(
                "The ray engine needs Ray, which is not installed.", "Run: pip install 'thesis-assistant[ray]'"
            ) from error
        quiet: dict[str, Any] = {"log_to_driver": False, "logging_level": logging.ERROR}
        with self._guard:
            self._ray = ray
            try:
                if order.address:
                    ray.init(address=order.address, **quiet)
                else:
                    self._folder = _short_folder()
                    ray.init(
                        address="local",
                        num_cpus=order.workers or _cores(),
                        include_dashboard=False,
                        object_store_memory=_OBJECTS,
                        _temp_dir=f"{self._folder}/r" if self._folder else None,  # Ray opens it to everybody
                        **quiet,
                    )
            except (OSError, RuntimeError, ValueError) as error:  # ConnectionError is an OSError
                where = f"The Ray cluster at {order.address} cannot be used" if order.address else "Ray does not start"
                raise StoreError(
                    f"{where} ({_first_line(error)}).",
                    "Run this on a machine of the cluster (ray start --address=…), with the same versions of Ray and Python and its token."
                    if order.address
                    else "See that /tmp and /dev/shm have room, or use --engine plain.",
                ) from error
        found = ray.cluster_resources()
        self._cores, self._gpus = int(found.get("CPU", 0)), int(found.get("GPU", 0))
        return Started(self._cores, self._gpus)

    def end(self) -> None:
        """End what was started, for good; from any thread."""
        with self._guard:
            if self._ray is not None:
                self._ray.shutdown()
            for _ in range(_SWEEPS if self._folder else 0):
                shutil.rmtree(self._folder, ignore_errors=True)
                if not Path(self._folder).exists():
                    break
                time.sleep(0.2)  # what ends still writes its last words there

    def run(self, replies: BinaryIO) -> None:
        """Send what comes of each source, as it comes. Raises StoreError where Ray gives up."""
        from ray.data import DataContext
        from ray.exceptions import RayError

        context = DataContext.get_current()
        context.enable_progress_bars = False
        context.target_max_block_size = _BLOCK
        context.max_errored_blocks = -1  # the parent reads what was lost
        try:
            for came in self._rows():
                send(replies, came)
        except BrokenPipeError:  # the parent is gone
            raise
        except (RayError, OSError, RuntimeError, ValueError) as error:
            raise StoreError(
                f"Ray gave up ({_first_line(error)}).",
                "What is in stays in: run the same again, or use --engine plain.",
            ) from error

    def _rows(self) -> Iterator[Came]:
        order, data = self._order, self._ray.data
        cores = min(order.workers or self._cores, self._cores)
        if cores < 1:
            raise StoreError("The Ray cluster has no cores for this.", "Add machines: ray start --address=…")
        gpus = self._gpus if order.gpu else 0
        if order.cuda and not gpus:
            raise SettingsError("embedding_device is cuda, but the Ray cluster has no GPU.", "Set it to cpu or auto.")
        lasting = {"max_restarts": -1, "max_task_retries": _RETRIES}
        rows = [{"body": row(0, group)["body"][0]} for group in groups(order.asked, cores)]
        tasks = len(rows)
        source = data.from_items(rows, override_num_blocks=tasks)
        read = source.map_batches(
            Reader,
            fn_constructor_args=(order.settings, order.parse),
            batch_size=None,
            batch_format="numpy",
            compute=_pool(data, min(cores, tasks)),
            num_cpus=_READING,
            **lasting,
        )
        where = {"num_gpus": 1} if gpus else {"num_cpus": 1 - _READING}
        made = read.map_batches(
            Embedder,
            fn_constructor_args=(order.settings, order.fingerprint),
            batch_size=_GPU_ROWS if gpus else None,
            batch_format="numpy",
            compute=_pool(data, gpus or cores),
            **where,
            **lasting,
        )
        for one in made.iter_rows():
            yield Came(int(one["place"]), bytes(one["body"]))


def _pool(data: Any, size: int) -> Any:
    return data.ActorPoolStrategy(min_size=1, max_size=size, initial_size=size)


def _reachable(address: str) -> None:
    """Ray itself tries for a minute and more to reach what is not there. Raises SettingsError, OSError."""
    import socket

    if address == "auto":
        return
    host, colon, port = address.rpartition(":")
    if "://" in address or not colon or not port.isdigit():
        raise SettingsError(
            f"ray_address = {address!r} is no address of a Ray cluster.",
            "Give HOST:PORT of its head, such as ray-head:6379, and run this on a machine of the cluster.",
        )
    try:
        socket.create_connection((host.strip("[]"), int(port)), timeout=_CONNECT_S).close()
    except (OSError, OverflowError) as error:
        raise SettingsError(
            f"No Ray cluster answers at {address} ({error}).", "Check the address and the port (6379 by default)."
        ) from error


def _short_folder() -> str:
    """Return a folder of our own for Ray's sockets and spilled documents; "": a socket's path would be too long there."""
    folder = tempfile.mkdtemp(prefix="thesis-ray-")
    if len(folder) <= 40:
        return folder
    Path(folder).rmdir()
    return ""


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _first_line(error: BaseException) -> str:
    text = str(error).strip()
    return (text.splitlines()[0][:300] if text else type(error).__name__).rstrip(".")
