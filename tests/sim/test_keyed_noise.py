import itertools

import numpy as np
import pytest

from driftline.sim import keyed
from driftline.sim.oracle import best_slate, slate_value

ONES = 0xFFFFFFFF


@pytest.mark.parametrize(
    ("counter", "key", "words"),
    [
        ((0, 0, 0, 0), (0, 0), (0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8)),
        ((ONES,) * 4, (ONES,) * 2, (0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD)),
        (
            (0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344),
            (0xA4093822, 0x299F31D0),
            (0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1),
        ),
    ],
)
def test_philox_gives_the_published_answers(
    counter: tuple[int, int, int, int], key: tuple[int, int], words: tuple[int, ...]
) -> None:
    assert tuple(int(word) for word in keyed.philox(*counter, *key)) == words


def test_a_uniform_is_never_0_or_1_even_in_float32() -> None:
    low, high = (np.float32(keyed.open_unit(np.uint64(word))) for word in (0, ONES))
    assert 0.0 < low < high < 1.0


def test_normals_have_mean_0_and_variance_1() -> None:
    draws = keyed.normals(5, keyed.Stream.SAMPLE, np.arange(200_000))
    assert abs(draws.mean()) < 4.0 / np.sqrt(draws.size)
    assert abs(draws.var() - 1.0) < 4.0 * np.sqrt(2.0 / draws.size)


@pytest.mark.parametrize("seed", range(20))
def test_the_best_slate_is_the_best_of_all_ordered_slates(seed: int) -> None:
    rng = np.random.default_rng(seed)
    items, length = 6, 3
    utilities, rewards = rng.normal(0.0, 2.0, items), rng.uniform(-1.0, 1.0, items)
    log_weights, outside = -0.5 * np.log(np.arange(1.0, length + 1.0)), rng.normal()
    found = np.empty(length, np.int32)
    value = best_slate(utilities, rewards, log_weights, outside, found)
    every = [
        slate_value(utilities, rewards, np.array(slate, np.int32), log_weights, outside)
        for slate in itertools.permutations(range(items), length)
    ]
    assert value == pytest.approx(max(every), abs=1e-12)
    assert slate_value(utilities, rewards, found, log_weights, outside) == value
