"""Soak: a disk that fills up, memory that runs out, and copies of the store folder made with plain file tools meanwhile."""

from __future__ import annotations

import os
import random
import resource
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks.soak import Options, Result
from benchmarks.soak_store import Documents, Process, call, content, differences, ingest, look, opened
from vectorstore.errors import StoreError, StoreFull, ThesisError


def disk(options: Options) -> Result:
    """Ingest until no file may grow beyond a limit, and (where this user may mount one) until a small disk is full.

    The run must end with a StoreError that says what to do, the store must open and answer, and the next ingest with room
    must end as one that always had it.
    """
    metrics = {"limits": 0.0, "full_disks": 0.0, "said_what_to_do": 0.0, "finished_within": 0.0}
    problems: list[str] = []
    documents, whole = _prepared(options)
    largest = max(path.stat().st_size for path in whole.rglob("*") if path.is_file())
    pick = random.Random(options.seed)
    for number in range(1 if options.quick else 12):
        root = options.folder / f"limited-{number}"
        limit = int(largest * pick.uniform(0.02, 0.9))
        metrics["limits"] += 1
        _judge(
            f"files up to {limit} bytes",
            Process.start(_limited, limit, root, documents.folder, options.quick),
            metrics,
            problems,
        )
        problems += _mended(f"files up to {limit} bytes", root, whole, documents, options)
        shutil.rmtree(root)
    for number in range(1 if options.quick else 4):
        size = int(sum(p.stat().st_size for p in whole.rglob("*") if p.is_file()) * pick.uniform(0.2, 0.9))
        root = options.folder / f"small-{number}"
        said = _small_disk(size, root, documents.folder, options)
        if said is None:
            options.say("  no small disk can be mounted here: limits on the size of files only")
            break
        metrics["full_disks"] += 1
        metrics["said_what_to_do"] += said
        if not said:
            problems.append(f"a disk of {size} bytes: no error that says what to do")
        problems += _mended(f"a disk of {size} bytes", root, whole, documents, options)
        shutil.rmtree(root)
    return Result(metrics, problems)


def memory(options: Options) -> Result:
    """Ingest with less and less memory: a clear error or an abort, and a store that opens, answers and goes on."""
    metrics = {"limits": 0.0, "said_what_to_do": 0.0, "finished_within": 0.0, "died": 0.0, "stood_still": 0.0}
    problems: list[str] = []
    documents, whole = _prepared(options)
    for megabytes in (24,) if options.quick else (256, 128, 96, 64, 48, 32, 24, 16, 8, 4):
        root = options.folder / f"memory-{megabytes}"
        metrics["limits"] += 1
        process = Process.start(_little_memory, megabytes << 20, root, documents.folder, options.quick)
        _judge(f"{megabytes} MB", process, metrics, problems, may_die=True)
        problems += _mended(f"{megabytes} MB", root, whole, documents, options)
        shutil.rmtree(root)
    return Result(metrics, problems)


def copies(options: Options) -> Result:
    """Copy the store with `cp -r` while an ingest writes to it: the copy opens and is whole, or says what mends it."""
    metrics = dict.fromkeys(("copies", "opened", "rebuilt", "refused"), 0.0)
    problems: list[str] = []
    documents = Documents(options.folder / "documents", options.seed, 12 if options.quick else 120)
    pick = random.Random(options.seed)
    root, copy = options.folder / "store", options.folder / "copy"
    wanted = 2 if options.quick else 40
    while metrics["copies"] < wanted:
        process = Process.start(ingest, root, documents.folder, options.quick)
        while not process.over() and metrics["copies"] < wanted:
            time.sleep(pick.uniform(0, 0.6))
            if not (root / "ledger.sqlite").exists():
                continue
            subprocess.run(["cp", "-r", str(root), str(copy)], check=False, stderr=subprocess.DEVNULL)
            metrics["copies"] += 1
            kind, wrong = call(_open_copy, copy, options.quick)
            metrics[kind] += 1
            problems += [f"copy {metrics['copies']:g} ({kind}): {problem}" for problem in wrong]
            shutil.rmtree(copy)
        process.result()
        documents.change()
    return Result(metrics, problems)


def _prepared(options: Options) -> tuple[Documents, Path]:
    documents = Documents(options.folder / "documents", options.seed, 12 if options.quick else 60)
    whole = options.folder / "whole"
    call(ingest, whole, documents.folder, options.quick)
    return documents, whole


def _judge(
    what: str, process: Process, metrics: dict[str, float], problems: list[str], *, may_die: bool = False
) -> None:
    try:
        report = process.result(45 if may_die else 300)
    except TimeoutError as error:
        # Python waits without end for a thread whose first allocation fails: nothing of ours runs then.
        if may_die:
            metrics["stood_still"] += 1
        else:
            problems.append(f"{what}: {error}")
    except StoreFull as error:
        metrics["said_what_to_do"] += 1
        if "free some space" not in error.what_to_do.casefold():
            problems.append(f"{what}: the error does not say what to do: {error}")
    except ThesisError as error:
        metrics["said_what_to_do"] += bool(error.what_to_do)
        if not error.what_to_do:
            problems.append(f"{what}: the error does not say what to do: {error}")
    except (OSError, MemoryError) as error:
        problems.append(f"{what}: {type(error).__name__} came through: {error}")
    else:
        if report is None and may_die:
            metrics["died"] += 1
        elif report is None:
            problems.append(f"{what}: the ingest died")
        else:
            metrics["finished_within"] += 1


def _limited(limit: int, root: Path, folder: Path, quick: bool) -> dict[str, Any]:
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))
    return ingest(root, folder, quick)


def _little_memory(more: int, root: Path, folder: Path, quick: bool) -> dict[str, Any]:
    """Let this process grow by ``more`` bytes only; its workers have limits of their own."""

    def tell(_: str) -> None:
        used = int(Path("/proc/self/status").read_text().partition("VmData:")[2].split()[0]) << 10
        resource.setrlimit(resource.RLIMIT_DATA, (used + more, resource.RLIM_INFINITY))

    return ingest(root, folder, quick, tell)


def _small_disk(size: int, root: Path, folder: Path, options: Options) -> bool | None:
    """Ingest into a disk of ``size`` bytes, then copy the store to ``root``; return whether the error said what to do.

    None where no disk can be mounted. The mount is seen by one child alone and ends with it.
    """
    script = (
        'mount -t tmpfs -o size="$1" none "$2" || exit 42; shift; "$4" -m benchmarks.soak_faults "$1/store" "$3" $5; '
        'code=$?; cp -r "$1/store" "$2"; exit $code'
    )
    mount = options.folder / "disk"
    mount.mkdir(exist_ok=True)
    if shutil.which("unshare") is None:
        return None
    found = subprocess.run(
        ["unshare", "-rm", "sh", "-c", script, "sh", str(size), str(mount), str(root), str(folder), sys.executable]
        + (["--quick"] if options.quick else []),
        check=False,
        capture_output=True,
        text=True,
    )
    if found.returncode in (42, 1) and not root.exists():
        return None
    return found.returncode == 3 or found.returncode == 0


def _mended(what: str, root: Path, whole: Path, documents: Documents, options: Options) -> list[str]:
    """Look at the store as it was left, let an ingest go through, and hold it against one that never failed."""
    problems: list[str] = []
    steps: list[Callable[[], list[str]]] = [
        lambda: call(look, root, options.quick).problems,
        lambda: [f"failed: {f['error']}" for f in call(ingest, root, documents.folder, options.quick)["failed"]],
        lambda: differences(content(root), content(whole)),
    ]
    for step in steps:
        try:
            problems += step()
        except (ThesisError, AttributeError, TypeError) as error:
            problems.append(f"{type(error).__name__}: {error}")
            break
    return [f"{what}: {problem}" for problem in problems]


def _open_copy(root: Path, quick: bool) -> tuple[str, list[str]]:
    try:
        state = look(root, quick)
    except StoreError as error:
        if "thesis rebuild" not in error.what_to_do:
            good = "thesis backup" in error.what_to_do or "from a backup" in error.what_to_do
            return "refused", [] if good else [f"no advice: {error}"]
    else:
        return "opened", state.problems
    with opened(root, quick, repair=True) as store:
        store.rebuild()
        problems = store.verify()
    state = look(root, quick)
    return "rebuilt", [*problems, *state.problems]


if __name__ == "__main__":  # the ingest on a small disk: 3 for an error that says what to do
    try:
        ingest(Path(sys.argv[1]), Path(sys.argv[2]), "--quick" in sys.argv)
    except ThesisError as error:
        print(error, file=sys.stderr)
        os._exit(3 if error.what_to_do else 1)
