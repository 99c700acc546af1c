"""Conversations that change and are shown to others: turns that are cut, links, and files of schema 1."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from record_samples import ANNA, BEN, Stub, answer, ask, keep, kinds, open_records, service

from assistant.access import User
from assistant.models import Answer, Metric, ToolResult
from assistant.records import Records, audit, conversations, schema
from assistant.records.guards import GUARDS
from assistant.service import Service
from assistant.service.ports import Refused
from vectorstore.errors import Forbidden, NotFound, StoreError
from vectorstore.settings import Settings

TALK = "conversation-1"
# The tables of schema 1, as the program made them.
FIRST = """
CREATE TABLE audit (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    time TEXT NOT NULL, user TEXT NOT NULL, kind TEXT NOT NULL, channel TEXT NOT NULL,
    payload BLOB, payload_sha TEXT NOT NULL, prev TEXT NOT NULL, hash TEXT NOT NULL);
CREATE INDEX audit_time ON audit(time);
CREATE INDEX audit_kind ON audit(kind, seq) WHERE kind = 'pruned';
CREATE TABLE answer_rows (answer_id TEXT NOT NULL, seq INTEGER NOT NULL);
CREATE INDEX answer_rows_id ON answer_rows(answer_id);
CREATE TABLE conversations (
    owner TEXT NOT NULL, conversation_id TEXT NOT NULL, title TEXT NOT NULL, created TEXT NOT NULL, changed TEXT NOT NULL,
    PRIMARY KEY (owner, conversation_id)) WITHOUT ROWID;
CREATE TABLE turns (
    id INTEGER PRIMARY KEY,
    owner TEXT NOT NULL, conversation_id TEXT, time TEXT NOT NULL, question TEXT NOT NULL, status TEXT NOT NULL,
    answer_id TEXT, text TEXT NOT NULL, seq INTEGER, answer BLOB);
CREATE INDEX turns_conversation ON turns(owner, conversation_id, id);
CREATE INDEX turns_answer ON turns(owner, answer_id);
CREATE INDEX turns_seq ON turns(seq);
CREATE TABLE feedback (
    owner TEXT NOT NULL, answer_id TEXT NOT NULL, time TEXT NOT NULL, user TEXT NOT NULL, verdict TEXT NOT NULL, comment TEXT NOT NULL,
    PRIMARY KEY (owner, answer_id)) WITHOUT ROWID;
PRAGMA user_version = 1;
"""


@pytest.fixture
def records(tmp_path: Path, kept_in: str) -> Iterator[Records]:
    found = open_records(tmp_path)
    yield found
    found.close()


def said(records: Records, user: User = ANNA, talk: str = TALK) -> list[str]:
    return [turn["question"] for turn in records.conversation(user, talk)["turns"]]


def payloads(records: Records, kind: str) -> list[dict[str, Any]]:
    with records._database.read() as connection:
        return [json.loads(row.payload or b"null") for row in audit.rows(connection) if row.kind == kind]


def turn(records: Records, number: int, **named: Any) -> None:
    question = named.pop("question", f"Question {number}?")
    asked = ask(question, conversation_id=TALK, collections=named.pop("collections", None))
    records.asked(named.pop("user", ANNA), asked, answer(f"id{number}", question, **named))


# schema 1


def first_schema(root: Path, source: Path) -> None:
    """Write a file of schema 1 with what the records of ``source`` hold."""
    with closing(sqlite3.connect(root / schema.NAME, isolation_level=None)) as connection:
        connection.executescript(FIRST)
        connection.execute("ATTACH ? AS held", (str(source / schema.NAME),))
        for table, columns in (
            ("audit", "*"), ("answer_rows", "*"), ("conversations", "*"), ("feedback", "*"),
            ("turns", "id, owner, conversation_id, time, question, status, answer_id, text, seq, answer"),
        ):  # fmt: skip
            connection.execute(f"INSERT INTO {table} SELECT {columns} FROM held.{table}")
        for statement in GUARDS.values():
            connection.execute(statement)


def shape(root: Path) -> dict[str, list[tuple[Any, ...]]]:
    """Return the columns of every table of a file."""
    with closing(sqlite3.connect(root / schema.NAME)) as connection:
        names = [
            n
            for (n,) in connection.execute("SELECT name FROM sqlite_master WHERE type IN ('table', 'index', 'trigger')")
        ]
        return {name: connection.execute(f"PRAGMA table_xinfo({name})").fetchall() for name in sorted(names)}


def test_a_file_of_schema_1_is_brought_up_with_all_that_is_in_it(tmp_path: Path) -> None:
    old, new = tmp_path / "old", tmp_path / "new"
    old.mkdir()
    new.mkdir()
    records = open_records(new)
    keep(records, 3, conversation_id=TALK)
    keep(records, 1, user=BEN)
    records.feedback(ANNA, "id2", "bad", "Not so.")
    before = (records.head(), records.conversation(ANNA, TALK), records.conversations(ANNA), records.answer(BEN, "id1"))
    records.close()
    first_schema(old, new)
    with closing(sqlite3.connect(old / schema.NAME)) as connection:
        assert connection.execute("PRAGMA user_version").fetchone() == (1,)
    records = open_records(old)
    after = (records.head(), records.conversation(ANNA, TALK), records.conversations(ANNA), records.answer(BEN, "id1"))
    assert after == before
    assert [t["collections"] for t in records.conversation(ANNA, TALK)["turns"]] == [None] * 3
    with records._database.read() as connection:
        assert audit.check(connection).problems == ()
        assert connection.execute("PRAGMA user_version").fetchone() == (2,)
    # What is new works on it.
    records.cut(ANNA, TALK, "id1")
    assert said(records) == ["Question 1?"]
    assert records.shared(records.share(ANNA, TALK))["owner"] == "anna"
    records.close()
    assert shape(old) == shape(new)


def test_a_migration_that_fails_leaves_the_file_of_schema_1(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    new, old = tmp_path / "new", tmp_path / "old"
    new.mkdir()
    old.mkdir()
    records = open_records(new)
    keep(records, 2, conversation_id=TALK)
    records.close()
    first_schema(old, new)
    held = (old / schema.NAME).read_bytes(), shape(old)
    monkeypatch.setitem(schema.MIGRATIONS, 1, f"{schema.MIGRATIONS[1]}; SELECT x FROM nowhere")
    with pytest.raises(StoreError, match="no such table: nowhere"):
        open_records(old)
    assert shape(old) == held[1]
    monkeypatch.undo()
    records = open_records(old)
    assert said(records) == ["Question 1?", "Question 2?"]
    records.close()


# turns that are cut


def test_turns_after_an_answer_are_no_longer_part_of_the_conversation(records: Records, tmp_path: Path) -> None:
    for number in range(1, 5):
        turn(records, number, text=f"About {number}.")
    door = service(Stub(), records)
    door.cut(ANNA, TALK, "id2")
    assert said(records) == ["Question 1?", "Question 2?"]
    assert [t["content"] for t in records.history(ANNA, TALK)] == [
        "Question 1?", "About 1. [S1]", "Question 2?", "About 2. [S1]",
    ]  # fmt: skip
    (listed,) = door.conversations(ANNA)
    assert (listed["turns"], listed["title"]) == (2, "Question 1?")
    assert door.conversations(ANNA, "question 3") == door.conversations(ANNA, "about 4") == []
    # The audit keeps all four, and says that and how many were cut.
    assert kinds(tmp_path) == ["asked"] * 4 + ["conversation_cut"]
    (told,) = payloads(records, "conversation_cut")
    assert (told["conversation_id"], told["after"], told["turns"]) == (TALK, "id2", 2)
    assert [p["question"] for p in payloads(records, "asked")] == [f"Question {n}?" for n in range(1, 5)]
    with records._database.read() as connection:
        assert audit.check(connection).problems == ()
    # Who got the answer still has it by its id.
    assert records.answer(ANNA, "id4").text == "About 4. [S1]"
    # Nothing came after: nothing is done.
    door.cut(ANNA, TALK, "id2")
    assert kinds(tmp_path) == ["asked"] * 4 + ["conversation_cut"]
    # An answer that was cut is no place of the conversation any more.
    with pytest.raises(NotFound, match="There is no such answer"):
        door.cut(ANNA, TALK, "id3")
    turn(records, 5)
    assert said(records) == ["Question 1?", "Question 2?", "Question 5?"]


def test_the_next_question_is_asked_without_what_was_cut(records: Records) -> None:
    stub = Stub()
    door = service(stub, records)
    for question in ("Rates?", "And in 2022?"):
        door.ask(ANNA, question, conversation_id=TALK)
    door.cut(ANNA, TALK, "id-Rates?")
    door.ask(ANNA, "And in 2023?", conversation_id=TALK)
    assert [t["content"] for t in stub.asked[-1]["history"]] == ["Rates?", "About Rates? [S1]"]


def test_a_title_of_the_first_question_goes_with_it(records: Records) -> None:
    turn(records, 1, question="What of tariffs?")
    turn(records, 2)
    records.cut(ANNA, TALK, None)
    assert records.conversations(ANNA) == records.conversations(ANNA, "tariffs") == []
    assert records.history(ANNA, TALK) == []
    found = records.conversation(ANNA, TALK)
    assert (found["title"], found["turns"]) == ("", [])
    turn(records, 3, question="What of rates?")
    turn(records, 4)
    assert [(c["title"], c["turns"]) for c in records.conversations(ANNA)] == [("What of rates?", 2)]
    # Nor does a question that failed stay in it.
    records.cut(ANNA, TALK, None)
    records.ended(ANNA, ask("Stopped?", conversation_id=TALK), "stopped")
    assert [c["title"] for c in records.conversations(ANNA)] == ["Stopped?"]


def test_a_title_that_the_owner_gave_stays(records: Records) -> None:
    turn(records, 1)
    records.rename(ANNA, TALK, "Small caps")
    records.cut(ANNA, TALK, None)
    assert [(c["title"], c["turns"]) for c in records.conversations(ANNA)] == [("Small caps", 0)]
    turn(records, 2)
    assert [(c["title"], c["turns"]) for c in records.conversations(ANNA)] == [("Small caps", 1)]


def test_only_the_owner_cuts(records: Records) -> None:
    turn(records, 1)
    turn(records, 2)
    records.asked(BEN, ask(conversation_id="another-talk"), answer("bens"))
    for user in (BEN, replace(ANNA, via="token")):
        for after in (None, "id1"):
            with pytest.raises(NotFound, match="There is no such conversation"):
                records.cut(user, TALK, after)
    for after in ("bens", "id9", "", "id\ud8001"):
        with pytest.raises(NotFound, match="There is no such answer"):
            records.cut(ANNA, TALK, after)
    for talk in ("never-begun", "x\ud800", ""):
        with pytest.raises(NotFound, match="There is no such conversation"):
            records.cut(ANNA, talk, None)
    assert said(records) == ["Question 1?", "Question 2?"]


def test_what_was_cut_goes_with_its_conversation_or_its_row(records: Records) -> None:
    for number in (1, 2, 3):
        turn(records, number)
    records.cut(ANNA, TALK, "id1")
    later = datetime.now(UTC) + timedelta(days=40)
    assert audit.prune(records._database, 30, user="local", moment=later) == 4
    assert records.answer(ANNA, "id1").answer_id == "id1"  # stands in a conversation
    with pytest.raises(NotFound):
        records.answer(ANNA, "id2")
    turn(records, 4)
    records.cut(ANNA, TALK, "id1")
    records.forget(ANNA, TALK)
    with records._database.read() as connection:
        assert connection.execute("SELECT count(*) FROM turns").fetchone() == (0,)


@given(st.lists(st.one_of(st.just("ask"), st.just("stop"), st.integers(0, 8), st.none()), max_size=14))
@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_conversation_is_what_was_asked_and_not_cut(tmp_path_factory: Any, steps: list[Any]) -> None:
    records = open_records(tmp_path_factory.mktemp("r"))
    expected: list[tuple[str, str | None]] = []
    begun = False
    for number, step in enumerate(steps):
        if step in {"ask", "stop"}:
            question = f"Question {number}?"
            begun = True
            if step == "ask":
                turn(records, number)
                expected.append((question, f"id{number}"))
            else:
                records.ended(ANNA, ask(question, conversation_id=TALK), "stopped")
                expected.append((question, None))
            continue
        after = None if step is None else f"id{step}"
        place = next((n for n, (_, id_) in enumerate(expected) if after is not None and id_ == after), None)
        if not begun or (after is not None and place is None):
            with pytest.raises(NotFound):
                records.cut(ANNA, TALK, after)
            continue
        records.cut(ANNA, TALK, after)
        expected = [] if place is None else expected[: place + 1]
    if begun:
        assert [(t["question"], t["answer_id"]) for t in records.conversation(ANNA, TALK)["turns"]] == expected
        shown = [(c["title"], c["turns"]) for c in records.conversations(ANNA)]
        assert shown == ([(expected[0][0], len(expected))] if expected else [])
    answered = [question for question, id_ in expected if id_]
    assert [t["content"] for t in records.history(ANNA, TALK) if t["role"] == "user"] == answered[-10:]
    records.close()


# links


def test_a_link_is_one_and_opens_for_others_until_it_is_ended(records: Records, tmp_path: Path) -> None:
    turn(records, 1)
    door = service(Stub(), records)
    token = door.share(ANNA, TALK)
    assert len(token) >= 43
    assert door.share(ANNA, TALK) == token
    assert door.conversation(ANNA, TALK)["shared"] == door.conversations(ANNA)[0]["shared"] == token
    turn(records, 2)  # what is asked later is seen, too
    seen = door.shared(BEN, token)
    assert (seen["owner"], seen["title"], [t["question"] for t in seen["turns"]]) == (
        "anna", "Question 1?", ["Question 1?", "Question 2?"],
    )  # fmt: skip
    assert seen["turns"][0]["answer"] == records.answer(ANNA, "id1")
    assert set(seen["turns"][0]) == {"time", "question", "status", "answer_id", "answer"}
    door.cut(ANNA, TALK, "id1")
    assert [t["question"] for t in door.shared(ANNA, token)["turns"]] == ["Question 1?"]
    # It is the owner's alone all the same.
    assert door.conversations(BEN) == []
    with pytest.raises(NotFound):
        door.conversation(BEN, TALK)
    door.unshare(ANNA, TALK)
    door.unshare(ANNA, TALK)
    assert (door.conversation(ANNA, TALK)["shared"], door.conversations(ANNA)[0]["shared"]) == (None, None)
    with pytest.raises(NotFound, match="There is no such link"):
        door.shared(BEN, token)
    again = door.share(ANNA, TALK)
    assert again != token
    door.forget(ANNA, TALK)
    with pytest.raises(NotFound, match="There is no such link"):
        door.shared(BEN, again)
    # A conversation of the same name that begins later is not behind it.
    turn(records, 3)
    with pytest.raises(NotFound, match="There is no such link"):
        door.shared(BEN, again)
    assert kinds(tmp_path) == [
        "asked", "conversation_shared", "asked", "shared_read", "conversation_cut", "shared_read", "conversation_unshared",
        "conversation_shared", "conversation_deleted", "asked",
    ]  # fmt: skip


def test_the_audit_names_a_link_and_does_not_open_it(records: Records, tmp_path: Path) -> None:
    turn(records, 1)
    door = service(Stub(), records)
    token = door.share(ANNA, TALK)
    door.shared(BEN, token)
    door.unshare(ANNA, TALK)
    (shared,), (read,), (ended,) = (
        payloads(records, kind) for kind in ("conversation_shared", "shared_read", "conversation_unshared")
    )
    assert shared["link"] == read["link"] == ended["link"]
    assert (read["conversation_id"], read["owner"], read["hidden"], read["via"]) == (TALK, "anna", 0, "password")
    with records._database.read() as connection:
        assert [row.user for row in audit.rows(connection)] == ["anna", "anna", "ben", "anna"]
        assert token not in str([row.payload for row in audit.rows(connection)])


def test_only_the_owner_shares(records: Records) -> None:
    turn(records, 1)
    door = service(Stub(), records)
    token = door.share(ANNA, TALK)
    for user in (BEN, replace(ANNA, via="token")):
        for call in (door.share, door.unshare):
            with pytest.raises(NotFound, match="There is no such conversation"):
                call(user, TALK)
    for wrong in ("", token[:-1], token + "A", token.swapcase(), "\ud800", "%", "x" * 10_000):
        with pytest.raises(NotFound, match="There is no such link"):
            door.shared(BEN, wrong)
    with pytest.raises(Forbidden):
        door.shared(replace(BEN, scopes=frozenset({"search"})), token)
    with pytest.raises(Forbidden):
        door.share(replace(ANNA, scopes=frozenset({"search"})), TALK)
    assert door.shared(BEN, token)["owner"] == "anna"


def test_each_conversation_has_a_link_of_its_own(records: Records) -> None:
    door = service(Stub(), records)
    tokens = []
    for user, talk in ((ANNA, TALK), (ANNA, "conversation-2"), (BEN, TALK)):
        door.ask(user, f"Of {user.name} in {talk}?", conversation_id=talk)
        tokens.append(door.share(user, talk))
    assert len(set(tokens)) == 3
    assert [door.shared(BEN, one)["turns"][0]["question"] for one in tokens] == [
        "Of anna in conversation-1?", "Of anna in conversation-2?", "Of ben in conversation-1?",
    ]  # fmt: skip
    conversations.forget_old(records._database, 1, datetime.now(UTC) + timedelta(days=2))
    for one in tokens:
        with pytest.raises(NotFound):
            door.shared(BEN, one)


def test_sharing_can_be_switched_off(records: Records) -> None:
    turn(records, 1)
    token = service(Stub(), records).share(ANNA, TALK)
    off = service(Stub(), records, sharing=False)
    for call in (lambda: off.share(ANNA, TALK), lambda: off.shared(BEN, token)):
        with pytest.raises(Forbidden, match=r"not shared on this server\. .*sharing = true"):
            call()
    assert (off.conversation(ANNA, TALK)["shared"], off.conversations(ANNA)[0]["shared"]) == (None, None)
    off.unshare(ANNA, TALK)
    with pytest.raises(NotFound):
        service(Stub(), records).shared(BEN, token)


# what a reader of a link sees


class Narrow:
    """An assistant over some collections; each document stands in the collection that its id begins with."""

    def __init__(self, allowed: frozenset[str] | None = None) -> None:
        self._allowed = allowed

    def within(self, collections: frozenset[str]) -> Narrow:
        return Narrow(collections)

    def readable(self, documents: frozenset[str]) -> bool:
        return self._allowed is None or all(one.split("-")[0] in self._allowed for one in documents)

    def sources(self) -> list[Any]:
        from vectorstore.records import Metadata, SourceInfo

        known = {"open": ("Harbor Tools, Inc.", "HRBR", "Quay Research"), "deals": ("Zorvane", "ZRVN", "Verdolin")}
        return [
            SourceInfo(
                document_id=f"{name}-1", version="v", path="p", collection=name, media_type="text/plain", state="indexed",
                pages=0, characters=1, chunks=1, ingested_at="",
                metadata=Metadata(company=firm, ticker=ticker, publisher=house),
            )
            for name, (firm, ticker, house) in known.items()
            if self._allowed is None or name in self._allowed
        ]  # fmt: skip


class Own:
    """Rules by a user's groups; None for those of nobody's."""

    def readable(self, user: User) -> frozenset[str] | None:
        return frozenset(user.groups) if user.groups else None

    def writable(self, user: User, collection: str) -> bool:
        return False


CARA = User("cara", "reader", ("open",), via="password")
DORA = User("dora", "reader", ("open", "deals"), via="password")


def of(document: str, answer_id: str = "a1", **named: Any) -> Answer:
    base = answer(answer_id)
    change = {
        "citations": tuple(c.model_copy(update={"document_id": document}) for c in base.citations),
        "passages": tuple(p.model_copy(update={"document_id": document}) for p in base.passages),
    }
    return base.model_copy(update=change | named)


def seen_by(
    records: Records, user: User, found: Answer, collections: frozenset[str] | None, gates: Any = None
) -> Answer | None:
    """Return what ``user`` sees of an answer that Anna got while she could read ``collections``."""
    records.asked(ANNA, ask("Nightjar?", conversation_id=TALK, collections=collections), found)
    door = Service(Narrow(), None, Settings(), records=records, rules=Own(), gates=gates)
    shown = door.shared(user, door.share(ANNA, TALK))
    assert [t["question"] for t in shown["turns"]] == [t["question"] for t in records.conversation(ANNA, TALK)["turns"]]
    assert shown["title"] == "Nightjar?"
    last = shown["turns"][-1]
    if last["answer"] is None:
        assert (last["status"], last["answer_id"]) == ("withheld", None)
    else:
        assert (last["status"], last["answer_id"]) == (found.status, found.answer_id)
    answer: Answer | None = last["answer"]
    return answer


def result(tool: str) -> ToolResult:
    return ToolResult(
        tool=tool, marker="T1", metrics=(Metric(name="n", subject="IWM", value=1.0, unit="x", as_of="2026-01-01"),)
    )


ALL, BOTH, OPEN = None, frozenset({"open", "deals"}), frozenset({"Open"})


@pytest.mark.parametrize(
    ("change", "collections", "whole"),
    [
        pytest.param({}, OPEN, True, id="the same rights"),
        pytest.param({"warnings": ("3 documents without a date left out.",)}, OPEN, True, id="their own counts"),
        pytest.param({"tool_results": (result("call_sentiment"),)}, OPEN, True, id="figures of what they read, too"),
        pytest.param({"filters": {"company": ["Zorvane"]}}, OPEN, True, id="a name that was asked for"),
        pytest.param({"filters": {"company": ["Zorvane"]}}, BOTH, False, id="a company of the forbidden"),
        pytest.param({"filters": {"publisher": ["verdolin"]}}, ALL, False, id="a publisher of the forbidden"),
        pytest.param({"filters": {"ticker": ["ZRVN"]}}, ALL, False, id="a ticker of the forbidden"),
        pytest.param({"filters": {"company": ["Harbor Tools, Inc."], "publisher": ["Quay Research"]}}, ALL, True, id="known names"),
        pytest.param({"tool_results": (result("drawdown"),)}, BOTH, True, id="figures of a market"),
        pytest.param({"tool_results": (result("call_sentiment"),)}, BOTH, False, id="figures of all documents"),
        pytest.param({"tool_results": (result("verify_claim"),)}, ALL, False, id="a claim checked with them"),
        pytest.param({"tool_results": (result("of_another_version"),)}, ALL, False, id="a tool that is unknown"),
    ],
)  # fmt: skip
def test_a_reader_sees_what_they_may_read(
    records: Records, change: dict[str, Any], collections: frozenset[str] | None, whole: bool
) -> None:
    found = of("open-1", **change)
    if collections is not ALL:
        assert seen_by(records, DORA, found, collections) == found
    shown = seen_by(records, CARA, found, collections)
    assert shown == (
        found if collections == OPEN else found.model_copy(update={"index_fingerprint": ""}) if whole else None
    )


@pytest.mark.parametrize("collections", [ALL, BOTH, OPEN])
def test_an_answer_of_a_document_that_the_reader_may_not_read_is_none(
    records: Records, collections: frozenset[str] | None
) -> None:
    cited = of("deals-1")
    nearby = of("open-1").model_copy(update={"passages": cited.passages, "citations": (), "claims": ()})
    measured = result("drawdown")
    inputs = tuple(m.model_copy(update={"inputs": ({"document_id": "deals-2"},)}) for m in measured.metrics)
    used = of("open-1", tool_results=(measured.model_copy(update={"metrics": inputs}),))
    for found in (cited, nearby, used):
        assert seen_by(records, CARA, found, collections) is None
        assert seen_by(records, BEN, found, collections) == found
    assert payloads(records, "shared_read")[-2]["hidden"] > 0


def test_counts_over_more_than_the_reader_may_read_are_taken_out(records: Records) -> None:
    found = of("open-1", warnings=("3 documents without a date left out under as-of 2024-01-01.",))
    shown = seen_by(records, CARA, found, BOTH)
    assert shown is not None
    assert (shown.warnings, shown.text) == ((), found.text)
    assert records.answer(ANNA, "a1") == found


class Compliance:
    """Gates of today: a note on every answer, and a name that was put on the list since."""

    def __init__(self) -> None:
        self.restricted = ""

    def question(self, user: User, question: str) -> None: ...

    def sentence(self, user: User, text: str) -> None: ...

    def answer(self, user: User, found: Answer) -> Answer:
        if self.restricted and self.restricted in found.text:
            raise Refused("Restricted.", "Ask compliance.")
        return found.model_copy(update={"warnings": (*found.warnings, "No advice.")})


def test_the_gates_of_today_count_for_who_reads(records: Records) -> None:
    gates = Compliance()
    told = ("3 documents without a date left out.", "No advice.")
    found = of("open-1", warnings=told)
    same, wide = (seen_by(records, CARA, found, rights, gates) for rights in (OPEN, ALL))
    assert same is not None
    assert wide is not None
    assert (same.warnings, wide.warnings) == (told, ("No advice.",))
    gates.restricted = "Rates"
    assert seen_by(records, BEN, found, OPEN, gates) is None
