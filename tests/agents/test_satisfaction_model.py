import numpy as np
import pytest
from scipy.special import ndtr

from driftline.agents.models.response import Link, SatisfactionModel, fit_satisfaction
from driftline.sim.types import Floats

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
