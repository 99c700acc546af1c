"""A store of an older program opens with all that is in it, or stays as it is."""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from store_fakes import CountingEmbedder

from vectorstore import _rows, _schema
from vectorstore._schema import SCHEMA
from vectorstore.chroma import VectorIndex
from vectorstore.errors import NotFound, StoreError
from vectorstore.keyword import KeywordIndex
from vectorstore.ledger import Ledger
from vectorstore.records import sha256
from vectorstore.store import Store, Upsert

MakeDocument = Callable[..., Upsert]

# As the program wrote it whose schema had the number 1.
FIRST = """
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE documents (
    number INTEGER PRIMARY KEY, document_id TEXT NOT NULL UNIQUE, path TEXT NOT NULL, collection TEXT NOT NULL,
    version TEXT, state TEXT NOT NULL CHECK (state IN ('indexed', 'failed', 'removed')), error TEXT,
    revision INTEGER NOT NULL DEFAULT 0, changed_at TEXT NOT NULL,
    media_type TEXT NOT NULL DEFAULT '', metadata TEXT NOT NULL DEFAULT '{}',
    warnings TEXT NOT NULL DEFAULT '[]', pages INTEGER NOT NULL DEFAULT 0, characters INTEGER NOT NULL DEFAULT 0,
    chunks INTEGER NOT NULL DEFAULT 0,
    company TEXT, published TEXT, kind_key TEXT, publisher_key TEXT, ticker_key TEXT, form_key TEXT,
    collection_key TEXT, fiscal_period_key TEXT,
    FOREIGN KEY (document_id, version) REFERENCES versions (document_id, version) DEFERRABLE INITIALLY DEFERRED);
CREATE TABLE versions (
    document_id TEXT NOT NULL REFERENCES documents (document_id) DEFERRABLE INITIALLY DEFERRED, version TEXT NOT NULL,
    stored_at TEXT NOT NULL, text BLOB NOT NULL, text_sha TEXT NOT NULL, structure TEXT NOT NULL,
    PRIMARY KEY (document_id, version));
CREATE TABLE chunks (
    chunk_id TEXT PRIMARY KEY, document_id TEXT NOT NULL, version TEXT NOT NULL, place INTEGER NOT NULL,
    start INTEGER NOT NULL, end INTEGER NOT NULL, text BLOB NOT NULL, page INTEGER, section TEXT NOT NULL,
    role TEXT NOT NULL, text_sha TEXT NOT NULL, embedded_sha TEXT NOT NULL,
    FOREIGN KEY (document_id, version) REFERENCES versions (document_id, version));
CREATE INDEX chunks_of_document ON chunks (document_id, place);
CREATE TABLE embeddings (
    embedder TEXT NOT NULL, sha TEXT NOT NULL, vector BLOB NOT NULL, PRIMARY KEY (embedder, sha));
CREATE TABLE marks (document_id TEXT PRIMARY KEY) WITHOUT ROWID;
"""
THEN = "2025-02-03T04:05:06+00:00"


@pytest.fixture
def items(make_document: MakeDocument) -> list[Upsert]:
    return [
        make_document("Backlog fell.", path="a.txt"),
        make_document("Backlog rose.\n\nCommon ground.", path="a.txt", title="A note", company="Firm"),
        make_document("Other words.", path="b.txt"),
        make_document("Went away.", path="c.txt"),
    ]


@pytest.fixture
def first(tmp_path: Path, items: list[Upsert]) -> Path:
    """A store of schema 1: a.txt in its second version, b.txt failed after it was in, c.txt removed."""
    root = tmp_path / "store"
    root.mkdir()
    connection = sqlite3.connect(root / "ledger.sqlite", isolation_level=None)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.executescript(FIRST)
    connection.executemany(
        "INSERT INTO meta VALUES (?, ?)", [("schema", "1"), ("embedder", "words/16"), ("chunker", "1")]
    )
    states = {"a.txt": ("indexed", None), "b.txt": ("failed", "truncated"), "c.txt": ("removed", None)}
    numbers = {path: number for number, path in enumerate(states, start=7)}
    vectors = VectorIndex(root / "chroma", "words/16")
    keyword = KeywordIndex(root / "keyword.sqlite")
    embedder = CountingEmbedder()
    for item in items:
        d = item.document
        state, error = states[d.path]
        current = state != "removed" and item is not items[0]
        connection.execute("PRAGMA foreign_keys = OFF")
        connection.execute(
            "INSERT OR REPLACE INTO documents (number, document_id, path, collection, version, state, error, revision, "
            "changed_at, metadata, characters, chunks, company, collection_key) VALUES (?, ?, ?, ?, ?, ?, ?, 3, ?, ?, ?, ?, ?, ?)",
            (
                *(numbers[d.path], d.document_id, d.path, d.collection, d.version if current else None, state, error),
                *(THEN, json.dumps(_rows.metadata(d.metadata)), len(d.text), len(item.chunks) if current else 0),
                *(d.metadata.company, "default"),
            ),
        )
        connection.execute(
            "INSERT INTO versions VALUES (?, ?, ?, ?, ?, ?)",
            (
                *(d.document_id, d.version, THEN, zlib.compress(d.text.encode()), sha256(d.text.encode())),
                json.dumps(_rows.structure(d)),
            ),
        )
        if not current:
            continue
        heads = [f"{d.metadata.company}\n{c.text}" if d.metadata.company else c.text for c in item.chunks]
        made = embedder.encode(heads)
        for place, (c, text, vector) in enumerate(zip(item.chunks, heads, made, strict=True)):
            connection.execute(
                "INSERT INTO chunks VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    *(c.chunk_id, c.document_id, c.version, place, c.start, c.end, c.text.encode(), c.page),
                    *(c.section, c.role, sha256(c.text.encode()), sha256(text.encode())),
                ),
            )
            connection.execute(
                "INSERT INTO embeddings VALUES (?, ?, ?)",
                ("words/16", sha256(text.encode()), vector.astype("<f4").tobytes()),
            )
        vectors.add(item.chunks, np.asarray(made, np.float32))
        keyword.replace(numbers[d.path], item.chunks, d.metadata)
    assert connection.execute("PRAGMA foreign_key_check").fetchall() == []
    connection.close()
    vectors.close()
    keyword.close()
    connection = sqlite3.connect(root / "keyword.sqlite")
    connection.execute("PRAGMA user_version = 0")
    connection.close()
    return root


def opened(root: Path) -> Store:
    return Store.open(root, embedder=CountingEmbedder(), chunker_version="1")


def tables(root: Path) -> dict[str, str]:
    connection = sqlite3.connect(root / "ledger.sqlite")
    rows = connection.execute("SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL").fetchall()
    connection.close()
    return {name: " ".join(sql[sql.index("(") :].split()) for name, sql in rows}


def rows(root: Path) -> dict[str, list[tuple[object, ...]]]:
    """What the first schema's tables hold, in its columns."""
    connection = sqlite3.connect(root / "ledger.sqlite")
    wanted = {
        "documents": "number, document_id, path, version, state, error, revision, changed_at, metadata, chunks, company",
        "versions": "document_id, version, stored_at, text, text_sha, structure",
        "chunks": "chunk_id, place, start, end, text, role, text_sha, embedded_sha",
        "embeddings": "embedder, sha, vector",
    }
    found = {
        name: connection.execute(f"SELECT {columns} FROM {name} ORDER BY 1, 2").fetchall()
        for name, columns in wanted.items()
    }
    connection.close()
    return found


def test_a_store_of_the_first_schema_opens_with_all_that_is_in_it(
    first: Path, items: list[Upsert], tmp_path: Path
) -> None:
    before = rows(first)
    with opened(first) as store:
        assert store.verify() == []
        assert [(info.path, info.state, info.chunks) for info in store.sources()] == [
            ("a.txt", "indexed", 2),
            ("b.txt", "failed", 1),
        ]
        assert {p.chunk.text for p in store.search("backlog words", k=9)} == {
            "Backlog rose.",
            "Common ground.",
            "Other words.",
        }
        for item in items:
            assert store.document(item.document.document_id, item.document.version).text == item.document.text
        assert rows(first) == before
        store.upsert_many([items[3]])
        assert store.verify() == []
    Ledger(tmp_path / "fresh.sqlite").close()
    (tmp_path / "new").mkdir()
    (tmp_path / "fresh.sqlite").rename(tmp_path / "new" / "ledger.sqlite")
    assert tables(first) == tables(tmp_path / "new")


def test_versions_that_were_replaced_before_count_from_the_last_change_of_their_document(
    first: Path, items: list[Upsert]
) -> None:
    opened(first).close()
    connection = sqlite3.connect(first / "ledger.sqlite")
    found = dict(connection.execute("SELECT version, replaced_at FROM versions").fetchall())
    connection.close()
    versions = [item.document.version for item in items]
    assert [found[version] for version in versions] == [THEN, None, None, THEN]


def test_a_migration_that_fails_leaves_the_store_of_the_older_program(
    first: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = tables(first), rows(first)
    made = list[str]()

    def full(connection: sqlite3.Connection, name: str, statement: str) -> None:
        if made:
            raise sqlite3.OperationalError("database or disk is full")
        made.append(name)
        real(connection, name, statement)

    real = _schema._remake
    with monkeypatch.context() as patch:
        patch.setattr(_schema, "_remake", full)
        with pytest.raises(StoreError, match="full"):
            opened(first)
    assert made
    assert (tables(first), rows(first)) == before
    with opened(first) as store:
        assert store.verify() == []


KILLED = """
import sys
sys.path.insert(0, sys.argv[2])
from vectorstore import _schema
from vectorstore.ledger import Ledger
real = _schema._remake
def remake(*args):
    real(*args)
    print("here", flush=True)
    sys.stdin.readline()
_schema._remake = remake
Ledger(__import__("pathlib").Path(sys.argv[1]) / "ledger.sqlite")
"""


def test_a_killed_migration_is_as_if_it_had_never_begun(first: Path) -> None:
    before = tables(first), rows(first)
    with subprocess.Popen(
        [sys.executable, "-c", KILLED, str(first), str(Path(__file__).parent)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == "here\n"
        child.kill()
    assert (tables(first), rows(first)) == before
    with opened(first) as store:
        assert store.verify() == []


def test_a_reader_beside_the_owner_migrates_nothing(first: Path) -> None:
    before = tables(first)
    with pytest.raises(
        StoreError, match=f"older version of this program .schema 1; this one works with {SCHEMA}."
    ) as caught:
        Ledger(first / "ledger.sqlite", owned=False)
    assert "thesis sources" in caught.value.what_to_do
    assert tables(first) == before
    opened(first).close()
    ledger = Ledger(first / "ledger.sqlite", owned=False)
    assert len(ledger.infos()) == 2
    ledger.close()


def test_an_old_ledger_with_rows_that_belong_to_nothing_is_named(first: Path) -> None:
    connection = sqlite3.connect(first / "ledger.sqlite")
    with connection:
        connection.execute("DELETE FROM versions WHERE version = (SELECT version FROM documents WHERE path = 'b.txt')")
    connection.close()
    with pytest.raises(StoreError, match="cannot be brought up to date: a row of"):
        opened(first)
    assert "staged_chunks" not in tables(first)


def test_every_table_that_a_version_changes_raises_the_number() -> None:
    """The tables of each number are what they were: a change of them calls for the next number and a step."""
    tables = " ".join(_rows.TABLES.split())
    assert (SCHEMA, sha256(tables.encode())[:16]) == (2, "95546799be18e2f3")


def test_a_version_that_never_was_and_a_document_that_is_out_are_told_apart(first: Path, items: list[Upsert]) -> None:
    with opened(first) as store:
        a, gone = items[1].document, items[3].document
        with pytest.raises(NotFound, match="There is no document f00") as caught:
            store.document("f00")
        assert "thesis sources" in caught.value.what_to_do
        with pytest.raises(NotFound, match=f"no document {a.document_id} in version beef"):
            store.document(a.document_id, "beef")
        with pytest.raises(NotFound, match="is not in: it was removed on 2025-02-03") as caught:
            store.document(gone.document_id)
        assert f"thesis show {gone.document_id} --version {gone.version}" in caught.value.what_to_do
