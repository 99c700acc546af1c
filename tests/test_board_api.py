"""The board over HTTP: whole, one catalyst, changes, the feed; bad requests are problems."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import httpx
import pytest

from assistant.catalysts.shapes import Board, CatalystBoard, Changes
from assistant.service import Service
from tests.api_server import ASKER, bearer, running
from tests.board_cases import Bench, bench, note
from vectorstore.embedding import Embedder


@dataclass(frozen=True)
class Served:
    web: httpx.Client
    bench: Bench


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory, embedder: Embedder, model_cache: Path) -> Iterator[Served]:
    with bench(tmp_path_factory.mktemp("board-api"), embedder, model_cache, rate_per_minute=0) as base:
        files = {
            f"{i}.md": note(
                f"# Note {i}\n\nTariffs raise the costs of the makers of goods of kind {i}.\n\nA refund of duties will help makers of goods of kind {i}.",
                title=f"Note {i} <b>", publisher="Quay", published=f"2024-03-{i + 1:02d}", kind="note", company=f"Firm {i}", ticker=f"F{i}",
            )
            for i in range(5)
        }  # fmt: skip
        base.put(files)
        base.face.update()
        base.put({"late.md": note("# Late\n\nThe trade war will hurt <script>makers</script> of chairs & tables.", title="Late", publisher="Ha & Co", published="2024-05-01")})  # fmt: skip
        service = Service(base.wired(), base.ingestor, base.assistant.settings)
        with (
            running(service, base.assistant.settings) as url,
            httpx.Client(base_url=url, trust_env=False, timeout=60) as web,
        ):
            yield Served(web, base)


def got(served: Served, path: str, **query: Any) -> dict[str, Any]:
    answer = served.web.get(path, params=query)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "application/json"
    found: dict[str, Any] = answer.json()
    return found


def test_the_board_is_read_and_shown(served: Served) -> None:
    board = got(served, "/api/v1/board", since="2024-03-05", limit=2)
    assert Board.model_validate(board).model_dump(mode="json") == board
    assert (board["documents"], board["pending"], len(board["catalysts"])) == (6, 0, 10)
    tariffs = next(one for one in board["catalysts"] if one["id"] == "tariffs")
    assert tariffs["counts"]["speak_for"] == 6
    assert [one["published"] for one in tariffs["for"]] == ["2024-05-01", "2024-03-05"]
    assert [one["new"] for one in tariffs["for"]] == [True, True]
    named = {pair["against_id"] for pair in tariffs["contradictions"]}
    assert {one["evidence_id"] for one in tariffs["against"]} >= named - {None}


def test_one_catalyst(served: Served) -> None:
    one = got(served, "/api/v1/board/tariffs", as_of="2024-03-02")
    assert CatalystBoard.model_validate(one).model_dump(mode="json") == one
    assert [claim["published"] for claim in one["for"]] == ["2024-03-02", "2024-03-01"]
    few = got(served, "/api/v1/board/tariffs", ticker=["F1", "F3"])
    assert {claim["ticker"] for claim in few["for"]} == {"F1", "F3"}


def test_changes_and_their_feed_say_the_same(served: Served) -> None:
    got(served, "/api/v1/board")
    listed = got(served, "/api/v1/board/changes", catalyst="tariffs")
    assert Changes.model_validate(listed).model_dump(mode="json") == listed
    assert [one["title"] for one in listed["changes"]] == ["Tariffs: 1 sentence for"]
    answer = served.web.get("/api/v1/board/changes.atom", params={"catalyst": "tariffs"})
    assert answer.headers["content-type"].startswith("application/atom+xml")
    feed = ElementTree.fromstring(answer.content)
    ns = {"a": "http://www.w3.org/2005/Atom"}
    [entry] = feed.findall("a:entry", ns)
    assert entry.findtext("a:id", None, ns) == f"urn:thesis:board:change:{listed['changes'][0]['change_id']}"
    assert "<script>makers</script> of chairs & tables" in (entry.findtext("a:content", None, ns) or "")
    link = entry.find("a:link", ns)
    assert link is not None
    assert link.attrib["href"].startswith(str(served.web.base_url).rstrip("/") + "/document/")
    assert got(served, "/api/v1/board/changes", since="2999-01-01")["changes"] == []


@pytest.mark.parametrize(
    ("path", "status", "kind"),
    [
        ("/api/v1/board/weather", 404, "not_found"),
        ("/api/v1/board/changes?catalyst=weather", 404, "not_found"),
        ("/api/v1/board?as_of=soon", 400, "bad_request"),
        ("/api/v1/board?as_of=2024-01-01&since=2024-02-01", 400, "settings"),
        ("/api/v1/board?limit=0", 400, "bad_request"),
        ("/api/v1/board?colour=red", 400, "bad_request"),
        ("/api/v1/board/changes.atom?limit=1001", 400, "bad_request"),
    ],
)
def test_a_bad_request_is_told(served: Served, path: str, status: int, kind: str) -> None:
    answer = served.web.get(path)
    assert (answer.status_code, answer.json()["kind"]) == (status, kind)


def test_a_token_for_questions_alone_gets_no_board(served: Served) -> None:
    for path in ("/api/v1/board", "/api/v1/board/tariffs", "/api/v1/board/changes", "/api/v1/board/changes.atom"):
        assert served.web.get(path, headers=bearer(ASKER)).status_code == 403
