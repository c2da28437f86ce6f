"""Keyed randomness: published answers, bounds, moments, and independence between keys."""

import numpy as np
import pytest
from scipy import stats

from driftline.sim import keyed
from driftline.sim.keyed import Stream

ONES = 0xFFFFFFFF
PUBLISHED = [
    ((0, 0, 0, 0), (0, 0), (0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8)),
    ((ONES, ONES, ONES, ONES), (ONES, ONES), (0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD)),
    (
        (0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344),
        (0xA4093822, 0x299F31D0),
        (0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1),
    ),
]


@pytest.mark.parametrize(("counter", "key", "answer"), PUBLISHED)
def test_philox_gives_the_published_answers(
    counter: tuple[int, int, int, int], key: tuple[int, int], answer: tuple[int, int, int, int]
) -> None:
    words = keyed.philox(*counter, *key)
    assert tuple(int(word) for word in words) == answer


@pytest.mark.parametrize("word", [0, 1, 511, 512, ONES - 512, ONES - 1, ONES])
def test_a_uniform_lies_strictly_inside_the_unit_interval_even_in_float32(word: int) -> None:
    uniform = keyed.open_unit(np.uint64(word))
    assert 0.0 < uniform < 1.0
    assert np.float32(0.0) < np.float32(uniform) < np.float32(1.0)
    assert np.isfinite(keyed.gumbel(np.uint64(word)))


def test_uniforms_are_uniform_and_normals_normal() -> None:
    n = 200_000
    uniform = keyed.uniforms(3, Stream.SAMPLE, np.arange(n))
    assert stats.kstest(uniform, "uniform").pvalue > 1e-4
    normal = keyed.normals(3, Stream.SAMPLE, np.arange(n), 5)
    assert abs(normal.mean()) < 4 / np.sqrt(n)
    assert abs(normal.var() - 1.0) < 4 * np.sqrt(2 / n)
    assert abs((normal**4).mean() - 3.0) < 4 * np.sqrt(96 / n)
    assert stats.kstest(normal, "norm").pvalue > 1e-4


def test_a_row_of_normals_has_uncorrelated_normal_entries() -> None:
    rows = np.empty((50_000, 7))
    for i, row in enumerate(rows):
        keyed.fill_normals(row, i, 2, 0, 9, Stream.LAW)
    correlation = np.corrcoef(rows.T) - np.eye(7)
    assert np.abs(correlation).max() < 4.5 / np.sqrt(len(rows))
    assert stats.kstest(rows.ravel(), "norm").pvalue > 1e-4


@pytest.mark.parametrize("size", range(1, 9))
def test_a_row_of_normals_starts_the_same_at_every_length(size: int) -> None:
    row, longer = np.empty(size), np.empty(size + 1)
    keyed.fill_normals(row, 1, 2, 3, 4, 5)
    keyed.fill_normals(longer, 1, 2, 3, 4, 5)
    np.testing.assert_array_equal(row, longer[:size])


def test_streams_seeds_and_every_part_of_a_key_give_independent_numbers() -> None:
    n = 40_000
    rows = np.arange(n)
    columns = [
        keyed.uniforms(0, Stream.CHOICE, rows),
        keyed.uniforms(1, Stream.CHOICE, rows),
        keyed.uniforms(0, Stream.RESPONSE, rows),
        keyed.uniforms(0, Stream.CHOICE, rows, 1),
        keyed.uniforms(0, Stream.CHOICE, rows, 0, 1),
        keyed.uniforms(0, Stream.CHOICE, 0, rows),
        keyed.uniforms(0, Stream.CHOICE, 0, 0, rows),
        keyed.uniforms(0, Stream.CHOICE, rows + 1),
    ]
    correlation = np.corrcoef(columns) - np.eye(len(columns))
    assert np.abs(correlation).max() < 4.5 / np.sqrt(n)


def test_a_number_depends_on_its_own_key_only() -> None:
    rows = np.arange(100)
    whole = keyed.uniforms(0, Stream.CHOICE, rows[:, None], rows[None, :])
    np.testing.assert_array_equal(whole[7:9, ::-1], keyed.uniforms(0, Stream.CHOICE, rows[7:9, None], rows[::-1]))
    assert np.unique(whole).size > 9_900


def test_an_order_is_a_permutation_and_every_item_is_equally_likely_first() -> None:
    orders = np.array([keyed.order(0, Stream.SAMPLE, 8, a) for a in range(4_000)])
    np.testing.assert_array_equal(np.sort(orders, axis=1), np.tile(np.arange(8), (4_000, 1)))
    assert stats.chisquare(np.bincount(orders[:, 0])).pvalue > 1e-4


def test_derived_seeds_differ_by_seed_and_stream_and_fit_in_32_bits() -> None:
    seeds = {keyed.derived_seed(seed, stream, a) for seed in range(20) for stream in (22, 23) for a in range(20)}
    assert len(seeds) == 800
    assert all(0 <= seed < 2**32 for seed in seeds)
