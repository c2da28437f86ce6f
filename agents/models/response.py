"""What draws a click, and what a consumed item is worth: the two models of a user's response.

Clicks are a multinomial logit: P(position k) is proportional to exp(position_k + w . x_k), "nothing" to exp(outside).
The columns of x are whatever experts there are: the weights stack them by next-choice likelihood, shrunk towards a
trusted one (Wolpert 1992, "Stacked generalization"). Satisfaction is a squashed linear function of the same columns.
"""

from dataclasses import dataclass
from math import erf, exp, log, pi, sqrt, tanh
from typing import Literal

import numpy as np

from driftline.agents.models.logistic import lbfgs
from driftline.sim.kernel import kernel
from driftline.sim.types import Floats, Int8s, Int64s

WEAK_ON_POSITION = 1e-2
"""Ridge, in events, of the outside constant and the position weights: keeps them finite in a poor log."""
WEAK_ON_VALUE = 1e-3
"""Ridge of the intercept, in consumptions."""
Link = Literal["probit", "tanh"]


@dataclass(frozen=True, slots=True)
class ChoiceWeights:
    """A fitted choice model."""

    weights: Floats
    """[F], utility per unit of each column."""
    outside: float
    """Utility of taking nothing."""
    position: Floats
    """Log-weight of each position [L]; the first is 0 where they were estimated."""

    def utility(self, features: Floats) -> Floats:
        """Click utility w . x of features [..., F], position left out; columns are added in order."""
        total = np.zeros(features.shape[:-1])
        for f, weight in enumerate(self.weights):
            total += weight * features[..., f]
        return total


def fit_choice_weights(
    features: Floats, position_log_weight: Floats, choice: Int8s | Int64s, ridge: float, shrink_to: Floats
) -> ChoiceWeights:
    """Weights and outside constant by penalised likelihood, with the position weights given.

    features: [n, L, F]. choice: [n], `L` for nothing. ridge: in events; the penalty is
    ridge/2 sum_f v_f (w_f - shrink_to_f)^2 with v_f the mean variance of column f within a slate, so that
    the unit of a column does not matter. L-BFGS from `shrink_to`; sums run in the order of the rows.
    """
    return _fitted_choice(features, np.asarray(position_log_weight, dtype=np.float64), choice, ridge, shrink_to, False)


def fit_position_weights(features: Floats, choice: Int8s | Int64s, ridge: float, shrink_to: Floats) -> ChoiceWeights:
    """The same with the position weights estimated too (the first held at 0).

    Only for slates whose order was drawn at random: elsewhere position and merit cannot be told apart.
    features may have no columns ([n, L, 0]): differences among items then flatten the weights a little.
    """
    return _fitted_choice(features, np.zeros(features.shape[1]), choice, ridge, shrink_to, True)


def choice_log_likelihood(features: Floats, choice: Int8s | Int64s, model: ChoiceWeights) -> float:
    """Mean log-probability, in nats a visit, of choices [n] given features [n, L, F]."""
    width = features.shape[2] + 1 + features.shape[1]
    x, chosen = _checked_choices(features, choice)
    total = _choice_likelihood(x, chosen, model.weights, model.outside, model.position, np.zeros(width))
    return total / max(len(choice), 1)


@dataclass(frozen=True, slots=True)
class SatisfactionModel:
    """E[satisfaction] = link(w . x + b); the probit link is 2 Phi(z) - 1."""

    weights: Floats
    """[F]."""
    intercept: float
    link: Link

    def predict(self, features: Floats) -> Floats:
        """Expected satisfaction in [-1, 1] of features [..., F], shaped [...]."""
        return self.squash(self.latent(features))

    def latent(self, features: Floats) -> Floats:
        """z = w . x + b of features [..., F], shaped [...]. Raises ValueError where F is another."""
        x = np.ascontiguousarray(features, dtype=np.float64)
        if x.shape[-1] != self.weights.size:
            raise ValueError(f"{x.shape[-1]} features for a model of {self.weights.size}; they must agree")
        shape = x.shape[:-1]
        return _latent(x.reshape(-1, x.shape[-1]), self.weights, self.intercept).reshape(shape)

    def squash(self, latent: Floats) -> Floats:
        """link(z) of latent satisfactions of any shape."""
        z = np.ascontiguousarray(latent, dtype=np.float64)
        return _squashed(z.ravel(), self.link == "probit").reshape(z.shape)


def fit_satisfaction(
    features: Floats,
    satisfaction: Floats,
    weight: Floats,
    ridge: float,
    shrink_to: Floats,
    link: Link = "probit",
) -> SatisfactionModel:
    """Weighted least squares through the link, by L-BFGS from `shrink_to`; sums run in the order of the rows.

    features: [n, F]. satisfaction: in [-1, 1], NaN rows are skipped [n]. weight: not negative [n]. ridge: in
    consumptions; the penalty is ridge/2 sum_f v_f (w_f - shrink_to_f)^2, v_f the variance of column f.
    """
    told = np.isfinite(satisfaction) & (weight > 0.0)
    x = np.ascontiguousarray(features[told], dtype=np.float64)
    y = np.ascontiguousarray(satisfaction[told], dtype=np.float64)
    w = np.ascontiguousarray(weight[told], dtype=np.float64)
    spread = x.var(axis=0) if len(x) else np.zeros(x.shape[1])
    penalty = np.append(ridge * spread + 1e-9, WEAK_ON_VALUE)
    centre = np.append(np.asarray(shrink_to, dtype=np.float64), 0.0)

    def loss(flat: Floats) -> tuple[float, Floats]:
        slope = np.zeros(len(flat))
        value = _squared_error(x, y, w, flat, slope, link == "probit")
        away = flat - centre
        return value + 0.5 * float((penalty * away * away).sum()), slope + penalty * away

    flat = lbfgs(loss, centre, 1e-8 * max(1, len(x)))
    return SatisfactionModel(flat[:-1], float(flat[-1]), link)


def _fitted_choice(
    features: Floats, position: Floats, choice: Int8s | Int64s, ridge: float, shrink_to: Floats, free: bool
) -> ChoiceWeights:
    x, chosen = _checked_choices(features, choice)
    _, length, width = x.shape
    goal = np.asarray(shrink_to, dtype=np.float64)
    spread = x.var(axis=1).mean(axis=0) if len(x) else np.zeros(width)
    penalty = np.concatenate([ridge * spread + 1e-9, np.full(1 + (length - 1) * free, WEAK_ON_POSITION)])
    centre = np.concatenate([goal, np.zeros(1 + (length - 1) * free)])

    def loss(flat: Floats) -> tuple[float, Floats]:
        slope = np.zeros(width + 1 + length)
        at = np.concatenate([[0.0], flat[width + 1 :]]) if free else position
        value = -_choice_likelihood(x, chosen, flat[:width], float(flat[width]), at, slope)
        kept = np.concatenate([slope[: width + 1], slope[width + 2 :]]) if free else slope[: width + 1]
        away = flat - centre
        return value + 0.5 * float((penalty * away * away).sum()), penalty * away - kept

    flat = lbfgs(loss, centre, 1e-7 * max(1, len(x)))
    found = np.concatenate([[0.0], flat[width + 1 :]]) if free else position.copy()
    return ChoiceWeights(flat[:width], float(flat[width]), found)


def _checked_choices(features: Floats, choice: Int8s | Int64s) -> tuple[Floats, Int64s]:
    chosen = np.asarray(choice, dtype=np.int64)
    length = features.shape[1]
    if len(chosen) and (int(chosen.min()) < 0 or int(chosen.max()) > length):
        wrong = chosen[(chosen < 0) | (chosen > length)][0]
        raise ValueError(f"choice {wrong} is outside 0..{length} (slates of {length}; {length} means nothing)")
    return np.ascontiguousarray(features, dtype=np.float64), chosen


# -- compiled --------------------------------------------------------------------------------------------------


@kernel
def _choice_likelihood(
    x: Floats, choice: Int64s, weights: Floats, outside: float, position: Floats, slope: Floats
) -> float:
    """Log-likelihood; adds its gradient to `slope` [F weights, outside, L positions]."""
    n, length, width = x.shape
    value = 0.0
    share = np.empty(length)
    for i in range(n):
        # Utilities of the slate, and the highest one.
        top = outside
        for k in range(length):
            share[k] = position[k]
            for f in range(width):
                share[k] += weights[f] * x[i, k, f]
            top = max(top, share[k])
        # The log-probability of what was chosen.
        chosen = outside if choice[i] == length else share[choice[i]]
        nothing = exp(outside - top)
        total = nothing
        for k in range(length):
            share[k] = exp(share[k] - top)
            total += share[k]
        value += chosen - top - log(total)
        # Its slope: chosen or not, minus the probability.
        slope[width] += (1.0 if choice[i] == length else 0.0) - nothing / total
        for k in range(length):
            error = (1.0 if choice[i] == k else 0.0) - share[k] / total
            slope[width + 1 + k] += error
            for f in range(width):
                slope[f] += error * x[i, k, f]
    return value


@kernel
def _squash(z: float, probit: bool) -> float:
    return erf(z / sqrt(2.0)) if probit else tanh(z)


@kernel
def _squashed(z: Floats, probit: bool) -> Floats:
    out = np.empty(z.size)
    for i in range(z.size):
        out[i] = _squash(z[i], probit)
    return out


@kernel
def _latent(x: Floats, weights: Floats, intercept: float) -> Floats:
    out = np.empty(x.shape[0])
    for i in range(x.shape[0]):
        z = intercept
        for f in range(x.shape[1]):
            z += weights[f] * x[i, f]
        out[i] = z
    return out


@kernel
def _squared_error(x: Floats, y: Floats, weight: Floats, flat: Floats, slope: Floats, probit: bool) -> float:
    """Half the weighted squared error; adds its gradient to `slope` [F weights, intercept]."""
    n, width = x.shape
    value = 0.0
    for i in range(n):
        # What the model says, and how fast it changes with z.
        z = float(flat[width])
        for f in range(width):
            z += flat[f] * x[i, f]
        mean = _squash(z, probit)
        steep = sqrt(2.0 / pi) * exp(-0.5 * z * z) if probit else 1.0 - mean * mean
        # The error, and its slope by every weight.
        error = mean - y[i]
        value += 0.5 * weight[i] * error * error
        pull = weight[i] * error * steep
        for f in range(width):
            slope[f] += pull * x[i, f]
        slope[width] += pull
    return value
