"""OffCEM: exact by enumeration where the model is right within groups, and its limits dr and model plus mean error."""

from typing import Any

import numpy as np
import pytest
from peer_log import peer_log

from driftline.evaluation.off_policy import (
    Bounds,
    Rounds,
    dr,
    embedding_weight,
    estimate_all,
    group_weight,
    marginalised,
    offcem,
)
from driftline.sim.errors import InputError
from driftline.sim.types import Floats

LOG = peer_log()
N = len(LOG.reward)
GROUP = np.array([0, 2, 0, 1, 2, 0])
POLICIES: dict[str, Any] = {"target_policy": LOG.target_policy, "logging_policy": LOG.logging_policy}
MODEL: dict[str, Any] = {
    "q_action": LOG.q_hat[np.arange(N), LOG.action],
    "q_expected": (LOG.target_policy * LOG.q_hat).sum(axis=1),
}


def test_a_groups_probability_is_the_sum_over_its_actions() -> None:
    found = group_weight(action=LOG.action, group=GROUP, **POLICIES)
    for i in (0, 5, 123, N - 1):
        alike = [a for a in range(6) if GROUP[a] == GROUP[LOG.action[i]]]
        expected = sum(LOG.target_policy[i, a] for a in alike) / sum(LOG.logging_policy[i, a] for a in alike)
        assert found[i] == pytest.approx(expected, rel=1e-12)
    as_embedding = embedding_weight(embedding=GROUP[LOG.action], p_e_a=[np.eye(3)[GROUP]], **POLICIES)
    assert found == pytest.approx(as_embedding, rel=1e-12)


def test_groups_may_depend_on_the_context_and_chunks_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    own = np.where((np.arange(N) % 2 == 0)[:, None], GROUP, np.arange(6)[::-1])
    found = group_weight(action=LOG.action, group=own, **POLICIES)
    even = np.arange(N) % 2 == 0
    assert np.array_equal(found[even], group_weight(action=LOG.action, group=GROUP, **POLICIES)[even])
    odd = (LOG.target_policy / LOG.logging_policy)[np.arange(N), LOG.action]
    assert found[~even] == pytest.approx(odd[~even], rel=1e-12)
    monkeypatch.setattr(marginalised, "CHUNK_CELLS", 40)
    assert np.array_equal(found, group_weight(action=LOG.action, group=own, **POLICIES))


def test_one_action_in_each_group_is_doubly_robust() -> None:
    weight = group_weight(action=LOG.action, group=np.arange(6), **POLICIES)
    found = offcem(reward=LOG.reward, embedding_weight=weight, **MODEL)
    rows = np.arange(N)
    whole = dr(
        reward=LOG.reward,
        pscore=LOG.logging_policy[rows, LOG.action],
        target_pscore=LOG.target_policy[rows, LOG.action],
        **MODEL,
    )
    for name in ("value", "std_error", "low", "high"):
        assert getattr(found, name) == pytest.approx(getattr(whole, name), rel=1e-12)
    assert found.method == "offcem (normal)"


def test_a_single_group_is_the_model_plus_its_mean_error() -> None:
    weight = group_weight(action=LOG.action, group=np.zeros(6, dtype=int), **POLICIES)
    assert weight == pytest.approx(np.ones(N))
    found = offcem(reward=LOG.reward, embedding_weight=weight, **MODEL)
    terms = MODEL["q_expected"] + LOG.reward - MODEL["q_action"]
    assert found.value == pytest.approx(terms.mean(), rel=1e-12)
    assert found.std_error == pytest.approx(terms.std(ddof=1) / np.sqrt(N), rel=1e-9)


def _expected(q: Floats, q_hat: Floats, logging: Floats, target: Floats, group: Any) -> float:
    """The mean of the estimator over every context and logged action, contexts equally likely."""
    contexts, actions = q.shape
    context, action = (each.ravel() for each in np.meshgrid(range(contexts), range(actions), indexing="ij"))
    weight = group_weight(
        action=action, group=group[context], target_policy=target[context], logging_policy=logging[context]
    )
    found = (target * q_hat).sum(axis=1)[context] + weight * (q - q_hat)[context, action]
    return float((logging[context, action] * found).sum() / contexts)


def test_it_is_unbiased_exactly_where_the_model_is_right_within_groups() -> None:
    rng = np.random.default_rng(4)
    contexts, actions = 5, 8
    logging, target = rng.dirichlet(np.ones(actions), contexts), rng.dirichlet(np.ones(actions), contexts)
    q, group = rng.random((contexts, actions)), rng.integers(0, 3, (contexts, actions))
    truth = float((target * q).sum(axis=1).mean())
    by_group = np.take_along_axis(rng.normal(size=(contexts, 3)), group, axis=1)
    assert _expected(q, q + by_group, logging, target, group) == pytest.approx(truth, rel=1e-12)
    assert abs(_expected(q, np.zeros_like(q), logging, target, group) - truth) > 0.01
    one_for_each = np.tile(np.arange(actions), (contexts, 1))
    assert _expected(q, np.zeros_like(q), logging, target, one_for_each) == pytest.approx(truth, rel=1e-12)


def test_with_many_actions_groups_are_far_steadier_than_actions() -> None:
    """500 actions in 5 groups, a model with the wrong level in each group: both are unbiased, errors differ."""
    rng = np.random.default_rng(8)
    n, actions = 2000, 500
    group = np.arange(actions) % 5
    logging, target = rng.dirichlet(np.full(actions, 0.3), n), rng.dirichlet(np.full(actions, 0.3), n)
    target = target * (1 + group)
    target /= target.sum(axis=1, keepdims=True)
    q = group / 5 + rng.random(actions) / 5
    action = np.minimum((logging.cumsum(axis=1) < rng.random((n, 1))).sum(axis=1), actions - 1)
    reward = q[action] + 0.1 * rng.normal(size=n)
    q_hat = q - 0.3 * (group - 2)
    model: dict[str, Any] = {"q_action": q_hat[action], "q_expected": target @ q_hat}
    rows = np.arange(n)
    weight = group_weight(action=action, group=group, target_policy=target, logging_policy=logging)
    found = offcem(reward=reward, embedding_weight=weight, **model)
    whole = dr(reward=reward, pscore=logging[rows, action], target_pscore=target[rows, action], **model)
    truth = float((target @ q).mean())
    assert found.std_error < whole.std_error / 3
    assert abs(found.value - truth) < 4 * found.std_error
    assert abs(float(model["q_expected"].mean()) - truth) > 10 * found.std_error


def test_it_is_among_all_estimators_with_their_intervals() -> None:
    weight = group_weight(action=LOG.action, group=GROUP, **POLICIES)
    rounds = Rounds(reward=LOG.reward, embedding_weight=weight, cluster=np.arange(N) // 4, **MODEL)
    found = estimate_all(rounds)
    assert set(found) == {"dm", "mips", "offcem"}
    assert found["offcem"].n == 100
    drawn = offcem(reward=LOG.reward, embedding_weight=weight, **MODEL, interval="bootstrap")
    plain = offcem(reward=LOG.reward, embedding_weight=weight, **MODEL)
    assert drawn.std_error == pytest.approx(plain.std_error, rel=0.15)
    known = offcem(
        reward=LOG.reward, embedding_weight=weight, **MODEL, interval="hoeffding", bounds=Bounds(weight=40.0)
    )
    # terms lie in [0 - 40, 1 + 40]
    assert known.high - known.value == pytest.approx(81 * np.sqrt(np.log(40) / (2 * N)), rel=1e-9)
    with pytest.raises(InputError, match=r"bounds\.weight says at most 1"):
        offcem(reward=LOG.reward, embedding_weight=weight, **MODEL, interval="hoeffding", bounds=Bounds(weight=1.0))
    with pytest.raises(InputError, match="offcem needs embedding_weight"):
        estimate_all(Rounds(reward=LOG.reward, **MODEL), methods=["offcem"])


def test_bad_groups_are_refused() -> None:
    for group, said in (
        (np.zeros(5, dtype=int), r"group has shape \(5,\); must be \[6\] or \[400, 6\]"),
        (np.zeros(6), "group: must be whole numbers, got float64"),
    ):
        with pytest.raises(InputError, match=said):
            group_weight(action=LOG.action, group=group, **POLICIES)
    never: dict[str, Any] = {"target_policy": np.full((1, 2), 0.5), "logging_policy": np.array([[1.0, 0.0]])}
    with pytest.raises(InputError, match=r"action\[0\] is 1, whose group has probability 0 under the logging policy"):
        group_weight(action=np.array([1]), group=np.arange(2), **never)
