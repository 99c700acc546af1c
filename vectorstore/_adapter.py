"""What is added to the weights of a model so that it serves another end: products of two thin matrices, kept as JSON.

The rows of each factor are whole numbers of 8 bits with a scale of their own, so that a file of rank 32 has about a megabyte.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
_LEVELS = 127


def adapter_changes(data: bytes) -> dict[str, Floats]:
    """Return by the name of a tensor what is added to it: a matrix (out, in), or a vector."""
    loaded = json.loads(data)
    changes = {name: _unpacked(row["left"]).T @ _unpacked(row["right"]) for name, row in loaded["layers"].items()}
    return changes | {name: _unpacked(row)[0] for name, row in loaded["vectors"].items()}


def adapter_file(factors: Mapping[str, tuple[Floats, Floats]], vectors: Mapping[str, Floats]) -> bytes:
    """Return the file of ``factors``, by name (left (rank, out), right (rank, in)), and of ``vectors`` (size,)."""
    layers = {name: {"left": _packed(left), "right": _packed(right)} for name, (left, right) in factors.items()}
    return json.dumps({"layers": layers, "vectors": {n: _packed(v[None]) for n, v in vectors.items()}}).encode()


def _packed(rows: Floats) -> dict[str, Any]:
    scale = np.abs(rows).max(axis=1, keepdims=True) / _LEVELS
    scale[scale == 0] = 1.0
    whole = np.rint(rows / scale).astype(np.int8)
    return {
        "shape": list(rows.shape),
        "scale": [float(f"{value:.6g}") for value in scale[:, 0]],
        "int8": base64.b64encode(whole.tobytes()).decode("ascii"),
    }


def _unpacked(row: Mapping[str, Any]) -> Floats:
    whole = np.frombuffer(base64.b64decode(row["int8"]), np.int8).astype(np.float32).reshape(row["shape"])
    return np.asarray(whole * np.array(row["scale"], np.float32)[:, None], np.float32)
