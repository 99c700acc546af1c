"""The guards that keep the audit append-only, as triggers of SQLite and of PostgreSQL, and whether they are there.

They stop a program that writes to the audit by mistake or in passing. Whoever owns the file or the tables can take them away: then
`thesis audit verify` says that they are gone, and finds what was changed.
"""

# ruff: noqa: S608 - nothing but constants stands in the statements

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from vectorstore.database import Connection

_KEPT = ("time", "user", "kind", "channel", "payload_sha", "prev", "hash")
_DELETE = "the audit is append-only: no row may be deleted"
_UPDATE = "the audit is append-only: only a payload may be emptied"
_INSERT = "the audit is append-only: a row comes at the end"

GUARDS: Mapping[str, str] = {
    "audit_keeps_rows": f"""
        CREATE TRIGGER audit_keeps_rows BEFORE DELETE ON audit
        BEGIN SELECT RAISE(ABORT, '{_DELETE}'); END""",
    "audit_keeps_fields": f"""
        CREATE TRIGGER audit_keeps_fields BEFORE UPDATE ON audit
        WHEN NEW.payload IS NOT NULL OR OLD.kind = 'pruned' OR NEW.seq IS NOT OLD.seq OR {
        " OR ".join(f"NEW.{name} IS NOT OLD.{name}" for name in _KEPT)
    }
        BEGIN SELECT RAISE(ABORT, '{_UPDATE}'); END""",
    "audit_appends": f"""
        CREATE TRIGGER audit_appends BEFORE INSERT ON audit
        WHEN NEW.seq IS NOT (SELECT coalesce(max(seq), 0) + 1 FROM sqlite_sequence WHERE name = 'audit')
        BEGIN SELECT RAISE(ABORT, '{_INSERT}'); END""",
}

# PostgreSQL's own sequences count on where a transaction is rolled back: the rows are counted here, in the transaction of the row.
COUNT = "CREATE TABLE audit_count (one BOOLEAN PRIMARY KEY DEFAULT true CHECK (one), value BIGINT NOT NULL)"
COUNT_FROM = "INSERT INTO audit_count (value) VALUES (0)"
_ROW, _BEFORE, _INSERTS, _DELETES, _UPDATES, _TRUNCATES = 1, 2, 4, 8, 16, 32  # bits of pg_trigger.tgtype
_ALWAYS = "A"  # of pg_trigger.tgenabled: also in a session that replays changes


@dataclass(frozen=True, slots=True)
class Guard:
    """A trigger of PostgreSQL, and its function of the same name. ``body``: PL/pgSQL; {schema} stands for where the audit is."""

    name: str
    table: str
    events: int
    body: str

    def words(self, schema: str) -> str:
        return f"\nBEGIN\n{self.body.format(schema=schema)}\nEND\n"

    def statements(self, schema: str) -> Iterator[str]:
        events = {_INSERTS: "INSERT", _UPDATES: "UPDATE", _DELETES: "DELETE", _TRUNCATES: "TRUNCATE"}
        named = " OR ".join(name for bit, name in events.items() if self.events & bit)
        each = "ROW" if self.events & _ROW else "STATEMENT"
        yield f"CREATE FUNCTION {self.name}() RETURNS trigger LANGUAGE plpgsql AS $guard${self.words(schema)}$guard$"
        yield f"CREATE TRIGGER {self.name} BEFORE {named} ON {self.table} FOR EACH {each} EXECUTE FUNCTION {self.name}()"
        yield f"ALTER TABLE {self.table} ENABLE ALWAYS TRIGGER {self.name}"


def _fields(row: str) -> str:
    return ", ".join(f'{row}."{name}"' for name in ("seq", *_KEPT))


_COUNTS = "the count of the audit only grows"
SHARED_GUARDS = (
    Guard("audit_keeps_rows", "audit", _ROW | _BEFORE | _DELETES, f"RAISE EXCEPTION '{_DELETE}';"),
    Guard("audit_keeps_all", "audit", _BEFORE | _TRUNCATES, f"RAISE EXCEPTION '{_DELETE}';"),
    Guard(
        "audit_keeps_fields",
        "audit",
        _ROW | _BEFORE | _UPDATES,
        "IF NEW.payload IS NOT NULL OR OLD.kind = 'pruned' OR "
        f"({_fields('NEW')}) IS DISTINCT FROM ({_fields('OLD')}) THEN RAISE EXCEPTION '{_UPDATE}'; END IF; RETURN NEW;",
    ),
    Guard(
        "audit_appends",
        "audit",
        _ROW | _BEFORE | _INSERTS,
        "IF NEW.seq IS DISTINCT FROM (SELECT value + 1 FROM {schema}.audit_count) THEN "
        f"RAISE EXCEPTION '{_INSERT}'; END IF; "
        "UPDATE {schema}.audit_count SET value = NEW.seq; RETURN NEW;",
    ),
    Guard(
        "audit_count_grows",
        "audit_count",
        _ROW | _BEFORE | _UPDATES | _DELETES,
        f"IF TG_OP = 'DELETE' THEN RAISE EXCEPTION '{_COUNTS}'; END IF; "
        f"IF NEW.value IS DISTINCT FROM OLD.value + 1 THEN RAISE EXCEPTION '{_COUNTS}'; END IF; RETURN NEW;",
    ),
    Guard("audit_count_stays", "audit_count", _BEFORE | _TRUNCATES, f"RAISE EXCEPTION '{_COUNTS}';"),
)


def counted(connection: Connection) -> int:
    """Return how many rows the audit ever had, as the database counts them."""
    if isinstance(connection, sqlite3.Connection):
        statement = "SELECT max(seq) FROM sqlite_sequence WHERE name = 'audit'"
    else:
        statement = "SELECT max(value) FROM audit_count"
    return int(connection.execute(statement).fetchone()[0] or 0)


def missing_guards(connection: Connection) -> list[str]:
    """Return the names of the guards that the database has not, has switched off, or has in other words."""
    if isinstance(connection, sqlite3.Connection):
        held = dict(connection.execute("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'"))
        return [name for name, text in GUARDS.items() if _words(held.get(name)) != _words(text)]
    schema = str(connection.execute("SELECT current_schema()").fetchone()[0])
    rows = connection.execute(
        "SELECT t.tgname, c.relname, t.tgtype, t.tgenabled, p.prosrc, t.tgqual IS NULL AND CAST(t.tgattr AS text) = '' "
        "FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid JOIN pg_namespace n ON n.oid = c.relnamespace "
        "JOIN pg_proc p ON p.oid = t.tgfoid WHERE n.nspname = ? AND NOT t.tgisinternal",
        (schema,),
    )
    found = {row[0]: tuple(row[1:]) for row in rows}
    return [
        one.name
        for one in SHARED_GUARDS
        if found.get(one.name) != (one.table, one.events, _ALWAYS, one.words(schema), True)
    ]


def _words(text: object) -> list[str]:
    return str(text).split()


__all__ = ["COUNT", "COUNT_FROM", "GUARDS", "SHARED_GUARDS", "Guard", "counted", "missing_guards"]
