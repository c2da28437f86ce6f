"""Fitted clicks and satisfaction come near the models that made them."""

import numpy as np
import pytest
from scipy.special import ndtr

from driftline.agents.models.response import (
    Link,
    SatisfactionModel,
    choice_log_likelihood,
    fit_choice_weights,
    fit_position_weights,
    fit_satisfaction,
)
from driftline.sim.types import Floats, Int64s

LENGTH = 5
POSITION = -0.5 * np.log1p(np.arange(LENGTH))


def choices(x: Floats, weights: Floats, outside: float, seed: int) -> Int64s:
    rng = np.random.default_rng(seed)
    utility = np.column_stack([x @ weights + POSITION, np.full(len(x), outside)])
    return np.asarray((utility + rng.gumbel(size=utility.shape)).argmax(axis=1), dtype=np.int64)


def design(x: Floats, free_positions: bool) -> Floats:
    """Columns of every option [n, L + 1, params]: features, outside, positions after the first."""
    n, length, width = x.shape
    full = np.zeros((n, length + 1, width + 1 + (length - 1) * free_positions))
    full[:, :length, :width] = x
    full[:, length, width] = 1.0
    for k in range(1, length):
        if free_positions:
            full[:, k, width + k] = 1.0
    return full


def standard_errors(full: Floats, theta: Floats, offset: Floats) -> Floats:
    u = full @ theta + offset
    p = np.exp(u - u.max(axis=1, keepdims=True))
    p /= p.sum(axis=1, keepdims=True)
    mean = np.einsum("nk,nkp->np", p, full)
    information = np.einsum("nk,nkp,nkq->pq", p, full, full) - mean.T @ mean
    return np.asarray(np.sqrt(np.diag(np.linalg.inv(information))), dtype=np.float64)


def test_planted_weights_are_recovered_within_four_standard_errors() -> None:
    x = np.random.default_rng(1).normal(size=(8000, LENGTH, 3))
    true, outside = np.array([1.0, -0.5, 0.2]), 1.2
    model = fit_choice_weights(x, POSITION, choices(x, true, outside, 2), 1e-6, np.zeros(3))
    theta = np.append(true, outside)
    error = standard_errors(design(x, False), theta, np.append(POSITION, 0.0))
    assert error.max() < 0.05
    assert (np.abs(np.append(model.weights, model.outside) - theta) < 4 * error).all()


def test_position_weights_are_recovered_from_randomised_slates() -> None:
    x = np.random.default_rng(3).normal(size=(8000, LENGTH, 2))
    true, outside = np.array([0.8, 0.3]), 0.5
    model = fit_position_weights(x, choices(x, true, outside, 4), 1e-6, np.zeros(2))
    theta = np.concatenate([true, [outside], POSITION[1:]])
    error = standard_errors(design(x, True), theta, np.zeros(LENGTH + 1))
    found = np.concatenate([model.weights, [model.outside], model.position[1:]])
    assert model.position[0] == 0.0
    assert error.max() < 0.08
    assert (np.abs(found - theta) < 4 * error).all()


def test_without_columns_position_weights_are_the_log_ratios_of_counts() -> None:
    count = np.array([400, 250, 150, 100, 60, 300])
    choice = np.repeat(np.arange(6), count)
    model = fit_position_weights(np.zeros((len(choice), LENGTH, 0)), choice, 1.0, np.zeros(0))
    np.testing.assert_allclose(model.position, np.log(count[:5] / count[0]), atol=1e-3)
    assert model.outside == pytest.approx(np.log(300 / 400), abs=1e-3)


def test_a_strong_ridge_returns_the_trusted_expert_and_none_overrules_it() -> None:
    x = np.random.default_rng(5).normal(size=(2000, LENGTH, 2))
    choice = choices(x, np.array([0.0, 1.0]), 1.0, 6)
    trusted = np.array([1.0, 0.0])
    np.testing.assert_allclose(fit_choice_weights(x, POSITION, choice, 1e9, trusted).weights, trusted, atol=1e-4)
    free = fit_choice_weights(x, POSITION, choice, 1e-3, trusted).weights
    np.testing.assert_allclose(free, [0.0, 1.0], atol=0.15)


def test_the_unit_of_a_column_does_not_matter() -> None:
    x = np.random.default_rng(7).normal(size=(500, LENGTH, 2))
    choice = choices(x, np.array([0.6, 0.6]), 1.0, 8)
    plain = fit_choice_weights(x, POSITION, choice, 50.0, np.zeros(2))
    scaled = fit_choice_weights(x * np.array([1.0, 100.0]), POSITION, choice, 50.0, np.zeros(2))
    np.testing.assert_allclose(scaled.weights * [1.0, 100.0], plain.weights, rtol=1e-3)


def test_a_noise_column_gets_next_to_nothing() -> None:
    rng = np.random.default_rng(9)
    x = rng.normal(size=(3000, LENGTH, 2))
    choice = choices(x, np.array([1.0, 0.0]), 1.0, 10)
    weights = fit_choice_weights(x, POSITION, choice, 10.0, np.array([1.0, 0.0])).weights
    assert abs(weights[1]) < 0.1


def test_log_likelihood_is_the_mean_log_probability_and_the_fit_maximises_it() -> None:
    x = np.random.default_rng(11).normal(size=(400, LENGTH, 2))
    choice = choices(x, np.array([1.0, 0.5]), 0.7, 12)
    model = fit_choice_weights(x, POSITION, choice, 0.0, np.zeros(2))
    u = np.column_stack([model.utility(x) + POSITION, np.full(400, model.outside)])
    log_p = u - np.log(np.exp(u).sum(axis=1, keepdims=True))
    best = choice_log_likelihood(x, choice, model)
    assert best == pytest.approx(log_p[np.arange(400), choice].mean(), abs=1e-12)
    for change in np.vstack([np.eye(2), -np.eye(2)]) * 0.02:
        worse = type(model)(model.weights + change, model.outside, model.position)
        assert choice_log_likelihood(x, choice, worse) < best


def test_one_sided_logs_stay_finite_and_fits_repeat_bit_for_bit() -> None:
    x = np.random.default_rng(13).normal(size=(50, LENGTH, 1))
    always = fit_choice_weights(x, POSITION, np.zeros(50, np.int64), 1.0, np.ones(1))
    assert np.isfinite(always.outside)
    assert always.outside < -2.0
    empty = fit_choice_weights(x[:0], POSITION, np.zeros(0, np.int64), 1.0, np.ones(1))
    assert empty.weights.tolist() == [1.0]
    again = fit_choice_weights(x, POSITION, np.zeros(50, np.int64), 1.0, np.ones(1))
    np.testing.assert_array_equal(always.weights, again.weights)


def test_a_choice_outside_the_slate_is_named() -> None:
    with pytest.raises(ValueError, match=r"choice 6 is outside 0\.\.5"):
        fit_choice_weights(np.zeros((1, LENGTH, 1)), POSITION, np.array([6]), 1.0, np.zeros(1))


TRUE = np.array([0.9, -0.4, 0.2])


def squash(z: Floats, link: Link) -> Floats:
    return np.asarray(2.0 * ndtr(z) - 1.0 if link == "probit" else np.tanh(z))


@pytest.mark.parametrize("link", ["probit", "tanh"])
def test_planted_parameters_are_recovered_within_four_standard_errors(link: Link) -> None:
    rng = np.random.default_rng(1)
    x = rng.normal(size=(5000, 2))
    weight = rng.uniform(0.2, 1.0, 5000)
    z = x @ TRUE[:2] + TRUE[2]
    y = squash(z, link) + 0.3 / np.sqrt(weight) * rng.normal(size=5000)
    y[::10] = np.nan
    model = fit_satisfaction(x, y, weight, 1e-6, np.zeros(2), link)
    steep = (squash(z + 1e-5, link) - squash(z - 1e-5, link)) / 2e-5
    told = np.isfinite(y)
    slopes = (np.column_stack([x, np.ones(5000)]) * steep[:, None])[told]
    error = 0.3 * np.sqrt(np.diag(np.linalg.inv((slopes * weight[told][:, None]).T @ slopes)))
    assert error.max() < 0.03
    assert (np.abs(np.append(model.weights, model.intercept) - TRUE) < 4 * error).all()


@pytest.mark.parametrize("link", ["probit", "tanh"])
def test_prediction_is_the_link_of_the_linear_score(link: Link) -> None:
    x = np.random.default_rng(2).normal(size=(6, 4, 2))
    model = SatisfactionModel(TRUE[:2], TRUE[2], link)
    np.testing.assert_allclose(model.latent(x), x @ TRUE[:2] + TRUE[2], atol=1e-12)
    np.testing.assert_allclose(model.predict(x), squash(x @ TRUE[:2] + TRUE[2], link), atol=1e-12)
    np.testing.assert_array_equal(model.predict(x[2:3])[0], model.predict(x)[2])
    with pytest.raises(ValueError, match="3 features for a model of 2; they must agree"):
        model.predict(np.zeros((4, 3)))


def test_a_strong_ridge_returns_what_is_trusted_and_no_data_too() -> None:
    rng = np.random.default_rng(3)
    x, y = rng.normal(size=(200, 2)), rng.uniform(-1, 1, 200)
    trusted = np.array([0.5, 0.1])
    strong = fit_satisfaction(x, y, np.ones(200), 1e9, trusted)
    np.testing.assert_allclose(strong.weights, trusted, atol=1e-4)
    none = fit_satisfaction(x[:0], y[:0], np.ones(0), 1.0, trusted)
    np.testing.assert_array_equal(none.weights, trusted)


def test_a_consumption_of_weight_zero_does_not_count() -> None:
    rng = np.random.default_rng(4)
    x, y = rng.normal(size=(100, 2)), rng.uniform(-1, 1, 100)
    weight = np.where(np.arange(100) < 60, 1.0, 0.0)
    some = fit_satisfaction(x[:60], y[:60], np.ones(60), 1.0, np.zeros(2))
    every = fit_satisfaction(x, y, weight, 1.0, np.zeros(2))
    np.testing.assert_array_equal(some.weights, every.weights)


@pytest.mark.parametrize("link", ["probit", "tanh"])
def test_the_fit_is_the_bottom_of_the_penalised_squared_error(link: Link) -> None:
    rng = np.random.default_rng(5)
    x, y = rng.normal(size=(300, 2)), np.clip(0.6 + 0.7 * rng.normal(size=300), -1, 1)
    weight, goal = rng.uniform(0.2, 1.0, 300), np.array([0.3, 0.3])
    model = fit_satisfaction(x, y, weight, 5.0, goal, link)

    def loss(change: Floats) -> float:
        w, b = model.weights + change[:2], model.intercept + change[2]
        error = squash(x @ w + b, link) - y
        pull = 5.0 * (x.var(axis=0) * (w - goal) ** 2).sum() + 1e-3 * b * b
        return float(0.5 * (weight * error**2).sum() + 0.5 * pull)

    step = 1e-4 * np.eye(3)
    gradient = [(loss(d) - loss(-d)) / 2e-4 for d in step]
    np.testing.assert_allclose(gradient, 0.0, atol=1e-3)
    assert min(loss(10 * d) for d in np.vstack([step, -step])) > loss(np.zeros(3))
