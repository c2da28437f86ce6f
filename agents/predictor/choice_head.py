"""The next-item head: a user vector z such that z . item foresees what is taken from a slate."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from driftline.agents.predictor.blockwise import product
from driftline.agents.predictor.head import SCALES
from driftline.agents.predictor.pooling import CHANNELS, pool
from driftline.agents.predictor.sequences import Sequences
from driftline.agents.predictor.training import Recipe, dropped, held_out, spread, train
from driftline.sim.types import Float32s, Floats, Int32s, Int64s

SHRINK = 1.0
"""Decayed events that a user's mean is shrunk by."""


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
        features = _features(sequences, vectors, rows, choices.at[few], np.array(scales))
        judged = held_out(len(sequences), recipe.held_out, seed)[rows]
        offset = np.zeros(choices.slate.shape) if choices.offset is None else choices.offset
        picked = (items, choices.slate[few], choices.choice[few], offset[few])
        return _learn_choices(features, picked, judged, np.array(scales), recipe, seed, with_map=carry)

    def user_vectors(self, sequences: Sequences, vectors: Float32s, rows: Int64s, at: Floats) -> Floats:
        """z `[m, d]` of user `rows[q]` at day `at[q]`, from events before it; items score `z @ items.T`."""
        f = _features(sequences, vectors, rows, at, self.scales).astype(np.float64)
        direct: Floats = (f * self.weight[None, :, :, None]).sum(axis=(1, 2))
        width = self.carry.shape[0] * self.carry.shape[1]
        told = f.sum(axis=1).reshape(len(f), width)
        return direct + product(told, self.carry.reshape(width, self.carry.shape[2]))

    def save(self, path: Path | str) -> None:
        """Write the head to an `.npz` file."""
        fields = {name: np.asarray(getattr(self, name)) for name in self.__dataclass_fields__}
        with Path(path).open("wb") as stream:
            np.savez(stream, **fields)  # type: ignore[arg-type]

    @classmethod
    def load(cls, path: Path | str) -> "ChoiceHead":
        """Read what `save` wrote."""
        with np.load(path, allow_pickle=False) as held:
            scales, weight, carry = (held[name] for name in ("scales", "weight", "carry"))
            first, second = held["epochs"].tolist()
            return cls(scales, weight, carry, float(held["slope"]), float(held["nothing"]), (first, second))


def _features(sequences: Sequences, vectors: Float32s, rows: Int64s, at: Floats, scales: Floats) -> Float32s:
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
