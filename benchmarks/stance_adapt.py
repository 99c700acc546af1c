"""Adapt the bundled embedding model to stances (assistant/data/stance_adapter.json), for ``benchmarks.stance_fit --adapt``.

Trains the last layers of the bundled model with one linear map for each shipped catalyst (three stances), on our own examples, the tune
labels and those to learn from (never the held or the kept ones). What the training added to each weight matrix is kept by its largest
singular values. Needs torch and transformers; some minutes on two cores. The same seed on the same machine gives the same file.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from assistant.catalysts.library import general, shipped
from assistant.catalysts.stance_model import STANCES

Floats = NDArray[np.float32]
LAYERS = 4  # trained, of the last
EPOCHS, BATCH, LONGEST = 4, 32, 128  # passes; texts; tokens
RATE, RATE_HEAD = 5e-5, 5e-3
SMOOTHING = 0.05
GENERAL = 0.1  # weight of a sentence that speaks of no catalyst, for each catalyst
SHARP = 10.0  # unit vectors are scaled by this before the map
RANK = 32


@dataclass(frozen=True, slots=True)
class Row:
    """A sentence to learn from, and its stance to some catalysts: by id, the place in STANCES and the weight."""

    text: str
    stances: Mapping[str, tuple[int, float]]


def rows(labelled: Sequence[tuple[str, str, str]]) -> list[Row]:
    """Return our examples and what is ``labelled`` (text, catalyst, stance), a row a text."""
    found: dict[str, dict[str, tuple[int, float]]] = {}
    for one in shipped():
        for place, side in enumerate((one.examples_for, one.examples_against, one.examples_neither)):
            for text in side:
                found.setdefault(text, {})[one.id] = (place, 1.0)
    for text in general():
        for one in shipped():
            found.setdefault(text, {})[one.id] = (2, GENERAL)
    for text, catalyst, stance in labelled:
        found.setdefault(text, {})[catalyst] = (STANCES.index(stance), 1.0)
    return [Row(text, stances) for text, stances in found.items()]


@dataclass(frozen=True, slots=True)
class Trained:
    """``changes``: by the name of a tensor what was added to it; ``maps``: by catalyst (dimension + 1, 3)."""

    changes: Mapping[str, Floats]
    maps: Mapping[str, Floats]


def train(data: Sequence[Row], folder: Path, *, seed: int = 0, epochs: int = EPOCHS) -> Trained:
    """Train on ``data``, starting from the model in ``folder``."""
    import torch
    from transformers import AutoModel, AutoTokenizer

    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    names = [one.id for one in shipped()]
    tokenizer: Any = AutoTokenizer.from_pretrained(str(folder), local_files_only=True)
    model: Any = AutoModel.from_pretrained(str(folder), local_files_only=True)
    before = {name: value.detach().clone() for name, value in model.state_dict().items()}
    for part in (model.embeddings, *model.encoder.layer[:-LAYERS]):
        part.requires_grad_(False)
    head = torch.nn.Linear(model.config.hidden_size, 3 * len(names))
    torch.nn.init.zeros_(head.bias)
    torch.nn.init.normal_(head.weight, std=0.02)
    ids = [tokenizer(row.text, truncation=True, max_length=LONGEST)["input_ids"] for row in data]
    target = np.zeros((len(data), len(names)), np.int64)
    weight = np.zeros((len(data), len(names)), np.float32)
    for place, row in enumerate(data):
        for name, (stance, share) in row.stances.items():
            target[place, names.index(name)], weight[place, names.index(name)] = stance, share
    trained = [value for value in model.parameters() if value.requires_grad]
    groups = [{"params": trained, "peak": RATE}, {"params": list(head.parameters()), "peak": RATE_HEAD}]
    optimizer = torch.optim.AdamW(groups, lr=RATE, weight_decay=0.01)
    total, step = epochs * -(-len(data) // BATCH), 0
    for epoch in range(epochs):
        model.train()
        lost = 0.0
        for batch in _batches([len(one) for one in ids], rng):
            for group in optimizer.param_groups:
                group["lr"] = group["peak"] * min(1.0, step / (0.1 * total)) * max(0.0, 1 - step / total)
            longest = max(len(ids[place]) for place in batch)
            tokens = torch.tensor([ids[place] + [0] * (longest - len(ids[place])) for place in batch])
            mask = torch.tensor([[1] * len(ids[p]) + [0] * (longest - len(ids[p])) for p in batch])
            hidden = model(input_ids=tokens, attention_mask=mask).last_hidden_state
            mean = (hidden * mask[..., None]).sum(1) / mask.sum(1, keepdim=True)
            scores = head(torch.nn.functional.normalize(mean, dim=-1) * SHARP).view(-1, 3)
            losses = torch.nn.functional.cross_entropy(
                scores, torch.tensor(target[batch]).view(-1), reduction="none", label_smoothing=SMOOTHING
            )
            shares = torch.tensor(weight[batch]).view(-1)
            loss = (losses * shares).sum() / shares.sum().clamp(min=1)
            optimizer.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            step += 1
            lost += float(loss.detach())
        print(f"epoch {epoch + 1}: loss {lost * epochs / total:.3f}", flush=True)
    changes = {
        name: (value - before[name]).numpy()
        for name, value in model.state_dict().items()
        if not torch.equal(value, before[name])
    }
    matrix, bias = head.weight.detach().numpy() * SHARP, head.bias.detach().numpy()
    maps = {n: np.vstack([matrix[3 * k : 3 * k + 3].T, bias[3 * k : 3 * k + 3]]) for k, n in enumerate(names)}
    return Trained(changes, maps)


def _batches(lengths: Sequence[int], rng: np.random.Generator) -> list[list[int]]:
    """Return all places once, in batches of like length, in an order by chance."""
    order = rng.permutation(len(lengths)).tolist()
    windows = [sorted(order[k : k + 512], key=lambda p: lengths[p]) for k in range(0, len(order), 512)]
    batches = [window[k : k + BATCH] for window in windows for k in range(0, len(window), BATCH)]
    return [batches[k] for k in rng.permutation(len(batches))]


def thin(changes: Mapping[str, Floats], rank: int = RANK) -> tuple[dict[str, tuple[Floats, Floats]], dict[str, Floats]]:
    """Return the factors (rank, out), (rank, in) of each matrix's ``rank`` largest singular values, and the vectors as they are."""
    factors: dict[str, tuple[Floats, Floats]] = {}
    for name, change in changes.items():
        if change.ndim == 2:
            left, values, right = np.linalg.svd(change, full_matrices=False)
            root = np.sqrt(values[:rank])
            factors[name] = ((left[:, :rank] * root).T.copy(), right[:rank] * root[:, None])
    return factors, {name: change for name, change in changes.items() if change.ndim == 1}
