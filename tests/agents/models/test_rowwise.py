"""A row's bits do not depend on its neighbours."""

import numpy as np
import pytest

from driftline.agents.models.rowwise import candidate_scores, row_products, row_softmax
from driftline.sim.types import Floats


@pytest.mark.parametrize("chunk", [1, 7])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_row_has_the_same_bits_in_every_batch(chunk: int, dtype: type) -> None:
    rng = np.random.default_rng(1)
    x: Floats = rng.normal(size=(53, 384)).astype(dtype)
    w = rng.normal(size=(384, 17))
    whole = row_softmax(row_products(x, w))
    parts = [row_softmax(row_products(x[at : at + chunk], w)) for at in range(0, len(x), chunk)]
    np.testing.assert_array_equal(whole, np.concatenate(parts))


def test_products_and_softmax_are_what_their_names_say() -> None:
    rng = np.random.default_rng(2)
    x, w = rng.normal(size=(9, 5)), rng.normal(size=(5, 3))
    x[0] = 0.0
    np.testing.assert_allclose(row_products(x, w), x @ w, rtol=1e-12, atol=1e-12)
    logits = 500.0 * (x @ w)
    e = np.exp(logits - logits.max(axis=1, keepdims=True))
    np.testing.assert_allclose(row_softmax(logits), e / e.sum(axis=1, keepdims=True), atol=1e-14)


def parts() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(1)
    users = rng.normal(size=(40, 3, 21)).astype(np.float32)
    items = rng.normal(size=(50, 21)).astype(np.float32)
    return users, items, rng.integers(0, 50, (40, 17)).astype(np.int32)


def test_scores_are_products_of_every_vector_with_every_item() -> None:
    users, items, pool = parts()
    exact = np.einsum("nvd,nmd->nmv", users.astype(np.float64), items[pool].astype(np.float64))
    # 21 products rounded to float32, each of size 1: errors of 1e-6 at most
    np.testing.assert_allclose(candidate_scores(users, items, pool), exact, atol=3e-6)


def test_shared_items_score_like_private_ones() -> None:
    users, items, pool = parts()
    private = candidate_scores(users, items, np.repeat(pool[:1], 40, axis=0))
    np.testing.assert_array_equal(candidate_scores(users, items, pool[0]), private)


@pytest.mark.parametrize("chunk", [1, 7])
def test_the_bits_of_a_row_depend_on_no_other_row(chunk: int) -> None:
    users, items, pool = parts()
    whole = candidate_scores(users, items, pool)
    for at in range(0, 40, chunk):
        part = slice(at, at + chunk)
        np.testing.assert_array_equal(candidate_scores(users[part], items, pool[part]), whole[part])


def test_nobody_and_nothing_have_no_scores() -> None:
    users, items, pool = parts()
    assert candidate_scores(users[:0], items, pool[0]).shape == (0, 17, 3)
    assert candidate_scores(users, items, pool[:, :0]).shape == (40, 0, 3)
