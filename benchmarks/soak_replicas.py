"""For soak: replicas behind nginx that are killed under load: no answer that was given and no document that was taken is lost.

python -m benchmarks.soak --only replicas [--kills N] [--seed N]
"""

from __future__ import annotations

import random
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from benchmarks._replicas import PASSWORD, Cluster, Replica
from benchmarks.soak import Options, Result
from tests.chroma_servers import ChromaServer
from tests.postgres_server import postgres_server

_NOTE = (
    "---\ntitle: {title}\npublisher: Northwind\ndate: 2024-03-05\n---\n\n# {title}\n\n"
    "Ferry demand at {title} rose {rate}% in April 2024.\n"
)
_NAMES = ("Alder", "Birch", "Cedar", "Dogwood", "Elm", "Fir", "Gorse", "Hazel")
_SETTLE_S = 120.0  # for what a dead replica left to come to its end


def note(title: str, rate: int) -> str:
    """Return a document that states one figure."""
    return _NOTE.format(title=title, rate=rate)


def long_note(title: str, paragraphs: int) -> str:
    """Return a document whose vectors take a while: a chunk a paragraph, no two alike."""
    pick = random.Random(title)
    words = ("harbour", "timber", "grain", "freight", "dredging", "quay", "tariff", "berth", "crane", "pilot", "tide")
    parts = [f"# {title}"]
    for number in range(paragraphs):
        text = " ".join(pick.choice(words) + str(pick.randrange(100_000)) for _ in range(25))
        parts.append(f"## Part {number} of {title}\n\nReport {number} of {title}: {text}.")
    return "\n\n".join(parts)


@dataclass
class Told:
    """What clients were told through nginx. ``answers``: (conversation, question, answer id); ``documents``: name -> title, rate."""

    answers: list[tuple[str, str, str]] = field(default_factory=list)
    documents: dict[str, tuple[str, int]] = field(default_factory=dict)
    again: Counter[str] = field(default_factory=Counter)  # why a request was sent again
    problems: list[str] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)


class Client:
    """Somebody who sends a request until it is answered."""

    def __init__(self, url: str, headers: dict[str, str], told: Told, *, stays: bool) -> None:
        self._web = httpx.Client(base_url=url, headers=headers, trust_env=False, timeout=60)
        self._told, self._stays = told, stays

    def until_answered(self, send: Callable[[httpx.Client], httpx.Response]) -> httpx.Response:
        """Return the answer of what ``send`` sends. Raises RuntimeError for one that is neither success nor 502 or 503."""
        until = time.monotonic() + _SETTLE_S
        while True:
            if not self._stays:
                self._web.cookies.clear()  # of nginx: any replica may get it
            try:
                response = send(self._web)
                if response.status_code == 200:
                    return response
                why = str(response.status_code)
                if why not in ("502", "503"):
                    raise RuntimeError(f"{response.request.url.path}: {why} {response.text[:300]}")
            except httpx.RemoteProtocolError:
                why = "cut"  # its replica died in the middle of the answer's body
            if time.monotonic() > until:
                raise RuntimeError(f"no answer within {_SETTLE_S:g} s ({why})")
            with self._told.lock:
                self._told.again[why] += 1
            time.sleep(0.2)

    def close(self) -> None:
        self._web.close()


def asks(client: Client, number: int, told: Told, ended: threading.Event, pause: float) -> None:
    """Ask in one conversation until ``ended``."""
    conversation, pick = f"conversation-{number:03}", random.Random(number)
    while not ended.is_set():
        question = f"How much did ferry demand at {pick.choice(_NAMES)} Lines rise?"
        asked = {"question": question, "conversation_id": conversation}
        answer = client.until_answered(lambda web: web.post("/api/v1/ask", json=asked)).json()  # noqa: B023 - called at once
        with told.lock:
            told.answers.append((conversation, question, answer["answer_id"]))
            if answer["question"] != question or answer["status"] == "error":
                told.problems.append(f"{question!r} was answered with {answer['question']!r} ({answer['status']})")
        time.sleep(pause)


def uploads(client: Client, number: int, told: Told, ended: threading.Event, pause: float) -> None:
    """Upload one document after the other until ``ended``."""
    count = 0
    while not ended.is_set():
        count += 1
        title, rate, name = f"Quay {number}x{count} Terminal", 10 + count % 80, f"quay-{number}-{count}.md"
        files = {"files": (name, note(title, rate).encode(), "text/markdown")}
        report = client.until_answered(lambda web: web.post("/api/v1/documents", files=files)).json()  # noqa: B023
        with told.lock:
            if report["added"] + report["updated"] + report["unchanged"] == 1:
                told.documents[name] = (title, rate)
            else:
                told.problems.append(f"{name}: {report}")
        time.sleep(pause)


@contextmanager
def load(cluster: Cluster, asking: dict[str, str], writing: dict[str, str], told: Told, pause: float) -> Iterator[None]:
    """Have four ask and two upload through nginx until the end of the block; half of them stay at one replica."""
    ended = threading.Event()
    threads = []

    def run(what: Callable[..., None], headers: dict[str, str], number: int) -> None:
        client = Client(cluster.url, headers, told, stays=number % 2 == 0)
        try:
            what(client, number, told, ended, pause)
        except Exception as error:  # noqa: BLE001 - told of at the end
            with told.lock:
                told.problems.append(f"{what.__name__} {number}: {error!r}")
        finally:
            client.close()

    for number in range(6):
        what, headers = (asks, asking) if number < 4 else (uploads, writing)
        threads.append(threading.Thread(target=run, args=(what, headers, number)))
    for one in threads:
        one.start()
    try:
        yield
    finally:
        ended.set()
        for one in threads:
            one.join()


def kill_in_the_middle(
    victim: Replica, others: Sequence[Replica], headers: dict[str, str], name: str, parts: int
) -> bool:
    """Upload a long document to one replica and kill it while it makes the vectors; return whether that was met."""
    body = {"files": (name, long_note(name.removesuffix(".md"), parts).encode(), "text/markdown")}

    def upload() -> None:
        try:
            httpx.post(f"{victim.url}/api/v1/documents", files=body, headers=headers, trust_env=False, timeout=120)
        except httpx.TransportError:
            return  # it died

    thread = threading.Thread(target=upload)
    thread.start()
    met, until = False, time.monotonic() + 60
    while time.monotonic() < until and thread.is_alive():
        if states(others[0], headers).get(name) == "chunked":
            met = True
            break
        time.sleep(0.05)
    victim.end(signal.SIGKILL)
    thread.join()
    return met


def states(replica: Replica, headers: dict[str, str]) -> dict[str, str]:
    """Return the state of each upload, by its name."""
    with httpx.Client(base_url=replica.url, headers=headers, trust_env=False, timeout=60) as web:
        found: dict[str, str] = {}
        while True:
            page = web.get("/api/v1/documents", params={"limit": 200, "offset": len(found)}).raise_for_status().json()
            found |= {one["path"].rpartition("/")[2]: one["state"] for one in page["documents"]}
            if not page["documents"] or len(found) >= page["total"]:
                return found


def lost(
    told: Told, replicas: Sequence[Replica], asking: dict[str, str], writing: dict[str, str]
) -> tuple[list[str], int]:
    """Return what the replicas do not know of what clients were told, and how many answers nobody was told."""
    problems: list[str] = []
    doubled = 0
    for replica in replicas:
        with httpx.Client(base_url=replica.url, headers=asking, trust_env=False, timeout=60) as web:
            kept: dict[str, list[str]] = {}
            for conversation in {one for one, _, _ in told.answers}:
                turns = web.get(f"/api/v1/conversations/{conversation}").raise_for_status().json()["turns"]
                kept[conversation] = [(turn["answer"] or {}).get("answer_id", "") for turn in turns]
            for conversation, listed in kept.items():
                given = [answer for one, _, answer in told.answers if one == conversation]
                if [one for one in listed if one in set(given)] != given:
                    problems.append(f"{replica.url}: {conversation} lacks answers that were given")
                doubled += len(listed) - len(given)
            for _, question, answer in told.answers:
                found = web.get(f"/api/v1/answers/{answer}")
                if found.status_code != 200 or found.json()["question"] != question:
                    problems.append(f"{replica.url}: the answer to {question!r} is lost ({found.status_code})")
    for replica in replicas:
        until = time.monotonic() + _SETTLE_S
        while set(found := states(replica, writing)) and set(found.values()) != {"indexed"}:
            if time.monotonic() > until:
                problems.append(f"{replica.url}: {Counter(found.values())} after {_SETTLE_S:g} s")
                break
            time.sleep(0.2)
        problems += [f"{replica.url}: {name} is lost" for name in told.documents if found.get(name) != "indexed"]
    return problems, doubled // max(1, len(replicas))


def answered(told: Told, replicas: Sequence[Replica], asking: dict[str, str], most: int = 12) -> list[str]:
    """Ask each replica in turn about documents that were taken; return what is answered without its figure."""
    problems = []
    picked = random.Random(1).sample(sorted(told.documents.values()), min(most, len(told.documents)))
    for number, (title, rate) in enumerate(picked):
        url = replicas[number % len(replicas)].url
        body = {"question": f"How much did ferry demand at {title} rise?"}
        text = httpx.post(f"{url}/api/v1/ask", json=body, headers=asking, trust_env=False, timeout=60).json()["text"]
        if f"{rate}%" not in text:
            problems.append(f"{url}: {title}: {text[:200]!r} lacks {rate}%")
    return problems


def rounds(
    cluster: Cluster, *, kills: int, seconds: float, parts: int, pause: float, seed: int, say: Callable[[str], None]
) -> tuple[dict[str, float], list[str]]:
    """Kill a replica ``kills`` times under load, with ``seconds`` of load before and after; return figures and problems."""
    cluster.users.add("rita", PASSWORD, role="reader")
    cluster.users.add("ed", PASSWORD, role="editor")
    asking, writing = cluster.token("asks", "rita"), cluster.token("writes", "ed")
    with httpx.Client(base_url=cluster.url, headers=writing, trust_env=False, timeout=60) as web:
        files = [("files", (f"{n}.md", note(f"{n} Lines", 20 + at), "text/markdown")) for at, n in enumerate(_NAMES)]
        report = web.post("/api/v1/documents", files=files).raise_for_status().json()
    told, pick, met, left = Told(), random.Random(seed), 0, 0
    problems: list[str] = [] if report["added"] == len(_NAMES) else [f"{report}"]
    begun = time.monotonic()
    with load(cluster, asking, writing, told, pause):
        for number in range(kills):
            time.sleep(seconds)
            victim = pick.choice(cluster.replicas)
            others = [one for one in cluster.replicas if one is not victim]
            met += kill_in_the_middle(victim, others, writing, f"long-{number}.md", parts)
            say(f"kill {number + 1} of {kills}: {len(told.answers)} answers, {len(told.documents)} documents so far")
            time.sleep(seconds)
            until = time.monotonic() + _SETTLE_S
            while (state := states(others[0], writing).get(f"long-{number}.md")) in ("chunked", "embedded"):
                if time.monotonic() > until:
                    break
                time.sleep(0.2)
            if state not in ("indexed", None):  # None: killed before its words were in; whoever sent it knows
                problems.append(f"kill {number}: what the dead replica left is {state!r}")
            left += state == "indexed"
            if number + 1 < kills:
                victim.begin()
                victim.wait()
    took = time.monotonic() - begun
    alive = [one for one in cluster.replicas if one.process is not None]
    found, doubled = lost(told, alive, asking, writing)
    problems += told.problems + found + answered(told, alive, asking)
    verified = cluster.thesis("verify")
    if not verified["clean"]:
        problems.append(f"verify: {verified['problems'][:3]}")
    try:
        cluster.thesis("audit", "verify")
    except RuntimeError as error:
        problems.append(str(error)[:300])
    figures: dict[str, Any] = {
        "kills": kills, "answers": len(told.answers), "documents": len(told.documents), "repeated_by_clients": sum(told.again.values()),
        "repeated_502": told.again["502"], "repeated_503": told.again["503"], "repeated_cut": told.again["cut"],
        "answers_nobody_was_told": doubled, "killed_while_embedding": met, "taken_over": left, "load_s": round(took, 1),
    }  # fmt: skip
    return {name: float(value) for name, value in figures.items()}, problems


def replicas(options: Options) -> Result:
    """Three replicas behind nginx, one of which is killed again and again while six clients ask and upload."""
    kills = min(options.kills, 1 if options.quick else 20)
    with (
        postgres_folder(options.folder) as folder,
        postgres_server(folder / "postgres") as postgres,
        ChromaServer(options.folder / "chroma") as chroma,
        Cluster(options.folder / "cluster", ledger=postgres.url, chroma=chroma.url) as cluster,
    ):
        quick = (
            {"seconds": 1.0, "parts": 300, "pause": 0.1}
            if options.quick
            else {"seconds": 5.0, "parts": 800, "pause": 0.05}
        )
        figures, problems = rounds(cluster, kills=kills, seed=options.seed, say=options.say, **quick)
    return Result(figures, problems)


@contextmanager
def postgres_folder(folder: Path) -> Iterator[Path]:
    """Yield a folder that the user of PostgreSQL reaches: those of tests and soak are for their owner only."""
    import tempfile

    with tempfile.TemporaryDirectory(prefix="thesis-postgres-", ignore_cleanup_errors=True) as made:
        Path(made).chmod(0o755)
        yield Path(made)
