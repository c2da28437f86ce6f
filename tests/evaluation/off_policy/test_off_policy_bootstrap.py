from typing import Any

import numpy as np
import pytest
from peer_log import LAMBDAS, peer_log
from scipy import stats

from driftline.evaluation.bootstrap import resampled_sums
from driftline.evaluation.off_policy import Rounds, estimate_all
from driftline.sim.errors import InputError

ROUNDS = peer_log().rounds
VECTORS = ("reward", "pscore", "target_pscore", "q_action", "q_expected")


def test_replicates_are_the_estimator_on_counted_rounds() -> None:
    n, replicates = 16, 12
    arrays: dict[str, Any] = {name: ROUNDS.need(name, "test")[:n] for name in VECTORS}
    short = Rounds(**arrays)
    counts = resampled_sums(list(np.eye(n)), None, 7, replicates)
    wider = np.sqrt(n / (n - 1))
    found = estimate_all(short, interval="bootstrap", seed=7, replicates=replicates)
    plain = estimate_all(short)
    for name in ("ips", "snips", "dr", "sndr", "dm"):
        values = []
        for c in counts:
            base = c @ short.need("q_expected", "") / c.sum() if name in ("dm", "dr", "sndr") else 0.0
            top = c @ (short.weighted_residual if name in ("dr", "sndr") else short.weighted_reward)
            bottom = c @ short.weight if name in ("snips", "sndr") else c.sum()
            values.append(base + (0.0 if name == "dm" else top / bottom))
        replicated = plain[name].value + (np.array(values) - plain[name].value) * wider
        assert found[name].std_error == pytest.approx(float(np.std(replicated)), rel=1e-9)
        assert (found[name].low, found[name].high) == pytest.approx(tuple(np.quantile(replicated, [0.025, 0.975])))


def test_bootstrap_errors_are_those_of_the_delta_method() -> None:
    replicates = 4000
    normal = estimate_all(ROUNDS, lambdas=LAMBDAS)
    drawn = estimate_all(ROUNDS, lambdas=LAMBDAS, interval="bootstrap", replicates=replicates)
    for name, found in drawn.items():
        # the delta method is off by O(1 / effective n), which is 1 % here
        assert found.std_error == pytest.approx(normal[name].std_error, rel=4 / np.sqrt(2 * replicates) + 0.01), name


def test_bootstrap_resamples_whole_users() -> None:
    user = np.repeat(np.arange(100), 4)
    effect = np.random.default_rng(1).normal(0, 1, 100)[user]
    clustered = Rounds(reward=effect, pscore=np.full(400, 0.5), target_pscore=np.full(400, 0.5), cluster=user)
    found = estimate_all(clustered, methods=["ips"], interval="bootstrap", replicates=4000)["ips"]
    assert found.n == 100
    assert found.std_error == pytest.approx(stats.sem(effect[::4]), rel=4 / np.sqrt(2 * 4000))


def test_the_same_seed_gives_the_same_interval_and_another_seed_another() -> None:
    def low(seed: int) -> float:
        return estimate_all(ROUNDS, methods=["dr"], interval="bootstrap", seed=seed, replicates=50)["dr"].low

    assert low(1) == low(1)
    assert low(1) != low(2)


def test_replicates_without_weight_are_left_out_and_told() -> None:
    target = np.zeros(40)
    target[:2] = 0.5
    rounds = Rounds(reward=np.arange(40.0), pscore=np.full(40, 0.5), target_pscore=target)
    found = estimate_all(rounds, methods=["snips"], interval="bootstrap", replicates=500)["snips"]
    assert any(line.startswith("bootstrap: in ") for line in found.warnings)
    assert np.isfinite([found.low, found.high]).all()


def test_too_few_replicates_are_refused() -> None:
    with pytest.raises(InputError, match="replicates is 1"):
        estimate_all(ROUNDS, interval="bootstrap", replicates=1)
