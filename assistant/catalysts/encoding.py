"""The encoder of the board: the store's model, and beside it the copy of the bundled one that was adapted to stances."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

from assistant.catalysts.stance_model import ADAPTER
from assistant.common import Cached, HasEmbedder
from vectorstore.embedding import Embedder, make_adapted
from vectorstore.settings import Settings


@dataclass(frozen=True, slots=True)
class _Fixed:
    embedder: Embedder


class BoardEncode(Cached):
    """Encodes as the store's model does; ``adapted`` encodes as the adapted copy. Each remembers the last ``size`` texts."""

    def __init__(self, store: HasEmbedder, settings: Settings, size: int) -> None:
        super().__init__(store, size)
        adapter = Path(str(files("assistant").joinpath("data", ADAPTER)))
        self.adapted = Cached(_Fixed(make_adapted(settings, adapter)), size)


def board_encode(store: HasEmbedder, settings: Settings, size: int) -> Cached:
    """Return the encoder of the board. Where the settings name torch (onnxruntime does not run here) it has no adapted copy."""
    return Cached(store, size) if settings.embedding_backend == "torch" else BoardEncode(store, settings, size)
