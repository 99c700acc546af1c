"""The board of whoever may not read a collection is that of a base without it: claims, counts, figures, status and changes."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from assistant.access import User
from assistant.catalysts.boards import Boards
from assistant.common import Cached
from tests.board_cases import Marker
from tests.leak_probes import INSIDER, READER, SECRETS, Known, Side, pair, plain
from vectorstore.embedding import Embedder
from vectorstore.errors import Forbidden, NotFound


@dataclass(frozen=True)
class Bases:
    whole: Side
    alone: Side
    known: Known


@pytest.fixture(scope="module")
def bases(tmp_path_factory: pytest.TempPathFactory, embedder: Embedder, model_cache: Path) -> Iterator[Bases]:
    with pair(tmp_path_factory.mktemp("board-leaks"), embedder, model_cache) as (whole, alone, known):
        held = []
        for side in (whole, alone):
            boards = Boards(side.store, side.service.settings, Cached(side.store, 1024), Marker(), "marker 1")
            side.service._assistant._common._boards = boards
            side.service._assistant.catalysts.update()
            side.service._assistant.catalysts.measure()
            held.append(boards)
        yield Bases(whole, alone, known)
        for boards in held:
            boards.close()


def told(value: Any, side: Side) -> str:
    return json.dumps(plain(value), ensure_ascii=False).replace(str(side.root), "ROOT")


ASKED: list[dict[str, Any]] = [
    {},
    {"only": "tariffs"},
    {"only": "sentiment-extremes"},
    {"as_of": "2024-04-30"},
    {"as_of": "2024-12-31", "since": "2024-03-01"},
    {"since": "2024-03-02"},
    {"tickers": ["ZRVN"]},
    {"tickers": ["HRBR", "ZRVN"]},
]


def _moments(text: str) -> str:
    found = json.loads(text)
    for one in found["catalysts"]:
        one.pop("measured_at")
        for reading in one["metrics"]:
            reading.pop("retrieved_at")
    return json.dumps(found, ensure_ascii=False)


@pytest.mark.parametrize("asked", ASKED, ids=str)
def test_a_reader_gets_the_board_of_a_base_without_the_rest(bases: Bases, asked: dict[str, Any]) -> None:
    got = [_moments(told(side.service.board(READER, **asked), side)) for side in (bases.whole, bases.alone)]
    assert got[0] == got[1]
    given = json.dumps(asked)
    assert [s for s in SECRETS if s.lower() in got[0].lower() and s not in given and s != "ZRVN"] == []
    assert not any(one in got[0] for one in bases.known.documents)


def test_the_board_shows_something_and_more_to_the_insider(bases: Bases) -> None:
    mine, theirs = (bases.whole.service.board(user, "tariffs") for user in (READER, INSIDER))
    assert 0 < mine.documents < theirs.documents
    assert "Tariffs raise the costs of Zorvane by 9%." in str(theirs)
    assert mine.catalysts[0].counts.speak_for < theirs.catalysts[0].counts.speak_for
    # The same bytes lie in the forbidden collection too: they are no repeat to whoever cannot see them.
    [first, *_] = mine.catalysts[0].for_
    assert first.also == ()


def test_the_changes_of_a_forbidden_collection_are_not_told(bases: Bases) -> None:
    folder = bases.whole.root.parent / "later"
    folder.mkdir()
    (folder / "bid.md").write_text("# Zorvane again\n\nThe tariffs on glimmerstone hurt Zorvane Holdings this year.\n")
    (folder / "quay.md").write_text("# Quay again\n\nThe tariffs on steel hurt the small makers of tools this year.\n")
    bases.whole.service._ingestor.ingest([str(folder / "bid.md")], collection="deals")
    for side in (bases.whole, bases.alone):
        side.service._ingestor.ingest([str(folder / "quay.md")], collection="open")
        side.service._assistant.catalysts.update()
        side.service._assistant.catalysts.measure()
    found = [side.service.board_changes(READER) for side in (bases.whole, bases.alone)]
    shown = [[(c.kind, c.catalyst, c.title, c.text, c.quote, c.evidence_ids) for c in one.changes] for one in found]
    assert shown[0] == shown[1]
    assert [kind for kind, *_ in shown[0]] == ["evidence_new", "begun"]
    insider = bases.whole.service.board_changes(INSIDER)
    assert [c.title for c in insider.changes].count("Tariffs: 1 sentence for") == 2
    assert "Zorvane" not in str(found[0])


def test_a_token_without_the_right_gets_no_board(bases: Bases) -> None:
    asker = User("asker", "reader", scopes=frozenset({"ask"}), via="token")
    for call in (bases.whole.service.board, bases.whole.service.board_changes):
        with pytest.raises(Forbidden):
            call(asker)
    with pytest.raises(NotFound):
        bases.whole.service.board(READER, "no-such-catalyst")


def test_the_audit_says_who_read_the_board(bases: Bases) -> None:
    bases.alone.service.board(READER, "tariffs", as_of="2024-12-31")
    bases.alone.service.board_changes(READER)
    with bases.alone.service.records()._database.read() as connection:  # type: ignore[attr-defined]
        rows = connection.execute("SELECT user, kind FROM audit ORDER BY seq DESC LIMIT 2").fetchall()
    assert rows == [("rita", "board_changes_read"), ("rita", "board_read")]
