import numpy as np
import pytest

from driftline.agents.models.rowwise import row_products, row_softmax
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
