"""Make the changes that turn the reranker into a reader; needs torch and transformers.

::

    python -m benchmarks.answers.training --data DATA --out reader.safetensors
    python -m benchmarks.answers.training --data DATA --out first.safetensors --half 0
    python -m benchmarks.answers.training --data DATA --out second.safetensors --half 1

Learned is from the articles that ``python -m benchmarks answers`` teaches with, 25 minutes on one
core; the others are never seen. ``--half`` learns from every second of them only: how far readings
are to be trusted shows where neither half has seen what it reads, and ``answers --learn --halves``
weighs them by that.

Products of rank 16 are added to the linear layers of the upper eight of twelve layers (Hu et al.
2022); norms and the pooling layer are changed as well. The lower layers stay, so that each text
goes through them once. An answer is learned as its first and last token, none as the first token
of all (Devlin et al. 2019, https://aclanthology.org/N19-1423/), and once more as a yes or no.

Two runs with other orders differ by 0.015 in AUROC. Learned from half of the articles that teach
and tested on their other half, dropout, six epochs, and questions that were made unanswerable
(their sentence taken out, a name or number swapped) brought nothing; nor did, on the held-out
articles, the average of three runs: 0.787 beside 0.797.
"""

from __future__ import annotations

import argparse
import random
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.answers.data import Paragraph, Question, read, teaching
from nearfield.models import catalog, resolve
from nearfield.models.reading import BASE, MAX_TOKENS
from nearfield.models.reading.base import BaseWeights, base_shape
from nearfield.models.reading.window import Window, window_of
from nearfield.models.transformer.names import names_in_files
from nearfield.tokenization import SubwordTokenizer
from nearfield.tokenization import load as load_tokenizer

__all__ = ["main"]

_SEED, _ORDER = 17, 3
_RANK, _SCALE = 16, 2.0
_FROZEN = 4  # layers
_RATE, _DECAY, _WARM = 8e-4, 0.01, 30
_EPOCHS, _BATCH, _SORTED = 3, 16, 8
_FAR = -1e4


@dataclass(frozen=True, slots=True)
class _Example:
    window: Window
    first: int  # tokens of the answer, 0 for none
    last: int
    answered: float


def main() -> None:
    parser = argparse.ArgumentParser(description="Learn to read")
    parser.add_argument("--data", type=Path, required=True, help="holds squad2-dev-half/")
    parser.add_argument("--out", type=Path, required=True, help="safetensors file to write")
    parser.add_argument(
        "--half", type=int, choices=(0, 1), help="every second article, or the others"
    )
    parser.add_argument("--steps", type=int, help="stop early, to try it")
    given = parser.parse_args()
    paragraphs, questions = read(given.data)
    taught = teaching(paragraphs, given.half)
    location = resolve.pinned(BASE)
    file = location.path / catalog.find(BASE).weights
    texts = {each.id: each for each in paragraphs}
    tokenizer = load_tokenizer(location.path)
    examples = [
        made
        for each in questions
        if each.article in taught
        and (made := _example(each, texts[each.paragraph], tokenizer)) is not None
    ]
    print(f"{len(examples):,} questions about {len(taught)} articles", file=sys.stderr)
    _save(_learn(file, examples, given.steps), given.out)


def _example(
    question: Question, paragraph: Paragraph, tokenizer: SubwordTokenizer
) -> _Example | None:
    """None where the answer lies outside of the window."""
    window = window_of(tokenizer, question.text, paragraph.text, MAX_TOKENS)
    if not question.answers:
        return _Example(window, 0, 0, 0.0)
    for answer in sorted(set(question.answers), key=len):
        start = paragraph.text.find(answer)
        if start < 0:
            continue
        end = start + len(answer)
        own = np.flatnonzero((window.spans[:, 0] < end) & (window.spans[:, 1] > start))
        if len(own):
            first, last = own[[0, -1]] + window.first
            return _Example(window, int(first), int(last), 1.0)
    return None


def _learn(file: Path, examples: Sequence[_Example], steps: int | None) -> dict[str, Any]:
    import torch
    from torch.nn import functional

    torch.manual_seed(_SEED)
    torch.set_num_threads(1)  # and so the same sums each time
    model = _model(file)
    below = [_below(model, each) for each in examples]
    trained = [p for p in model.parameters() if p.requires_grad]
    optimiser = torch.optim.AdamW(trained, lr=_RATE, weight_decay=_DECAY)
    total = _EPOCHS * (len(examples) // _BATCH)
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimiser,
        lambda step: min((step + 1) / _WARM, max(0.0, (total - step) / max(1, total - _WARM))),
    )
    chance, done, begun = random.Random(_ORDER), 0, time.perf_counter()
    model.train()
    for _ in range(_EPOCHS):
        for chosen in _batches([len(each.window.ids) for each in examples], chance):
            part = [examples[i] for i in chosen]
            firsts, lasts, answered = model([below[i] for i in chosen], part)
            loss = (
                functional.cross_entropy(firsts, torch.tensor([each.first for each in part]))
                + functional.cross_entropy(lasts, torch.tensor([each.last for each in part]))
            ) / 2 + functional.binary_cross_entropy_with_logits(
                answered, torch.tensor([each.answered for each in part])
            )
            optimiser.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(trained, 1.0)
            optimiser.step()
            schedule.step()
            done += 1
            if done % 10 == 0 or done == steps:
                spent = time.perf_counter() - begun
                print(f"{done} of {total}: loss {loss.item():.3f}, {spent:,.0f} s", file=sys.stderr)
            if done == steps:
                return _changes(model)
    return _changes(model)


def _batches(lengths: Sequence[int], chance: random.Random) -> list[list[int]]:
    """Batches of texts of near lengths, in random order."""
    order = list(range(len(lengths)))
    chance.shuffle(order)
    width = _BATCH * _SORTED
    found = []
    for start in range(0, len(order), width):
        near = sorted(order[start : start + width], key=lambda i: lengths[i])
        found += [near[at : at + _BATCH] for at in range(0, len(near), _BATCH)]
    chance.shuffle(found)
    return found


def _model(file: Path) -> Any:  # noqa: ANN401 - torch is imported late
    """The reranker with trainable changes, and heads."""
    import torch
    from torch import nn
    from transformers import BertConfig, BertModel

    class Changed(nn.Module):
        def __init__(self, linear: nn.Linear) -> None:
            super().__init__()
            self.linear = linear
            self.down = nn.Parameter(torch.randn(_RANK, linear.in_features))
            self.down.data /= linear.in_features**0.5
            self.up = nn.Parameter(torch.zeros(linear.out_features, _RANK))

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            changed = functional.linear(functional.linear(x, self.down), self.up)
            return self.linear(x) + _SCALE * changed

    class Reader(nn.Module):
        def __init__(self, bert: BertModel, answered: nn.Linear) -> None:
            super().__init__()
            self.bert, self.answered = bert, answered
            self.span = nn.Linear(bert.config.hidden_size, 2)
            nn.init.normal_(self.span.weight, std=0.02)

        def forward(
            self, below: Sequence[torch.Tensor], part: Sequence[_Example]
        ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
            width = max(len(each) for each in below)
            x = torch.zeros(len(below), width, self.bert.config.hidden_size)
            far = torch.full((len(below), 1, width, width), _FAR)
            outside = torch.ones(len(below), width, dtype=torch.bool)
            for i, (states, each) in enumerate(zip(below, part, strict=True)):
                x[i, : len(states)] = states
                far[i, :, :, : len(states)] = 0.0
                outside[i, each.window.first : len(states) - 1] = False
            outside[:, 0] = False
            for layer in self.bert.encoder.layer[_FROZEN:]:
                x = layer(x, far)
            spans = self.span(x).masked_fill(outside[..., None], _FAR)
            answered = self.answered(self.bert.pooler(x))[:, 0]
            return spans[..., 0], spans[..., 1], answered

    functional = nn.functional
    weights = BaseWeights(file)
    shape = base_shape(len(weights["words"]))
    bert = BertModel(
        BertConfig(
            vocab_size=shape.vocabulary,
            hidden_size=shape.hidden,
            num_hidden_layers=shape.layers,
            num_attention_heads=shape.heads,
            intermediate_size=shape.intermediate,
            hidden_dropout_prob=0.0,
            attention_probs_dropout_prob=0.0,
        )
    )
    answered = nn.Linear(shape.hidden, 1)
    head = {name: torch.tensor(array) for name, array in weights.head().items()}
    named = {theirs: torch.tensor(weights[ours]) for ours, theirs in names_in_files(shape).items()}
    pool = {f"pooler.dense.{kind}": head[f"pool.{kind}"] for kind in ("weight", "bias")}
    bert.load_state_dict({**named, **pool}, strict=False)
    for parameter in bert.parameters():
        parameter.requires_grad = False
    for layer in bert.encoder.layer[_FROZEN:]:
        for name, module in list(layer.named_modules()):
            if isinstance(module, nn.Linear):
                place = layer.get_submodule(name.rpartition(".")[0])
                setattr(place, name.rpartition(".")[2], Changed(module))
            elif isinstance(module, nn.LayerNorm):
                module.requires_grad_(True)
    bert.pooler.requires_grad_(True)
    # Its logits are of another scale, and of relevance.
    answered.weight.data = 0.2 * head["answered.weight"]
    answered.bias.data.zero_()
    return Reader(bert, answered)


def _below(model: Any, example: _Example) -> Any:  # noqa: ANN401
    """States of the last layer that is not changed."""
    import torch

    ids, first = example.window.ids, example.window.first
    types = (np.arange(len(ids)) >= first).astype(np.int64)
    with torch.no_grad():
        x = model.bert.embeddings(
            input_ids=torch.tensor(ids[None]), token_type_ids=torch.tensor(types[None])
        )
        for layer in model.bert.encoder.layer[:_FROZEN]:
            x = layer(x)
    return x[0]


def _changes(model: Any) -> dict[str, Any]:  # noqa: ANN401
    """What was learned, by Nearfield's names."""
    ours = {theirs: name for name, theirs in names_in_files(base_shape(0)).items()}
    found = {}
    for name, parameter in model.named_parameters():
        if not parameter.requires_grad:
            continue
        array = parameter.detach().numpy()
        owner, _, kind = name.removeprefix("bert.").rpartition(".")
        if kind in ("down", "up"):
            part = ours[f"{owner}.weight"].removesuffix(".weight")
            found[f"{part}.{kind}"] = array if kind == "down" else _SCALE * array
        elif owner == "pooler.dense":
            found[f"pool.{kind}"] = array
        elif owner in ("span", "answered"):
            found[f"{owner}.{kind}"] = array.reshape(()) if name == "answered.bias" else array
        else:
            found[ours[f"{owner}.{kind}"]] = array
    return found


def _save(changes: dict[str, Any], out: Path) -> None:
    from safetensors.numpy import save_file

    save_file({n: np.ascontiguousarray(a, dtype=np.float16) for n, a in changes.items()}, out)
    print(f"{len(changes)} tensors, {out.stat().st_size:,} bytes: {out}", file=sys.stderr)


if __name__ == "__main__":
    main()
