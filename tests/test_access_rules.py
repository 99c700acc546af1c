"""Who may read and write what: the file, its mistakes, and its changes while the server runs."""

from __future__ import annotations

import logging
import os
from pathlib import Path

import pytest

from assistant.access import LOCAL, User
from assistant.access.rules import Rules, parse
from vectorstore.errors import SettingsError
from vectorstore.settings import Settings

NAMES = ("default", "Deals", "board papers", "other")
TEXT = """
default = "everyone"
[collections.deals]
readers = ["ada", "@deals"]
editors = ["@deals-editors"]
[collections."Board  Papers"]
readers = ["*"]
editors = ["eve"]
"""


def rules(tmp_path: Path, text: str = TEXT) -> Rules:
    path = tmp_path / "access.toml"
    path.write_text(text, encoding="utf-8")
    return Rules.load(Settings(access_file=str(path)), lambda: NAMES)


def test_without_a_file_all_read_all_and_editors_write_everywhere() -> None:
    free = Rules.load(Settings())
    assert free.readable(User("ada")) is None
    assert free.writable(User("ed", "editor"), "anything")
    assert not free.writable(User("ada"), "anything")
    assert not free.writable(User("ed", "editor", scopes=frozenset({"ask"})), "anything")


def test_readers_are_named_in_person_or_by_group(tmp_path: Path) -> None:
    made = rules(tmp_path)
    assert made.readable(User("bob")) == {"default", "board papers", "other"}
    assert made.readable(User("ada")) is None
    assert made.readable(User("bob", groups=("x", "deals"))) is None
    assert made.readable(User("bob", groups=("deals-editors",))) is None
    assert made.readable(User("deals")) == made.readable(User("@deals")) == made.readable(User("bob"))
    assert made.readable(LOCAL) is None


def test_what_is_not_listed_may_be_for_nobody(tmp_path: Path) -> None:
    made = rules(tmp_path, TEXT.replace("everyone", "nobody"))
    assert made.readable(User("bob")) == {"board papers"}
    assert made.readable(User("ada")) == {"deals", "board papers"}
    assert made.readable(User("root", "admin")) is None
    assert not made.writable(User("ed", "editor"), "other")


def test_to_write_takes_the_role_and_the_collection(tmp_path: Path) -> None:
    made = rules(tmp_path)
    member = ("deals-editors",)
    assert made.writable(User("ed", "editor", member), "DEALS")
    assert not made.writable(User("ed", "reader", member), "deals")
    assert not made.writable(User("ed", "editor"), " Deals ")
    assert not made.writable(User("ada", "editor"), "deals")
    assert made.writable(User("eve", "editor"), "board papers")
    assert made.writable(User("ed", "editor"), "other")
    assert made.writable(User("root", "admin"), "deals")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "default is missing"),
        ('default = "all"', "default = 'all' is unknown"),
        ('default = "nobody"\nreaders = []', "unknown key 'readers'"),
        ('default = "nobody"\ncollections = 3', "collections = 3 is no table"),
        ('default = "nobody"\n[collections]\ndeals = ["ada"]', "[collections.deals] is no table"),
        ('default = "nobody"\n[collections.deals]\nreader = []', "[collections.deals]: unknown key 'reader'"),
        ('default = "nobody"\n[collections.deals]\nreaders = "ada"', "readers = 'ada' is no list"),
        ('default = "nobody"\n[collections.deals]\nreaders = [3]', "3 is no name"),
        ('default = "nobody"\n[collections.deals]\neditors = [" "]', "' ' is no name"),
        ('default = "nobody"\n[collections.deals]\neditors = ["@"]', "'@' is no name"),
        ('default = "nobody"\n[collections.deals]\n[collections.Deals]', "[collections.Deals] is listed twice"),
        ('default = "nobody"\n[collections." "]', "a collection has no name"),
        ("default =", "is not valid TOML"),
    ],
)
def test_a_mistake_is_named(text: str, said: str) -> None:
    with pytest.raises(SettingsError) as caught:
        parse(text, "access.toml")
    assert said in caught.value.message
    assert caught.value.message.startswith("access.toml")
    assert caught.value.what_to_do


def test_a_file_that_is_missing_or_no_text_stops_the_start(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="cannot be read: No such file"):
        Rules.load(Settings(access_file=str(tmp_path / "none.toml")))
    (tmp_path / "bytes.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(SettingsError, match="it is no UTF-8"):
        Rules.load(Settings(access_file=str(tmp_path / "bytes.toml")))


def change(path: Path, text: str, at: int) -> None:
    path.write_text(text, encoding="utf-8")
    os.utime(path, (at, at))


def test_a_change_counts_at_once_and_a_broken_one_changes_nothing(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    made, path, bob = rules(tmp_path), tmp_path / "access.toml", User("bob")
    before = made.readable(bob)
    assert before == {"default", "board papers", "other"}
    with caplog.at_level(logging.WARNING):
        change(path, 'default = "nobod', 1_000_000)
        assert made.readable(bob) == before
        assert made.readable(bob) == before
        path.unlink()
        assert made.readable(bob) == before
        assert [r.levelname for r in caplog.records] == ["ERROR", "ERROR"]
        assert "What it said before stays in force" in caplog.text
        change(path, 'default = "nobody"\n[collections.deals]\nreaders = ["bob"]', 2_000_000)
        assert made.readable(bob) == {"deals"}
        change(path, 'default = "everyone"', 3_000_000)
        assert made.readable(bob) is None
