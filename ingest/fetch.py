"""A URL to the bytes behind it, as a Source, with the guards that an untrusted URL needs.

http and https only; the address is checked after resolution, again at each redirect, and the connection
goes to the very address that was checked (a second answer of the name server changes nothing). Size is
counted after decompression and time over the whole fetch. HTTPS_PROXY, HTTP_PROXY, ALL_PROXY and NO_PROXY are
honoured: behind a proxy it is the proxy that resolves, so that its own rules guard the last step; a
literal private address, or a name that resolves here to one, is refused before the proxy is asked.
"""

from __future__ import annotations

import ssl
import unicodedata
import urllib.request
import zlib
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from urllib.parse import unquote

import httpcore
import httpx

from ingest.addresses import literal, refusal
from ingest.readers import Source
from ingest.wire import Deadline, Network, Pinned, look_up
from vectorstore.errors import FetchError
from vectorstore.settings import Settings

MAX_REDIRECTS = 5
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_BLOCK = 1 << 16
_LOCAL_LOOKUP_S = 3.0  # behind a proxy a name often doesn't resolve here: don't wait long to learn it
_PRIVATE_HINT = "If it stands in your own network, set fetch_private_addresses = true (THESIS_FETCH_PRIVATE_ADDRESSES)."


def normalize_url(url: str) -> str:
    """Return the URL in the form that identifies its document: no fragment, host in lower case, "/" for no path.

    Raises FetchError for anything but an http(s) URL without user and password.
    """
    return str(_parse(url))


def _parse(url: str) -> httpx.URL:
    try:
        parsed = httpx.URL(url.strip())
    except (httpx.InvalidURL, ValueError) as error:
        raise FetchError(f"{url!r} is not a valid URL: {error}.", "Give a whole http:// or https:// URL.") from error
    if parsed.scheme not in ("http", "https"):
        raise FetchError(
            f"{url!r}: only http and https are fetched, not {parsed.scheme or 'a URL without a scheme'}.",
            "Give an http(s) URL, or the path of a local file.",
        )
    if parsed.userinfo:
        host = parsed.host
        raise FetchError(
            f"The URL of {host} holds a user name or a password.",
            "Leave it out: it would be stored and shown with each citation. Save the page and ingest the file.",
        )
    if not parsed.host:
        raise FetchError(f"{url!r} names no host.", "Give a whole http:// or https:// URL.")
    return parsed.copy_with(fragment=None, path=parsed.path or "/")


def _checked(
    url: httpx.URL, settings: Settings, network: Network, deadline: Deadline, *, proxied: bool
) -> Sequence[str]:
    """Return the addresses of the URL's host, each allowed; empty where only the proxy can resolve it."""
    host = url.host
    port = url.port or (443 if url.scheme == "https" else 80)
    spelled = literal(host)
    if spelled is not None:
        addresses: Sequence[str] = [str(spelled)]
    else:
        seconds = min(deadline.left(), _LOCAL_LOOKUP_S) if proxied else deadline.left()
        try:
            addresses = look_up(network, host, port, seconds)
        except OSError as error:  # TimeoutError is one
            if proxied:
                return []
            raise FetchError(
                f"{url}: the host name {host} can't be resolved ({error}).",
                "Check the spelling and the network; behind a proxy set HTTPS_PROXY.",
            ) from error
    for address in addresses:
        parsed = literal(address)
        reason = "no address" if parsed is None else refusal(parsed, allow_private=settings.fetch_private_addresses)
        if reason is not None:
            shown = address if address == host else f"{host} ({address})"
            openable = parsed is not None and refusal(parsed, allow_private=True) is None
            hint = _PRIVATE_HINT if openable else "Save the page and ingest the file."
            raise FetchError(f"{url}: {shown} is {reason}, which is not fetched.", hint)
    if not addresses and not proxied:
        raise FetchError(f"{url}: the host name {host} has no address.", "Check the spelling.")
    return addresses


def _proxy(url: httpx.URL) -> httpx.Proxy | None:
    """Return the proxy that the environment names for ``url`` (the system's settings on Windows and macOS)."""
    proxies = urllib.request.getproxies()
    named = proxies.get(url.scheme) or proxies.get("all")
    if not named or urllib.request.proxy_bypass(url.netloc.decode("ascii")):
        return None
    try:
        return httpx.Proxy(named if "://" in named else f"http://{named}")
    except (httpx.InvalidURL, ValueError) as error:
        # The value may hold a password: it is not shown.
        raise FetchError(
            f"The proxy set for {url.scheme} is not usable: only http:// and https:// proxies are.",
            f"Mend {url.scheme.upper()}_PROXY, or name the host in NO_PROXY.",
        ) from error


def _trust(settings: Settings) -> ssl.SSLContext:
    bundle = settings.ca_bundle
    try:
        if not bundle:
            return httpx.create_ssl_context()  # SSL_CERT_FILE, SSL_CERT_DIR, else certifi
        if Path(bundle).is_dir():
            return ssl.create_default_context(capath=bundle)
        return ssl.create_default_context(cafile=bundle)
    except OSError as error:  # ssl.SSLError is one
        raise FetchError(
            f"The certificate bundle {bundle or 'named by SSL_CERT_FILE'} can't be read: {error}.",
            "Let ca_bundle (or SSL_CERT_FILE) name a file of PEM certificates.",
        ) from error


def _connection(url: httpx.URL, settings: Settings, network: Network, deadline: Deadline) -> httpcore.ConnectionPool:
    proxy = _proxy(url)
    addresses = _checked(url, settings, network, deadline, proxied=proxy is not None)
    trust = _trust(settings) if url.scheme == "https" else None
    if proxy is None:
        return httpcore.ConnectionPool(ssl_context=trust, network_backend=Pinned(network, deadline, addresses))
    if proxy.url.scheme not in ("http", "https"):
        raise FetchError(
            f"The proxy set for {url.scheme} is of the kind {proxy.url.scheme}, which is not supported.",
            f"Name an http:// or https:// proxy in {url.scheme.upper()}_PROXY.",
        )
    return httpcore.HTTPProxy(
        proxy_url=httpcore.URL(
            scheme=proxy.url.raw_scheme, host=proxy.url.raw_host, port=proxy.url.port, target=proxy.url.raw_path
        ),
        proxy_auth=proxy.raw_auth,
        ssl_context=trust,
        proxy_ssl_context=_trust(settings) if proxy.url.scheme == "https" else None,
        network_backend=Pinned(network, deadline, None),
    )


def _header(response: httpcore.Response, name: bytes) -> str:
    return next((v.decode("latin-1").strip() for k, v in response.headers if k.lower() == name), "")


def inflate(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Yield the content of a gzip or zlib (or bare deflate) stream in pieces of at most 64 KiB, however dense it is."""
    inflater = zlib.decompressobj(47)
    begun = False
    for chunk in chunks:
        data = chunk
        while data:
            try:
                piece = inflater.decompress(data, _BLOCK)
            except zlib.error:
                if begun:
                    raise
                inflater = zlib.decompressobj(-15)
                piece = inflater.decompress(data, _BLOCK)
            begun = True
            if piece:
                yield piece
            data = inflater.unconsumed_tail
            if inflater.eof:
                data = inflater.unused_data
                if data:
                    inflater = zlib.decompressobj(47)  # a further member of the same stream
    while begun and not inflater.eof:
        rest = inflater.decompress(inflater.unconsumed_tail, _BLOCK)
        if not rest:
            raise zlib.error("the compressed stream is cut off")
        yield rest


def _body(url: httpx.URL, response: httpcore.Response, limit_mb: int) -> bytes:
    limit = limit_mb * 1_000_000
    too_large = FetchError(
        f"{url} is larger than the limit of {limit_mb} MB.",
        "Raise fetch_limit_mb (THESIS_FETCH_LIMIT_MB), or download the file and ingest it.",
    )
    length = _header(response, b"content-length")
    if length.isascii() and length.isdigit() and int(length[:20]) > limit:
        raise too_large
    encoding = _header(response, b"content-encoding").lower()
    chunks: Iterable[bytes] = response.iter_stream()
    if encoding in ("gzip", "x-gzip", "deflate"):
        chunks = inflate(chunks)
    elif encoding not in ("", "identity"):
        raise FetchError(
            f"{url} came in the encoding {encoding!r}, which was not asked for.",
            "Download it with a browser and ingest the file.",
        )
    parts: list[bytes] = []
    size = 0
    try:
        for chunk in chunks:
            size += len(chunk)
            if size > limit:
                raise too_large
            parts.append(chunk)
    except zlib.error as error:
        raise FetchError(f"{url}: its compressed content is damaged ({error}).", "Try again later.") from error
    return b"".join(parts)


def _status_error(url: httpx.URL, response: httpcore.Response) -> FetchError:
    status = response.status
    reason = response.extensions.get("reason_phrase", b"")
    words = f"{url} answered {status} {reason.decode('latin-1')}".strip() + "."
    if status in (401, 403, 407, 451):
        return FetchError(
            words,
            "It asks for a login or refuses programs: set user_agent to your name and e-mail (SEC demands it), or "
            "download the page and ingest the file.",
        )
    if status in (404, 410):
        return FetchError(words, "Check the URL: there is no such page.")
    if status == 429 or status == 503:
        after = _header(response, b"retry-after")
        return FetchError(words, f"Try again {'after ' + after + ' s' if after.isdigit() else 'later'}.")
    if status >= 500:
        return FetchError(words, "The server failed: try again later.")
    return FetchError(words, "Check the URL in a browser; download the page and ingest the file.")


def file_name(url: str) -> str:
    """Return the last part of the URL's path as a file name, else the host."""
    parsed = httpx.URL(url)
    last = unquote(parsed.path.rstrip("/").rsplit("/", 1)[-1])
    clean = "".join(c for c in last if unicodedata.category(c)[0] != "C" and c not in '/\\:*?"<>|').strip(". ")
    return clean[:200] or parsed.host


def fetch(url: str, *, settings: Settings, network: Network | None = None) -> Source:
    """Fetch ``url`` with its limits: ``fetch_limit_mb``, ``fetch_timeout_s`` overall, at most 5 redirects.

    The Source's ``path`` is the normalized URL as it was given, also after a redirect; ``media_type`` is what the
    server declared, without parameters (None where it declared nothing). Raises FetchError.
    """
    network = network or Network()
    deadline = Deadline(settings.fetch_timeout_s)
    first = current = _parse(url)
    try:
        for _ in range(MAX_REDIRECTS + 1):
            headers = [
                (b"Host", current.netloc),
                (b"User-Agent", settings.user_agent.encode("latin-1", "replace")),
                (b"Accept", b"text/html,application/xhtml+xml,application/pdf,text/*;q=0.9,*/*;q=0.5"),
                (b"Accept-Encoding", b"gzip"),
                (b"Connection", b"close"),
            ]
            target = httpcore.URL(
                scheme=current.raw_scheme, host=current.raw_host, port=current.port, target=current.raw_path
            )
            with (
                _connection(current, settings, network, deadline) as pool,
                pool.stream("GET", target, headers=headers) as response,
            ):
                if response.status in _REDIRECTS:
                    current = _next(current, _header(response, b"location"))
                    continue
                if not 200 <= response.status < 300:
                    raise _status_error(current, response)
                data = _body(current, response, settings.fetch_limit_mb)
                declared = _header(response, b"content-type").split(";")[0].strip().lower()
            if not data:
                raise FetchError(f"{current} sent no content.", "Check the URL in a browser.")
            return Source(path=str(first), data=data, name=file_name(str(first)), media_type=declared or None)
    except httpcore.TimeoutException as error:
        raise FetchError(
            f"{current} took longer than {settings.fetch_timeout_s} s.",
            "Try again, raise fetch_timeout_s (THESIS_FETCH_TIMEOUT_S), or download the file and ingest it.",
        ) from error
    except httpcore.ProxyError as error:
        raise FetchError(f"{current}: the proxy refused it ({error}).", "Check HTTPS_PROXY and NO_PROXY.") from error
    except (httpcore.NetworkError, httpcore.ProtocolError, httpcore.UnsupportedProtocol, OSError) as error:
        what = "Check the URL and the network; a company's own certificate authority goes into ca_bundle."
        raise FetchError(f"{current} can't be fetched: {error or type(error).__name__}.", what) from error
    raise FetchError(
        f"{first} redirects more than {MAX_REDIRECTS} times.", "Open it in a browser and give the last URL."
    )


def _next(current: httpx.URL, location: str) -> httpx.URL:
    if not location:
        raise FetchError(f"{current} redirects, but names no address.", "Open it in a browser and give the last URL.")
    try:
        joined = current.join(location)
    except (httpx.InvalidURL, ValueError) as error:
        raise FetchError(
            f"{current} redirects to {location!r}, which is not a URL.", "Open it in a browser and give the last URL."
        ) from error
    return _parse(str(joined))
