"""all-MiniLM-L6-v2 as an onnxruntime graph, written straight from its safetensors weights.

The graph reads one text, ``input_ids`` of shape (tokens,), and gives its unit vector, ``embedding`` of shape
(dimension,). One text at a time needs no padding and so no attention mask (exported masks are a known trap), gives a
text the same vector whatever stands beside it, and keeps every core busy through one thread a text. Written by
hand, because an export needs torch: a first start would pay seconds for its import.

int8: weights symmetric per output channel, activations per tensor at run time (onnxruntime's DynamicQuantizeMatMul).
A few channels and tokens with values ten times the rest would take the whole range of a tensor:

- Where a linear map precedes a product (a norm, or the attention's values), channels are divided by factors that are
  folded into both (SmoothQuant: Xiao et al. 2023, arXiv 2211.10438, equation 4, from the activations on the probes).
- GELU lets no factor through: there each token is scaled to 1 first and back after.

int8 takes the tanh form of GELU, which differs from the exact one by less than 0.0005, a sixth of the finest 8-bit step
that follows; fp32 keeps the exact one.
"""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vectorstore._files import write_whole
from vectorstore.errors import StoreError

log = logging.getLogger(__name__)

# Part of the cache key and of the fingerprint: a change of the graph or its numbers must change it.
BUILDER = "2"
# int8 must keep to this cosine with fp32 on the probes below; a processor whose 8-bit products saturate
# (AVX2 without VNNI) gets 7-bit weights instead.
MIN_COSINE = 0.99
_PROBES = (
    "Net sales rose 12% to $431.2 million, and operating margin widened by 180 basis points.",
    "What would have to happen for small companies to outperform large ones next year?",
    "The company may not be able to refinance its floating-rate term loan on acceptable terms.",
    "Sehr geehrte Aktionäre, die Dividende beträgt 0,45 € je Aktie.",
)

# How far a channel's range moves from the activations into the weights (SmoothQuant's alpha), chosen
# by the cosine with fp32 on filings.
_ALPHA = {"norm": 0.65, "values": 0.3}

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

    def norm(self, x: str, gain: Floats, shift: Floats, epsilon: float) -> str:
        return self.op("LayerNormalization", x, self.const(gain), self.const(shift), axis=-1, epsilon=epsilon)

    def linear(self, x: str, weight: Floats, bias: Floats) -> str:
        """``x @ weight.T + bias``; ``weight`` is (out, in) as torch stores it."""
        if self.levels is None:
            return self.op("Add", self.op("MatMul", x, self.const(weight.T)), self.const(bias))
        product = ("DynamicQuantizeMatMul", x, *self._quantized(weight, self.levels), "", self.const(bias))
        return self.op(*product, domain="com.microsoft")

    def linears(self, x: str, weights: Sequence[Floats], biases: Sequence[Floats]) -> list[str]:
        """Several of one input, which is quantized once; one wide product would have to be cut apart after."""
        if self.levels is None:
            return [self.linear(x, weight, bias) for weight, bias in zip(weights, biases, strict=True)]
        place = len(self.nodes)
        whole, scale, zero = (f"v{place}", f"v{place}s", f"v{place}z")
        self.nodes.append(self._helper.make_node("DynamicQuantizeLinear", [x], [whole, scale, zero]))
        results = []
        for weight, bias in zip(weights, biases, strict=True):
            factors, by = self._quantized(weight, self.levels)
            product = ("MatMulIntegerToFloat", whole, factors, scale, by, zero, "", self.const(bias))
            results.append(self.op(*product, domain="com.microsoft"))
        return results

    def linear_of_gelu(self, x: str, weight: Floats, bias: Floats) -> str:
        """As ``linear``, each row of ``x`` scaled to [-0.3, 1] before it is quantized: the range need not be looked for.

        GELU is nowhere below -0.17, so a row's largest value, at least 0.17 / 0.3, is its largest in size.
        """
        if self.levels is None:
            return self.linear(x, weight, bias)
        step, zero = self.const(np.array(1.3 / 255, np.float32)), self.const(np.array(59, np.uint8))
        largest = self.op("ReduceMax", x, self.const(np.array([-1])), keepdims=1)
        largest = self.op("Max", largest, self.const(np.array([0.17 / 0.3], np.float32)))
        # A division takes twice the time of a product.
        whole = self.op("QuantizeLinear", self.op("Mul", x, self.op("Reciprocal", largest)), step, zero)
        factors, by = self._quantized(weight, self.levels)
        product = self.op("MatMulIntegerToFloat", whole, factors, step, by, zero, domain="com.microsoft")
        return self.op("Add", self.op("Mul", product, largest), self.const(bias))

    def _quantized(self, weight: Floats, levels: int) -> tuple[str, str]:
        matrix = weight.T
        scale = (np.abs(matrix).max(axis=0) / levels).astype(np.float32)
        scale[scale == 0] = 1.0
        whole = np.clip(np.rint(matrix / scale), -levels, levels).astype(np.int8)
        return self.const(whole), self.const(scale)


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


def build(
    weights: Mapping[str, Floats],
    config: Mapping[str, Any],
    *,
    levels: int | None,
    ranges: Mapping[str, Floats] | None = None,
) -> bytes:
    """Return the serialized graph of a BERT encoder with mean pooling and L2 normalization.

    ``config``: the model's config.json. ``levels``: None for fp32, 127 or 63 for 8- or 7-bit weights. ``ranges``: the
    largest activation of each channel, (channels,), by the output's name; where it is given, channels are smoothed.
    The fp32 graph's further outputs are those activations, (tokens, channels).
    """
    from onnx import TensorProto, helper

    g, w = _Graph(levels), weights
    size, heads = int(config["hidden_size"]), int(config["num_attention_heads"])
    layers, width, epsilon = int(config["num_hidden_layers"]), size // heads, float(config["layer_norm_eps"])
    ranges = ranges or {}
    seen: dict[str, str] = {}

    def factors(name: str, kind: str, parts: Sequence[Floats]) -> Floats:
        if name not in ranges or not parts:
            return np.ones(size, np.float32)
        return _smoothing(ranges[name], np.abs(np.concatenate(parts)).max(axis=0), _ALPHA[kind])

    def norm(x: str, name: str, parts: Sequence[Floats] = ()) -> tuple[str, str, Floats]:
        """Return the norm, the same divided by the factors for the linear maps ``parts``, and the factors."""
        by = factors(name, "norm", parts)
        smooth = g.norm(x, w[f"{name}.weight"] / by, w[f"{name}.bias"] / by, epsilon)
        seen[name] = smooth
        return (smooth if (by == 1).all() else g.op("Mul", smooth, g.const(by))), smooth, by

    def attention_parts(index: int) -> tuple[list[Floats], list[Floats]]:
        names = [f"encoder.layer.{index}.attention.self.{part}" for part in ("query", "key", "value")]
        scales = (np.float32(width**-0.5), np.float32(1), np.float32(1))
        both = list(zip(names, scales, strict=True))
        return [w[f"{name}.weight"] * s for name, s in both], [w[f"{name}.bias"] * s for name, s in both]

    words = g.op("Gather", g.const(w["embeddings.word_embeddings.weight"]), "input_ids")
    # One text is one segment, so the segment's vector joins the positions'.
    table = w["embeddings.position_embeddings.weight"] + w["embeddings.token_type_embeddings.weight"][0]
    zero, by_head = g.const(np.array([0])), g.const(np.array([-1, heads, width]))
    positions = g.op("Slice", g.const(table), zero, g.op("Shape", "input_ids"), zero)
    x, smooth, by = norm(g.op("Add", words, positions), "embeddings.LayerNorm", attention_parts(0)[0])
    for index in range(layers):
        layer = f"encoder.layer.{index}"
        output, up, down = f"{layer}.attention.output", f"{layer}.intermediate.dense", f"{layer}.output.dense"
        out = w[f"{output}.dense.weight"]
        parts, biases = attention_parts(index)
        parts = [part * by for part in parts]
        by = factors(output, "values", [out])  # the values are mixed by token only, so a channel keeps its factor
        parts[2], biases[2] = parts[2] / by[:, None], biases[2] / by
        query, key, value = (g.op("Reshape", part, by_head) for part in g.linears(smooth, parts, biases))
        attention = g.op("MatMul", g.op("Transpose", query, perm=[1, 0, 2]), g.op("Transpose", key, perm=[1, 2, 0]))
        context = g.op("MatMul", g.op("Softmax", attention, axis=-1), g.op("Transpose", value, perm=[1, 0, 2]))
        context = g.op("Reshape", g.op("Transpose", context, perm=[1, 0, 2]), g.const(np.array([-1, size])))
        seen[output] = context
        y = g.linear(context, out * by, w[f"{output}.dense.bias"])
        x, smooth, by = norm(g.op("Add", y, x), f"{output}.LayerNorm", [w[f"{up}.weight"]])
        y = g.linear(smooth, w[f"{up}.weight"] * by, w[f"{up}.bias"])
        y = g.op("Gelu", y) if levels is None else g.op("FastGelu", y, domain="com.microsoft")
        y = g.linear_of_gelu(y, w[f"{down}.weight"], w[f"{down}.bias"])
        following = attention_parts(index + 1)[0] if index + 1 < layers else ()
        x, smooth, by = norm(g.op("Add", y, x), f"{layer}.output.LayerNorm", following)
    mean = g.op("ReduceMean", x, zero, keepdims=0)
    length = g.op("Max", g.op("ReduceL2", mean, keepdims=1), g.const(np.array([1e-12], np.float32)))
    g.nodes.append(helper.make_node("Div", [mean, length], ["embedding"]))
    outputs = [helper.make_tensor_value_info("embedding", TensorProto.FLOAT, [size])]
    if levels is None:
        for name, value in seen.items():
            g.nodes.append(helper.make_node("Identity", [value], [name]))
            outputs.append(helper.make_tensor_value_info(name, TensorProto.FLOAT, ["tokens", size]))
    ids = helper.make_tensor_value_info("input_ids", TensorProto.INT64, ["tokens"])
    graph = helper.make_graph(g.nodes, "sentence", [ids], outputs, g.constants)
    opsets = [helper.make_opsetid("", 20), helper.make_opsetid("com.microsoft", 1)]
    data: bytes = helper.make_model(graph, opset_imports=opsets, ir_version=10).SerializeToString()
    return data


def _smoothing(largest: Floats, weights: Floats, alpha: float) -> Floats:
    """Return what to divide each channel by: largest^alpha / weights^(1 - alpha), about 1 in the middle.

    ``largest``: of the activations, ``weights``: of the product's, both (channels,). Rounded to powers of the
    root of 2, so that the last bit of another processor's activations makes no other graph.
    """
    ratio = np.maximum(largest, 1e-2) ** alpha / np.maximum(weights, 1e-3) ** (1 - alpha)
    factors: Floats = np.exp2(np.rint(2 * np.log2(ratio / np.median(ratio))) / 2).astype(np.float32)
    return factors


def session(graph: bytes) -> Encode:
    """Return the function ids (tokens,) -> unit vector (dimension,); may be called from many threads."""
    run = _session(graph).run

    def encode(ids: NDArray[np.int64]) -> Floats:
        vector: Floats = run(["embedding"], {"input_ids": ids})[0]
        return vector

    return encode


def _session(graph: bytes) -> Any:
    import onnxruntime

    onnxruntime.disable_telemetry_events()
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1  # the caller runs one text a thread
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])


def load_int8(
    model: Path,
    revision: str,
    cache: Path,
    tokenize: Callable[[str], list[int]],
    changes: Mapping[str, Floats] | None = None,
) -> Encode:
    """Return the quantized model of the folder ``model``, built once and kept under ``cache``.

    ``changes``: what is added to tensors by their names; ``revision`` tells them too.

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
    graph = _build_int8(model, tokenize, changes or {})
    _write(path, graph)
    return session(graph)


def _build_int8(model: Path, tokenize: Callable[[str], list[int]], changes: Mapping[str, Floats]) -> bytes:
    weights = read_safetensors(model / "model.safetensors")
    weights |= {name: weights[name] + change for name, change in changes.items()}
    config = json.loads((model / "config.json").read_text(encoding="utf-8"))
    ids = [np.array(tokenize(text), dtype=np.int64) for text in _PROBES]
    try:
        exact = _session(build(weights, config, levels=None))
        answers = [exact.run(None, {"input_ids": i}) for i in ids]
    except Exception as error:
        raise _unusable(str(error)) from error
    names = [output.name for output in exact.get_outputs()]
    ranges = {
        name: np.max([np.abs(answer[place]).max(axis=0) for answer in answers], axis=0)
        for place, name in enumerate(names)
        if place  # the first is the vector
    }
    least = 0.0
    for levels in (127, 63):
        graph = build(weights, config, levels=levels, ranges=ranges)
        encode = session(graph)
        least = min(float(encode(i) @ answer[0]) for i, answer in zip(ids, answers, strict=True))
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
