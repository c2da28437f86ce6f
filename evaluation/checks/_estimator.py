"""What every off-policy estimator must do, asked of one: `check_estimator`."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import product
from math import isfinite

import numpy as np

from driftline.evaluation.estimate import Estimate
from driftline.evaluation.interval import Asked, Precision
from driftline.evaluation.off_policy.estimation import estimates
from driftline.evaluation.off_policy.estimators._base import ESTIMATORS, Estimator
from driftline.evaluation.off_policy.rounds import Rounds
from driftline.sim.conformance import Broken, Check, Promise, examined
from driftline.sim.errors import InputError
from driftline.sim.types import Floats, Int64s

ROUNDING = 1e-9
"""Relative error that two ways of adding the same numbers may differ by."""
ROUNDS = 60
SHIFT, SCALE = -1.75, 2.5
LEVELS = (0.5, 0.9, 0.99)


def check_estimator(estimator: str | type[Estimator] | Estimator) -> tuple[Check, ...]:
    """Ask for every promise of an off-policy estimator, and say what held.

    Args:
        estimator: A name, `package.module:Class`, a class, or one that is built. One that has a `lambda_` is asked
            with the one at which weights stay as they are, unless it is built with another.

    Raises:
        InputError: The name cannot be found, or is no `Estimator`.

    Examples:
        >>> [check.name for check in check_estimator("ips") if check.fault]
        []
    """
    if isinstance(estimator, str):
        estimator = ESTIMATORS.find(estimator)
    silent = None if estimator.unbiased else "it does not claim to be"
    found = examined(SUITE, _Exam(estimator))
    return tuple(replace(check, unasked=silent) if check.name == "unbiased" else check for check in found)


@dataclass(frozen=True)
class _Exam:
    """An estimator, and the logs that it is asked about."""

    given: type[Estimator] | Estimator

    @cached_property
    def estimator(self) -> Estimator:
        return self.given() if isinstance(self.given, type) else self.given

    def estimate(self, rounds: Rounds, **asked: object) -> Estimate:
        precision = Precision.of(Asked(**asked))  # type: ignore[typeddict-item]  # the suite's own
        return estimates(rounds, {"it": self.estimator}, precision)["it"]

    @cached_property
    def log(self) -> Rounds:
        """Sixty rounds of two policies; of a deterministic target where no other is taken."""
        rng = np.random.default_rng(0)
        pscore, target = rng.uniform(0.2, 1.0, ROUNDS), rng.uniform(0.1, 1.0, ROUNDS)
        q_action, q_expected = rng.random(ROUNDS), rng.random(ROUNDS)
        log = _rounds(rng.random(ROUNDS), pscore, target, q_action, q_expected)
        return log if self._takes(log) else replace(log, target_pscore=(target > 0.4).astype(np.float64))

    def _takes(self, rounds: Rounds) -> bool:
        try:
            self.estimate(rounds)
        except InputError:
            return False
        return True

    def own_policy(self) -> Rounds:
        """A log of the target policy itself, and a model that says the mean reward of everything."""
        rng = np.random.default_rng(1)
        reward, pscore = rng.random(ROUNDS), rng.uniform(0.2, 1.0, ROUNDS)
        model = np.full(ROUNDS, reward.mean())
        log = _rounds(reward, pscore, pscore, model, model)
        ones = np.ones(ROUNDS)
        return log if self._takes(log) else replace(log, pscore=ones, target_pscore=ones)


def _rounds(reward: Floats, pscore: Floats, target: Floats, q_action: Floats, q_expected: Floats) -> Rounds:
    """Every vector there is; an action's embedding is the action itself."""
    return Rounds(
        reward=reward,
        pscore=pscore,
        target_pscore=target,
        q_action=q_action,
        q_expected=q_expected,
        embedding_weight=target / pscore,
    )


def _number(exam: _Exam) -> None:
    found = exam.estimate(exam.log)
    if not isfinite(found.value) or not found.std_error > 0.0:
        raise Broken(f"of {ROUNDS} rounds it says {found.value:.4g} with a standard error of {found.std_error:.4g}")


def _own_policy(exam: _Exam) -> None:
    log = exam.own_policy()
    found, mean = exam.estimate(log).value, float(log.reward.mean())
    if not _same(found, mean):
        raise Broken(f"it says {found:.4g}, {found / mean:.3g} times the mean reward {mean:.4g} of that log")


def _unbiased(exam: _Exam) -> None:
    """Over all logs of two rounds of a world of two contexts, two actions and rewards of 0 and 1."""
    if not exam.estimator.unbiased:
        return
    for scale, shift in ((1.0, 0.0), (SCALE, SHIFT)):
        mean, truth = _expected(lambda log: exam.estimate(log).value, scale, shift)
        if not _same(mean, truth):
            told = f"its mean over all logs of a small world is {mean:.6g}, the target policy's value {truth:.6g}"
            raise Broken(told if shift == 0.0 else f"{told}, with rewards of {shift:g} and {shift + scale:g}")


LOGGING = np.array([[0.7, 0.3], [0.4, 0.6]])
TARGET = np.array([[0.2, 0.8], [0.9, 0.1]])
CHANCE = np.array([[0.3, 0.6], [0.5, 0.2]])
"""Of a reward, by context and action."""
MODEL = np.array([[0.5, 0.1], [0.2, 0.9]])
"""A wrong model, which was not fitted on these rounds."""


def _expected(value: Callable[[Rounds], float], scale: float, shift: float) -> tuple[float, float]:
    """The exact mean of an estimator over all logs of two rounds, and the target policy's value."""
    once = list(product((0, 1), (0, 1), (0, 1)))
    mean = 0.0
    for log in product(once, repeat=2):
        context, action, won = (np.array(column) for column in zip(*log, strict=True))
        chance = np.where(won == 1, CHANCE[context, action], 1.0 - CHANCE[context, action])
        mean += float(np.prod(0.5 * LOGGING[context, action] * chance)) * value(
            _logged(context, action, won, scale, shift)
        )
    return mean, shift + scale * float(0.5 * (TARGET * CHANCE).sum())


def _logged(context: Int64s, action: Int64s, won: Int64s, scale: float, shift: float) -> Rounds:
    model = shift + scale * MODEL
    return _rounds(
        np.asarray(shift + scale * won, dtype=np.float64),
        LOGGING[context, action],
        TARGET[context, action],
        model[context, action],
        (TARGET * model).sum(axis=1)[context],
    )


def _units_of_reward(exam: _Exam) -> None:
    shift = SHIFT if exam.estimator.equivariant else 0.0
    log = exam.log
    moved = replace(
        log,
        reward=shift + SCALE * log.reward,
        q_action=shift + SCALE * log.need("q_action", ""),
        q_expected=shift + SCALE * log.need("q_expected", ""),
    )
    found, wanted = exam.estimate(moved).value, shift + SCALE * exam.estimate(log).value
    if not _same(found, wanted):
        raise Broken(f"with rewards of {shift:g} + {SCALE:g} r it says {found:.6g}, not {wanted:.6g}")


def _row_order(exam: _Exam) -> None:
    order = np.random.default_rng(2).permutation(ROUNDS)
    log = exam.log
    vectors = (log.reward, *(log.need(name, "") for name in ("pscore", "target_pscore", "q_action", "q_expected")))
    reward, pscore, target, q_action, q_expected = (each[order] for each in vectors)
    plain, shuffled = exam.estimate(log), exam.estimate(_rounds(reward, pscore, target, q_action, q_expected))
    for name in ("value", "std_error"):
        if not _same(getattr(shuffled, name), getattr(plain, name)):
            raise Broken(f"{name} is {getattr(plain, name):.6g}, and {getattr(shuffled, name):.6g} in another order")


def _interval(exam: _Exam) -> None:
    for kind in ("normal", "bootstrap"):
        narrower = (np.inf, -np.inf)
        for level in LEVELS:
            found = exam.estimate(exam.log, interval=kind, level=level, replicates=200)
            if kind == "normal" and not found.low <= found.value <= found.high:
                raise Broken(f"{found.value:.4g} lies outside its own interval [{found.low:.4g}, {found.high:.4g}]")
            if not (found.low <= narrower[0] and found.high >= narrower[1]):
                raise Broken(f"the {kind} interval at level {level:g} does not hold the one at a lower level")
            narrower = found.low, found.high


def _refuses(exam: _Exam) -> None:
    for name in exam.estimator.needs:
        without = replace(exam.log, **{name: None})  # type: ignore[arg-type]  # some vector but the reward
        try:
            exam.estimate(without)
        except InputError:
            continue
        raise Broken(f"it gives a number for a log without {name}, which it says it needs")
    if "target_pscore" in exam.estimator.needs:
        try:
            found = exam.estimate(replace(exam.log, target_pscore=np.zeros(ROUNDS)))
        except InputError:
            return
        if isfinite(found.value) and not found.warnings:
            raise Broken(f"it says {found.value:.4g}, without a warning, of a target that takes no logged action")


def _leaves_the_log(exam: _Exam) -> None:
    log = replace(exam.log)
    names = ("reward", "pscore", "target_pscore", "q_action", "q_expected", "embedding_weight", "weight", "residual")
    before = {name: getattr(log, name).copy() for name in names}
    first, again = exam.estimate(log), exam.estimate(log)
    for name, values in before.items():
        if not np.array_equal(values, getattr(log, name)):
            raise Broken(f"it changed the log's {name}")
    if first != again:
        raise Broken(f"asked twice it says {first.value:.6g} and {again.value:.6g}")


def _same(found: float, wanted: float) -> bool:
    return bool(np.isclose(found, wanted, rtol=ROUNDING, atol=ROUNDING))


SUITE: tuple[Promise[_Exam], ...] = (
    Promise("number", "a finite value with a standard error", "return Terms of one number a round", _number, last=True),
    Promise(
        "own policy",
        "the mean reward, where the target policy is the one that wrote the log",
        "weigh by target_pscore / pscore, which is 1 there, and leave the rewards as they are",
        _own_policy,
    ),
    Promise(
        "unbiased",
        "the target policy's value on average over all logs, where it claims to be unbiased",
        "mend the terms, or set `unbiased = False`",
        _unbiased,
    ),
    Promise(
        "units of reward",
        "b times the value for b times the rewards, and a + b times for a + b r where it claims to be equivariant",
        "do not compare rewards with fixed numbers, or set `equivariant = False`",
        _units_of_reward,
    ),
    Promise("row order", "the same in any order of the rounds", "let no round depend on its place", _row_order),
    Promise(
        "interval",
        "limits around the value that widen with the level",
        "state Terms and leave the interval to them, or read precision.level",
        _interval,
    ),
    Promise(
        "refuses",
        "an InputError where a vector that it needs is missing, and no quiet number without overlap",
        "read vectors by rounds.need(name, method) and weights by rounds.weight",
        _refuses,
    ),
    Promise(
        "leaves the log", "the same twice, and the log's arrays as they were", "copy before writing", _leaves_the_log
    ),
)
