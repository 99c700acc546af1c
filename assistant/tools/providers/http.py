"""The one way out over HTTP: who we are, how often, how long, what again, and what is kept.

Retries and rate limits live in the adapter, below the cache: an answer from the cache costs no waiting, and a stale one is
used only when the source has failed for good. No message holds a query string, which may hold a key.
"""

from __future__ import annotations

import email.utils
import json
import logging
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any
from urllib.parse import urljoin, urlsplit

import requests
import requests_cache
import stamina
from requests.adapters import HTTPAdapter

from assistant.tools.base import NoData, NotConfigured, OutOfTime, RateLimited, SourceFailed, ToolFailure
from assistant.tools.deadline import remaining
from assistant.tools.providers.causes import PROXY, UNKNOWN, Cause, cause

ATTEMPTS = 3
CONNECT_S = 10.0
MOST_BYTES = 100_000_000
# Seconds between two requests of a source; SEC allows 10 a second, FRED 2.
PACE: Mapping[str, float] = {"sec": 0.125, "fred": 0.5, "other": 0.2}
_AGAIN = {429, 500, 502, 503, 504}
_MOVED = {301, 302, 303, 307, 308}
_REFUSED = {
    "fred": "With a key its API answers where the site does not: set FRED_API_KEY in the environment (or check the one that is set).",
    "holdings": "Download the file in a browser and put it in the data folder as holdings/FUND.csv.",
}


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer with status 200. ``stale``: kept from before, because the source fails now."""

    source: str
    url: str
    content: bytes
    stale: bool
    retrieved_at: str

    @property
    def text(self) -> str:
        # Without a charset requests would take text for Latin-1; every source here writes UTF-8.
        return self.content.decode("utf-8-sig", "replace")

    def json(self) -> Any:
        """Return the parsed body. Raises SourceFailed for anything that is not JSON."""
        try:
            return json.loads(self.text)
        except ValueError:
            what = "a web page" if self.text.lstrip()[:1] == "<" else "something that is no JSON"
            raise SourceFailed(
                f"{self.source} answered with {what} instead of data.", "Try again later; the source may have changed."
            ) from None


class _Again(Exception):
    """A try that failed and may be made again: with a response, or for a cause; ``wait`` as the source asked, in seconds."""

    def __init__(
        self, *, response: requests.Response | None = None, wait: float | None = None, why: Cause = UNKNOWN
    ) -> None:
        super().__init__(why.said)
        self.response = response
        self.wait = wait
        self.why = why


class _Unreachable(requests.ConnectionError):
    def __init__(self, why: Cause) -> None:
        super().__init__(why.said)
        self.why = why


class _TooLarge(requests.RequestException):
    pass


class _Polite(HTTPAdapter):
    """Paces, retries and bounds the requests of one session, all within the running tool's time."""

    def __init__(self, timeout_s: float, most_bytes: int, first_wait_s: float, pace: Mapping[str, float]) -> None:
        super().__init__()
        self._pace_of = pace
        self._first_wait = first_wait_s
        self._timeout = timeout_s
        self._most = most_bytes
        self._lock = threading.Lock()
        self._next: dict[str, float] = {}

    def send(self, request: requests.PreparedRequest, *_: Any, **options: Any) -> requests.Response:
        source = request.headers.get("X-Thesis-Source", "")
        request.headers.pop("X-Thesis-Source", None)
        most = request.headers.pop("X-Thesis-Most", None)
        options["most"] = min(self._most, int(most)) if most else self._most
        left = remaining(self._timeout)
        if left <= 0:
            raise requests.Timeout("no time is left")
        try:
            for attempt in stamina.retry_context(
                on=self._wait, attempts=ATTEMPTS, timeout=left, wait_initial=self._first_wait, wait_max=4.0,
                wait_jitter=self._first_wait,
            ):  # fmt: skip
                with attempt:
                    return self._try(request, source, options)
        except _Again as last:
            if last.response is not None:
                return last.response
            raise _Unreachable(last.why) from None
        raise AssertionError("a retry context ends with a return or an exception")

    @staticmethod
    def _wait(error: Exception) -> bool | float:
        if not isinstance(error, _Again):
            return False
        if error.wait is None:
            return True
        return error.wait if error.wait < remaining(60.0) else False

    def _try(self, request: requests.PreparedRequest, source: str, options: dict[str, Any]) -> requests.Response:
        self._pace(source)
        left = remaining(self._timeout)
        if left <= 0:
            raise requests.Timeout("no time is left")
        sent = {key: value for key, value in options.items() if key != "most"}
        sent |= {"stream": True, "timeout": (min(CONNECT_S, left), left)}
        try:
            response = super().send(request, **sent)
            self._read(response, options["most"])
        except _TooLarge:
            raise
        except requests.ConnectTimeout:
            raise requests.ConnectTimeout("no connection in time") from None
        except requests.Timeout:
            raise requests.Timeout("no answer in time") from None
        except (requests.RequestException, OSError) as error:
            why = cause(error)
            if why.again:
                raise _Again(why=why) from None
            raise _Unreachable(why) from None
        if response.status_code in _AGAIN:
            raise _Again(response=response, wait=_retry_after(response))
        return response

    def _read(self, response: requests.Response, most: int) -> None:
        """Read the body within limits of size and time: a server may drip, or never end."""
        body = bytearray()
        until = time.monotonic() + remaining(self._timeout)
        for part in response.iter_content(1 << 16):
            body += part
            if len(body) > most:
                response.close()
                raise _TooLarge("too large")
            if time.monotonic() > until:
                response.close()
                raise requests.Timeout("no whole answer in time")
        response._content = bytes(body)

    def _pace(self, source: str) -> None:
        with self._lock:
            at = max(time.monotonic(), self._next.get(source, 0.0))
            self._next[source] = at + self._pace_of.get(source, self._pace_of["other"])
        time.sleep(max(0.0, min(at - time.monotonic(), remaining(60.0))))


class Http:
    """GET and POST for the providers. ``contact`` goes into the User-Agent; the cache lies under ``folder``."""

    def __init__(
        self,
        folder: str | Path,
        *,
        contact: str = "",
        ca_bundle: str = "",
        timeout_s: float = 30.0,
        most_bytes: int = MOST_BYTES,
        first_wait_s: float = 0.5,
        pace: Mapping[str, float] = PACE,
    ) -> None:
        self.contact = contact.strip()
        root = Path(folder)
        root.mkdir(parents=True, exist_ok=True)
        self._session = requests_cache.CachedSession(
            str(root / "http_cache.sqlite"),
            backend="sqlite",
            stale_if_error=True,
            allowable_codes=(200,),
            allowable_methods=("GET", "POST"),
            # Keys are neither matched on nor written to the cache.
            ignored_parameters=("api_key", "Authorization", "X-Thesis-Source", "X-Thesis-Most"),
        )
        # Given with each request: of a session, the environment's REQUESTS_CA_BUNDLE would go before it.
        self._verify = ca_bundle or None
        adapter = _Polite(timeout_s, most_bytes, first_wait_s, pace)
        self._session.mount("https://", adapter)
        self._session.mount("http://", adapter)
        agent = f"thesis-assistant/{version('thesis-assistant')}"
        # Their messages hold whole addresses, and so FRED's key.
        for name in ("requests_cache", "urllib3"):
            logging.getLogger(name).setLevel(logging.ERROR)
        self._session.headers["User-Agent"] = f"{agent} ({self.contact})" if self.contact else agent

    def close(self) -> None:
        self._session.close()  # type: ignore[no-untyped-call]

    def need_contact(self, who: str) -> None:
        """Raise NotConfigured where the user gave no contact and ``who`` refuses requests without."""
        if "@" not in self.contact:
            raise NotConfigured(
                f"{who} answers only requests that name a contact, and none is set.",
                'Set contact = "your name and e-mail" in thesis.toml (or THESIS_CONTACT).',
            )

    def get(
        self,
        source: str,
        url: str,
        *,
        params: Mapping[str, str] | None = None,
        keep_s: int = 3600,
        most_bytes: int | None = None,
    ) -> Reply:
        """Return the answer to a GET; one younger than ``keep_s`` seconds comes from the cache. Raises ToolFailure.

        ``most_bytes``: larger than that is refused (None: the limit of all).
        """
        return self._ask(source, "GET", url, keep_s, most_bytes, params=params)

    def post(self, source: str, url: str, body: Mapping[str, Any], *, keep_s: int = 3600) -> Reply:
        """Return the answer to a POST of JSON. Raises ToolFailure."""
        return self._ask(source, "POST", url, keep_s, None, json=dict(body))

    def _ask(self, source: str, method: str, url: str, keep_s: int, most: int | None, **what: Any) -> Reply:
        own = {"X-Thesis-Source": source} | ({"X-Thesis-Most": str(most)} if most else {})
        for _ in range(4):
            response = self._send(source, method, url, keep_s, own, what)
            if response.status_code not in _MOVED:
                break
            there = urljoin(url, response.headers.get("Location", ""))
            if urlsplit(there).netloc != urlsplit(url).netloc:
                # A host that the user did not switch on is not asked.
                raise SourceFailed(f"{source} sends on to {urlsplit(there).netloc}.", "The address may have changed.")
            # Only these two keep a body; of the others the new address is all there is.
            kept = method == "POST" and response.status_code in {307, 308}
            url, what = there, what if kept else {}
        if response.status_code != 200:
            raise _failure(source, response)
        made = getattr(response, "created_at", None)
        at = made if isinstance(made, datetime) else datetime.now(UTC)
        stale = bool(getattr(response, "from_cache", False) and getattr(response, "is_expired", False))
        return Reply(
            source, url.split("?")[0], response.content, stale, at.astimezone(UTC).isoformat(timespec="seconds")
        )

    def _send(
        self, source: str, method: str, url: str, keep_s: int, own: Mapping[str, str], what: dict[str, Any]
    ) -> requests.Response:
        try:
            return self._session.request(
                method, url, headers=dict(own), expire_after=keep_s, allow_redirects=False, verify=self._verify, **what
            )
        except requests.ConnectTimeout:
            raise OutOfTime(
                f"{source} could not be reached in time: no connection was made.",
                "A firewall may drop it: check the network and HTTPS_PROXY, or try later.",
            ) from None
        except requests.Timeout:
            raise OutOfTime(f"{source} did not answer in time.", "Try again later, or raise tool_timeout_s.") from None
        except _TooLarge:
            raise SourceFailed(f"{source} sent more than is taken.", "Ask for less, or check the address.") from None
        except (requests.RequestException, OSError) as error:
            why = error.why if isinstance(error, _Unreachable) else cause(error)
            raise SourceFailed(f"{source} could not be reached: {why.said}.", why.what_to_do) from None


def _retry_after(response: requests.Response) -> float | None:
    """Return the seconds that the source asks to wait; None where it does not say."""
    said = response.headers.get("Retry-After", "").strip()
    if said.isdigit():
        return float(said)
    try:
        at = email.utils.parsedate_to_datetime(said)
    except ValueError:
        return None
    return max(0.0, (at - datetime.now(UTC)).total_seconds()) if at.tzinfo else None


def _failure(source: str, response: requests.Response) -> ToolFailure:
    code = response.status_code
    head = response.content[:20000].decode("utf-8", "replace")
    if code == 429 or (source == "sec" and code == 403 and "Rate Threshold" in head):
        wait = _retry_after(response)
        asks = f" It asks to wait {wait:.0f} s." if wait else ""
        return RateLimited(f"{source} limits the rate of requests.{asks}", "Try again later.")
    if code == 403 and source == "sec":
        return NotConfigured(
            "SEC refused the request (403): it wants a name and an e-mail in the User-Agent.",
            'Set contact = "your name and e-mail" in thesis.toml (or THESIS_CONTACT).',
        )
    if code == 407:
        return NotConfigured(f"{source} was not asked: the proxy wants a name and a password (407).", PROXY)
    if code in {401, 403}:
        return NotConfigured(
            f"{source} refused the request ({code}).",
            _REFUSED.get(source, "It may refuse automated requests from this network: try later, or from another one."),
        )
    if code == 400 and source == "fred":
        if "api_key" in head:
            return NotConfigured("FRED does not know the key.", "Check FRED_API_KEY, or unset it for the keyless file.")
        return NoData("FRED has no such series, or none that was known on that day.", "Check the series' id.")
    if code in {404, 410}:
        return NoData(f"{source} has nothing at {urlsplit(response.url).path}.", "Check the name that was asked for.")
    return SourceFailed(f"{source} answered with status {code}.", "Try again later.")
