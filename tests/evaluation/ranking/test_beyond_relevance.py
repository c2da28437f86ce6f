"""Measures beyond relevance (catalogue, novelty, calibration, fairness) against their definitions in loops."""

from collections import Counter
from collections.abc import Callable
from itertools import combinations
from math import log, log2
from typing import Any

import numpy as np
import pytest
from ranking_lists import (
    ITEMS,
    UNDEFINED,
    USERS,
    Ints,
    close,
    judged,
    lists,
)
from scipy.spatial.distance import cosine, euclidean, jensenshannon
from scipy.stats import entropy, ttest_ind

from driftline.evaluation import ranking
from driftline.evaluation.estimate import t_interval
from driftline.sim.errors import InputError


def test_catalogue_metrics_are_their_definitions() -> None:
    ranked = lists()[0]
    places = Counter(int(i) for i in ranked[:, :6].ravel() if i >= 0)
    counts = np.array([places.get(i, 0) for i in range(ITEMS + 5)], dtype=np.float64)
    assert ranking.coverage(ranked, ITEMS + 5, k=6).value == pytest.approx((counts > 0).mean(), abs=1e-12)
    assert ranking.shannon_entropy(ranked, ITEMS + 5, k=6).value == pytest.approx(entropy(counts, base=2), abs=1e-9)
    assert ranking.shannon_entropy(ranked, ITEMS + 5, k=6, base=np.e).value == pytest.approx(entropy(counts), abs=1e-9)
    apart = np.abs(counts[:, None] - counts[None, :]).mean() / (2 * counts.mean())
    assert ranking.gini(ranked, ITEMS + 5, k=6).value == pytest.approx(apart, abs=1e-9)


def test_gini_runs_from_equal_shares_to_one_item_taking_all() -> None:
    assert ranking.gini(np.array([[0, 1], [2, 3]]), 4).value == 0.0
    assert ranking.gini(np.array([[3], [3], [3]]), 5).value == pytest.approx(1 - 1 / 5)


@pytest.mark.parametrize("measure", [ranking.coverage, ranking.gini, ranking.shannon_entropy])
def test_the_jackknife_really_leaves_one_user_out(measure: Any) -> None:
    ranked = lists(seed=4)[0]
    ids = 3 * np.arange(ITEMS) + 7
    named = np.where(ranked >= 0, ids[ranked], -1)
    found = measure(named, ids, k=5)
    without = np.array([measure(np.delete(named, user, axis=0), ids, k=5).value for user in range(USERS)])
    error = np.sqrt((USERS - 1) / USERS * ((without - without.mean()) ** 2).sum())
    assert found.std_error == pytest.approx(error, rel=1e-9)
    assert found.value == pytest.approx(measure(ranked, ITEMS, k=5).value, abs=1e-12)


def test_jackknife_errors_are_of_the_size_of_the_spread_over_samples_of_users() -> None:
    rng = np.random.default_rng(8)
    weight = 1.0 / np.arange(1.0, 101.0)

    def sample() -> Ints:
        return np.argsort(-np.log(weight) - rng.gumbel(size=(80, 100)), axis=1)[:, ::-1][:, :5].copy()

    drawn = [ranking.shannon_entropy(sample(), 100) for _ in range(200)]
    spread = np.std([one.value for one in drawn], ddof=1)
    # 200 samples tell a standard deviation to 5 %, so four standard errors are 20 %
    assert np.mean([one.std_error for one in drawn]) == pytest.approx(spread, rel=0.2)


@pytest.mark.parametrize("distance", ["cosine", "euclidean", "jaccard"])
def test_intra_list_diversity_is_the_mean_over_pairs(distance: Any) -> None:
    ranked = lists()[0]
    features = np.random.default_rng(2).random((ITEMS, 4)) + 0.01

    def jaccard(a: Any, b: Any) -> float:
        return float(1 - np.minimum(a, b).sum() / np.maximum(a, b).sum())

    rule: Any = {"cosine": cosine, "euclidean": euclidean, "jaccard": jaccard}[distance]
    expected = []
    for row in ranked:
        own = [int(i) for i in row if i >= 0][:5]
        pairs = [rule(features[a], features[b]) for a, b in combinations(own, 2)]
        expected.append(float(np.mean(pairs)) if pairs else UNDEFINED)
    found = ranking.intra_list_diversity(ranked, features, k=5, distance=distance)
    close(found, expected)
    assert "have fewer than two items" in found.mean.warnings[0]


def test_novelty_and_popularity_are_their_definitions() -> None:
    ranked = lists()[0]
    count = np.random.default_rng(3).integers(1, 40, ITEMS)
    tail = ranking.long_tail(count, 0.7)
    rules: dict[str, Callable[[int], float]] = {
        "self": lambda i: -log2(count[i] / count.sum()),
        "miuf": lambda i: -log2(count[i] / 50),
        "arp": lambda i: float(count[i]),
        "aplt": lambda i: float(tail[i]),
    }
    expected = {}
    for name, rule in rules.items():
        own = [[int(i) for i in row if i >= 0][:4] for row in ranked]
        expected[name] = [float(np.mean([rule(i) for i in row])) if row else UNDEFINED for row in own]
    close(ranking.self_information(ranked, interactions=count, k=4), expected["self"])
    close(ranking.miuf(ranked, consumers=count, users=50, k=4), expected["miuf"])
    close(ranking.arp(ranked, interactions=count, k=4), expected["arp"])
    close(ranking.aplt(ranked, tail=tail, k=4), expected["aplt"])


def test_an_item_nobody_consumed_counts_as_consumed_once_and_is_told_of() -> None:
    found = ranking.miuf(np.array([[0, 1]]), consumers=[0, 4], users=8)
    assert found.values.tolist() == [(3.0 + 1.0) / 2]
    assert found.mean.warnings == ("1 of 2 places hold items nobody consumed; they count as consumed once",)


def test_the_head_is_the_smallest_set_with_its_share_and_ties_join_it() -> None:
    assert ranking.long_tail([50, 30, 10, 5, 5], 0.8).tolist() == [False, False, True, True, True]
    assert ranking.long_tail([50, 29, 11, 5, 5], 0.8).tolist() == [False, False, False, True, True]
    assert ranking.long_tail([5, 50, 5, 40], 0.95).tolist() == [False, False, False, False]


def test_serendipity_is_relevant_and_unexpected() -> None:
    ranked, relevant, grades = lists()
    expected = np.argsort(-np.random.default_rng(3).random(ITEMS))[:8]
    unexpected, pleased = [], []
    for own, known in judged(ranked, relevant, grades):
        top = own[:5]
        unexpected.append(float(np.mean([i not in expected for i in top])) if top else UNDEFINED)
        good = [i not in expected and known.get(i, 0) > 0 for i in top]
        pleased.append(float(np.mean(good)) if top else UNDEFINED)
    close(ranking.unexpectedness(ranked, expected, k=5), unexpected)
    close(ranking.serendipity(ranked, relevant, expected, grades=grades, k=5), pleased)
    each = np.tile(expected, (USERS, 1))
    each[0, 3:] = -1
    own_list = ranking.unexpectedness(ranked, each, k=5).values
    assert np.array_equal(own_list[1:], ranking.unexpectedness(ranked, expected, k=5).values[1:], equal_nan=True)


def test_miscalibration_is_stecks_divergence_and_its_symmetric_form() -> None:
    ranked = lists()[0]
    rng = np.random.default_rng(6)
    topics = rng.dirichlet(np.full(5, 0.3), ITEMS)
    interest = rng.dirichlet(np.full(5, 0.5), USERS)
    interest[0] = [1.0, 0, 0, 0, 0]
    weights = 1 / np.log2(np.arange(2, 9))
    kl, js = [], []
    for row, p in zip(ranked, interest, strict=True):
        own = [int(i) for i in row if i >= 0][:7]
        if not own:
            kl.append(UNDEFINED)
            js.append(UNDEFINED)
            continue
        q = sum(w * topics[i] for w, i in zip(weights, own, strict=False)) / weights[: len(own)].sum()
        kl.append(float(entropy(p, 0.95 * q + 0.05 * p)))
        js.append(float(jensenshannon(p, q) ** 2))
    close(ranking.miscalibration(ranked, topics, interest, k=7, alpha=0.05, rank_weights=weights), kl)
    close(ranking.miscalibration(ranked, topics, interest, k=7, divergence="js", rank_weights=weights), js)


def test_a_calibrated_list_has_no_miscalibration_and_a_disjoint_one_the_most() -> None:
    topics = np.eye(2)[[0, 0, 0, 1]]
    interest = ranking.topic_share(np.array([[0, 1, 2, 3], [3, 3, -1, -1]]), topics)
    assert interest.tolist() == [[0.75, 0.25], [0.0, 1.0]]
    ranked = np.array([[3, 2, 1, 0], [0, 1, 2, -1]])
    found = ranking.miscalibration(ranked, topics, interest)
    assert found.values == pytest.approx([0.0, log(100)], abs=1e-12)
    assert ranking.miscalibration(ranked, topics, interest, divergence="js").values == pytest.approx([0.0, log(2)])
    stranger = ranking.topic_share(np.array([[0, 1, 2, 3], [-1, -1, -1, -1]]), topics)
    found = ranking.miscalibration(ranked, topics, stranger)
    assert np.isnan(found.values).tolist() == [False, True]
    assert found.mean.warnings == ("1 of 2 users have no known interest and are left out",)


def test_exposure_gap_is_the_difference_of_mean_attention_per_item() -> None:
    ranked = lists()[0]
    group = np.random.default_rng(1).integers(0, 3, ITEMS)
    merit = np.random.default_rng(2).random(ITEMS)
    for weight in (None, merit):
        exposure = np.zeros((USERS, 3))
        for user, row in enumerate(ranked):
            for rank, item in enumerate(row[:6]):
                if item >= 0:
                    exposure[user, group[item]] += 1 / log2(rank + 2)
        size = [(np.ones(ITEMS) if weight is None else weight)[group == g].sum() for g in range(3)]
        each = (exposure / size).mean(axis=0)
        found = ranking.exposure_gap(ranked, group, k=6, merit=weight)
        assert [one.value for one in found.value] == pytest.approx(each.tolist(), abs=1e-12)
        assert found.gap.value == pytest.approx(each.max() - each.min(), abs=1e-12)
        assert found.ratio == pytest.approx(each.min() / each.max(), abs=1e-12)
        difference = t_interval((exposure / size)[:, each.argmax()] - (exposure / size)[:, each.argmin()])
        assert found.gap.low == pytest.approx(difference.low, abs=1e-12)


def test_equal_treatment_has_no_exposure_gap() -> None:
    ranked = np.array([[0, 1], [1, 0], [2, 3], [3, 2]])
    found = ranking.exposure_gap(ranked, [0, 1, 0, 1])
    assert found.gap.value == pytest.approx(0.0, abs=1e-15)
    assert found.ratio == pytest.approx(1.0)


def test_utility_gap_is_welchs_comparison_of_the_extreme_groups() -> None:
    rng = np.random.default_rng(0)
    group = np.repeat([4, 7, 9], [20, 30, 50])
    value = rng.normal(0.5, 0.1, 100) + np.where(group == 7, 0.3, 0.0) - np.where(group == 9, 0.2, 0.0)
    value[0] = np.nan
    found = ranking.utility_gap(value, group)
    limits = ttest_ind(value[group == 7], value[group == 9], equal_var=False).confidence_interval(0.95)
    assert (found.gap.low, found.gap.high) == pytest.approx((limits.low, limits.high), abs=1e-9)
    assert found.group.tolist() == [4, 7, 9]
    assert found.value[0].n == 19
    assert "groups 7 and 9" in found.gap.method


def test_topic_entropy_is_counted_in_windows_over_equally_many_events() -> None:
    user = np.repeat([5, 3], 8)
    time = np.tile([0.0, 1, 2, 3, 10, 11, 12, 13.5], 2)
    kinds = np.array([0, 1, 2, 3, 0, 0, 1, 1, 0, 0, 1, 1, 2, 2, 2, 2])
    found = ranking.topic_entropy_over_time(user, time, np.eye(4)[kinds], window=10.0, events=4)
    assert found.user.tolist() == [3, 5]
    assert found.edges.tolist() == [0.0, 10.0, 20.0]
    assert found.entropy == pytest.approx(np.array([[1.0, 0.0], [2.0, 1.0]]))
    assert found.change.value == -1.0
    assert [one.value for one in found.mean] == [1.5, 0.5]
    fewer = ranking.topic_entropy_over_time(user, time, np.eye(4)[kinds], window=10.0, events=2)
    assert fewer.entropy == pytest.approx(np.array([[0.0, 0.0], [1.0, 0.0]]))
    more = ranking.topic_entropy_over_time(user, time, np.eye(4)[kinds], window=10.0, events=5)
    assert np.isnan(more.entropy).all()
    assert more.events.tolist() == [[4, 4], [4, 4]]
    half = ranking.topic_entropy_over_time(user, time, np.eye(4)[kinds], window=10.0, events=4, start=0.0, end=15.0)
    assert half.entropy.shape == (2, 1)


def test_a_window_with_fewer_clicks_does_not_look_narrower() -> None:
    rng = np.random.default_rng(9)
    users = 400
    user, time, kind = [], [], []
    for u in range(users):
        for when, clicks in ((0.5, 40), (1.5, 6)):
            user += [u] * clicks
            time += [when] * clicks
            kind += rng.integers(0, 8, clicks).tolist()
    topics = np.eye(8)[np.array(kind)]
    found = ranking.topic_entropy_over_time(np.array(user), np.array(time), topics, window=1.0, events=6)
    assert abs(found.change.value) < 4 * found.change.std_error
    whole = [
        entropy(topics[(np.array(user) == 0) & (np.array(time) == when)].sum(axis=0), base=2) for when in (0.5, 1.5)
    ]
    assert whole[1] < whole[0] - 0.2


def test_top_k_breaks_ties_by_id_and_leaves_out_what_is_barred() -> None:
    scores = np.array([[1.0, 3.0, 3.0, -np.inf], [2.0, 2.0, 2.0, 2.0]])
    barred = np.array([[False, True, False, False], [True, True, True, False]])
    assert ranking.top_k(scores, 3).tolist() == [[1, 2, 0], [0, 1, 2]]
    assert ranking.top_k(scores, 5, barred).tolist() == [[2, 0, 3, -1, -1], [3, -1, -1, -1, -1]]
    with pytest.raises(InputError, match="the score of item 1 in row 0 is NaN"):
        ranking.top_k([[1.0, np.nan]], 1)
