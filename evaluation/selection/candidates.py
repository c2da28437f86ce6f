"""Off-policy estimators by name, with their hyper-parameters, ready to be chosen among."""

from collections.abc import Mapping, Sequence

from driftline.evaluation.estimate import Estimate
from driftline.evaluation.off_policy.estimation import estimate_all
from driftline.evaluation.off_policy.rounds import Rounds
from driftline.evaluation.off_policy.terms import METHODS, TAMED, Method
from driftline.evaluation.selection.pas_if import Candidate
from driftline.sim.errors import InputError, hint


def candidates(*methods: Method, lambdas: Mapping[Method, Sequence[float]] | None = None) -> dict[str, Candidate]:
    """One candidate for each method, and one for each value of `lambdas` by method.

    Keys read `snips` and `dros 100`. InputError: an unknown method, a lambda for a method that has none.
    """
    grids = lambdas or {}
    for name in (*methods, *grids):
        if name not in METHODS:
            raise InputError(f"method is {name!r}; {hint(name, METHODS)}")
    for name in grids:
        if name not in TAMED:
            raise InputError(f"{name!r} has no lambda_; {hint(name, TAMED)}")
    found = {str(method): _candidate(method, None) for method in methods}
    tamed = {f"{method} {value:g}": _candidate(method, value) for method, grid in grids.items() for value in grid}
    return found | tamed


def _candidate(method: Method, lambda_: float | None) -> Candidate:
    def of(rounds: Rounds) -> Estimate:
        given: dict[str, float] = {} if lambda_ is None else {method: float(lambda_)}
        return estimate_all(rounds, methods=[method], lambdas=given)[method]

    return of
