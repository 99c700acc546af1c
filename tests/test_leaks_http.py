"""Over HTTP a reader gets from a base with forbidden documents, byte for byte, what they get from one without."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import pytest
from leak_probes import FILTERS, HISTORIES, QUESTIONS, SECRETS, Known, Side, pair, said_of
from signin_cases import WARNINGS

from assistant.web.server import serve
from vectorstore.embedding import Embedder

pytestmark = [pytest.mark.filterwarnings(warning) for warning in WARNINGS]
READER = {"x-forwarded-user": "rita"}
INSIDER = {"x-forwarded-user": "ida", "x-groups": "deals"}
Send = Callable[[httpx.Client, Known], httpx.Response]
# What differs between two runs, or between two servers: ids, times, ports, folders, a page's nonce.
_VARYING = (
    (r'"(answer_id|chat_id|id)": ?"[^"]*"', r'"\1": ""'),
    (r'"(timings_ms|usage)": ?\{[^}]*\}', r'"\1": {}'),
    (r'"(ingested_at|created|changed|time)": ?("[^"]*"|\d+)', r'"\1": ""'),
    (r"127\.0\.0\.1:\d+", "HOST"),
    (r"\b[0-9a-f]{12,}\b(?=[\"')\]. ]*error|\)\.)", "ID"),
    (r"nonce(-|=\")[\w-]+", "NONCE"),
)


@dataclass(frozen=True)
class Bases:
    """Both servers, and what is known of the forbidden half."""

    whole: httpx.Client
    alone: httpx.Client
    known: Known
    roots: tuple[Path, Path]

    def both(self, send: Send, who: Mapping[str, str] = READER) -> tuple[str, str]:
        return self._told(self.whole, 0, send, who), self._told(self.alone, 1, send, who)

    def _told(self, client: httpx.Client, number: int, send: Send, who: Mapping[str, str]) -> str:
        client.headers.update(who)
        try:
            answer = send(client, self.known)
        finally:
            for name in who:
                del client.headers[name]
        length = len(answer.content) if answer.headers.get("content-type", "").startswith("image/") else None
        text = f"{answer.status_code} {answer.headers.get('content-type')}\n{length or answer.text}"
        text = text.replace(str(self.roots[number]), "ROOT")
        for pattern, by in _VARYING:
            text = re.sub(pattern, by, text)
        return text


@pytest.fixture(scope="module")
def bases(tmp_path_factory: pytest.TempPathFactory, embedder: Embedder, model_cache: Path) -> Iterator[Bases]:
    with ExitStack() as stack:
        whole, alone, known = stack.enter_context(pair(tmp_path_factory.mktemp("leaks"), embedder, model_cache))
        clients = []
        for side in (whole, alone):
            client = stack.enter_context(_served(stack, side))
            clients.append(client)
        told = {"question": "What is Zorvane to be bought for?", "conversation_id": "nightjar-talk"}
        answer = clients[0].post("/api/v1/ask", json=told, headers=INSIDER).json()
        assert "1,847.3" in answer["text"]
        known = replace(known, answer=answer["answer_id"])
        yield Bases(clients[0], clients[1], known, (whole.root, alone.root))


def _served(stack: ExitStack, side: Side) -> httpx.Client:
    settings = replace(
        side.service.settings,
        port=0,
        auth="proxy",
        trusted_proxies=("127.0.0.1",),
        proxy_groups_header="X-Groups",
        editors=("rita",),
        rate_per_minute=0,
    )
    handle = serve(side.service, settings, block=False)
    stack.callback(handle.close)
    return httpx.Client(base_url=handle.url, trust_env=False, timeout=60, headers={"origin": handle.url})


def _post(path: str, body: Mapping[str, Any], **headers: str) -> Send:
    return lambda client, _: client.post(path, json=body, headers=headers)


def _get(path: str) -> Send:
    return lambda client, _: client.get(path)


def _probes() -> Iterator[tuple[str, Send]]:
    for question in QUESTIONS:
        yield f"ask: {question}", _post("/api/v1/ask", {"question": question})
        yield f"read: {question}", _post("/api/v1/read", {"question": question})
        yield f"search: {question}", _get(f"/api/v1/search?q={quote(question)}&k=20")
    for question in QUESTIONS[:4]:
        yield f"events: {question}", _post("/api/v1/ask", {"question": question}, accept="text/event-stream")
        chat = {"model": "thesis", "messages": [{"role": "user", "content": question}]}
        yield f"chat: {question}", _post("/v1/chat/completions", chat)
        yield f"chat events: {question}", _post("/v1/chat/completions", chat | {"stream": True})
        call = {
            "jsonrpc": "2.0",
            "id": 1,
            "method": "tools/call",
            "params": {"name": "ask", "arguments": {"question": question}},
        }
        yield f"mcp: {question}", _post("/mcp", call, accept="application/json, text/event-stream")
    for before, after in HISTORIES:
        said = [{"role": "user", "content": before}, {"role": "assistant", "content": "It is so."}]
        messages = [*said, {"role": "user", "content": after}]
        yield (
            f"chat after {before!r}: {after}",
            _post("/v1/chat/completions", {"model": "thesis", "messages": messages}),
        )
    for filters in FILTERS:
        yield f"ask {filters}", _post("/api/v1/ask", {"question": "What is said about small caps?", "filters": filters})
    for after in ("And in 2022?", "What does it cost?", "Who wrote that?"):
        body = {"question": after, "conversation_id": "nightjar-talk"}
        yield f"follow-up in another's conversation: {after}", _post("/api/v1/ask", body)
    for path in ("documents", "tools", "conversations", "documents?collection=deals", "documents?q=Zorvane"):
        yield path, _get(f"/api/v1/{path}")
    for path in ("/metrics", "/readyz", "/api/v1/openapi.json", "/v1/models", "/api/v1/conversations/nightjar-talk"):
        yield path, _get(path)
    yield "a tool", _post("/api/v1/tools/call_sentiment", {"arguments": {"company": "Zorvane"}})
    yield (
        "a tool on the claim that Zorvane costs 1,847.3",
        _post("/api/v1/tools/verify_claim", {"arguments": {"claim": "Zorvane costs 1,847.3"}}),
    )


def _known_probes(known: Known) -> Iterator[tuple[str, Send]]:
    yield "another's answer", _get(f"/api/v1/answers/{known.answer}")
    body = {"answer_id": known.answer, "verdict": "good", "comment": "Zorvane?"}
    yield "feedback on another's answer", _post("/api/v1/feedback", body)
    for id_ in known.documents:
        for path in (f"/api/v1/documents/{id_}", f"/document/{id_}", f"/document/{id_}?start=0&end=9"):
            yield path, _get(path)
        for path in (f"/api/v1/documents/{id_}/text?start=0&end=20", f"/api/v1/documents/{id_}/pages/1.png"):
            yield path, _get(path)
        yield f"picture of {id_}", _get(f"/document/{id_}/page/1.png?start=0&end=9")
        yield f"delete {id_}", lambda c, k, i=id_: c.delete(f"/api/v1/documents/{i}")  # type: ignore[misc]
        for version in known.versions[:2]:
            yield f"{id_} {version}", _get(f"/api/v1/documents/{id_}/text?version={version}")
            yield f"page {id_} {version}", _get(f"/document/{id_}?version={version}")


PROBES = tuple(_probes())


@pytest.mark.parametrize(("name", "send"), PROBES, ids=[name for name, _ in PROBES])
def test_a_reader_gets_the_same_with_and_without_forbidden_documents(bases: Bases, name: str, send: Send) -> None:
    whole, alone = bases.both(send)
    assert whole == alone
    assert not whole.startswith("5")
    if "nightjar" not in name and name != "conversations":  # their own, under the id that they chose
        assert not said_of(whole, f"{name} {json.dumps(FILTERS)}")


def test_ids_that_got_out_open_nothing(bases: Bases) -> None:
    for name, send in _known_probes(bases.known):
        whole, alone = bases.both(send)
        assert whole == alone, name
        assert whole[:3] in {"404", "403"}, (name, whole)


def test_who_forgets_a_conversation_of_the_same_id_forgets_their_own(bases: Bases) -> None:
    def of_insider(client: httpx.Client, _: Known) -> httpx.Response:
        return client.get("/api/v1/conversations/nightjar-talk")

    kept, _ = bases.both(of_insider, INSIDER)
    assert "1,847.3" in kept
    whole, alone = bases.both(lambda c, k: c.delete("/api/v1/conversations/nightjar-talk"))
    assert whole == alone
    assert bases.both(of_insider, INSIDER)[0] == kept


def test_the_probes_would_tell(bases: Bases) -> None:
    """For somebody who may read the collection most probes differ, so that equality says something."""
    telling = [name for name, send in PROBES if len(set(bases.both(send, INSIDER))) == 2]
    assert len(telling) > len(PROBES) // 2
    opened = {name: bases.both(send, INSIDER)[0][:3] for name, send in _known_probes(bases.known) if "/api" in name}
    assert "200" in opened.values()
    assert SECRETS
