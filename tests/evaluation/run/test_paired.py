"""Twins compared user by user, within a seed and over seeds."""

from math import inf, isnan
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from fabricated_run import fabricate, write
from scipy import stats

from driftline.evaluation.run.folder import RunFolder
from driftline.evaluation.run.paired import compare
from driftline.sim.errors import RunFolderError


def twins(folder: Path, gain: float, seeds: tuple[int, ...] = (5, 6, 7), ripple: float = 0.0) -> RunFolder:
    """Two agents with the same logs, but the second one's rewards are `gain` higher, give or take a ripple."""
    fabricate(folder, agents=("full", "moving_average"), seeds=seeds, users=30, visits=12)
    rng = np.random.default_rng(1)
    for seed in seeds:
        for name in ("visits", "values"):
            frame = pl.read_parquet(folder / f"truth/full/{seed}/{name}.parquet")
            if name == "visits":
                noise = np.repeat(ripple * rng.standard_normal(30), 12)
                frame = frame.with_columns(reward=pl.col("reward").cast(pl.Float64) + gain + noise)
            write(frame, folder / f"truth/moving_average/{seed}/{name}.parquet")
    return RunFolder(folder)


def test_identical_agents_have_exactly_no_effect_on_anybody(tmp_path: Path) -> None:
    run = twins(tmp_path, 0.0)
    for metric in ("reward", "regret"):
        found = compare(run, "full", "moving_average", metric)
        assert found.effects["effect"].to_list() == [0.0] * 90
        assert (found.difference.value, found.difference.low, found.difference.high) == (0.0, 0.0, 0.0)
        assert found.smallest_difference == 0.0
        assert found.variance_reduction == inf
        assert found.ratio.value == 1.0
        assert [note.split(":")[0] for note in found.notes] == ["3 seeds only"]


def test_a_planted_effect_is_recovered_for_every_user(tmp_path: Path) -> None:
    found = compare(twins(tmp_path, 0.25), "full", "moving_average")
    assert np.allclose(found.effects["effect"].to_numpy(), 0.25, atol=1e-7)
    assert found.difference.value == pytest.approx(0.25)
    assert found.difference.n == 3
    assert compare(RunFolder(tmp_path), "moving_average", "full").difference.value == pytest.approx(-0.25)


def test_intervals_are_paired_t_within_and_over_seeds(tmp_path: Path) -> None:
    found = compare(twins(tmp_path, 0.1, ripple=0.05), "full", "moving_average")
    effects = [part["effect"].to_numpy() for part in found.effects.partition_by("seed")]
    for own, effect in zip(found.by_seed, effects, strict=True):
        low, high = stats.t.interval(0.95, len(effect) - 1, effect.mean(), stats.sem(effect))
        assert np.allclose([own.low, own.high], [low, high])
    means = np.array([effect.mean() for effect in effects])
    low, high = stats.t.interval(0.95, 2, means.mean(), stats.sem(means))
    assert np.allclose([found.difference.low, found.difference.high], [low, high])
    errors = np.array([stats.sem(effect) for effect in effects])
    freedom = np.sum(errors**2) ** 2 / np.sum(errors**4 / [len(effect) - 1 for effect in effects])
    low, high = stats.t.interval(0.95, freedom, means.mean(), np.sqrt(np.sum(errors**2)) / 3)
    assert (found.over_users.low, found.over_users.high) == pytest.approx((low, high), rel=1e-9)
    assert found.over_users.n == 90


def test_only_the_seeds_asked_for_are_compared(tmp_path: Path) -> None:
    run = twins(tmp_path, 0.1, ripple=0.05)
    whole, one = compare(run, "full", "moving_average"), compare(run, "full", "moving_average", seeds=[6])
    assert one.effects.equals(whole.effects.filter(pl.col("seed") == 6))
    assert one.difference == whole.by_seed[1]
    assert one.over_users.value == pytest.approx(one.difference.value)
    with pytest.raises(ValueError, match=r"no seed 8 in .*; it has 5, 6, 7"):
        compare(run, "full", "moving_average", seeds=[8])


def test_variance_reduction_is_unpaired_over_paired_variance(tmp_path: Path) -> None:
    found = compare(twins(tmp_path, 0.1, seeds=(5,), ripple=0.05), "full", "moving_average")
    a, b = found.effects["a"].to_numpy(), found.effects["b"].to_numpy()
    assert found.variance_reduction == pytest.approx((a.var() + b.var()) / (b - a).var())
    assert found.variance_reduction > 5


def test_one_seed_is_judged_over_its_users_and_says_so(tmp_path: Path) -> None:
    found = compare(twins(tmp_path, 0.1, seeds=(5,), ripple=0.05), "full", "moving_average")
    assert found.difference == found.by_seed[0]
    assert found.difference.n == 30
    assert isnan(found.ratio.low)
    assert "one seed only" in found.notes[0]


def test_ratio_is_the_geometric_mean_over_seeds(tmp_path: Path) -> None:
    found = compare(RunFolder(fabricate(tmp_path, users=20, visits=15)), "moving_average", "full", "regret")
    means = found.effects.group_by("seed", maintain_order=True).agg(pl.col("a", "b").mean())
    logs = np.log((means["b"] / means["a"]).to_numpy())
    low, high = stats.t.interval(0.95, 2, logs.mean(), stats.sem(logs))
    assert np.allclose([found.ratio.value, found.ratio.low, found.ratio.high], np.exp([logs.mean(), low, high]))
    assert found.ratio.value < 1.0


def test_a_ratio_to_nothing_is_not_a_number(tmp_path: Path) -> None:
    found = compare(RunFolder(fabricate(tmp_path, users=6, visits=8)), "oracle", "full", "regret")
    assert isnan(found.ratio.value) or found.ratio.value > 1e3


def test_a_user_missing_in_one_twin_is_left_out_and_named(tmp_path: Path) -> None:
    run = twins(tmp_path, 0.25)
    file = tmp_path / "truth/moving_average/6/visits.parquet"
    truth = pl.read_parquet(file)
    gone = truth["user"][0]
    write(truth.filter(pl.col("user") != gone), file)
    found = compare(run, "full", "moving_average")
    assert found.missing.rows() == [(6, gone, "moving_average")]
    assert len(found.effects) == 89
    assert found.notes[-1:] == (f"1 users are missing under moving_average and left out (for example {gone})",)


def test_wrong_names_are_refused_with_the_nearest_legal_one(tmp_path: Path) -> None:
    run = RunFolder(fabricate(tmp_path, agents=("full", "oracle"), seeds=(5,), users=3, visits=4))
    with pytest.raises(RunFolderError, match="did you mean 'oracle'"):
        compare(run, "full", "oracel")
    with pytest.raises(ValueError, match="no metric of single visits 'regrets'; did you mean 'regret'"):
        compare(run, "full", "oracle", "regrets")
