"""The webhook against a real server on loopback that fails, hangs, moves and comes back; nothing is lost and nothing is told twice."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from assistant.catalysts import changes, outbox
from assistant.catalysts.changes import Noted
from assistant.catalysts.database import open_board
from assistant.catalysts.webhook import ATTEMPTS, Sender, signature
from tests.kept import kept_at
from vectorstore.database import AnyDatabase
from vectorstore.errors import SettingsError
from vectorstore.settings import Settings

SECRET = "a long random text"


@dataclass
class Receiver:
    """What the server got, and what it answers: a status a request, 200 after the last. ``hang``: it says nothing until released."""

    url: str
    statuses: list[int] = field(default_factory=list)
    got: list[tuple[dict[str, str], bytes]] = field(default_factory=list)
    hang: threading.Event | None = None

    @property
    def ids(self) -> list[str]:
        return [headers["webhook-id"] for headers, _ in self.got]


@contextmanager
def receiving() -> Iterator[Receiver]:
    held: list[Receiver] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            me = held[0]
            body = self.rfile.read(int(self.headers["content-length"]))
            me.got.append(({name.lower(): value for name, value in self.headers.items()}, body))
            if me.hang is not None:
                me.hang.wait(20)
                self.close_connection = True
                return
            status = me.statuses.pop(0) if me.statuses else 200
            self.send_response(status)
            if status in (301, 302, 307, 308):
                self.send_header("location", f"{me.url}/elsewhere")
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    held.append(Receiver(f"http://127.0.0.1:{server.server_address[1]}"))
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield held[0]
    finally:
        if held[0].hang is not None:
            held[0].hang.set()
        server.shutdown()
        server.server_close()
        thread.join(5)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as made:
        yield made


@pytest.fixture
def database(tmp_path: Path, kept_in: str) -> Iterator[AnyDatabase]:
    made = open_board(kept_at(tmp_path), changes.PART, outbox.PART)
    outbox.fill(made)  # from here on changes are told
    yield made
    made.close()


@contextmanager
def sending(url: str, secret: str = SECRET, **given: float) -> Iterator[Sender]:
    sender = Sender(Settings(webhook_url=url, webhook_secret=secret), first_wait_s=0.01, **{"silent_s": 5.0, **given})
    try:
        yield sender
    finally:
        sender.close()


def happens(database: AnyDatabase, *titles: str) -> None:
    with database.write() as connection:
        changes.note(
            connection, [Noted("status_changed", "tariffs", title, "It changed.") for title in titles], changes.now()
        )


def told(receiver: Receiver) -> list[list[str]]:
    return [[one["title"] for one in json.loads(body)["changes"]] for _, body in receiver.got]


def later(hours: float = 0) -> datetime:
    return datetime.now(UTC) + timedelta(hours=hours, seconds=1)


def test_a_delivery_is_signed_and_can_be_checked(receiver: Receiver, database: AnyDatabase) -> None:
    happens(database, "One", "Two")
    assert outbox.fill(database) == 1
    with sending(f"{receiver.url}/hook?key=k") as sender:
        assert sender.send_due(database) == 1
    [(headers, body)] = receiver.got
    assert told(receiver) == [["One", "Two"]]
    assert headers["webhook-signature"] == signature(SECRET, headers["webhook-id"], headers["webhook-timestamp"], body)
    assert headers["webhook-signature"] != signature("other", headers["webhook-id"], headers["webhook-timestamp"], body)
    assert abs(time.time() - int(headers["webhook-timestamp"])) < 60
    assert json.loads(body)["delivery_id"] == headers["webhook-id"]
    assert headers["content-type"] == "application/json; charset=utf-8"
    assert (outbox.waiting(database), outbox.fill(database)) == (0, 0)


def test_the_signature_is_that_of_standard_webhooks() -> None:
    # The example of the specification (github.com/standard-webhooks/standard-webhooks, "Symmetric").
    made = signature(
        "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "msg_p5jXN8AQM9LWM0D4loKWxJek", "1614265330", b'{"test": 2432232314}'
    )
    assert made == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_500_then_200_arrives_once_with_the_same_id(receiver: Receiver, database: AnyDatabase) -> None:
    receiver.statuses = [500, 503]
    happens(database, "One")
    outbox.fill(database)
    with sending(receiver.url) as sender:
        assert sender.send_due(database) == 1
    assert len(receiver.got) == ATTEMPTS
    assert len(set(receiver.ids)) == len({body for _, body in receiver.got}) == 1


def test_what_fails_waits_longer_each_time_and_survives_a_restart(
    receiver: Receiver, tmp_path: Path, kept_in: str
) -> None:
    first = open_board(kept_at(tmp_path), changes.PART, outbox.PART)
    outbox.fill(first)
    happens(first, "One")
    outbox.fill(first)
    receiver.statuses = [500] * ATTEMPTS * 2
    with sending(receiver.url) as sender:
        assert sender.send_due(first) == 0
        assert sender.send_due(first) == 0  # its time has not come
        assert len(receiver.got) == ATTEMPTS
        assert sender.send_due(first, now=later(0.01)) == 0
        assert len(receiver.got) == 2 * ATTEMPTS
        assert sender.send_due(first, now=later(0.01)) == 0  # the second wait is longer
        assert len(receiver.got) == 2 * ATTEMPTS
    first.close()
    second = open_board(kept_at(tmp_path), changes.PART, outbox.PART)
    happens(second, "Two")
    assert (outbox.fill(second), outbox.waiting(second)) == (1, 2)
    with sending(receiver.url) as sender:
        assert sender.send_due(second, now=later(1)) == 2
    assert told(receiver)[-2:] == [["One"], ["Two"]]
    assert len(set(receiver.ids)) == 2
    second.close()


def test_a_redirection_is_not_followed(receiver: Receiver, database: AnyDatabase) -> None:
    receiver.statuses = [302] * ATTEMPTS
    happens(database, "One")
    outbox.fill(database)
    with sending(receiver.url) as sender:
        assert sender.send_due(database) == 0
    assert len(receiver.got) == ATTEMPTS  # and not one at /elsewhere
    one = outbox.due(database, later(1))
    assert one is not None
    assert one.last_error == (f"{receiver.url} answered 302, a redirection. Set webhook_url to the address itself.")


def test_a_receiver_that_says_nothing_holds_nobody_up(receiver: Receiver, database: AnyDatabase) -> None:
    receiver.hang = threading.Event()
    happens(database, "One")
    outbox.fill(database)
    with sending(receiver.url, whole_s=0.2) as sender:
        assert sender.send_due(database) == 0
        assert len(receiver.got) == 1  # a request that hangs is not piled on
        receiver.hang.set()
        receiver.hang = None
        assert sender._hanging is not None
        sender._hanging.join(5)
        assert sender.send_due(database, now=later(1)) == 1
    assert len(set(receiver.ids)) == 1


def test_one_that_is_not_there(database: AnyDatabase) -> None:
    with receiving() as gone:
        url = gone.url
    happens(database, "One")
    outbox.fill(database)
    with sending(f"{url}/secret-path") as sender:
        assert sender.send_due(database) == 0
    one = outbox.due(database, later(1))
    assert one is not None
    assert one.last_error == f"{url} cannot be reached: ConnectError."


def test_it_is_given_up_after_days_and_the_next_is_sent(receiver: Receiver, database: AnyDatabase) -> None:
    happens(database, "One")
    outbox.fill(database)
    receiver.statuses = [500] * ATTEMPTS
    with sending(receiver.url) as sender:
        assert sender.send_due(database, now=later(80)) == 0
        assert outbox.waiting(database) == 0
        happens(database, "Two")
        outbox.fill(database)
        assert sender.send_due(database, now=later(80)) == 1
    assert told(receiver)[-1] == ["Two"]


def test_many_changes_come_in_parts_in_their_order(
    receiver: Receiver, database: AnyDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outbox, "MOST_IN_ONE", 2)
    happens(database, "One", "Two", "Three")
    assert outbox.fill(database) == 2
    with sending(receiver.url) as sender:
        assert sender.send_due(database) == 2
    assert told(receiver) == [["One", "Two"], ["Three"]]


def test_a_crash_while_the_outbox_is_filled_loses_nothing(
    database: AnyDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    happens(database, "One")
    remember = changes.remember

    def dies(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(changes, "remember", dies)
    with pytest.raises(KeyboardInterrupt):
        outbox.fill(database)
    monkeypatch.setattr(changes, "remember", remember)
    assert outbox.waiting(database) == 0
    assert (outbox.fill(database), outbox.fill(database), outbox.waiting(database)) == (1, 0, 1)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"webhook_url": "ftp://x.test", "webhook_secret": "s"}, "webhook_url is no http(s) address."),
        ({"webhook_url": "https://", "webhook_secret": "s"}, "webhook_url is no http(s) address."),
        ({"webhook_url": "https://x.test:99999/", "webhook_secret": "s"}, "webhook_url is no http(s) address."),
        ({"webhook_url": "https://x.test/"}, "webhook_url is set and webhook_secret is not."),
        ({"webhook_url": "https://x.test/", "webhook_secret": "whsec_%"}, "webhook_secret begins with whsec_ and is no Base64 after it."),
    ],
)  # fmt: skip
def test_settings_that_cannot_be_used_are_told_at_the_start(given: dict[str, str], message: str) -> None:
    with pytest.raises(SettingsError) as error:
        Sender(Settings(**given))  # type: ignore[arg-type]
    assert error.value.message == message
