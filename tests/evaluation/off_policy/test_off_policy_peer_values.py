"""Values of sb-obp 0.5.10 on the same arrays, and where it is wrong."""

from typing import Any

import numpy as np
import pytest
from peer_log import (
    LAMBDAS,
    PEER,
    PEER_BERNSTEIN_LOW,
    PEER_HOEFFDING_LOW,
    PEER_MIPS_ESTIMATED,
    PEER_MIPS_ONE_DIMENSION,
    PEER_MIPS_THREE_DIMENSIONS,
    PEER_SNIPS_BOOTSTRAP_WIDTH,
    peer_log,
)

from driftline.evaluation.off_policy import (
    Bounds,
    embedding_weight,
    estimate_all,
    estimated_embedding_weight,
    ips,
    mips,
    replay,
    snips,
)
from driftline.sim.errors import InputError

LOG = peer_log()
BOTH: dict[str, Any] = {"target_policy": LOG.target_policy, "logging_policy": LOG.logging_policy}
ARRAYS: dict[str, Any] = {name: LOG.rounds.need(name, "test") for name in ("reward", "pscore", "target_pscore")}


@pytest.mark.parametrize("method", [name for name in PEER if name != "replay"])
def test_values_are_those_of_the_peer(method: str) -> None:
    found = estimate_all(LOG.rounds, methods=[method], lambdas=LAMBDAS)[method]
    assert found.value == pytest.approx(PEER[method], abs=1e-12)


def test_replay_is_that_of_the_peer() -> None:
    target = LOG.deterministic[np.arange(len(LOG.action)), LOG.action]
    assert replay(reward=LOG.reward, target_pscore=target).value == pytest.approx(PEER["replay"], abs=1e-12)


def test_replay_refuses_to_call_no_match_zero_as_the_peer_does() -> None:
    with pytest.raises(InputError, match="matches none"):
        replay(reward=LOG.reward, target_pscore=np.zeros(len(LOG.reward)))


def test_marginal_weights_of_one_dimension_are_those_of_the_peer() -> None:
    weight = embedding_weight(embedding=LOG.embedding[:, :1], p_e_a=LOG.p_e_a[:, :, :1], **BOTH)
    found = mips(reward=LOG.reward, embedding_weight=weight)
    assert found.value == pytest.approx(PEER_MIPS_ONE_DIMENSION, abs=1e-12)


def test_marginal_weights_of_several_dimensions_are_joint_and_not_the_peers_product() -> None:
    expected = []
    for i, e in enumerate(LOG.embedding):
        joint = [np.prod([LOG.p_e_a[a, e[d], d] for d in range(3)]) for a in range(6)]
        expected.append((LOG.target_policy[i] @ joint) / (LOG.logging_policy[i] @ joint))
    weight = embedding_weight(embedding=LOG.embedding, p_e_a=LOG.p_e_a, **BOTH)
    assert weight == pytest.approx(np.array(expected), abs=1e-12)
    found = mips(reward=LOG.reward, embedding_weight=weight)
    assert found.value == pytest.approx(float(np.mean(LOG.reward * expected)), abs=1e-12)
    assert abs(found.value - PEER_MIPS_THREE_DIMENSIONS) > 1e-3


def test_joint_weights_have_mean_one_in_every_context_and_the_peers_product_has_not() -> None:
    logging, target = LOG.logging_policy[:1], LOG.target_policy[:1]
    cells = np.stack(np.meshgrid(*[np.arange(4)] * 3, indexing="ij"), -1).reshape(-1, 3)
    joint = np.prod([LOG.p_e_a[:, cells[:, d], d] for d in range(3)], axis=0)
    repeated = {
        name: np.repeat(p, len(cells), 0) for name, p in (("target_policy", target), ("logging_policy", logging))
    }
    weight = embedding_weight(embedding=cells, p_e_a=LOG.p_e_a, **repeated)
    assert (logging[0] @ joint) @ weight == pytest.approx(1.0, abs=1e-12)
    ratios = [(target[0] @ LOG.p_e_a[:, :, d]) / (logging[0] @ LOG.p_e_a[:, :, d]) for d in range(3)]
    peers = np.prod([ratios[d][cells[:, d]] for d in range(3)], axis=0)
    assert abs((logging[0] @ joint) @ peers - 1.0) > 1e-3


def test_estimated_marginal_weights_work_on_todays_scikit_learn() -> None:
    from sklearn.linear_model import LogisticRegression

    weight = estimated_embedding_weight(
        context=LOG.context,
        action=LOG.action,
        embedding=LOG.embedding,
        classifier=LogisticRegression(max_iter=1000, random_state=12345),
        **BOTH,
    )
    # two solvers' stopping points
    assert mips(reward=LOG.reward, embedding_weight=weight).value == pytest.approx(PEER_MIPS_ESTIMATED, abs=1e-4)


def test_finite_sample_limits_are_those_of_the_peers_helpers() -> None:
    bounds = Bounds(reward=(0.0, 1.0), weight=60.0)
    assert ips(**ARRAYS, interval="hoeffding", bounds=bounds).low == pytest.approx(PEER_HOEFFDING_LOW, abs=1e-9)
    found = ips(**ARRAYS, interval="empirical_bernstein", bounds=bounds)
    assert found.low == pytest.approx(PEER_BERNSTEIN_LOW, abs=1e-9)


def test_a_frozen_normaliser_makes_the_peers_interval_of_snips_too_wide() -> None:
    normal, drawn = snips(**ARRAYS), snips(**ARRAYS, interval="bootstrap", replicates=4000)
    assert drawn.high - drawn.low == pytest.approx(normal.high - normal.low, rel=0.1)
    assert 1.5 * (normal.high - normal.low) < PEER_SNIPS_BOOTSTRAP_WIDTH
