"""Soak: a rebuild is killed at random moments; the base answers as before, and holds what it held."""

from __future__ import annotations

import random
import time
from pathlib import Path

from benchmarks.soak import Options, Result
from benchmarks.soak_store import Documents, Process, call, content, differences, ingest, look, opened


def rebuild(root: Path, quick: bool) -> int:
    """Rebuild as the command does."""
    with opened(root, quick) as store:
        return store.rebuild()


def rebuilds(options: Options) -> Result:
    """Kill 40 rebuilds (``options.kills`` if fewer); after each the store must hold exactly what it held before the first."""
    pick = random.Random(options.seed)
    documents = Documents(options.folder / "documents", options.seed, 12 if options.quick else 40)
    root, wanted = options.folder / "store", min(options.kills, 40)
    problems: list[str] = []
    call(ingest, root, documents.folder, options.quick)
    before, versions = content(root), call(look, root, options.quick).versions
    begun = time.monotonic()
    call(rebuild, root, options.quick)
    whole = time.monotonic() - begun
    killed = through = 0
    while killed < wanted:
        process = Process.start(rebuild, root, options.quick)
        time.sleep(pick.uniform(0, whole))
        if process.over():
            process.result()
            through += 1
        else:
            process.kill(group=pick.random() < 0.5)
            killed += 1
        state = call(look, root, options.quick)
        if state is None:
            problems.append(f"kill {killed}: the store could not be looked at")
            continue
        found = [*state.problems, *differences(content(root), before)]
        if state.versions != versions:
            found.append("other versions answer")
        problems += [f"kill {killed}: {problem}" for problem in found]
    options.say(f"  {killed} kills, {through} rebuilds went through, {len(problems)} problems")
    return Result({"kills": killed, "went_through": through}, problems)
