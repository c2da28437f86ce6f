"""How much an item is a user's kind of thing, from short lists of topics."""

import numpy as np
import pytest

from driftline.sim.affinity import affinity, item_numbers
from driftline.sim.keyed import normals, uniforms


@pytest.mark.parametrize("most", [1, 3, 16])
def test_sums_over_an_items_few_topics_equal_dense_sums_to_the_last_bit(most: int) -> None:
    rows = np.arange(200)[:, None]
    dense = uniforms(0, 23, rows, np.arange(16))
    rank = uniforms(0, 23, rows, np.arange(16), 1).argsort(axis=1)
    mixture = np.where(rank < most, dense, 0.0).astype(np.float32)
    items = item_numbers(mixture, mixture[:, 0].copy(), mixture[:, 1].copy())
    assert items.topic.shape == (200, most)
    theta = (2 * normals(0, 23, np.arange(16), 2)).astype(np.float32)
    for item in range(200):
        total = 0.0
        for k in range(16):
            total += float(theta[k] * mixture[item, k])
        assert affinity(theta, items, item) == total
