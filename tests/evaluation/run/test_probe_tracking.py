"""Belief against truth on the probe items: divergence, temperature, rank correlation."""

from pathlib import Path

import numpy as np
import polars as pl
import pytest
from fabricated_run import fabricate
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.distance import jensenshannon
from scipy.stats import spearmanr

from driftline.evaluation.run.folder import RunFolder
from driftline.evaluation.run.tracking import (
    beliefs,
    fit_temperature,
    jensen_shannon,
    rank_correlation,
    softmax,
    tracking_error,
)
from driftline.sim.errors import RunFolderError


def test_jensen_shannon_agrees_with_scipy() -> None:
    p, q = np.random.default_rng(0).dirichlet(np.full(64, 0.2), (2, 50))
    p[0, :32] = 0.0
    p[0] /= p[0].sum()
    expected = [jensenshannon(a, b) ** 2 for a, b in zip(p, q, strict=True)]
    assert np.allclose(jensen_shannon(p, q), expected, atol=1e-12)


@settings(max_examples=50)
@given(st.lists(st.floats(-20, 20), min_size=8, max_size=8), st.lists(st.floats(-20, 20), min_size=8, max_size=8))
def test_jensen_shannon_lies_between_nothing_and_log_two(a: list[float], b: list[float]) -> None:
    p, q = softmax(np.array([a])), softmax(np.array([b]))
    found = float(jensen_shannon(p, q)[0])
    assert -1e-12 <= found <= np.log(2) + 1e-12
    assert found == pytest.approx(float(jensen_shannon(q, p)[0]), abs=1e-12)


def test_disjoint_beliefs_are_log_two_apart() -> None:
    assert jensen_shannon(np.array([[1.0, 0.0]]), np.array([[0.0, 1.0]]))[0] == pytest.approx(np.log(2))


@pytest.mark.parametrize("scale", [0.01, 1.0, 300.0])
def test_temperature_undoes_the_scale_of_scores(scale: float) -> None:
    utility = 2.0 * np.random.default_rng(1).standard_normal((300, 64))
    temperature = fit_temperature(scale * utility, utility)
    assert temperature == pytest.approx(scale, rel=1e-3)
    assert tracking_error(scale * utility, utility, temperature).max() < 1e-6


def test_temperature_is_the_best_there_is() -> None:
    rng = np.random.default_rng(2)
    utility = 2.0 * rng.standard_normal((300, 64))
    scores = utility + 2.0 * rng.standard_normal((300, 64))
    best = fit_temperature(scores, utility)
    least = tracking_error(scores, utility, best).mean()
    for other in (0.5, 0.9, 1.1, 2.0):
        assert tracking_error(scores, utility, other * best).mean() > least


def test_equal_scores_mean_uniform_belief_and_no_order() -> None:
    utility = np.random.default_rng(3).standard_normal((5, 64))
    flat = np.full((5, 64), 0.7)
    assert fit_temperature(flat, utility) == 1.0
    uniform = np.full((5, 64), 1 / 64)
    assert np.allclose(tracking_error(flat, utility, 1.0), jensen_shannon(uniform, softmax(utility)))
    assert (rank_correlation(flat, utility) == 0.0).all()


def test_rank_correlation_agrees_with_scipy_with_and_without_ties() -> None:
    rng = np.random.default_rng(4)
    scores, utility = rng.standard_normal((2, 30, 64))
    scores[::2] = np.round(scores[::2])
    expected = [spearmanr(a, b).statistic for a, b in zip(scores, utility, strict=True)]
    assert np.allclose(rank_correlation(scores, utility), expected, atol=1e-12)


def test_beliefs_put_the_truth_beside_the_scores_of_the_same_visit(tmp_path: Path) -> None:
    run = RunFolder(fabricate(tmp_path, agents=("oracle",), seeds=(5,), users=6, probed=3))
    file = tmp_path / "log/oracle/5/scores.parquet"
    pl.read_parquet(file).sample(fraction=1.0, shuffle=True, seed=1).write_parquet(file)
    known = beliefs(run, "oracle", 5)
    assert known.scores.shape == (120, 60)
    assert np.allclose(known.scores, known.utility, atol=1e-4)


def test_scores_that_are_not_finite_are_named(tmp_path: Path) -> None:
    run = RunFolder(fabricate(tmp_path, agents=("full",), seeds=(5,), users=3))
    file = tmp_path / "log/full/5/scores.parquet"
    spoilt = np.full((120, 60), np.nan, dtype=np.float32)
    pl.read_parquet(file).with_columns(scores=pl.Series(spoilt, dtype=pl.Array(pl.Float32, 60))).write_parquet(file)
    with pytest.raises(RunFolderError, match="full, seed 5 gave a probe item a score that is not finite"):
        beliefs(run, "full", 5)
