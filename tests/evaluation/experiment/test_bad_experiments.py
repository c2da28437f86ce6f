"""Logs that nobody can judge: a clear error each, before any work."""

import subprocess
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from driftline.evaluation import experiment as ex
from driftline.sim.errors import InputError

N = 40
GOOD: dict[str, Any] = {
    "value": np.random.default_rng(0).normal(5, 1, N),
    "arm": np.arange(N) % 2,
    "denominator": np.ones(N),
    "covariate": np.random.default_rng(1).normal(5, 1, N),
}
METHODS: dict[str, Callable[[Any, Any], Any]] = {
    "welch": ex.welch,
    "ratio": lambda v, a: ex.ratio(numerator=v, denominator=np.ones(len(v)), arm=a),
    "lift": lambda v, a: ex.lift(value=v, arm=a),
    "cuped": lambda v, a: ex.cuped(value=v, arm=a, covariate=np.arange(float(len(v)))),
    "post_stratified": lambda v, a: ex.post_stratified(value=v, arm=a, stratum=np.zeros(len(v))),
    "quantile": lambda v, a: ex.quantile(value=v, arm=a),
    "bootstrap": lambda v, a: ex.bootstrap(value=v, arm=a),
    "cluster": lambda v, a: ex.cluster(value=v, arm=a, cluster=np.arange(len(v))),
    "switchback": lambda v, a: ex.switchback(value=v, arm=a, block=np.arange(len(v))),
    "msprt": lambda v, a: ex.msprt(v, a, tau=1.0),
    "confidence_sequence": lambda v, a: ex.confidence_sequence(v, a),
    "group_sequential": lambda v, a: ex.group_sequential(v, a, looks=[len(v)], planned=len(v)),
    "by_cohort": lambda v, a: ex.by_cohort(value=v, arm=a, cohort=np.zeros(len(v))),
    "by_exposure_age": lambda v, a: ex.by_exposure_age(value=v, arm=a, user=np.arange(len(v)), age=np.zeros(len(v))),
    "variance_reduction": lambda v, a: ex.variance_reduction(value=v, arm=a, covariate=np.arange(float(len(v)))),
    "benefit_by_lag": lambda v, a: ex.benefit_by_lag(value=v, arm=a, covariate=np.arange(float(len(v)))),
}


@pytest.mark.parametrize("name", METHODS)
def test_what_is_no_experiment_is_refused(name: str) -> None:
    method = METHODS[name]
    value, arm = GOOD["value"], GOOD["arm"]
    with pytest.raises(InputError, match="arm B has 0 of 40 units; at least 2"):
        method(value, np.zeros(N))
    with pytest.raises(InputError, match="arm A has 1 of 3 units"):
        method(value[:3], [0, 1, 1])
    with pytest.raises(InputError, match=r"[a-z]+\[7\] is nan; must be finite"):
        method(np.where(np.arange(N) == 7, np.nan, value), arm)
    with pytest.raises(InputError, match=r"[a-z]+\[7\] is inf; must be finite"):
        method(np.where(np.arange(N) == 7, np.inf, value), arm)
    with pytest.raises(InputError, match="arm has 39 rows; must have 40"):
        method(value, arm[1:])
    with pytest.raises(InputError, match=r"arm\[3\] is 2; must be 0 \(A\) or 1 \(B\)"):
        method(value, np.where(np.arange(N) == 3, 2, arm))


def test_errors_are_one_line() -> None:
    for wrong in (np.full((2, 2), 1.0), ["a", "b"], [[1.0], [1.0, 2.0]]):
        with pytest.raises(InputError) as caught:
            ex.welch(wrong, [0, 1])
        assert "\n" not in str(caught.value)
    with pytest.raises(InputError, match=r"arm: must be 0 \(A\) or 1 \(B\), got <U1"):
        ex.welch(GOOD["value"], np.array(["A", "B"])[GOOD["arm"]])


@pytest.mark.parametrize(
    "call, message",
    [
        (lambda: ex.welch(GOOD["value"], GOOD["arm"], level=95), "level is 95; must be above 0 and below 1"),
        (lambda: ex.lift(value=GOOD["value"], arm=GOOD["arm"], interval="filler"), "did you mean 'fieller'"),  # type: ignore[arg-type]
        (lambda: ex.lift(value=-GOOD["value"], arm=GOOD["arm"], interval="log"), "needs levels above 0"),
        (
            lambda: ex.ratio(numerator=GOOD["value"], denominator=-np.ones(N), arm=GOOD["arm"]),
            r"denominator\[0\] is -1; must",
        ),
        (lambda: ex.ratio(numerator=GOOD["value"], denominator=GOOD["arm"], arm=GOOD["arm"]), "arm A sum to 0"),
        (lambda: ex.proportions(GOOD["value"], GOOD["arm"]), r"value\[0\] is 5.* must be 0 or 1"),
        (lambda: ex.proportions(GOOD["arm"], GOOD["arm"], interval="wlad"), "did you mean 'wald'"),  # type: ignore[arg-type]
        (
            lambda: ex.cuped(value=GOOD["value"], arm=GOOD["arm"], covariate=np.ones((3, 2))),
            "covariate has 3 rows; must",
        ),
        (
            lambda: ex.post_stratified(value=GOOD["value"], arm=GOOD["arm"], stratum=np.arange(N)),
            "stratum 0 has 1 units of arm A|stratum 0 has 0 units of arm B",
        ),
        (
            lambda: ex.post_stratified(value=GOOD["value"], arm=GOOD["arm"], stratum=np.zeros(N), shares=[1, 2]),
            "shares has 2 entries, there are 1 strata",
        ),
        (lambda: ex.quantile(value=GOOD["value"], arm=GOOD["arm"], q=1.0), "q is 1; must be above 0 and below 1"),
        (lambda: ex.quantile(value=GOOD["value"], arm=GOOD["arm"], cluster=np.zeros(N)), "units in both arms"),
        (lambda: ex.cluster(value=GOOD["value"], arm=GOOD["arm"], cluster=GOOD["arm"]), "arm A has 1 cluster"),
        (
            lambda: ex.cluster(value=GOOD["value"], arm=GOOD["arm"], cluster=np.arange(N), correction="CR3"),  # type: ignore[arg-type]
            "correction 'CR3' is unknown",
        ),
        (lambda: ex.bootstrap(value=GOOD["value"], arm=GOOD["arm"], replicates=10), "replicates must be at least 100"),
        (lambda: ex.bootstrap(value=GOOD["value"], arm=GOOD["arm"], interval="percentle"), "did you mean 'percentile'"),  # type: ignore[arg-type]
        (lambda: ex.switchback(value=GOOD["value"], arm=GOOD["arm"], block=np.zeros(N)), "units in both arms"),
        (
            lambda: ex.switchback(value=GOOD["value"], arm=GOOD["arm"], block=np.arange(N), washout=1.0),
            "washout needs the rows' time",
        ),
        (
            lambda: ex.switchback(
                value=GOOD["value"], arm=GOOD["arm"], block=np.arange(N), time=np.arange(N)[::-1], washout=1.0
            ),
            "blocks overlap in time",
        ),
        (
            lambda: ex.switchback(value=GOOD["value"], arm=GOOD["arm"], block=np.arange(N), lags=N),
            "lags must lie between 0 and",
        ),
        (lambda: ex.srm([0, 1, 2]), r"arm\[2\] is 2; must be a whole number from 0 to 1"),
        (lambda: ex.srm([0, 1], share=[0.5, 0.6]), "sum to 1"),
        (lambda: ex.srm([]), "arm is empty"),
        (lambda: ex.srm_sequential([0, 1], concentration=0), "concentration"),
        (lambda: ex.variance_reduction(value=np.ones(N), arm=GOOD["arm"], covariate=GOOD["value"]), "do not vary"),
        (lambda: ex.benefit_by_lag(value=GOOD["value"], arm=GOOD["arm"], covariate=np.ones(N)), "lag 1 does not vary"),
    ],
)
def test_errors_name_the_thing_and_the_bound(call: Callable[[], object], message: str) -> None:
    with pytest.raises(InputError, match=message):
        call()


def test_the_package_imports_without_heavy_friends() -> None:
    code = (
        "import sys, driftline.evaluation.experiment;"
        "print([m for m in ('torch', 'transformers', 'sklearn', 'matplotlib.pyplot') if m in sys.modules])"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"
