"""What draws a click: a multinomial logit over the slate, with position weights and an outside option.

P(position k) is proportional to exp(position_k + w . x_k), "nothing" to exp(outside). The columns of x are
whatever experts there are (tracked interest, counts, learned head, factors, popularity): the weights stack
them by next-choice likelihood, shrunk towards a trusted one (Wolpert 1992, "Stacked generalization").
"""

from dataclasses import dataclass
from math import exp, log

import numpy as np

from driftline.agents.lbfgs import lbfgs
from driftline.sim.kernel import kernel
from driftline.sim.types import Floats, Int8s, Int64s

WEAK_ON_POSITION = 1e-2
"""Ridge, in events, of the outside constant and the position weights: keeps them finite in a poor log."""


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
    return _fit(features, np.asarray(position_log_weight, dtype=np.float64), choice, ridge, shrink_to, False)


def fit_position_weights(features: Floats, choice: Int8s | Int64s, ridge: float, shrink_to: Floats) -> ChoiceWeights:
    """The same with the position weights estimated too (the first held at 0).

    Only for slates whose order was drawn at random: elsewhere position and merit cannot be told apart.
    features may have no columns ([n, L, 0]): differences among items then flatten the weights a little.
    """
    return _fit(features, np.zeros(features.shape[1]), choice, ridge, shrink_to, True)


def choice_log_likelihood(features: Floats, choice: Int8s | Int64s, model: ChoiceWeights) -> float:
    """Mean log-probability, in nats a visit, of choices [n] given features [n, L, F]."""
    width = features.shape[2] + 1 + features.shape[1]
    x, chosen = _checked(features, choice)
    total = _value_and_slope(x, chosen, model.weights, model.outside, model.position, np.zeros(width))
    return total / max(len(choice), 1)


def _checked(features: Floats, choice: Int8s | Int64s) -> tuple[Floats, Int64s]:
    chosen = np.asarray(choice, dtype=np.int64)
    length = features.shape[1]
    if len(chosen) and (int(chosen.min()) < 0 or int(chosen.max()) > length):
        wrong = chosen[(chosen < 0) | (chosen > length)][0]
        raise ValueError(f"choice {wrong} is outside 0..{length} (slates of {length}; {length} means nothing)")
    return np.ascontiguousarray(features, dtype=np.float64), chosen


def _fit(
    features: Floats, position: Floats, choice: Int8s | Int64s, ridge: float, shrink_to: Floats, free: bool
) -> ChoiceWeights:
    x, chosen = _checked(features, choice)
    _, length, width = x.shape
    goal = np.asarray(shrink_to, dtype=np.float64)
    spread = x.var(axis=1).mean(axis=0) if len(x) else np.zeros(width)
    penalty = np.concatenate([ridge * spread + 1e-9, np.full(1 + (length - 1) * free, WEAK_ON_POSITION)])
    centre = np.concatenate([goal, np.zeros(1 + (length - 1) * free)])

    def loss(flat: Floats) -> tuple[float, Floats]:
        slope = np.zeros(width + 1 + length)
        at = np.concatenate([[0.0], flat[width + 1 :]]) if free else position
        value = -_value_and_slope(x, chosen, flat[:width], float(flat[width]), at, slope)
        kept = np.concatenate([slope[: width + 1], slope[width + 2 :]]) if free else slope[: width + 1]
        away = flat - centre
        return value + 0.5 * float((penalty * away * away).sum()), penalty * away - kept

    flat = lbfgs(loss, centre, 1e-7 * max(1, len(x)))
    found = np.concatenate([[0.0], flat[width + 1 :]]) if free else position.copy()
    return ChoiceWeights(flat[:width], float(flat[width]), found)


@kernel
def _value_and_slope(
    x: Floats, choice: Int64s, weights: Floats, outside: float, position: Floats, slope: Floats
) -> float:
    """Log-likelihood; adds its gradient to `slope` [F weights, outside, L positions]."""
    n, length, width = x.shape
    value = 0.0
    share = np.empty(length)
    for i in range(n):
        top = outside
        for k in range(length):
            share[k] = position[k]
            for f in range(width):
                share[k] += weights[f] * x[i, k, f]
            top = max(top, share[k])
        chosen = outside if choice[i] == length else share[choice[i]]
        nothing = exp(outside - top)
        total = nothing
        for k in range(length):
            share[k] = exp(share[k] - top)
            total += share[k]
        value += chosen - top - log(total)
        slope[width] += (1.0 if choice[i] == length else 0.0) - nothing / total
        for k in range(length):
            error = (1.0 if choice[i] == k else 0.0) - share[k] / total
            slope[width + 1 + k] += error
            for f in range(width):
                slope[f] += error * x[i, k, f]
    return value
