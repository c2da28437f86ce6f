"""Ranking metrics against scikit-learn, ranx, RecTools and RecBole, and where a peer's convention differs."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.metrics import ndcg_score

from driftline.evaluation import ranking

PEERS: dict[str, Any] = json.loads((Path(__file__).parent / "peer_values.json").read_text(encoding="utf-8"))
DATA = PEERS["data"]
RANKED, RELEVANT = np.array(DATA["ranked"]), np.array(DATA["relevant"])
GRADES = np.array(DATA["grades"])
CONSUMED = np.bincount([item for _, item in DATA["history"]], minlength=DATA["items"])
LENGTH = (RANKED >= 0).sum(axis=1)
COUNT = (RELEVANT >= 0).sum(axis=1)


def values(peer: str, name: str) -> Any:
    return np.array(PEERS[peer]["values"][name])


def same(found: ranking.PerUser, expected: Any) -> bool:
    return bool(np.allclose(found.values, expected, rtol=0, atol=1e-9))


@pytest.mark.parametrize("k", [5, 8])
def test_scikit_learn_has_the_same_ndcg_where_scores_do_not_tie(k: int) -> None:
    rng = np.random.default_rng(0)
    scores, worth = rng.standard_normal((40, 20)), rng.integers(0, 4, (40, 20))
    items = np.tile(np.arange(20), (40, 1))
    ranked = ranking.top_k(scores, 20)
    linear = [ndcg_score(w[None], s[None], k=k) for w, s in zip(worth, scores, strict=True)]
    assert same(ranking.ndcg(ranked, items, grades=worth, k=k), linear)
    exponential = [ndcg_score(2.0 ** w[None] - 1, s[None], k=k) for w, s in zip(worth, scores, strict=True)]
    assert same(ranking.ndcg(ranked, items, grades=worth, k=k, gain="exponential"), exponential)


def test_scikit_learn_averages_over_ties_where_a_list_has_an_order() -> None:
    worth, scores = np.array([[1, 0, 0]]), np.zeros((1, 3))
    averaged = (1 + 1 / np.log2(3) + 0.5) / 3
    assert ndcg_score(worth, scores) == pytest.approx(averaged)
    assert ranking.ndcg(ranking.top_k(scores, 3), [[0]]).values[0] == 1.0


@pytest.mark.parametrize("k", [5, 8])
def test_ranx_agrees(k: int) -> None:
    known: dict[str, Any] = {"grades": GRADES, "k": k}
    assert same(ranking.ndcg(RANKED, RELEVANT, **known), values("ranx", f"ndcg@{k}"))
    assert same(ranking.ndcg(RANKED, RELEVANT, gain="exponential", **known), values("ranx", f"ndcg_burges@{k}"))
    assert same(ranking.mean_average_precision(RANKED, RELEVANT, **known), values("ranx", f"map@{k}"))
    assert same(ranking.recall(RANKED, RELEVANT, **known), values("ranx", f"recall@{k}"))
    assert same(ranking.mrr(RANKED, RELEVANT, grades=GRADES, k=5), values("ranx", "mrr@5"))
    assert same(ranking.hit_rate(RANKED, RELEVANT, grades=GRADES, k=1), values("ranx", "hit_rate@1"))


@pytest.mark.parametrize("k", [5, 8])
def test_rectools_agrees(k: int) -> None:
    assert same(ranking.mean_average_precision(RANKED, RELEVANT, k=k), values("rectools", f"map@{k}"))
    assert same(ranking.ndcg(RANKED, RELEVANT, k=k), values("rectools", f"ndcg_achievable@{k}"))
    assert same(ranking.mrr(RANKED, RELEVANT, k=k), values("rectools", f"mrr@{k}"))
    assert same(ranking.precision(RANKED, RELEVANT, k=k), values("rectools", f"precision@{k}"))
    assert same(ranking.recall(RANKED, RELEVANT, k=k), values("rectools", f"recall@{k}"))
    assert same(ranking.hit_rate(RANKED, RELEVANT, k=k), values("rectools", f"hit_rate@{k}"))
    users = len({user for user, _ in DATA["history"]})
    assert same(ranking.miuf(RANKED, consumers=CONSUMED, users=users, k=k), values("rectools", f"miuf@{k}"))
    assert same(ranking.arp(RANKED, interactions=CONSUMED, k=k), values("rectools", f"arp@{k}"))
    surprise = ranking.rank_serendipity(RANKED, RELEVANT, interactions=CONSUMED, k=k)
    assert same(surprise, values("rectools", f"serendipity@{k}"))


def test_rectools_divides_ndcg_by_what_nobody_can_reach() -> None:
    """Its default ideal has k relevant items whatever the user has, so a perfect list may have less than 1."""
    theirs, few = values("rectools", "ndcg@8"), COUNT < 8
    assert few.any()
    assert (theirs[few] < values("rectools", "ndcg_achievable@8")[few] + 1e-12).all()
    perfect = np.where(np.arange(12) < COUNT[:, None], RELEVANT, -1)
    assert (ranking.ndcg(perfect, RELEVANT, k=8).values == 1.0).all()
    ideal = 1 / np.log2(np.arange(2, 10))
    own = ranking.ndcg(RANKED, RELEVANT, k=8).values * np.cumsum(ideal)[np.minimum(COUNT, 8) - 1] / ideal.sum()
    assert np.allclose(own, theirs, rtol=0, atol=1e-9)


def test_rectools_divides_map_by_k_beyond_what_is_relevant() -> None:
    """`divide_by_k` divides by k also where fewer items are relevant; neither of our conventions does."""
    theirs = values("rectools", "map_by_k@8")
    ours = ranking.mean_average_precision(RANKED, RELEVANT, k=8, divisor="min_k").values
    assert np.allclose(ours * np.minimum(COUNT, 8) / 8, theirs, rtol=0, atol=1e-9)
    assert not np.allclose(ours, theirs)


def test_ranx_takes_precision_of_the_places_asked_for() -> None:
    for k in (5, 8):
        assert same(ranking.precision(RANKED, RELEVANT, grades=GRADES, k=k), values("ranx", f"precision@{k}"))
    assert (LENGTH < 8).any()


def test_recbole_agrees_on_gini_and_coverage() -> None:
    peer = PEERS["recbole"]
    lists = np.array(peer["lists"])
    assert ranking.gini(lists, peer["items"]).value == pytest.approx(peer["values"]["gini"], abs=1e-9)
    assert ranking.coverage(lists, peer["items"]).value == pytest.approx(peer["values"]["coverage"], abs=1e-9)


def test_recbole_divides_entropy_by_the_number_of_items_shown() -> None:
    """Its ShannonEntropy is the entropy over the number of distinct items: a wider spread may lower it."""
    peer = PEERS["recbole"]
    lists = np.array(peer["lists"])
    ours = ranking.shannon_entropy(lists, peer["items"], base=np.e).value
    assert peer["values"]["entropy"] == pytest.approx(ours / len(np.unique(lists)), abs=1e-9)
    narrow, wide = np.array([[0, 1]] * 2), np.array([[0, 1], [2, 3]])
    assert ranking.shannon_entropy(wide, 4).value > ranking.shannon_entropy(narrow, 4).value
    theirs = [ranking.shannon_entropy(x, 4).value / len(np.unique(x)) for x in (wide, narrow)]
    assert theirs[0] <= theirs[1]


def test_rectools_takes_a_single_item_for_no_diversity() -> None:
    peer = PEERS["rectools"]["diversity"]
    features, lists = np.array(peer["features"], dtype=np.float64), np.array(peer["lists"])
    lists[peer["singleton"], 1:] = -1
    # on a single feature of 0 or 1 the Hamming distance is the Euclidean one
    ours = ranking.intra_list_diversity(lists, features, distance="euclidean").values
    assert np.allclose(ours[1:], peer["hamming"][1:], rtol=0, atol=1e-9)
    assert peer["hamming"][peer["singleton"]] == 0.0
    assert np.isnan(ours[peer["singleton"]])
