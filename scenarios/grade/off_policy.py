"""Every off-policy estimator on one log of single choices, beside the value that its target policy really had.

The log comes from frozen policies: each knew every user at the end of the warm-up and never looks again. The reward
model of grading is an item's shrunken mean reward among users of the other folds.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np

from driftline.evaluation.estimate import Estimate
from driftline.evaluation.interval import Precision
from driftline.evaluation.nonstationary import (
    Estimator,
    Target,
    discounted,
    opfv,
    periods,
    prognosticator,
    sliding_window,
)
from driftline.evaluation.nonstationary.forecasts import Form
from driftline.evaluation.off_policy import Rounds
from driftline.evaluation.off_policy.estimation import estimates, estimators
from driftline.scenarios.grade.rows import Row
from driftline.sim import keyed
from driftline.sim.errors import InputError
from driftline.sim.keyed import Stream
from driftline.sim.types import Bools, Float32s, Floats, Int32s, Int64s, Slates
from driftline.sim.warmup import Start
from driftline.sim.world import World

LAMBDAS = {
    "clipped_ips": 10.0,
    "clipped_dr": 10.0,
    "switch_dr": 10.0,
    "dros": 10.0,
    "sub_gaussian_ips": 0.05,
    "sub_gaussian_dr": 0.05,
}
"""Fixed beforehand, the same in every scenario; grading is of methods as they come."""
TIMES = ("past", "present", "next_period")
LATER: tuple[Target, ...] = ("present", "next_period")
KINDS: tuple[Estimator, ...] = ("snips", "dr")
FORMS: tuple[Form, ...] = ("ols", "nis")
FOLDS = 2
FOLD_KEY = 4
"""Place of the folds in the key."""
LOGGED, DEPLOYED = 5, 6
"""Places of the policies' draws in the key."""
_Round = tuple[Int64s, Floats, Int32s, Int64s, Float32s, Floats, list[Floats]]
"""user, day, candidates, place, reward, pscore, chances under each target."""


@dataclass(frozen=True, slots=True)
class Spans:
    """Days of the three times that a number may speak of, [since, until)."""

    past: tuple[float, float]
    """The whole log."""
    present: tuple[float, float]
    """Its last period."""
    next_period: tuple[float, float]
    """The period after it."""

    @classmethod
    def of(cls, days: float, period: float) -> "Spans":
        """Of a run of so many judged days."""
        if not 0.0 < 2.0 * period < days:
            raise InputError(f"grade.period = {period:g}: two periods must fit into the {days:g} judged days")
        end = days - period
        return cls((0.0, end), (end - period, end), (end, days))


@dataclass(frozen=True, slots=True)
class FrozenPolicyLog:
    """One row a visit, in the order of time; C candidates."""

    user: Int64s
    day: Floats
    """From the end of the warm-up."""
    candidates: Int32s
    """[n, C]."""
    place: Int64s
    """Column of the candidate that was shown [n]."""
    reward: Floats
    pscore: Floats
    target: dict[str, Floats]
    """P(candidate) under each target policy [n, C]."""

    @property
    def action(self) -> Int32s:
        """The item that was shown [n]."""
        return self.candidates[np.arange(len(self.user)), self.place]


def off_policy_rows(
    log: FrozenPolicyLog, truth: Mapping[str, Mapping[str, float]], spans: Spans, seed: int, own: Sequence[str] = ()
) -> Iterator[Row]:
    """A row for every (estimator, target policy, time).

    truth[policy][time]: the value of the policy at that time in a twin world where it served everybody. own: the
    user's own estimators, `package.module:Class`.
    """
    past = (log.day >= spans.past[0]) & (log.day < spans.past[1])
    q = item_means(log.user, log.action, log.reward, past, log.candidates, seed)
    rows = np.arange(len(log.user))
    for policy, chances in log.target.items():
        rounds = Rounds(
            reward=log.reward[past],
            pscore=log.pscore[past],
            target_pscore=chances[rows, log.place][past],
            q_action=q[rows, log.place][past],
            q_expected=(chances * q).sum(axis=1)[past],
            cluster=log.user[past],
        )
        for time, method, found in _estimates(rounds, log.day[past], spans, own):
            yield Row.of("off_policy", method, time, policy, found, truth[policy][time])


def _estimates(rounds: Rounds, day: Floats, spans: Spans, own: Sequence[str]) -> Iterator[tuple[str, str, Estimate]]:
    several = estimators(rounds, None, LAMBDAS) | estimators(rounds, own, {})
    for method, found in estimates(rounds, several, Precision()).items():
        for time in TIMES:
            # A stationary estimator knows one value only, whatever it is asked for.
            yield time, method, found
    for kind, later in product(KINDS, LATER):
        yield later, f"windowed {kind}", _recent(rounds, day, spans, kind, later, fading=False)
        yield later, f"discounted {kind}", _recent(rounds, day, spans, kind, later, fading=True)
    yield from _forecasts(rounds, day, spans)


def _recent(rounds: Rounds, day: Floats, spans: Spans, kind: Estimator, target: Target, *, fading: bool) -> Estimate:
    """The newest rounds, within a window of one period or faded with that half-life."""
    since, now = spans.present
    pscore, target_pscore = rounds.need("pscore", kind), rounds.need("target_pscore", kind)
    q_action, q_expected = (rounds.q_action, rounds.q_expected) if kind == "dr" else (None, None)
    if fading:
        return discounted(
            reward=rounds.reward, pscore=pscore, target_pscore=target_pscore, time=day, half_life=now - since, now=now,
            q_action=q_action, q_expected=q_expected, estimator=kind, target=target, cluster=rounds.cluster,
        )  # fmt: skip
    return sliding_window(
        reward=rounds.reward, pscore=pscore, target_pscore=target_pscore, time=day, width=now - since, now=now,
        q_action=q_action, q_expected=q_expected, estimator=kind, target=target, cluster=rounds.cluster,
    )  # fmt: skip


def _forecasts(rounds: Rounds, day: Floats, spans: Spans) -> Iterator[tuple[str, str, Estimate]]:
    since, now = spans.present
    length = now - since
    pscore, target_pscore = rounds.need("pscore", "a forecast"), rounds.need("target_pscore", "a forecast")
    # Whole periods, counted back from the log's end.
    week = periods(day, length=length, start=now - np.floor(now / length) * length)
    whole = week >= 0
    for form in FORMS:
        found = prognosticator(
            reward=rounds.reward[whole], pscore=pscore[whole], target_pscore=target_pscore[whole], period=week[whole],
            form=form,
        )  # fmt: skip
        yield "next_period", f"prognosticator {form}", found
    found = opfv(
        reward=rounds.reward, pscore=pscore, target_pscore=target_pscore,
        q_action=rounds.need("q_action", "opfv"), q_expected=rounds.need("q_expected", "opfv"),
        time_feature=np.floor(np.mod(day, 7.0)).astype(np.int64), target_feature=int(np.mod(now, 7.0)),
        cluster=rounds.cluster,
    )  # fmt: skip
    yield "next_period", "opfv (weekday)", found


def item_means(
    user: Int64s, action: Int32s, reward: Floats, fitted: Bools, pool: Int32s, seed: int, shrink: float = 10.0
) -> Floats:
    """q(x, a) of every candidate [n, C], by the fold that left the round's user out.

    Fitted on the rounds marked in `fitted` [n]. shrink: rounds' worth of the fold's overall mean.
    """
    fold = (keyed.uniforms(seed, Stream.ASSIGNMENT, user, 0, FOLD_KEY) * FOLDS).astype(np.int64)
    size = int(max(pool.max(initial=0), action.max(initial=0))) + 1
    q = np.zeros(pool.shape)
    for each in range(FOLDS):
        rest, own = fitted & (fold != each), fold == each
        count = np.bincount(action[rest], minlength=size)
        total = np.bincount(action[rest], reward[rest], minlength=size)
        overall = float(reward[rest].mean()) if rest.any() else 0.0
        mean = (total + shrink * overall) / (count + shrink)
        q[own] = mean[pool[own]]
    return q


def frozen_policy_log(
    start: Start, logging: float, targets: Mapping[str, float], learning: Mapping[str, float] = {}
) -> FrozenPolicyLog:
    """The visits of a frozen policy of temperature `logging`, and what each target would have shown.

    targets, learning: temperatures by name, of policies that stay frozen and of those that learn from this log. The
    world's slates must be of length 1.
    """
    world = start.world.fork()
    writer = FrozenPolicy(world, logging)
    policies = [FrozenPolicy(world, temperature) for temperature in targets.values()]
    policies += [LearningPolicy(world, temperature) for temperature in learning.values()]
    rows: list[_Round] = []
    while (seen := world.observe()) is not None:
        users, days = world.round.users, seen.time - world.params.warmup
        pool = np.array(np.broadcast_to(seen.candidates, (len(seen), seen.candidates.shape[-1])))
        place, pscore = drawn(writer.chances(users, pool), users, seen.visit, world.seed, LOGGED)
        told = [policy.chances(users, pool) for policy in policies]
        _, truth = world.respond_in_full(_singles(pool, place, pscore), probabilities=False)
        rows.append((users, days, pool, place, truth.reward, pscore, told))
        for policy in policies:
            policy.learn(users)
    user, day, pool, place, reward, pscore = (np.concatenate([row[k] for row in rows]) for k in range(6))
    order = np.lexsort((user, day))
    chances = {name: np.concatenate([row[6][k] for row in rows])[order] for k, name in enumerate((*targets, *learning))}
    return FrozenPolicyLog(
        user[order], day[order], pool[order], place[order], reward[order].astype(np.float64), pscore[order], chances
    )


def policy_value(start: Start, temperature: float, learns: bool = False) -> tuple[Floats, Floats]:
    """Day and expected reward of every visit [n] in a twin world that a policy, frozen or learning, serves alone.

    The expectation is exact: enumerated over the candidates by their probabilities, and in closed form over the user's
    choice and satisfaction. Only who comes when is drawn.
    """
    world = start.world.fork()
    policy = (LearningPolicy if learns else FrozenPolicy)(world, temperature)
    days, values = [], []
    while (seen := world.observe()) is not None:
        users = world.round.users
        pool = np.array(np.broadcast_to(seen.candidates, (len(seen), seen.candidates.shape[-1])))
        chance = policy.chances(users, pool)
        days.append(seen.time - world.params.warmup)
        values.append((chance * true_values(world, world.theta[users], pool)).sum(axis=1))
        place, pscore = drawn(chance, users, seen.visit, world.seed, DEPLOYED)
        world.respond(_singles(pool, place, pscore))
        policy.learn(users)
    return np.concatenate(days), np.concatenate(values)


def true_means(days: Floats, values: Floats, spans: Spans) -> dict[str, float]:
    """The mean of a policy's values in each of `TIMES`."""
    limits = {time: getattr(spans, time) for time in TIMES}
    return {time: float(values[(days >= low) & (days < high)].mean()) for time, (low, high) in limits.items()}


class FrozenPolicy:
    """Shows candidate c with probability proportional to exp(E[reward of c] / temperature), by interests as they were.

    Built on the truth, like the targets of other benchmarks of off-policy evaluation; one of the named exemptions from
    the information barrier. The lower its temperature, the more it loses when interests move.
    """

    def __init__(self, world: World, temperature: float) -> None:
        self._theta = world.theta.copy()
        self._world = world
        self._temperature = temperature

    def chances(self, users: Int64s, candidates: Int32s) -> Floats:
        """P(candidate) [n, C]; users are rows of the world."""
        score = true_values(self._world, self._theta[users], candidates) / self._temperature
        weight = np.exp(score - score.max(axis=1, keepdims=True))
        chance: Floats = weight / weight.sum(axis=1, keepdims=True)
        return chance

    def learn(self, users: Int64s) -> None:
        """These users were just met: a frozen policy does not care."""


class LearningPolicy(FrozenPolicy):
    """The same, but it knows every user as of the user's last visit: as well as anybody who learns could."""

    def learn(self, users: Int64s) -> None:
        """These users were just met."""
        self._theta[users] = self._world.theta[users]


def true_values(world: World, theta: Float32s, candidates: Int32s) -> Floats:
    """Exact expected reward of showing each candidate alone to users of interests theta [n, K]: [n, C]."""
    n, columns = len(theta), candidates.shape[-1]
    pool = np.broadcast_to(candidates, (n, columns)).astype(np.int32).reshape(-1, 1)
    rows = np.repeat(np.arange(n), columns)
    return world.model.values.shown(rows, np.ascontiguousarray(theta), pool).reshape(n, columns)


def drawn(chance: Floats, users: Int64s, visits: Int32s, seed: int, what: int) -> tuple[Int64s, Floats]:
    """One column of each row [n], drawn by its chances [n, C] and keyed by (user, visit), and its probability."""
    uniform = keyed.uniforms(seed, Stream.ASSIGNMENT, users, visits, what)
    place = np.minimum((np.cumsum(chance, axis=1) < uniform[:, None]).sum(axis=1), chance.shape[1] - 1)
    return place, chance[np.arange(len(place)), place]


def _singles(pool: Int32s, place: Int64s, pscore: Floats) -> Slates:
    rows = np.arange(len(place))
    return Slates(np.ascontiguousarray(pool[rows, place][:, None]), np.log(pscore), np.log(pscore)[:, None])
