"""Sign-in at an OpenID Connect provider: code flow with PKCE, state and nonce. The one door to authlib and joserfc.

Nothing is asked but the issuer's own host and those in ``oidc_hosts``; redirects are not followed.
"""

from __future__ import annotations

import json
import logging
import os
import ssl
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx2
from authlib.common.errors import AuthlibBaseError
from authlib.integrations.httpx_client import OAuth2Client
from authlib.oidc.core import CodeIDToken
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from assistant.access.names import group_names
from assistant.web.signin.check import is_loopback
from assistant.web.signin.sessions import Flow
from vectorstore.errors import SettingsError, ThesisError
from vectorstore.settings import Settings

log = logging.getLogger(__name__)
SECRET = "THESIS_OIDC_CLIENT_SECRET"  # noqa: S105 - the variable's name
CREDENTIAL = "thesis-oidc-client-secret"
LEEWAY_S = 60
_TIMEOUT_S = 10.0
_LARGEST = 1 << 20  # bytes of a discovery document or a set of keys
_KEPT_S = 3600.0
_AGAIN_S = 30.0  # before keys are fetched again for a signature that none of ours fits
_ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512")
_ENDPOINTS = ("authorization_endpoint", "token_endpoint", "jwks_uri")


class SignInFailed(ThesisError):
    """The provider cannot be asked, or what it says does not prove who somebody is. Details are in the log only."""

    kind = "not_signed_in"


def client_secret(environ: Mapping[str, str]) -> str:
    """Return the client's secret: from the environment, else from systemd's credentials; "" for a public client."""
    if environ.get(SECRET):
        return environ[SECRET]
    folder = environ.get("CREDENTIALS_DIRECTORY")
    path = Path(folder) / CREDENTIAL if folder else None
    if path is None or not path.exists():
        return ""
    try:
        return path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path} cannot be read: {error}.", "Mend the unit's LoadCredential.") from error


class Provider:
    """One provider; its methods block, and are safe in any number of threads."""

    def __init__(self, settings: Settings, secret: str | None = None, *, clock: Callable[[], float]) -> None:
        self._settings, self._clock = settings, clock
        self._secret = client_secret(os.environ) if secret is None else secret
        issuer = urlsplit(settings.oidc_issuer)
        self._hosts = frozenset({issuer.netloc.lower(), *(host.lower() for host in settings.oidc_hosts)})
        self._local = is_loopback(issuer.hostname or "")
        self._lock = threading.Lock()
        self._found: tuple[float, dict[str, Any]] | None = None
        self._keys: tuple[float, KeySet] | None = None

    @property
    def host(self) -> str:
        return urlsplit(self._settings.oidc_issuer).hostname or ""

    def address(self, state: str, flow: Flow, redirect_uri: str) -> str:
        """Return where the browser signs in. Raises SignInFailed."""
        found = self._discovered()
        with self._client(redirect_uri) as client:
            url, _ = client.create_authorization_url(
                found["authorization_endpoint"], state=state, nonce=flow.nonce, code_verifier=flow.verifier
            )
        return str(url)

    def claims(self, code: str, flow: Flow, redirect_uri: str) -> dict[str, Any]:
        """Exchange a code for what the provider says of its user, checked. Raises SignInFailed."""
        found = self._discovered()
        try:
            with self._client(redirect_uri) as client:
                answer = client.fetch_token(
                    found["token_endpoint"], code=code, code_verifier=flow.verifier, grant_type="authorization_code"
                )
        except (AuthlibBaseError, httpx2.HTTPError, ValueError) as error:
            raise _failed("the code was not taken", error) from error
        token = answer.get("id_token") if isinstance(answer, Mapping) else None
        if not isinstance(token, str):
            raise _failed("the answer holds no ID token")
        return self._checked(token, str(answer.get("access_token") or ""), flow.nonce, found)

    def named(self, claims: Mapping[str, Any]) -> tuple[str, tuple[str, ...]]:
        """Return (name, groups) of checked claims. Raises SignInFailed where the name's claim is missing."""
        wanted = self._settings.oidc_name_claim
        name = claims.get(wanted)
        if not isinstance(name, str) or not name.strip():
            raise _failed(f"the claim {wanted} (oidc_name_claim) is missing")
        if wanted == "email" and claims.get("email_verified") is False:
            raise _failed("the address is not verified")
        listed = claims.get(self._settings.oidc_groups_claim) or []
        listed = [listed] if isinstance(listed, str) else listed
        groups: list[str] = []
        for one in listed if isinstance(listed, list) else []:
            try:
                groups += group_names([one]) if isinstance(one, str) else []
            except SettingsError:
                log.warning("a group of %r cannot be used here: %r", name, one)
        return name, tuple(dict.fromkeys(groups))

    def _client(self, redirect_uri: str = "") -> Any:
        context = ssl.create_default_context(cafile=self._settings.ca_bundle or None)
        return OAuth2Client(
            self._settings.oidc_client_id, self._secret or None, scope=" ".join(self._settings.oidc_scopes),
            redirect_uri=redirect_uri, code_challenge_method="S256", verify=context, timeout=_TIMEOUT_S,
            follow_redirects=False, trust_env=not self._local,
            token_endpoint_auth_method="client_secret_basic" if self._secret else "none",
        )  # fmt: skip

    def _discovered(self) -> dict[str, Any]:
        with self._lock:
            if self._found is not None and self._clock() - self._found[0] < _KEPT_S:
                return self._found[1]
            found = self._fetch(f"{self._settings.oidc_issuer.rstrip('/')}/.well-known/openid-configuration")
            # An issuer that names itself otherwise is another one, or one in the middle.
            if found.get("issuer") != self._settings.oidc_issuer:
                raise _failed(f"the provider calls itself {found.get('issuer')!r}, not as oidc_issuer has it")
            for name in _ENDPOINTS:
                self._allow(name, found.get(name))
            self._found = (self._clock(), found)
            return found

    def _allow(self, name: str, address: object) -> None:
        parts = urlsplit(address) if isinstance(address, str) else None
        if parts is None or parts.netloc.lower() not in self._hosts:
            raise _failed(f"{name} is {address!r}, of a host that is neither the issuer's nor in oidc_hosts")
        if parts.scheme != "https" and not (self._local and parts.scheme == "http"):
            raise _failed(f"{name} is {address!r}, not https")

    def _fetch(self, address: str) -> dict[str, Any]:
        try:
            body = bytearray()
            with self._client() as client, client.stream("GET", address, withhold_token=True) as response:
                if response.status_code != 200:
                    raise _failed(f"{address} answers {response.status_code}")
                for part in response.iter_bytes():
                    body += part
                    if len(body) > _LARGEST:
                        raise _failed(f"{address} is longer than 1 MB")
            found = json.loads(bytes(body))
        except (httpx2.HTTPError, OSError, ValueError) as error:
            raise _failed(f"{address} cannot be read", error) from error
        if not isinstance(found, dict):
            raise _failed(f"{address} holds no JSON object")
        return found

    def _key_set(self, found: Mapping[str, Any], *, newer_than: float) -> tuple[float, KeySet]:
        with self._lock:
            now = self._clock()
            if self._keys is None or now - self._keys[0] >= _KEPT_S or self._keys[0] < newer_than:
                listed = self._fetch(found["jwks_uri"]).get("keys")
                # A key that both sides know could be used to sign by anybody who has it.
                usable = [
                    key
                    for key in (listed if isinstance(listed, list) else [])
                    if isinstance(key, dict) and key.get("kty") in {"RSA", "EC"} and key.get("use", "sig") == "sig"
                ]
                try:
                    self._keys = (now, KeySet.import_key_set({"keys": usable}))
                except (JoseError, ValueError, KeyError, TypeError) as error:
                    raise _failed("the provider's keys cannot be read", error) from error
            return self._keys

    def _checked(self, token: str, access_token: str, nonce: str, found: Mapping[str, Any]) -> dict[str, Any]:
        told = found.get("id_token_signing_alg_values_supported")
        allowed = [one for one in _ALGORITHMS if one in told] if isinstance(told, list) else ["RS256"]
        at, keys = self._key_set(found, newer_than=0.0)
        try:
            decoded = jwt.decode(token, keys, algorithms=allowed)
        except (JoseError, ValueError, KeyError, TypeError) as error:
            if self._clock() - at < _AGAIN_S:
                raise _failed("the signature does not hold", error) from error
            _, keys = self._key_set(found, newer_than=self._clock())  # the provider may have changed its keys
            try:
                decoded = jwt.decode(token, keys, algorithms=allowed)
            except (JoseError, ValueError, KeyError, TypeError) as second:
                raise _failed("the signature does not hold", second) from second
        claims = CodeIDToken(
            decoded.claims, decoded.header,
            {
                "iss": {"essential": True, "value": self._settings.oidc_issuer},
                "aud": {"essential": True, "value": self._settings.oidc_client_id},
            },
            {"nonce": nonce, "client_id": self._settings.oidc_client_id, "access_token": access_token},
        )  # fmt: skip
        try:
            claims.validate(now=int(self._clock()), leeway=LEEWAY_S)
        except (JoseError, ValueError, TypeError) as error:
            raise _failed("the ID token does not hold", error) from error
        return dict(claims)


def _failed(why: str, error: BaseException | None = None) -> SignInFailed:
    log.warning("OIDC: %s%s", why, f": {type(error).__name__}: {error}" if error is not None else "")
    return SignInFailed(
        "Signing in at your provider did not work.", "Try again; whoever runs this server finds the reason in its log."
    )
