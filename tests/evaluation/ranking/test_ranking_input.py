"""Bad lists and bad relevance are named before any work."""

from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from driftline.evaluation import ranking
from driftline.sim.errors import InputError

LISTS = np.array([[0, 1, 2], [3, 4, -1]])
RELEVANT = np.array([[0, 5], [4, -1]])


@pytest.mark.parametrize(
    ("ranked", "said"),
    [
        ([[0, 1, 0]], "ranked row 0 holds item 0 more than once"),
        ([[0, 1], [2, 2]], "ranked row 1 holds item 2 more than once"),
        ([[0, -1, 2]], "ranked row 0 has an item after a -1"),
        ([[0, -2]], "ranked holds the item -2"),
        ([0, 1, 2], r"ranked has shape \(3,\)"),
        ([[0.5, 1.0]], "ranked has type float64"),
    ],
)
def test_bad_lists_are_named(ranked: Any, said: str) -> None:
    with pytest.raises(InputError, match=said):
        ranking.ndcg(ranked, np.zeros((len(ranked), 1), np.int64))
    with pytest.raises(InputError, match=said):
        ranking.coverage(ranked, 10)


def test_a_repeat_beyond_k_is_an_error_too() -> None:
    with pytest.raises(InputError, match="holds item 7 more than once"):
        ranking.mrr([[7, 1, 7]], [[1]], k=1)


@pytest.mark.parametrize(
    ("keywords", "said"),
    [
        ({"k": 0}, "k is 0"),
        ({"grades": [[1, 2]]}, r"grades have shape \(1, 2\)"),
        ({"grades": [[1, -2], [1, 1]]}, "the grade of item 5 in row 0 is -2"),
        ({"grades": [[1, np.nan], [1, 1]]}, "the grade of item 5 in row 0 is nan"),
        ({"gain": "exponentail"}, "gain is 'exponentail'; did you mean 'exponential'"),
        ({"empty": "drop"}, "empty is 'drop'"),
        ({"users": [1, 2]}, "users belong to a frame"),
        ({"grades": [[5000, 1], [1, 1]], "gain": "exponential"}, "a grade of 5000 is too large"),
    ],
)
def test_bad_arguments_are_named(keywords: dict[str, Any], said: str) -> None:
    relevant = np.array([[0, 5], [-1, -1]]) if "empty" in keywords else RELEVANT
    with pytest.raises(InputError, match=said):
        ranking.ndcg(LISTS, relevant, **keywords)


def test_padding_may_carry_any_grade() -> None:
    found = ranking.ndcg(LISTS, RELEVANT, grades=np.array([[1, 1], [1, np.nan]]))
    assert found.values.tolist() == pytest.approx([1 / (1 + 1 / np.log2(3)), 1 / np.log2(3)])


def test_bad_frames_are_named() -> None:
    frame = pl.DataFrame({"user": [0, 1], "item": [0, 4]})
    with pytest.raises(InputError, match="lacks the column 'item'"):
        ranking.recall(LISTS, frame.rename({"item": "thing"}))
    with pytest.raises(InputError, match="user 9 has more than one list"):
        ranking.recall(LISTS, frame, users=[9, 9])
    with pytest.raises(InputError, match="relevant row 0 holds item 0 more than once"):
        ranking.recall(LISTS, pl.concat([frame, frame]))
    with pytest.raises(InputError, match="a frame has them in its column"):
        ranking.recall(LISTS, frame, grades=[[1.0]])
    with pytest.raises(InputError, match="relevant has 1 rows for 2 lists"):
        ranking.recall(LISTS, [[1]])
    nobody = ranking.recall(LISTS, frame.clear())
    assert np.isnan(nobody.mean.value)
    assert np.isnan(nobody.values).all()


def test_items_outside_the_catalogue_are_named() -> None:
    with pytest.raises(InputError, match="item 4 is listed but not in the catalogue of 4 items"):
        ranking.gini(LISTS, 4)
    with pytest.raises(InputError, match="the catalogue holds item 2 more than once"):
        ranking.gini(LISTS, [0, 1, 2, 2, 3, 4])
    with pytest.raises(InputError, match="the catalogue is empty"):
        ranking.coverage(LISTS, [])
    with pytest.raises(InputError, match="item 4 is listed but interactions has rows for items 0 to 2 only"):
        ranking.arp(LISTS, interactions=[1, 2, 3])
    with pytest.raises(InputError, match="features of item 1 is not finite"):
        ranking.intra_list_diversity(LISTS, [[1.0], [np.inf], [1.0], [1.0], [1.0]])


def test_undefined_distances_and_shares_are_named() -> None:
    features = np.ones((6, 2))
    features[3] = 0.0
    features[5] = 0.0
    with pytest.raises(InputError, match="item 3 has only zeros as features; its cosine distance is undefined"):
        ranking.intra_list_diversity(LISTS, features)
    assert np.isfinite(ranking.intra_list_diversity(LISTS, features, distance="euclidean").values).all()
    with pytest.raises(InputError, match="topics of row 1 sum to 2"):
        ranking.miscalibration(LISTS, np.array([[1.0, 0.0], [1.0, 1.0]] * 3), [[1.0, 0.0]] * 2)
    with pytest.raises(InputError, match=r"alpha is 0\.0"):
        ranking.miscalibration(LISTS, np.eye(6), np.eye(6)[:2], alpha=0.0)
    with pytest.raises(InputError, match="item 1 has 9 consumers of 5 users"):
        ranking.miuf(LISTS, consumers=[1, 9, 1, 1, 1], users=5)
    with pytest.raises(InputError, match="group holds 1 group; a gap needs two"):
        ranking.exposure_gap(LISTS, np.zeros(5, np.int64))
    with pytest.raises(InputError, match="tail has type int64"):
        ranking.aplt(LISTS, tail=np.zeros(5, np.int64))
    with pytest.raises(InputError, match="no whole window"):
        ranking.topic_entropy_over_time([1], [0.0], [[1.0]], window=5.0, end=3.0)


def test_nothing_listed_is_not_a_number_and_said_so() -> None:
    nothing = np.full((3, 2), -1)
    assert np.isnan(ranking.gini(nothing, 5).value)
    assert np.isnan(ranking.shannon_entropy(nothing, 5).value)
    assert ranking.coverage(nothing, 5).value == 0.0
    found = ranking.arp(nothing, interactions=[1, 2])
    assert found.mean.warnings == ("3 of 3 users have an empty list and are left out of the mean",)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10_000), st.integers(1, 12))
def test_metrics_keep_their_bounds_and_do_not_depend_on_names_of_items(seed: int, k: int) -> None:
    rng = np.random.default_rng(seed)
    ranked = np.stack([rng.permutation(15)[:8] for _ in range(6)])
    relevant = np.stack([rng.permutation(15)[:5] for _ in range(6)])
    names = rng.permutation(500)[:15]
    for measure in (
        ranking.ndcg,
        ranking.hit_rate,
        ranking.mrr,
        ranking.precision,
        ranking.recall,
        ranking.mean_average_precision,
    ):
        found = measure(ranked, relevant, k=k).values
        assert ((found >= 0) & (found <= 1 + 1e-12)).all()
        assert np.allclose(found, measure(names[ranked], names[relevant], k=k).values, rtol=0, atol=1e-12)
    best = ranking.ndcg(relevant, relevant, k=k).values
    assert best == pytest.approx(np.ones(6))
    grown = [ranking.recall(ranked, relevant, k=j).values for j in (k, k + 1)]
    assert (grown[1] >= grown[0]).all()
