"""A cross-encoder that reads question and passage together: optional, and always one that is on this machine.

Any model that sentence-transformers loads as a CrossEncoder and that gives one score a pair. None ships, none is fetched.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

from vectorstore.embedding import local_model, offline
from vectorstore.errors import SettingsError
from vectorstore.settings import Settings

_WHAT_TO_DO = "Name a cross-encoder that gives one score a pair, or leave reranker empty."


def make_reranker(settings: Settings) -> Reranker | None:
    """Return the reranker that ``settings`` name, None where they name none; it loads at its first use.

    Raises SettingsError for a name that is not on this machine or is no cross-encoder.
    """
    if not settings.reranker:
        return None
    folder = local_model(settings.reranker, "reranker")
    config = folder / "config.json"
    try:
        kinds = json.loads(config.read_text(encoding="utf-8")).get("architectures") or []
    except (OSError, ValueError, AttributeError) as error:
        raise SettingsError(f"reranker: {folder} holds no model: {error}.", _WHAT_TO_DO) from error
    # An embedding model would load too, with a head of random weights.
    if not any(str(kind).endswith("ForSequenceClassification") for kind in kinds):
        raise SettingsError(
            f"reranker: {folder} holds {', '.join(map(str, kinds)) or 'an unnamed model'}, which is no cross-encoder.",
            _WHAT_TO_DO,
        )
    return Reranker(folder, settings.embedding_device)


class Reranker:
    """Scores texts against a question; safe in several threads. On CUDA where the embeddings are."""

    def __init__(self, folder: Path, device: str = "auto") -> None:
        self.folder = folder
        self.device = device
        self._busy = threading.Lock()

    @cached_property
    def _model(self) -> Any:
        with offline():
            import torch
            from sentence_transformers import CrossEncoder

            device = self.device if self.device != "auto" else ("cuda" if torch.cuda.is_available() else "cpu")
            try:
                model = CrossEncoder(str(self.folder), device=device, local_files_only=True)
            except (OSError, ValueError, RuntimeError) as error:
                raise SettingsError(f"reranker: {self.folder} cannot be loaded: {error}.", _WHAT_TO_DO) from error
        if model.num_labels != 1:
            raise SettingsError(f"reranker: {self.folder} gives {model.num_labels} scores a pair.", _WHAT_TO_DO)
        return model

    def __call__(self, question: str, texts: Sequence[str]) -> list[float]:
        """Return a score for each text, higher is better; a pair beyond the model's length is cut."""
        if not texts:
            return []
        pairs = [(_clean(question), _clean(text)) for text in texts]
        with self._busy:
            scores: list[float] = self._model.predict(pairs, show_progress_bar=False).tolist()
        return scores


def _clean(text: str) -> str:
    return text.encode("utf-8", "replace").decode("utf-8")
