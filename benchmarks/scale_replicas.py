"""Questions a second through one, two and three replicas behind nginx, and through one server with a base of its own.

Part "replicas" of ``make bench-scale``. As many clients as there are threads ask one question after the other, each another one. What
the servers of the base take of a question says how many replicas they carry.
"""

from __future__ import annotations

import os
import signal
import statistics
import threading
import time
from collections.abc import Callable, Sequence

import httpx

from benchmarks._replicas import PASSWORD, Cluster, Replica
from benchmarks.scale_base import Bases, processor_seconds

Say = Callable[[str], None]
_CLIENTS = 8


def load(
    url: str, headers: dict[str, str], asked: Sequence[str], seconds: float, clients: int = _CLIENTS
) -> list[float]:
    """Ask for so many seconds; return the seconds of each answer. Raises AssertionError for one that is none."""
    until, times, wrong, lock = time.monotonic() + seconds, list[float](), list[str](), threading.Lock()

    def ask(number: int) -> None:
        with httpx.Client(base_url=url, headers=headers, trust_env=False, timeout=120) as web:
            place = number * len(asked) // clients
            while time.monotonic() < until:
                begun = time.perf_counter()
                web.cookies.clear()
                answer = web.post("/api/v1/ask", json={"question": asked[place % len(asked)]})
                with lock:
                    times.append(time.perf_counter() - begun)
                    if answer.status_code != 200:
                        wrong.append(f"{answer.status_code} {answer.text[:200]}")
                place += 1

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(clients)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert not wrong, wrong[:3]
    return times


def figures(
    url: str, headers: dict[str, str], asked: Sequence[str], seconds: float, pids: dict[str, list[int]]
) -> dict[str, float]:
    """Return questions a second, p50 and p95 in milliseconds, and processor milliseconds a question of each of ``pids``."""
    load(url, headers, asked[:16], 5.0)  # everything is loaded
    before = {name: sum(map(processor_seconds, listed)) for name, listed in pids.items()}
    begun = time.perf_counter()
    times = sorted(load(url, headers, asked, seconds))
    took = time.perf_counter() - begun
    used = {name: sum(map(processor_seconds, listed)) - before[name] for name, listed in pids.items()}
    return {
        "questions_per_s": len(times) / took,
        "p50_ms": statistics.median(times) * 1000,
        "p95_ms": times[int(0.95 * (len(times) - 1))] * 1000,
    } | {f"{name}_cpu_ms_a_question": value / len(times) * 1000 for name, value in used.items()}


def measure(bases: Bases, asked: Sequence[str], seconds: float, say: Say, *, most: int = 3) -> dict[str, float]:
    """Measure one server on its own base, then replicas of the shared one."""
    out: dict[str, float] = {}

    def told(name: str, found: dict[str, float]) -> None:
        say(f"replicas: {name}: " + ", ".join(f"{key} {value:.4g}" for key, value in found.items()))
        out.update({f"{name}_{key}": value for key, value in found.items()})

    own = {"LEDGER": "", "CHROMA": ""}
    with Cluster(bases.folder / "alone", ledger="", chroma="", count=1, settings=own, store=bases.embedded) as alone:
        headers = _reader(alone)
        told("embedded", figures(alone.replicas[0].url, headers, asked, seconds, {"server": _pids(alone.replicas)}))
    for count in range(1, most + 1):
        made = Cluster(
            bases.folder / f"cluster{count}",
            ledger=bases.postgres.url,
            chroma=bases.chroma.url,
            count=count,
            schema=bases.schema,
        )
        with made as cluster:
            pids = {"server": _pids(cluster.replicas)} | {name: [pid] for name, pid in bases.pids.items()}
            told(f"shared_{count}", figures(cluster.url, _reader(cluster), asked, seconds, pids))
            for one in cluster.replicas:
                one.end(signal.SIGTERM)
    cores = os.cpu_count() or 1
    behind = out["shared_1_postgres_cpu_ms_a_question"] + out["shared_1_chroma_cpu_ms_a_question"]
    out["shared_1_servers_cpu_ms_a_question"] = behind
    out["replica_cores_per_server_core"] = out["shared_1_server_cpu_ms_a_question"] / behind
    out["cores"] = float(cores)
    return out


def _pids(replicas: Sequence[Replica]) -> list[int]:
    return [one.process.pid for one in replicas if one.process is not None]


def _reader(cluster: Cluster) -> dict[str, str]:
    cluster.users.add("rita", PASSWORD, role="reader")
    return cluster.token(f"bench-{time.time_ns()}", "rita")
