"""Vectors on a Chroma server: the same two collections as embedded, asked over HTTP with limits of time and retries.

Every request may be sent twice without harm (upsert, delete by id, read), so what a lost connection cut off is sent again until
its time is over. The client of chromadb sets no limit of its own; ``_Timed`` gives each request what is left.
"""

from __future__ import annotations

import contextlib
import re
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

import httpx
import stamina

from vectorstore._faults import fault
from vectorstore.chroma import _BATCH, _HNSW, BODY, FURNITURE, REBUILD, VectorIndex, Vectors, _keep_up
from vectorstore.errors import SettingsError, StoreError, StoreUnavailable
from vectorstore.server import TOKEN, Server

T = TypeVar("T")

AGAIN = "What is in stays in, nothing is half in: run the same again."
_QUESTION_S = 10.0  # a person waits
_CONNECT_S = 5.0
# Of a server that did not answer a question is refused for so long, and whatever comes then tries only shortly.
_OUT_S, _OUT_TRY_S = 15.0, 5.0
_BUSY = (429, 502, 503, 504)
_CLOUD_MOST = 300  # records that Chroma Cloud returns at once
_API = "chromadb.api.fastapi.FastAPI"


class _TooLarge(Exception):
    """The server, or a proxy before it, takes no request of this size."""


class Missing(StoreError):
    """There is no such collection."""


class _Timed(httpx.Client):
    """A client whose requests end when their caller's time is over: ``mine.until``, of each thread.

    ``mine.status`` is that of the last answer: chromadb makes plain exceptions of most errors.
    """

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.mine = threading.local()

    def request(self, *args: Any, **options: Any) -> httpx.Response:
        self.mine.status = 0
        left = max(0.05, self.mine.until - time.monotonic())
        answer = super().request(*args, **options, timeout=httpx.Timeout(left, connect=min(left, _CONNECT_S)))
        self.mine.status = answer.status_code
        return answer


class Connection:
    """One tenant and database of a server; safe in any number of threads."""

    def __init__(self, server: Server) -> None:
        """Connect and check. Raises StoreError, StoreUnavailable."""
        from chromadb.api import ServerAPI
        from chromadb.config import Settings, System

        trusted = _trusted(server.ca_bundle)
        self.server = server
        self._asking = threading.local()
        self._out_until, self._why = 0.0, ""  # why it did not answer the last time; "" where it did
        self._system = System(
            Settings(
                anonymized_telemetry=False,
                chroma_api_impl=_API,
                chroma_server_host=server.url,
                chroma_server_http_port=443,  # of no use beside an address, but asked for
                chroma_server_headers=server.headers(),
            )
        )
        self._api: Any = self._system.instance(ServerAPI)
        self._system.start()
        first = self._api._session
        self._session = _Timed(limits=self._api.http_limits, headers=first.headers, verify=trusted)
        first.close()
        self._api._session = self._session
        try:
            self.version = self._checked_version()
            self.tenant, self.database = self._place()
            self.batch = self._most_at_once()
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        self._session.close()
        self._system.stop()

    # Asking

    @contextlib.contextmanager
    def question(self) -> Iterator[None]:
        """What is asked in the block is asked for a person who waits."""
        before = getattr(self._asking, "on", False)
        self._asking.on = True
        try:
            yield
        finally:
            self._asking.on = before

    def ask(self, call: Callable[[], T]) -> T:
        """Return what ``call`` gives, tried again while the server comes back. Raises StoreError, StoreUnavailable, _TooLarge."""
        question, now = getattr(self._asking, "on", False), time.monotonic()
        limit = min(self.server.timeout_s, _QUESTION_S) if question else self.server.timeout_s
        if self._why:
            if question and now < self._out_until:
                raise self._unavailable(self._why)
            limit = min(limit, _OUT_TRY_S)
        try:
            for attempt in stamina.retry_context(
                on=self._passes, attempts=None, timeout=limit, wait_initial=0.1, wait_max=2.0, wait_jitter=0.1
            ):
                with attempt:
                    self._session.mine.until = now + limit
                    found = call()
        except Exception as error:
            turned = self._turned(error, limit)
            if turned is None:
                raise _TooLarge from error
            raise turned from error
        self._why = ""
        return found

    def _passes(self, error: Exception) -> bool:
        """Whether the same request may succeed in a moment. One that took all its time is not sent again."""
        if isinstance(error, httpx.TransportError):
            return not isinstance(error, httpx.ReadTimeout | httpx.UnsupportedProtocol | httpx.ProxyError)
        return self._session.mine.status in _BUSY

    def _turned(self, error: Exception, limit: float) -> StoreError | None:
        """Return what ``error`` means to a user; None for a request that was too large."""
        from chromadb import errors

        what, status = f"The Chroma server {self.server.url}", self._session.mine.status
        if isinstance(error, httpx.TimeoutException):
            return self._out(f"it did not answer within {limit:.0f} seconds")
        if isinstance(error, httpx.TransportError):
            return self._out(str(error) or type(error).__name__)
        if status in _BUSY:
            return self._out(f"it is busy or stopped (status {status})")
        if isinstance(error, errors.BatchSizeExceededError) or status == 413:
            return None
        if isinstance(error, errors.ChromaAuthError | errors.AuthorizationError) or status in (401, 403):
            return StoreError(f"{what} refused the token.", f"Set {TOKEN} to one that may use this database.")
        if isinstance(error, errors.QuotaError):
            return StoreError(
                f"{what} refused: {_said(error)}.", "Raise the quota of your Chroma, then run the same again."
            )
        if isinstance(error, errors.NotFoundError):
            return Missing(f"{what}: {_said(error)}.", REBUILD)
        if status >= 400 and not isinstance(error, errors.ChromaError):
            return StoreError(f"{what} answered with status {status}: {_said(error)}.", _WRONG_ADDRESS)
        if isinstance(error, ValueError | KeyError | TypeError):
            return StoreError(f"{what} gave no answer of a Chroma server ({type(error).__name__}).", _WRONG_ADDRESS)
        return fault(what, error, REBUILD)

    def _out(self, why: str) -> StoreUnavailable:
        self._out_until, self._why = time.monotonic() + _OUT_S, why
        return self._unavailable(why)

    def _unavailable(self, why: str) -> StoreUnavailable:
        return StoreUnavailable(
            f"The Chroma server {self.server.url} is not there: {why.rstrip('.')}.",
            f"Start it, or check the setting chroma and the network; chroma_timeout_s is how long is waited. {AGAIN}",
        )

    # The server

    def _checked_version(self) -> str:
        version = str(self.ask(self._api.get_version))
        match = re.match(r"(\d{1,6})\.", version)
        if match is None or int(match[1]) < 1:
            raise StoreError(
                f"The Chroma server {self.server.url} has version {version[:40]!r}; this program needs version 1 or later.",
                "Update the server.",
            )
        return version

    def _place(self) -> tuple[str, str]:
        """Return tenant and database, which are there."""
        tenant, database = self.server.tenant, self.server.database
        if not tenant or not database:
            identity = self.ask(self._api.get_user_identity)
            tenant = tenant or str(identity.tenant or "")
            names = sorted(set(identity.databases or ()) - {"*"})
            database = database or (names[0] if len(names) == 1 else "")
        if not tenant or tenant == "*" or not database:
            raise StoreError(
                f"The Chroma server {self.server.url} does not say which tenant and database are yours.",
                "Set chroma_tenant and chroma_database.",
            )
        try:
            self.ask(lambda: self._api.get_database(database, tenant=tenant))
        except Missing as missing:
            raise StoreError(
                f"The Chroma server {self.server.url} has no database {database!r} of the tenant {tenant!r}.",
                "Set chroma_tenant and chroma_database to what is there, or make it with Chroma's own tools.",
            ) from missing
        return tenant, database

    def _most_at_once(self) -> int:
        found = self.ask(self._api.get_max_batch_size)
        return min(_BATCH, int(found)) if int(found) > 0 else _BATCH

    # Collections

    def collection(self, name: str) -> Any:
        """Return a collection that is there. Raises Missing."""
        return self._made(self.ask(lambda: self._api.get_collection(name, tenant=self.tenant, database=self.database)))

    def make(self, name: str, metadata: dict[str, str]) -> Any:
        """Make a collection, or return the one of that name as it is."""
        model = self.ask(
            lambda: self._api.get_or_create_collection(
                name, configuration={"hnsw": _HNSW}, metadata=metadata, tenant=self.tenant, database=self.database
            )
        )
        return self._made(model)

    def drop(self, name: str) -> None:
        """Delete a collection; one that is not there is no error."""
        with contextlib.suppress(Missing):
            self.ask(lambda: self._api.delete_collection(name, tenant=self.tenant, database=self.database))

    def _made(self, model: Any) -> Any:
        from chromadb.api.models.Collection import Collection

        return Collection(client=self._api, model=model, embedding_function=None)


class ServerIndex(VectorIndex):
    """The vectors of one store on a server: the collections ``prefix`` and the role. Other processes may change them too."""

    def __init__(self, connection: Connection, prefix: str, collections: dict[str, Any]) -> None:
        self._connection = connection
        self._client = None  # the connection is the store's
        self._collections = collections
        self._changes = 0
        self._sizes: dict[str, tuple[int, int]] = {}
        self._batch = connection.batch
        if connection.server.cloud:
            self.most = self._page = _CLOUD_MOST
        self._what = f"The vector index {prefix} of {connection.server.url}"
        for collection in collections.values():
            # A distributed Chroma has another index, with settings of its own.
            if (collection.configuration_json.get("hnsw") or {}).get("ef_search"):
                connection.ask(lambda collection=collection: _keep_up(collection))  # type: ignore[misc]

    def stored(self) -> int:
        """Return ``count``: a server has its vectors in memory."""
        return self.count()

    def load(self) -> None:
        """Nothing: what a server loads, and when, is its own matter."""

    def size(self, name: str) -> int:
        """Return ``count``: what it was is no longer so when another process has changed it."""
        return self.count(name)

    def nearest(self, name: str, vector: Vectors, k: int) -> list[tuple[str, float]]:
        with self._connection.question():
            return self._nearest(name, vector, min(k, self.most))

    def _change(self, call: Any, **arguments: Any) -> None:
        try:
            super()._change(call, **arguments)
        except _TooLarge as error:
            count = len(arguments["ids"])
            if count < 2:
                raise StoreError(
                    f"{self._what} takes no request with a single vector in it: it is said to be too large.",
                    "Raise the limit on the size of requests of the proxy before the server.",
                ) from error
            half = self._batch = (count + 1) // 2  # the next ones are smaller from the start
            for part in (slice(None, half), slice(half, None)):
                self._change(call, **{name: values[part] for name, values in arguments.items()})

    def _guard(self, call: Any, **arguments: Any) -> Any:
        try:
            return self._connection.ask(lambda: call(**arguments))
        except Missing as error:
            raise Missing(f"{self._what} is no longer there.", REBUILD) from error


_WRONG_ADDRESS = "Check the setting chroma: it is to name a Chroma server of version 1 or later."


def open_index(
    connection: Connection, prefix: str, fingerprint: str, opening: str, known: list[str] | None
) -> ServerIndex:
    """Return the index ``prefix``. ``known`` None makes the collections.

    With ``opening`` they are marked by it. Raises Missing where they are not there, StoreError where another ledger
    opened them since: their mark is none of ``known``.
    """
    names = {role: f"{prefix}-{role}" for role in (BODY, FURNITURE)}
    if known is None:
        metadata = {"fingerprint": fingerprint, "opening": opening}
        made = {role: connection.make(name, metadata) for role, name in names.items()}
    else:
        made = {role: connection.collection(name) for role, name in names.items()}
    if opening:
        _mark(connection, made[BODY], prefix, opening, known)
    return ServerIndex(connection, prefix, made)


def _mark(connection: Connection, body: Any, prefix: str, opening: str, known: list[str] | None) -> None:
    found = str((body.metadata or {}).get("opening"))
    if known is not None and found not in known:
        raise StoreError(
            f"The collections {prefix} of {connection.server.url} were opened by another copy of this store since.",
            REBUILD,
        )
    if found != opening:
        own = dict(body.metadata or {}) | {"opening": opening}
        connection.ask(lambda: body.modify(metadata=own))


def drop_index(connection: Connection, prefix: str) -> None:
    """Delete the collections of an index."""
    for role in (BODY, FURNITURE):
        connection.drop(f"{prefix}-{role}")


def _trusted(ca_bundle: str) -> Any:
    import ssl

    try:
        return ssl.create_default_context(cafile=ca_bundle) if ca_bundle else True
    except OSError as error:  # also SSLError
        raise SettingsError(
            f"ca_bundle = {ca_bundle!r} cannot be used: {error.strerror or error}.",
            "Name a file of certificates (PEM).",
        ) from error


def _said(error: Exception) -> str:
    return " ".join(str(error).split())[:200].rstrip(".")
