"""`thesis doctor`: what the installation and the store look like from inside, without secrets."""

from __future__ import annotations

import platform
import re
import sys
from collections import Counter
from collections.abc import Callable
from dataclasses import asdict
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from assistant.agent import describe
from vectorstore.errors import ThesisError
from vectorstore.settings import Settings

_PACKAGES = ("chromadb", "gradio", "langchain", "onnxruntime", "pypdf", "pypdfium2", "sentence-transformers", "torch")
_SECRET = ("key", "token", "secret", "password")
_CREDENTIALS = re.compile(r"//[^/\s]*@")  # of an address


def examine(settings: Settings, open_assistant: Callable[[Settings], Any], *, live: bool = False) -> dict[str, Any]:
    """Return {python, settings, packages, store, model, cache}; a failed part carries ``problem`` and ``what_to_do``.

    ``live``: also {live}, what each source of live metrics that is switched on said to one request (assistant.tools.probe).
    """
    from vectorstore.embedding import cache_folder

    shown = {
        name: "(set)" if value and set(name.split("_")) & set(_SECRET) else _without_password(value)
        for name, value in asdict(settings).items()
    }
    packages = {}
    for name in _PACKAGES:
        try:
            packages[name] = version(name)
        except PackageNotFoundError:
            packages[name] = "not installed"
    root = Path(settings.store)
    store: dict[str, Any] = {"path": str(root.resolve()), "exists": root.exists()}
    model: dict[str, Any] = {"problem": None} | describe(settings)
    if root.exists() or settings.ledger:
        try:
            with open_assistant(settings) as assistant:
                sources = assistant.sources()
                store |= {
                    "documents": sum(1 for s in sources if s.version),
                    "states": dict(Counter(s.state for s in sources)),
                    "chunks": sum(s.chunks for s in sources),
                    "embedding_fingerprint": assistant.store.embedding_fingerprint,
                    "index_fingerprint": assistant.store.index_fingerprint,
                    "megabytes": _megabytes(root),
                    "ledger": assistant.store.ledger_at(),
                    "vectors": assistant.store.vectors_at(),
                }
                model["fingerprint"] = assistant.store.embedder.fingerprint
        except ThesisError as error:
            store |= {"problem": error.message, "what_to_do": error.what_to_do}
    else:
        store["note"] = "made at the first ingest"
    cache = cache_folder(settings)
    found: dict[str, Any] = {
        "python": {"version": platform.python_version(), "executable": sys.executable, "platform": platform.platform()},
        "settings": shown,
        "packages": packages,
        "store": store,
        "model": model,
        "cache": {"path": str(cache.resolve()), "exists": cache.exists(), "megabytes": _megabytes(cache)},
    }
    if live:
        from assistant.tools.probe import probe

        found["live"] = probe(settings)
    return found


def sound(findings: dict[str, Any]) -> bool:
    """Whether no part of what ``examine`` found has a problem, and every source that was tried answered."""
    tried = [one for one in findings.get("live", {}).values() if isinstance(one, dict)]
    return all(findings[part].get("problem") is None for part in ("store", "model")) and all(
        one["status"] == "ok" for one in tried
    )


def _without_password(value: object) -> object:
    return _CREDENTIALS.sub("//(set)@", value) if isinstance(value, str) else value


def _megabytes(folder: Path) -> float:
    return round(sum(p.stat().st_size for p in folder.rglob("*") if p.is_file()) / 1e6, 1)
