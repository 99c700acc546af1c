"""fetch against a real HTTP server on loopback: what is let through, and what is refused by name.

The policy is tested in full (no setting relaxed): names and public addresses are mapped to the loopback
server at the two injected doors, resolution and connection.
"""

from __future__ import annotations

import contextlib
import datetime
import gzip
import http.server
import socket
import ssl
import threading
import time
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpcore
import pytest

from ingest.fetch import fetch, file_name, inflate, normalize_url
from ingest.wire import Network
from vectorstore.errors import FetchError
from vectorstore.settings import Settings

PUBLIC = "93.184.215.14"
SETTINGS = Settings(fetch_timeout_s=20, fetch_limit_mb=1)
OPEN = replace(SETTINGS, fetch_private_addresses=True)


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy", "ssl_cert_file", "ssl_cert_dir"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


class Handler(http.server.BaseHTTPRequestHandler):
    server: Site

    def log_message(self, format: str, *args: Any) -> None:
        pass

    def do_GET(self) -> None:
        self.server.seen.append((self.path, dict(self.headers.items())))
        path = self.path.split("?")[0]
        if path.startswith("http://"):  # asked as a proxy
            path = "/" + path.split("/", 3)[3]
        action = self.server.pages[path]
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            action(self)

    def do_CONNECT(self) -> None:
        self.server.seen.append((self.path, dict(self.headers.items())))
        upstream = socket.create_connection(("127.0.0.1", self.server.tunnel_to))
        self.send_response(200)
        self.end_headers()
        threading.Thread(target=_pump, args=(upstream, self.connection), daemon=True).start()
        _pump(self.connection, upstream)
        upstream.close()


def _pump(source: socket.socket, target: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while data := source.recv(65536):
            target.sendall(data)
        target.shutdown(socket.SHUT_WR)


class Site(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.pages: dict[str, Callable[[Handler], None]] = {}
        self.seen: list[tuple[str, dict[str, str]]] = []
        self.tunnel_to = 0
        self.port = self.server_address[1]

    def page(self, path: str, body: bytes, *, status: int = 200, **headers: str) -> None:
        def answer(handler: Handler) -> None:
            handler.send_response(status)
            for name, value in headers.items():
                handler.send_header(name.replace("_", "-"), value)
            if "Content_Length" not in headers:
                handler.send_header("Content-Length", str(len(body)))
            handler.end_headers()
            handler.wfile.write(body)

        self.pages[path] = answer


@contextlib.contextmanager
def serving(tls: ssl.SSLContext | None = None) -> Iterator[Site]:
    site = Site()
    if tls is not None:
        site.socket = tls.wrap_socket(site.socket, server_side=True)
    thread = threading.Thread(target=site.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield site
    finally:
        site.shutdown()
        site.server_close()
        thread.join()


@pytest.fixture
def site() -> Iterator[Site]:
    with serving() as running:
        yield running


class Wire(httpcore.NetworkBackend):
    """Records where a connection is asked for, and leads the known public addresses to a loopback port."""

    def __init__(self, routes: dict[str, int]) -> None:
        self.routes = routes
        self.asked: list[tuple[str, int]] = []
        self._real = httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        self.asked.append((host, port))
        return self._real.connect_tcp("127.0.0.1", self.routes[host], timeout)


def network(routes: dict[str, int] | None = None, **names: Sequence[str]) -> tuple[Network, Wire]:
    """A network where ``names`` (dots written as two underscores) resolve to the given addresses."""
    table = {name.replace("__", "."): addresses for name, addresses in names.items()}

    def resolve(host: str, port: int) -> Sequence[str]:
        if host not in table:
            raise socket.gaierror(-2, "Name or service not known")
        return table[host]

    wire = Wire(routes or {})
    return Network(resolve=resolve, backend=wire), wire


def public(site: Site) -> tuple[Network, Wire]:
    return network({PUBLIC: site.port}, notes__example=[PUBLIC], other__example=[PUBLIC])


def test_a_page_arrives_with_its_type_and_name_and_the_request_says_who_asks(site: Site) -> None:
    site.page("/a/q3%20note.html", b"<p>caf\xc3\xa9</p>", Content_Type="Text/HTML; charset=utf-8")
    net, wire = public(site)
    source = fetch("HTTP://Notes.Example:80/a/q3%20note.html#part", settings=SETTINGS, network=net)
    assert (source.path, source.name) == ("http://notes.example/a/q3%20note.html", "q3 note.html")
    assert (source.data, source.media_type) == (b"<p>caf\xc3\xa9</p>", "text/html")
    assert wire.asked == [(PUBLIC, 80)]
    headers = site.seen[0][1]
    assert headers["Host"] == "notes.example"
    assert headers["User-Agent"] == SETTINGS.user_agent


def test_the_identity_stays_the_url_that_was_given_after_a_redirect(site: Site) -> None:
    site.page("/old", b"", status=301, Location="//other.example/new.txt")
    site.page("/new.txt", b"moved", Content_Type="text/plain")
    net, _ = public(site)
    source = fetch("http://notes.example/old?id=7", settings=SETTINGS, network=net)
    assert (source.path, source.name, source.data) == ("http://notes.example/old?id=7", "old", b"moved")
    assert [headers["Host"] for _, headers in site.seen] == ["notes.example", "other.example"]


@pytest.mark.parametrize(
    "url",
    [
        "file:///etc/passwd",
        "ftp://notes.example/a",
        "gopher://notes.example/",
        "javascript:alert(1)",
        "notes.example/a",
        "http://",
        "http:///a",
        "http://user@notes.example/",
        "http://user:secret@notes.example/",
        "http://exa mple/",
        "http://[::1/",
        "http://notes.example:99999/",
    ],
)
def test_what_is_no_plain_http_url_is_refused_before_any_look_up(url: str) -> None:
    net, wire = network()
    with pytest.raises(FetchError) as caught:
        fetch(url, settings=SETTINGS, network=net)
    assert caught.value.what_to_do
    assert "secret" not in str(caught.value)
    assert wire.asked == []


CLOSED = [
    "127.0.0.1",
    "127.8.9.10",
    "2130706433",
    "0x7f000001",
    "0x7f.1",
    "0177.0.0.1",
    "127.1",
    "127.0.0.1.",
    "0.0.0.0",
    "0",
    "10.1.2.3",
    "172.16.0.1",
    "192.168.1.1",
    "169.254.169.254",
    "169.254.1.1",
    "100.64.0.1",
    "100.100.100.200",
    "168.63.129.16",
    "192.0.0.192",
    "224.0.0.1",
    "240.0.0.1",
    "255.255.255.255",
    "198.18.0.1",
    "[::1]",
    "[::]",
    "[::ffff:127.0.0.1]",
    "[::ffff:7f00:1]",
    "[::127.0.0.1]",
    "[64:ff9b::127.0.0.1]",
    "[64:ff9b::a9fe:a9fe]",
    "[64:ff9b:1::1]",
    "[2002:7f00:1::]",
    "[2002:a00:1::]",
    "[fe80::1]",
    "[fc00::1]",
    "[fd00:ec2::254]",
    "[fec0::1]",
    "[ff02::1]",
]


@pytest.mark.parametrize("host", CLOSED)
def test_a_literal_address_inside_is_refused_in_every_spelling(host: str) -> None:
    net, wire = network()
    with pytest.raises(FetchError, match=r"which is not fetched|not a valid URL"):
        fetch(f"http://{host}/", settings=SETTINGS, network=net)
    assert wire.asked == []


@pytest.mark.parametrize("host", [h.strip("[]").rstrip(".") for h in CLOSED if not h.startswith(("0x", "21", "01"))])
def test_a_name_that_resolves_inside_is_refused_even_beside_a_public_address(host: str) -> None:
    net, wire = network(inside__example=[PUBLIC, host])
    with pytest.raises(FetchError, match="which is not fetched"):
        fetch("http://inside.example/", settings=SETTINGS, network=net)
    assert wire.asked == []


def test_localhost_is_refused_by_the_systems_own_resolver(site: Site) -> None:
    site.page("/", b"inside")
    with pytest.raises(FetchError, match="loopback") as caught:
        fetch(f"http://localhost:{site.port}/", settings=SETTINGS)
    assert "fetch_private_addresses" in caught.value.what_to_do
    assert site.seen == []


def test_what_no_setting_opens_is_refused_without_naming_the_setting() -> None:
    with pytest.raises(FetchError, match="cloud metadata") as caught:
        fetch("http://169.254.169.254/latest", settings=OPEN)
    assert caught.value.what_to_do == "Save the page and ingest the file."


def test_the_setting_opens_private_addresses_but_never_metadata_or_multicast(site: Site) -> None:
    site.page("/n.txt", b"inside")
    assert fetch(f"http://127.0.0.1:{site.port}/n.txt", settings=OPEN).data == b"inside"
    assert fetch(f"http://0x7f.1:{site.port}/n.txt", settings=OPEN).data == b"inside"
    for host in ("169.254.169.254", "[::ffff:169.254.169.254]", "[fd00:ec2::254]", "224.0.0.1", "0.0.0.0", "240.0.0.1"):
        net, wire = network()
        with pytest.raises(FetchError, match="which is not fetched"):
            fetch(f"http://{host}/", settings=OPEN, network=net)
        assert wire.asked == []


@pytest.mark.parametrize(
    ("location", "why"),
    [
        ("http://127.0.0.1/admin", "loopback"),
        ("http://[::ffff:10.0.0.1]/", "private"),
        ("http://169.254.169.254/latest/meta-data/", "metadata"),
        ("http://inside.example/", "private"),
        ("file:///etc/passwd", "only http and https"),
        ("http://user:secret@other.example/", "user name or a password"),
    ],
)
def test_a_redirect_to_what_may_not_be_fetched_is_refused(site: Site, location: str, why: str) -> None:
    site.page("/start", b"", status=302, Location=location)
    net, wire = network({PUBLIC: site.port}, notes__example=[PUBLIC], inside__example=["10.0.0.9"])
    with pytest.raises(FetchError, match=why):
        fetch("http://notes.example/start", settings=SETTINGS, network=net)
    assert wire.asked == [(PUBLIC, 80)]


def test_a_name_that_changes_its_answer_is_connected_to_where_it_was_checked(site: Site) -> None:
    site.page("/n.txt", b"outside")
    site.page("/again", b"", status=302, Location="/n.txt")
    answers = iter([[PUBLIC], ["127.0.0.1"]])
    calls: list[str] = []

    def resolve(host: str, port: int) -> Sequence[str]:
        calls.append(host)
        return next(answers)

    wire = Wire({PUBLIC: site.port})
    assert fetch(
        "http://notes.example/n.txt", settings=SETTINGS, network=Network(resolve=resolve, backend=wire)
    ).data == (b"outside")
    assert (calls, wire.asked) == (["notes.example"], [(PUBLIC, 80)])

    answers = iter([[PUBLIC], ["127.0.0.1"]])
    with pytest.raises(FetchError, match="loopback"):
        fetch("http://notes.example/again", settings=SETTINGS, network=Network(resolve=resolve, backend=wire))
    assert wire.asked == [(PUBLIC, 80)] * 2


def test_a_dead_first_address_falls_over_to_the_next(site: Site) -> None:
    site.page("/n.txt", b"here")

    class Wire2(Wire):
        def connect_tcp(self, host: str, *args: Any, **more: Any) -> httpcore.NetworkStream:
            if host == "93.184.215.15":
                self.asked.append((host, args[0]))
                raise httpcore.ConnectError("refused")
            return super().connect_tcp(host, *args, **more)

    wire = Wire2({PUBLIC: site.port})
    net = Network(resolve=lambda host, port: ["93.184.215.15", PUBLIC], backend=wire)
    assert fetch("http://notes.example/n.txt", settings=SETTINGS, network=net).data == b"here"
    assert [host for host, _ in wire.asked] == ["93.184.215.15", PUBLIC]


def test_redirects_end(site: Site) -> None:
    site.page("/loop", b"", status=302, Location="/loop")
    site.page("/nowhere", b"", status=302)
    for i in range(6):
        site.page(f"/{i}", b"", status=307, Location=f"/{i + 1}")
    site.page("/6", b"end")
    net, _ = public(site)
    with pytest.raises(FetchError, match="redirects more than 5 times"):
        fetch("http://notes.example/loop", settings=SETTINGS, network=net)
    assert len(site.seen) == 6
    with pytest.raises(FetchError, match="names no address"):
        fetch("http://notes.example/nowhere", settings=SETTINGS, network=net)
    with pytest.raises(FetchError, match="redirects more than 5 times"):
        fetch("http://notes.example/0", settings=SETTINGS, network=net)
    assert fetch("http://notes.example/1", settings=SETTINGS, network=net).data == b"end"


@pytest.mark.parametrize(
    ("status", "advice"),
    [
        (401, "login"),
        (403, "user_agent"),
        (404, "no such page"),
        (410, "no such page"),
        (429, "after 7 s"),
        (500, "later"),
    ],
)
def test_a_failed_status_is_named_with_what_to_do(site: Site, status: int, advice: str) -> None:
    site.page("/x", b"sorry", status=status, Retry_After="7")
    net, _ = public(site)
    with pytest.raises(FetchError, match=f"answered {status}") as caught:
        fetch("http://notes.example/x", settings=SETTINGS, network=net)
    assert advice in caught.value.what_to_do


def test_no_content_is_a_failure(site: Site) -> None:
    site.page("/x", b"")
    net, _ = public(site)
    with pytest.raises(FetchError, match="sent no content"):
        fetch("http://notes.example/x", settings=SETTINGS, network=net)


def test_the_size_limit_holds_whatever_is_declared(site: Site) -> None:
    site.page("/exact", b"x" * 1_000_000)
    site.page("/over", b"x" * 1_000_001)
    site.page("/declared", b"", Content_Length="9" * 19)

    def endless(handler: Handler) -> None:
        handler.send_response(200)
        handler.end_headers()
        while True:
            handler.wfile.write(b"x" * 65536)

    site.pages["/endless"] = endless
    net, _ = public(site)
    assert len(fetch("http://notes.example/exact", settings=SETTINGS, network=net).data) == 1_000_000
    for path in ("over", "declared", "endless"):
        with pytest.raises(FetchError, match="larger than the limit of 1 MB"):
            fetch(f"http://notes.example/{path}", settings=SETTINGS, network=net)


def test_compressed_content_is_counted_as_it_unfolds(site: Site) -> None:
    text = b"an ordinary page " * 2000
    bomb = gzip.compress(bytes(400_000_000), compresslevel=9)
    bare = zlib.compressobj(wbits=-15)
    site.page("/gzip", gzip.compress(text), Content_Encoding="gzip")
    site.page("/two", gzip.compress(text) + gzip.compress(b"tail"), Content_Encoding="gzip")
    site.page("/zlib", zlib.compress(text), Content_Encoding="deflate")
    site.page("/bare", bare.compress(text) + bare.flush(), Content_Encoding="deflate")
    site.page("/bomb", bomb, Content_Encoding="gzip")
    site.page("/cut", gzip.compress(text)[:-20], Content_Encoding="gzip")
    site.page("/lie", b"plain text", Content_Encoding="gzip")
    site.page("/br", b"\x0b\x02\x80plain\x03", Content_Encoding="br")
    net, _ = public(site)
    assert len(bomb) < 1_000_000

    def get(path: str) -> bytes:
        return fetch(f"http://notes.example/{path}", settings=SETTINGS, network=net).data

    assert get("gzip") == get("zlib") == get("bare") == text
    assert get("two") == text + b"tail"
    for path, why in (("bomb", "larger than"), ("cut", "damaged"), ("lie", "damaged"), ("br", "not asked for")):
        with pytest.raises(FetchError, match=why):
            get(path)


def test_a_dense_stream_unfolds_in_small_pieces() -> None:
    packed = gzip.compress(bytes(50_000_000), compresslevel=9)
    sizes = [len(piece) for piece in inflate([packed[:1000], packed[1000:]])]
    assert (sum(sizes), max(sizes)) == (50_000_000, 65536)


def test_a_body_that_ends_early_is_a_failure(site: Site) -> None:
    site.page("/cut", b"half", Content_Length="8")
    net, _ = public(site)
    with pytest.raises(FetchError, match="can't be fetched"):
        fetch("http://notes.example/cut", settings=SETTINGS, network=net)


@pytest.mark.parametrize("part", ["head", "body", "silence"])
def test_a_slow_drip_ends_at_the_limit_for_the_whole(site: Site, part: str) -> None:
    stop = threading.Event()

    def drip(handler: Handler) -> None:
        if part == "silence":
            stop.wait(30)
            return
        handler.wfile.write(b"HTTP/1.1 200 OK\r\n" + (b"\r\n" if part == "body" else b"X-Slow: "))
        while not stop.wait(0.1):
            handler.wfile.write(b"x")

    site.pages["/drip"] = drip
    net, _ = public(site)
    begun = time.monotonic()
    with pytest.raises(FetchError, match="took longer than 1 s") as caught:
        fetch("http://notes.example/drip", settings=replace(SETTINGS, fetch_timeout_s=1), network=net)
    stop.set()
    assert "fetch_timeout_s" in caught.value.what_to_do
    # Every byte came within a second: without a limit for the whole this would go on for 30 s.
    assert time.monotonic() - begun < 25


def test_a_name_server_that_never_answers_ends_at_the_limit() -> None:
    stop = threading.Event()

    def resolve(host: str, port: int) -> Sequence[str]:
        stop.wait(30)
        return [PUBLIC]

    with pytest.raises(FetchError, match="can't be resolved"):
        fetch(
            "http://notes.example/",
            settings=replace(SETTINGS, fetch_timeout_s=1),
            network=Network(resolve=resolve, backend=Wire({})),
        )
    stop.set()


def test_unknown_host_and_closed_port_are_named(site: Site) -> None:
    net, _ = network()
    with pytest.raises(FetchError, match=r"host name nowhere\.example can't be resolved"):
        fetch("http://nowhere.example/", settings=SETTINGS, network=net)
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        with pytest.raises(FetchError, match="can't be fetched"):
            fetch(f"http://127.0.0.1:{held.getsockname()[1]}/", settings=OPEN)


def _certificate(folder: Path, host: str) -> Path:
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, host)])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(host)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    file = folder / f"{host}.pem"
    file.write_bytes(
        certificate.public_bytes(serialization.Encoding.PEM)
        + key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return file


@pytest.fixture
def secure(tmp_path: Path) -> Iterator[tuple[Site, Path]]:
    pem = _certificate(tmp_path, "notes.example")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem)
    with serving(context) as running:
        running.page("/n.txt", b"secret")
        yield running, pem


def test_tls_checks_the_name_though_the_address_is_pinned(
    secure: tuple[Site, Path], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    site, pem = secure
    net, wire = public(site)
    trusting = replace(SETTINGS, ca_bundle=str(pem))
    assert fetch("https://notes.example/n.txt", settings=trusting, network=net).data == b"secret"
    assert wire.asked == [(PUBLIC, 443)]
    with pytest.raises(FetchError, match=r"(?i)certificate|verify"):  # right authority, other name
        fetch("https://other.example/n.txt", settings=trusting, network=net)
    with pytest.raises(FetchError, match=r"(?i)certificate") as caught:  # unknown authority
        fetch("https://notes.example/n.txt", settings=SETTINGS, network=net)
    assert "ca_bundle" in caught.value.what_to_do
    monkeypatch.setenv("SSL_CERT_FILE", str(pem))
    assert fetch("https://notes.example/n.txt", settings=SETTINGS, network=net).data == b"secret"
    with pytest.raises(FetchError, match="certificate bundle"):
        fetch(
            "https://notes.example/n.txt",
            settings=replace(SETTINGS, ca_bundle=str(tmp_path / "none.pem")),
            network=net,
        )


def test_an_http_proxy_is_asked_and_no_proxy_is_honoured(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    site.page("/n.txt", b"through the proxy")
    monkeypatch.setenv("HTTP_PROXY", f"http://me:pass@127.0.0.1:{site.port}")
    monkeypatch.setenv("http_proxy", f"http://me:pass@127.0.0.1:{site.port}")
    # The name is known to the proxy only.
    net, wire = network({"127.0.0.1": site.port})
    assert fetch("http://intranet.example/n.txt", settings=SETTINGS, network=net).data == b"through the proxy"
    path, headers = site.seen[0]
    assert path == "http://intranet.example/n.txt"
    assert headers["Host"] == "intranet.example"
    assert headers["Proxy-Authorization"] == "Basic bWU6cGFzcw=="
    assert wire.asked == [("127.0.0.1", site.port)]

    net, wire = public(site)
    monkeypatch.setenv("NO_PROXY", "notes.example")
    monkeypatch.setenv("no_proxy", "notes.example")
    assert fetch("http://notes.example/n.txt", settings=SETTINGS, network=net).data == b"through the proxy"
    assert site.seen[1][0] == "/n.txt"
    assert wire.asked == [(PUBLIC, 80)]


@pytest.mark.parametrize("host", ["127.0.0.1", "0x7f.1", "[::1]", "inside.example"])
def test_the_proxy_is_not_asked_for_what_is_known_to_be_inside(
    site: Site, monkeypatch: pytest.MonkeyPatch, host: str
) -> None:
    monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{site.port}")
    net, wire = network({"127.0.0.1": site.port}, inside__example=["192.168.3.4"])
    with pytest.raises(FetchError, match="which is not fetched"):
        fetch(f"http://{host}/", settings=SETTINGS, network=net)
    assert (wire.asked, site.seen) == ([], [])


def test_https_goes_through_the_proxys_tunnel_and_is_checked_end_to_end(
    secure: tuple[Site, Path], site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    target, pem = secure
    site.tunnel_to = target.port
    monkeypatch.setenv("https_proxy", f"127.0.0.1:{site.port}")
    net, wire = network({"127.0.0.1": site.port})
    source = fetch("https://notes.example/n.txt", settings=replace(SETTINGS, ca_bundle=str(pem)), network=net)
    assert source.data == b"secret"
    assert site.seen[0][0] == "notes.example:443"
    assert wire.asked == [("127.0.0.1", site.port)]


@pytest.mark.parametrize("proxy", ["socks5://127.0.0.1:1", "quic://127.0.0.1:1"])
def test_a_proxy_of_another_kind_is_named_without_its_password(proxy: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", proxy.replace("//", "//me:secret@"))
    net, wire = network()
    with pytest.raises(FetchError, match="proxy set for http") as caught:
        fetch("http://notes.example/", settings=SETTINGS, network=net)
    assert "secret" not in str(caught.value)
    assert wire.asked == []


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("https://notes.example/a/b/10-K.pdf?x=1", "10-K.pdf"),
        ("https://notes.example/", "notes.example"),
        ("https://notes.example/a%2F..%2Fb%00.html", "b.html"),
        ("https://notes.example/..%5Cevil.txt", "evil.txt"),
    ],
)
def test_the_file_name_is_safe(url: str, name: str) -> None:
    assert file_name(url) == name


def test_one_url_has_one_identity() -> None:
    same = {
        normalize_url(u)
        for u in (
            "https://Notes.example",
            "https://notes.example:443/",
            " https://notes.example/#x",
            "HTTPS://notes.EXAMPLE/",
        )
    }
    assert same == {"https://notes.example/"}
