import numpy as np
import pytest

from driftline.agents.models.item_space import choose_space, foretold
from driftline.sim.types import Float32s, Floats, Int8s, Int32s, Int64s


def log(vectors: Float32s, n_users: int, visits: int, rng: np.random.Generator) -> tuple[Int64s, Int32s, Int8s, Floats]:
    length, n = 6, n_users * visits
    theta = 2.0 * rng.normal(size=(n_users, vectors.shape[1]))
    user = np.tile(np.arange(n_users), visits)
    items = np.argsort(rng.random((n, len(vectors))), axis=1)[:, :length].astype(np.int32)
    position = -0.5 * np.log1p(np.arange(length))
    utility = np.einsum("nd,nld->nl", theta[user], vectors[items]) + position
    noisy = np.column_stack([utility, np.full(n, 0.5)]) + rng.gumbel(size=(n, length + 1))
    return user, items, noisy.argmax(axis=1).astype(np.int8), position


def unit(rng: np.random.Generator, n: int, d: int) -> Float32s:
    v = rng.normal(size=(n, d))
    return np.asarray(v / np.linalg.norm(v, axis=1, keepdims=True), dtype=np.float32)


def test_the_true_space_wins_over_a_blurred_one_and_that_over_noise() -> None:
    rng = np.random.default_rng(1)
    true = unit(rng, 60, 5)
    blurred = (true + 0.5 * unit(rng, 60, 5)).astype(np.float32)
    spaces = {"noise": unit(rng, 60, 5), "blurred": blurred, "true": true}
    found = choose_space(spaces, *log(true, 150, 20, rng))
    assert found.name == "true"
    score = found.log_likelihood
    assert score["true"] > score["blurred"] + 0.01 > score["noise"] + 0.03


def test_interest_comes_from_earlier_visits_only_and_only_the_users_own() -> None:
    v = np.eye(3, dtype=np.float32)
    user, items = np.array([0, 1, 0, 0]), np.tile(np.array([0, 1], np.int32), (4, 1))
    scores = foretold(v, user, items, np.array([0, 1, 2, 0], np.int8))
    np.testing.assert_array_equal(scores[:2], 0.0)
    expected = np.array([0.5, -0.5]) / (1 + 3)
    np.testing.assert_allclose(scores[2], expected)
    np.testing.assert_allclose(scores[3], expected)  # nothing was taken in between


def test_the_first_space_wins_a_tie_and_no_space_is_an_error() -> None:
    rng = np.random.default_rng(2)
    v = unit(rng, 20, 3)
    assert choose_space({"b": v, "a": v}, *log(v, 10, 5, rng)).name == "b"
    with pytest.raises(ValueError, match="no item space"):
        choose_space({}, *log(v, 3, 2, rng))
