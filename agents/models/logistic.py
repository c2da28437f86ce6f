"""Multinomial logistic regression with a ridge penalty: the same numbers every time, on one thread.

The optimiser (`lbfgs`) and the thread limit (`one_thread`) serve the other learners here too.
"""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, cast

import numpy as np

from driftline.agents.models.rowwise import row_products, row_softmax
from driftline.sim.keyed import Stream, order
from driftline.sim.types import Float32s, Floats, Int32s, Int64s

Loss = Callable[[Floats], tuple[float, Floats]]
"""From parameters [P] to (value, gradient [P])."""
MAX_STEPS = 300
TINY = 1e-3
"""Ridge of the bias: keeps the bias of a class that never occurs finite."""


@dataclass(frozen=True, slots=True)
class LogisticProbe:
    """P(class | x) = softmax(x W + b)."""

    weights: Floats
    """W [p, C]."""
    bias: Floats
    """b [C]."""

    def posterior(self, x: Floats | Float32s) -> Floats:
        """Class probabilities [m, C] of vectors [m, p]; a row's bits do not depend on its neighbours."""
        return row_softmax(row_products(x, self.weights) + self.bias)


def fit(
    x: Floats | Float32s,
    y: Int32s | Int64s,
    ridge: float,
    n_classes: int,
    sample_weight: Floats | None = None,
) -> LogisticProbe:
    """Probe fitted to vectors [n, p] and classes [n] in 0..n_classes-1; see `fit_soft`."""
    targets = np.zeros((len(y), n_classes))
    targets[np.arange(len(y)), y] = 1.0 if sample_weight is None else sample_weight
    return fit_soft(x, targets, ridge)


def fit_soft(x: Floats | Float32s, targets: Floats, ridge: float, start: LogisticProbe | None = None) -> LogisticProbe:
    """Probe fitted to soft labels: minimises `-sum targets log P + ridge/2 |W|^2`, the bias free.

    x: [n, p]. targets: [n, C], not negative; a row's sum is its weight. ridge: in weighted rows, with x
    centred and divided by one number, its root mean square deviation (so directions keep their relative
    spread and encoders of any scale can share a ridge). L-BFGS from `start`, or from 0: no chance involved.
    """
    x = np.asarray(x, dtype=np.float64)
    if len(x) == 0:
        raise ValueError("logistic probe: no labelled rows; it needs at least 1")
    centre, scale = _spread(x, targets.sum(axis=1))
    z = (x - centre) / scale
    width, n_classes = x.shape[1], targets.shape[1]
    weight = targets.sum(axis=1)

    def loss(flat: Floats) -> tuple[float, Floats]:
        w, b = flat[:-n_classes].reshape(width, n_classes), flat[-n_classes:]
        logits = z @ w + b
        top = logits.max(axis=1, keepdims=True)
        p = np.exp(logits - top)
        total = p.sum(axis=1, keepdims=True)
        value = float(weight @ (np.log(total) + top)[:, 0] - (targets * logits).sum())
        slope = p / total * weight[:, None] - targets
        gradient = np.concatenate([(z.T @ slope + ridge * w).ravel(), slope.sum(axis=0) + TINY * b])
        return value + 0.5 * ridge * float((w * w).sum()) + 0.5 * TINY * float(b @ b), gradient

    with one_thread():
        first = np.zeros((width + 1) * n_classes)
        if start is not None:
            first[:-n_classes] = (start.weights * scale).ravel()
            first[-n_classes:] = start.bias + centre @ start.weights
        flat = lbfgs(loss, first, 1e-6 * max(1.0, float(weight.sum())), MAX_STEPS)
        w = flat[:-n_classes].reshape(width, n_classes) / scale
        return LogisticProbe(w, flat[-n_classes:] - centre @ w)


def out_of_fold(
    x: Floats | Float32s, y: Int32s | Int64s, ridge: float, n_classes: int, seed: int, folds: int = 5
) -> Floats:
    """Posterior [n, C] of each row by a probe that has not seen that row; a lone row gets the uniform."""
    fold = keyed_folds(len(y), seed, folds)
    posterior = np.full((len(y), n_classes), 1.0 / n_classes)
    for f in range(int(fold.max(initial=-1)) + 1):
        seen, held = fold != f, fold == f
        if seen.any():
            posterior[held] = fit(x[seen], y[seen], ridge, n_classes).posterior(x[held])
    return posterior


def keyed_folds(n: int, seed: int, folds: int = 5) -> Int64s:
    """Fold of each of n rows, sizes equal within one, keyed by the seed; fewer folds if rows are few."""
    fold = np.empty(n, np.int64)
    fold[order(seed, Stream.AGENT, n)] = np.arange(n) % min(folds, max(n, 1))
    return fold


def lbfgs(loss: Loss, start: Floats, gradient_tolerance: float, max_steps: int = 500) -> Floats:
    """Parameters [P] near a minimum of `loss`, by L-BFGS (Liu & Nocedal 1989) from `start` [P].

    Stops where no entry of the gradient exceeds `gradient_tolerance`, where steps gain nothing that float64
    can tell, or after `max_steps`.
    """
    from scipy.optimize import minimize  # slow to import, and many agents are built that never fit

    options = {"maxiter": max_steps, "gtol": gradient_tolerance, "ftol": 1e-13}
    with one_thread():
        found = minimize(cast("Any", loss), start, jac=True, method="L-BFGS-B", options=cast("Any", options))
    return np.asarray(found.x, dtype=np.float64)


@contextmanager
def one_thread() -> Iterator[None]:
    """Hold BLAS and OpenMP to one thread inside the block; the old limits come back afterwards."""
    with _thread_pools(len(sys.modules), next(reversed(sys.modules))).limit(limits=1):
        yield


@lru_cache(maxsize=1)
def _thread_pools(modules: int, newest: str) -> Any:  # noqa: ARG001  they say whether anything was imported since
    """The thread pools of this process's libraries: 3 ms to find them, .01 ms to limit those already found."""
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController()


def _spread(x: Floats, weight: Floats) -> tuple[Floats, float]:
    share = weight / max(float(weight.sum()), 1e-12)
    centre = (x * share[:, None]).sum(axis=0)
    scale = float(np.sqrt((((x - centre) ** 2) * share[:, None]).sum() / x.shape[1]))
    return centre, scale if scale > 0.0 else 1.0
