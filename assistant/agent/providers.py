"""Which language model: ``provider:name`` -> a checked spec, its key, where it runs, and the client. No network.

Keys are read by the providers' own clients from the environment; here it is only looked whether one is there.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from vectorstore.errors import SettingsError
from vectorstore.settings import Settings

if TYPE_CHECKING:
    from langchain_core.language_models import BaseChatModel

ANSWER_TOKENS = 4000  # room for searches and the answer beside what is sent at first
EXTRACTIVE = "extractive"  # as a model's name: answer without one


@dataclass(frozen=True, slots=True)
class Provider:
    """One provider: the package that speaks to it, the extra that installs it, and the variables that hold its key."""

    package: str
    extra: str
    keys: tuple[str, ...]
    address: bool  # whether model_url may point it elsewhere
    attempts: int | None = 0  # of its client's own: ours see the time limit; None: the client has no such setting


PROVIDERS: Mapping[str, Provider] = {
    "openai": Provider("langchain_openai", "openai", ("OPENAI_API_KEY",), address=True),
    "anthropic": Provider("langchain_anthropic", "anthropic", ("ANTHROPIC_API_KEY",), address=True),
    "google_genai": Provider(
        "langchain_google_genai", "google", ("GOOGLE_API_KEY", "GEMINI_API_KEY"), address=False, attempts=1
    ),
    "ollama": Provider("langchain_ollama", "ollama", (), address=True, attempts=None),
}
_ALIASES = {"google": "google_genai"}
# What a key looks like where a server's own text repeats it.
_KEY_LIKE = re.compile(r"\b(?:sk|pk|rk|gsk|xai|AIza)[-_A-Za-z0-9]{10,}|(?i:\bbearer\s+)[^\s\"',;]+")
_SECRET_NAME = re.compile(r"(?:KEY|TOKEN|SECRET|PASSWORD|CREDENTIALS?)$", re.I)
# Ollama runs these on its makers' machines, though the request goes to this one.
_REMOTE_OLLAMA = re.compile(r"[-:]cloud$", re.I)


@dataclass(frozen=True, slots=True)
class ModelSpec:
    """A model that may be asked: ``provider:name``, and an address of its own where one is set."""

    provider: str
    name: str
    url: str = ""

    def __str__(self) -> str:
        return f"{self.provider}:{self.name}"


def parse(text: str, settings: Settings) -> ModelSpec | None:
    """Return the model that ``text`` names; None for "" and for "extractive". Raises SettingsError."""
    text = text.strip()
    if not text or text.lower() == EXTRACTIVE:
        return None
    provider, sign, name = text.partition(":")
    provider = _ALIASES.get(provider.strip().lower(), provider.strip().lower())
    known = ", ".join(PROVIDERS)
    if not sign or not name.strip():
        raise SettingsError(
            f"The model {printable(text)!r} is not written as provider:name.",
            f"For example openai:NAME; providers: {known}.",
        )
    if provider not in PROVIDERS:
        raise SettingsError(
            f"There is no provider {printable(provider)!r}.",
            f"Providers: {known}; a server that speaks OpenAI's language is openai:NAME with model_url.",
        )
    url = settings.model_url.strip()
    if url:
        parts = urlsplit(url)
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise SettingsError("model_url is not an http or https address.", "For example http://127.0.0.1:8000/v1.")
        if parts.username or parts.password or parts.query:
            raise SettingsError(
                "model_url holds a name, a key or a query.",
                f"Give the address alone; a key stands in the environment ({', '.join(PROVIDERS[provider].keys) or 'none'}).",
            )
        if not PROVIDERS[provider].address:
            raise SettingsError(f"model_url is not for {provider}.", "Clear model_url, or name another provider.")
    return ModelSpec(provider, name.strip(), url)


def printable(text: str) -> str:
    """Return a name as a user typed it, short and on one line."""
    return "".join(c if c.isprintable() else "?" for c in scrub(text))[:80]


def installed(spec: ModelSpec) -> bool:
    """Whether the package that speaks to the provider is there; nothing is imported."""
    return find_spec(PROVIDERS[spec.provider].package) is not None


def key_set(spec: ModelSpec, environ: Mapping[str, str] | None = None) -> bool | None:
    """Whether a key of the provider is in the environment; None where it needs none."""
    names = PROVIDERS[spec.provider].keys
    environ = os.environ if environ is None else environ
    return any(environ.get(name, "").strip() for name in names) if names else None


def require(spec: ModelSpec) -> None:
    """Raise SettingsError where the provider's package or key is lacking, with what to do about it."""
    provider = PROVIDERS[spec.provider]
    if not installed(spec):
        raise SettingsError(
            f"The model {spec} needs the package {provider.package.replace('_', '-')}, which is not installed.",
            f'In the folder of Thesis: .venv/bin/pip install -e ".[{provider.extra}]"; elsewhere: pip install {provider.package.replace("_", "-")}',
        )
    if key_set(spec) is False and not spec.url:
        raise SettingsError(
            f"There is no key for {spec.provider}.", f"Set {' or '.join(provider.keys)} in the environment."
        )


def make(spec: ModelSpec, *, timeout: float, context: int = 16_000) -> BaseChatModel:
    """Return the client; nothing is sent. ``timeout`` bounds one request, in seconds. Raises SettingsError.

    ``context``: the tokens that a request may bring, for a provider that cuts off what it was not told of (Ollama).
    """
    require(spec)
    from langchain.chat_models import init_chat_model

    provider = PROVIDERS[spec.provider]
    given: dict[str, Any] = {}
    if provider.attempts is not None:
        given |= {"max_retries": provider.attempts, "timeout": timeout}
    else:
        given |= {"async_client_kwargs": {"timeout": timeout}, "num_ctx": context + ANSWER_TOKENS}
    if spec.url:
        given["base_url"] = spec.url
    if spec.provider == "openai" and spec.url:
        # Other servers know the older of OpenAI's two interfaces, and many want no key.
        given["use_responses_api"] = False
        if not key_set(spec):
            given["api_key"] = "none"
    if spec.provider == "openai":
        from openai import DefaultAsyncHttpxClient

        # Its own client would be shared by all that ask the same address, and closed for all by the first that closes it.
        given["http_async_client"] = DefaultAsyncHttpxClient(timeout=timeout)
    try:
        client: BaseChatModel = init_chat_model(spec.name, model_provider=spec.provider, **given)
        return client
    except Exception as error:  # noqa: BLE001 - a client of any provider
        raise SettingsError(
            f"The client of {spec} could not be made ({type(error).__name__}).",
            "Check the model's name and the provider's variables; `thesis doctor` shows what is set.",
        ) from None  # the error may repeat what the environment holds


def host(spec: ModelSpec, client: Any = None, environ: Mapping[str, str] | None = None) -> str:
    """Return the host that requests go to, "" where it cannot be told.

    ``client``: the one that was made, which knows what variables of the environment have turned it to.
    """
    environ = os.environ if environ is None else environ
    address: Any = spec.url
    if client is not None and spec.provider == "openai":
        address = getattr(getattr(client, "root_async_client", None), "base_url", "")
    elif spec.provider == "ollama" and not address:
        address = getattr(client, "base_url", None) or environ.get("OLLAMA_HOST") or "http://127.0.0.1:11434"
    text = str(address or "")
    if text and "//" not in text:
        text = f"//{text}"
    try:
        return urlsplit(text).hostname or ""
    except ValueError:
        return ""


def is_local(spec: ModelSpec, allowed: Sequence[str], client: Any = None) -> bool:
    """Whether the model is on the allow-list: by its ``provider:name``, or by the host that it is asked at."""
    names = {name.strip().lower() for name in allowed}
    if str(spec).lower() in names:
        return True
    if spec.provider == "ollama" and _REMOTE_OLLAMA.search(spec.name):
        return False
    found = host(spec, client).lower()
    if not found:
        return False
    if found in names or f"[{found}]" in names:
        return True
    try:
        # Every address of this machine is this machine where one of them is allowed.
        return ip_address(found).is_loopback and any(n in names for n in ("localhost", "127.0.0.1", "::1"))
    except ValueError:
        return False


def scrub(text: str, environ: Mapping[str, str] | None = None) -> str:
    """Return ``text`` with every secret of the environment, and all that looks like a key, hidden."""
    environ = os.environ if environ is None else environ
    secrets = {v for k, v in environ.items() if _SECRET_NAME.search(k) and len(v.strip()) >= 8}
    for secret in sorted(secrets, key=len, reverse=True):
        text = text.replace(secret, "(hidden)")
    return _KEY_LIKE.sub("(hidden)", text)


def describe(settings: Settings) -> dict[str, Any]:
    """Return what `thesis doctor` shows of the language model: never a key."""
    try:
        spec = parse(settings.model, settings)
    except SettingsError as error:
        return {"mode": EXTRACTIVE, "problem": error.message, "what_to_do": error.what_to_do}
    if spec is None:
        return {"mode": EXTRACTIVE}
    provider = PROVIDERS[spec.provider]
    key = key_set(spec)
    shown: dict[str, Any] = {
        "mode": "model",
        "provider": spec.provider,
        "name": spec.name,
        "package": f"{provider.package.replace('_', '-')} {'installed' if installed(spec) else 'not installed'}",
        "key": "none needed" if key is None else "yes" if key else "no",
        "host": host(spec) or "the provider's own",
        "local": is_local(spec, settings.local_models),
    }
    try:
        require(spec)
    except SettingsError as error:
        shown |= {"problem": error.message, "what_to_do": error.what_to_do}
    return shown
