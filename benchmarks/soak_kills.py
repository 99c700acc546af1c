"""Soak: an ingest is killed at random moments, with its workers or alone, and run again; it ends as one never killed."""

from __future__ import annotations

import random
import time
from collections.abc import Mapping
from pathlib import Path

from benchmarks.soak import Options, Result
from benchmarks.soak_store import Documents, Process, call, content, differences, gone, ingest, look
from vectorstore.records import sha256

_WORKERS_END = 20.0  # seconds that a worker may outlive its parent


def kills(options: Options) -> Result:
    """Kill ``options.kills`` ingests: every generation of the documents about ten times before it is let through.

    After each kill the store must open, answer, lose no document and hold nothing that does not belong together; after each
    generation it must hold exactly what a store holds whose ingests were never killed.
    """
    pick = random.Random(options.seed)
    documents = Documents(options.folder / "documents", options.seed, 12 if options.quick else 40)
    ours, never = options.folder / "killed", options.folder / "never"
    each = min(options.kills, 5 if options.quick else 10)
    problems: list[str] = []
    counts = dict.fromkeys(("group", "parent", "half_way", "starting"), 0)
    killed = generations = waited = left = 0
    before: Mapping[str, str] = {}
    while killed < options.kills:
        if generations:
            documents.change()
        begun = time.monotonic()
        call(ingest, never, documents.folder, options.quick)
        whole = time.monotonic() - begun
        for _ in range(min(each, options.kills - killed)):
            group, starting = pick.random() < 0.5, pick.random() < 0.15
            process = Process.start(ingest, ours, documents.folder, options.quick)
            time.sleep(pick.uniform(0, 0.3 if starting else whole))
            if process.over():
                process.result()
                before = call(look, ours, options.quick).versions
                documents.change()  # it was quicker: give the next one something to do
                call(ingest, never, documents.folder, options.quick)
                continue
            workers = process.kill(group=group)
            killed += 1
            counts["group" if group else "parent"] += 1
            counts["starting"] += starting
            state = call(look, ours, options.quick)
            if state is None:
                problems.append(f"kill {killed}: the store could not be looked at")
                continue
            if gone(workers, _WORKERS_END) == float("inf"):
                left += 1
                problems.append(f"kill {killed}: a worker outlived its parent by more than {_WORKERS_END:g} s")
            problems += [f"kill {killed}: {problem}" for problem in state.problems]
            problems += [f"kill {killed}: {problem}" for problem in _lost(before, state.versions)]
            before = state.versions
            counts["half_way"] += any(s not in ("indexed", "removed") for s in state.states.values())
            waited += bool(state.waiting)
        problems += _same(ours, never, documents, options, f"generation {generations}")
        before = call(look, ours, options.quick).versions
        generations += 1
        options.say(f"  {killed} kills, {generations} generations, {len(problems)} problems")
    return Result(
        {
            "kills": killed,
            "of_the_group": counts["group"],
            "of_the_parent_alone": counts["parent"],
            "left_half_way": counts["half_way"],
            "left_waiting_for_vectors": waited,
            "generations": generations,
            "workers_left_running": left,
        },
        problems,
    )


def _lost(before: Mapping[str, str], after: Mapping[str, str]) -> list[str]:
    """Return which documents answer no more though their file is there, or answer in a version that never was."""
    problems = [f"{path} was lost" for path in before if path not in after and Path(path).exists()]
    for path, version in after.items():
        file = Path(path)
        good = {before.get(path)} | ({sha256(file.read_bytes())} if file.exists() else set())
        if version not in good:
            problems.append(f"{path} answers in a version that it never had")
    return problems


def _same(ours: Path, never: Path, documents: Documents, options: Options, when: str) -> list[str]:
    """Let the ingest through and hold the store against the one that was never killed."""
    report = call(ingest, ours, documents.folder, options.quick)
    if report is None or report["failed"]:
        return [f"{when}: the ingest that was let through failed: {report}"]
    state = call(look, ours, options.quick)
    problems = list(state.problems)
    if state.waiting or set(state.states.values()) - {"indexed"}:
        problems.append(f"not everything is indexed: {state.states}")
    problems += differences(content(ours), content(never))
    return [f"{when}: {problem}" for problem in problems]
