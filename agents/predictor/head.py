"""The interest head: decayed counts of topics, and a learned map that carries them from topic to topic."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from driftline.agents.predictor.blockwise import product
from driftline.agents.predictor.pooling import CHANNELS, pool
from driftline.agents.predictor.sequences import Sequences
from driftline.agents.predictor.training import Recipe, dropped, held_out, spread, train
from driftline.sim.types import Float32s, Floats, Int64s

SCALES = (1.0, 4.0, 16.0, 64.0)
"""Time constants in days; mixtures of them come close to any decay between."""
PRIORS = (0.3, 1.0, 3.0, 10.0, 30.0)
FEELINGS = (0.0, 0.5, 1.0)


@dataclass(frozen=True, slots=True)
class Shares:
    """What users turned to: for each query (user row, time), shares of the topics afterwards."""

    row: Int64s
    """User row in the sequences, ascending [m]."""
    at: Floats
    """Days [m]."""
    share: Floats
    """Rows sum to 1 [m, topics]."""


@dataclass(frozen=True, slots=True)
class Head:
    """A fitted head. numpy only: torch is needed to fit it, not to use it.

    With x[c, k] the decayed topic counts of channel c (consumed, searched, purchased, sentiment) at scale k:

        mass = prior + sum_ck weight[c, k] x[c, k] + sum_k told[k] carry[k]
        told[k] = x[consumed, k] + x[searched, k] + x[purchased, k] + feeling x[sentiment, k]
        interest = mass / sum of mass,    each mass floored at a hundredth of the mean prior

    With `carry` = 0 these are decayed counts. Fitting starts from the best of a small grid of them and moves
    on only while users that were held out gain; `epochs` = 0 says that nothing was gained.
    """

    scales: Floats
    """Time constants in days [K]."""
    prior: Floats
    """[topics]."""
    feeling: float
    """What sentiment 1 adds to an event that counts 1."""
    weight: Floats
    """[CHANNELS, K]."""
    carry: Floats
    """[K, topics, topics]: from a topic to a topic."""
    epochs: int
    """Epochs of training that were kept."""

    @classmethod
    def fit(
        cls,
        sequences: Sequences,
        vectors: Float32s,
        targets: Shares,
        *,
        recipe: Recipe | None = None,
        scales: tuple[float, ...] = SCALES,
        seed: int = 0,
    ) -> "Head":
        """Learn to foresee `targets` by cross-entropy.

        vectors: topic distributions of what events were about [S, topics]. Events at a query's own time are
        not seen by it. Raises `ValueError` when there is nothing to learn from or shapes disagree.
        """
        recipe = recipe or Recipe()
        _check(sequences, vectors, targets)
        few = spread(targets.row, recipe.queries)
        rows, share = targets.row[few], targets.share[few].astype(np.float32)
        x = pool(sequences, vectors, rows, targets.at[few], np.array(scales))
        start = _best_counts(x, share, np.array(scales))
        judged = held_out(len(sequences), recipe.held_out, seed)[rows]
        return _learn(start, x, share, judged, recipe, seed)

    def interest(self, sequences: Sequences, vectors: Float32s, rows: Int64s, at: Floats) -> Floats:
        """Interest of user `rows[q]` at day `at[q]`, from events before it: `[m, topics]`, rows sum to 1."""
        x = pool(sequences, vectors, rows, at, self.scales).astype(np.float64)
        direct = (x * self.weight[None, :, :, None]).sum(axis=(1, 2))
        width = self.carry.shape[0] * self.carry.shape[1]
        told = _told(x, self.feeling).reshape(len(x), width)
        carried = product(told, self.carry.reshape(width, self.carry.shape[2]))
        mass = np.maximum(self.prior + direct + carried, _floor(self.prior))
        result: Floats = mass / mass.sum(axis=1, keepdims=True)
        return result

    def save(self, path: Path | str) -> None:
        """Write the head to an `.npz` file."""
        fields = {name: np.asarray(getattr(self, name)) for name in self.__dataclass_fields__}
        with Path(path).open("wb") as stream:
            np.savez(stream, **fields)  # type: ignore[arg-type]

    @classmethod
    def load(cls, path: Path | str) -> "Head":
        """Read what `save` wrote."""
        with np.load(path, allow_pickle=False) as held:
            arrays = {name: held[name] for name in ("scales", "prior", "weight", "carry")}
            return cls(**arrays, feeling=float(held["feeling"]), epochs=int(held["epochs"]))


def _told(x: Any, feeling: float) -> Any:
    """Counts of all kinds plus what was felt: [m, K, topics]; numpy or torch."""
    return x[:, : CHANNELS - 1].sum(1) + feeling * x[:, CHANNELS - 1]


def _floor(prior: Floats) -> float:
    return float(prior.mean()) / 100.0


def _check(sequences: Sequences, vectors: Float32s, targets: Shares) -> None:
    if not len(targets.row):
        raise ValueError("no targets to learn from: no user has two behaviours")
    if targets.share.shape[1] != vectors.shape[1]:
        raise ValueError(f"targets have {targets.share.shape[1]} topics, vectors {vectors.shape[1]}")
    if targets.row.max() >= len(sequences):
        raise ValueError(f"targets name user row {targets.row.max()}; there are {len(sequences)} rows")


def _best_counts(x: Float32s, share: Float32s, scales: Floats) -> Head:
    """The decayed counts that foresee best: time scale, strength of the prior, weight of sentiment."""
    topics = share.shape[1]
    popular = share.mean(axis=0, dtype=np.float64) + 1e-3
    popular /= popular.sum()
    best, kept = np.inf, None
    for feeling in FEELINGS if x[:, -1].any() else FEELINGS[:1]:
        told = _told(x, feeling)
        for k in range(len(scales)):
            for strength in PRIORS:
                mass = np.maximum(strength * popular + told[:, k], _floor(strength * popular))
                loss = -float((share * np.log(mass / mass.sum(axis=1, keepdims=True))).sum(axis=1).mean())
                if loss < best:
                    best, kept = loss, (feeling, k, strength)
    assert kept is not None
    feeling, k, strength = kept
    weight = np.zeros((CHANNELS, len(scales)))
    weight[:-1, k] = 1.0
    weight[-1, k] = feeling
    return Head(scales, strength * popular, feeling, weight, np.zeros((len(scales), topics, topics)), epochs=0)


def _learn(start: Head, x: Float32s, share: Float32s, judged: Any, recipe: Recipe, seed: int) -> Head:
    """Improve on the counts with AdamW; all in torch, on one thread."""
    import torch

    counts, target = torch.from_numpy(x), torch.from_numpy(share)
    told = _told(counts, start.feeling)
    log_prior = torch.tensor(np.log(start.prior), dtype=torch.float32, requires_grad=True)
    weight = torch.tensor(start.weight, dtype=torch.float32, requires_grad=True)
    carry = torch.zeros(start.carry.shape, requires_grad=True)
    floor = _floor(start.prior)

    def loss(examples: torch.Tensor, generator: torch.Generator | None) -> torch.Tensor:
        seen = dropped(told[examples], recipe.dropout, generator)
        direct = torch.einsum("nckt,ck->nt", counts[examples], weight)
        mass = log_prior.exp() + direct + torch.einsum("nkt,ktu->nu", seen, carry)
        mass = mass.clamp_min(floor)
        return (target[examples] * (mass.sum(1, keepdim=True).log() - mass.log())).sum(1).mean()

    epochs = train([carry], [log_prior, weight], loss, judged, recipe, seed)
    learned = [tensor.detach().numpy().astype(np.float64) for tensor in (log_prior, weight, carry)]
    if epochs == 0:
        return start
    return replace(start, prior=np.exp(learned[0]), weight=learned[1], carry=learned[2], epochs=epochs)
