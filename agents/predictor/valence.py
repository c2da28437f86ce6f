"""What a comment says about coming back: a sentiment learned without any rating.

Some words are followed by more of the same, others by less. A ridge regression from the comment's vector to
that difference, kept only if it foretells the difference for users it has not seen.
"""

from dataclasses import dataclass

import numpy as np

from driftline.agents.predictor.blockwise import product
from driftline.agents.predictor.threads import torch_threads
from driftline.sim.types import Bools, Float32s, Floats, Int64s

PENALTIES = (10.0, 100.0, 1000.0)
"""In comments: a direction that fewer comments carry is mostly shrunk away."""
GATE = 3.0
"""Standard errors by which the correlation on held-out users must exceed 0."""


@dataclass(frozen=True, slots=True)
class Valence:
    """A line through comment vectors; all zero when comments were found to say nothing."""

    mean: Floats
    """[D]."""
    weight: Floats
    """[D]."""
    shift: float

    def sentiment(self, vectors: Float32s) -> Float32s:
        """Sentiment in [-1, 1] of comment vectors `[n, D]`; 0 for all when the gate is shut."""
        line = product(vectors.astype(np.float64) - self.mean, self.weight[:, None])[:, 0] + self.shift
        return np.clip(line, -1.0, 1.0).astype(np.float32)

    @property
    def shut(self) -> bool:
        """Whether comments were found to say nothing."""
        return not self.weight.any()


def fit_valence(vectors: Float32s, segment: Int64s, came_back: Floats, held: Bools) -> Valence:
    """Fit on commented events.

    vectors: [S, D] of distinct comments. segment: row of each event's comment [e]. came_back: how much more
    of the same followed than this user's average [e]. held: events of users who judge [e].
    """
    mean = vectors.mean(axis=0, dtype=np.float64)
    x = vectors.astype(np.float64) - mean
    none = Valence(mean, np.zeros(x.shape[1]), 0.0)
    if held.sum() < 10 or (~held).sum() < 10:
        return none
    best, kept = 0.0, none
    for penalty in PENALTIES:
        weight = _ridge(x, segment[~held], came_back[~held], penalty)
        line = product(x, weight[:, None])[:, 0]
        seen, truth = line[segment[held]], came_back[held]
        if not (seen.std() > 0.0 and truth.std() > 0.0):
            continue
        strength = float(np.corrcoef(seen, truth)[0, 1]) * float(np.sqrt(held.sum()))
        if strength > max(best, GATE):
            # The usual comment is neutral and two standard deviations are as far as feelings go.
            usual, scale = line[segment].mean(), 2.0 * line[segment].std()
            best, kept = strength, Valence(mean, weight / scale, float(-usual / scale))
    return kept


def _ridge(x: Floats, segment: Int64s, target: Floats, penalty: float) -> Floats:
    """Weighted by how often each comment occurs; one thread, so that the bits are fixed."""
    import torch

    count = np.bincount(segment, minlength=len(x)).astype(np.float64)
    total = np.bincount(segment, weights=target - target.mean(), minlength=len(x))
    scale = float((x * x).mean())
    with torch_threads(1):
        rows = torch.from_numpy(x)
        gram = rows.T @ (rows * torch.from_numpy(count)[:, None])
        gram += penalty * max(scale, 1e-12) * torch.eye(x.shape[1], dtype=torch.float64)
        found: Floats = torch.linalg.solve(gram, rows.T @ torch.from_numpy(total)).numpy()
    return found
