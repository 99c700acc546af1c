"""What a service keeps of each question before anybody sees the answer: audit, conversations, feedback."""

from __future__ import annotations

import io
import json
import os
import sqlite3
import threading
import tracemalloc
from collections import Counter
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from record_samples import ANNA, BEN, Stub, answer, ask, keep, kinds, open_records, service, texts

import app
from assistant.access import User
from assistant.assistant import Assistant
from assistant.cli import Wiring, run
from assistant.records import Records, audit, conversations
from assistant.records.schema import NAME
from assistant.service import Service
from ingest import Ingestor
from vectorstore.errors import Forbidden, NotFound, SettingsError, StoreError, StoreFull
from vectorstore.settings import Settings

TALK = "conversation-1"


@pytest.fixture
def records(tmp_path: Path, kept_in: str) -> Iterator[Records]:
    found = open_records(tmp_path)
    yield found
    found.close()


def payloads(records: Records) -> list[dict[str, Any]]:
    with records._database.read() as connection:
        return [json.loads(row.payload or b"null") for row in audit.rows(connection)]


# what a service records


def test_an_answer_is_recorded_before_any_of_its_words_is_seen(records: Records, tmp_path: Path) -> None:
    events = service(Stub(), records).stream(ANNA, "Rates?", conversation_id=TALK, channel="page")
    assert [(e["type"], kinds(tmp_path)) for e in events] == [
        ("status", []),
        ("sentence", ["asked"]),
        ("answer", ["asked"]),
    ]
    (payload,) = payloads(records)
    assert (payload["question"], payload["conversation_id"], payload["via"]) == ("Rates?", TALK, "password")
    assert records.answer(ANNA, "id-Rates?").text == "About Rates? [S1]"


def test_a_question_to_a_model_is_recorded_before_its_first_word(records: Records, tmp_path: Path) -> None:
    seen = [(e["type"], kinds(tmp_path)) for e in service(Stub(), records).stream(ANNA, "Rates?", model="openai:x")]
    assert seen == [("status", ["asked_model"]), ("sentence", ["asked_model"]), ("answer", ["asked_model", "asked"])]
    assert [p["by_model"] for p in payloads(records)] == [True, True]
    assert [p["model_asked"] for p in payloads(records)] == ["openai:x", "openai:x"]


def test_a_stream_that_is_stopped_is_recorded_with_what_was_shown(records: Records, tmp_path: Path) -> None:
    stub = Stub()
    for model, until, said in (("extractive", "status", []), ("openai:x", "sentence", ["About Rates?"])):
        with closing(service(stub, records).stream(ANNA, "Rates?", conversation_id=TALK, model=model)) as events:
            for event in events:
                if event["type"] == until:
                    break
        assert (kinds(tmp_path)[-1], payloads(records)[-1]["said"]) == ("stopped", said)
        assert payloads(records)[-1]["question"] == "Rates?"
    assert stub.closed == 2
    assert [t["status"] for t in records.conversation(ANNA, TALK)["turns"]] == ["stopped", "stopped"]
    assert records.history(ANNA, TALK) == []
    # Who leaves once the answer is there has not stopped it.
    with closing(service(stub, records).stream(ANNA, "Rates?")) as events:
        for event in events:
            if event["type"] == "sentence":
                break
    assert Counter(kinds(tmp_path)) == {"stopped": 2, "asked_model": 1, "asked": 1}


def test_a_fault_is_recorded_and_raised(records: Records, tmp_path: Path) -> None:
    def failing(question: str) -> Iterator[Mapping[str, Any]]:
        yield {"type": "status", "text": "…"}
        raise RuntimeError("a bug")

    with pytest.raises(RuntimeError, match="a bug"):
        service(Stub(failing), records).ask(ANNA, "Rates?")
    assert (kinds(tmp_path), payloads(records)[0]["reason"]) == (["failed"], "RuntimeError")


def full(records: Records) -> None:
    """Let the file grow no more, as on a full disk."""
    with records._database.write() as connection:
        pages = connection.execute("PRAGMA page_count").fetchone()[0]
        connection.execute(f"PRAGMA max_page_count = {pages}")


def test_without_room_for_the_record_there_is_no_answer(tmp_path: Path) -> None:
    records = open_records(tmp_path)
    keep(records, 3)
    full(records)
    door = service(Stub(), records)
    delivered: list[list[str]] = []

    def go_on() -> None:
        for n in range(50):
            delivered.append([])
            for event in door.stream(ANNA, f"Question {n}? " + "long " * 300):
                delivered[-1].append(event["type"])

    with pytest.raises(StoreFull, match=r"^The answer is not given, because it cannot be recorded: .*no space left"):
        go_on()
    assert delivered[-1] == ["status"]
    assert all(types == ["status", "sentence", "answer"] for types in delivered[:-1])
    assert len(kinds(tmp_path)) == 3 + len(delivered) - 1
    with pytest.raises(StoreFull):
        list(door.stream(ANNA, "Rates? " + "long " * 300, model="openai:x"))
    with pytest.raises(StoreFull):
        door.upload(BEN, [(os.urandom(9000).hex(), "a.md")])  # the ingest is not reached: there is none
    with records._database.write() as connection:
        connection.execute("PRAGMA max_page_count = 1000000")
    kept = len(kinds(tmp_path))
    assert door.ask(ANNA, "And now?").status == "answered"
    assert len(kinds(tmp_path)) == kept + 1
    with records._database.read() as connection:
        assert audit.check(connection).problems == ()
    records.close()


def test_a_file_that_another_program_holds_gives_no_answer(tmp_path: Path) -> None:
    records = open_records(tmp_path)
    with records._database.write() as connection:
        connection.execute("SELECT 1")
    assert records._database._writer is not None
    records._database._writer.execute("PRAGMA busy_timeout = 20")
    with closing(sqlite3.connect(tmp_path / NAME, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreError, match=r"not given, because it cannot be recorded: .*held by another program"):
            service(Stub(), records).ask(ANNA, "Rates?")
        other.execute("ROLLBACK")
    assert service(Stub(), records).ask(ANNA, "Rates?").status == "answered"
    assert kinds(tmp_path) == ["asked"]
    records.close()


def test_a_file_that_may_not_be_written_gives_no_answer(tmp_path: Path) -> None:
    records = open_records(tmp_path)
    with records._database.write() as connection:
        connection.execute("PRAGMA query_only = ON")
    with pytest.raises(StoreError, match="cannot be written: attempt to write a readonly database"):
        service(Stub(), records).ask(ANNA, "Rates?")
    records.close()


def test_many_threads_lose_nothing_and_break_no_chain(kept_in: str, tmp_path: Path) -> None:
    first, second = open_records(tmp_path), open_records(tmp_path)  # as two processes of one store

    def work(thread: int) -> None:
        door = service(Stub(), first if thread % 2 else second)
        user = User(f"user{thread}", "reader")
        for n in range(50):
            found = door.ask(user, f"Question {n} of {thread}?", conversation_id=f"talk-{thread:04}")
            assert found.question == f"Question {n} of {thread}?"

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(work, range(8)))
    with first._database.read() as connection:
        found = audit.check(connection)
        asked = Counter((row.user, json.loads(row.payload or b"")["question"]) for row in audit.rows(connection))
    assert (found.rows, found.problems) == (400, ())
    assert asked == {(f"user{t}", f"Question {n} of {t}?"): 1 for t in range(8) for n in range(50)}
    for thread in range(8):
        user = User(f"user{thread}", "reader")
        turns = first.conversation(user, f"talk-{thread:04}")["turns"]
        assert [t["question"] for t in turns] == [f"Question {n} of {thread}?" for n in range(50)]
    first.close()
    second.close()


def test_memory_stays_flat(tmp_path: Path) -> None:
    records = open_records(tmp_path)
    stub = Stub()
    door = service(stub, records)

    def some(count: int) -> int:
        for n in range(count):
            door.ask(ANNA, f"Question {n}?", conversation_id=f"talk-{n % 7:04}")
            stub.asked.clear()
        return tracemalloc.get_traced_memory()[0]

    some(20)
    tracemalloc.start()
    before = some(50)
    after = some(300)
    tracemalloc.stop()
    assert after - before < 100_000
    records.close()


def test_documents_searches_and_metrics_are_recorded(tmp_path: Path, make_base: Any) -> None:
    base: Assistant = make_base({"a.md": "# Alder\n\nFerry demand rose 3% in April 2024.\n"})
    root = Path(base.settings.store)
    records = open_records(root)
    with Ingestor(base.store, base.settings) as ingestor:
        door = Service(base, ingestor, base.settings, records=records)
        (tmp_path / "b.md").write_text("# Birch\n\nHarbour fees fell 2% in May 2024.\n")
        report = door.upload(BEN, [("b.md", tmp_path / "b.md")])
        assert report.added == 1
        found = door.search(ANNA, "ferry demand", k=1)
        (uploaded,) = [s for s in door.sources(ANNA) if s.path.startswith("upload:")]
        asked = door.ask(ANNA, "How much did harbour fees fall in May 2024?", conversation_id=TALK)
        assert (asked.status, asked.citations[0].document_id) == ("answered", uploaded.document_id)
        door.tool(ANNA, "drawdown", {})
        assert door.remove(BEN, uploaded.document_id) == 1
        # A citation of a saved answer opens after its document went, and is still verbatim.
        (turn,) = records.conversation(ANNA, TALK)["turns"]
        assert turn["answer"] == asked
        for cited in turn["answer"].citations:
            kept = door.document(ANNA, cited.document_id, cited.version)
            assert kept.text[cited.start : cited.end] == cited.quote
        with pytest.raises(NotFound):
            door.document(ANNA, uploaded.document_id)
    assert kinds(root) == ["document_add", "document_added", "searched", "asked", "tool_called", "document_remove"]
    told = payloads(records)
    assert told[0]["files"] == ["b.md"]
    assert (told[1]["added"], told[1]["failed"], told[1]["collection"]) == (1, [], "default")
    assert told[2]["retrieved"] == [[found[0].chunk.document_id, found[0].chunk.version]]
    assert told[3]["cited"] == [[uploaded.document_id, uploaded.version]]
    assert (told[4]["tool"], told[4]["status"]) == ("drawdown", "not_configured")
    assert told[5]["version"] == uploaded.version
    records.close()


def test_a_citation_of_a_saved_answer_opens_after_its_document_changed(tmp_path: Path, make_base: Any) -> None:
    base: Assistant = make_base({"a.md": "# Alder\n\nFerry demand rose 3% in April 2024.\n"})
    records = open_records(tmp_path)
    with Ingestor(base.store, base.settings) as ingestor:
        door = Service(base, ingestor, base.settings, records=records)
        found = door.ask(ANNA, "How much did ferry demand rise in April 2024?")
        (source,) = door.sources(ANNA)
        Path(source.path).write_text("# Alder\n\nFerry demand fell 9% in June 2024.\n")
        assert ingestor.ingest([source.path]).updated == 1
        (cited,) = records.answer(ANNA, found.answer_id).citations
        assert cited.version != door.sources(ANNA)[0].version
        text = door.document(ANNA, cited.document_id, cited.version).text
        assert text[cited.start : cited.end] == cited.quote == "Ferry demand rose 3% in April 2024."
    records.close()


def test_without_records_nothing_is_kept_and_the_door_says_so(tmp_path: Path) -> None:
    assert Records.open(Settings(records=False), tmp_path) is None
    with Records.opened(Settings(records=False), tmp_path) as none:
        assert none is None
    door = service(Stub())
    assert door.ask(ANNA, "Rates?", conversation_id=TALK).status == "answered"
    door.event(ANNA, "signed_in", {})
    with pytest.raises(Forbidden, match="keeps no records"):
        door.records()
    assert list(tmp_path.iterdir()) == []


# conversations


def test_a_follow_up_is_asked_with_what_was_said_before(records: Records) -> None:
    stub = Stub()
    door = service(stub, records)
    door.ask(ANNA, "Rates?", conversation_id=TALK)
    door.ask(ANNA, "And in 2022?", conversation_id=TALK, history=[{"role": "user", "content": "own"}])
    assert list(stub.asked[1]["history"]) == [
        {"role": "user", "content": "Rates?"},
        {"role": "assistant", "content": "About Rates? [S1]"},
        {"role": "user", "content": "own"},
    ]
    # What the answer depended on stands in its record.
    assert payloads(records)[1]["history"] == list(stub.asked[1]["history"])


def test_history_is_the_last_twenty_messages_without_errors(records: Records) -> None:
    for n in range(15):
        status = "error" if n == 14 else "answered"
        found = answer(f"id{n}", f"Q{n}", f"A{n}.", status=status)
        records.asked(ANNA, ask(f"Q{n}", conversation_id=TALK), found)
    turns = records.history(ANNA, TALK)
    assert len(turns) == conversations.KEPT_TURNS == 20
    assert [t["content"] for t in turns[:2]] == ["Q4", "A4. [S1]"]
    assert [t["content"] for t in turns[-2:]] == ["Q13", "A13. [S1]"]
    assert [t["role"] for t in turns] == ["user", "assistant"] * 10


def test_a_conversation_is_its_owners_alone(records: Records) -> None:
    door = service(Stub(), records)
    door.ask(ANNA, "Secret of Anna?", conversation_id=TALK)
    other = replace(ANNA, via="token")  # the same name, known in another way
    for stranger in (BEN, other, User("anna", "admin", via="oidc")):
        assert records.history(stranger, TALK) == []
        assert records.conversations(stranger) == records.conversations(stranger, "secret") == []
        for call in (
            lambda s=stranger: records.conversation(s, TALK),
            lambda s=stranger: records.rename(s, TALK, "mine"),
            lambda s=stranger: records.forget(s, TALK),
        ):
            with pytest.raises(NotFound, match=r"^There is no such conversation\. See the list of yours\.$"):
                call()
        with pytest.raises(NotFound, match="There is no such answer"):
            records.answer(stranger, "id-Secret of Anna?")
        with pytest.raises(NotFound, match="There is no such answer"):
            records.feedback(stranger, "id-Secret of Anna?", "good")
    # The same id of another user begins a conversation of their own.
    stub = Stub()
    service(stub, records).ask(BEN, "What did she ask?", conversation_id=TALK)
    assert list(stub.asked[0]["history"]) == []
    assert [c["turns"] for c in records.conversations(BEN)] == [1]
    records.forget(BEN, TALK)
    assert [t["question"] for t in records.conversation(ANNA, TALK)["turns"]] == ["Secret of Anna?"]


def test_conversations_are_listed_searched_renamed_and_deleted(records: Records) -> None:
    door = service(Stub(), records)
    door.ask(ANNA, "  What   moved\nsmall caps? " + "x" * 100, conversation_id="first-conversation")
    door.ask(ANNA, "Über die ZINSEN?", conversation_id="second-conversation")
    door.ask(ANNA, "And 100%_sure?", conversation_id="first-conversation")
    listed = records.conversations(ANNA)
    assert [(c["conversation_id"], c["turns"]) for c in listed] == [
        ("first-conversation", 2),
        ("second-conversation", 1),
    ]
    assert listed[0]["title"] == ("What moved small caps? " + "x" * 100)[:80]
    assert listed[0]["created"] < listed[0]["changed"]

    def found(text: str) -> list[str]:
        return [c["conversation_id"] for c in records.conversations(ANNA, text)]

    assert found("über DIE zinsen") == found("about über") == ["second-conversation"]
    assert found("%_s") == found("moved small") == ["first-conversation"]
    assert found("nowhere") == found("\ud800") == []
    records.rename(ANNA, "second-conversation", "  Interest\n rates ")
    assert [c["title"] for c in records.conversations(ANNA)][1] == "Interest rates"
    for title in ("", " \n", "x" * 81):
        with pytest.raises(SettingsError, match="A title has 1 to 80 characters"):
            records.rename(ANNA, "second-conversation", title)
    records.forget(ANNA, "second-conversation")
    with pytest.raises(NotFound):
        records.forget(ANNA, "second-conversation")
    with pytest.raises(NotFound):
        records.answer(ANNA, "id-Über die ZINSEN?")
    assert [c["conversation_id"] for c in records.conversations(ANNA)] == ["first-conversation"]
    assert payloads(records)[-1]["conversation_id"] == "second-conversation"


@pytest.mark.parametrize("name", ["short", "x" * 65, "with space", "../../etc", "ünïcode-id", "new\nline1", "nul\x00nul0", "", "12345678\n"])  # fmt: skip
def test_an_id_that_is_none_is_named(records: Records, tmp_path: Path, name: str) -> None:
    stub = Stub()
    with pytest.raises(SettingsError, match="conversation_id is not 8 to 64 letters"):
        service(stub, records).ask(ANNA, "Rates?", conversation_id=name)
    assert (stub.asked, kinds(tmp_path)) == ([], [])


@given(
    st.lists(
        st.tuples(st.sampled_from([ANNA, BEN]), st.sampled_from(["talk-aaaa", "talk-bbbb"]), st.booleans()), max_size=12
    )
)
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_each_owner_finds_exactly_their_own_turns(tmp_path_factory: Any, steps: list[tuple[User, str, bool]]) -> None:
    records = open_records(tmp_path_factory.mktemp("r"))
    expected: dict[tuple[str, str], list[str]] = {}
    for n, (user, talk, forget) in enumerate(steps):
        mine = expected.setdefault((user.name, talk), [])
        if forget and mine:
            records.forget(user, talk)
            mine.clear()
        else:
            mine.append(f"Q{n}")
            records.asked(user, ask(f"Q{n}", conversation_id=talk), answer(f"id{n}", f"Q{n}"))
    for user in (ANNA, BEN):
        listed = {c["conversation_id"]: c["turns"] for c in records.conversations(user)}
        assert listed == {talk: len(qs) for (name, talk), qs in expected.items() if name == user.name and qs}
        for talk in listed:
            assert [t["question"] for t in records.conversation(user, talk)["turns"]] == expected[user.name, talk]
    with records._database.read() as connection:
        assert audit.check(connection).problems == ()
    records.close()


def test_old_conversations_go_when_their_time_is_over(records: Records, tmp_path: Path) -> None:
    keep(records, 2, conversation_id=TALK)
    keep(records, 1, BEN, conversation_id=TALK)
    later = datetime.now(UTC) + timedelta(days=10)
    assert conversations.forget_old(records._database, 20, later) == 0
    assert conversations.forget_old(records._database, 5, later) == 2
    assert records.conversations(ANNA) == records.conversations(BEN) == []
    with records._database.read() as connection:
        assert audit.check(connection).rows == 3


# feedback


def thesis(root: Path, *arguments: str) -> tuple[int, str]:
    out = io.StringIO()
    wiring = Wiring(app.open_assistant, app.open_ingestor, app.serve, app.progress)
    return run([*arguments, "--store", str(root)], wiring, out=out), out.getvalue()


def test_feedback_is_kept_for_an_answer_that_the_user_got(records: Records, tmp_path: Path) -> None:
    keep(records, 2)
    door = service(Stub(), records)
    door.feedback(ANNA, "id1", "bad", "Not\x1b[2J what I asked \ud800 =1+1")
    door.feedback(ANNA, "id2", "bad")
    door.feedback(ANNA, "id2", "good", "y" * 2000)
    for verdict, comment, message in (
        ("great", "", "verdict = 'great' is unknown"),
        ("good", "y" * 2001, "The comment has 2001 characters"),
    ):
        with pytest.raises(SettingsError, match=message):
            door.feedback(ANNA, "id1", verdict, comment)
    with pytest.raises(NotFound):
        door.feedback(ANNA, "id\ud8009", "good")
    with pytest.raises(Forbidden):
        door.feedback(replace(ANNA, scopes=frozenset({"ask"})), "id1", "good")
    code, text = thesis(tmp_path, "feedback", "--json")
    told = json.loads(text)["feedback"]
    assert [(f["answer_id"], f["verdict"], f["user"], f["question"], f["status"]) for f in told] == [
        ("id2", "good", "anna", "Question 2?", "answered"),
        ("id1", "bad", "anna", "Question 1?", "answered"),
    ]
    assert (code, told[1]["comment"]) == (0, "Not\x1b[2J what I asked ? =1+1")
    shown = thesis(tmp_path, "feedback")[1]
    assert "\x1b" not in shown
    assert "Not\\x1b[2J what I asked ? =1+1" in shown
    assert kinds(tmp_path) == ["asked", "asked", "feedback", "feedback", "feedback"]


def test_a_reader_beside_a_writer_sees_whole_rows(kept_in: str, tmp_path: Path) -> None:
    records, done = open_records(tmp_path), threading.Event()
    seen: list[int] = []

    def read() -> None:
        while not done.is_set():
            with records._database.read() as connection:
                found = audit.check(connection)
            assert found.problems == ()
            seen.append(found.rows)

    with ThreadPoolExecutor(1) as pool:
        reader = pool.submit(read)
        keep(records, 60)
        done.set()
        reader.result()
    assert seen == sorted(seen)
    records.close()


def test_events_of_a_stream_are_those_of_the_assistant(records: Records) -> None:
    plain = texts(list(service(Stub()).stream(ANNA, "Rates?")))
    assert texts(list(service(Stub(), records).stream(ANNA, "Rates?"))) == plain
    assert [kind for kind, _ in plain] == ["status", "sentence", "answer"]
