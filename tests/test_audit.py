"""The audit: append-only, chained, emptied by retention, verified, exported; every way of damaging it is found."""

from __future__ import annotations

import csv
import io
import json
import os
import sqlite3
import stat
import subprocess
import sys
import unicodedata
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from record_samples import ANNA, BEN, answer, ask, keep, open_records, settings_at, tampered

import app
from assistant.access import User
from assistant.cli import Wiring, run
from assistant.records import audit, schema
from assistant.records.chain import GENESIS, Emptying, Row, canonical, digest, make_row, row_hash, verify
from assistant.records.export import safe
from vectorstore.errors import StoreError

ROOT = Path(__file__).resolve().parent.parent
TEXT = st.text(st.characters(codec=None, exclude_categories=()), max_size=30)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A store folder with the records of ten questions."""
    folder = tmp_path / "store"
    folder.mkdir()
    records = open_records(folder)
    keep(records, 10)
    records.close()
    return folder


def thesis(root: Path, *arguments: str) -> tuple[int, str]:
    out, err = io.StringIO(), io.StringIO()
    wiring = Wiring(app.open_assistant, app.open_ingestor, app.serve, app.progress, told=err)
    code = run([*arguments, "--store", str(root)], wiring, out=out)
    return code, out.getvalue() + err.getvalue()


def thesis_json(root: Path, *arguments: str) -> tuple[int, Any]:
    code, text = thesis(root, *arguments, "--json")
    return code, json.loads(text)


def problems(root: Path, *arguments: str) -> list[tuple[int | None, str]]:
    code, found = thesis_json(root, "audit", "verify", *arguments)
    assert code == (1 if found["problems"] else 0)
    assert found["clean"] is not bool(found["problems"])
    return [(one["seq"], one["problem"]) for one in found["problems"]]


def sql(root: Path, statement: str, *values: Any) -> list[Any]:
    with closing(schema.open_records(settings_at(root), root)) as database, database.read() as connection:
        return connection.execute(statement, values).fetchall()


def in_file(root: Path, statement: str) -> list[Any]:
    with closing(sqlite3.connect(root / schema.NAME)) as connection:
        return connection.execute(statement).fetchall()


# the chain by itself


def chain(payloads: list[bytes], user: str = "anna") -> list[Row]:
    rows: list[Row] = []
    for n, payload in enumerate(payloads, start=1):
        sha = sha256(payload).hexdigest()
        rows.append(make_row(n, rows[-1].hash if rows else GENESIS, time=f"2026-01-{n % 28 + 1:02}T00:00:00.000Z",
                             user=user, kind="asked", channel="api", payload=payload, payload_sha=sha))  # fmt: skip
    return rows


@given(st.lists(st.binary(max_size=20), max_size=12))
def test_a_chain_as_it_was_made_is_clean(payloads: list[bytes]) -> None:
    rows = chain(payloads)
    found = verify(rows, counted=len(rows))
    assert (found.rows, found.problems) == (len(rows), ())
    assert found.head == (len(rows), rows[-1].hash if rows else GENESIS)
    for row in rows:
        assert verify(rows, head=row.hash).problems == ()
        assert verify(rows, head=f"{row.seq}:{row.hash}").problems == ()


@given(st.lists(st.binary(max_size=8), min_size=1, max_size=8), st.data())
def test_any_other_value_in_any_field_of_any_row_is_found_there(payloads: list[bytes], data: st.DataObject) -> None:
    rows = chain(payloads)
    at = data.draw(st.integers(0, len(rows) - 1))
    name = data.draw(st.sampled_from(["time", "user", "kind", "channel", "payload_sha", "prev", "hash", "payload"]))
    other = data.draw(st.binary(max_size=8) if name == "payload" else TEXT)
    if other == getattr(rows[at], name):
        return
    changed = [*rows[:at], replace(rows[at], **{name: other}), *rows[at + 1 :]]
    found = verify(changed, counted=len(rows))
    assert rows[at].seq in {p.seq for p in found.problems}


@given(st.integers(2, 9), st.data())
def test_rows_that_are_missing_moved_or_put_in_are_found(count: int, data: st.DataObject) -> None:
    rows = chain([str(n).encode() for n in range(count)])
    at = data.draw(st.integers(0, count - 2))
    gone = verify([*rows[:at], *rows[at + 1 :]], counted=count)
    assert [(p.seq, p.text) for p in gone.problems] == [(at + 2, f"row {at + 1} is missing before it.")]
    moved = [*rows[:at], replace(rows[at + 1], seq=at + 1), replace(rows[at], seq=at + 2), *rows[at + 2 :]]
    assert {p.seq for p in verify(moved, counted=count).problems} >= {at + 1, at + 2}
    put = [*rows[: at + 1], *(replace(row, seq=row.seq + 1) for row in rows[at:])]
    assert verify(put, counted=count).problems


def test_a_chain_that_is_made_anew_from_a_changed_row_on_shows_only_by_a_head_from_elsewhere() -> None:
    rows = chain([b"one", b"two", b"three"])
    forged = chain([b"one", b"2", b"three"])
    assert verify(forged, counted=3).problems == ()
    for head in (rows[2].hash, f"3:{rows[2].hash}", rows[1].hash.upper()):
        assert [p.text for p in verify(forged, counted=3, head=head).problems] == [
            f"no row has the head {head}: the end was cut off, or the chain was made anew."
        ]
    # The row before the change is the same in both.
    assert verify(forged, head=f"1:{rows[0].hash}").problems == ()
    assert verify(rows, head=f"2:{rows[0].hash}").problems


def test_a_payload_may_be_missing_where_retention_says_so_and_only_there() -> None:
    rows = [replace(row, payload=None) for row in chain([b"1", b"2", b"3"])[:2]]
    whole = [*rows, chain([b"1", b"2", b"3"])[2]]
    covered = [Emptying(3, "2026-01-03T00:00:00.000Z")]  # rows 1 and 2 are of the 2nd and the 3rd of January
    found = verify(whole, covered, counted=3)
    assert (found.emptied, [(p.seq, p.text) for p in found.problems]) == (
        2,
        [(2, "its payload was emptied, and no retention says so.")],
    )
    assert verify(whole, [Emptying(3, "2026-02-01")], counted=3).problems == ()
    assert {p.seq for p in verify(whole, [Emptying(1, "2026-02-01")], counted=3).problems} == {1, 2}


@given(TEXT, TEXT, st.integers(1, 10**6))
def test_fields_cannot_run_into_each_other(user: str, kind: str, seq: int) -> None:
    assert row_hash(seq, "t", user, kind, "c", "s", "p") != row_hash(seq, "t", user + "x", kind, "c", "s", "p")
    if user:
        assert row_hash(seq, "t", user, kind, "c", "s", "p") != row_hash(seq, "t", user[:-1], user[-1] + kind, "c", "s", "p")  # fmt: skip


@given(st.recursive(st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXT,
                    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3), max_leaves=8))  # fmt: skip
def test_the_canonical_form_is_one_and_is_read_back(value: Any) -> None:
    data = canonical(value)
    assert data.isascii()
    assert canonical(json.loads(data)) == data
    assert digest(value) == sha256(data).hexdigest()


def test_the_hash_of_a_row_is_the_one_that_is_documented() -> None:
    row = make_row(1, GENESIS, time="2026-05-04T10:00:00.000Z", user="anna", kind="asked", channel="api", payload=b"{}",
                   payload_sha=sha256(b"{}").hexdigest())  # fmt: skip
    written = f'[1,"2026-05-04T10:00:00.000Z","anna","asked","api","{sha256(b"{}").hexdigest()}","{"0" * 64}"]'
    assert row.hash == sha256(written.encode()).hexdigest()


# the file


def test_every_row_says_who_when_what_and_with_what(kept_in: str, tmp_path: Path) -> None:
    records = open_records(tmp_path)
    asked = ask("Rates?", channel="page", as_of="2026-01-01", filters={"kind": ["note"]}, collections=frozenset({"b", "a"}), conversation_id="conversation-1")  # fmt: skip
    records.asked(ANNA, asked, answer("id1", "Rates?"), notes=0)
    with records._database.read() as connection:
        (row,) = audit.rows(connection)
    payload = json.loads(row.payload or b"")
    assert (row.seq, row.user, row.kind, row.channel, row.prev) == (1, "anna", "asked", "page", GENESIS)
    assert datetime.now(UTC) - datetime.fromisoformat(row.time) < timedelta(minutes=5)
    assert payload["answer"] == answer("id1", "Rates?").model_dump(mode="json")
    wanted = {
        "question": "Rates?", "answer_id": "id1", "status": "answered", "conversation_id": "conversation-1", "as_of": "2026-01-01",
        "filters": {"kind": ["note"]}, "collections": ["a", "b"], "cited": [["d1", "v1"]], "retrieved": [["d1", "v1"]],
        "index_fingerprint": "f1", "mode": "extractive", "model": None, "prompt_sha": None, "via": "password", "role": "reader",
        "tool_calls": [], "today": "2026-05-04",
    }  # fmt: skip
    assert {name: payload[name] for name in wanted} == wanted
    assert canonical(payload) == row.payload
    records.close()


@pytest.mark.parametrize(
    ("statement", "message"),
    [
        ("DELETE FROM audit WHERE seq = 3", "no row may be deleted"),
        ("DELETE FROM audit", "no row may be deleted"),
        ("UPDATE audit SET user = 'ben' WHERE seq = 3", "only a payload may be emptied"),
        ("UPDATE audit SET payload = x'00' WHERE seq = 3", "only a payload may be emptied"),
        ("UPDATE audit SET payload = NULL, time = '2020' WHERE seq = 3", "only a payload may be emptied"),
        ("UPDATE audit SET seq = 99 WHERE seq = 10", "only a payload may be emptied"),
        ("INSERT OR REPLACE INTO audit SELECT 3, time, 'ben', kind, channel, payload, payload_sha, prev, hash FROM audit WHERE seq = 4", "a row comes at the end"),
        ("INSERT INTO audit SELECT 99, time, user, kind, channel, payload, payload_sha, prev, hash FROM audit WHERE seq = 4", "a row comes at the end"),
    ],
)  # fmt: skip
def test_the_file_itself_refuses_to_change_a_row(root: Path, statement: str, message: str) -> None:
    with closing(sqlite3.connect(root / schema.NAME)) as connection:
        with pytest.raises(sqlite3.IntegrityError, match=message):
            connection.execute(statement)
        connection.rollback()
    assert problems(root) == []


def test_what_was_damaged_is_named_with_its_row(root: Path, tmp_path: Path) -> None:
    def of(*statements: str) -> list[tuple[int | None, str]]:
        copy = tmp_path / f"copy{len(list(tmp_path.iterdir()))}"
        copy.mkdir()
        with (
            closing(sqlite3.connect(root / schema.NAME)) as source,
            closing(sqlite3.connect(copy / schema.NAME)) as target,
        ):
            source.backup(target)
        with tampered(copy) as connection:
            for statement in statements:
                connection.execute(statement)
            connection.commit()
        return problems(copy)

    follow = "it does not follow the row before: one of the two was changed, moved or put in."
    changed = "it was changed: its hash is not that of its fields and the row before."
    other = audit.packed(canonical({"question": "Another?"}))
    assert of(f"UPDATE audit SET payload = x'{other.hex()}' WHERE seq = 5") == [(5, "its payload was changed.")]
    assert of("UPDATE audit SET payload = x'0011' WHERE seq = 5") == [(5, "its payload was changed.")]
    assert of("UPDATE audit SET payload = 7 WHERE seq = 5") == [(5, "its payload was changed.")]
    assert of("UPDATE audit SET payload = NULL WHERE seq = 5") == [
        (5, "its payload was emptied, and no retention says so.")
    ]
    assert of("UPDATE audit SET user = 'ben' WHERE seq = 5") == [(5, changed)]
    assert of("UPDATE audit SET user = x'00' WHERE seq = 5") == [
        (5, "a field is no text: the row was written by another program.")
    ]
    assert of("DELETE FROM audit WHERE seq = 5") == [(6, "row 5 is missing before it.")]
    assert of("DELETE FROM audit WHERE seq IN (1, 2, 3)") == [(4, "rows 1 to 3 are missing before it.")]
    assert of(
        "UPDATE audit SET seq = -5 WHERE seq = 5",
        "UPDATE audit SET seq = 5 WHERE seq = 6",
        "UPDATE audit SET seq = 6 WHERE seq = -5",
    ) == [(5, changed), (5, follow), (6, changed), (6, follow), (7, follow)]
    assert of("INSERT INTO audit SELECT 0, time, user, kind, channel, payload, payload_sha, prev, hash FROM audit WHERE seq = 4")[0] == (0, "its number does not follow the one before.")  # fmt: skip
    assert of(
        "UPDATE audit SET seq = -seq WHERE seq > 5",
        "UPDATE audit SET seq = 1 - seq WHERE seq < 0",
        "INSERT INTO audit SELECT 6, time, 'ben', kind, channel, payload, payload_sha, prev, hash FROM audit WHERE seq = 5",
    )[:2] == [(6, changed), (6, follow)]
    # The end cut off: the file's own count tells, unless that was changed too; then only a head from elsewhere does.
    cut = of("DELETE FROM audit WHERE seq > 7")
    assert cut == [(None, "the file had 10 rows, and its last is row 7: its end was cut off.")]
    assert of("DELETE FROM audit WHERE seq > 7", "UPDATE sqlite_sequence SET seq = 7 WHERE name = 'audit'") == []
    assert of("INSERT INTO audit SELECT 11, time, user, kind, channel, payload, payload_sha, hash, hash FROM audit WHERE seq = 10") == [(11, changed)]  # fmt: skip
    assert of("UPDATE sqlite_sequence SET seq = 3 WHERE name = 'audit'") == [
        (None, "the file counts 3 rows, and its last is row 10: rows were put in.")
    ]


def test_a_head_that_was_noted_finds_an_end_that_was_cut_off(root: Path) -> None:
    code, head = thesis(root, "audit", "head")
    seq, _, found = head.strip().partition(":")
    assert (code, seq) == (0, "10")
    assert thesis_json(root, "audit", "head") == (0, {"seq": 10, "hash": found})
    with tampered(root) as connection:
        connection.execute("DELETE FROM audit WHERE seq > 7")
        connection.execute("UPDATE sqlite_sequence SET seq = 7 WHERE name = 'audit'")
        connection.commit()
    assert problems(root) == []
    for noted in (head.strip(), found):
        assert problems(root, "--head", noted) == [
            (None, f"no row has the head {noted}: the end was cut off, or the chain was made anew.")
        ]
    # What is recorded after the cut does not mend it.
    records = open_records(root)
    keep(records, 5)
    records.close()
    assert problems(root, "--head", head.strip())
    assert thesis(root, "audit", "verify")[1].startswith("Clean: 12 rows; head 12:")


def test_rows_that_follow_a_cut_leave_the_gap_to_be_seen(root: Path) -> None:
    with tampered(root) as connection:
        connection.execute("DELETE FROM audit WHERE seq > 7")
        connection.commit()
    records = open_records(root)
    keep(records, 2)
    records.close()
    assert [row[0] for row in sql(root, "SELECT seq FROM audit")] == [1, 2, 3, 4, 5, 6, 7, 11, 12]
    assert problems(root) == [(11, "rows 8 to 10 are missing before it.")]


def test_guards_that_are_gone_are_named(root: Path) -> None:
    with closing(sqlite3.connect(root / schema.NAME)) as connection:
        connection.execute("DROP TRIGGER audit_keeps_rows")
    code, text = thesis(root, "audit", "verify")
    assert code == 1
    assert text.splitlines()[0] == (
        "the guards against change are gone or other (audit_keeps_rows): somebody has opened the file to change it."
    )
    assert text.splitlines()[1].startswith("NOT CLEAN: 10 rows; head 10:")


def test_retention_empties_payloads_and_the_chain_stays_whole(kept_in: str, root: Path) -> None:
    records = open_records(root)
    talk = "conversation-1"
    records.asked(ANNA, ask("Kept?", conversation_id=talk), answer("kept", "Kept?"))
    later = datetime.now(UTC) + timedelta(days=40)
    assert audit.prune(records._database, 90, user="local", moment=later) == 0
    assert audit.prune(records._database, 30, user="local", moment=later) == 11
    code, found = thesis_json(root, "audit", "verify")
    assert (code, found["clean"], found["rows"], found["emptied"]) == (0, True, 12, 11)
    assert audit.prune(records._database, 30, user="local", moment=later) == 0
    # Who asked when stays; what was asked is gone, but for the conversation, which is its owner's.
    assert sql(root, "SELECT count(*) FROM audit WHERE payload IS NULL AND \"user\" = 'anna'") == [(11,)]
    assert records.answer(ANNA, "kept") == answer("kept", "Kept?")
    assert records.conversation(ANNA, talk)["turns"][0]["answer"].text == "Rates fell. [S1]"
    with pytest.raises(Exception, match="no such answer"):
        records.answer(ANNA, "id3")
    records.close()
    if kept_in == "sqlite":
        assert b"Question 3?" not in (root / schema.NAME).read_bytes()
    assert "cannot: Its text was emptied by retention." in thesis(root, "replay", "kept")[1]


def test_prune_is_a_command_that_follows_the_settings(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert thesis_json(root, "audit", "prune") == (0, {"emptied": 0, "conversations": 0})
    assert "Neither audit_retention_days nor" in thesis(root, "audit", "prune")[1]
    with tampered(root) as connection:  # rows of long ago, as no program of ours can make them now
        rows = chain([b"{}"] * 10)
        for row in rows:
            connection.execute("UPDATE audit SET time = ?, prev = ?, hash = ?, payload = ?, payload_sha = ?, user = 'anna', kind = 'asked', channel = 'api' WHERE seq = ?",
                               (row.time, row.prev, row.hash, audit.packed(b"{}"), row.payload_sha, row.seq))  # fmt: skip
        connection.commit()
    monkeypatch.setenv("THESIS_AUDIT_RETENTION_DAYS", "30")
    monkeypatch.setenv("THESIS_CONVERSATION_RETENTION_DAYS", "30")
    assert thesis_json(root, "audit", "prune") == (0, {"emptied": 10, "conversations": 0})
    assert thesis(root, "audit", "verify")[1].startswith("Clean: 11 rows, 10 emptied by retention; head 11:")


def test_without_texts_the_audit_keeps_digests_only(kept_in: str, tmp_path: Path) -> None:
    records = open_records(tmp_path, audit_text=False)
    secret = "Zanzibar"
    talk = "conversation-1"
    asked = ask(f"What of {secret}?", conversation_id=talk, history=({"role": "user", "content": secret},))
    records.begun(ANNA, asked)
    records.asked(ANNA, asked, answer("id1", f"What of {secret}?", f"{secret} rose."))
    records.ended(ANNA, asked, "stopped", said=[f"{secret} rose."])
    records.ended(ANNA, asked, "refused", reason=secret)
    records.event(ANNA, "searched", {"query": secret, "retrieved": [["d1", "v1"]]})
    records.event(ANNA, "tool_called", {"tool": "verify_claim", "arguments": {"claim": secret}, "status": "ok"})
    with records._database.read() as connection:
        rows = list(audit.rows(connection))
    assert len(rows) == 6
    for row in rows:
        assert secret.encode() not in (row.payload or b"")
    payload = json.loads(rows[1].payload or b"")
    assert payload["question_sha"] == digest(f"What of {secret}?")
    assert payload["answer_sha"] == digest(answer("id1", f"What of {secret}?", f"{secret} rose.").model_dump(mode="json"))  # fmt: skip
    assert (payload["cited"], payload["answer_id"], payload["status"]) == ([["d1", "v1"]], "id1", "answered")
    # The conversation is its owner's, and goes when they delete it.
    assert [t["content"] for t in records.history(ANNA, talk)] == [f"What of {secret}?", f"{secret} rose. [S1]"]
    assert records.answer(ANNA, "id1").text == f"{secret} rose. [S1]"
    records.forget(ANNA, talk)
    records.close()
    if kept_in == "sqlite":
        assert secret.encode() not in (tmp_path / schema.NAME).read_bytes()
    code, text = thesis(tmp_path, "replay", "id1")
    assert (code, text) == (1, "cannot: The audit kept no texts at that time (setting audit_text), only their digests.\n")  # fmt: skip


HOSTILE = ("=1+1", "+49", "-2", "@SUM(A1)", "\t=1", " =1", "＝1", "\r\n=1", '"; DROP TABLE audit; --', "a\x00b", "\ud800", "‮evil", "</td><script>")  # fmt: skip


def test_hostile_texts_are_recorded_as_they_are_and_verify(kept_in: str, tmp_path: Path) -> None:
    records = open_records(tmp_path)
    for n, text in enumerate(HOSTILE):
        plain = text.encode("utf-8", "replace").decode()
        records.asked(User(text, "reader"), ask(text, filters={text: text}), answer(f"id{n}", plain))
        records.event(User(text), "sign_in_failed", {"name": text})
        assert records.answer(User(text, "reader"), f"id{n}").question == plain
    records.event(ANNA, "sign_in_failed", {"name": "x" * 10_000, "when": datetime.now(UTC)})
    for kind in ("yes; no", "", "asked", "pruned", "Ä"):
        with pytest.raises(ValueError, match="is no kind of event"):
            records.event(ANNA, kind, {})
    records.close()
    assert problems(tmp_path) == []


def test_the_export_for_a_sheet_has_no_formula_and_the_other_has_everything(kept_in: str, tmp_path: Path) -> None:
    records = open_records(tmp_path)
    for n, text in enumerate(HOSTILE):
        records.asked(User(text, "reader"), ask(text), answer(f"id{n}", text.encode("utf-8", "replace").decode()))
    records.close()
    code, told = thesis_json(tmp_path, "audit", "export", str(tmp_path / "a.csv"))
    assert (code, told["rows"], told["head"]["seq"]) == (0, len(HOSTILE), len(HOSTILE))
    text = (tmp_path / "a.csv").read_bytes().decode("utf-8-sig")
    cells = list(csv.DictReader(io.StringIO(text, newline="")))
    assert [row["seq"] for row in cells] == [str(n + 1) for n in range(len(HOSTILE))]
    for row, asked in zip(cells, HOSTILE, strict=True):
        assert all(value.lstrip()[:1] not in set("=+-@＝＋－＠") for value in row.values())
        assert row["question"].lstrip("'") == asked.encode("utf-8", "replace").decode().replace("\0", r"\x00")
        assert (row["status"], row["cited"], row["via"]) == ("answered", "d1@v1", "open")
    assert thesis(tmp_path, "audit", "export", str(tmp_path / "a.jsonl"))[0] == 0
    lines = [json.loads(line) for line in (tmp_path / "a.jsonl").read_text().split("\n") if line]
    assert [line["kind"] for line in lines] == ["asked"] * len(HOSTILE) + ["exported"]
    for line, asked in zip(lines, HOSTILE, strict=False):
        assert sha256(canonical(line["payload"])).hexdigest() == line["payload_sha"]
        assert line["payload"]["question"] == asked
    assert problems(tmp_path) == []
    for name in ("a.csv", "a.jsonl"):
        assert stat.S_IMODE((tmp_path / name).stat().st_mode) == 0o600


@given(st.text(max_size=20))
@settings(max_examples=300)
def test_no_cell_begins_as_a_formula(text: str) -> None:
    cell = safe(text)
    assert cell.lstrip()[:1] not in {"=", "+", "-", "@"}
    controls = {character for character in text if unicodedata.category(character) == "Cc"} - set("\t\r\n")
    assert not controls & set(cell)
    assert controls or cell in {text, f"'{text}"}


def test_no_cell_is_a_command_to_a_terminal() -> None:
    assert safe("\x1b[31mred\x9b2J") == r"\x1b[31mred\x9b2J"


def test_an_export_is_narrowed_by_days_and_user_and_overwrites_nothing(
    kept_in: str, root: Path, tmp_path: Path
) -> None:
    records = open_records(root)
    keep(records, 2, BEN)
    records.close()
    today = datetime.now(UTC).date()

    def count(name: str, *flags: str) -> int:
        code, told = thesis_json(root, "audit", "export", str(tmp_path / name), *flags)
        assert code == 0
        return int(told["rows"])

    assert count("1.csv", "--user", "ben") == 2
    assert count("2.csv", "--since", today.isoformat(), "--until", today.isoformat(), "--user", "anna") == 10
    assert count("3.jsonl", "--until", (today - timedelta(days=1)).isoformat()) == 0
    assert count("4.jsonl", "--since", (today + timedelta(days=1)).isoformat()) == 0
    for arguments, code, message in (
        (["export", str(tmp_path / "1.csv")], 1, "exists already"),
        (["export", str(tmp_path / "x.xlsx")], 2, "neither .csv nor .jsonl"),
        (["export", str(tmp_path / "none" / "x.csv")], 1, "cannot be written"),
        (["export"], 2, "Name the file"),
        (["export", str(tmp_path / "y.csv"), "--since", "soon"], 2, "is not a date"),
        (["head", "x.csv"], 2, "takes no file"),
        (["verify", "--user", "anna"], 2, "takes no user"),
        (["export", str(tmp_path / "y.csv"), "--head", "x"], 2, "takes no head"),
    ):
        found, text = thesis(root, "audit", *arguments)
        assert (found, message in text) == (code, True), text
    assert sorted(p.name for p in tmp_path.iterdir()) == ["1.csv", "2.csv", "3.jsonl", "4.jsonl", "store"]


def test_only_the_user_who_runs_the_server_may_read_the_file(root: Path) -> None:
    assert stat.S_IMODE((root / schema.NAME).stat().st_mode) == 0o600


def test_a_folder_without_records_says_so(tmp_path: Path) -> None:
    for arguments in (["audit", "verify"], ["audit", "head"], ["feedback"], ["replay", "x"], ["audit", "prune"]):
        code, text = thesis(tmp_path, *arguments)
        assert (code, "There are no records in" in text) == (1, True)
    assert list(tmp_path.iterdir()) == []


def test_a_file_of_a_newer_program_is_refused_and_an_older_one_brought_up(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with closing(sqlite3.connect(root / schema.NAME)) as connection:
        connection.execute("PRAGMA user_version = 99")
    with pytest.raises(StoreError, match=r"newer version of this program \(schema 99, known: 2\)"):
        open_records(root)
    with closing(sqlite3.connect(root / schema.NAME)) as connection:
        connection.execute("PRAGMA user_version = 1")
    monkeypatch.setattr(schema, "SCHEMA", 3)
    monkeypatch.setattr(
        schema, "MIGRATIONS", {1: "ALTER TABLE feedback ADD COLUMN a; CREATE TABLE b (c)", 2: "DROP TABLE b"}
    )
    records = open_records(root)
    assert records.head().startswith("10:")
    records.close()
    assert in_file(root, "PRAGMA user_version") == [(3,)]
    assert in_file(root, "SELECT count(*) FROM pragma_table_info('feedback') WHERE name = 'a'") == [(1,)]
    monkeypatch.setattr(schema, "SCHEMA", 4)
    monkeypatch.setattr(schema, "MIGRATIONS", {3: "CREATE TABLE d (e); SELECT x FROM nowhere"})
    with pytest.raises(StoreError, match="cannot be read: no such table"):
        open_records(root)
    assert in_file(root, "PRAGMA user_version") == [(3,)]
    assert in_file(root, "SELECT count(*) FROM sqlite_master WHERE name = 'd'") == [(0,)]


def test_a_file_that_is_no_database_is_named(tmp_path: Path) -> None:
    (tmp_path / schema.NAME).write_bytes(b"no database at all" * 500)
    code, text = thesis(tmp_path, "audit", "verify")
    assert (code, "cannot be read: file is not a database" in text) == (1, True)


def test_the_commands_work_beside_a_process_that_has_the_records_open(kept_in: str, root: Path) -> None:
    holder = (
        "import sys\nfrom record_samples import keep, open_records\nfrom pathlib import Path\n"
        f"records = open_records(Path({str(root)!r}))\nkeep(records, 3)\nprint('held', flush=True)\nsys.stdin.readline()\n"
        "keep(records, 3)\nrecords.close()\n"
    )
    environ = os.environ | {"PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "tests")])}
    with subprocess.Popen(
        [sys.executable, "-c", holder], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environ
    ) as first:
        assert first.stdout is not None
        assert first.stdout.readline() == "held\n"
        assert thesis(root, "audit", "verify")[1].startswith("Clean: 13 rows; head 13:")
        assert thesis_json(root, "audit", "export", str(root / "x.jsonl"))[1]["rows"] == 13
        first.communicate("\n", timeout=60)
    assert first.returncode == 0
    # 13, the export, and three more of the other process.
    assert thesis(root, "audit", "verify")[1].startswith("Clean: 17 rows; head 17:")


def test_the_record_of_a_question_is_read_by_its_answer(root: Path) -> None:
    records = open_records(root)
    with records._database.read() as connection:
        assert audit.row_of(connection, "id4") == 4
        assert audit.row_of(connection, "none") is None
        found: Callable[[int], Any] = lambda seq: audit.payload_of(connection, seq)  # noqa: E731
        assert found(4)["question"] == "Question 4?"
    records.close()
    with tampered(root) as connection:
        connection.execute("UPDATE audit SET payload = (SELECT payload FROM audit WHERE seq = 5) WHERE seq = 4")
        connection.commit()
    code, text = thesis(root, "replay", "id4")
    assert (code, "Row 4 of the audit was changed" in text) == (1, True)
