"""Which Chroma server the settings name: what is taken, and what is refused before anything is asked."""

from __future__ import annotations

from pathlib import Path

import pytest

from vectorstore.errors import SettingsError
from vectorstore.server import Server, server_of
from vectorstore.settings import Settings

SECRET = "ck-very-secret"
CLOUD = "https://api.trychroma.com"


def test_without_an_address_vectors_are_embedded() -> None:
    assert server_of(Settings(), {"THESIS_CHROMA_TOKEN": SECRET}) is None
    assert server_of(Settings(chroma="  "), {}) is None


def test_an_address_with_all_that_belongs_to_it() -> None:
    settings = Settings(
        chroma="https://chroma.example.com:8443/db/",
        chroma_tenant=" t ",
        chroma_database="d",
        chroma_timeout_s=7,
        ca_bundle="/etc/ssl/own.pem",
    )
    found = server_of(settings, {"THESIS_CHROMA_TOKEN": SECRET})
    assert found == Server("https://chroma.example.com:8443/db", "t", "d", SECRET, 7.0, "/etc/ssl/own.pem")
    assert found.headers() == {"X-Chroma-Token": SECRET}
    assert SECRET not in repr(found)
    assert server_of(Settings(chroma="http://[::1]:8000"), {}) == Server("http://[::1]:8000")


def test_the_token_comes_from_the_environment_or_a_credential(tmp_path: Path) -> None:
    cloud = Settings(chroma=CLOUD)
    own = server_of(cloud, {"CHROMA_API_KEY": "second", "THESIS_CHROMA_TOKEN": "first"})
    other = server_of(cloud, {"CHROMA_API_KEY": "second"})
    assert own is not None
    assert other is not None
    assert (own.token, other.token, own.cloud) == ("first", "second", True)
    (tmp_path / "thesis-chroma-token").write_text(f"{SECRET}\n")
    kept = server_of(cloud, {"CREDENTIALS_DIRECTORY": str(tmp_path)})
    assert kept is not None
    assert kept.token == SECRET
    (tmp_path / "thesis-chroma-token").write_bytes(b"\xff\xfe")
    with pytest.raises(SettingsError, match="cannot be read"):
        server_of(cloud, {"CREDENTIALS_DIRECTORY": str(tmp_path)})


@pytest.mark.parametrize(
    "address",
    ["http://127.0.0.1:8000", "http://[::1]", "http://10.0.0.7", "http://192.168.1.9:80", "http://chroma:8000"],
)
def test_a_token_goes_in_the_clear_only_within_one_network(address: str) -> None:
    found = server_of(Settings(chroma=address), {"THESIS_CHROMA_TOKEN": SECRET})
    assert found is not None
    assert found.token == SECRET


@pytest.mark.parametrize(
    ("settings", "environ", "words"),
    [
        (Settings(chroma="http://chroma.example.com"), {"THESIS_CHROMA_TOKEN": SECRET}, "in the clear"),
        (Settings(chroma="http://8.8.8.8"), {"CHROMA_API_KEY": SECRET}, "in the clear"),
        (Settings(chroma=CLOUD), {}, "needs a key"),
        (Settings(chroma=CLOUD), {"THESIS_CHROMA_TOKEN": f"{SECRET}\nX-Other: 1"}, "no header may have"),
        (Settings(chroma="127.0.0.1:8000"), {}, "no address"),
        (Settings(chroma="ftp://host"), {}, "no address"),
        (Settings(chroma="http://"), {}, "no address"),
        (Settings(chroma="http://host:port"), {}, "no address"),
        (Settings(chroma="http://host:99999"), {}, "no address"),
        (Settings(chroma="http://[::1"), {}, "no address"),
        (Settings(chroma="http://host/?token=1"), {}, "no address"),
        (Settings(chroma=f"http://me:{SECRET}@host"), {}, "a name or a password"),
        (Settings(chroma="http://host", chroma_timeout_s=0), {}, "leaves no time"),
        (Settings(chroma="http://host", chroma_tenant="a/../b"), {}, "chroma_tenant"),
        (Settings(chroma="http://host", chroma_database="x/y"), {}, "chroma_database"),
    ],
)
def test_what_cannot_be_is_named_and_no_secret_is(settings: Settings, environ: dict[str, str], words: str) -> None:
    with pytest.raises(SettingsError) as caught:
        server_of(settings, environ)
    assert words in caught.value.message
    assert caught.value.what_to_do
    assert SECRET not in str(caught.value)
