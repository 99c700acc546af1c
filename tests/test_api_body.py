"""Strict JSON: what is taken is what every other reader takes, what is not is named with its place."""

from __future__ import annotations

import json
import logging
import socket
import time
from contextlib import suppress

import httpx
import pytest
from api_server import running
from hypothesis import given
from hypothesis import strategies as st
from web_fakes import FakeAssistant, FakeIngestor

from assistant.service import Service
from assistant.web.api.body import DEEPEST, parse
from assistant.web.api.problems import Unacceptable
from vectorstore.settings import Settings

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**30), 10**30) | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)  # fmt: skip


@given(VALUES)
def test_good_json_is_read_as_it_is(value: object) -> None:
    assert parse(json.dumps(value, ensure_ascii=False).encode()) == value


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    with suppress(Unacceptable):
        json.dumps(parse(data), ensure_ascii=False, allow_nan=False).encode()


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "is no JSON: Expecting value (line 1, column 1)"),
        (b'{"a": 1,}', "is no JSON"),
        (b'{"a": 1\n "b"}', "(line 2, column 2)"),
        (b"\xff\xfe", "is no UTF-8 (byte 0)"),
        (b'{"a": "\xc3\x28"}', "is no UTF-8 (byte 7)"),
        (b"[NaN]", "NaN is no number"),
        (b"[-Infinity]", "-Infinity is no number"),
        (b"[1e999]", "a number that is too large"),
        (b"[" + b"9" * 5000 + b"]", "a number of 5000 digits"),
        (b'{"a": "\\ud800"}', "half of a surrogate pair"),
        (b'{"\\udfff": 1}', "half of a surrogate pair"),
        (b'{"a": 1, "a": 2}', "names 'a' twice"),
        (b"[" * (DEEPEST + 1) + b"]" * (DEEPEST + 1), f"nested more than {DEEPEST} deep"),
        (b"[" * 100_000, "nested more than"),
        (b'{"a":' * 100_000, "nested more than"),
        (b"\xef\xbb\xbf{}", "is no JSON"),
        (b"{} {}", "Extra data"),
    ],
)
def test_what_is_wrong_is_named(data: bytes, said: str) -> None:
    with pytest.raises(Unacceptable) as error:
        parse(data)
    assert said in error.value.message
    assert error.value.what_to_do


def test_the_deepest_that_is_taken() -> None:
    data = b"[" * DEEPEST + b"]" * DEEPEST
    assert json.dumps(parse(data)).encode() == data


def test_a_whole_surrogate_pair_is_text() -> None:
    assert parse(rb'"\ud83d\ude00"') == "\U0001f600"


def test_a_client_that_leaves_in_the_midst_of_its_body_is_no_fault(caplog: pytest.LogCaptureFixture) -> None:
    fake, settings = FakeAssistant(), Settings()
    with running(Service(fake, FakeIngestor(fake), settings), settings) as url:
        host, port = url.removeprefix("http://").split(":")
        with socket.create_connection((host, int(port)), timeout=30) as connection:
            head = b"POST /api/v1/ask HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 90\r\n\r\n"
            connection.sendall(head + b'{"question"')
        deadline = time.monotonic() + 20
        while 'status="499"' not in (text := httpx.get(f"{url}/metrics", trust_env=False).text):
            assert time.monotonic() < deadline, text
            time.sleep(0.02)
    assert [record.getMessage() for record in caplog.records if record.levelno >= logging.ERROR] == []
