"""Tells a configured address of changes: signed, never redirected, retried until it has arrived (assistant.catalysts.outbox).

The signature is that of Standard Webhooks (www.standardwebhooks.com): HMAC-SHA256 with the secret over "id.timestamp.body", in Base64,
behind "v1,". A receiver compares it, refuses old timestamps, and takes each id once.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import logging
import ssl
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import stamina

from assistant.catalysts import outbox
from assistant.catalysts.outbox import Delivery
from vectorstore.database import AnyDatabase
from vectorstore.errors import SettingsError, ThesisError
from vectorstore.settings import Settings

log = logging.getLogger(__name__)
ATTEMPTS = 3  # at once; after these it waits in the outbox
WHOLE_S = 30.0  # one attempt with all its parts
_SILENT_S = 10.0  # a connection, or an answer, that does not come
_READ = 64 << 10  # bytes of an answer that are read
_PREFIX = "whsec_"


class NotTaken(ThesisError):
    """The receiver did not take a delivery, or could not be reached."""

    kind = "webhook"


def signature(secret: str, delivery_id: str, timestamp: str, body: bytes) -> str:
    """Return the value of the header ``webhook-signature``. ``secret``: any text, or "whsec_" and the key in Base64."""
    digest = hmac.new(_key(secret), f"{delivery_id}.{timestamp}.".encode() + body, hashlib.sha256).digest()
    return "v1," + base64.b64encode(digest).decode("ascii")


def _key(secret: str) -> bytes:
    if secret.startswith(_PREFIX):
        try:
            return base64.b64decode(secret.removeprefix(_PREFIX), validate=True)
        except ValueError:
            raise SettingsError(
                "webhook_secret begins with whsec_ and is no Base64 after it.",
                "Give the whole secret, or any other text.",
            ) from None
    return secret.encode("utf-8", "surrogateescape")


class Sender:
    """Sends what the outbox holds; ``close`` it. ``first_wait_s``: between the attempts that are made at once."""

    def __init__(
        self, settings: Settings, *, whole_s: float = WHOLE_S, silent_s: float = _SILENT_S, first_wait_s: float = 1.0
    ) -> None:
        """Raises SettingsError for an address that is none, or without a secret."""
        self._url, self._secret = _address(settings.webhook_url), settings.webhook_secret
        if not self._secret:
            raise SettingsError(
                "webhook_url is set and webhook_secret is not.", "Set THESIS_WEBHOOK_SECRET to a long random text."
            )
        _key(self._secret)
        self._whole_s, self._first_wait = whole_s, first_wait_s
        self._client = httpx.Client(
            timeout=httpx.Timeout(silent_s), follow_redirects=False, verify=_trust(settings.ca_bundle), trust_env=True
        )
        self._lock = threading.Lock()
        self._hanging: threading.Thread | None = None

    def close(self) -> None:
        self._client.close()

    def send_due(
        self, database: AnyDatabase, *, stop: Callable[[], bool] = lambda: False, now: datetime | None = None
    ) -> int:
        """Send what is due, oldest first; return how many have arrived. A failure ends the round: what comes after waits too."""
        sent = 0
        while not stop():
            moment = now or datetime.now(UTC)
            one = outbox.due(database, moment)
            if one is None:
                break
            try:
                self.send(one)
            except NotTaken as error:
                again = outbox.failed(database, one, str(error), moment)
                log.warning("webhook %s: %s%s", one.delivery_id, error, "" if again else " It is given up.")
                break
            outbox.delivered(database, one, moment)
            sent += 1
        return sent

    def send(self, one: Delivery) -> None:
        """Send one delivery, up to three times. Raises NotTaken."""
        for attempt in stamina.retry_context(
            on=NotTaken,
            attempts=ATTEMPTS,
            timeout=ATTEMPTS * self._whole_s,
            wait_initial=self._first_wait,
            wait_max=8 * self._first_wait,
            wait_jitter=self._first_wait,
        ):
            with attempt:
                self._try(one)

    def _try(self, one: Delivery) -> None:
        """Each part of a request has a limit of its own, and a receiver may drip: a thread bounds the whole."""
        with self._lock:
            if self._hanging is not None and self._hanging.is_alive():
                raise NotTaken(f"{_host(self._url)} still holds the request before this one.")
            told: list[int | Exception] = []
            thread = threading.Thread(target=self._post, args=(one, told), name="thesis-webhook-post", daemon=True)
            thread.start()
            thread.join(self._whole_s)
            self._hanging = thread
        if not told:
            raise NotTaken(f"{_host(self._url)} did not answer within {self._whole_s:g} s.")
        said = told[0]
        if isinstance(said, Exception):
            raise NotTaken(f"{_host(self._url)} cannot be reached: {type(said).__name__}.") from said
        if 300 <= said < 400:
            raise NotTaken(
                f"{_host(self._url)} answered {said}, a redirection.", "Set webhook_url to the address itself."
            )
        if not 200 <= said < 300:
            raise NotTaken(f"{_host(self._url)} answered {said}.")

    def _post(self, one: Delivery, told: list[int | Exception]) -> None:
        stamp = str(int(time.time()))
        headers = {
            "content-type": "application/json; charset=utf-8",
            "user-agent": f"thesis-assistant/{version('thesis-assistant')}",
            "webhook-id": one.delivery_id,
            "webhook-timestamp": stamp,
            "webhook-signature": signature(self._secret, one.delivery_id, stamp, one.body),
        }
        try:
            with self._client.stream("POST", self._url, content=one.body, headers=headers) as response:
                told.append(
                    response.status_code
                )  # the status is the answer; the body is read for the sake of the connection
                size = 0
                for part in response.iter_raw():
                    size += len(part)
                    if size > _READ:
                        break
        except (httpx.HTTPError, httpx.InvalidURL, OSError) as error:
            told.append(error)


def _address(url: str) -> str:
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        parts, port = urlsplit(""), None
    if parts.scheme not in ("http", "https") or not parts.hostname or port == 0:
        raise SettingsError("webhook_url is no http(s) address.", "For example: https://hooks.example.com/thesis")
    return url


def _host(url: str) -> str:
    """Return what of an address may stand in a log: the rest may be a secret."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.hostname}" + (f":{parts.port}" if parts.port else "")


def _trust(bundle: str) -> ssl.SSLContext:
    if not bundle:
        return httpx.create_ssl_context()
    try:
        if Path(bundle).is_dir():
            return ssl.create_default_context(capath=bundle)
        return ssl.create_default_context(cafile=bundle)
    except (OSError, ssl.SSLError) as error:
        raise SettingsError(
            f"ca_bundle = {bundle!r} cannot be read: {error}.", "Name a PEM file or a folder of them."
        ) from error


__all__ = ["ATTEMPTS", "NotTaken", "Sender", "signature"]
