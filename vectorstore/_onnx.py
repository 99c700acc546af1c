"""all-MiniLM-L6-v2 as an onnxruntime graph, written straight from its safetensors weights.

The graph reads one text, ``input_ids`` of shape (tokens,), and gives its unit vector, ``embedding`` of shape
(dimension,). One text at a time needs no padding and so no attention mask (exported masks are a known trap), gives a
text the same vector whatever stands beside it, and keeps every core busy through one thread a text. Written by
hand, because an export needs torch: a first start would pay seconds for its import.

int8: weights symmetric per output channel, activations per tensor at run time (onnxruntime's DynamicQuantizeMatMul).
The feed-forward inputs have a few tokens with values ten times the rest, which would take the whole range: there each
token is scaled to 1 first and back after, which halves the error for 6% of the speed.
"""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vectorstore._files import write_whole
from vectorstore.errors import StoreError

log = logging.getLogger(__name__)

# Part of the cache key: a change of the graph or its numbers must change it.
BUILDER = "1"
# int8 must keep to this cosine with fp32 on the probes below; a processor whose 8-bit products saturate
# (AVX2 without VNNI) gets 7-bit weights instead.
MIN_COSINE = 0.99
_PROBES = (
    "Net sales rose 12% to $431.2 million, and operating margin widened by 180 basis points.",
    "What would have to happen for small companies to outperform large ones next year?",
    "The company may not be able to refinance its floating-rate term loan on acceptable terms.",
    "Sehr geehrte Aktionäre, die Dividende beträgt 0,45 € je Aktie.",
)

Floats = NDArray[np.float32]
Encode = Callable[[NDArray[np.int64]], Floats]


class _Graph:
    """Nodes and constants of one graph; each operation returns the name of its result."""

    def __init__(self, levels: int | None) -> None:
        from onnx import helper, numpy_helper

        self._helper, self._tensor = helper, numpy_helper.from_array
        self.levels = levels  # largest int8 weight (127, 63), or None for fp32
        self.nodes: list[Any] = []
        self.constants: list[Any] = []

    def const(self, array: NDArray[Any]) -> str:
        name = f"c{len(self.constants)}"
        self.constants.append(self._tensor(np.array(array, order="C"), name))
        return name

    def op(self, kind: str, *inputs: str, domain: str = "", **attributes: Any) -> str:
        name = f"v{len(self.nodes)}"
        self.nodes.append(self._helper.make_node(kind, list(inputs), [name], domain=domain, **attributes))
        return name

    def linear(self, x: str, weight: Floats, bias: Floats, *, by_token: bool = False) -> str:
        """``x @ weight.T + bias``; ``weight`` is (out, in) as torch stores it."""
        matrix = weight.T
        if self.levels is None:
            return self.op("Add", self.op("MatMul", x, self.const(matrix)), self.const(bias))
        scale = (np.abs(matrix).max(axis=0) / self.levels).astype(np.float32)
        scale[scale == 0] = 1.0
        whole = np.clip(np.rint(matrix / scale), -self.levels, self.levels).astype(np.int8)
        factors = (self.const(whole), self.const(scale))
        if not by_token:
            product = ("DynamicQuantizeMatMul", x, *factors, "", self.const(bias))
            return self.op(*product, domain="com.microsoft")
        largest = self.op("ReduceMax", self.op("Abs", x), self.const(np.array([-1])), keepdims=1)
        largest = self.op("Max", largest, self.const(np.array([1e-6], np.float32)))
        scaled = self.op("DynamicQuantizeMatMul", self.op("Div", x, largest), *factors, domain="com.microsoft")
        return self.op("Add", self.op("Mul", scaled, largest), self.const(bias))


def read_safetensors(path: Path) -> dict[str, Floats]:
    """Return the tensors of one file as read-only views (float32 only; others are left out)."""
    raw = np.memmap(path, dtype=np.uint8, mode="r")
    size = int.from_bytes(raw[:8].tobytes(), "little")
    header: dict[str, Any] = json.loads(raw[8 : 8 + size].tobytes())
    base = 8 + size
    tensors: dict[str, Floats] = {}
    for name, entry in header.items():
        if name != "__metadata__" and entry["dtype"] == "F32":
            start, end = entry["data_offsets"]
            tensors[name] = raw[base + start : base + end].view(np.float32).reshape(entry["shape"])
    return tensors


def build(weights: Mapping[str, Floats], config: Mapping[str, Any], *, levels: int | None) -> bytes:
    """Return the serialized graph of a BERT encoder with mean pooling and L2 normalization.

    ``config``: the model's config.json. ``levels``: None for fp32, 127 or 63 for 8- or 7-bit weights.
    """
    from onnx import TensorProto, helper

    g, w = _Graph(levels), weights
    size, heads = int(config["hidden_size"]), int(config["num_attention_heads"])
    width = size // heads

    def norm(x: str, name: str) -> str:
        gain, shift = g.const(w[f"{name}.weight"]), g.const(w[f"{name}.bias"])
        return g.op("LayerNormalization", x, gain, shift, axis=-1, epsilon=float(config["layer_norm_eps"]))

    words = g.op("Gather", g.const(w["embeddings.word_embeddings.weight"]), "input_ids")
    # One text is one segment, so the segment's vector joins the positions'.
    table = w["embeddings.position_embeddings.weight"] + w["embeddings.token_type_embeddings.weight"][0]
    zero = g.const(np.array([0]))
    positions = g.op("Slice", g.const(table), zero, g.op("Shape", "input_ids"), zero)
    x = norm(g.op("Add", words, positions), "embeddings.LayerNorm")
    for index in range(int(config["num_hidden_layers"])):
        layer = f"encoder.layer.{index}"
        parts = [f"{layer}.attention.self.{part}" for part in ("query", "key", "value")]
        scales = (np.float32(width**-0.5), np.float32(1), np.float32(1))
        weight = np.concatenate([w[f"{p}.weight"] * s for p, s in zip(parts, scales, strict=True)])
        bias = np.concatenate([w[f"{p}.bias"] * s for p, s in zip(parts, scales, strict=True)])
        split = g.op("Reshape", g.linear(x, weight, bias), g.const(np.array([-1, 3, heads, width])))
        split = g.op("Transpose", split, perm=[1, 2, 0, 3])
        query, key, value = (g.op("Gather", split, g.const(np.array(part)), axis=0) for part in range(3))
        attention = g.op("Softmax", g.op("MatMul", query, g.op("Transpose", key, perm=[0, 2, 1])), axis=-1)
        context = g.op("Transpose", g.op("MatMul", attention, value), perm=[1, 0, 2])
        context = g.op("Reshape", context, g.const(np.array([-1, size])))
        output = f"{layer}.attention.output"
        y = g.linear(context, w[f"{output}.dense.weight"], w[f"{output}.dense.bias"])
        x = norm(g.op("Add", y, x), f"{output}.LayerNorm")
        up, down = f"{layer}.intermediate.dense", f"{layer}.output.dense"
        y = g.op("Gelu", g.linear(x, w[f"{up}.weight"], w[f"{up}.bias"], by_token=True))
        y = g.linear(y, w[f"{down}.weight"], w[f"{down}.bias"], by_token=True)
        x = norm(g.op("Add", y, x), f"{layer}.output.LayerNorm")
    mean = g.op("ReduceMean", x, zero, keepdims=0)
    length = g.op("Max", g.op("ReduceL2", mean, keepdims=1), g.const(np.array([1e-12], np.float32)))
    g.nodes.append(helper.make_node("Div", [mean, length], ["embedding"]))
    graph = helper.make_graph(
        g.nodes,
        "sentence",
        [helper.make_tensor_value_info("input_ids", TensorProto.INT64, ["tokens"])],
        [helper.make_tensor_value_info("embedding", TensorProto.FLOAT, [size])],
        g.constants,
    )
    opsets = [helper.make_opsetid("", 20), helper.make_opsetid("com.microsoft", 1)]
    data: bytes = helper.make_model(graph, opset_imports=opsets, ir_version=10).SerializeToString()
    return data


def session(graph: bytes) -> Encode:
    """Return the function ids (tokens,) -> unit vector (dimension,); may be called from many threads."""
    import onnxruntime

    onnxruntime.disable_telemetry_events()
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1  # the caller runs one text a thread
    options.log_severity_level = 3
    run = onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"]).run

    def encode(ids: NDArray[np.int64]) -> Floats:
        vector: Floats = run(None, {"input_ids": ids})[0]
        return vector

    return encode


def load_int8(model: Path, revision: str, cache: Path, tokenize: Callable[[str], list[int]]) -> Encode:
    """Return the quantized model of the folder ``model``, built once and kept under ``cache``.

    The file is its own sha256 followed by the graph; it is replaced whole (two processes may build it at once),
    and one that is damaged is built again. Raises StoreError where onnxruntime cannot run here.
    """
    try:
        import onnxruntime
    except ImportError as error:
        raise _unusable(str(error)) from error
    path = cache / "models" / f"{revision}-int8-b{BUILDER}-ort{onnxruntime.__version__}.onnx"
    graph = _read(path)
    if graph is not None:
        try:
            return session(graph)
        except Exception as error:  # noqa: BLE001 - onnxruntime has no common error type; the file is made again
            log.warning("The prepared model %s does not load (%s); it is made again.", path, error)
    graph = _build_int8(model, tokenize)
    _write(path, graph)
    return session(graph)


def _build_int8(model: Path, tokenize: Callable[[str], list[int]]) -> bytes:
    weights = read_safetensors(model / "model.safetensors")
    config = json.loads((model / "config.json").read_text(encoding="utf-8"))
    ids = [np.array(tokenize(text), dtype=np.int64) for text in _PROBES]
    try:
        exact = session(build(weights, config, levels=None))
    except Exception as error:
        raise _unusable(str(error)) from error
    wanted = [exact(i) for i in ids]
    least = 0.0
    for levels in (127, 63):
        graph = build(weights, config, levels=levels)
        encode = session(graph)
        least = min(float(encode(i) @ vector) for i, vector in zip(ids, wanted, strict=True))
        if least >= MIN_COSINE:
            return graph
        log.warning("int8 with %d levels reaches cosine %.4f only on this processor.", levels, least)
    raise _unusable(f"the quantized model differs from the exact one on this processor (cosine {least:.4f})")


def _unusable(reason: str) -> StoreError:
    return StoreError(
        f"The embedding model does not run on onnxruntime here: {reason}.",
        "Set THESIS_EMBEDDING_BACKEND=torch; a store that was made before then needs `thesis rebuild`.",
    )


def _read(path: Path) -> bytes | None:
    try:
        data = path.read_bytes()
    except OSError:
        return None
    if hashlib.sha256(data[32:]).digest() != data[:32]:
        log.warning("The prepared model %s is damaged; it is made again.", path)
        return None
    return data[32:]


def _write(path: Path, graph: bytes) -> None:
    try:
        write_whole(path, hashlib.sha256(graph).digest(), graph)
    except OSError as error:
        # A read-only home is no reason not to answer: the graph is in memory, only the next start is slower.
        log.warning("The prepared model cannot be kept in %s: %s", path.parent, error)
