"""The connections to models, one a model: opened at its first question, shared by all who ask."""

from __future__ import annotations

import threading
from typing import Any

from assistant.agent import providers
from assistant.agent.failures import ModelFailed, classify
from assistant.agent.loop import SHARED
from assistant.agent.providers import ModelSpec
from vectorstore.settings import Settings

_WAIT_S = 10.0  # for a request that ends itself when its time is over


class Clients:
    """Safe for use from several threads."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._lock = threading.Lock()
        self._held: dict[ModelSpec, Any] = {}

    def get(self, spec: ModelSpec) -> Any:
        """Return the client of a model. Raises SettingsError where its package or key is lacking."""
        with self._lock:
            if spec not in self._held:
                self._held[spec] = providers.make(
                    spec, timeout=float(self._settings.model_timeout_s), context=self._settings.model_context_tokens
                )
            return self._held[spec]

    def ask(self, spec: ModelSpec, system: str, text: str) -> str:
        """Return what a model replies to one request, without tools. Waits up to ``model_timeout_s``, attempts after a failure included.

        Raises ModelFailed; SettingsError as ``get``.
        """
        client, seconds = self.get(spec), float(self._settings.model_timeout_s)
        from assistant.agent.run import once

        try:
            return SHARED.call(once(client, system, text, seconds), seconds + _WAIT_S)
        except TimeoutError as error:
            raise ModelFailed(classify(error)) from None

    def close(self) -> None:
        """Close the connections; the next question opens them again."""
        with self._lock:
            clients, self._held = list(self._held.values()), {}
        for client in clients:
            inner = getattr(client, "root_async_client", None)
            if inner is not None:
                SHARED.call(inner.close(), 5.0)
