"""How often 95 % intervals hold the truth, with reward models fitted on the log itself."""

from functools import cache

import numpy as np
import pytest

from driftline.evaluation.off_policy import estimate_all, reduced
from driftline.sim.types import Floats, Int64s

CONTEXTS, ACTIONS, REPEATS = 8, 10, 1000
METHODS: tuple[str, ...] = ("dm", "ips", "snips", "dr", "sndr")


@cache
def world(design: str) -> tuple[Floats, Floats, Floats, float, float]:
    """Logging policy, target policy and mean reward [contexts, actions]; the truth; E[w]^2 / E[w^2]."""
    rng = np.random.default_rng(11)
    logits, other = rng.normal(0, 1, (2, CONTEXTS, ACTIONS))
    mean = rng.uniform(0.1, 0.7, (CONTEXTS, ACTIONS))
    if design == "rare":
        mean *= 0.005 / mean.mean()
    best = np.eye(ACTIONS)[rng.integers(0, ACTIONS, CONTEXTS)]
    if design == "heavy":
        # a logging policy that takes the target's favourite in about 3 % of rounds
        logging = 0.97 * _softmax(logits - 20 * best) + 0.03 * best
        target = 0.97 * best + 0.03 * _softmax(logits)
    elif design == "tailed":
        # rewards and weights go together, and the largest weights are hardly ever drawn
        logging, target = _softmax(1.5 * logits), _softmax(-0.5 * logits)
    else:
        logging, target = _softmax(0.5 * logits), _softmax(0.5 * logits + 0.5 * other)
    share = 1.0 / float((target**2 / logging).sum(axis=1).mean())
    return logging, target, mean, float((target * mean).sum(axis=1).mean()), share


def _softmax(logits: Floats) -> Floats:
    raised = np.exp(logits)
    return np.asarray(raised / raised.sum(axis=1, keepdims=True))


def fitted(context: Int64s, action: Int64s, reward: Floats) -> Floats:
    """Cross-fitted in two halves: cell means, shrunk by three rounds towards the mean of all."""
    half, q_hat = np.arange(len(reward)) % 2, np.empty((len(reward), ACTIONS))
    for one in (0, 1):
        other = half != one
        cell = context[other] * ACTIONS + action[other]
        count = np.bincount(cell, minlength=CONTEXTS * ACTIONS)
        total = np.bincount(cell, weights=reward[other], minlength=CONTEXTS * ACTIONS)
        table = ((total + 3 * reward[other].mean()) / (count + 3)).reshape(CONTEXTS, ACTIONS)
        q_hat[half == one] = table[context[half == one]]
    return q_hat


def coverage(design: str, n: int) -> dict[str, tuple[float, float]]:
    """Per method: share of intervals that hold the truth, share that come with a warning of their own."""
    logging, target, mean, truth, _ = world(design)
    held: dict[str, int] = dict.fromkeys(METHODS, 0)
    warned: dict[str, int] = dict.fromkeys(METHODS, 0)
    for repeat in range(REPEATS):
        rng = np.random.default_rng([repeat, n])
        context = rng.integers(0, CONTEXTS, n)
        action = (logging.cumsum(axis=1)[context] < rng.random((n, 1))).sum(axis=1).clip(0, ACTIONS - 1)
        reward = (rng.random(n) < mean[context, action]).astype(np.float64)
        log = reduced(
            reward=reward,
            action=action,
            target_policy=target[context],
            logging_policy=logging[context],
            q_hat=fitted(context, action, reward),
        )
        for name, found in estimate_all(log, methods=METHODS).items():
            held[name] += found.low <= truth <= found.high
            warned[name] += bool(found.warnings)
    return {name: (held[name] / REPEATS, warned[name] / REPEATS) for name in METHODS}


@pytest.mark.slow
@pytest.mark.parametrize("n", [200, 1000, 5000])
@pytest.mark.parametrize("design", ["light", "heavy", "tailed", "rare"])
def test_intervals_hold_the_truth_or_warn(design: str, n: int) -> None:
    """Light weights from 1,000 rounds on: 93 to 97 %. Wherever coverage is below 90 %, 97 % of the intervals warn."""
    found = coverage(design, n)
    print(f"{design}, n = {n:,}, ESS/n {world(design)[-1]:.3f}:", end=" ")
    print(", ".join(f"{name} {held:.1%} (warns {warned:.0%})" for name, (held, warned) in found.items()))
    error = np.sqrt(0.95 * 0.05 / REPEATS)
    for name, (held, warned) in found.items():
        if design == "light" and n >= 1000 and name != "dm":
            assert 0.93 <= held <= 0.97 + 2 * error, name
            assert warned < 0.05, name
        if held < 0.9:
            assert warned >= 0.97, name
