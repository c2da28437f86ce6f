"""Do warnings mark the logs whose intervals miss? Designs from light to heavy weights, and rare rewards."""

from math import exp, log, sqrt

import numpy as np
import pytest

from driftline.evaluation.off_policy import Rounds, estimate_all
from driftline.sim.types import Bools, Floats

CONTEXTS, ACTIONS = 8, 10
METHODS = ("ips", "snips", "dr")
DESIGNS: dict[str, tuple[float, float, float, float | None]] = {
    # how peaked logging is; how much of it the target keeps; how much is its own; mean reward
    "light": (0.5, 1.0, 0.5, None),
    "moderate 1": (1.0, 1.0, 1.0, None),
    "moderate 2": (1.0, 0.5, 1.0, None),
    "moderate 3": (1.5, 0.7, 1.0, None),
    "moderate, rewards 2 %": (1.0, 1.0, 1.0, 0.02),
    "heavy 1": (1.5, -0.33, 0.0, None),
    "heavy 2": (2.0, -0.2, 1.0, None),
    "light, rewards .5 %": (0.5, 1.0, 0.5, 0.005),
}
MODERATE = ("moderate 1", "moderate 2", "moderate 3")


def policies(design: str) -> tuple[Floats, Floats, Floats]:
    """Logging policy, target policy, mean rewards [contexts, actions]."""
    peaked, kept, own, rate = DESIGNS[design]
    rng = np.random.default_rng(11 + MODERATE.index(design) if design in MODERATE else 11)
    logits, other = rng.normal(0, 1, (2, CONTEXTS, ACTIONS))
    mean = rng.uniform(0.1, 0.7, (CONTEXTS, ACTIONS))
    if rate is not None:
        mean *= rate / mean.mean()
    raised = [np.exp(peaked * logits), np.exp(peaked * kept * logits + own * other)]
    logging, target = (each / each.sum(axis=1, keepdims=True) for each in raised)
    return logging, target, mean


def verdicts(design: str, n: int, logs: int) -> tuple[Bools, Bools]:
    """Whether each log's interval misses, and whether it warns [logs, methods]."""
    logging, target, mean = policies(design)
    truth = float((target * mean).sum(axis=1).mean())
    missed, warned = np.zeros((2, logs, len(METHODS)), dtype=np.bool_)
    for k in range(logs):
        rng = np.random.default_rng([100 + k, n, sorted(DESIGNS).index(design)])
        context = rng.integers(0, CONTEXTS, n)
        action = (logging.cumsum(axis=1)[context] < rng.random((n, 1))).sum(axis=1).clip(0, ACTIONS - 1)
        level = np.full(n, mean.mean())
        found = estimate_all(
            Rounds(
                reward=(rng.random(n) < mean[context, action]).astype(float),
                pscore=logging[context, action],
                target_pscore=target[context, action],
                q_action=level,
                q_expected=level,
            ),
            methods=METHODS,
        )
        for j, name in enumerate(METHODS):
            missed[k, j] = not found[name].low <= truth <= found[name].high
            warned[k, j] = bool(found[name].warnings)
    return missed, warned


def odds_ratio(missed: Bools, warned: Bools) -> tuple[float, float]:
    """Odds of missing, warned over unwarned, and the lower 95 % limit (Woolf 1955, with halves added)."""
    cells = [float((a & b).sum()) + 0.5 for a in (missed, ~missed) for b in (warned, ~warned)]
    ratio = cells[0] * cells[3] / (cells[1] * cells[2])
    return ratio, exp(log(ratio) - 1.96 * sqrt(sum(1 / cell for cell in cells)))


def table(logs: int, sizes: tuple[int, ...]) -> tuple[list[str], dict[str, float], float]:
    """Lines of the manual's table, the share of logs in which ips warns by design, and the pooled lower limit."""
    lines, shares = [], {}
    all_missed, all_warned = [], []
    for design in DESIGNS:
        found = [verdicts(design, n, logs) for n in sizes]
        missed, warned = (np.concatenate(part).reshape(-1, len(METHODS)) for part in zip(*found, strict=True))
        shares[design] = float(warned[:, 0].mean())  # of ips, which warns most
        cells = [f"{100 * warned[:, j].mean():.0f} / {100 * missed[:, j].mean():.1f}" for j in range(len(METHODS))]
        lines.append(f"| {design} | " + " | ".join(cells) + " |")
        all_missed.append(missed)
        all_warned.append(warned)
    missed, warned = np.concatenate(all_missed), np.concatenate(all_warned)
    pooled = [odds_ratio(missed[:, j], warned[:, j]) for j in range(len(METHODS))]
    whole = odds_ratio(missed.ravel(), warned.ravel())
    lines.append("| odds ratio, pooled | " + " | ".join(f"{a:.2f} (from {b:.2f})" for a, b in pooled) + " |")
    told = f"warned {missed[warned].mean():.1%} miss, unwarned {missed[~warned].mean():.1%}"
    lines.append(f"all three: odds ratio {whole[0]:.2f}, from {whole[1]:.2f}; {told}")
    return lines, shares, whole[1]


@pytest.mark.parametrize(
    "logs, sizes", [(60, (200, 1000, 5000)), pytest.param(400, (200, 1000, 5000), marks=pytest.mark.slow)]
)
def test_a_warned_log_misses_more_often_and_moderate_weights_seldom_warn(logs: int, sizes: tuple[int, ...]) -> None:
    lines, shares, low = table(logs, sizes)
    print("\n".join(lines))
    assert low > 1.0
    assert np.mean([shares[design] for design in MODERATE]) <= 0.25
    assert shares["light"] <= 0.03
