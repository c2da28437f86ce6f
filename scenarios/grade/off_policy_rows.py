"""Every off-policy estimator on one log, beside the value that its target policy really had."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import product

import numpy as np

from driftline.evaluation.estimate import Estimate
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
from driftline.evaluation.off_policy import Rounds, estimate_all
from driftline.scenarios.grade.bandit_log import BanditLog
from driftline.scenarios.grade.item_means import item_means
from driftline.scenarios.grade.row import Row
from driftline.sim.errors import InputError
from driftline.sim.types import Floats

LAMBDAS = {"clipped_ips": 10.0, "switch_dr": 10.0, "dros": 10.0, "sub_gaussian_ips": 0.05, "sub_gaussian_dr": 0.05}
"""Fixed beforehand, the same in every scenario; grading is of methods as they come."""
TIMES = ("past", "present", "next_period")
LATER: tuple[Target, ...] = ("present", "next_period")
KINDS: tuple[Estimator, ...] = ("snips", "dr")
FORMS: tuple[Form, ...] = ("ols", "nis")


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


def off_policy_rows(log: BanditLog, truth: Mapping[str, Mapping[str, float]], spans: Spans, seed: int) -> Iterator[Row]:
    """A row for every (estimator, target policy, time).

    truth[policy][time]: the value of the policy at that time in a twin world where it served everybody.
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
        for time, method, found in _estimates(rounds, log.day[past], spans):
            yield Row.of("off_policy", method, time, policy, found, truth[policy][time])


def _estimates(rounds: Rounds, day: Floats, spans: Spans) -> Iterator[tuple[str, str, Estimate]]:
    for method, found in estimate_all(rounds, lambdas=LAMBDAS).items():
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
