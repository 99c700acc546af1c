"""A base whose vectors are on a real Chroma server: what happens when the server fails, and moving there and back."""

from __future__ import annotations

import io
import json
import shutil
import signal
import socket
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from chroma_servers import Between, ChromaServer, collections, lose_collections
from store_fakes import CountingEmbedder

import app
from assistant.cli import run
from assistant.wiring import Wiring
from benchmarks.scale_chroma import many
from benchmarks.search_base import Source
from ingest import _turns
from ingest.chunking import CHUNKER_VERSION
from ingest.ingestor import Ingestor
from vectorstore import _search, chroma_server
from vectorstore.backup import save
from vectorstore.errors import SettingsError, StoreError, StoreUnavailable
from vectorstore.records import Passage
from vectorstore.restore import restore
from vectorstore.server import Server
from vectorstore.settings import Settings
from vectorstore.store import Store, Upsert

MakeDocument = Callable[..., Upsert]

OLD = "Backlog fell.\n\nCommon ground.\n\nOld third."


@pytest.fixture
def server(tmp_path: Path) -> Iterator[ChromaServer]:
    with ChromaServer(tmp_path / "chroma-server") as started:
        yield started


@pytest.fixture
def between(chroma_server: str) -> Iterator[Between]:
    with Between(chroma_server) as proxy:
        yield proxy


def opened(root: Path, url: str = "", embedder: CountingEmbedder | None = None, **more: Any) -> Store:
    kept = Server(url, timeout_s=more.pop("timeout_s", 30.0)) if url else None
    return Store.open(root, embedder=embedder or CountingEmbedder(), chunker_version="1", server=kept, **more)


def texts(passages: Sequence[Passage]) -> list[str]:
    return sorted(passage.chunk.text for passage in passages)


def near(passages: Sequence[Passage]) -> list[tuple[str, float]]:
    """What was found, with what float32 keeps of a score."""
    return [(passage.chunk.chunk_id, round(passage.score, 5)) for passage in passages]


def ours(store: Store, url: str) -> set[str]:
    """What a store has on the server."""
    start = str(store.vectors_at()["collections"]).removesuffix("…")
    return {name.removeprefix(start) for name in collections(url) if name.startswith(start)}


# A server that fails


def test_while_the_server_is_down_words_go_in_answers_stay_and_vectors_follow(
    tmp_path: Path, make_document: MakeDocument, server: ChromaServer, monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:  # fmt: skip
    with opened(tmp_path / "base", server.url, timeout_s=0.5) as store:
        store.upsert_many([make_document(OLD, path="old")])
        before = store.search_dense("backlog", k=3)
        server.stop()
        store.put_many([make_document("Backlog rose.", path="new")])
        assert texts(store.search_keyword("backlog", k=9)) == ["Backlog fell.", "Backlog rose."]
        # The ledger has every vector: a base of this size is scored in full, and the log says so.
        assert near(store.search_dense("backlog", k=3)) == near(before)
        assert "Meanwhile the vectors of the ledger answer." in caplog.text
        with pytest.raises(StoreUnavailable) as caught:
            store.embed_next()
        assert caught.value.message.endswith(" 1 documents wait for their vectors; words find them already.")
        assert server.url in caught.value.message
        monkeypatch.setattr(_search, "EXACT_WITHIN", 2)
        with pytest.raises(StoreUnavailable, match=server.url):  # a large one says that it cannot, rather than less
            store.search("backlog", k=3)
        with pytest.raises(StoreUnavailable):
            store.remove([before[0].chunk.document_id])
        assert [one.chunks for one in store.waiting()] == [1]

        server.start()
        assert [one.error for one in store.embed_next()] == [None]
        assert texts(store.search_dense("backlog", k=1)) == ["Backlog rose."]
        store.put_many([])  # what the removal left half-way is put right
        assert store.verify() == []
        assert [info.path for info in store.sources()] == ["new"]


def test_a_crash_in_the_middle_of_an_ingest_is_waited_for(
    tmp_path: Path, make_document: MakeDocument, server: ChromaServer
) -> None:
    class Killing(CountingEmbedder):
        def encode(self, given: Sequence[str]) -> Any:
            if len(self.encoded) > 600:
                server.stop(signal.SIGKILL)
                threading.Timer(0.5, server.start).start()
            return super().encode(given)

    documents = [
        make_document("\n\n".join(f"part {n}, word{n}x{d}" for n in range(300)), path=f"{d}") for d in range(3)
    ]
    with opened(tmp_path / "base", server.url, Killing()) as store:
        store.upsert_many(documents)
        assert store.waiting() == []
        assert store.verify() == []


def test_a_server_that_is_not_there_at_the_opening_holds_no_lock(
    tmp_path: Path, make_document: MakeDocument, server: ChromaServer
) -> None:
    root = tmp_path / "base"
    with opened(root, server.url) as store:
        store.upsert_many([make_document(OLD)])
    server.stop()
    for _ in range(2):
        with pytest.raises(StoreUnavailable, match="is not there"):
            opened(root, server.url, timeout_s=0.3)
    server.start()
    with opened(root, server.url) as store:
        assert store.verify() == []


def test_a_server_that_does_not_answer_is_left_when_the_time_is_over(
    tmp_path: Path, make_document: MakeDocument, server: ChromaServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_search, "EXACT_WITHIN", 0)
    with opened(tmp_path / "base", server.url, timeout_s=0.5) as store:
        store.upsert_many([make_document(OLD)])
        server.tell(signal.SIGSTOP)
        with pytest.raises(StoreUnavailable, match="did not answer within"):
            store.search_dense("backlog", k=1)
        server.tell(signal.SIGCONT)
        with pytest.raises(StoreUnavailable, match="did not answer within"):  # not asked again for a while
            store.search_dense("backlog", k=1)
        monkeypatch.setattr(chroma_server, "_OUT_S", 0.0)
        store.upsert_many([make_document("Backlog rose.", path="new")])  # a change asks, and then it is back
        assert texts(store.search_dense("backlog rose", k=1)) == ["Backlog rose."]


def test_a_server_that_lost_its_data_is_filled_again_without_embedding(
    tmp_path: Path, make_document: MakeDocument, chroma_server: str
) -> None:
    root = tmp_path / "base"
    with opened(root, chroma_server) as store:
        store.upsert_many([make_document(OLD)])
        before = store.search_dense("backlog", k=3)
        lose_collections(chroma_server, str(store.vectors_at()["collections"]).removesuffix("-…"))
        with pytest.raises(StoreError, match="is no longer there") as caught:
            store.search_dense("backlog", k=3)
        assert "thesis rebuild" in caught.value.what_to_do
        assert any("is no longer there" in problem for problem in store.verify())
    with pytest.raises(StoreError, match="has no collections") as caught:
        opened(root, chroma_server)
    assert not isinstance(caught.value, StoreUnavailable)
    assert "thesis rebuild" in caught.value.what_to_do
    embedder = CountingEmbedder()
    with opened(root, chroma_server, embedder, repair=True) as store:
        store.rebuild()
        assert embedder.encoded == []
        assert store.verify() == []
        assert near(store.search_dense("backlog", k=3)) == near(before)
        assert ours(store, chroma_server) == {"2-body", "2-furniture"}


def test_busy_answers_are_asked_again_and_large_requests_made_smaller(
    tmp_path: Path, make_document: MakeDocument, between: Between
) -> None:
    item = make_document("\n\n".join(f"part {n}, word{n}" for n in range(40)))
    with opened(tmp_path / "base", between.url) as store:
        between.answer = _refusing(iter([503, 429, 502]), limit=1500)
        store.upsert_many([item])
        assert store.verify() == []
        between.answer = lambda method, path, length: (413, b"{}") if path.endswith("/upsert") else None
        with pytest.raises(StoreError, match="too large") as caught:
            store.upsert_many([make_document("One.", path="one")])
        assert "proxy" in caught.value.what_to_do
        assert [one.chunks for one in store.waiting()] == [1]
        between.answer = lambda method, path, length: None
        store.embed_next()
        assert store.verify() == []


def _refusing(statuses: Iterator[int], limit: int) -> Callable[[str, str, int], tuple[int, bytes] | None]:
    def answer(method: str, path: str, length: int) -> tuple[int, bytes] | None:
        if not path.endswith("/upsert"):
            return None
        status = next(statuses, 413 if length > limit else 0)
        return (status, b"{}") if status else None

    return answer


@pytest.mark.parametrize(
    ("status", "body", "words", "temporary"),
    [
        (404, b"<html>Not here</html>", "answered with status 404", False),
        (200, b"<html>Welcome</html>", "no answer of a Chroma server", False),
        (200, b'"0.5.23"', "version '0.5.23'", False),
        (500, b"{}", "answered with status 500", False),
        (401, b"{}", "refused the token", False),
        (403, b"{}", "refused the token", False),
        (503, b"{}", "busy or stopped", True),
        (429, b"{}", "busy or stopped", True),
    ],
)
def test_what_is_no_chroma_server_or_lets_nobody_in(
    tmp_path: Path, between: Between, status: int, body: bytes, words: str, temporary: bool
) -> None:
    between.answer = lambda method, path, length: (status, body)
    with pytest.raises(StoreError) as caught:
        opened(tmp_path / "base", between.url, timeout_s=0.5)
    assert words in caught.value.message
    assert between.url in caught.value.message
    assert caught.value.what_to_do
    assert isinstance(caught.value, StoreUnavailable) is temporary


def test_certificates_that_are_none_are_named(tmp_path: Path, chroma_server: str) -> None:
    (tmp_path / "own.pem").write_text("no certificate")
    for name in ("none.pem", "own.pem"):
        place = Server(chroma_server, ca_bundle=str(tmp_path / name))
        with pytest.raises(SettingsError, match="cannot be used"):
            Store.open(tmp_path / "base", embedder=CountingEmbedder(), server=place)


def test_an_unknown_database_is_named(tmp_path: Path, chroma_server: str) -> None:
    with pytest.raises(StoreError, match="no database 'elsewhere'"):
        Store.open(tmp_path, embedder=CountingEmbedder(), server=Server(chroma_server, database="elsewhere"))


def test_the_token_goes_with_every_request_and_nothing_goes_elsewhere(
    tmp_path: Path, make_document: MakeDocument, between: Between, monkeypatch: pytest.MonkeyPatch
) -> None:
    reached, real = set[Any](), socket.create_connection

    def connect(address: Any, *rest: Any, **more: Any) -> socket.socket:
        reached.add(address[:2])
        return real(address, *rest, **more)

    monkeypatch.setattr(socket, "create_connection", connect)
    place = Server(between.url, token="ck-very-secret")
    with Store.open(tmp_path, embedder=CountingEmbedder(), server=place) as store:
        store.upsert_many([make_document(OLD)])
        assert len(store.search_dense("backlog", k=3)) == 3
        assert "ck-very-secret" not in repr(store.vectors_at())
    assert {heard.get("x-chroma-token") for heard in between.heard} == {"ck-very-secret"}
    host, port = between.url.removeprefix("http://").split(":")
    assert (host, int(port)) in reached
    assert {one[0] for one in reached} == {"127.0.0.1"}


# Many stores, processes, and copies of one


def test_questions_are_answered_while_the_first_vectors_come_in(
    tmp_path: Path, make_document: MakeDocument, chroma_server: str
) -> None:
    """Chroma fails for a moment where the first vectors of a collection and a question meet."""
    failures, done = list[Exception](), threading.Event()

    def read() -> None:
        vector = CountingEmbedder().encode(["backlog"])[0]
        while not done.is_set():
            try:
                store._indexes()[0].nearest("body", vector, 5)
            except StoreError as error:
                failures.append(error)
                return

    with opened(tmp_path / "base", chroma_server) as store:
        threads = [threading.Thread(target=read) for _ in range(3)]
        for thread in threads:
            thread.start()
        store.upsert_many([make_document("\n\n".join(f"part {n}, word{n}" for n in range(600)))])
        done.set()
        for thread in threads:
            thread.join()
        assert failures == []
        assert store.verify() == []


def test_many_processes_read_and_write_on_one_server(chroma_server: str, make_document: MakeDocument) -> None:
    item = make_document("\n\n".join(f"part {n}, word{n}" for n in range(60)))
    vectors = CountingEmbedder().encode([chunk.text for chunk in item.chunks])
    base = Source(item.chunks, [""] * 60, vectors)
    found = many(base, vectors[:5], chroma_server, readers=2, writers=1, each=600)
    assert found["inserted"] == 600
    assert found["searches"] > 0


def test_stores_share_a_server_without_meeting(tmp_path: Path, make_document: MakeDocument, chroma_server: str) -> None:
    with opened(tmp_path / "a", chroma_server) as a, opened(tmp_path / "b", chroma_server) as b:
        a.upsert_many([make_document("Backlog of the first.", path="a")])
        b.upsert_many([make_document("Backlog of the second.", path="b")])
        a.rebuild()
        assert texts(a.search_dense("backlog", k=9)) == ["Backlog of the first."]
        assert texts(b.search_dense("backlog", k=9)) == ["Backlog of the second."]
        assert ours(a, chroma_server) == {"2-body", "2-furniture"}
        assert ours(b, chroma_server) == {"1-body", "1-furniture"}
        assert a.remove([info.document_id for info in a.sources()]) == 1
        assert (a.verify(), b.verify()) == ([], [])


def test_a_copied_folder_leaves_the_vectors_to_where_it_came_from(
    tmp_path: Path, make_document: MakeDocument, chroma_server: str
) -> None:
    root, copy = tmp_path / "base", tmp_path / "copy"
    with opened(root, chroma_server) as store:
        store.upsert_many([make_document(OLD)])
        kept = str(store.vectors_at()["collections"])
    shutil.copytree(root, copy)
    with pytest.raises(StoreError, match="is a copy, or was moved") as caught:
        opened(copy, chroma_server)
    assert "thesis rebuild" in caught.value.what_to_do
    embedder = CountingEmbedder()
    with opened(copy, chroma_server, embedder, repair=True) as other:
        other.rebuild()
        other.upsert_many([make_document("Of the copy.", path="copy")])
        assert embedder.encoded == ["Of the copy."]
        assert other.vectors_at()["collections"] != kept
        assert other.verify() == []
    with opened(root, chroma_server) as store:
        assert store.vectors_at()["collections"] == kept
        assert store.verify() == []


def test_an_older_state_of_the_folder_is_told_from_the_present_one(
    tmp_path: Path, make_document: MakeDocument, chroma_server: str
) -> None:
    root = tmp_path / "base"
    with opened(root, chroma_server) as store:
        store.upsert_many([make_document(OLD)])
    before = (root / "ledger.sqlite").read_bytes()
    with opened(root, chroma_server) as store:
        store.upsert_many([make_document("Of later.")])
    (root / "ledger.sqlite").write_bytes(before)  # the same file, as a snapshot of the disk would bring it back
    with pytest.raises(StoreError, match="opened by another copy"):
        opened(root, chroma_server)
    with opened(root, chroma_server, repair=True) as store:
        store.rebuild()
        assert store.verify() == []
        assert texts(store.search("backlog", k=1)) == ["Backlog fell."]


# There and back


def test_rebuild_moves_the_vectors_there_and_back_and_embeds_nothing(
    tmp_path: Path, make_document: MakeDocument, chroma_server: str
) -> None:
    root, embedder = tmp_path / "base", CountingEmbedder()
    with opened(root) as store:
        store.upsert_many([make_document(OLD)])
        before = store.search_dense("backlog", k=3)
        assert store.vectors_at() == {"where": "embedded"}
    with pytest.raises(StoreError, match="are in its folder") as caught:
        opened(root, chroma_server)
    assert "thesis rebuild" in caught.value.what_to_do
    with opened(root, chroma_server, embedder, repair=True) as store:
        store.rebuild()
        assert near(store.search_dense("backlog", k=3)) == near(before)
        assert store.verify() == []
        assert store.vectors_at()["where"] == chroma_server
        assert not (root / "chroma").exists()
    with opened(root, chroma_server, embedder) as store:
        assert near(store.search_dense("backlog", k=3)) == near(before)
    with pytest.raises(StoreError, match=f"are on the Chroma server {chroma_server}"):
        opened(root)
    with opened(root, embedder=embedder, repair=True) as store:
        store.rebuild()
        assert near(store.search_dense("backlog", k=3)) == near(before)
        assert store.verify() == []
    assert set(embedder.encoded) == {"backlog"}
    with opened(root) as store:
        assert store.verify() == []


def test_a_backup_comes_back_on_a_server_or_in_the_folder(
    tmp_path: Path, make_document: MakeDocument, chroma_server: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with opened(tmp_path / "base", chroma_server) as store:
        store.upsert_many([make_document(OLD)])
        before = store.search_dense("backlog", k=3)
    save(tmp_path / "base", tmp_path / "saved.zip")
    there = collections(chroma_server)
    with monkeypatch.context() as patch:
        patch.setattr("vectorstore.restore._need_whole", _raise)
        with pytest.raises(StoreError, match="not whole"):
            restore(tmp_path / "saved.zip", tmp_path / "none", server=Server(chroma_server))
    assert collections(chroma_server) == there  # what failed left nothing there
    for name, url in (("server", chroma_server), ("folder", "")):
        restore(tmp_path / "saved.zip", tmp_path / name, server=Server(url) if url else None)
        with opened(tmp_path / name, url) as store:
            assert store.verify() == []
            assert near(store.search_dense("backlog", k=3)) == near(before)
    with opened(tmp_path / "base", chroma_server) as store:
        assert store.verify() == []


def _raise(*given: object) -> None:
    raise StoreError("not whole")


# Through the program


def test_an_ingest_that_meets_a_dead_server_says_what_waits_and_it_comes_in_later(
    tmp_path: Path, server: ChromaServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_turns, "AGAIN_SECONDS", 0.2)
    files = tmp_path / "files"
    files.mkdir()
    (files / "a.md").write_text("# Backlog\n\nThe backlog fell in the year.\n")
    settings = Settings(store=str(tmp_path / "base"), workers=1)
    place = Server(server.url, timeout_s=0.5)
    with (
        Store.open(settings.store, embedder=CountingEmbedder(), chunker_version=CHUNKER_VERSION, server=place) as store,
        Ingestor(store, settings) as ingestor,
    ):
        server.stop()
        with pytest.raises(StoreUnavailable, match="1 documents wait for their vectors"):
            ingestor.ingest([str(files)])
        assert [p.path for p in store.search_keyword("backlog", k=1)] == [str(files / "a.md")]
        threading.Timer(0.5, server.start).start()
        assert ingestor.go_on() == ()  # what `thesis serve` does behind the page
        assert store.waiting() == []
        assert store.verify() == []
        assert {info.state for info in store.sources()} == {"indexed"}


def test_the_commands_work_with_a_server_and_show_no_secret(
    tmp_path: Path, model_cache: Path, chroma_server: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in {"CACHE": str(model_cache), "WORKERS": "1", "CHROMA_TOKEN": "ck-very-secret"}.items():
        monkeypatch.setenv(f"THESIS_{name}", value)

    def thesis(*arguments: str) -> tuple[int, Any]:
        out = io.StringIO()
        wiring = Wiring(app.open_assistant, app.open_ingestor, app.serve, app.progress)
        code = run([*arguments, "--store", str(tmp_path / "base"), "--json"], wiring, out=out)
        assert "ck-very-secret" not in out.getvalue()
        return code, json.loads(out.getvalue())

    (tmp_path / "a.md").write_text("# Backlog\n\nThe backlog of the yard fell to four ships.\n")
    assert thesis("ingest", str(tmp_path / "a.md"))[0] == 0
    assert thesis("doctor")[1]["store"]["vectors"] == {"where": "embedded"}
    monkeypatch.setenv("THESIS_CHROMA", chroma_server)
    code, found = thesis("search", "backlog")
    assert (code, found["error"]["kind"]) == (1, "store")
    assert "thesis rebuild" in found["error"]["what_to_do"]
    assert thesis("rebuild")[0] == 0
    code, found = thesis("doctor")
    vectors = found["store"]["vectors"]
    assert code == 0
    assert (vectors["where"], vectors["tenant"]) == (chroma_server, "default_tenant")
    assert thesis("search", "ships in the yard")[1]["passages"][0]["path"].endswith("a.md")
    assert thesis("verify") == (0, {"clean": True, "problems": []})
    assert thesis("backup", str(tmp_path / "saved.zip"))[0] == 0
    assert thesis("remove", str(tmp_path / "a.md"))[0] == 0
    assert thesis("sources")[1]["sources"] == []
    monkeypatch.setenv("THESIS_CHROMA", "http://me:hunter2@127.0.0.1:1")
    code, found = thesis("doctor")
    assert "hunter2" not in json.dumps(found)
    assert "a name or a password" in found["store"]["problem"]
