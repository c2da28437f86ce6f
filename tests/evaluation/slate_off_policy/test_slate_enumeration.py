"""Every estimator's expectation, by enumeration of all ordered slates, is the target's value under its click model."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from slate_world import ITEMS, Policy, SlateWorld, rewards, world

from driftline.evaluation.estimate import Estimate
from driftline.evaluation.slate_off_policy import (
    cascade_dr,
    gamma_matrix,
    gamma_weights,
    iips,
    pseudo_inverse,
    reduce_q_hat,
    rips,
    sips,
    slate_marginal,
    sniips,
    snrips,
    snsips,
    weighted_pseudo_inverse,
)
from driftline.sim.types import Floats

Estimator = Callable[..., Estimate]
FIELDS = {"pscore": "slate", "pscore_cascade": "cascade", "pscore_item_position": "item_position"}
NEEDS: dict[str, tuple[Estimator, Estimator, str]] = {
    "standard": (sips, snsips, "pscore"),
    "cascade": (rips, snrips, "pscore_cascade"),
    "independent": (iips, sniips, "pscore_item_position"),
}
ORDER = ("independent", "cascade", "standard")
"""Each model contains the ones before it."""


def _pscores(name: str, here: SlateWorld, rows: Any) -> dict[str, Any]:
    logged, target = (getattr(each, FIELDS[name])[rows] for each in (here.logging, here.target))
    return {name: logged, f"target_{name}": target}


def _expectation(estimator: Estimator, here: SlateWorld, name: str, reward: Floats) -> float:
    """Over the logging policy's slates, one call with one slate each."""
    values = [estimator(reward=reward[[s]], **_pscores(name, here, [s])).value for s in range(len(here.slates))]
    return float(here.logging.slate @ values)


@pytest.mark.parametrize("repeats", [False, True])
@pytest.mark.parametrize("model", list(NEEDS))
def test_importance_sampling_is_unbiased_under_its_own_click_model(model: str, repeats: bool) -> None:
    here = world(3, repeats)
    estimator, _, name = NEEDS[model]
    for reward_model in ORDER[: ORDER.index(model) + 1]:
        reward = rewards(here.slates, reward_model, 5)
        truth = float(here.target.slate @ reward.sum(axis=1))
        assert _expectation(estimator, here, name, reward) == pytest.approx(truth, abs=1e-9)


@pytest.mark.parametrize("model", ["independent", "cascade"])
def test_importance_sampling_is_biased_where_more_matters_than_it_assumes(model: str) -> None:
    here = world(3)
    reward = rewards(here.slates, ORDER[ORDER.index(model) + 1], 5)
    truth = float(here.target.slate @ reward.sum(axis=1))
    assert abs(_expectation(NEEDS[model][0], here, NEEDS[model][2], reward) - truth) > 0.01


@pytest.mark.parametrize("model", list(NEEDS))
def test_self_normalised_forms_find_the_truth_in_a_log_in_proportion(model: str) -> None:
    here = world(4)
    rows, reward = here.log(), rewards(here.slates, model, 6)
    truth = float(here.target.slate @ reward.sum(axis=1))
    for estimator in NEEDS[model][:2]:
        found = estimator(reward=reward[rows], **_pscores(NEEDS[model][2], here, rows))
        assert found.value == pytest.approx(truth, abs=1e-9)
        assert not any("mean weight" in each for each in found.warnings)


def test_slate_rewards_need_no_positions_under_the_standard_model() -> None:
    here = world(5)
    reward = rewards(here.slates, "standard", 7).sum(axis=1)
    assert _expectation(sips, here, "pscore", reward) == pytest.approx(float(here.target.slate @ reward), abs=1e-9)


@pytest.mark.parametrize("right", [False, True])
def test_cascade_dr_is_unbiased_under_the_cascade_model_for_any_q_hat(right: bool) -> None:
    here = world(6)
    reward = rewards(here.slates, "cascade", 8)
    truth = float(here.target.slate @ reward.sum(axis=1))
    q_hat = _true_q(here, reward) if right else _any_q(here)
    factual, expected = reduce_q_hat(action=here.slates, q_hat=q_hat, target_policy=here.target.conditional)
    values = [
        cascade_dr(
            reward=reward[[s]],
            q_hat_factual=factual[[s]],
            q_expected=expected[[s]],
            **_pscores("pscore_cascade", here, [s]),
        ).value
        for s in range(len(here.slates))
    ]
    assert float(here.logging.slate @ values) == pytest.approx(truth, abs=1e-9)
    # with the true q and rewards without noise nothing is left to chance
    assert (np.ptp(values) < 1e-9) is np.bool_(right)


def _any_q(here: SlateWorld) -> Floats:
    """Numbers without meaning, but the same for the same items above."""
    rng = np.random.default_rng(9)
    known: dict[tuple[int, ...], Floats] = {}
    keys = [[tuple(slate[:k]) for k in range(len(slate))] for slate in here.slates.tolist()]
    return np.array([[known.setdefault(key, rng.normal(size=ITEMS)) for key in row] for row in keys])


def _true_q(here: SlateWorld, reward: Floats) -> Floats:
    """q_k(a_0..a_k-1, a): expected reward from position k on, by brute force; 0 for what cannot be shown."""
    q = np.zeros((*here.slates.shape, ITEMS))
    for s, slate in enumerate(here.slates):
        for k in range(here.slates.shape[1]):
            for a in range(ITEMS):
                same = (here.slates[:, :k] == slate[:k]).all(axis=1) & (here.slates[:, k] == a)
                if same.any():
                    q[s, k, a] = np.average(reward[same, k:].sum(axis=1), weights=here.target.slate[same])
    return q


@pytest.mark.parametrize("repeats", [False, True])
def test_pseudo_inverse_is_unbiased_for_additive_rewards_under_any_logging_policy(repeats: bool) -> None:
    here = world(7, repeats)
    reward = rewards(here.slates, "independent", 10).sum(axis=1)
    truth = float(here.target.slate @ reward)
    gamma = gamma_matrix(slates=here.slates, probability=here.logging.slate, items=ITEMS)
    marginal = slate_marginal(slates=here.slates, probability=here.target.slate, items=ITEMS)
    weights = gamma_weights(action=here.slates, gamma=gamma, target_marginal=marginal)
    assert weights.unseen.max() < 1e-9
    assert float(here.logging.slate @ (weights.weight * reward)) == pytest.approx(truth, abs=1e-9)
    assert float(here.logging.slate @ weights.weight) == pytest.approx(1.0, abs=1e-9)
    rows = here.log()
    logged = gamma_weights(action=here.slates[rows], gamma=gamma, target_marginal=marginal)
    for estimator in (pseudo_inverse, weighted_pseudo_inverse):
        assert estimator(reward=reward[rows], weights=logged).value == pytest.approx(truth, abs=1e-9)


def test_pseudo_inverse_is_not_importance_sampling_in_disguise() -> None:
    """It sees sums only, so its weights vary less than those of whole slates, and interactions bias it."""
    here = world(7)
    gamma = gamma_matrix(slates=here.slates, probability=here.logging.slate, items=ITEMS)
    marginal = slate_marginal(slates=here.slates, probability=here.target.slate, items=ITEMS)
    weight = gamma_weights(action=here.slates, gamma=gamma, target_marginal=marginal).weight
    whole = here.target.slate / here.logging.slate
    assert here.logging.slate @ (weight - 1) ** 2 < 0.9 * (here.logging.slate @ (whole - 1) ** 2)
    reward = rewards(here.slates, "standard", 10).sum(axis=1)
    assert abs(float(here.logging.slate @ (weight * reward) - here.target.slate @ reward)) > 0.01


def test_the_product_policys_formula_is_the_pseudo_inverse_of_its_gamma() -> None:
    rng = np.random.default_rng(11)
    slates = world(0, repeats=True).slates
    positions = rng.dirichlet(np.ones(ITEMS), slates.shape[1])
    logged = np.stack([positions[k, slates[:, k]] for k in range(slates.shape[1])], axis=1)
    chance = rng.dirichlet(np.ones(len(slates)))
    marginal = slate_marginal(slates=slates, probability=chance, items=ITEMS)
    target = np.stack([marginal[k, slates[:, k]] for k in range(slates.shape[1])], axis=1)
    gamma = gamma_matrix(slates=slates, probability=logged.prod(axis=1), items=ITEMS)
    weights = gamma_weights(action=slates, gamma=gamma, target_marginal=marginal)
    reward = rng.normal(size=len(slates))
    general = pseudo_inverse(reward=reward, weights=weights)
    product = pseudo_inverse(reward=reward, pscore_item_position=logged, target_pscore_item_position=target)
    assert np.allclose([product.value, product.std_error], [general.value, general.std_error], atol=1e-9)


def test_contexts_have_their_own_gamma() -> None:
    worlds = [world(1), world(2)]
    gamma = np.stack([gamma_matrix(slates=each.slates, probability=each.logging.slate, items=ITEMS) for each in worlds])
    marginal = np.stack(
        [slate_marginal(slates=each.slates, probability=each.target.slate, items=ITEMS) for each in worlds]
    )
    action = np.concatenate([worlds[0].slates, worlds[1].slates])
    context = np.repeat([0, 1], len(worlds[0].slates))
    both = gamma_weights(action=action, gamma=gamma, target_marginal=marginal, context=context)
    for c, each in enumerate(worlds):
        alone = gamma_weights(action=each.slates, gamma=gamma[c], target_marginal=marginal[c])
        assert np.allclose(both.weight[context == c], alone.weight, atol=1e-12)


def test_what_the_logging_policy_cannot_show_is_named() -> None:
    here = world(8)
    probability = np.where((here.slates == 3).any(axis=1), 0.0, 1.0)
    gamma = gamma_matrix(slates=here.slates, probability=probability / probability.sum(), items=ITEMS)
    marginal = slate_marginal(slates=here.slates, probability=here.target.slate, items=ITEMS)
    shown = here.slates[probability > 0]
    weights = gamma_weights(action=shown, gamma=gamma, target_marginal=marginal)
    found = pseudo_inverse(reward=np.ones(len(shown)), weights=weights)
    assert any("in 1 of 1 contexts the target policy shows what the logging policy cannot" in w for w in found.warnings)


def test_enumerated_propensities_agree_with_the_definitions() -> None:
    here = world(1)
    each: Policy
    for each in (here.logging, here.target):
        assert each.slate.sum() == pytest.approx(1.0)
        assert np.allclose(each.cascade[:, -1], each.slate)
        assert np.allclose(each.cascade[:, 0], each.item_position[:, 0])
        assert np.allclose(each.conditional.sum(axis=2), 1.0)
