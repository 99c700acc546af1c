"""All settings, read once: defaults < ``thesis.toml`` < ``THESIS_*`` variables < flags.

A key of ``thesis.toml`` is the field's name; the variable is ``THESIS_`` and the name in capitals.
An unknown key or a value of the wrong type is an error that names it, never ignored.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from vectorstore.errors import SettingsError

_TRUE = {"1", "true", "yes", "on"}
_FALSE = {"0", "false", "no", "off", ""}


@dataclass(frozen=True, slots=True)
class Settings:
    """One value a field; sizes in the unit that the name ends with."""

    store: str = "./.thesis"
    lock_wait_s: int = 60  # for a store that another process has: longer than one answer; a person can stop it sooner
    # more than one machine (docs/scale.md)
    ledger: str = (
        ""  # postgresql://USER@HOST/DATABASE that several processes share; empty: SQLite, in the store's folder
    )
    ledger_schema: str = "thesis"  # the start of the names of the base's schemas in it
    collection: str = "default"
    knowledge: str = "knowledge"  # ingested on the first start, when the store is empty
    host: str = "127.0.0.1"
    port: int = 7860
    stop_wait_s: int = 20  # what answers and uploads under way may take when the server is stopped
    # embedding
    embedding_model: str = ""  # a sentence-transformers name or path; empty: the bundled all-MiniLM-L6-v2
    embedding_backend: str = "auto"  # auto | onnx | torch
    embedding_device: str = "auto"  # auto | cpu | cuda
    reranker: str = ""  # a cross-encoder's name or path; empty: none
    cache: str = ""  # for prepared models; empty: the user's cache folder
    # ingest
    workers: int = 0  # 0: one a core
    file_limit_mb: int = 200
    file_timeout_s: int = 300
    file_memory_mb: int = 768  # of the process that reads a file; the largest filings take 200; 0: no limit
    fetch_limit_mb: int = 50
    fetch_timeout_s: int = 30
    fetch_private_addresses: bool = False
    user_agent: str = "thesis-assistant (set user_agent to your name and e-mail)"
    ca_bundle: str = ""
    # ingest on more than one machine (docs/scale.md)
    ingest_engine: str = "plain"  # plain | ray; of `thesis ingest` only
    ray_address: str = ""  # of a cluster, such as ray-head:6379; empty: Ray on this machine, for the one run
    # answers
    stale_after_days: int = 365  # an answer whose newest source is older says so; 0: never
    # the store
    retention_days: int = 0  # `thesis prune` forgets versions that have not been current for so long; 0: never
    # a Chroma server for the vectors (docs/scale.md); its token comes from THESIS_CHROMA_TOKEN, or from systemd's credentials
    chroma: str = ""  # such as http://127.0.0.1:8000; empty: embedded, in the store's folder
    chroma_tenant: str = ""  # empty: what the server says is ours
    chroma_database: str = ""
    chroma_timeout_s: int = 60  # for one request with its retries; a question waits 10 at most
    # language model; keys come from the environment, under the provider's own names
    model: str = ""  # provider:name; empty: the extractive mode
    model_url: str = ""  # an address of the provider's API that is not its own, such as a server on this machine
    model_timeout_s: int = 120  # for one answer, with its searches and its repair
    model_calls: int = 6  # requests to the model for one answer, without the repair
    model_context_tokens: int = 16_000  # of passages and conversation, about
    local_models_only: tuple[str, ...] = ()  # collections whose passages no other model may see
    local_models: tuple[str, ...] = ("localhost", "127.0.0.1", "::1")  # hosts, or provider:name, that count as local
    # live metrics (docs/tools/): nothing goes out unless its source is named here
    sources: tuple[str, ...] = ()  # of: sec, fred, treasury, usaspending, holdings, market
    contact: str = ""  # your name and e-mail, sent in the User-Agent; SEC refuses requests without
    accept_market_terms: bool = False  # Yahoo's data are for personal use only; market stays off until you accept that
    holdings_urls: tuple[str, ...] = ()  # FUND=address of its holdings as CSV, beside those that are known
    data: str = ""  # folder of your own CSV or Parquet: prices, returns, estimates, holdings (docs/tools/data.md)
    sentiment_lexicon: str = (
        ""  # your Loughran–McDonald master dictionary (CSV), compared with the word list that is shipped
    )
    tool_timeout_s: int = 60  # for one tool with all its requests
    # catalysts (docs/stance.md)
    catalysts: str = ""  # a YAML file of your own catalysts, or a folder of them; empty: those that are shipped
    # the catalyst board (docs/board.md)
    board_hours: int = (
        24  # how often `thesis serve` asks the tools for the board, where a source or data is named; 0: never
    )
    board_model: bool = False  # whether the language model reads again which side a sentence takes (docs/stance.md)
    webhook_url: str = ""  # is told of changes on the board; empty: nobody is
    webhook_secret: str = ""  # signs what is told
    # records and compliance (docs/audit.md)
    records: bool = True  # `thesis serve` keeps the audit, the conversations and the feedback
    audit_text: bool = True  # false: of questions and answers the audit keeps digests only
    audit_retention_days: int = 0  # `thesis audit prune` empties what is older; 0: never
    conversation_retention_days: int = 0  # … and deletes conversations that have not changed for so long; 0: never
    gates_file: str = ""  # TOML: restricted names, a note on advice, a last line; empty: none
    # links to conversations (docs/conversations.md)
    sharing: bool = True  # false: users cannot show each other what they were told
    # who may read and write which collection (docs/access.md)
    access_file: str = ""  # TOML; empty: all who may ask read all, editors write everywhere
    # HTTP API (docs/api.md)
    request_limit_kb: int = 256  # of one JSON body
    rate_per_minute: int = 600  # requests of one user; 0: no limit
    concurrent_answers: int = 64  # being made or waiting on the whole server, before more are refused; 0: no limit
    concurrent_per_user: int = 8  # … of one user; 0: no limit
    cors_origins: tuple[str, ...] = ()  # sites whose scripts may call the API, such as https://portal.example.com
    allowed_hosts: tuple[str, ...] = ()  # names beside localhost that an open server answers to
    # sign-in (docs/signin.md); the client's secret comes from THESIS_OIDC_CLIENT_SECRET, or from systemd's credentials
    auth: str = "open"  # open (this machine only) | users | proxy | oidc
    users_file: str = ""  # TOML or JSON; empty: users.toml in the store's folder
    trusted_proxies: tuple[str, ...] = ()  # addresses or networks whose X-Forwarded-* and user headers are believed
    proxy_user_header: str = "X-Forwarded-User"
    proxy_groups_header: str = ""  # names apart by commas; empty: none
    admins: tuple[str, ...] = ()  # names, or @group: of users that a proxy or OIDC names
    editors: tuple[str, ...] = ()
    readers: tuple[str, ...] = ()  # who else may sign in; empty: everybody whom the proxy or the provider names
    oidc_issuer: str = ""
    oidc_client_id: str = ""
    oidc_scopes: tuple[str, ...] = ("openid", "profile", "email")
    oidc_name_claim: str = "preferred_username"
    oidc_groups_claim: str = "groups"
    oidc_hosts: tuple[str, ...] = ()  # further hosts of the provider, beside the issuer's own
    session_idle_minutes: int = 120
    session_hours: int = 12  # at most, however much it is used
    cookie_secure: bool = False  # also where this server sees plain HTTP; over HTTPS cookies always are
    # a proxy in front, and pages that show the chat (docs/embed.md)
    root_path: str = ""  # such as /research, where a proxy serves it under a path
    frame_origins: tuple[str, ...] = ()  # such as https://intranet.example: may show /embed in a frame; empty: none
    # logs
    log_format: str = "text"  # text | json
    log_level: str = "WARNING"
    log_questions: bool = False


def _convert(name: str, kind: str, value: object, where: str) -> Any:
    def wrong(expected: str) -> SettingsError:
        return SettingsError(f"{where}: {name} = {value!r} is not {expected}.", f"Give {name} {expected}.")

    if kind == "bool":
        if isinstance(value, bool):
            return value
        text = str(value).strip().lower()
        if text in _TRUE:
            return True
        if text in _FALSE:
            return False
        raise wrong("true or false")
    if kind == "int":
        if isinstance(value, bool):
            raise wrong("a whole number")
        try:
            number = int(str(value))
        except ValueError:
            raise wrong("a whole number") from None
        if number < 0:
            raise wrong("a whole number from 0 up")
        return number
    if kind.startswith("tuple"):
        listed = value.split(",") if isinstance(value, str) else value
        if not isinstance(listed, list | tuple) or not all(isinstance(v, str) for v in listed):
            raise wrong("a list of texts")
        return tuple(v.strip() for v in listed if v.strip())
    if not isinstance(value, str):
        raise wrong("a text")
    return value


def load_settings(
    *,
    file: Path | None = None,
    environ: Mapping[str, str] | None = None,
    overrides: Mapping[str, object] | None = None,
) -> Settings:
    """Read the settings once.

    ``file``: the TOML file (default: THESIS_CONFIG, else ``thesis.toml`` here, which may be absent);
    ``overrides``: what flags gave (None values are skipped). Raises SettingsError.
    """
    environ = os.environ if environ is None else environ
    kinds = {f.name: str(f.type) for f in fields(Settings)}
    values: dict[str, Any] = {}
    named = file or (Path(environ["THESIS_CONFIG"]) if environ.get("THESIS_CONFIG") else None)
    path = named or Path("thesis.toml")
    if path.exists():
        try:
            data = tomllib.loads(path.read_text(encoding="utf-8-sig"))
        except OSError as error:
            raise SettingsError(
                f"{path} cannot be read: {error.strerror}.", "Name a file that you may read."
            ) from error
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise SettingsError(f"{path} is not valid TOML: {error}.", "Mend the line that it names.") from error
        for key, value in data.items():
            if key not in kinds:
                raise SettingsError(f"{path}: unknown setting {key!r}.", f"Known settings: {', '.join(sorted(kinds))}.")
            values[key] = _convert(key, kinds[key], value, str(path))
    elif named is not None:
        raise SettingsError(f"The settings file {path} does not exist.", "Name an existing file or leave it out.")
    for name, kind in kinds.items():
        variable = f"THESIS_{name.upper()}"
        if variable in environ:
            values[name] = _convert(name, kind, environ[variable], variable)
    for key, value in (overrides or {}).items():
        if value is None:
            continue
        if key not in kinds:
            raise SettingsError(f"Unknown setting {key!r}.", f"Known settings: {', '.join(sorted(kinds))}.")
        values[key] = _convert(key, kinds[key], value, f"--{key.replace('_', '-')}")
    if not str(values.get("store", "x")).strip():
        raise SettingsError("The setting store is empty.", "Name a folder, or leave the setting out for ./.thesis.")
    return Settings(**values)
