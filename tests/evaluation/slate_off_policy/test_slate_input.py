"""Bad logs: one clear error or one named warning each."""

from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from driftline.evaluation.importance.rows import place
from driftline.evaluation.slate_off_policy import (
    cascade_dr,
    cascade_pscore,
    gamma_matrix,
    gamma_weights,
    pseudo_inverse,
    reduce_q_hat,
    rips,
    sips,
    slates_from_frame,
    slates_from_rows,
    snsips,
)
from driftline.sim.errors import InputError

TWO = {"slate_id": np.array([5, 5, 9, 9]), "position": np.array([0, 1, 0, 1]), "reward": np.array([1.0, 0, 0, 1])}


@given(st.integers(1, 6), st.integers(1, 4), st.integers(0, 2**31), st.sampled_from(["dense", "sparse", "text"]))
@settings(max_examples=60, deadline=None)
def test_any_order_of_rows_gives_the_same_table(n: int, length: int, seed: int, kind: str) -> None:
    rng = np.random.default_rng(seed)
    ids = {
        "dense": np.arange(n) + 3,
        "sparse": np.arange(n) * 10**12 - 5,
        "text": np.array([f"s{k}" for k in range(n)]),
    }
    table = rng.normal(size=(n, length))
    order = rng.permutation(n * length)
    found = slates_from_rows(
        slate_id=np.repeat(ids[kind], length)[order],
        position=np.tile(np.arange(length), n)[order],
        reward=table.ravel()[order],
    )
    assert np.array_equal(found.reward, table)
    assert np.array_equal(found.slate_id, ids[kind])


@given(st.lists(st.integers(1, 5), min_size=1, max_size=6), st.integers(0, 2**31))
@settings(max_examples=40, deadline=None)
def test_ragged_rows_find_their_place(lengths: list[int], seed: int) -> None:
    ids, steps = np.repeat(np.arange(len(lengths)), lengths), np.concatenate([np.arange(k) for k in lengths])
    order = np.random.default_rng(seed).permutation(len(ids))
    found = place(ids[order], steps[order], id_name="trajectory", place_name="step", ragged=True)
    assert found.length.tolist() == lengths
    for i, length in enumerate(lengths):
        assert (ids[order][found.rows[i, :length]] == i).all()
        assert steps[order][found.rows[i, :length]].tolist() == list(range(length))
        assert (found.rows[i, length:] == -1).all()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"position": [0, 0, 0, 1]}, r"slate_id 5 has position 0 more than once \(row 0\)"),
        ({"position": [0, 1, 0, 2]}, "slate_id 5 has no position 2; position counts from 0 to 2"),
        ({"position": [1, 2, 1, 2]}, "slate_id 5 has no position 0"),
        ({"position": [0, 1, -1, 1]}, "slate_id 9 has position -1; it must be at least 0"),
        ({"position": [0, 0.5, 0, 1]}, "position must be whole numbers from 0, got 0.5 in row 1"),
        ({"position": [0, 1, 0, 2**40]}, "at most 1073741824 are held"),
        ({"slate_id": [0.5, 0.5, 1, 1]}, "slate_id must be integers or text"),
        ({"slate_id": [1, 1, 2]}, r"slate_id and position need one value per row, got shapes \(3,\) and \(4,\)"),
        ({"reward": [1, 0, np.nan, 1]}, "reward of slate 9, position 0 is nan; must be finite"),
        ({"reward": [1, 0, 1]}, r"reward has shape \(3,\); must have one value a row \(4,\)"),
        ({"reward": ["a", "b", "c", "d"]}, "reward: must be numbers"),
        ({"pscore": [0.5, 0.5, 0.0, 0.0]}, r"pscore of slate 9, position 0 is 0; must be above 0"),
        ({"pscore": [0.5, 0.5, 1.5, 1.5]}, "pscore of slate 9, position 0 is 1.5"),
        ({"pscore": [0.5, 0.4, 0.1, 0.1]}, "pscore of slate_id 5 is 0.5 at position 0, 0.4 at position 1"),
        ({"pscore_item_position": [0.5, np.nan, 1, 1]}, "pscore_item_position of slate 5, position 1 is nan"),
        (
            {"pscore_cascade": [0.5, 0.6, 1, 1]},
            "pscore_cascade of slate 5, position 1 is 0.6; it is the probability of",
        ),
        ({"target_pscore_cascade": [0.5, 0.6, 1, 1]}, "target_pscore_cascade of slate 5, position 1 is 0.6"),
        ({"target_pscore": [-0.1, -0.1, 1, 1]}, "target_pscore of slate 5, position 0 is -0.1; must be between"),
        ({"cluster": [1, 2, 3, 3]}, "cluster of slate_id 5 is 1 at position 0, 2 at position 1"),
    ],
)
def test_bad_rows_are_named(change: dict[str, list[float]], message: str) -> None:
    with pytest.raises(InputError, match=message):
        slates_from_rows(**{**TWO, **{name: np.array(values) for name, values in change.items()}})


def test_frames_take_columns_by_name_or_mapping() -> None:
    frame = pl.DataFrame(
        {"slate": TWO["slate_id"], "position": TWO["position"], "click": [1, 0, 0, 1], "pscore": [0.5] * 4}
    )
    log = slates_from_frame(frame, {"slate_id": "slate", "reward": "click"})
    assert log.reward.tolist() == [[1, 0], [0, 1]]
    assert log.pscore is not None
    assert log.pscore.tolist() == [0.5, 0.5]
    with pytest.raises(InputError, match="no column 'slate_id' for slate_id: did you mean 'slate'"):
        slates_from_frame(frame, {"reward": "click"})
    with pytest.raises(InputError, match="columns names 'rewrad': did you mean 'reward'"):
        slates_from_frame(frame, {"slate_id": "slate", "rewrad": "click"})
    with pytest.raises(InputError, match="column 'click' is null in row 3"):
        slates_from_frame(
            frame.with_columns(pl.Series("click", [1, 0, 0, None])), {"slate_id": "slate", "reward": "click"}
        )


def test_arrays_are_checked_as_rows_are() -> None:
    with pytest.raises(InputError, match=r"pscore of slate 1 is 0;"):
        sips(reward=np.ones(2), pscore=[0.5, 0.0], target_pscore=[0.5, 0.5])
    with pytest.raises(InputError, match="pscore has 3 rows; must have 2"):
        sips(reward=np.ones(2), pscore=np.ones(3), target_pscore=np.ones(2))
    with pytest.raises(InputError, match=r"reward has shape \(2,\); must have one value a slate and position"):
        rips(reward=np.ones(2), pscore_cascade=np.ones(2), target_pscore_cascade=np.ones(2))
    ones = np.ones((1, 2))
    with pytest.raises(
        InputError, match=r"target_pscore_cascade of slate 0, position 1 is 0\.3; it is the probability"
    ):
        rips(reward=ones, pscore_cascade=ones, target_pscore_cascade=[[0.2, 0.3]])
    with pytest.raises(InputError, match=r"target_pscore_cascade of slate 0, position 0 is -0\.1"):
        rips(reward=ones, pscore_cascade=ones, target_pscore_cascade=[[-0.1, -0.1]])
    with pytest.raises(InputError, match="interval is 'boostrap'; did you mean 'bootstrap'"):
        sips(reward=np.ones(2), pscore=np.ones(2), target_pscore=np.ones(2), interval="boostrap")  # type: ignore[arg-type]
    with pytest.raises(InputError, match="level is 95"):
        sips(reward=np.ones(2), pscore=np.ones(2), target_pscore=np.ones(2), level=95)
    with pytest.raises(InputError, match="cluster has 1 rows; must have 2"):
        sips(reward=np.ones(2), pscore=np.ones(2), target_pscore=np.ones(2), cluster=[1])


def test_dense_arrays_and_gammas_are_checked() -> None:
    action, policy = np.array([[0, 2]]), np.full((1, 2, 3), 1 / 3)
    with pytest.raises(InputError, match=r"q_hat has shape \(1, 3, 2\)"):
        reduce_q_hat(action=action, q_hat=np.zeros((1, 3, 2)), target_policy=policy)
    with pytest.raises(InputError, match="action of slate 0, position 1 is 3; must be at least 0 and below 3"):
        reduce_q_hat(action=action + 1, q_hat=np.zeros((1, 2, 3)), target_policy=policy)
    with pytest.raises(InputError, match=r"action is int64 of shape \(2,\); must be whole numbers \[n, L\]"):
        reduce_q_hat(action=action[0], q_hat=np.zeros((1, 2, 3)), target_policy=policy)
    with pytest.raises(InputError, match=r"target_policy of slate 0, position 0 sums to 0.5"):
        reduce_q_hat(action=action, q_hat=np.zeros((1, 2, 3)), target_policy=policy / 2)
    with pytest.raises(InputError, match="q_expected of slate 0, position 1 is inf"):
        cascade_dr(
            reward=[[1, 0]],
            pscore_cascade=[[1, 1]],
            target_pscore_cascade=[[1, 1]],
            q_hat_factual=[[0, 0]],
            q_expected=[[0, np.inf]],
        )
    with pytest.raises(InputError, match=r"probability sums to 0\.5; must be at least 0 each and sum to 1"):
        gamma_matrix(slates=action, probability=[0.5], items=3)
    with pytest.raises(InputError, match="gamma has 2 contexts"):
        gamma_weights(action=action, gamma=np.zeros((2, 6, 6)), target_marginal=np.zeros((2, 2, 3)))
    with pytest.raises(InputError, match="or weights from gamma_weights"):
        pseudo_inverse(reward=np.ones(2))


def test_conditional_log_probabilities_become_cumulative_propensities() -> None:
    found = cascade_pscore(np.log([[0.5, 0.5], [1.0, 0.2]]))
    assert np.allclose(found, [[0.5, 0.25], [1.0, 0.2]])


def test_a_target_that_never_agrees_with_the_log_says_so() -> None:
    none: dict[str, Any] = {"reward": np.ones(50), "pscore": np.full(50, 0.5), "target_pscore": np.zeros(50)}
    plain, own = sips(**none), snsips(**none)
    assert plain.value == 0.0
    assert np.isnan(own.value)
    for found in (plain, own):
        assert any("takes none of the 50 slates" in each for each in found.warnings)
    assert any("a normaliser is 0" in each for each in own.warnings)


def test_missing_support_shows_in_the_mean_weight() -> None:
    """The target puts 40 % of its slates where logging never goes."""
    rng = np.random.default_rng(1)
    pscore = np.full(2000, 0.5)
    target = np.where(rng.random(2000) < 0.5, 0.4, 0.2)
    found = sips(reward=np.ones(2000), pscore=pscore, target_pscore=target)
    assert any(
        "mean weight: 0.6" in each and "the target policy does what the logging" in each for each in found.warnings
    )
    swapped = sips(reward=np.ones(2000), pscore=target, target_pscore=pscore)
    assert any("logged ones too small" in each for each in swapped.warnings)


def test_heavy_weights_are_named_with_their_position() -> None:
    rng = np.random.default_rng(2)
    weight = np.stack([np.ones(1000), np.minimum(rng.lognormal(-4.5, 3.0, 1000), 500.0)], axis=1)
    logged = np.tile([1.0, 1 / 500], (1000, 1))
    found = rips(reward=np.ones((1000, 2)), pscore_cascade=logged, target_pscore_cascade=weight * logged)
    joined = " | ".join(found.warnings)
    assert "effective sample size" in joined
    assert "slates at position 1; the largest weight" in joined
    assert "% of all; few decide" in joined


def test_rare_rewards_and_few_slates_are_named() -> None:
    ones = np.ones(200)
    rare = sips(reward=np.eye(200)[0], pscore=ones, target_pscore=ones)
    assert any("a few of 200 slates decide value and error (skewness 0.99" in each for each in rare.warnings)
    few = sips(reward=np.eye(3)[0], pscore=np.ones(3), target_pscore=np.ones(3), cluster=[1, 2, 3])
    assert any("only 3 clusters" in each for each in few.warnings)
    one = sips(reward=ones, pscore=ones, target_pscore=ones, cluster=np.zeros(200))
    assert np.isnan(one.low)
    assert any("units: 1 of clusters; no interval can be told" in each for each in one.warnings)


def test_an_empty_log_has_no_value() -> None:
    found = sips(reward=np.empty(0), pscore=np.empty(0), target_pscore=np.empty(0))
    assert np.isnan(found.value)
    assert found.warnings[0] == "no slates"
    assert len(slates_from_rows(slate_id=np.empty(0, int), position=np.empty(0, int), reward=np.empty(0))) == 0


def test_a_clean_log_has_no_warnings() -> None:
    rng = np.random.default_rng(3)
    target = rng.choice([0.4, 0.6], 2000)
    found = snsips(reward=rng.random(2000), pscore=np.full(2000, 0.5), target_pscore=target)
    assert found.warnings == ()
