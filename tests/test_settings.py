"""Settings: thesis.toml, then THESIS_* variables, then flags; what is wrong is named."""

from __future__ import annotations

from pathlib import Path

import pytest

from vectorstore.errors import SettingsError
from vectorstore.settings import Settings, load_settings


def toml(folder: Path, text: str) -> Path:
    path = folder / "thesis.toml"
    path.write_text(text, encoding="utf-8")
    return path


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_nothing_given_is_the_defaults() -> None:
    assert load_settings(environ={}) == Settings()


def test_flags_win_over_variables_and_variables_over_the_file(tmp_path: Path) -> None:
    toml(tmp_path, 'store = "file"\nport = 1\nhost = "file"\ncollection = "file"\n')
    environ = {"THESIS_PORT": "2", "THESIS_HOST": "variable"}
    found = load_settings(environ=environ, overrides={"host": "flag", "port": None})
    assert (found.collection, found.port, found.host, found.store) == ("file", 2, "flag", "file")


def test_a_file_is_found_by_name_by_variable_and_by_flag(tmp_path: Path) -> None:
    toml(tmp_path, "port = 1")
    other = tmp_path / "other.toml"
    other.write_text("port = 2", encoding="utf-8")
    third = tmp_path / "third.toml"
    third.write_text("port = 3", encoding="utf-8")
    assert load_settings(environ={}).port == 1
    assert load_settings(environ={"THESIS_CONFIG": str(other)}).port == 2
    assert load_settings(file=third, environ={"THESIS_CONFIG": str(other)}).port == 3


def test_a_file_with_a_byte_order_mark_is_read(tmp_path: Path) -> None:
    (tmp_path / "thesis.toml").write_bytes(b"\xef\xbb\xbfport = 9\n")
    assert load_settings(environ={}).port == 9


@pytest.mark.parametrize("word", ["1", "true", "YES", " on "])
def test_words_for_true(word: str) -> None:
    assert load_settings(environ={"THESIS_LOG_QUESTIONS": word}).log_questions is True


@pytest.mark.parametrize("word", ["0", "False", "no", "off", ""])
def test_words_for_false(word: str) -> None:
    assert load_settings(environ={"THESIS_LOG_QUESTIONS": word}).log_questions is False


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("prot = 1", "unknown setting 'prot'"),
        ('port = "many"', "port = 'many' is not a whole number"),
        ("port = 7.5", "port = 7.5 is not a whole number"),
        ("port = true", "port = True is not a whole number"),
        ("port = -1", "port = -1 is not a whole number from 0 up"),
        ("store = 5", "store = 5 is not a text"),
        ('log_questions = "perhaps"', "log_questions = 'perhaps' is not true or false"),
        ("[web]\nport = 1", "unknown setting 'web'"),
        ("port = ", "is not valid TOML"),
        ('store = ""', "The setting store is empty"),
    ],
)
def test_a_wrong_line_of_the_file_is_named(tmp_path: Path, text: str, names: str) -> None:
    path = toml(tmp_path, text)
    with pytest.raises(SettingsError) as caught:
        load_settings(file=path, environ={})
    assert names in caught.value.message
    assert caught.value.what_to_do


@pytest.mark.parametrize(
    ("environ", "names"),
    [
        ({"THESIS_PORT": "x"}, "THESIS_PORT: port = 'x' is not a whole number"),
        ({"THESIS_PORT": ""}, "THESIS_PORT: port = '' is not a whole number"),
        (
            {"THESIS_FETCH_PRIVATE_ADDRESSES": "maybe"},
            "THESIS_FETCH_PRIVATE_ADDRESSES: fetch_private_addresses = 'maybe'",
        ),
        ({"THESIS_STORE": " "}, "The setting store is empty"),
        ({"THESIS_CONFIG": "nowhere.toml"}, "The settings file nowhere.toml does not exist"),
    ],
)
def test_a_wrong_variable_is_named(environ: dict[str, str], names: str) -> None:
    with pytest.raises(SettingsError) as caught:
        load_settings(environ=environ)
    assert names in caught.value.message


def test_a_wrong_flag_is_named_as_it_is_typed() -> None:
    with pytest.raises(SettingsError, match=r"--file-limit-mb: file_limit_mb = 'big' is not a whole number"):
        load_settings(environ={}, overrides={"file_limit_mb": "big"})
    with pytest.raises(SettingsError, match="Unknown setting 'prot'"):
        load_settings(environ={}, overrides={"prot": 1})


def test_a_folder_or_latin1_file_for_the_settings_is_a_clear_error(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="cannot be read"):
        load_settings(file=tmp_path, environ={})
    path = tmp_path / "latin.toml"
    path.write_bytes('host = "é"'.encode("latin-1"))
    with pytest.raises(SettingsError, match="is not valid TOML"):
        load_settings(file=path, environ={})
