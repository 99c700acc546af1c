"""An OpenID Connect provider on loopback: real RS256 keys, the code flow with PKCE, and every way to be wrong that a test asks for."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import secrets
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from joserfc import jwt
from joserfc.jwk import RSAKey

CLIENT, SECRET = "thesis-test", "a secret & of the client"


@dataclass
class Provider:
    """``claims`` go into the next ID token; ``change`` and ``sign`` make it wrong."""

    address: str = ""
    clock: Callable[[], float] = time.time
    key: RSAKey = field(default_factory=lambda: RSAKey.generate_key(2048, {"kid": "one", "use": "sig"}))
    published: list[Any] = field(default_factory=list)
    claims: dict[str, Any] = field(default_factory=dict)
    change: Callable[[dict[str, Any]], dict[str, Any]] = lambda claims: claims
    sign: Callable[[dict[str, Any]], str] | None = None
    discovery: dict[str, Any] = field(default_factory=dict)
    error: str = ""
    asked: list[str] = field(default_factory=list)
    codes: dict[str, dict[str, str]] = field(default_factory=dict)

    def token(self, given: dict[str, str]) -> str:
        now = int(self.clock())
        claims = {
            "iss": self.address, "sub": "subject-1", "aud": CLIENT, "iat": now, "exp": now + 300, "nonce": given["nonce"], **self.claims,
        }  # fmt: skip
        claims = self.change(claims)
        if self.sign is not None:
            return self.sign(claims)
        return jwt.encode({"alg": "RS256", "kid": self.key.kid}, claims, self.key)

    def keys(self) -> dict[str, Any]:
        return {"keys": [key.as_dict(private=False) for key in (self.published or [self.key])]}


def other_key() -> Callable[[dict[str, Any]], str]:
    """Sign with a key of nobody's, under the name of the right one."""
    key = RSAKey.generate_key(2048, {"kid": "one", "use": "sig"})
    return lambda claims: jwt.encode({"alg": "RS256", "kid": "one"}, claims, key)


def with_public_key_as_secret(provider: Provider) -> Callable[[dict[str, Any]], str]:
    """Sign with what everybody knows, for a reader that lets a token say how it is to be checked."""

    def sign(claims: dict[str, Any]) -> str:
        head = f"{_part({'alg': 'HS256', 'kid': 'one'})}.{_part(claims)}"
        mac = hmac.new(provider.key.as_pem(private=False), head.encode(), hashlib.sha256).digest()
        return f"{head}.{base64.urlsafe_b64encode(mac).rstrip(b'=').decode()}"

    return sign


def unsigned(claims: dict[str, Any]) -> str:
    return f"{_part({'alg': 'none'})}.{_part(claims)}."


def _part(value: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


@contextmanager
def provider(clock: Callable[[], float]) -> Iterator[Provider]:
    """Serve a provider on a free port of 127.0.0.1."""
    held = Provider(clock=clock)

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *_: Any) -> None:
            pass

        def _send(self, value: Any, status: int = 200, **headers: str) -> None:
            body = json.dumps(value).encode()
            self.send_response(status)
            for name, text in (
                {"Content-Type": "application/json", "Content-Length": str(len(body))} | headers
            ).items():
                self.send_header(name, text)
            self.end_headers()
            self.wfile.write(body)

        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            held.asked.append(parts.path)
            query = {name: values[0] for name, values in parse_qs(parts.query).items()}
            if parts.path == "/.well-known/openid-configuration":
                base = held.address
                self._send(
                    {
                        "issuer": base, "authorization_endpoint": f"{base}/authorize", "token_endpoint": f"{base}/token",
                        "jwks_uri": f"{base}/keys", "id_token_signing_alg_values_supported": ["RS256"], **held.discovery,
                    }
                )  # fmt: skip
            elif parts.path == "/keys":
                self._send(held.keys())
            elif parts.path == "/authorize":
                assert query["response_type"] == "code"
                assert query["code_challenge_method"] == "S256"
                assert "openid" in query["scope"].split()
                code = secrets.token_urlsafe(16)
                held.codes[code] = query
                answer = {"error": held.error} if held.error else {"code": code}
                where = f"{query['redirect_uri']}?{urlencode(answer | {'state': query['state']})}"
                self._send({}, 302, Location=where)
            else:
                self._send({}, 404)

        def do_POST(self) -> None:
            held.asked.append(self.path)
            length = int(self.headers.get("content-length", "0"))
            form = {name: values[0] for name, values in parse_qs(self.rfile.read(length).decode()).items()}
            given = held.codes.pop(form.get("code", ""), None)
            wanted = "Basic " + base64.b64encode(f"{CLIENT}:{SECRET}".encode()).decode()
            verifier = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
            challenge = base64.urlsafe_b64encode(verifier).rstrip(b"=").decode()
            if (
                given is None or self.headers.get("authorization") != wanted or form.get("grant_type") != "authorization_code"
                or form.get("redirect_uri") != given["redirect_uri"] or challenge != given["code_challenge"]
            ):  # fmt: skip
                self._send({"error": "invalid_grant"}, 400)
                return
            self._send({"access_token": "opaque", "token_type": "Bearer", "id_token": held.token(given)})

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        held.address = f"http://127.0.0.1:{server.server_address[1]}"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield held
        finally:
            server.shutdown()
            thread.join()
