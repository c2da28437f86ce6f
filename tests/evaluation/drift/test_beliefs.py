"""Entropy of belief and recall of true topics, against scipy, loops and a run folder."""

from itertools import permutations

import numpy as np
import pytest
from scipy.stats import entropy

from driftline.evaluation.drift import belief_entropy, topic_recall, topic_scores, visit_mean
from driftline.evaluation.run.tracking import softmax
from driftline.sim.errors import InputError


def test_entropies_agree_with_scipy_over_probes_and_over_topics() -> None:
    rng = np.random.default_rng(0)
    scores, utility = 3 * rng.standard_normal((2, 1500, 12))
    dominant = rng.integers(0, 4, 12) * 3
    found = belief_entropy(scores, utility, 2.0)
    assert np.allclose(found.believed, entropy(softmax(scores / 2.0), axis=1), rtol=0, atol=1e-9)
    assert np.allclose(found.true, entropy(softmax(utility), axis=1), rtol=0, atol=1e-9)
    topics = np.unique(dominant)
    by_topic = belief_entropy(scores, utility, 2.0, dominant=dominant)
    shares = np.stack([softmax(scores / 2.0)[:, dominant == topic].sum(axis=1) for topic in topics], axis=1)
    assert np.allclose(by_topic.believed, entropy(shares, axis=1), rtol=0, atol=1e-9)
    assert np.array_equal(by_topic.excess, by_topic.believed - by_topic.true)


def test_certain_beliefs_have_no_entropy_and_equal_ones_the_most() -> None:
    found = belief_entropy([[900.0, 0, 0, 0], [1.0, 1, 1, 1]], np.zeros((2, 4)), 1.0)
    assert found.believed == pytest.approx([0.0, np.log(4)])
    assert found.excess == pytest.approx([-np.log(4), 0.0])


def recall_by_hand(believed: list[float], true: list[float], top: int) -> float:
    """Mean over all orders in which ties may fall."""
    found = []
    for order in permutations(range(len(true))):
        held = sorted(order, key=lambda topic: -believed[topic])[:top]
        for other in permutations(range(len(true))):
            known = sorted(other, key=lambda topic: -true[topic])[:top]
            found.append(len(set(held) & set(known)) / top)
    return float(np.mean(found))


@pytest.mark.parametrize("top", [1, 2, 3, 5])
def test_recall_of_topics_averages_over_the_ways_ties_may_fall(top: int) -> None:
    rng = np.random.default_rng(top)
    believed, true = rng.integers(0, 3, (2, 6, 5)).astype(float)
    found = topic_recall(believed, true, top=top)
    expected = [recall_by_hand(a.tolist(), b.tolist(), top) for a, b in zip(believed, true, strict=True)]
    assert np.allclose(found, expected, rtol=0, atol=1e-9)


def test_recall_of_topics_without_ties_is_a_count() -> None:
    true = np.array([[9.0, 8, 7, 1, 0, 2]])
    assert topic_recall(true * 2, true).tolist() == [1.0]
    assert topic_recall([[9.0, 0, 7, 8, 1, 2]], true).tolist() == pytest.approx([2 / 3])
    assert topic_recall(-true, true).tolist() == [0.0]
    assert topic_recall(np.zeros((1, 6)), true).tolist() == [0.5]


def test_topic_scores_are_means_over_the_probes_of_a_topic() -> None:
    found = topic_scores([[1.0, 2.0, 3.0, 6.0]], [4, 0, 4, 4])
    assert found == pytest.approx(np.array([[2.0, 10 / 3]]))


def test_visit_means_leave_out_what_is_not_a_number() -> None:
    found = visit_mean(np.array([1, 1, 2, 3]), np.array([1.0, np.nan, 3.0, np.nan]))
    assert found.value == 2.0
    assert found.n == 2


def test_bad_beliefs_are_named() -> None:
    with pytest.raises(InputError, match="temperature is 0"):
        belief_entropy(np.ones((1, 2)), np.ones((1, 2)), 0.0)
    with pytest.raises(InputError, match="must both be"):
        belief_entropy(np.ones((1, 2)), np.ones((1, 3)), 1.0)
    with pytest.raises(InputError, match="top is 4; it must lie in 1 to 3"):
        topic_recall(np.ones((1, 3)), np.ones((1, 3)), top=4)
    with pytest.raises(InputError, match="must not hold NaN"):
        topic_recall([[np.nan, 1.0, 1.0]], np.ones((1, 3)))
