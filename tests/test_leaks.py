"""What one may not read is not there: every probe gets from a base with forbidden documents what it gets from one without."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from assistant.access import User
from assistant.assistant import Assistant
from assistant.service import Service
from tests.leak_probes import (
    DEALS,
    INSIDER,
    OPEN,
    PROBES,
    QUESTIONS,
    READER,
    SECRETS,
    Known,
    Probe,
    Side,
    ask,
    document_probes,
    pair,
    said_of,
    told,
)
from tests.model_server import Reply, Request, serving, user_text
from vectorstore.embedding import Embedder
from vectorstore.errors import Forbidden, NotFound


class Bases:
    """Both bases, and what is known of the forbidden half; hypothesis prints it."""

    def __init__(self, whole: Side, alone: Side, known: Known) -> None:
        self.whole, self.alone, self.known = whole, alone, known

    def __repr__(self) -> str:
        return "two bases"

    def both(self, probe: Probe, user: User = READER) -> tuple[str, str]:
        return told(self.whole, user, self.known, probe), told(self.alone, user, self.known, probe)


@pytest.fixture(scope="module")
def bases(tmp_path_factory: pytest.TempPathFactory, embedder: Embedder, model_cache: Path) -> Iterator[Bases]:
    with pair(tmp_path_factory.mktemp("leaks"), embedder, model_cache) as (whole, alone, known):
        yield Bases(whole, alone, known)


def test_the_bases_differ_in_what_is_forbidden_only(bases: Bases) -> None:
    deals = bases.whole.service.sources(INSIDER)
    assert {s.collection for s in deals} == {"open", "deals"}
    assert sum(s.collection == "deals" for s in deals) == len(DEALS) + 1  # the upload; one of them failed
    assert {s.collection for s in bases.whole.service.sources(READER)} == {"open"}
    assert len(bases.whole.service.sources(READER)) == len(bases.alone.service.sources(READER)) == len(OPEN) + 1
    words = json.dumps([str(text) for text in OPEN.values()])
    assert [secret for secret in SECRETS if secret.lower() in words.lower()] == []
    assert len(QUESTIONS) >= 30


@pytest.mark.parametrize("probe", PROBES, ids=lambda probe: probe.name)
def test_a_reader_gets_the_same_with_and_without_forbidden_documents(bases: Bases, probe: Probe) -> None:
    with_them, without = bases.both(probe)
    assert with_them == without
    assert said_of(with_them, probe.name) == []


def test_ids_that_got_out_open_nothing(bases: Bases) -> None:
    count = 0
    for probe in document_probes(bases.known):
        with_them, without = bases.both(probe)
        assert with_them == without, probe.name
        count += 1
    assert count > 100
    # As for one that is nowhere: but for the id, the words are the same.
    nowhere = "0" * 24
    for id_ in bases.known.documents:
        for call in (bases.whole.service.document, bases.whole.service.info, bases.whole.service.remove):
            told_of = []
            for one in (id_, nowhere):
                with pytest.raises(NotFound) as caught:
                    call(READER, one)
                told_of.append(str(caught.value).replace(one, "ID"))
            assert told_of[0] == told_of[1]


def test_the_probes_would_tell(bases: Bases) -> None:
    """Whoever may read the forbidden gets something else: the probes have teeth."""
    ids = list(document_probes(bases.known))
    changing = ("forget", "cut", "share")
    telling = [
        p.name for p in (*PROBES, *ids) if not p.name.startswith(changing) and len(set(bases.both(p, INSIDER))) == 2
    ]
    kinds = {name.split()[0].rstrip(":") for name in telling}
    assert {
        "ask",
        "read",
        "search",
        "tool",
        "sources",
        "collections",
        "fingerprint",
        "document",
        "picture",
        "info",
        "chunk",
    } <= kinds
    assert {"answer", "conversation", "conversations", "follow-up"} <= kinds
    assert len(telling) > 150


def test_a_link_shows_the_owners_words_and_what_the_reader_may_read(bases: Bases) -> None:
    service, talk = bases.whole.service, "shared-talk"
    for question in QUESTIONS:
        service.ask(INSIDER, question, conversation_id=talk)
        # Nothing forbidden is retrieved, though the base's names and counts are known to it.
        service.ask(INSIDER, question, filters={"collection": ["open"]}, conversation_id=talk, as_of="2024-12-31")
    own = service.conversation(INSIDER, talk)["turns"]
    seen = service.shared(READER, service.share(INSIDER, talk))
    assert [t["question"] for t in seen["turns"]] == [t["question"] for t in own]
    shown = [t["answer"] for t in seen["turns"] if t["answer"] is not None]
    assert len(own) > len(shown) > 20
    assert {(t["status"], t["answer_id"]) for t in seen["turns"] if t["answer"] is None} == {("withheld", None)}
    for answer in shown:
        assert said_of(answer.model_dump_json(), answer.question) == []
        assert answer.warnings == ()
    # Answers that would tell of the forbidden without a word from it: by the name of a company, or by figures over all.
    open_only = [t["answer"] for t in own if t["answer"].filters.get("collection")]
    hidden = {a.question for a in open_only} - {a.question for a in shown}
    assert {"What do you know about Zorvane Holdings?", "What is the tone of earnings calls now?"} <= hidden
    # Whoever may read all of it sees all of it.
    other = replace(INSIDER, name="ilse")
    assert service.shared(other, service.share(INSIDER, talk))["turns"] == own
    service.unshare(INSIDER, talk)


def test_the_answers_of_the_insider_hold_the_secrets(bases: Bases) -> None:
    text = "".join(told(bases.whole, INSIDER, bases.known, p) for p in PROBES if p.name.startswith(("ask", "sources")))
    assert [secret for secret in SECRETS if secret not in text] == []


_WORDS = sorted(
    {
        word
        for files in (OPEN, DEALS)
        for text in files.values()
        if isinstance(text, str)
        for word in re.findall(r"[\w$%.,'-]{2,}", text.split("---")[-1][:1500])
    }
)
_OPENINGS = ["What is", "Who", "How much", "Compare", "What was the revenue of", "Does", "For and against:", "And", ""]


@given(
    opening=st.sampled_from(_OPENINGS),
    words=st.lists(st.sampled_from([*_WORDS, *SECRETS]), min_size=1, max_size=7),
    filters=st.sampled_from([None, {"collection": ["deals", "open"]}, {"kind": ["note"]}]),
    as_of=st.sampled_from([None, None, "2024-06-30"]),
)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_any_question_is_answered_as_if_the_forbidden_were_not_there(
    bases: Bases, opening: str, words: list[str], filters: dict[str, list[str]] | None, as_of: str | None
) -> None:
    question = f"{opening} {' '.join(words)}?".strip()
    probe = Probe(question, ask(question, filters=filters, as_of=as_of))
    with_them, without = bases.both(probe)
    assert with_them == without
    assert said_of(with_them, question) == []


def test_a_model_finds_nothing_forbidden_by_its_own_searches(bases: Bases) -> None:
    asked = [("search", {"query": q, "k": 12}) for q in ("Zorvane Nightjar price", "Harbor Tools debt after the bid")]
    asked += [("search", {"query": "revenue", "company": "Zorvane Holdings", "period": "2021"})]

    def calls(_: Request) -> Reply:
        return Reply(calls=asked)

    seen = []
    for side in (bases.whole, bases.alone):
        with serving(calls, Reply("The base does not say.")) as server:
            chosen = replace(side.service.settings, model="openai:scripted", model_url=server.url, model_timeout_s=20)
            assistant = Assistant(side.store, chosen, ())
            view = assistant.within(frozenset({"open"}))
            try:
                answer = view.ask("How much does Harbor Tools owe its banks?")
            finally:
                assistant.release()
            assert len(server.requests) > 1
            read = "\n".join(user_text(request) for request in server.requests)
            assert [
                s for s in SECRETS if s in read.replace("Zorvane Nightjar price", "").replace("Zorvane Holdings", "")
            ] == []
            assert {p.path for p in answer.passages} <= {s.path for s in view.sources()}
            seen.append(sorted((p.chunk_id, p.text) for p in answer.passages))
    assert seen[0] == seen[1]


def test_a_right_that_is_withdrawn_counts_for_old_answers_too(bases: Bases) -> None:
    """What was said from documents that one may no longer read is gone; one's own words and other answers stay."""
    service = bases.whole.service
    question, conversation = "What is Zorvane to be bought for?", "withdrawn-talk"
    secret = service.ask(INSIDER, question, conversation_id=conversation)
    harmless = service.ask(
        INSIDER,
        "What did the recall cost Lantern Foods?",
        conversation_id=conversation,
        filters={"collection": ["open"]},
    )
    assert "1,847.3" in service.answer(INSIDER, secret.answer_id).text
    assert [bool(t["answer"]) for t in service.conversation(INSIDER, conversation)["turns"]] == [True, True]
    outside = replace(INSIDER, groups=())
    with pytest.raises(NotFound) as gone:
        service.answer(outside, secret.answer_id)
    with pytest.raises(NotFound) as nowhere:
        service.answer(outside, "0" * 32)
    assert str(gone.value) == str(nowhere.value)
    assert service.answer(outside, harmless.answer_id) == service.answer(INSIDER, harmless.answer_id)
    turns = service.conversation(outside, conversation)["turns"]
    assert [(t["question"], bool(t["answer"])) for t in turns] == [(question, False), (harmless.question, True)]
    with serving(Reply("The base does not say.")) as server:
        chosen = replace(service.settings, model="openai:scripted", model_url=server.url, model_timeout_s=20)
        assistant = Assistant(bases.whole.store, chosen, ())
        asked = Service(assistant, None, chosen, records=service.records(), rules=service._rules)
        try:
            asked.ask(outside, "What did the recall cost Lantern Foods in 2023?", conversation_id=conversation)
        finally:
            assistant.release()
        read = "\n".join(user_text(request) for request in server.requests)
    assert question in read
    assert "$22 million" in read
    assert said_of(read, question) == []


def test_an_upload_reaches_its_own_collection_only(bases: Bases, tmp_path: Path) -> None:
    """The name of a forbidden upload is free in one's own collection, and the forbidden one stays as it is."""
    file = tmp_path / "new.md"
    file.write_text("# Anew\n\nAn upload of the same name.\n")
    service = bases.whole.service
    before = service.sources(INSIDER)
    for name in ("deals", "DEALS ", "nowhere"):
        with pytest.raises(Forbidden, match="You may not add to the collection"):
            service.upload(READER, [("shared.md", file)], collection=name)
    assert service.sources(INSIDER) == before
    reports = [
        side.service.upload(READER, [("nightjar.md", file), ("shared.md", file)], collection=None).to_json()
        for side in (bases.whole, bases.alone)
    ]
    counts = [{k: r[k] for k in ("added", "updated", "unchanged", "failed", "warnings", "chunks")} for r in reports]
    assert counts[0] == counts[1]
    deals = {s.document_id: s for s in before if s.collection == "deals"}
    assert {s.document_id: s for s in service.sources(INSIDER) if s.collection == "deals"} == deals
    mine = [s for s in service.sources(READER) if s.path == "upload:/nightjar.md"]
    for side in (bases.whole, bases.alone):
        assert side.service.remove(READER, mine[0].document_id) == 1


def test_collections_are_listed_with_what_may_be_done_in_them(bases: Bases) -> None:
    whole = bases.whole.service
    assert whole.collections(READER) == [{"name": "open", "documents": len(OPEN) + 1, "writable": True}]
    deals = {"name": "deals", "documents": len(DEALS) + 1, "writable": False}
    assert [one for one in whole.collections(INSIDER) if one["name"] == "deals"] == [deals]
    root = User("root", "admin")
    assert {one["name"]: one["writable"] for one in whole.collections(root)} == {"deals": True, "open": True}


def test_a_reader_who_may_write_nowhere_changes_nothing(bases: Bases) -> None:
    document = bases.whole.service.sources(READER)[0].document_id
    with pytest.raises(Forbidden, match="may not use this"):
        bases.whole.service.remove(INSIDER, document)
    member = User("eve", "editor", ("deals-editors",), via="password")
    with pytest.raises(Forbidden, match="You may not remove from 'open'"):
        bases.whole.service.remove(member, document)


def test_with_nothing_to_read_the_base_is_empty(bases: Bases) -> None:
    service = bases.whole.service
    assert service.view(User("nobody")).within(frozenset()).ask("What is Zorvane?").status == "error"
    nobody = service.view(READER).within(frozenset({"deals"}))
    answer = nobody.ask("What is Zorvane?")
    assert answer.error is not None
    assert answer.error.kind == "store_empty"
    assert nobody.sources() == []


def test_a_reader_s_assistant_is_made_once(bases: Bases) -> None:
    service = bases.whole.service
    assert service.view(READER) is service.view(User("rob"))
    assert service.view(READER) is not service.view(INSIDER)
