"""Temporal heads: interest as a share of topics (`Head`), and a vector that predicts the next choice (`ChoiceHead`).

Both start from decayed sums of what the user did, and learn a map that carries them from topic to topic.
"""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from driftline.agents.models.rowwise import product
from driftline.agents.predictor.sequences import CHANNELS, Sequences, pool
from driftline.agents.predictor.training import Recipe, dropped, held_out, spread, train
from driftline.sim.types import Float32s, Floats, Int32s, Int64s

SCALES = (1.0, 4.0, 16.0, 64.0)
"""Time constants in days; mixtures of them come close to any decay between."""
PRIORS = (0.3, 1.0, 3.0, 10.0, 30.0)
FEELINGS = (0.0, 0.5, 1.0)
SHRINK = 1.0
"""Decayed events that a user's mean is shrunk by."""


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
        _check_shares(sequences, vectors, targets)
        few = spread(targets.row, recipe.queries)
        rows, share = targets.row[few], targets.share[few].astype(np.float32)
        x = pool(sequences, vectors, rows, targets.at[few], np.array(scales))
        start = _best_counts(x, share, np.array(scales))
        judged = held_out(len(sequences), recipe.held_out, seed)[rows]
        return _learn_shares(start, x, share, judged, recipe, seed)

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
        _save(self, path)

    @classmethod
    def load(cls, path: Path | str) -> "Head":
        """Read what `save` wrote."""
        with np.load(path, allow_pickle=False) as held:
            arrays = {name: held[name] for name in ("scales", "prior", "weight", "carry")}
            return cls(**arrays, feeling=float(held["feeling"]), epochs=int(held["epochs"]))


@dataclass(frozen=True, slots=True)
class Choices:
    """Slates and what was taken from them."""

    row: Int64s
    """User row in the sequences, ascending [m]."""
    at: Floats
    """Days [m]."""
    slate: Int32s
    """Rows in the matrix of item vectors [m, L]."""
    choice: Int64s
    """Position taken, `L` for nothing [m]."""
    offset: Floats | None = None
    """Known part of each position's utility, for instance what other experts say [m, L]."""


@dataclass(frozen=True, slots=True)
class ChoiceHead:
    """A fitted head. numpy only: torch is needed to fit it, not to use it.

    With f[c, k] = decayed sum of event vectors / (1 + decayed number of events), for channel c and time
    scale k:

        z = sum_ck weight[c, k] f[c, k] + sum_k (f[consumed, k] + ... + f[sentiment, k]) carry[k]
        P(position j) = softmax(offset_j + z . item_j - slope log(j + 1);  nothing)_j

    `weight` alone is a tuned follower. `carry` starts at 0 and moves only while held-out users gain.
    """

    scales: Floats
    """Time constants in days [K]."""
    weight: Floats
    """[CHANNELS, K]."""
    carry: Floats
    """[K, d, d]."""
    slope: float
    """How fast attention falls with position."""
    nothing: float
    """Utility of taking nothing."""
    epochs: tuple[int, int]
    """Epochs kept: of the follower, and of the map on top of it."""

    @classmethod
    def fit(
        cls,
        sequences: Sequences,
        vectors: Float32s,
        items: Float32s,
        choices: Choices,
        *,
        recipe: Recipe | None = None,
        scales: tuple[float, ...] = SCALES,
        seed: int = 0,
        carry: bool = True,
    ) -> "ChoiceHead":
        """Learn by the multinomial-logit likelihood of `choices` (McFadden 1974).

        vectors: what events were about [S, d]. items: item vectors in the same space [I, d].
        carry: False leaves the map out, which gives the tuned follower alone.
        Raises `ValueError` when there are no choices.
        """
        recipe = recipe or Recipe()
        if not len(choices.row):
            raise ValueError("no choices to learn from")
        few = spread(choices.row, recipe.queries)
        rows = choices.row[few]
        features = _shrunk_means(sequences, vectors, rows, choices.at[few], np.array(scales))
        judged = held_out(len(sequences), recipe.held_out, seed)[rows]
        offset = np.zeros(choices.slate.shape) if choices.offset is None else choices.offset
        picked = (items, choices.slate[few], choices.choice[few], offset[few])
        return _learn_choices(features, picked, judged, np.array(scales), recipe, seed, with_map=carry)

    def user_vectors(self, sequences: Sequences, vectors: Float32s, rows: Int64s, at: Floats) -> Floats:
        """z `[m, d]` of user `rows[q]` at day `at[q]`, from events before it; items score `z @ items.T`."""
        f = _shrunk_means(sequences, vectors, rows, at, self.scales).astype(np.float64)
        direct: Floats = (f * self.weight[None, :, :, None]).sum(axis=(1, 2))
        width = self.carry.shape[0] * self.carry.shape[1]
        told = f.sum(axis=1).reshape(len(f), width)
        return direct + product(told, self.carry.reshape(width, self.carry.shape[2]))

    def save(self, path: Path | str) -> None:
        """Write the head to an `.npz` file."""
        _save(self, path)

    @classmethod
    def load(cls, path: Path | str) -> "ChoiceHead":
        """Read what `save` wrote."""
        with np.load(path, allow_pickle=False) as held:
            scales, weight, carry = (held[name] for name in ("scales", "weight", "carry"))
            first, second = held["epochs"].tolist()
            return cls(scales, weight, carry, float(held["slope"]), float(held["nothing"]), (first, second))


def _check_shares(sequences: Sequences, vectors: Float32s, targets: Shares) -> None:
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


def _learn_shares(start: Head, x: Float32s, share: Float32s, judged: Any, recipe: Recipe, seed: int) -> Head:
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


def _told(x: Any, feeling: float) -> Any:
    """Counts of all kinds plus what was felt: [m, K, topics]; numpy or torch."""
    return x[:, : CHANNELS - 1].sum(1) + feeling * x[:, CHANNELS - 1]


def _floor(prior: Floats) -> float:
    return float(prior.mean()) / 100.0


def _shrunk_means(sequences: Sequences, vectors: Float32s, rows: Int64s, at: Floats, scales: Floats) -> Float32s:
    """Shrunk means [m, CHANNELS, K, d]: a column of ones counts the events."""
    ones = np.ones((len(vectors), 1), np.float32)
    x = pool(sequences, np.concatenate([vectors, ones], axis=1), rows, at, scales)
    events = x[:, : CHANNELS - 1, :, -1].sum(axis=1)
    means: Float32s = x[..., :-1] / (np.float32(SHRINK) + events)[:, None, :, None]
    return means


def _learn_choices(
    features: Float32s,
    picked: tuple[Float32s, Int32s, Int64s, Floats],
    judged: Any,
    scales: Floats,
    recipe: Recipe,
    seed: int,
    *,
    with_map: bool,
) -> ChoiceHead:
    """First the follower's few scalars, then the map; both stop where held-out users stop gaining."""
    import torch

    items, slate, choice, offset = (torch.from_numpy(np.ascontiguousarray(part)) for part in picked)
    f, width = torch.from_numpy(features), features.shape[3]
    told = f.sum(1)
    fade = torch.log(torch.arange(1, slate.shape[1] + 1, dtype=torch.float32))
    weight = torch.zeros(f.shape[1:3], requires_grad=True)
    carry = torch.zeros((len(scales), width, width), requires_grad=True)
    slope, nothing = torch.tensor(0.5, requires_grad=True), torch.tensor(0.0, requires_grad=True)
    free = [weight, slope, nothing]
    mapping = False

    def loss(examples: torch.Tensor, generator: torch.Generator | None) -> torch.Tensor:
        z = torch.einsum("nckd,ck->nd", f[examples], weight)
        if mapping:
            z = z + torch.einsum("nkd,kde->ne", dropped(told[examples], recipe.dropout, generator), carry)
        utility = torch.einsum("nd,nld->nl", z, items[slate[examples].long()])
        utility = utility + offset[examples].float() - slope * fade
        outside = nothing.expand(len(examples), 1)
        return torch.nn.functional.cross_entropy(torch.cat([utility, outside], 1), choice[examples].long())

    followed = train([], free, loss, judged, recipe.model_copy(update={"rate": 5.0 * recipe.rate}), seed)
    mapping = with_map
    mapped = train([carry], free, loss, judged, recipe, seed) if with_map else 0
    followers, maps = (tensor.detach().numpy().astype(np.float64) for tensor in (weight, carry))
    ends = (float(slope.detach()), float(nothing.detach()))
    return ChoiceHead(scales, followers, maps, *ends, (followed, mapped))


def _save(head: Head | ChoiceHead, path: Path | str) -> None:
    fields = {name: np.asarray(getattr(head, name)) for name in head.__dataclass_fields__}
    with Path(path).open("wb") as stream:
        np.savez(stream, **fields)  # type: ignore[arg-type]
