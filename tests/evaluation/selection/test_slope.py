import json
from math import inf, nan, sqrt
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from driftline.evaluation.estimate import Estimate
from driftline.evaluation.off_policy.estimators._weighted import clipped, shrunk, switched
from driftline.evaluation.selection import mse_bound, slope, smallest_mse_bound
from driftline.evaluation.selection._slope import Rule
from driftline.sim.errors import InputError
from driftline.sim.types import Floats

PEER = json.loads((Path(__file__).parent / "sb_obp_tuning.json").read_text())
"""What sb-obp 0.5.10 makes of 60 rounds; see `peer`."""
GRID = [float(x) for x in PEER["lambdas"]]
REWARD, Q, EXPECTED = (np.array(PEER[k], dtype=np.float64) for k in ("reward", "q_action", "q_expected"))
WEIGHT = np.array(PEER["target_pscore"]) / np.array(PEER["pscore"])
FAMILIES: dict[str, Any] = {
    "clipped_ips": (clipped, None, None),
    "switch_dr": (switched, Q, EXPECTED),
    "dros": (shrunk, Q, EXPECTED),
    "clipped_dr": (clipped, Q, EXPECTED),
}


def _mean(terms: Floats) -> Estimate:
    error = float(np.std(terms, ddof=1) / np.sqrt(len(terms)))
    return Estimate(float(terms.mean()), error, nan, nan, len(terms), "mean")


def _terms(name: str, lambda_: float) -> Floats:
    family, q, expected = FAMILIES[name]
    tamed = family(WEIGHT, lambda_)
    return np.asarray(tamed * REWARD if q is None else tamed * (REWARD - q) + expected)


@pytest.mark.parametrize("name", FAMILIES)
def test_slope_chooses_as_the_open_bandit_pipeline(name: str) -> None:
    theirs = PEER["values"][f"{name} slope bernstein"]
    # it sorts its candidates as its families need it
    grid = GRID if name == "dros" else GRID[::-1]
    mine = slope({lambda_: _mean(_terms(name, lambda_)) for lambda_ in grid})
    assert mine.chosen == float(theirs["best"])
    assert mine.estimate.value == pytest.approx(theirs["value"], abs=1e-9)
    assert mine.estimate.method == f"mean, {mine.chosen} chosen among 7 by slope (pairwise)"


@pytest.mark.parametrize("name", FAMILIES)
@pytest.mark.parametrize("bias", ["direct", "bernstein"])
def test_the_mse_bound_is_the_open_bandit_pipelines(name: str, bias: Any) -> None:
    theirs = PEER["values"][f"{name} mse {bias}"]
    family, q, expected = FAMILIES[name]
    grid = GRID if name == "dros" else GRID[::-1]
    best, scores = smallest_mse_bound(
        family=family, grid=grid, reward=REWARD, weight=WEIGHT, q_action=q, q_expected=expected, bias=bias
    )
    assert [scores[lambda_] for lambda_ in GRID] == pytest.approx(theirs["scores"], rel=1e-9)
    assert best == float(theirs["best"])


def test_the_peers_bound_is_charged_even_where_nothing_is_tamed() -> None:
    """Its Bernstein part is that of the weights, so unbiased IPS is charged a bias; ours of the cut is 0 there."""
    same: dict[str, Any] = {"reward": REWARD, "weight": WEIGHT, "tamed_weight": WEIGHT}
    variance = np.var(WEIGHT * REWARD) / 60
    assert mse_bound(**same, bias="bernstein_residual") == pytest.approx(variance, rel=1e-12)
    assert mse_bound(**same, bias="direct") == pytest.approx(variance, rel=1e-12)
    assert mse_bound(**same, bias="bernstein") > 10 * variance


def test_the_residual_bound_by_hand() -> None:
    found = mse_bound(
        reward=np.array([1.0, 0.0, 1.0]),
        weight=np.array([4.0, 1.0, 1.0]),
        tamed_weight=np.array([2.0, 1.0, 1.0]),
        bias="bernstein_residual",
        delta=0.2,
    )
    log10 = np.log(10.0)
    bias = 2 / 3 + sqrt(2 * (4 / 3) * log10 / 3) + 2 * 2 * log10 / 9
    assert found == pytest.approx(np.var([2.0, 0.0, 1.0]) / 3 + bias**2, rel=1e-12)


def test_equal_scores_go_to_the_earlier_value() -> None:
    best, _ = smallest_mse_bound(family=clipped, grid=[1e9, inf, 1e8], reward=REWARD, weight=WEIGHT)
    assert best == 1e9


def _brute(value: list[float], width: list[float], rule: Rule) -> int:
    """The definitions, word by word; widths fall."""
    best = 0
    for i in range(len(value)):
        if rule == "pairwise":
            fine = all(
                abs(value[k] - value[j]) <= width[k] + (sqrt(6) - 1) * width[j] for k in range(i + 1) for j in range(k)
            )
        else:
            low = max(value[j] - 2 * width[j] for j in range(i + 1))
            high = min(value[j] + 2 * width[j] for j in range(i + 1))
            fine = low <= high
        best = i if fine else best
    return best


ESTIMATES = st.lists(st.tuples(st.floats(-1, 1), st.floats(0.01, 0.5)), min_size=1, max_size=8)


@given(ESTIMATES, st.sampled_from(["pairwise", "intersection"]))
def test_slope_is_its_definition(drawn: list[tuple[float, float]], rule: Rule) -> None:
    quantile = stats.t.ppf(0.9, 99)
    found = slope({k: Estimate(v, e, nan, nan, 100) for k, (v, e) in enumerate(drawn)}, rule=rule)
    order = sorted(range(len(drawn)), key=lambda k: -drawn[k][1])
    place = _brute([drawn[k][0] for k in order], [quantile * drawn[k][1] for k in order], rule)
    assert found.chosen == order[place]
    assert found.scores[found.chosen] == pytest.approx(quantile * drawn[found.chosen][1], rel=1e-12)


@given(ESTIMATES)
def test_in_a_given_order_a_later_wide_interval_speaks_for_all_before_it(drawn: list[tuple[float, float]]) -> None:
    found = slope(
        {k: Estimate(v, e, nan, nan, 100) for k, (v, e) in enumerate(drawn)}, order="given", rule="intersection"
    )
    quantile = stats.t.ppf(0.9, 99)
    width = [quantile * max(e for _, e in drawn[k:]) for k in range(len(drawn))]
    assert found.chosen == _brute([v for v, _ in drawn], width, "intersection")


def test_slope_finds_the_window_that_drift_allows() -> None:
    """Windows of 1 to 32 periods; the mean was 0 up to period 24 and is 1 since: eight periods are the most."""
    picked = []
    for seed in range(40):
        reward = np.random.default_rng(seed).normal(np.repeat((np.arange(32) >= 24) * 1.0, 20), 1.0)
        windows = {width: _mean(reward[-20 * width :]) for width in (1, 2, 4, 8, 16, 32)}
        picked.append(slope(windows, order="given").chosen)
    assert np.mean([width <= 8 for width in picked]) == 1.0
    assert np.mean([width == 8 for width in picked]) > 0.8


@pytest.mark.parametrize(
    "candidates, options, message",
    [
        ({}, {}, "candidates is empty"),
        ({"a": Estimate(nan, 1.0, nan, nan, 9)}, {}, "candidate 'a' is nan"),
        ({"a": Estimate(1.0, nan, nan, nan, 9)}, {}, "with error nan"),
        ({"a": Estimate(1.0, 1.0, nan, nan, 1)}, {}, "from 1 units"),
        ({"a": Estimate(1.0, 1.0, nan, nan, 9)}, {"rule": "lepski"}, "rule is 'lepski'"),
        ({"a": Estimate(1.0, 1.0, nan, nan, 9)}, {"order": "bias"}, "order is 'bias'"),
        ({"a": Estimate(1.0, 1.0, nan, nan, 9)}, {"delta": 0.0}, "delta is 0"),
    ],
)
def test_bad_input_is_refused_by_name(candidates: Any, options: Any, message: str) -> None:
    with pytest.raises(InputError, match=message):
        slope(candidates, **options)


def test_bounds_refuse_what_they_cannot_use() -> None:
    with pytest.raises(InputError, match="did you mean 'bernstein'"):
        mse_bound(reward=REWARD, weight=WEIGHT, tamed_weight=WEIGHT, bias="bernstien")  # type: ignore[arg-type]
    with pytest.raises(InputError, match="tamed_weight has 3 rows"):
        mse_bound(reward=REWARD, weight=WEIGHT, tamed_weight=WEIGHT[:3])
    with pytest.raises(InputError, match="candidates is empty"):
        smallest_mse_bound(family=clipped, grid=[], reward=REWARD, weight=WEIGHT)
