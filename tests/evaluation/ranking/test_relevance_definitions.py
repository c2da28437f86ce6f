"""Every measure of relevant items against its definition, written out in loops."""

from typing import Any

import numpy as np
import polars as pl
import pytest
from ranking_lists import UNDEFINED, USERS, WIDTH, average_precision, close, dcg, lists, per_user

from driftline.evaluation import ranking


@pytest.mark.parametrize("k", [1, 3, WIDTH, WIDTH + 6])
@pytest.mark.parametrize("gain", ["linear", "exponential"])
def test_ndcg_is_its_definition(k: int, gain: Any) -> None:
    ranked, relevant, grades = lists()

    def one(own: list[int], _: set[int], known: dict[int, int], k: int) -> float:
        best = sorted(known.values(), reverse=True)[:k]
        return dcg([known.get(i, 0) for i in own], gain == "exponential") / dcg(best, gain == "exponential")

    close(ranking.ndcg(ranked, relevant, grades=grades, k=k, gain=gain), per_user(one, k))


@pytest.mark.parametrize("k", [1, 4, WIDTH, WIDTH + 6])
def test_hit_rate_and_mrr_are_their_definitions(k: int) -> None:
    ranked, relevant, grades = lists()

    def first(own: list[int], liked: set[int], _: Any, k: int) -> float:
        return next((1.0 / rank for rank, i in enumerate(own, 1) if i in liked), 0.0)

    close(ranking.mrr(ranked, relevant, grades=grades, k=k), per_user(first, k))
    hits = [UNDEFINED if x == UNDEFINED else float(x > 0) for x in per_user(first, k)]
    close(ranking.hit_rate(ranked, relevant, grades=grades, k=k), hits)


@pytest.mark.parametrize("k", [1, 4, WIDTH, WIDTH + 6])
def test_map_precision_and_recall_are_their_definitions_under_every_divisor(k: int) -> None:
    ranked, relevant, grades = lists()
    known = {"grades": grades, "k": k}
    for divisor in ("relevant", "min_k"):

        def below(liked: set[int], divisor: str = divisor) -> int:
            return len(liked) if divisor == "relevant" else min(k, len(liked))

        expected = per_user(lambda own, liked, _, k: average_precision(own, liked) / below(liked), k)
        close(ranking.mean_average_precision(ranked, relevant, divisor=divisor, **known), expected)  # type: ignore[arg-type]
        expected = per_user(lambda own, liked, _, k: len(set(own) & liked) / below(liked), k)
        close(ranking.recall(ranked, relevant, divisor=divisor, **known), expected)  # type: ignore[arg-type]
    by_k = per_user(lambda own, liked, _, k: len(set(own) & liked) / k, k)
    close(ranking.precision(ranked, relevant, grades=grades, k=k), by_k)
    by_list = per_user(lambda own, liked, _, k: len(set(own) & liked) / max(len(own), 1), k)
    close(ranking.precision(ranked, relevant, grades=grades, k=k, divisor="list"), by_list)


def test_users_without_relevant_items_are_left_out_or_count_as_nothing_and_are_told_of() -> None:
    ranked, relevant, grades = lists()
    without = int(np.isnan(ranking.ndcg(ranked, relevant, grades=grades).values).sum())
    assert without >= 3
    for measure in (
        ranking.ndcg,
        ranking.hit_rate,
        ranking.mrr,
        ranking.precision,
        ranking.recall,
        ranking.mean_average_precision,
    ):
        skipped = measure(ranked, relevant, grades=grades)
        zeroed = measure(ranked, relevant, grades=grades, empty="zero")
        assert skipped.mean.n == USERS - without
        assert zeroed.mean.n == USERS
        assert zeroed.mean.value == pytest.approx(skipped.mean.value * (USERS - without) / USERS)
        assert skipped.mean.warnings == (f"{without} of 60 users have no relevant item and are left out of the mean",)
        assert zeroed.mean.warnings == (f"{without} of 60 users have no relevant item and count as 0",)


def test_a_long_frame_says_the_same_as_a_padded_array() -> None:
    ranked, relevant, grades = lists()
    rng = np.random.default_rng(5)
    names = rng.permutation(10_000)[:USERS]
    row, place = np.nonzero(relevant >= 0)
    frame = pl.DataFrame({"user": names[row], "item": relevant[row, place], "grade": grades[row, place]})
    mixed = frame.sample(fraction=1.0, shuffle=True, seed=3)
    for measure in (ranking.ndcg, ranking.mean_average_precision, ranking.recall):
        direct = measure(ranked, relevant, grades=grades, k=5)
        by_frame = measure(ranked, mixed, users=names, k=5)
        assert np.array_equal(direct.values, by_frame.values, equal_nan=True)
    ungraded = ranking.ndcg(ranked, mixed.drop("grade"), users=names)
    assert np.array_equal(ungraded.values, ranking.ndcg(ranked, relevant).values, equal_nan=True)
    stranger = pl.concat([mixed, pl.DataFrame({"user": [20_000, 20_000], "item": [1, 2], "grade": [1, 1]})])
    told = ranking.mrr(ranked, stranger, users=names).mean.warnings
    assert told[0] == "1 users with relevant items have no list and are not counted"
