"""What was shown and taken: popularity, diversity, use of the catalogue."""

from collections.abc import Callable
from dataclasses import dataclass
from math import log2
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from fabricated_run import fabricate, write

from driftline.evaluation import ranking
from driftline.evaluation.metrics import Judged, Probed
from driftline.evaluation.metrics._base import values_of
from driftline.evaluation.metrics._table import BUILT_IN
from driftline.evaluation.run.folder import RunFolder
from driftline.evaluation.run.shown import (
    GROUPS,
    WEEK,
    Shown,
    TrueItems,
    catalogue_use,
    shown,
    topic_entropy,
    true_items,
)
from driftline.evaluation.run.visits import judged_visits
from driftline.sim.errors import RunFolderError
from driftline.sim.types import Floats, Int64s

ITEMS, TOPICS, START = 30, 5, 14.0


@dataclass(frozen=True)
class Made:
    """Judged visits made up at random, ten users over twenty days."""

    visits: pl.DataFrame
    shown: Shown
    items: TrueItems

    @property
    def day(self) -> Int64s:
        return np.floor(self.visits["time"].to_numpy() - START).astype(np.int64)

    def values(self, metric: str, shown: Shown | None = None) -> Floats:
        """Of a metric that looks at no beliefs."""
        judged = Judged(self.visits, START, lambda: shown or self.shown, lambda: self.items, _never)
        return values_of(BUILT_IN[metric], judged)


def _never() -> Probed:
    raise AssertionError


def _items(mixture: Floats) -> TrueItems:
    return TrueItems(mixture, np.zeros(len(mixture)), np.full(len(mixture), np.inf))


@pytest.fixture(scope="module")
def made() -> Made:
    rng = np.random.default_rng(4)
    n = 400
    user = np.repeat(np.arange(10), n // 10)
    time = np.concatenate([np.sort(rng.uniform(START, START + 20, n // 10)) for _ in range(10)])
    items = np.stack([rng.choice(ITEMS, 4, replace=False, p=np.arange(1, ITEMS + 1) / 465) for _ in range(n)])
    place = rng.integers(0, 5, n)
    taken = np.where(place < 4, items[np.arange(n), np.minimum(place, 3)], -1)
    visits = pl.DataFrame({"user": user, "visit": np.tile(np.arange(n // 10), 10), "time": time})
    return Made(visits, Shown(items.astype(np.int32), taken), _items(rng.dirichlet(np.full(TOPICS, 0.4), ITEMS)))


def _clicks(made: Made, today: int) -> Int64s:
    week = (made.day >= today - WEEK) & (made.day < today) & (made.shown.taken >= 0)
    return np.bincount(made.shown.taken[week], minlength=ITEMS)


@pytest.mark.parametrize(
    ("metric", "of_lists"),
    [
        ("self_information", lambda lists, clicks: ranking.self_information(lists, interactions=clicks)),
        ("aplt", lambda lists, clicks: ranking.aplt(lists, tail=ranking.long_tail(clicks))),
    ],
)
def test_popularity_is_that_of_the_clicks_of_the_week_before(
    made: Made, metric: str, of_lists: Callable[[Int64s, Int64s], ranking.PerUser]
) -> None:
    found = made.values(metric)
    assert np.isnan(found[made.day < WEEK]).all()
    for today in range(WEEK, 20):
        rows = made.day == today
        expected = of_lists(made.shown.items[rows].astype(np.int64), _clicks(made, today)).values
        assert np.allclose(found[rows], expected, rtol=1e-12, atol=0)


def test_diversity_is_that_of_each_slate_alone(made: Made) -> None:
    found = made.values("intra_list_diversity")
    expected = ranking.intra_list_diversity(made.shown.items, made.items.mixture).values
    assert np.allclose(found, expected, rtol=0, atol=1e-12)


def test_a_slate_of_one_item_has_no_diversity_and_no_clicks_make_no_popularity(made: Made) -> None:
    single = Shown(made.shown.items[:, :1], np.full(len(made.visits), -1))
    for metric in ("intra_list_diversity", "self_information", "aplt"):
        assert np.isnan(made.values(metric, single)).all()


def test_coverage_and_gini_are_those_of_all_slates_together(made: Made) -> None:
    there = np.arange(ITEMS) < 25
    found = catalogue_use(made.shown.items, made.visits["user"].to_numpy(), there)
    seen = np.unique(made.shown.items)
    catalogue = np.union1d(np.flatnonzero(there), seen)
    assert found["coverage"].value == pytest.approx(ranking.coverage(made.shown.items, catalogue).value, abs=1e-12)
    assert found["gini"].value == pytest.approx(ranking.gini(made.shown.items, catalogue).value, abs=1e-12)
    assert found["coverage"].value == len(seen) / len(catalogue)


def test_an_item_off_the_shelf_does_not_count_unless_it_was_shown() -> None:
    items, user = np.array([[0, 1], [1, 2]], dtype=np.int32), np.array([0, 1])
    there = np.array([True, True, False, True, False, False])
    found = catalogue_use(items, user, there)
    assert found["coverage"].value == 3 / 4  # 0, 1, 2 were shown; 3 stood on the shelf beside them
    # counts 0, 1, 1, 2: sum of (2 i - 5) c over 4 x 4
    assert found["gini"].value == pytest.approx((-1 + 1 + 3 * 2) / 16)
    assert catalogue_use(items[:0], user[:0], there) == {}


def test_their_intervals_leave_out_one_group_of_users_at_a_time(made: Made) -> None:
    user = np.arange(len(made.visits))  # every visit a user of its own
    found = catalogue_use(made.shown.items, user, np.ones(ITEMS, bool))["gini"]
    without = np.array([ranking.gini(made.shown.items[user % GROUPS != group], ITEMS).value for group in range(GROUPS)])
    error = np.sqrt((GROUPS - 1) / GROUPS * ((without - without.mean()) ** 2).sum())
    assert found.std_error == pytest.approx(error, rel=1e-9)
    assert found.n == GROUPS
    assert found.low < found.value < found.high


def test_the_error_of_gini_is_what_fresh_users_show() -> None:
    rng = np.random.default_rng(8)
    share = rng.dirichlet(np.full(ITEMS, 0.7))

    def draw() -> tuple[float, float]:
        items = rng.choice(ITEMS, (200, 5), p=share).astype(np.int32)
        found = catalogue_use(items, np.arange(200), np.ones(ITEMS, bool))["gini"]
        return found.value, found.std_error

    drawn = np.array([draw() for _ in range(200)])
    # 4 standard errors of a standard deviation of 200 draws are a fifth
    assert drawn[:, 1].mean() == pytest.approx(drawn[:, 0].std(ddof=1), rel=0.2)


def test_topic_entropy_is_that_of_the_first_five_clicks_of_each_third() -> None:
    # each user: five clicks on topic 0, then five on five topics and two more that do not count, then four
    taken = np.tile([0] * 5 + [0, 1, 2, 3, 4, 0, 0] + [1] * 4 + [-1], 3)
    user, part = np.repeat(np.arange(3), 17), np.tile(np.repeat([0, 1, 2], [5, 7, 5]), 3)
    seen = Shown(taken[:, None].astype(np.int32), taken)
    thirds = {name: part == k for k, name in enumerate(("day:0-1", "day:1-2", "day:2-3"))}
    found = topic_entropy(user, seen, np.eye(5), thirds)
    assert found["topic_entropy", "day:0-1"].value == 0.0
    assert found["topic_entropy", "day:1-2"].value == pytest.approx(log2(5))
    assert np.isnan(found["topic_entropy", "day:2-3"].value)  # four clicks are too few
    assert np.isnan(found["topic_entropy_change", "all"].value)
    first = dict(list(thirds.items())[:2])
    assert topic_entropy(user, seen, np.eye(5), first)["topic_entropy_change", "all"].value == pytest.approx(log2(5))


def test_slates_stand_in_the_order_of_the_judged_visits(tmp_path: Path) -> None:
    run = RunFolder(fabricate(tmp_path, agents=("full",), seeds=(5,), users=8, visits=10))
    visits = judged_visits(run, "full", 5)
    file = run.path / "log/full/5/visits.parquet"
    log = pl.read_parquet(file)
    write(log.sample(fraction=1.0, shuffle=True, seed=1), file)
    found = shown(run, "full", 5, visits)
    log = log.sort("user", "visit")
    assert np.array_equal(found.items, log["items"].to_numpy())
    expected = [row[choice] if choice < 4 else -1 for row, choice in zip(log["items"], log["choice"], strict=True)]
    assert found.taken.tolist() == expected
    assert -1 in expected


def test_the_shelf_holds_what_lives_within_the_days_and_wants_whole_tables(tmp_path: Path) -> None:
    run = RunFolder(fabricate(tmp_path, agents=("full",), seeds=(5,), users=4, visits=4))
    file = run.path / "truth/items-5.parquet"
    items = pl.read_parquet(file)
    life = pl.DataFrame({"born": [0.0, 5.0, 20.0, 31.0], "retired": [14.0, 15.0, 40.0, 50.0]})
    write(items.head(4).with_columns(life).sample(fraction=1.0, shuffle=True, seed=2), file)
    found = true_items(run, 5)
    assert found.live(14.0, 30.0).tolist() == [False, True, True, False]
    assert np.allclose(found.mixture.sum(axis=1), 1.0, rtol=0, atol=1e-15)
    write(items.filter(pl.col("item") != 3), file)
    with pytest.raises(RunFolderError, match="items of seed 5 are not numbered 0 to 58"):
        true_items(run, 5)
