"""Why a source could not be reached is told in plain words: real failures on loopback, and those of proxies and certificates."""

from __future__ import annotations

import errno
import socket
import ssl
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from tool_server import CONTACT, TODAY, Said, Source, context, make_http, source, submission

from assistant.tools.base import SourceFailed, ToolFailure
from assistant.tools.probe import APPLE, probe
from assistant.tools.providers.causes import UNKNOWN, cause
from assistant.tools.providers.sec import Sec
from vectorstore.settings import Settings


@pytest.fixture
def server() -> Iterator[Source]:
    with source() as made:
        yield made


def closed_port() -> int:
    with socket.socket() as made:
        made.bind(("127.0.0.1", 0))
        return int(made.getsockname()[1])


def failed(folder: Path, url: str, **options: Any) -> ToolFailure:
    with pytest.raises(SourceFailed) as caught:
        make_http(folder, **options).get("fred", url)
    return caught.value


def test_nobody_listens(tmp_path: Path) -> None:
    failure = failed(tmp_path, f"http://127.0.0.1:{closed_port()}/x?api_key=hunter2")
    assert failure.message == "fred could not be reached: the connection was refused."
    assert "hunter2" not in str(failure)
    assert "firewall" in failure.what_to_do


def test_a_name_that_nobody_has(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*_: object, **__: object) -> Any:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    failure = failed(tmp_path, "http://nowhere.invalid/x")
    assert failure.message == "fred could not be reached: its address was not found (DNS)."
    assert "HTTPS_PROXY" in failure.what_to_do


def test_a_proxy_that_is_not_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, server: Source) -> None:
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.setenv(name, "")
    for name in ("HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{closed_port()}")
    failure = failed(tmp_path, "https://data.invalid/x")
    assert failure.message == "fred could not be reached: the proxy did not let the request through."
    assert "HTTPS_PROXY" in failure.what_to_do


def test_a_proxy_that_wants_a_password(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, server: Source) -> None:
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.setenv(name, "")
    for name in ("HTTP_PROXY", "http_proxy"):
        monkeypatch.setenv(name, server.url)
    server.put("http://data.invalid/x", Said(b"", 407))
    server.put("/x", Said(b"", 407))
    with pytest.raises(ToolFailure) as caught:
        make_http(tmp_path).get("fred", "http://data.invalid/x")
    assert caught.value.status == "not_configured"
    assert "the proxy wants a name and a password" in caught.value.message


def test_a_server_that_speaks_no_tls(tmp_path: Path, server: Source) -> None:
    failure = failed(tmp_path, server.url.replace("http://", "https://") + "/x", timeout_s=5.0)
    assert failure.message.startswith("fred could not be reached: ")
    assert "TLS" in failure.message or "broke off" in failure.message


def test_a_bundle_of_certificates_that_is_not_there(tmp_path: Path) -> None:
    failure = failed(tmp_path, "https://127.0.0.1:9/x", ca_bundle=str(tmp_path / "none.pem"))
    assert failure.message == "fred could not be reached: the setting ca_bundle names no file of certificates."


def nested(inner: BaseException, *outer: str) -> BaseException:
    """Wrap an error as libraries do."""
    for words in outer:
        wrapped = requests.ConnectionError(words, inner)
        wrapped.__cause__ = inner
        inner = wrapped
    return inner


@pytest.mark.parametrize(
    ("error", "said", "again"),
    [
        (ssl.SSLCertVerificationError(1, "certificate verify failed: self-signed certificate in certificate chain"), "its certificate is not trusted here", False),
        (nested(ssl.SSLError(1, "[SSL: WRONG_VERSION_NUMBER] wrong version number"), "x"), "no secure connection could be made (TLS)", True),
        (nested(OSError(errno.ENETUNREACH, "Network is unreachable"), "a", "b"), "there is no way to it from this network", True),
        (nested(ConnectionResetError(errno.ECONNRESET, "reset"), "Connection aborted."), "the connection broke off", True),
        (requests.exceptions.ProxyError("Tunnel connection failed: 407 Proxy Authentication Required"), "the proxy asks for a name and a password (407)", False),
        (requests.exceptions.ChunkedEncodingError("IncompleteRead"), "the connection broke off", True),
        (ValueError("odd"), UNKNOWN.said, True),
    ],
)  # fmt: skip
def test_each_cause_has_its_words(error: BaseException, said: str, again: bool) -> None:
    found = cause(error)
    assert (found.said, found.again) == (said, again)
    assert found.what_to_do.endswith(".")


def test_a_chain_that_bites_its_tail_ends() -> None:
    first, second = ValueError("a"), ValueError("b")
    first.__cause__, second.__cause__ = second, first
    assert cause(first) is UNKNOWN


def tried(folder: Path, server: Source, *names: str, contact: str = CONTACT) -> dict[str, Any]:
    made = context(folder, server, contact=contact)
    settings = Settings(store=str(folder / "s"), sources=names, contact=contact, tool_timeout_s=10)
    return probe(settings, providers=made.providers, today=TODAY)


@pytest.mark.parametrize(
    ("answer", "status", "said", "todo"),
    [
        (Said(b"<h1>Undeclared Automated Tool</h1>", 403), "not_configured", "wants a name and an e-mail", "Set contact"),
        (Said(b"Request Rate Threshold Exceeded", 403), "rate_limited", "limits the rate", "Try again later"),
        (Said(b"", 429, {"Retry-After": "600"}), "rate_limited", "It asks to wait 600 s", "Try again later"),
        (Said(b"", 503), "error", "status 503", "Try again later"),
        (Said(b"<html>Sorry</html>"), "error", "a web page", "may have changed"),
        (Said(b'{"cik": "320193"'), "error", "no JSON", "may have changed"),
        (Said(b"", 301, {"Location": "https://elsewhere.example/"}), "error", "sends on to elsewhere.example", "address"),
    ],
)  # fmt: skip
def test_the_doctor_says_what_to_do(
    server: Source, tmp_path: Path, answer: Said, status: str, said: str, todo: str
) -> None:
    server.put(f"/submissions/CIK{APPLE:010d}.json", answer)
    found = tried(tmp_path, server, "sec")["sec"]
    assert found["status"] == status
    assert said in found["message"]
    assert todo in found["what_to_do"]


def test_the_doctor_asks_sec_for_nothing_without_a_contact(server: Source, tmp_path: Path) -> None:
    server.put(f"/submissions/CIK{APPLE:010d}.json", submission(APPLE, "Apple Inc.", "3571", ["AAPL"]))
    found = tried(tmp_path, server, "sec", contact="")["sec"]
    assert (found["status"], server.heard) == ("not_configured", [])
    assert "Set contact" in found["what_to_do"]


def test_a_refused_source_says_what_helps_with_it(server: Source, tmp_path: Path) -> None:
    server.put("/graph/fredgraph.csv", Said(b"", 403))
    server.put("/holdings/IWM.csv", Said(b"", 403))
    found = tried(tmp_path, server, "fred", "holdings")
    assert "FRED_API_KEY" in found["fred"]["what_to_do"]
    assert "Download the file in a browser" in found["holdings"]["what_to_do"]


def test_sec_is_asked_again_only_where_that_helps(tmp_path: Path) -> None:
    http = make_http(tmp_path, ca_bundle=str(tmp_path / "none.pem"))
    with pytest.raises(SourceFailed, match="ca_bundle"):
        Sec(http, data_url="https://127.0.0.1:9", www_url="https://127.0.0.1:9").submission(APPLE)


def test_digits_of_a_port_are_no_answer_of_a_proxy() -> None:
    refused = requests.ConnectionError("HTTPSConnectionPool(host='127.0.0.1', port=40711): certificate verify failed")
    assert "407" not in cause(refused).said
