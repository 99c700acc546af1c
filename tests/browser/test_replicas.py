"""Three real servers behind the nginx of docs/scale over one PostgreSQL and one Chroma server: what one is told, all know."""

from __future__ import annotations

import html
import re
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from chroma_servers import ChromaServer
from watching import watched

from benchmarks._replicas import PASSWORD, THESIS, Cluster, Replica, nginx_program
from benchmarks.soak_replicas import long_note, note, rounds, states
from tests.postgres_server import PostgresServer

pytestmark = pytest.mark.skipif(nginx_program() is None, reason="nginx is not installed (.ci/run installs it)")


@pytest.fixture(scope="module")
def chroma(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ChromaServer]:
    with ChromaServer(tmp_path_factory.mktemp("replicas-chroma")) as server:
        yield server


@pytest.fixture(scope="module")
def cluster(
    tmp_path_factory: pytest.TempPathFactory, postgres: PostgresServer, chroma: ChromaServer, model_cache: Path
) -> Iterator[Cluster]:
    settings = {"CACHE": str(model_cache), "STOP_WAIT_S": "200"}  # a busy machine of tests takes its time
    made = Cluster(tmp_path_factory.mktemp("replicas"), ledger=postgres.url, chroma=chroma.url, settings=settings)
    with made as running:
        made.users.add("anna", PASSWORD, role="editor")
        yield running
        for one in running.replicas:
            assert "Traceback" not in one.said()


@pytest.fixture(scope="module")
def writing(cluster: Cluster) -> dict[str, str]:
    return cluster.token("notes", "anna")


def alive(cluster: Cluster) -> list[Replica]:
    """Return those that run: tests of this file end some of them for good."""
    return [one for one in cluster.replicas if one.process is not None]


def client(url: str) -> httpx.Client:
    return httpx.Client(base_url=url, headers={"origin": url}, trust_env=False, timeout=120)


def form_of(web: httpx.Client, path: str) -> str:
    form = re.search(r'name="form" value="([^"]*)"', web.get(path).text)
    assert form is not None
    return html.unescape(form[1])


def sign_in(web: httpx.Client) -> None:
    fields = {"form": form_of(web, "/login"), "next": "/", "name": "anna", "password": PASSWORD}
    assert web.post("/login", data=fields).status_code == 303
    assert "thesis_session" in web.cookies


def ask(replica: Replica, question: str, headers: dict[str, str], conversation: str | None = None) -> dict[str, object]:
    body = {"question": question} | ({"conversation_id": conversation} if conversation else {})
    answer = httpx.post(f"{replica.url}/api/v1/ask", json=body, headers=headers, trust_env=False, timeout=120)
    assert answer.status_code == 200, answer.text
    found: dict[str, object] = answer.json()
    return found


def upload(replica: Replica, name: str, text: str, headers: dict[str, str]) -> httpx.Response:
    files = {"files": (name, text.encode(), "text/markdown")}
    return httpx.post(f"{replica.url}/api/v1/documents", files=files, headers=headers, trust_env=False, timeout=200)


def listens(replica: Replica) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", replica.port)) == 0


def until(true: Callable[[], bool]) -> None:
    """Wait; the timeout of the test is what ends it."""
    while not true():
        time.sleep(0.05)


@pytest.mark.browser
def test_what_one_is_told_all_know(cluster: Cluster, writing: dict[str, str]) -> None:
    one, two, three = cluster.replicas
    question = "How much did ferry demand at Alder Lines rise?"
    assert upload(two, "grain.md", "# Grain\n\nGrain prices fell at the Elbe terminals.\n", writing).status_code == 200
    assert ask(three, question, writing)["status"] == "insufficient_evidence"
    report = upload(one, "alder.md", note("Alder Lines", 17), writing).json()
    assert (report["added"], report["failed"]) == (1, [])
    for replica in (two, three, one):
        assert "rose 17%" in str(ask(replica, question, writing)["text"])
    report = upload(two, "alder.md", note("Alder Lines", 23), writing).json()
    assert report["updated"] == 1
    assert "rose 23%" in str(ask(three, question, writing)["text"])

    listed = httpx.get(f"{three.url}/api/v1/documents", headers=writing, trust_env=False).json()["documents"]
    found = {one["path"]: one for one in listed}
    assert {path: one["state"] for path, one in found.items()} == {
        "upload:/alder.md": "indexed",
        "upload:/grain.md": "indexed",
    }
    gone = f"/api/v1/documents/{found['upload:/alder.md']['document_id']}"
    assert httpx.delete(f"{two.url}{gone}", headers=writing, trust_env=False).status_code in (200, 204)
    for replica in (one, three):
        assert ask(replica, question, writing)["status"] == "insufficient_evidence"
        assert states(replica, writing) == {"grain.md": "indexed"}


def test_a_conversation_and_a_sign_in_go_on_at_another(cluster: Cluster, writing: dict[str, str]) -> None:
    one, two, three = cluster.replicas
    text = note("Birch Lines", 31) + "\nFerry demand at Cedar Lines rose 12% in April 2024.\n"
    assert upload(one, "birch.md", text, writing).status_code == 200
    with client(one.url) as web:
        sign_in(web)
        session = str(web.cookies["thesis_session"])
    cookie = {"cookie": f"thesis_session={session}"}

    first = ask(one, "How much did ferry demand at Birch Lines rise?", cookie | {"origin": one.url}, "begun-at-one")
    second = ask(two, "And at Cedar Lines?", cookie | {"origin": two.url}, "begun-at-one")
    assert "31%" in str(first["text"])
    assert "12%" in str(second["text"])
    assert "Cedar Lines" in str(second["standalone_question"])
    assert "ferry demand" in str(second["standalone_question"])
    kept = httpx.get(f"{three.url}/api/v1/conversations/begun-at-one", headers=cookie, trust_env=False).json()
    assert [turn["answer"]["answer_id"] for turn in kept["turns"]] == [first["answer_id"], second["answer_id"]]

    # Who signs out at one is signed out at all.
    with client(three.url) as web:
        web.cookies.set("thesis_session", session)
        assert web.post("/logout", data={"form": form_of(web, "/logout")}).status_code == 303
    assert httpx.get(f"{two.url}/api/v1/documents", headers=cookie, trust_env=False).status_code == 401


def test_one_is_killed_under_load_and_nothing_is_lost(cluster: Cluster) -> None:
    figures, problems = rounds(cluster, kills=1, seconds=0.5, parts=150, pause=0.2, seed=1, say=lambda _: None)
    assert problems == []
    assert figures["killed_while_embedding"] == 1
    assert figures["taken_over"] == 1
    assert figures["answers"] >= 4
    dead = next(one for one in cluster.replicas if one.process is None)
    dead.begin()  # for the tests after this one; what came in without it, it has
    dead.wait()
    assert states(dead, cluster.token("again", "ed"))["long-0.md"] == "indexed"


def answers_given(replica: Replica, headers: dict[str, str]) -> float:
    text = httpx.get(f"{replica.url}/metrics", headers=headers, trust_env=False).text
    return sum(float(line.split()[-1]) for line in text.splitlines() if line.startswith("thesis_questions_total{"))


def test_a_page_goes_on_when_its_replica_dies(cluster: Cluster, writing: dict[str, str], browser: Any) -> None:
    cluster.users.add("ada", PASSWORD, role="admin")
    metrics = cluster.token("metrics", "ada")
    text = note("Gorse Lines", 61) + "\nFerry demand at Hazel Lines rose 62% in April 2024.\n"
    assert upload(alive(cluster)[0], "gorse.md", text, writing).status_code == 200
    before = {one.port: answers_given(one, metrics) for one in alive(cluster)}
    context = browser.new_context(viewport={"width": 1280, "height": 800})
    seen = watched(context.new_page())
    seen.page.set_default_timeout(60_000)
    seen.page.goto(cluster.url)
    seen.page.fill("input[name=name]", "anna")
    seen.page.fill("input[name=password]", PASSWORD)
    seen.page.press("input[name=password]", "Enter")
    seen.page.locator(".t-example").first.wait_for()
    seen.ask("How much did ferry demand at Gorse Lines rise?")
    assert "61%" in seen.last.inner_text()
    (behind,) = [one for one in alive(cluster) if answers_given(one, metrics) > before[one.port]]
    address = seen.page.url
    behind.end(signal.SIGKILL)
    # Nothing tells the page; its next question goes to another replica, which finds the conversation that the address names.
    seen.ask("And at Hazel Lines?")
    assert "62%" in seen.last.inner_text()
    assert seen.page.url == address
    assert seen.page.locator("#transcript .t-turn").count() == 2
    context.close()


def test_one_without_its_servers_says_so_and_comes_back(
    cluster: Cluster, writing: dict[str, str], postgres: PostgresServer
) -> None:
    one, two = alive(cluster)[:2]

    def ready(replica: Replica) -> int:
        return httpx.get(f"{replica.url}/readyz", trust_env=False).status_code

    postgres.stop()
    try:
        assert ready(one) == 503
        assert httpx.get(f"{one.url}/healthz", trust_env=False).status_code == 200
        told = httpx.post(f"{one.url}/api/v1/ask", json={"question": "What?"}, headers=writing, trust_env=False)
        assert told.status_code == 503
        assert told.json()["kind"] == "not_ready"
        assert "postgresql" not in told.text  # where the servers are is for the log
        again = subprocess.run(
            [*THESIS, "serve", "--port", "0"],
            cwd=cluster.folder,
            env={**cluster.environ, "THESIS_STORE": str(cluster.folder / "fourth")},
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
        assert again.returncode == 1
        assert "The ledger (postgresql://thesis@127.0.0.1:" in again.stderr
        assert "is not there" in again.stderr
        assert "Traceback" not in again.stderr
    finally:
        postgres.start()
    until(lambda: ready(one) == ready(two) == 200)
    assert upload(one, "elm.md", note("Elm Lines", 44), writing).status_code == 200
    assert "44%" in str(ask(two, "How much did ferry demand at Elm Lines rise?", writing)["text"])
    assert cluster.thesis("verify") == {"clean": True, "problems": []}


def test_one_that_is_stopped_ends_what_it_was_asked(cluster: Cluster, writing: dict[str, str]) -> None:
    one, two = alive(cluster)[:2]
    sent: list[httpx.Response] = []
    thread = threading.Thread(target=lambda: sent.append(upload(one, "long.md", long_note("Long", 60), writing)))
    thread.start()
    until(lambda: states(two, writing).get("long.md") == "chunked")
    assert one.process is not None
    one.process.send_signal(signal.SIGTERM)
    # It takes in nothing more, and nginx asks another.
    until(lambda: not listens(one))
    web = httpx.get(f"{cluster.url}/api/v1/documents", headers=writing, trust_env=False)
    assert web.status_code == 200
    assert thread.is_alive()
    thread.join()
    assert sent[0].status_code == 200
    assert sent[0].json()["added"] == 1
    assert one.process.wait(60) == 0
    one.process = None
