"""Ids put together word by word against the tokenizer's own."""

from __future__ import annotations

import sys
import threading
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import AddedToken, Tokenizer, models, normalizers, pre_tokenizers, processors

from vectorstore import _wordpieces
from vectorstore._wordpieces import WordPieces
from vectorstore.embedding import _bundled, _Tokens


@pytest.fixture(scope="module")
def tokenizer() -> Tokenizer:
    loaded = Tokenizer.from_file(str(_bundled() / "tokenizer.json"))
    loaded.no_padding()
    loaded.no_truncation()
    return loaded


@pytest.fixture(scope="module")
def pieces(tokenizer: Tokenizer) -> WordPieces:
    made = WordPieces.of(tokenizer)
    assert made is not None
    return made


ODD = [
    "[SEP]",
    "[MASK]x",
    " [CLS] ",
    "\x1c",
    "\f",
    "\v",
    "\x85",
    "\xa0",
    "\u2028",
    "\u200b",
    "\ufffd",
    "\x00",
    "e\u0301",
    "\u0301",
    "İ",
    "ß",
]
TEXTS = st.lists(
    st.one_of(
        st.sampled_from(ODD),
        st.text(st.characters(codec="utf-8"), max_size=12),
        st.sampled_from(
            ["Net", "sales", "$1,204.7", "(3.1)%", "10-K,", "小型株は", "x" * 120, "naïve", " ", "\n", "\t\r\n"]
        ),
    ),
    max_size=30,
).map("".join)


@settings(max_examples=400, deadline=None)
@given(text=TEXTS)
def test_ids_and_counts_are_those_of_the_tokenizer(tokenizer: Tokenizer, pieces: WordPieces, text: str) -> None:
    wanted = tokenizer.encode(text).ids
    assert pieces.ids(text) == wanted
    assert pieces.count(text) == len(wanted)


def test_every_character_beside_words(tokenizer: Tokenizer, pieces: WordPieces) -> None:
    characters = [c for c in map(chr, range(sys.maxunicode + 1)) if not "\ud800" <= c <= "\udfff"]
    texts = ["".join(f"ab{c}cd {c} " for c in characters[at : at + 64]) for at in range(0, len(characters), 64)]
    texts = texts[:1100] + texts[1100::40]  # all of the first plane, a sample of what is beyond
    wanted = [e.ids for e in tokenizer.encode_batch(texts)]
    assert [pieces.ids(text) for text in texts] == wanted


def test_words_are_forgotten_before_there_are_too_many(tokenizer: Tokenizer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_wordpieces, "_MOST_WORDS", 50)
    made = WordPieces.of(tokenizer)
    assert made is not None
    text = " ".join(f"word{n}" for n in range(500))
    assert made.ids(text) == tokenizer.encode(text).ids
    assert len(made._words) <= 50
    long = "y" * 5000 + " end"
    assert made.count(long) == len(tokenizer.encode(long).ids)
    assert max(map(len, made._words)) <= 40


def test_threads_may_share_it(tokenizer: Tokenizer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_wordpieces, "_MOST_WORDS", 20)
    made = WordPieces.of(tokenizer)
    assert made is not None
    texts = [" ".join(f"part{n * k}" for n in range(60)) for k in range(1, 40)]
    wanted = [tokenizer.encode(text).ids for text in texts]
    wrong: list[str] = []

    def run() -> None:
        wrong.extend(text for text, ids in zip(texts, wanted, strict=True) if made.ids(text) != ids)

    threads = [threading.Thread(target=run) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def _bert(**changes: Any) -> Tokenizer:
    vocab = {"[UNK]": 0, "[CLS]": 1, "[SEP]": 2, "a": 3, "b": 4, "##b": 5}
    made = Tokenizer(models.WordPiece(vocab, unk_token="[UNK]"))
    made.normalizer = changes.get("normalizer", normalizers.BertNormalizer())
    made.pre_tokenizer = changes.get("pre_tokenizer", pre_tokenizers.BertPreTokenizer())
    made.post_processor = processors.TemplateProcessing(
        single=changes.get("single", "[CLS] $A [SEP]"), special_tokens=[("[CLS]", 1), ("[SEP]", 2)]
    )
    return made


@pytest.mark.parametrize(
    ("single", "wanted"), [("[CLS] $A [SEP]", [1, 3, 5, 4, 2]), ("$A [SEP]", [3, 5, 4, 2]), ("$A", [3, 5, 4])]
)
def test_special_tokens_stand_where_the_template_puts_them(single: str, wanted: list[int]) -> None:
    made = WordPieces.of(_bert(single=single))
    assert made is not None
    assert made.ids("ab b") == wanted


def test_a_tokenizer_that_sees_beyond_a_word_keeps_the_plain_way(tmp_path: Any) -> None:
    assert WordPieces.of(_bert(pre_tokenizer=pre_tokenizers.Metaspace())) is None
    assert WordPieces.of(_bert(normalizer=normalizers.NFKC())) is None
    assert WordPieces.of(_bert(single="[CLS] $A [SEP] $A")) is None
    for token in (AddedToken("two words"), AddedToken("x", lstrip=True), AddedToken("y", single_word=True)):
        other = _bert()
        other.add_tokens([token])
        assert WordPieces.of(other) is None
    plain = _bert(pre_tokenizer=pre_tokenizers.Metaspace())
    plain.save(str(tmp_path / "tokenizer.json"))
    tokens = _Tokens(tmp_path)
    assert tokens.ids(["ab b", "\ud800"]) == [plain.encode("ab b").ids, plain.encode("?").ids]
    assert tokens.count(["ab b", ""]) == [len(plain.encode("ab b").ids), 2]
