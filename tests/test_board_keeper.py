"""The thread that keeps the board behind a server: it sees what came in by any door, makes way, and goes on after a fault."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from assistant.catalysts.face import Catalysts
from assistant.catalysts.keeper import Keeper, keeping
from tests.board_cases import Bench, bench, note
from tests.test_board_webhook import SECRET, Receiver, receiving
from vectorstore.embedding import Embedder
from vectorstore.errors import SettingsError, StoreError

ONE = note(
    "# One\n\nTariffs raise the costs of small importers.", title="One", publisher="Quay", published="2024-03-01"
)
TWO = note(
    "# Two\n\nTariffs hurt the makers of chairs in Ohio.", title="Two", publisher="Harbor", published="2024-04-01"
)


@pytest.fixture
def base(tmp_path: Path, embedder: Embedder, model_cache: Path, kept_in: str) -> Iterator[Bench]:
    with bench(tmp_path, embedder, model_cache) as made:
        made.put({"one.md": ONE})
        yield made


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as made:
        yield made


def keeper(base: Bench, busy: Callable[[], bool] = lambda: False, **settings: Any) -> Keeper:
    return Keeper(base.face, replace(base.assistant.settings, **settings), busy, pause_s=0.01, after_failure_s=0.01)


def test_a_turn_reads_what_came_in_and_asks_the_tools(base: Bench) -> None:
    mine = keeper(base)
    mine.turn()
    assert base.face.board("tariffs").pending == 0
    asked = len(base.tools.calls)
    assert asked > 0
    mine.turn()
    assert len(base.tools.calls) == asked  # nothing new, and it is not yet time
    base.put({"two.md": TWO})
    mine.turn()
    assert [e.publisher for e in base.face.board("tariffs").catalysts[0].for_] == ["Harbor", "Quay"]
    mine.stop()


def test_it_makes_way_for_an_ingest_and_comes_back(base: Bench) -> None:
    wanted = threading.Event()
    wanted.set()
    mine = keeper(base, wanted.is_set)
    mine.turn()
    assert base.face.board("tariffs").pending == 1
    wanted.clear()
    mine.turn()
    assert base.face.board("tariffs").pending == 0
    mine.stop()


def test_hours_0_asks_no_tool_in_the_background(base: Bench) -> None:
    mine = keeper(base, board_hours=0)
    mine.turn()
    assert base.tools.calls == []
    assert base.face.board("tariffs", measure=False).pending == 0
    mine.stop()


def test_changes_reach_the_webhook(base: Bench, receiver: Receiver) -> None:
    mine = keeper(base, webhook_url=receiver.url, webhook_secret=SECRET)
    mine.turn()
    assert receiver.got == []  # what was there at the beginning is no change
    base.put({"two.md": TWO})
    mine.turn()
    [(_, body)] = receiver.got
    assert [one["title"] for one in json.loads(body)["changes"]] == ["Tariffs: 1 sentence for"]
    mine.turn()
    assert len(receiver.got) == 1
    mine.stop()


def test_a_fault_does_not_end_it(
    base: Bench, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    done = threading.Event()
    tries: list[int] = []
    update = Catalysts.update

    def fails_twice(self: Catalysts, **given: Any) -> int:
        tries.append(1)
        if len(tries) == 1:
            raise StoreError("The board cannot be used.", "Mend it.")
        if len(tries) == 2:
            raise RuntimeError("a fault")
        left = update(self, **given)
        done.set()
        return left

    monkeypatch.setattr(Catalysts, "update", fails_twice)
    mine = keeper(base)
    mine.start()
    assert done.wait(30)
    mine.stop()
    assert [r.levelname for r in caplog.records if r.name.endswith("keeper")][:2] == ["WARNING", "ERROR"]


def test_the_block_ends_the_thread(base: Bench) -> None:
    with keeping(base.face, base.assistant.settings, lambda: False) as mine:
        assert mine._thread.is_alive()
    assert not mine._thread.is_alive()


def test_a_webhook_that_cannot_be_one_is_told_before_the_server_starts(base: Bench) -> None:
    with pytest.raises(SettingsError, match="webhook_secret is not"):
        keeper(base, webhook_url="https://hooks.example")
