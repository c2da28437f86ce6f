"""A few points that stand for a standard normal in many dimensions: turned axes, both ways, of the right length."""

import numpy as np

from driftline.sim.keyed import Stream, normals, order
from driftline.sim.types import Float32s


def spherical_points(count: int, dim: int, seed: int) -> Float32s:
    """`count` points [count, dim] with mean 0 exactly and, for every 2 dim of them, covariance I exactly.

    Randomly turned orthogonal axes of length sqrt(dim), each with its opposite: the spherical cubature rule
    (Arasaratnam & Haykin 2009, "Cubature Kalman filters"), keyed by the seed. An odd count leaves the origin in.
    They come in random order, so that a part of the list is no direction.
    """
    axes = np.empty((0, dim))
    half = count // 2
    turn = 0
    while len(axes) < half:
        draw = normals(seed, Stream.AGENT, np.arange(dim)[:, None], np.arange(dim)[None, :], turn)
        turned, upper = np.linalg.qr(draw)
        axes = np.concatenate([axes, np.sqrt(dim) * (turned * np.sign(np.diag(upper))).T])
        turn += 1
    points = np.concatenate([axes[:half], -axes[:half], np.zeros((count % 2, dim))])
    return points[order(seed, Stream.AGENT, count)].astype(np.float32)
