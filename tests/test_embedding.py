"""The bundled model on onnxruntime against sentence-transformers, and what surrounds it."""

from __future__ import annotations

import json
import logging
import os
import pickle
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest

from vectorstore import _onnx
from vectorstore.embedding import (
    OnnxEmbedder,
    TorchEmbedder,
    _bundled,
    _Tokens,
    load_behind,
    make_embedder,
    token_counter,
)
from vectorstore.errors import SettingsError, StoreError
from vectorstore.settings import Settings

SENTENCES = (
    "Small caps trade at fourteen times earnings, against twenty-one for the large-cap index.",
    "The backlog stood at $1.9 billion at the end of the third quarter, up 23% on the year.",
    "We do not expect a dividend to be declared in the foreseeable future.",
    "Higher-for-longer rates weigh most on borrowers with floating-rate debt.",
    "Who audits the company's statements?",
    "Net sales 412.7 398.1 377.0",
    "Tariffs on imported components raise the cost of goods sold by roughly 140 basis points.",
    "Management bought shares in the open market in May, the first time in three years.",
)
PARAGRAPH = " ".join(SENTENCES)


@pytest.fixture(scope="module")
def reference() -> TorchEmbedder:
    return TorchEmbedder(_bundled(), "all-MiniLM-L6-v2", "cpu")


def ragged() -> list[str]:
    """Texts of 1 to more than 256 tokens, with everything that upsets a tokenizer."""
    words = PARAGRAPH.split()
    lengths = [" ".join((words * 4)[start : start + n]) for start, n in enumerate((1, 2, 3, 7, 20, 61, 130, 190, 400))]
    strange = [
        "",
        " ",
        "\n\t",
        "Übergröße Straße",
        "小型株は割安だ。",
        "🚀📈 growth",
        "a\u0301 b\u200d c",
        "x" * 500,
        "\x00",
    ]
    return [*lengths, *strange, *SENTENCES]


def test_fp32_graph_equals_sentence_transformers_on_ragged_batches(reference: TorchEmbedder) -> None:
    folder = _bundled()
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    graph = _onnx.build(_onnx.read_safetensors(folder / "model.safetensors"), config, levels=None)
    encode, tokens = _onnx.session(graph), _Tokens(folder)
    texts = ragged()
    lengths = []
    vectors = []
    for ids in tokens.ids(texts):
        cut = [*ids[:255], ids[-1]] if len(ids) > 256 else ids
        lengths.append(len(cut))
        vectors.append(encode(np.array(cut, dtype=np.int64)))
    assert min(lengths) == 2  # the empty text: only the two special tokens
    assert max(lengths) == 256
    assert np.abs(np.stack(vectors) - reference.encode(texts)).max() < 1e-4


def test_int8_keeps_to_the_reference(embedder: OnnxEmbedder, reference: TorchEmbedder) -> None:
    texts = [*SENTENCES, *(f"{a} {b}" for a in SENTENCES for b in SENTENCES), PARAGRAPH, PARAGRAPH * 2]
    cosine = (embedder.encode(texts) * reference.encode(texts)).sum(axis=1)
    assert cosine.mean() >= 0.998
    assert cosine.min() >= 0.995


def test_smoothing_changes_no_vector_in_fp32() -> None:
    folder = _bundled()
    weights = _onnx.read_safetensors(folder / "model.safetensors")
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    ids = [np.array(i, dtype=np.int64) for i in _Tokens(folder).ids(SENTENCES)]
    plain = _onnx._session(_onnx.build(weights, config, levels=None))
    names = [output.name for output in plain.get_outputs()][1:]
    assert len(names) == 1 + 3 * 6  # the embeddings' norm; in each layer the attention's values and two norms
    random = np.random.default_rng(7)
    ranges = {name: random.uniform(0.01, 30, 384).astype(np.float32) for name in names}
    smoothed = _onnx.session(_onnx.build(weights, config, levels=None, ranges=ranges))
    for i in ids:
        assert np.abs(smoothed(i) - plain.run(None, {"input_ids": i})[0]).max() < 1e-5


def test_channels_are_divided_by_what_evens_their_ranges() -> None:
    largest, weights = np.array([1, 1, 1, 16, 0], np.float32), np.array([1, 1, 1, 1, 0], np.float32)
    assert _onnx._smoothing(largest, weights, 0.5).tolist() == [1, 1, 1, 4, np.float32(2**1.5)]
    assert np.isfinite(_onnx._smoothing(np.zeros(5, np.float32), weights, 0.65)).all()


def test_a_product_of_gelu_keeps_tokens_of_any_size() -> None:
    from onnx import TensorProto, helper

    random = np.random.default_rng(3)
    weight = random.normal(size=(8, 64)).astype(np.float32)
    bias = random.normal(size=8).astype(np.float32)
    g = _onnx._Graph(127)
    name = g.linear_of_gelu("x", weight, bias)
    graph = helper.make_graph(
        g.nodes,
        "one",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["tokens", 64])],
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, ["tokens", 8])],
        g.constants,
    )
    opsets = [helper.make_opsetid("", 20), helper.make_opsetid("com.microsoft", 1)]
    run = _onnx._session(helper.make_model(graph, opset_imports=opsets, ir_version=10).SerializeToString()).run
    x = random.uniform(-0.17, 1, (5, 64)).astype(np.float32)
    x[1], x[2], x[3] = 0, -0.17, np.where(np.arange(64) == 5, 30, x[3])
    (found,) = run(None, {"x": x})
    step = np.maximum(x.max(axis=1, keepdims=True), 0.17 / 0.3) * 1.3 / 255
    # Half a step in each activation and half a step in each weight, all in one direction.
    most = (
        0.5 * step * np.abs(weight).sum(axis=1)
        + np.abs(x).sum(axis=1, keepdims=True) * np.abs(weight).max(axis=1) / 254
    )
    assert (np.abs(found - (x @ weight.T + bias)) <= 1.01 * most + 1e-5).all()
    assert np.abs(found[1] - bias).max() < 1e-6


def test_a_text_has_one_vector_whatever_stands_beside_it(embedder: OnnxEmbedder) -> None:
    texts = ragged()
    together = embedder.encode(texts)
    alone = np.concatenate([embedder.encode([text]) for text in texts])
    assert np.array_equal(together, alone)
    assert together.dtype == np.float32
    assert np.abs(np.linalg.norm(together, axis=1) - 1).max() < 1e-5


def test_nothing_to_encode(embedder: OnnxEmbedder, reference: TorchEmbedder) -> None:
    assert embedder.encode([]).shape == (0, 384)
    assert reference.encode([]).shape == (0, 384)
    assert embedder.count_tokens([]) == []


def test_tokens_are_counted_with_the_special_ones_and_never_cut(embedder: OnnxEmbedder) -> None:
    texts = ["", "growth", "growth " * 400]
    assert embedder.count_tokens(texts) == [2, 3, 402]
    assert token_counter(Settings())(texts) == [2, 3, 402]
    assert embedder.max_tokens == 256


def test_a_lone_surrogate_is_encoded_like_a_replacement(embedder: OnnxEmbedder) -> None:
    assert np.array_equal(embedder.encode(["a \ud800 b"]), embedder.encode(["a ? b"]))
    assert embedder.count_tokens(["\ud800"]) == [3]


def test_a_model_loads_behind_what_else_starts(model_cache: Path) -> None:
    behind = OnnxEmbedder(_bundled(), model_cache)
    load_behind(behind).join()
    assert behind._encode is not None


def test_a_model_that_does_not_load_behind_is_told_of_at_its_first_use(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def broken(*_: object) -> None:
        raise StoreError("No.", "Do.")

    monkeypatch.setattr("vectorstore.embedding.load_int8", broken)
    behind = OnnxEmbedder(_bundled(), tmp_path)
    load_behind(behind).join()
    assert "The embedding model does not load yet: No." in caplog.text
    with pytest.raises(StoreError, match=r"^No\."):
        behind.encode(["a"])


def test_the_counter_travels_to_worker_processes() -> None:
    count = token_counter(Settings())
    count(["warm it up"])
    assert pickle.loads(pickle.dumps(count))(["growth"]) == [3]


def test_fingerprint_names_model_revision_backend_and_dimension(
    embedder: OnnxEmbedder, reference: TorchEmbedder
) -> None:
    model, backend, dimension = embedder.fingerprint.split("/")
    name, revision = model.split("@")
    assert (name, backend, dimension) == ("all-MiniLM-L6-v2", f"onnx-int8-{_onnx.BUILDER}", "384")
    assert len(revision) == 12
    assert reference.fingerprint == f"{model}/torch-fp32/384"
    assert reference._model.get_embedding_dimension() == reference.dimension


def test_fingerprint_changes_with_the_weights(tmp_path: Path) -> None:
    for name, weights in (("a", b"one"), ("b", b"two"), ("c", b"one")):
        folder = tmp_path / name
        folder.mkdir()
        (folder / "model.safetensors").write_bytes(weights)
        (folder / "config.json").write_text('{"hidden_size": 8}', encoding="utf-8")
    first, second, third = (TorchEmbedder(tmp_path / name, "m", "cpu").fingerprint for name in "abc")
    assert first == third != second
    assert first.endswith("/torch-fp32/8")


def test_the_last_module_decides_the_dimension(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text('{"hidden_size": 384}', encoding="utf-8")
    modules = [{"path": ""}, {"path": "1_Pooling"}, {"path": "2_Dense"}, {"path": "3_Normalize"}]
    (tmp_path / "modules.json").write_text(json.dumps(modules), encoding="utf-8")
    for folder, config in (("1_Pooling", {"word_embedding_dimension": 384}), ("2_Dense", {"out_features": 64})):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "config.json").write_text(json.dumps(config), encoding="utf-8")
    assert TorchEmbedder(tmp_path, "m", "cpu").dimension == 64


def test_another_model_by_path_is_served_by_sentence_transformers(
    tmp_path: Path, reference: TorchEmbedder, embedder: OnnxEmbedder
) -> None:
    folder = tmp_path / "house-model"
    reference._model.save(str(folder))
    other = make_embedder(Settings(embedding_model=str(folder)))
    assert isinstance(other, TorchEmbedder)
    assert other.dimension == 384
    assert np.abs(other.encode(SENTENCES) - reference.encode(SENTENCES)).max() < 1e-6
    assert other.count_tokens(SENTENCES) == embedder.count_tokens(SENTENCES)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        (Settings(embedding_backend="tensorflow"), "tensorflow"),
        (Settings(embedding_device="tpu"), "tpu"),
        (Settings(embedding_backend="onnx", embedding_model="some/other"), "onnx backend"),
        (Settings(embedding_backend="onnx", embedding_device="cuda"), "CPU only"),
        (Settings(embedding_model="nobody/has-this"), "nobody/has-this"),
    ],
)
def test_wrong_settings_are_named(settings: Settings, words: str) -> None:
    with pytest.raises(SettingsError, match=words) as caught:
        make_embedder(settings)
    assert caught.value.what_to_do


def test_auto_takes_onnx_for_the_bundled_model_and_torch_where_cuda_is_asked_for() -> None:
    for name in ("", "all-MiniLM-L6-v2", "sentence-transformers/all-MiniLM-L6-v2"):
        assert isinstance(make_embedder(Settings(embedding_model=name)), OnnxEmbedder)
    assert isinstance(make_embedder(Settings(embedding_device="cuda")), TorchEmbedder)
    assert isinstance(make_embedder(Settings(embedding_backend="torch")), TorchEmbedder)


def test_a_first_start_loads_no_torch_reaches_no_network_and_leaves_the_environment(tmp_path: Path) -> None:
    script = """
import os, socket, sys
def blocked(*a, **k): raise AssertionError("network")
socket.socket.connect = socket.create_connection = socket.getaddrinfo = blocked
before = dict(os.environ)
from vectorstore.embedding import make_embedder
from vectorstore.settings import Settings
embedder = make_embedder(Settings(cache=sys.argv[1]))
assert embedder.encode(["hello"]).shape == (1, 384)
assert "torch" not in sys.modules and "transformers" not in sys.modules, "heavy import"
assert dict(os.environ) == before
torch = make_embedder(Settings(embedding_backend="torch", cache=sys.argv[1]))
assert torch.encode(["hello"]).shape == (1, 384)
assert {k for k in os.environ if k.startswith(("HF_", "TRANSFORMERS_"))} <= set(before)
"""
    done = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path)], capture_output=True, text=True, check=False, timeout=240
    )
    assert done.returncode == 0, done.stderr


def files(cache: Path) -> list[Path]:
    return sorted((cache / "models").iterdir())


def test_the_prepared_model_is_made_once_and_again_when_damaged(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    first = OnnxEmbedder(_bundled(), tmp_path)
    vector = first.encode(["growth"])
    (path,) = files(tmp_path)
    whole, made = path.read_bytes(), path.stat().st_mtime_ns
    assert np.array_equal(OnnxEmbedder(_bundled(), tmp_path).encode(["growth"]), vector)
    assert path.stat().st_mtime_ns == made
    middle = len(whole) // 2
    for damaged in (b"", whole[:1000], whole[:middle] + bytes([whole[middle] ^ 1]) + whole[middle + 1 :]):
        path.write_bytes(damaged)
        caplog.clear()
        with caplog.at_level(logging.WARNING):
            assert np.array_equal(OnnxEmbedder(_bundled(), tmp_path).encode(["growth"]), vector)
        assert "is damaged" in caplog.text
        assert path.read_bytes() == whole
    assert files(tmp_path) == [path]


def test_many_threads_make_the_model_at_once(tmp_path: Path) -> None:
    embedders = [OnnxEmbedder(_bundled(), tmp_path) for _ in range(3)]
    results: list[np.ndarray] = []
    threads = [threading.Thread(target=lambda e=e: results.append(e.encode(["growth"]))) for e in embedders]  # type: ignore[misc]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(results) == 3
    assert all(np.array_equal(result, results[0]) for result in results)
    assert len(files(tmp_path)) == 1


@pytest.mark.skipif(os.name == "nt", reason="a folder in a file's place fails otherwise there")
def test_a_cache_that_cannot_be_written_is_a_warning(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "models").write_text("in the way", encoding="utf-8")
    with caplog.at_level(logging.WARNING):
        assert OnnxEmbedder(_bundled(), tmp_path).encode(["growth"]).shape == (1, 384)
    assert "cannot be kept" in caplog.text


def test_no_onnxruntime_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(StoreError, match="THESIS_EMBEDDING_BACKEND=torch"):
        OnnxEmbedder(_bundled(), tmp_path).encode(["growth"])


def test_seven_bits_where_eight_saturate_and_an_error_where_none_will_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, reference: TorchEmbedder
) -> None:
    built = []
    real = _onnx.build

    def spoiled(weights, config, *, levels, ranges=None):  # type: ignore[no-untyped-def]
        built.append(levels)
        if levels in spoil:
            weights = {name: np.roll(tensor, 1) for name, tensor in weights.items()}
        return real(weights, config, levels=levels, ranges=ranges)

    monkeypatch.setattr(_onnx, "build", spoiled)
    spoil = {127}
    vectors = OnnxEmbedder(_bundled(), tmp_path / "a").encode(SENTENCES)
    assert built == [None, 127, 63]
    assert (vectors * reference.encode(SENTENCES)).sum(axis=1).min() > 0.98
    spoil = {127, 63}
    with pytest.raises(StoreError, match="differs from the exact one"):
        OnnxEmbedder(_bundled(), tmp_path / "b").encode(SENTENCES)
