"""Records in the PostgreSQL that servers share: one chain whoever appends, guards, and conversations that go on at another server."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from record_samples import ANNA, BEN, Stub, keep, kinds, open_records, service, settings_at

from assistant.records import Records, audit, schema
from assistant.records.chain import Verdict, canonical
from assistant.records.guards import SHARED_GUARDS
from tests.postgres_server import PostgresServer, binaries
from vectorstore.database import SharedDatabase
from vectorstore.errors import StoreError, StoreUnavailable
from vectorstore.shared import Shared

ROOT = Path(__file__).resolve().parent.parent
TALK = "conversation-1"


@pytest.fixture
def place(shared_place: Shared, monkeypatch: pytest.MonkeyPatch) -> Shared:
    for name, value in (("LEDGER", shared_place.url), ("LEDGER_SCHEMA", shared_place.schema)):
        monkeypatch.setenv(f"THESIS_{name}", value)
    monkeypatch.setenv("THESIS_CHROMA", "http://127.0.0.1:1")
    return shared_place


@pytest.fixture
def records(place: Shared, tmp_path: Path) -> Iterator[Records]:
    found = open_records(tmp_path)
    yield found
    found.close()


@pytest.fixture
def other(records: Records, tmp_path: Path) -> Iterator[Records]:
    """As a second server has them open."""
    found = open_records(tmp_path / "elsewhere")
    yield found
    found.close()


def verdict(records: Records) -> Verdict:
    with records._database.read() as connection:
        return audit.check(connection)


def problems(records: Records) -> list[tuple[int | None, str]]:
    return [(one.seq, one.text) for one in verdict(records).problems]


def run(records: Records, *statements: str) -> None:
    with records._database.write() as connection:
        for statement in statements:
            connection.execute(statement)


def tampered(records: Records, *statements: str) -> None:
    """Change what may not be changed, as whoever owns the tables can: with the guards away meanwhile."""
    tables = sorted({one.table for one in SHARED_GUARDS})
    run(records, *(f"ALTER TABLE {table} DISABLE TRIGGER USER" for table in tables), *statements)
    run(records, *(f"ALTER TABLE {one.table} ENABLE ALWAYS TRIGGER {one.name}" for one in SHARED_GUARDS))


@pytest.mark.parametrize(
    ("statement", "message"),
    [
        ("DELETE FROM audit WHERE seq = 3", "no row may be deleted"),
        ("TRUNCATE audit", "no row may be deleted"),
        ("SET LOCAL session_replication_role = replica; DELETE FROM audit", "no row may be deleted"),
        ("UPDATE audit SET \"user\" = 'ben' WHERE seq = 3", "only a payload may be emptied"),
        ("UPDATE audit SET payload = 'x' WHERE seq = 3", "only a payload may be emptied"),
        ("UPDATE audit SET payload = NULL, time = '2020' WHERE seq = 3", "only a payload may be emptied"),
        ("UPDATE audit SET seq = 99 WHERE seq = 4", "only a payload may be emptied"),
        ('INSERT INTO audit SELECT 3, time, "user", kind, channel, payload, payload_sha, prev, hash FROM audit WHERE seq = 4 ON CONFLICT (seq) DO UPDATE SET kind = excluded.kind', "a row comes at the end"),
        ('INSERT INTO audit SELECT 99, time, "user", kind, channel, payload, payload_sha, prev, hash FROM audit WHERE seq = 4', "a row comes at the end"),
        ("UPDATE audit_count SET value = 1", "the count of the audit only grows"),
        ("DELETE FROM audit_count", "the count of the audit only grows"),
        ("TRUNCATE audit_count", "the count of the audit only grows"),
    ],
)  # fmt: skip
def test_the_tables_themselves_refuse_to_change_a_row(records: Records, statement: str, message: str) -> None:
    keep(records, 4)
    with pytest.raises(Exception, match=message):
        run(records, statement)
    assert (verdict(records).rows, problems(records)) == (4, [])


def test_what_was_damaged_is_named_with_its_row(records: Records) -> None:
    keep(records, 6)
    other = audit.packed(canonical({"question": "Another?"})).hex()
    tampered(records, f"UPDATE audit SET payload = decode('{other}', 'hex') WHERE seq = 2")
    assert problems(records) == [(2, "its payload was changed.")]
    tampered(records, "UPDATE audit SET kind = 'x' WHERE seq = 3")
    assert problems(records)[1:] == [(3, "it was changed: its hash is not that of its fields and the row before.")]
    tampered(records, "DELETE FROM audit WHERE seq IN (2, 3)")
    assert problems(records) == [(4, "rows 2 to 3 are missing before it.")]
    tampered(records, "DELETE FROM audit WHERE seq > 4")
    cut = (None, "the file had 6 rows, and its last is row 4: its end was cut off.")
    assert problems(records)[1:] == [cut]
    keep(records, 1)
    assert [seq for seq, _ in problems(records)] == [4, 7]  # the gap stays to be seen


@pytest.mark.parametrize(
    "statement",
    [
        "DROP TRIGGER audit_keeps_rows ON audit",
        "ALTER TABLE audit DISABLE TRIGGER audit_keeps_rows",
        "ALTER TABLE audit ENABLE TRIGGER audit_keeps_rows",  # not in a session that replays changes
        "CREATE OR REPLACE FUNCTION audit_keeps_rows() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN OLD; END'",
        "DROP TRIGGER audit_keeps_rows ON audit; CREATE TRIGGER audit_keeps_rows BEFORE DELETE ON audit FOR EACH ROW "
        "WHEN (OLD.seq = 99) EXECUTE FUNCTION audit_keeps_rows(); ALTER TABLE audit ENABLE ALWAYS TRIGGER audit_keeps_rows",
    ],
)
def test_a_guard_that_is_gone_off_or_another_is_named(records: Records, statement: str) -> None:
    keep(records, 2)
    run(records, statement)
    assert problems(records) == [
        (
            None,
            "the guards against change are gone or other (audit_keeps_rows): somebody has opened the database to change it.",
        )
    ]


def test_two_processes_append_at_once_to_one_chain(records: Records, tmp_path: Path) -> None:
    program = (
        "import sys\nfrom pathlib import Path\nfrom record_samples import keep, open_records\n"
        f"records = open_records(Path({str(tmp_path)!r}))\nprint('open', flush=True)\nsys.stdin.readline()\nkeep(records, 60)\n"
    )
    environ = os.environ | {"PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "tests")])}
    started = [
        subprocess.Popen(
            [sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environ
        )
        for _ in range(2)
    ]
    for one in started:
        assert one.stdout is not None
        assert one.stdout.readline() == "open\n"
    for one in started:
        assert one.stdin is not None
        one.stdin.write("\n")
        one.stdin.flush()
    keep(records, 60)
    for one in started:
        one.communicate(timeout=60)
        assert one.returncode == 0
    assert (verdict(records).rows, problems(records)) == (180, [])


def test_a_conversation_goes_on_at_another_server(records: Records, other: Records) -> None:
    here, there = Stub(), Stub()
    service(here, records).ask(ANNA, "Rates?", conversation_id=TALK)
    service(there, other).ask(ANNA, "And in 2022?", conversation_id=TALK)
    assert list(there.asked[0]["history"]) == [
        {"role": "user", "content": "Rates?"},
        {"role": "assistant", "content": "About Rates? [S1]"},
    ]
    assert [t["question"] for t in records.conversation(ANNA, TALK)["turns"]] == ["Rates?", "And in 2022?"]
    other.feedback(ANNA, "id-Rates?", "good")
    records.feedback(ANNA, "id-Rates?", "bad")
    token = other.share(ANNA, TALK)
    assert (records.share(ANNA, TALK), records.shared(token)["owner"]) == (token, "anna")
    records.cut(ANNA, TALK, "id-Rates?")
    assert [t["question"] for t in other.conversation(ANNA, TALK)["turns"]] == ["Rates?"]
    assert (other.conversations(BEN), other.history(BEN, TALK)) == ([], [])
    records.forget(ANNA, TALK)
    assert other.conversations(ANNA) == []
    with other._database.read() as connection:
        assert audit.check(connection).problems == ()


def test_without_the_database_there_is_no_answer_and_it_goes_on_with_it(
    records: Records, postgres: PostgresServer, tmp_path: Path
) -> None:
    door = service(Stub(), records)
    door.ask(ANNA, "First?")
    postgres.kill()
    try:
        with pytest.raises(
            StoreUnavailable, match=r"^The answer is not given, because it cannot be recorded: The records"
        ):
            door.ask(ANNA, "Second?")
    finally:
        postgres.start()
    assert door.ask(ANNA, "Third?").status == "answered"
    assert (kinds(tmp_path), problems(records)) == (["asked", "asked"], [])


def test_a_dump_of_the_database_brings_the_audit_back_whole(records: Records, place: Shared, tmp_path: Path) -> None:
    keep(records, 5, conversation_id=TALK)
    head, other = records.head(), f"copy_{place.schema}"
    dumped = subprocess.run(
        [binaries() / "pg_dump", "-n", f"{place.schema}*", place.url], capture_output=True, text=True, check=True
    ).stdout
    assert "ENABLE ALWAYS TRIGGER audit_keeps_rows" in dumped
    run_in = [binaries() / "psql", "-q", "-v", "ON_ERROR_STOP=1"]
    subprocess.run([*run_in, "-c", f"CREATE DATABASE {other}", place.url], check=True)
    url = place.url.rpartition("/")[0] + f"/{other}"
    subprocess.run([*run_in, url], input=dumped, text=True, check=True, capture_output=True)
    restored = open_records(tmp_path, ledger=url)
    assert (restored.head(), problems(restored)) == (head, [])
    keep(restored, 1, conversation_id=TALK)
    assert (len(restored.conversation(ANNA, TALK)["turns"]), problems(restored)) == (6, [])
    with pytest.raises(Exception, match="no row may be deleted"):
        run(restored, "DELETE FROM audit")
    restored.close()


def test_texts_that_postgresql_cannot_hold_are_kept_with_signs_in_their_place(records: Records) -> None:
    text = "nul \0 and half \ud800 of a sign"
    service(Stub(), records).ask(ANNA, text, conversation_id=TALK)
    assert records.conversation(ANNA, TALK)["turns"][0]["question"] == "nul \ufffd and half ? of a sign"
    records.rename(ANNA, TALK, "a\0b")
    assert [one["title"] for one in records.conversations(ANNA)] == ["a\ufffdb"]
    with records._database.read() as connection:
        (row,) = audit.rows(connection)
    assert json.loads(row.payload or b"")["question"] == text  # the audit has it as it was
    assert problems(records) == []


def test_records_of_a_newer_program_are_refused_and_missing_ones_told(place: Shared, tmp_path: Path) -> None:
    settings = settings_at(tmp_path)
    with pytest.raises(StoreError, match=r"The records \(postgresql://.*\) are not there"):
        schema.open_records(settings, tmp_path, create=False)
    open_records(tmp_path).close()
    with closing(SharedDatabase(place, schema.PART, "The records")) as database, database.write() as connection:
        connection.execute("UPDATE version SET value = 99")
    with pytest.raises(StoreError, match=r"newer version of this program \(schema 99, known: 2\)"):
        open_records(tmp_path)
