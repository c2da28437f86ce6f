"""K-means with keyed seeding (Lloyd 1982; k-means++, Arthur & Vassilvitskii 2007)."""

from dataclasses import dataclass

import numpy as np

from driftline.sim import keyed
from driftline.sim.real.streams import RealStream
from driftline.sim.types import Floats, Int64s

STARTS = 10
ROUNDS = 100


@dataclass(frozen=True, slots=True)
class Clusters:
    """n points in k clusters, none empty."""

    label: Int64s
    """[n]."""
    centre: Floats
    """[k, d]."""
    spread: float
    """Sum of squared distances to the own centre."""


def kmeans(points: Floats, k: int, seed: int) -> Clusters:
    """The tightest of `STARTS` runs. points: [n, d], at least k of them distinct."""
    runs = [_run(points, _spread_out(points, k, seed, start)) for start in range(STARTS)]
    return min(runs, key=lambda run: run.spread)


def squared_distances(points: Floats, centre: Floats) -> Floats:
    """[n, k]."""
    cross = points @ centre.T
    square = (points**2).sum(axis=1)[:, None] - 2.0 * cross + (centre**2).sum(axis=1)
    return np.asarray(np.maximum(square, 0.0))


def _spread_out(points: Floats, k: int, seed: int, start: int) -> Floats:
    """Starting centres: each next one drawn in proportion to the squared distance to those chosen."""
    draw = keyed.uniforms(seed, RealStream.CLUSTERS, start, np.arange(k))
    chosen = [int(draw[0] * len(points))]
    nearest = squared_distances(points, points[chosen])[:, 0]
    for place in range(1, k):
        edges = np.cumsum(nearest)
        drawn = int(np.searchsorted(edges, draw[place] * edges[-1], side="right"))
        chosen.append(min(drawn, len(points) - 1))
        nearest = np.minimum(nearest, squared_distances(points, points[chosen[-1:]])[:, 0])
    return points[chosen]


def _run(points: Floats, centre: Floats) -> Clusters:
    label = np.full(len(points), -1)
    for _ in range(ROUNDS):
        distance = squared_distances(points, centre)
        previous, label = label, distance.argmin(axis=1)
        _fill_empty(label, distance, len(centre))
        if (label == previous).all():
            break
        members = label == np.arange(len(centre))[:, None]
        centre = members @ points / members.sum(axis=1, keepdims=True)
    own = squared_distances(points, centre)[np.arange(len(points)), label]
    return Clusters(label, centre, float(own.sum()))


def _fill_empty(label: Int64s, distance: Floats, k: int) -> None:
    """An empty cluster takes the point that lies farthest from its own centre in a cluster of several."""
    far = distance[np.arange(len(label)), label]
    for empty in np.flatnonzero(np.bincount(label, minlength=k) == 0):
        several = np.bincount(label, minlength=k)[label] > 1
        label[np.where(several, far, -1.0).argmax()] = empty
