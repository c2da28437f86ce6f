"""The training loop that probe and heads share: AdamW, early stopping, one thread, fixed order."""

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from driftline.agents.predictor.device import torch_threads
from driftline.sim import keyed
from driftline.sim.types import Bools, Count, Int64s, NonNegative, Params, Positive, Share

if TYPE_CHECKING:
    import torch

    Loss = Callable[[torch.Tensor, torch.Generator | None], torch.Tensor]


class Recipe(Params):
    """How a head is trained."""

    rate: Positive = 0.01
    """AdamW's step size (Loshchilov & Hutter 2019)."""
    weight_decay: NonNegative = 0.01
    """Of matrices only; scalars and offsets are free."""
    dropout: Share = 0.1
    """Share of input columns dropped per example."""
    batch: Count = 1024
    epochs: int = 60
    patience: Count = 5
    """Epochs without a better held-out loss after which training ends."""
    held_out: Share = 0.2
    """Share of users whose loss decides when to stop."""
    queries: Count = 30_000
    """At most so many training examples, spread evenly over users."""


def held_out(count: int, share: float, seed: int) -> Bools:
    """A keyed choice of `share` of `range(count)`; at least one, where there are two or more."""
    chosen = np.zeros(count, np.bool_)
    size = max(1, round(share * count)) if count > 1 else 0
    chosen[keyed.order(seed, keyed.Stream.AGENT, count)[:size]] = True
    return chosen


def train(
    matrices: "list[torch.Tensor]",
    free: "list[torch.Tensor]",
    loss: "Loss",
    held: Bools,
    recipe: Recipe,
    seed: int,
) -> int:
    """Fit the tensors in place; returns after how many epochs the kept ones stood (0 = the starting point).

    matrices: decayed tensors. free: undecayed ones. loss: mean loss of the examples of an index tensor; the
    generator is for dropout, None when judging. held: which examples judge [m]. Training starts from the
    tensors as given and never leaves them for something that does worse on the held-out examples.
    """
    import torch

    tensors = [*matrices, *free]
    generator = torch.Generator().manual_seed(keyed.derived_seed(seed, keyed.Stream.AGENT))
    learn, judge = (torch.from_numpy(np.flatnonzero(mask)) for mask in (~held, held))
    groups = [
        {"params": matrices, "weight_decay": recipe.weight_decay},
        {"params": free, "weight_decay": 0.0},
    ]
    with torch_threads(1), torch.enable_grad():
        optimizer = torch.optim.AdamW([group for group in groups if group["params"]], lr=recipe.rate)
        best, kept, kept_at = _judge(loss, judge), [t.detach().clone() for t in tensors], 0
        for epoch in range(1, recipe.epochs + 1):
            order = learn[torch.randperm(len(learn), generator=generator)]
            for batch in torch.split(order, recipe.batch):
                optimizer.zero_grad()
                torch.autograd.backward(loss(batch, generator))
                optimizer.step()
            now = _judge(loss, judge)
            if now < best:
                best, kept, kept_at = now, [t.detach().clone() for t in tensors], epoch
            elif epoch - kept_at >= recipe.patience:
                break
    for tensor, value in zip(tensors, kept, strict=True):
        tensor.detach().copy_(value)
    return kept_at


def _judge(loss: "Loss", examples: "torch.Tensor") -> float:
    import torch

    with torch.no_grad():
        return float(loss(examples, None)) if len(examples) else 0.0


def dropped(x: "torch.Tensor", share: float, generator: "torch.Generator | None") -> "torch.Tensor":
    """Inverted dropout with a generator of our own (Srivastava et al. 2014); nothing when judging."""
    import torch

    if generator is None or share == 0.0:
        return x
    kept = torch.rand(x.shape, generator=generator) >= share
    return x * kept / (1.0 - share)


def spread(rows: Int64s, most: int) -> Int64s:
    """At most `most` of the examples, evenly spread; `rows` are their users, ascending."""
    if len(rows) <= most:
        return np.arange(len(rows))
    return np.linspace(0, len(rows) - 1, most).round().astype(np.int64)
