"""The way out over HTTP, against a source that misbehaves: for each a status and a message, never an exception of a library."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from tool_server import CONTACT, Said, Source, context, make_http, source, tickers

from assistant.tools.base import NoData, NotConfigured, OutOfTime, RateLimited, SourceFailed, ToolFailure
from assistant.tools.deadline import remaining, time_limit
from assistant.tools.providers import http as http_module


@pytest.fixture
def server() -> Iterator[Source]:
    with source() as made:
        yield made


def test_the_contact_goes_into_the_user_agent(server: Source, tmp_path: Path) -> None:
    server.put("/a", {"x": 1})
    reply = make_http(tmp_path).get("sec", f"{server.url}/a", params={"q": "1"})
    assert (reply.json(), reply.stale) == ({"x": 1}, False)
    (heard,) = server.heard
    assert heard.headers["User-Agent"].endswith(f"({CONTACT})")
    assert not [name for name in heard.headers if name.lower().startswith("x-thesis")]
    assert heard.query == {"q": ["1"]}


def test_sec_is_not_asked_without_a_contact(server: Source, tmp_path: Path) -> None:
    server.put("/files/company_tickers.json", tickers(("AAA", 1, "Alder")))
    facts = context(tmp_path, server, contact="").providers.facts
    assert facts is not None
    with pytest.raises(NotConfigured, match="name a contact") as caught:
        facts.listings()
    assert "contact" in caught.value.what_to_do
    assert server.heard == []


@pytest.mark.parametrize(
    ("said", "failure", "message", "tries"),
    [
        (Said(b"denied", 403), NotConfigured, "SEC refused the request", 1),
        (Said(b"Request Rate Threshold Exceeded", 403), RateLimited, "limits the rate", 1),
        (Said(b"", 429, {"Retry-After": "0"}), RateLimited, "limits the rate", 3),
        (Said(b"", 429, {"Retry-After": "3600"}), RateLimited, "asks to wait 3600 s", 1),
        (Said(b"", 500), SourceFailed, "status 500", 3),
        (Said(b"", 404), NoData, "has nothing at /a", 1),
        (Said(b"", 400), SourceFailed, "status 400", 1),
        (Said(b"", 418), SourceFailed, "status 418", 1),
        (Said(b'{"x": [1, 2', 200, cut=4), SourceFailed, "could not be reached", 3),
        (Said(b'{"x": [1, 2'), SourceFailed, "no JSON", 1),
        (Said(b"<!DOCTYPE html><p>Maintenance"), SourceFailed, "a web page instead of data", 1),
        (Said(b"", 302, {"Location": "http://elsewhere.example/a"}), SourceFailed, "sends on to elsewhere.example", 1),
    ],
)  # fmt: skip
def test_each_misbehaviour_is_a_typed_failure(
    server: Source, tmp_path: Path, said: Said, failure: type[ToolFailure], message: str, tries: int
) -> None:
    server.put("/a", said)
    with pytest.raises(failure, match=message) as caught:
        make_http(tmp_path).get("sec", f"{server.url}/a").json()
    assert type(caught.value) is failure
    assert caught.value.what_to_do
    assert len(server.heard) == tries


def test_a_slow_source_is_given_up_in_time(server: Source, tmp_path: Path) -> None:
    server.put("/a", Said(b"{}", delay=3))
    with pytest.raises(OutOfTime, match="did not answer in time"):
        make_http(tmp_path, timeout_s=0.3).get("fred", f"{server.url}/a")


def test_the_running_tool_s_time_bounds_every_request(server: Source, tmp_path: Path) -> None:
    server.put("/a", Said(b"{}", delay=3))
    with time_limit(0.3), pytest.raises(OutOfTime):
        make_http(tmp_path).get("fred", f"{server.url}/a")
    with time_limit(0), pytest.raises(OutOfTime):
        make_http(tmp_path).get("fred", f"{server.url}/b")
    assert server.asked("/b") == []


def test_an_inner_time_limit_never_lengthens_the_outer_one() -> None:
    with time_limit(1), time_limit(100):
        assert remaining(50) <= 1
    assert remaining(50) == 50


def test_a_source_that_recovers_is_asked_again(server: Source, tmp_path: Path) -> None:
    server.put("/a", Said(b"", 503), Said(b"", 429, {"Retry-After": "0"}), {"x": 2})
    assert make_http(tmp_path).get("sec", f"{server.url}/a").json() == {"x": 2}
    assert len(server.heard) == 3


def test_requests_to_a_source_are_spaced(server: Source, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """On a clock that only waiting moves, SEC is asked 8 times a second and FRED twice."""
    clock, asked = [0.0], []

    class Clock:
        monotonic = staticmethod(lambda: clock[0])

        @staticmethod
        def sleep(seconds: float) -> None:
            clock[0] += seconds

    monkeypatch.setattr(http_module, "time", Clock)
    http = make_http(tmp_path, pace=http_module.PACE)
    server.put("/a", {"x": 1})
    for source_ in ("sec", "sec", "sec", "fred", "fred"):
        http.get(source_, f"{server.url}/a", params={"n": str(len(asked))})
        asked.append(clock[0])
    assert asked == [0.0, 0.125, 0.25, 0.25, 0.75]


def test_nothing_larger_than_the_limit_is_read(server: Source, tmp_path: Path) -> None:
    server.put("/a", b"x" * 5000)
    with pytest.raises(SourceFailed, match="more than is taken"):
        make_http(tmp_path, most_bytes=1000).get("sec", f"{server.url}/a")


def test_a_redirect_within_the_host_is_followed(server: Source, tmp_path: Path) -> None:
    server.put("/a", Said(b"", 301, {"Location": "/b"}))
    server.put("/b", {"x": 3})
    assert make_http(tmp_path).get("sec", f"{server.url}/a").json() == {"x": 3}


def test_the_cache_answers_and_a_stale_answer_says_so(server: Source, tmp_path: Path) -> None:
    server.put("/a", {"x": 1}, Said(b"", 500))
    http = make_http(tmp_path)
    fresh = http.get("sec", f"{server.url}/a", keep_s=3600)
    again = make_http(tmp_path).get("sec", f"{server.url}/a", keep_s=3600)
    assert (again.json(), again.stale) == ({"x": 1}, False)
    # The cache notes its time a moment after the answer: a second may begin between the two.
    apart = datetime.fromisoformat(again.retrieved_at) - datetime.fromisoformat(fresh.retrieved_at)
    assert timedelta(0) <= apart <= timedelta(seconds=1)
    assert len(server.heard) == 1


def test_an_expired_answer_stands_in_for_a_source_that_fails(server: Source, tmp_path: Path) -> None:
    server.put("/a", {"x": 1}, Said(b"", 500))
    http = make_http(tmp_path)
    fresh = http.get("sec", f"{server.url}/a", keep_s=1)
    time.sleep(1.1)
    stale = http.get("sec", f"{server.url}/a", keep_s=1)
    assert (stale.json(), stale.stale) == ({"x": 1}, True)
    apart = datetime.fromisoformat(stale.retrieved_at) - datetime.fromisoformat(fresh.retrieved_at)
    assert timedelta(0) <= apart <= timedelta(seconds=1)  # of the first answer, not of the second request


def test_a_key_reaches_neither_log_nor_cache_nor_message(
    server: Source, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    server.put("/a", {"x": 1}, Said(b"", 500))
    http = make_http(tmp_path)
    for _ in range(2):
        http.get("fred", f"{server.url}/a", params={"api_key": "s3cret-key"}, keep_s=1)
    with pytest.raises(ToolFailure) as caught:
        http.get("fred", f"{server.url}/b", params={"api_key": "s3cret-key"})
    with source() as gone:
        pass
    with pytest.raises(SourceFailed, match="could not be reached") as closed:
        http.get("fred", f"{gone.url}/d", params={"api_key": "s3cret-key"})
    assert "s3cret" not in caplog.text + str(caught.value) + str(closed.value)
    assert b"s3cret" not in (tmp_path / "tools" / "http_cache.sqlite").read_bytes()
