"""The web application: the page, the documents' own pages, and the thread that serves them."""

from __future__ import annotations

import asyncio
import logging
import os
import secrets
import socket
import threading
import time
import warnings
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import gradio as gr
import uvicorn
from fastapi import FastAPI, Request
from fastapi.middleware.cors import CORSMiddleware
from fastapi.responses import HTMLResponse, Response
from starlette.routing import Mount

from assistant.service import Service
from assistant.web import admin, api, board_routes, documents_routes, exports_routes
from assistant.web.asking import user_of
from assistant.web.document_page import POLICY, document_page, missing_page
from assistant.web.draining import drained
from assistant.web.guard import Guard
from assistant.web.head import BoundedHead
from assistant.web.page import build
from assistant.web.signin import routes
from assistant.web.signin.check import check, frame_origins
from assistant.web.signin.gate import Gate
from assistant.web.signin.gradio_gate import GradioGate
from assistant.web.signin.proxies import Front
from assistant.web.signin.who import SignIn
from assistant.web.spans import Asked, asked
from vectorstore.errors import Forbidden, NotFound, SettingsError, ThesisError
from vectorstore.settings import Settings

if TYPE_CHECKING:
    from assistant.web.signin.oidc import Provider

log = logging.getLogger(__name__)
ASSETS = Path(__file__).parent / "assets"
# In this order: what comes later may overrule what came before.
STYLES = ("theme", "layout", "chat", "live", "panel", "documents", "export", "board")
SCRIPTS = ("turns", "app", "panel", "export", "documents")
# Names of fonts that the systems bring; nothing is fetched.
SANS = ("system-ui", "Segoe UI", "Roboto", "Helvetica Neue", "Arial", "sans-serif")
MONO = ("ui-monospace", "SFMono-Regular", "Consolas", "Liberation Mono", "monospace")
_ICON = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32"><rect width="32" height="32" rx="7" fill="#0f5c7a"/>'
    '<path d="M8 10h16M16 10v14" stroke="#fff" stroke-width="3" stroke-linecap="round"/></svg>'
)


def create_app(service: Service, settings: Settings, *, clock: Callable[[], float] = time.time) -> FastAPI:
    """Return the ASGI application: ``/`` the page, ``/document/…`` the sources, sign-in, and the HTTP API.

    ``clock``: seconds since 1970, for sessions, tokens and attempts. Raises SettingsError.
    """
    check(settings)
    signin = SignIn(settings, clock=clock, note=partial(service.event, channel="page"))

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        try:
            yield
        finally:
            signin.close()

    app = FastAPI(title="Thesis", docs_url=None, redoc_url=None, openapi_url=None, lifespan=lifespan)
    # With a CORS policy of ours, Gradio does not add its own, which echoes any origin.
    app.add_middleware(CORSMiddleware, allow_origins=[])
    app.add_middleware(Gate, signin=signin)
    app.add_middleware(Guard, frame_origins=frame_origins(settings))
    counters = api.mount(app, service, settings)
    app.add_middleware(
        Front, settings=settings
    )  # outside all others, which go by the path and the client that it finds
    routes.add(app, signin, _provider(settings, clock))

    @app.api_route("/icon.svg", methods=["GET", "HEAD"])
    def icon() -> Response:
        return Response(_ICON, media_type="image/svg+xml", headers={"cache-control": "public, max-age=86400"})

    @app.api_route("/embed.js", methods=["GET", "HEAD"])
    def button() -> Response:
        headers = {"cache-control": "public, max-age=3600", "cross-origin-resource-policy": "cross-origin"}
        text = (ASSETS / "embed.js").read_text(encoding="utf-8")
        return Response(text, media_type="text/javascript", headers=headers)

    @app.get("/document/{document_id}/page/{page}.png")
    def picture(document_id: str, page: str, request: Request) -> Response:
        try:
            number = _count(page)
            if number is None or number < 1:
                raise NotFound(f"There is no page {page[:20]!r}.", "Pages count from 1.")
            version = request.query_params.get("version")
            data = service.picture(user_of(request), document_id, version, number, _asked(request).all)
        except ThesisError as error:
            return _missing(error)
        if data is None:
            return _missing(NotFound("There is no picture of this page.", "Open the document's text instead."))
        # Not for whoever signs in next at the same browser.
        headers = {"cache-control": "private, max-age=3600", "vary": "Cookie, Authorization"}
        return Response(data, media_type="image/png", headers=headers)

    @app.get("/document/{document_id}")
    def document(document_id: str, request: Request) -> Response:
        try:
            found = service.document(user_of(request), document_id, request.query_params.get("version"))
        except ThesisError as error:
            return _missing(error)
        nonce = secrets.token_urlsafe(16)
        return _html(document_page(found, _asked(request), nonce=nonce), nonce)

    exports_routes.add(app, service, _missing)
    board_routes.add(app, service, _missing)
    documents_routes.add(app, service)
    admin.add(app, service, counters)
    page = build(service, settings)
    style, script = _joined(STYLES, "css"), _joined(SCRIPTS, "js")
    framed = (ASSETS / "embed.css").read_text(encoding="utf-8")
    with warnings.catch_warnings():
        # Said whenever there are two pages; rendering on the server is off anyway.
        warnings.filterwarnings("ignore", message="SSR mode is not supported")
        gr.mount_gradio_app(
            app,
            page,
            path="/",
            footer_links=[],
            run_history=False,
            allowed_paths=[],
            blocked_paths=[str(Path(settings.store).resolve())],
            show_error=True,
            max_file_size=f"{settings.file_limit_mb}mb",
            ssr_mode=False,
            pwa=False,
            mcp_server=False,
            enable_monitoring=False,
            theme=_theme(),
            css=style,
            head=f'<link rel="icon" href="icon.svg"><style>{framed}</style><script>{script}</script>',
        )
    mounted = app.router.routes[-1]
    assert isinstance(mounted, Mount)
    known = {number: str(one.api_name) for number, one in page.fns.items() if one.api_name}
    mounted.app = GradioGate(mounted.app, frozenset(page.fns), frozenset(known.values()), settings.rate_per_minute)
    return app


def _joined(names: tuple[str, ...], ending: str) -> str:
    return "\n".join((ASSETS / f"{name}.{ending}").read_text(encoding="utf-8") for name in names)


def _provider(settings: Settings, clock: Callable[[], float]) -> Provider | None:
    if settings.auth != "oidc":
        return None
    from assistant.web.signin.oidc import Provider

    return Provider(settings, clock=clock)


def _theme() -> gr.themes.Base:
    return gr.themes.Base(
        primary_hue=gr.themes.colors.cyan,
        neutral_hue=gr.themes.colors.slate,
        radius_size=gr.themes.sizes.radius_sm,
        spacing_size=gr.themes.sizes.spacing_sm,
        font=[gr.themes.Font(name) for name in SANS],
        font_mono=[gr.themes.Font(name) for name in MONO],
    )


def _count(text: str | None) -> int | None:
    return int(text) if text and text.isascii() and text.isdigit() and len(text) <= 10 else None


def _asked(request: Request) -> Asked:
    query = request.query_params
    return asked(query.get("start"), query.get("end"), query.getlist("span"))


def _html(text: str, nonce: str, status: int = 200) -> HTMLResponse:
    headers = {"content-security-policy": POLICY.format(nonce=nonce), "cache-control": "private, no-cache"}
    return HTMLResponse(text, status_code=status, headers=headers)


def _missing(error: ThesisError) -> HTMLResponse:
    nonce = secrets.token_urlsafe(16)
    status = 404 if isinstance(error, NotFound) else 403 if isinstance(error, Forbidden) else 503
    return _html(missing_page(error.message, error.what_to_do, nonce), nonce, status)


class _Running:
    """A uvicorn server on a thread of its own, with the event loop in which the application is made, too.

    Gradio makes locks while a page is built, and an event loop for them where none runs, which nobody closes.
    """

    def __init__(
        self, make: Callable[[], FastAPI], listening: socket.socket, busy: Callable[[], bool], patience: float
    ) -> None:
        self.listening = listening
        self._busy, self._patience = busy, patience
        self.thread = threading.Thread(target=self._run, name="thesis-web", daemon=True)
        self._make = make
        self._server: uvicorn.Server | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._error: BaseException | None = None
        self._made = threading.Event()
        # Not Thread.join: a Ctrl-C inside it makes Python 3.11 take the thread for ended.
        self.ended = threading.Event()

    def _run(self) -> None:
        try:
            asyncio.run(self._serve())
        except BaseException as error:  # noqa: BLE001 - raised again where start() waits
            self._error = error
        finally:
            self._made.set()
            self.ended.set()

    async def _serve(self) -> None:
        # Headers of proxies are read by Front, and from the proxies that the settings name only.
        config = uvicorn.Config(
            self._make(),
            log_level="warning",
            timeout_graceful_shutdown=2,
            access_log=False,
            proxy_headers=False,
            http=BoundedHead,
            server_header=False,
        )
        self._loop, self._server = asyncio.get_running_loop(), uvicorn.Server(config)
        self._made.set()
        await self._server.serve(sockets=[self.listening])

    def start(self) -> None:
        """Return once it answers; raises what stopped it from starting."""
        self.thread.start()
        self._made.wait()
        while not self.ended.is_set() and self._server is not None and not self._server.started:
            self.ended.wait(0.05)
        if self._error is not None:
            raise self._error
        if self._server is None or not self._server.started:
            raise SettingsError("The web server did not start.", "The log names the reason.")

    def stop(self, timeout: float) -> None:
        if self._server is not None and self._loop is not None:
            if self._server.started and not self.ended.is_set():
                drained(self._server, self._loop, self._busy, self._patience)
            self._server.should_exit = True
            if not self.ended.wait(timeout):
                self._server.force_exit = True
                self.ended.wait(timeout)
        self.listening.close()


@dataclass(frozen=True)
class Handle:
    """A running server. ``url`` is where a browser on this machine finds it."""

    url: str
    _running: _Running = field(repr=False)

    def wait(self) -> None:
        """Block until the server ends or Ctrl-C."""
        while not self._running.ended.wait(0.5):  # a wait without limit would not see Ctrl-C on Windows
            pass

    def close(self, *, timeout: float = 10.0) -> None:
        """Stop serving and free the port; safe to call twice."""
        self._running.stop(timeout)


def serve(
    service: Service,
    settings: Settings,
    *,
    block: bool = True,
    on_ready: Callable[[str], None] | None = None,
    clock: Callable[[], float] = time.time,
) -> Handle:
    """Serve the page on ``settings.host`` and ``settings.port`` (0: a free port).

    ``on_ready`` is called with the address once it answers (default when blocking: print it); ``clock`` as
    ``create_app``. Raises SettingsError for an address that cannot be had, or sign-in that is not set up.
    """
    check(settings)
    listening = _listen(settings.host, settings.port)
    make = partial(create_app, service, settings, clock=clock)
    running = _Running(make, listening, lambda: service.busy, settings.stop_wait_s)
    try:
        running.start()
    except BaseException:
        listening.close()
        raise
    handle = Handle(_url(settings.host, listening.getsockname()[1]), running)
    if on_ready is not None:
        on_ready(handle.url)
    elif block:
        print(f"Thesis is ready on {handle.url}", flush=True)
    if block:
        try:
            handle.wait()
        except KeyboardInterrupt:
            log.info("stopping")
        finally:
            handle.close()
    return handle


def _listen(host: str, port: int) -> socket.socket:
    if port > 65535:
        raise SettingsError(f"Port {port} is none.", "Ports go from 0 (any free one) to 65535.")
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        listening = socket.socket(family, kind, protocol)
    except OSError as error:
        raise SettingsError(f"The address {host}:{port} cannot be served: {error}.", "Mend host and port.") from error
    try:
        if os.name == "posix":  # on Windows the option would let two servers share the port
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind(address)
        listening.listen(128)
    except OSError as error:
        listening.close()
        raise SettingsError(
            f"Port {port} on {host} cannot be used: {error.strerror or error}.",
            "Stop the program that holds it, or choose another port: --port NUMBER or THESIS_PORT=NUMBER.",
        ) from error
    return listening


def _url(host: str, port: int) -> str:
    shown = {"0.0.0.0": "127.0.0.1", "::": "[::1]", "": "127.0.0.1"}.get(host, f"[{host}]" if ":" in host else host)  # noqa: S104
    return f"http://{shown}:{port}"
