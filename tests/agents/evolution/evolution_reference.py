"""The filter bank's equations in plain float64 numpy, all users at once: the kernels are held to it."""

import numpy as np

from driftline.sim.types import Float32s, Floats, Int64s


def softmax(score: Floats, outside: Floats | float) -> Floats:
    """Multinomial logit over the last axis, with a place for nothing appended."""
    nothing = np.broadcast_to(outside, (*score.shape[:-1], 1))
    full = np.concatenate([score, nothing], axis=-1)
    p = np.exp(full - full.max(axis=-1, keepdims=True))
    return np.asarray(p / p.sum(axis=-1, keepdims=True))


class ReferenceBank:
    """Bank of K filters and R particles for n users who all have every event."""

    def __init__(
        self, n: int, dim: int, retention: list[float], particles: int, particle_retention: float,
        hazard: float, share: float, prior: float, outside: float,
    ) -> None:  # fmt: skip
        self.K, self.R = len(retention), particles
        width = self.K + particles
        self.r = np.array([*retention, *[particle_retention] * particles])
        self.hazard, self.share, self.prior, self.outside = hazard, share, prior, outside
        self.mean = np.zeros((n, width, dim))
        self.variance = np.full((n, width, dim), prior)
        start = min(self.K + 1, width)
        self.weight = np.tile(np.where(np.arange(width) < start, 1 / start, 0.0), (n, 1))
        self.age = np.full((n, particles), 65535)

    def advanced(self, elapsed: Float32s) -> tuple[Floats, Floats]:
        keep = self.r ** elapsed.astype(float)[:, None]
        kept = keep[:, :, None]
        return kept * self.mean, kept**2 * self.variance + (1 - kept**2) * self.prior

    def forecasts(self, mean: Floats, variance: Floats, items: Floats, offset: Floats) -> Floats:
        """Shrunk choice probabilities of every filter [n, P, m + 1]."""
        margin = np.einsum("npd,nmd->npm", mean, items) + offset[:, None, :] - self.outside
        spread = np.einsum("npd,nmd->npm", variance, items**2)
        return softmax(margin / np.sqrt(1 + np.pi / 8 * spread), 0.0)

    def predict(self, items: Float32s, elapsed: Float32s, offset: Float32s) -> Floats:
        mean, variance = self.advanced(elapsed)
        p = self.forecasts(mean, variance, items.astype(float), offset.astype(float))
        return np.asarray(np.einsum("np,npm->nm", self.weight, p))

    def update(
        self,
        items: Float32s,
        choice: Int64s,
        elapsed: Float32s,
        offset: Float32s,
        graded: tuple[Float32s, ...] | None = None,
    ) -> None:
        v, known = items.astype(float), offset.astype(float)
        n, m, dim = v.shape
        rows = np.arange(n)
        mean, variance = self.advanced(elapsed)
        likelihood = self.forecasts(mean, variance, v, known)[rows, :, choice]
        p = softmax(np.einsum("npd,nmd->npm", mean, v) + known[:, None, :], self.outside)[:, :, :m]
        expected = np.einsum("npm,nmd->npd", p, v)
        h = np.einsum("npm,nmd->npd", p, v**2) - expected**2
        chosen = np.concatenate([v, np.zeros((n, 1, dim))], axis=1)[rows, choice]
        variance = 1 / (1 / variance + h)
        mean = mean + variance * (chosen[:, None, :] - expected)
        if graded is not None:
            mean, variance = self.judged(mean, variance, *graded)
        self.mean, self.variance = mean, variance
        self.reweigh(likelihood)

    def judged(
        self,
        mean: Floats,
        variance: Floats,
        vector: Float32s,
        value: Float32s,
        weight: Float32s,
        known: Float32s | None = None,
    ) -> tuple[Floats, Floats]:
        before = -self.outside if known is None else np.where(np.isnan(value), 0, known).astype(float)[:, None, None]
        given = ~np.isnan(value)
        v = np.where(given[:, None], vector, 0).astype(float)[:, None, :]
        w = np.where(given, weight, 0).astype(float)[:, None, None]
        y = np.where(given, (1 + value) / 2, 0).astype(float)[:, None, None]
        q = 1 / (1 + np.exp(-before - np.sum(mean * v, axis=2, keepdims=True)))
        variance = 1 / (1 / variance + w * q * (1 - q) * v**2)
        return mean + variance * w * (y - q) * v, variance

    def reweigh(self, likelihood: Floats) -> None:
        gift = np.where(np.arange(self.K + self.R) < self.K, self.share / self.K, 0.0)
        weight = np.maximum(((1 - self.share) * self.weight + gift) * likelihood, 1e-30)
        weight /= weight.sum(axis=1, keepdims=True)
        if self.R:
            rows = np.arange(len(weight))
            lightest = self.K + weight[:, self.K :].argmin(axis=1)
            weight[rows, lightest] = 0
            weight *= (1 - self.hazard) / weight.sum(axis=1, keepdims=True)
            weight[rows, lightest] = self.hazard
            self.mean[rows, lightest] = 0
            self.variance[rows, lightest] = self.prior
            self.age = np.minimum(self.age + 1, 65535)
            self.age[rows, lightest - self.K] = 0
        self.weight = weight
