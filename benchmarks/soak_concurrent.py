"""Readers and writers at once over one store (`make soak`, scenario "concurrent").

One process owns the store, as the web chat does, and reads in threads; other processes read and write through it as `thesis`
does (assistant.handover), some of the time as processes of their own. Each document names a carrier that no other does. A
search that asks for a carrier whose document is in, and was not touched meanwhile, must find it with its present figure; one
whose document is out must not. At the end the store must be clean and hold exactly what the writers left.

    python -m benchmarks.soak_concurrent [--seconds 600] [--seed 1]
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import os
import random
import subprocess
import sys
import tempfile
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.soak import Options, Result

ROOT = Path(__file__).resolve().parent.parent
SECONDS = 600.0
THREADS, READERS, WRITERS = 4, 4, 2
_SETTLED, _OWN = 40, 20  # documents that nobody touches; documents of each writer
_ASK, _PROCESS = 5, 25  # every so many reads is a question; every so many of another process a `thesis` of its own
_SYLLABLES = [
    "bal",
    "cor",
    "dun",
    "eth",
    "fal",
    "gar",
    "hol",
    "ist",
    "jor",
    "kel",
    "lun",
    "mar",
    "nor",
    "orr",
    "pel",
    "quor",
    "ral",
    "sten",
    "tor",
    "ulv",
    "vor",
    "wes",
    "yar",
    "zel",
]
_SHOULD = ("checked", "changes")  # what a run that says anything has done
_LONGEST_S = 300.0  # that a run waits for its first of these
_SHOWN = 20  # problems that are kept in words


def _carrier(number: int) -> str:
    """A name that no other number has and no document holds by chance."""
    parts = []
    left = number * 7919 + 104_729  # spread over the syllables
    for _ in range(4):
        left, i = divmod(left, len(_SYLLABLES))
        parts.append(_SYLLABLES[i])
    return "".join(parts).capitalize()


def _text(number: int, figure: int) -> str:
    name = _carrier(number)
    return (
        f"---\ntitle: {name} traffic note\npublisher: Harbour Desk\ndate: 2024-05-0{1 + number % 9}\n---\n\n# {name}\n\n"
        f"{name} carried {figure} thousand passengers in April 2024.\n\n"
        f"Fuel is {20 + number % 60} percent of what it spends, and its quay was dredged {2 + number % 30} years ago.\n\n"
        "Summer bookings open later than they used to, and freight fills the winter sailings.\n"
    )


class _Board:
    """What each document's state is, in files that all processes see: before and after a read they say what must be found."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def post(self, number: int, state: str, figure: int, change: int) -> None:
        made = self.folder / f"{number}.new"
        made.write_text(json.dumps([state, figure, change]), encoding="utf-8")
        made.replace(self.folder / f"{number}.json")

    def read(self, number: int) -> list[Any]:
        found: list[Any] = json.loads((self.folder / f"{number}.json").read_text(encoding="utf-8"))
        return found


@dataclass
class _Place:
    """The scratch folder of one run, and how a role reports."""

    folder: Path
    counts: dict[str, float] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)

    @property
    def store(self) -> Path:
        return self.folder / "store"

    @property
    def board(self) -> _Board:
        return _Board(self.folder / "board")

    def file(self, number: int) -> Path:
        owner = "settled" if number < _SETTLED else f"writer{(number - _SETTLED) // _OWN}"
        return self.folder / "files" / owner / f"note{number}.md"

    @property
    def over(self) -> bool:
        return (self.folder / "over").exists()

    def count(self, name: str, by: float = 1) -> None:
        if name in _SHOULD and name not in self.counts:
            (self.folder / name).touch()
        self.counts[name] = self.counts.get(name, 0) + by

    @property
    def begun(self) -> bool:
        """Whether there is something to tell of: a short run on a busy machine may end before its first read."""
        return all((self.folder / name).exists() for name in _SHOULD)

    def wrong(self, kind: str, text: str) -> None:
        self.count(kind)
        if len(self.problems) < _SHOWN:
            self.problems.append(f"{kind}: {text[:2000]}")

    def save(self, role: str) -> None:
        target = self.folder / "said" / f"{role}.json"
        target.write_text(json.dumps({"counts": self.counts, "problems": self.problems}), encoding="utf-8")


Found = list[tuple[str, str]]  # path and text of each passage
Reader = Callable[[str, bool], Found]


def _thesis(place: _Place, *arguments: str, process: bool = False) -> tuple[int, str, str]:
    """Run one command as a shell does; returns exit code, standard output and standard error."""
    whole = [*arguments, "--store", str(place.store)]
    if process:
        code = "import app, sys; sys.exit(app.main())"
        done = subprocess.run([sys.executable, "-c", code, *whole], cwd=ROOT, capture_output=True, check=False)
        return done.returncode, done.stdout.decode("utf-8"), done.stderr.decode("utf-8", "replace")
    import app
    from assistant.cli import Wiring, run

    out, told = io.StringIO(), io.StringIO()
    wiring = Wiring(app.open_assistant, app.open_ingestor, app.serve, app.progress, told=told)
    return run(whole, wiring, out=out), out.getvalue(), told.getvalue()


def _read(place: _Place, rng: random.Random, reader: Reader) -> None:
    """Ask for one document, and judge what was found by what the board said before and after."""
    number = rng.randrange(_SETTLED + WRITERS * _OWN)
    name, ask = _carrier(number), rng.randrange(_ASK) == 0
    before = place.board.read(number)
    begun = time.perf_counter()
    try:
        passages = reader(f"How many passengers did {name} carry in April 2024?", ask)
    except Exception as error:  # noqa: BLE001 - any at all is what this run looks for
        place.wrong("errors", f"reading {name}: {error!r}\n{traceback.format_exc()[-1500:]}")
        return
    place.count("asks" if ask else "searches")
    place.count("read_seconds", time.perf_counter() - begun)
    state, figure, _ = before
    if place.board.read(number) != before or state == "changing":
        return
    place.count("checked")
    own = [text for path, text in passages if path == place.file(number).as_posix()]
    if state == "in" and not any(f"carried {figure} thousand" in text for text in own):
        place.wrong("missing", f"{name} with {figure}: {own or 'not found'}")
    if state == "out" and own:
        place.wrong("stale", f"{name} is out and was found: {own}")


def _owner(place: _Place, seed: int) -> None:
    """Own the store until standard input ends, with threads that read."""
    import app
    from assistant import Assistant
    from vectorstore.settings import load_settings

    settings = load_settings(overrides={"store": str(place.store)})
    with app.open_ingestor(settings) as ingestor:
        assistant = Assistant(ingestor.store, settings)

        def reader(question: str, ask: bool) -> Found:
            if ask:
                answer = assistant.ask(question)
                if answer.status == "error":
                    raise RuntimeError(answer.error)
                return [(p.path, p.text) for p in answer.passages]
            return [(p.path, p.chunk.text) for p in assistant.search(question, k=10)]

        reader("What is in?", False)
        own = [_Place(place.folder) for _ in range(THREADS)]

        def work(mine: _Place, number: int) -> None:
            rng = random.Random(seed * 1000 + number)
            while not place.over:
                _read(mine, rng, reader)

        threads = [threading.Thread(target=work, args=(mine, i)) for i, mine in enumerate(own)]
        for thread in threads:
            thread.start()
        print("ready", flush=True)
        sys.stdin.read()
        for i, (thread, mine) in enumerate(zip(threads, own, strict=True)):
            thread.join()
            mine.save(f"thread{i}")


def _reader(place: _Place, number: int, seed: int) -> None:
    rng = random.Random(seed * 1000 + 100 + number)

    def reader(question: str, ask: bool) -> Found:
        process = rng.randrange(_PROCESS) == 0
        place.count("processes", process)
        if ask:
            code, out, told = _thesis(place, "ask", question, "--json", process=process)
        else:
            code, out, told = _thesis(place, "search", question, "-k", "10", "--json", process=process)
        if code:
            raise RuntimeError(out + told)
        return [(p["path"], p["text"]) for p in json.loads(out)["passages"]]

    while not place.over:
        _read(place, rng, reader)


def _writer(place: _Place, number: int, seed: int) -> None:
    """Put in, change and take out documents of its own; each step says on the board what it touches."""
    rng = random.Random(seed * 1000 + 200 + number)
    board, change = place.board, 0
    mine = range(_SETTLED + number * _OWN, _SETTLED + (number + 1) * _OWN)
    while not place.over:
        chosen = sorted(rng.sample(mine, rng.randint(1, 6)))
        states = {n: board.read(n) for n in chosen}
        there = [n for n in chosen if states[n][0] == "in"]
        action = rng.choice(["put", "put", "remove", "sync"])
        touched = chosen if action == "put" else there
        if not touched:
            continue
        figures = {n: rng.randrange(100, 10_000) for n in touched}
        change += 1
        for n in touched:
            board.post(n, "changing", 0, change)
            if action == "put":
                place.file(n).write_text(_text(n, figures[n]), encoding="utf-8")
            else:
                place.file(n).unlink()
        names = [str(place.file(n)) for n in touched]
        command = {
            "put": ["ingest", *names],
            "remove": ["remove", *names],
            "sync": ["ingest", str(place.file(mine[0]).parent), "--sync"],
        }[action]
        process = rng.randrange(_PROCESS) == 0
        # A sync of a folder with nothing in it is refused: it looks like a folder that went missing.
        empty = action == "sync" and not any(place.file(mine[0]).parent.iterdir())
        if empty:
            command = ["remove", *names]
        code, out, told = _thesis(place, *command, "--json", process=process)
        done = json.loads(out) if out else {}
        if action == "put":
            right = done.get("added", 0) + done.get("updated", 0) + done.get("unchanged", 0) == len(touched)
        else:
            right = done.get("removed") == len(touched)
        if code or not right:
            place.wrong("errors", f"{command[0]} of {len(touched)}: exit {code}, {out} {told}")
            continue  # what these are now is not known: they stay "changing"
        place.count("changes")
        place.count("processes", process)
        place.count("documents_changed", len(touched))
        for n in touched:
            board.post(n, "in" if action == "put" else "out", figures[n] if action == "put" else 0, change)


def _make(place: _Place, seed: int) -> None:
    rng = random.Random(seed)
    for name in ("board", "said"):
        (place.folder / name).mkdir()
    for number in range(_SETTLED + WRITERS * _OWN):
        path = place.file(number)
        path.parent.mkdir(parents=True, exist_ok=True)
        figure = rng.randrange(100, 10_000)
        inside = number < _SETTLED or rng.random() < 0.7
        if inside:
            path.write_text(_text(number, figure), encoding="utf-8")
        place.board.post(number, "in" if inside else "out", figure if inside else 0, 0)
    code, out, told = _thesis(place, "ingest", str(place.folder / "files"), "--json")
    if code:
        raise RuntimeError(f"the first ingest failed: {out} {told}")


@contextlib.contextmanager
def _roles(place: _Place, seed: int, problems: list[str]) -> Iterator[None]:
    """Start all processes, and end them in order: readers and writers, then the owner."""

    def start(role: str, number: int = 0, **pipes: Any) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "benchmarks.soak_concurrent", "--role", role, str(place.folder)]
        command += ["--number", str(number), "--seed", str(seed)]
        # One core for reading files: the processes are many, the machine need not be large.
        return subprocess.Popen(command, cwd=ROOT, text=True, env=os.environ | {"THESIS_WORKERS": "1"}, **pipes)

    owner = start("owner", stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    others = {}
    try:
        assert owner.stdout is not None
        if owner.stdout.readline() != "ready\n":
            raise RuntimeError("the owner did not start")
        others = {f"reader {i}": start("reader", i) for i in range(READERS)}
        others |= {f"writer {i}": start("writer", i) for i in range(WRITERS)}
        yield
    finally:
        (place.folder / "over").touch()
        try:
            for name, process in others.items():
                if process.wait(300):
                    problems.append(f"{name} ended with {process.returncode}")
            owner.communicate("", timeout=300)
            if owner.returncode:
                problems.append(f"the owner ended with {owner.returncode}")
        finally:
            for process in (*others.values(), owner):
                process.kill()


def _checked(place: _Place) -> list[str]:
    """Return what the store that was left has wrong."""
    code, out, told = _thesis(place, "verify", "--json")
    problems = [f"verify: {text}" for text in json.loads(out).get("problems", [told])] if code else []
    numbers = range(_SETTLED + WRITERS * _OWN)
    expected = {place.file(n).as_posix() for n in numbers if place.board.read(n)[0] == "in"}
    code, out, told = _thesis(place, "sources", "--json")
    there = {s["path"] for s in json.loads(out).get("sources", [])} if code == 0 else set()
    problems += [f"lost: {path}" for path in sorted(expected - there)]
    unknown = {place.file(n).as_posix() for n in numbers if place.board.read(n)[0] == "changing"}
    problems += [f"left over: {path}" for path in sorted(there - expected - unknown)]
    return problems


def concurrent(options: Options) -> Result:
    """The scenario for `make soak`."""
    seconds = options.seconds or (10.0 if options.quick else SECONDS)
    place, problems = _Place(options.folder.resolve()), list[str]()
    _make(place, options.seed)
    options.say(f"{THREADS + READERS} readers and {WRITERS} writers for {seconds:g} s")
    begun = time.monotonic()
    with _roles(place, options.seed, problems):
        while time.monotonic() - begun < seconds or not (place.begun or time.monotonic() - begun > _LONGEST_S):
            time.sleep(0.2)
        seconds = time.monotonic() - begun
    metrics: dict[str, float] = {"readers": THREADS + READERS, "writers": WRITERS}
    metrics |= dict.fromkeys(("errors", "missing", "stale", "checked", "searches", "asks", "changes"), 0)
    for said in sorted((place.folder / "said").iterdir()):
        report = json.loads(said.read_text(encoding="utf-8"))
        problems += report["problems"]
        for name, value in report["counts"].items():
            metrics[name] = metrics.get(name, 0) + value
    reads = metrics["searches"] + metrics["asks"]
    metrics["read_mean_ms"] = 1000 * metrics.pop("read_seconds", 0.0) / reads if reads else 0.0
    left = _checked(place)
    metrics["left_wrong"] = len(left)
    metrics["seconds"] = round(seconds, 1)
    if not all(metrics[name] for name in _SHOULD):
        problems.append("nothing was checked or nothing was changed: the run says nothing")
    return Result(metrics, problems + left)


def run(seconds: float, seed: int) -> dict[str, float]:
    """Run the scenario in a scratch folder and return its figures; RuntimeError names what went wrong."""
    with tempfile.TemporaryDirectory(prefix="soak-concurrent-") as folder:
        result = concurrent(Options(Path(folder), seed=seed, seconds=seconds))
    if result.problems:
        raise RuntimeError("\n".join(result.problems))
    return result.metrics


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=SECONDS)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--role", nargs=2, metavar=("ROLE", "FOLDER"), help=argparse.SUPPRESS)
    parser.add_argument("--number", type=int, default=0, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.role is None:
        print(json.dumps(run(given.seconds, given.seed), indent=1))
        return 0
    role, place = given.role[0], _Place(Path(given.role[1]))
    if role == "owner":
        _owner(place, given.seed)
        return 0
    {"reader": _reader, "writer": _writer}[role](place, given.number, given.seed)
    place.save(f"{role}{given.number}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
