"""Many people at once on one served base. ``make bench-serve ARGS="--store DIR --people 100 --seconds 300"``.

A server with sign-in and records is started on loopback; each of ``people`` signs in with a password and asks in a conversation
of its own, every 10 to 20 seconds, one of 200 distinct questions. No answer is cached. Afterwards each conversation is
read back: it must hold what its owner asked and was told, in order, and nothing else. Documents: those of ``--store`` (a copy is
served), else of THESIS_CORPUS, else the sample notes.
"""

from __future__ import annotations

import argparse
import asyncio
import html
import json
import os
import random
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from benchmarks._processes import ROOT, sample
from benchmarks.report import write

THESIS = [sys.executable, "-c", "import sys; from app import main; sys.exit(main(sys.argv[1:]))"]
PASSWORD = "a long enough phrase"
SETS = ("corpus", "statements_b", "narrative_a", "narrative_b")
PAUSE_S = (10.0, 20.0)
READY_S = 120.0


@dataclass
class Person:
    """What one of them asked, was told and met."""

    name: str
    client: httpx.AsyncClient
    conversation: str
    asked: list[str] = field(default_factory=list)
    told: list[dict[str, Any]] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)


def questions(notes: bool, count: int = 200) -> list[str]:
    """Return distinct questions for the corpus or for the sample notes, drawn with a fixed seed."""
    files = (
        sorted((ROOT / "tests" / "golden").glob("*.jsonl"))
        if notes
        else [ROOT / "benchmarks" / "questions" / f"{name}.jsonl" for name in SETS]
    )
    rows = [json.loads(line) for file in files for line in file.read_text(encoding="utf-8").splitlines() if line]
    listed = list(dict.fromkeys(row["question"] for row in rows))
    return random.Random(1).sample(listed, min(count, len(listed)))


async def sign_in(person: Person) -> None:
    """Sign in as a browser does."""
    page = await person.client.get("/login")
    form = html.unescape(re.search(r'name="form" value="([^"]*)"', page.text)[1])  # type: ignore[index]
    fields = {"form": form, "next": "/", "name": person.name, "password": PASSWORD}
    answer = await person.client.post("/login", data=fields)
    if answer.status_code >= 400 or "thesis_session" not in person.client.cookies:
        raise RuntimeError(f"{person.name} could not sign in: {answer.status_code}")


async def converse(person: Person, listed: Sequence[str], until: float, pick: random.Random) -> None:
    """Ask until the time is over, the first question at a random moment of the first pause."""
    await asyncio.sleep(pick.uniform(0, PAUSE_S[1]))
    while time.monotonic() < until:
        question = pick.choice(listed)
        begun = time.monotonic()
        try:
            answer = await person.client.post(
                "/api/v1/ask", json={"question": question, "conversation_id": person.conversation}
            )
        except httpx.HTTPError as error:
            person.errors.append(f"{question!r}: {error!r}")
        else:
            person.seconds.append(time.monotonic() - begun)
            if answer.status_code != 200:
                person.errors.append(f"{question!r}: {answer.status_code} {answer.text[:200]}")
            else:
                person.asked.append(question)
                person.told.append(answer.json())
        await asyncio.sleep(max(0.0, begun + pick.uniform(*PAUSE_S) - time.monotonic()))


def mixed_up(people: Sequence[Person]) -> list[str]:
    """Return where somebody was told what another asked, or the same question was told differently."""
    problems = []
    texts: dict[str, str] = {}
    for person in people:
        for question, answer in zip(person.asked, person.told, strict=True):
            if answer["question"] != question or answer["status"] == "error":
                problems.append(f"{person.name} asked {question!r} and was told of {answer['question']!r}")
                continue
            alone = answer["standalone_question"] == " ".join(question.split())
            if alone and texts.setdefault(question, answer["text"]) != answer["text"]:
                problems.append(f"{question!r} has two answers")
    ids = [answer["answer_id"] for person in people for answer in person.told]
    if len(ids) != len(set(ids)):
        problems.append("two answers have one id")
    return problems


async def read_back(person: Person) -> list[str]:
    """Return where what is kept of the conversation is not what was asked and told."""
    kept = await person.client.get(f"/api/v1/conversations/{person.conversation}")
    if not person.asked:
        return []
    if kept.status_code != 200:
        return [f"{person.name}: the conversation does not open ({kept.status_code})"]
    answers = [(turn.get("answer") or {}).get("answer_id") for turn in kept.json()["turns"]]
    told = [answer["answer_id"] for answer in person.told]
    if answers != told:
        return [
            f"{person.name}: the conversation holds {len(answers)} answers ({answers.count(None)} empty), {len(told)} were told"
        ]
    return []


async def load(url: str, people: int, seconds: float, listed: Sequence[str], say: Any) -> list[Person]:
    limits = httpx.Limits(max_connections=4)
    crowd = [
        Person(
            f"person{n:03}",
            httpx.AsyncClient(
                base_url=url, timeout=120, limits=limits, headers={"origin": url}, follow_redirects=False
            ),
            f"conversation-{n:03}",
        )
        for n in range(people)
    ]
    for person in crowd:
        await sign_in(person)
    say(f"{people} signed in")
    until = time.monotonic() + seconds
    await asyncio.gather(*(converse(p, listed, until, random.Random(n)) for n, p in enumerate(crowd)))
    for person in crowd:
        person.errors += await read_back(person)
        await person.client.aclose()
    return crowd


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def _store(given: str | None, scratch: Path) -> tuple[Path, str]:
    store = scratch / "store"
    if given:
        shutil.copytree(given, store, ignore=shutil.ignore_patterns("owner.*", "control.json"))
        return store, given
    corpus = os.environ.get("THESIS_CORPUS")
    subprocess.run(
        [*THESIS, "ingest", corpus or str(ROOT / "knowledge"), "--store", str(store)],
        cwd=ROOT,
        check=True,
        stdout=sys.stderr,
    )
    return store, corpus or "sample notes"


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--store", metavar="DIR", help="an ingested base (a copy of it is served)")
    parser.add_argument("--people", type=int, default=100)
    parser.add_argument("--seconds", type=float, default=300)
    given = parser.parse_args(argv)
    from assistant.access.users import Users

    with tempfile.TemporaryDirectory(prefix="bench-serve-") as name:
        scratch = Path(name)
        store, corpus = _store(given.store, scratch)
        users = Users(scratch / "users.toml")
        for n in range(given.people):
            users.add(f"person{n:03}", PASSWORD)
        environ = os.environ | {
            "THESIS_AUTH": "users",
            "THESIS_USERS_FILE": str(users.path),
            "THESIS_STORE": str(store),
        }
        with (scratch / "log").open("w+") as log:
            server = subprocess.Popen(
                [*THESIS, "serve", "--port", "0"], cwd=ROOT, env=environ, stdout=subprocess.PIPE, stderr=log, text=True
            )
            memory: list[int] = []
            over = threading.Event()
            try:
                assert server.stdout is not None
                line = server.stdout.readline()
                found = re.search(r"http://\S+", line)
                if not found:
                    log.seek(0)
                    raise RuntimeError(f"the server did not start: {line} {log.read()[-2000:]}")
                listed = questions(corpus == "sample notes")
                sampler = threading.Thread(target=sample, args=(server.pid, memory, over))
                sampler.start()
                begun = _cpu(server.pid)
                crowd = asyncio.run(load(found[0].rstrip("/"), given.people, given.seconds, listed, _say))
                used = _cpu(server.pid) - begun
            finally:
                over.set()
                server.terminate()
                server.wait(30)
            log.seek(0)
            logged = log.read()
    seconds = sorted(s for person in crowd for s in person.seconds)
    errors = [error for person in crowd for error in person.errors]
    problems = mixed_up(crowd)
    third = len(memory) // 3
    metrics = {
        "people": given.people,
        "questions": len(seconds),
        "distinct_questions": len({q for p in crowd for q in p.asked}),
        "errors": len(errors),
        "mixed_up": len(problems),
        "p50_s": statistics.median(seconds),
        "p95_s": seconds[int(0.95 * (len(seconds) - 1))],
        "max_s": seconds[-1],
        "cpu_s_a_question": used / len(seconds),
        "memory_peak_mb": max(memory, default=0) / 1e6,
        "memory_last_third_over_middle": max(memory[-third:]) / max(memory[third : 2 * third]) if third else 1.0,
    }
    print(
        "{people} people, {questions} questions ({distinct_questions} distinct), {errors} errors, {mixed_up} mixed up; "
        "p50 {p50_s:.2f} s, p95 {p95_s:.2f} s, most {max_s:.2f} s; {cpu_s_a_question:.3f} processor s a question; "
        "memory {memory_peak_mb:.0f} MB, last third over middle third {memory_last_third_over_middle:.3f}".format(
            **metrics
        )
    )
    for problem in [*errors, *problems][:20]:
        print(f"  PROBLEM {problem}")
    if errors:
        print(logged[-5000:], file=sys.stderr)
    write("serve", metrics, corpus=corpus)
    return 1 if errors or problems else 0


def _cpu(pid: int) -> float:
    """Return processor seconds of a process so far (Linux; 0.0 elsewhere)."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rsplit(") ", 1)[1].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / float(os.sysconf("SC_CLK_TCK"))


if __name__ == "__main__":
    sys.exit(main())
