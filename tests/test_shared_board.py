"""The board of a base that servers share: one of them keeps it, what one reads all show, and no change is told twice."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from assistant.catalysts import changes, outbox
from assistant.catalysts.boards import Boards
from assistant.catalysts.database import Part, open_board
from assistant.catalysts.face import Catalysts
from assistant.catalysts.keeper import Keeper
from assistant.common import Cached
from assistant.tools.snapshots import Snapshots
from assistant.tools.wiring import make_context
from tests.board_cases import Bench, Marker, Tools, bench, note
from tests.postgres_server import PostgresServer
from tests.test_board_webhook import SECRET, Receiver, receiving
from vectorstore.embedding import Embedder
from vectorstore.errors import StoreError
from vectorstore.settings import Settings
from vectorstore.shared import Shared

ONE = note(
    "# One\n\nTariffs raise the costs of small importers.", title="One", publisher="Quay", published="2024-03-01"
)
TWO = note(
    "# Two\n\nTariffs hurt the makers of chairs in Ohio.", title="Two", publisher="Harbor", published="2024-04-01"
)


class Server:
    """A server of the base: its own board over the documents that all see."""

    def __init__(self, base: Bench) -> None:
        self.settings, self.marker, self.tools = base.assistant.settings, Marker(), Tools()
        store = base.assistant.store
        self.boards = Boards(store, self.settings, Cached(store, 1024), self.marker, "marker 1")
        self.face = Catalysts(self.boards, store, self.settings, self.tools, whole=True)

    def keeper(self, busy: Callable[[], bool] = lambda: False, **settings: Any) -> Keeper:
        return Keeper(self.face, replace(self.settings, **settings), busy, pause_s=0.01, after_failure_s=0.01)

    def told(self) -> list[str]:
        return [one.kind for one in self.face.changes().changes]


@pytest.fixture
def base(tmp_path: Path, embedder: Embedder, model_cache: Path, shared_place: Shared) -> Iterator[Bench]:
    named = {"ledger": shared_place.url, "ledger_schema": shared_place.schema, "chroma": "http://127.0.0.1:1"}
    with bench(tmp_path, embedder, model_cache, **named) as made:
        made.put({"one.md": ONE})
        yield made


@pytest.fixture
def servers(base: Bench) -> Iterator[tuple[Server, Server]]:
    made = Server(base), Server(base)
    yield made
    for one in made:
        one.boards.close()


def test_what_one_server_reads_all_show_and_none_reads_again(servers: tuple[Server, Server]) -> None:
    one, other = servers
    assert other.face.board("tariffs").pending == 1
    assert one.face.update() == 0
    board = other.face.board("tariffs")
    assert (board.pending, [e.publisher for e in board.catalysts[0].for_]) == (0, ["Quay"])
    assert other.face.update() == 0
    assert other.marker.asked == []
    # Each call of a tool is made once for all of them.
    other.face.measure()
    asked = len(other.tools.calls)
    assert asked > 0
    one.face.board("tariffs")
    assert one.tools.calls == []
    assert one.told() == other.told() == ["begun"]


def test_two_that_read_at_once_tell_each_change_once(base: Bench, servers: tuple[Server, Server]) -> None:
    servers[0].face.update()
    base.put({"two.md": TWO})
    threads = [threading.Thread(target=one.face.update) for one in servers * 2]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert servers[0].told() == servers[1].told() == ["evidence_new", "begun"]
    new = "Tariffs hurt the makers of chairs in Ohio."
    assert [text for one in servers for name, text in one.marker.asked if name == "tariffs" and text == new] == [new]
    claims = [len(one.face.board("tariffs").catalysts[0].for_) for one in servers]
    assert claims == [2, 2]


def test_one_of_two_servers_keeps_the_board_and_the_other_goes_on(base: Bench, servers: tuple[Server, Server]) -> None:
    one, other = servers
    busy = threading.Event()
    first, second = one.keeper(busy.is_set), other.keeper()
    first.start()
    while one.face.board("tariffs", measure=False).pending:
        time.sleep(0.01)
    second.turn()
    assert (other.marker.asked, other.tools.calls) == ([], [])
    # It makes way for an ingest at its server; where it ends, another goes on.
    busy.set()
    while first._lock is not None:
        time.sleep(0.01)
    base.put({"two.md": TWO})
    second.turn()
    assert [text for _, text in other.marker.asked] == ["Tariffs hurt the makers of chairs in Ohio."] * len(
        {name for name, _ in other.marker.asked}
    )
    assert other.face.board("tariffs").pending == 0
    busy.clear()
    second.stop()
    while first._lock is None:
        time.sleep(0.01)
    first.stop()
    third = other.keeper()
    third.turn()
    assert third._lock is not None
    third.stop()


def test_a_keeper_that_lost_the_database_is_one_no_more(
    servers: tuple[Server, Server], postgres: PostgresServer
) -> None:
    one, other = servers
    first, second = one.keeper(), other.keeper()
    first.turn()
    assert first._lock is not None
    postgres.kill()
    postgres.start()
    second.start()
    while second._lock is None:
        time.sleep(0.01)
    assert first._is_mine() is False
    first.stop()
    second.stop()


def test_changes_reach_the_webhook_once_whichever_server_tells(base: Bench, servers: tuple[Server, Server]) -> None:
    with receiving() as receiver:
        named = {"webhook_url": receiver.url, "webhook_secret": SECRET}
        one, other = servers[0].keeper(**named), servers[1].keeper(**named)
        one.turn()
        base.put({"two.md": TWO})
        for turns in (one, other, other, one):
            turns.turn()
        one.stop()
        other.turn()
        assert titles(receiver) == [["Tariffs: 1 sentence for"]]
        base.put({"one.md": ONE.replace("raise", "hurt")})
        other.turn()
        assert len(titles(receiver)) == 2
        other.stop()


def titles(receiver: Receiver) -> list[list[str]]:
    return [[one["title"] for one in json.loads(body)["changes"]] for _, body in receiver.got]


def test_two_that_fill_the_outbox_make_no_delivery_twice(shared_place: Shared) -> None:
    pair = [open_board(shared_place, changes.PART, outbox.PART) for _ in range(2)]
    outbox.fill(pair[0])
    with pair[0].write() as connection:
        noted = [changes.Noted("status_changed", "tariffs", f"{n} \0", "It changed.") for n in range(3)]
        changes.note(connection, noted, changes.now())
    threads = [threading.Thread(target=outbox.fill, args=(one,)) for one in pair * 3]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [outbox.waiting(one) for one in pair] == [1, 1]
    for one in pair:
        one.close()


def test_tables_of_a_newer_program_are_refused_and_older_ones_brought_up(shared_place: Shared) -> None:
    part = Part("more", 1, "-- one; of many\nCREATE TABLE more (x TEXT)")
    open_board(shared_place, part).close()
    with pytest.raises(StoreError, match=r"newer version of this program \(more 1, known: 0\)"):
        open_board(shared_place, replace(part, version=0))
    grown = Part("more", 2, "CREATE TABLE more (x, y)", {1: "ALTER TABLE more ADD COLUMN y INTEGER"})
    board = open_board(shared_place, grown)
    with board.write() as connection:
        connection.execute("INSERT INTO more VALUES (?, ?)", ("a", 1))
    board.close()
    open_board(shared_place, grown).close()


def test_saved_pulls_of_one_server_answer_at_another(shared_place: Shared, tmp_path: Path) -> None:
    named = {"ledger": shared_place.url, "ledger_schema": shared_place.schema, "chroma": "http://127.0.0.1:1"}
    contexts = [make_context(Settings(store=str(tmp_path / name), **named), documents=None) for name in ("one", "two")]
    one, other = (context.snapshots for context in contexts)
    assert isinstance(one, Snapshots)
    assert other.latest("s", "k") is None
    for _ in range(2):  # the same again is kept once
        one.save("s", "k", "[1]", retrieved_at="2025-06-01T10:00:00+00:00", label="A source")
    other.save("s", "k", "[2]", retrieved_at="2025-06-01T10:00:00+00:00")
    assert [found.payload for found in one.history("s", "k")] == ["[2]"]
    assert not list(tmp_path.iterdir())
