"""`driftline ope RUN`: off-policy estimates from a run's own log, beside the truth that only the simulator has."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import polars as pl

from driftline.evaluation.estimate import Estimate
from driftline.evaluation.run.folder import RunFolder
from driftline.evaluation.slate_off_policy import (
    cascade_dr,
    cascade_pscore,
    iips,
    pseudo_inverse,
    rips,
    sips,
    sniips,
    snrips,
    snsips,
    uniform_weights,
    weighted_pseudo_inverse,
)
from driftline.scenarios.bandit_log import BanditLog, Target, bandit_log, mean_value
from driftline.scenarios.grade.off_policy import item_means
from driftline.scenarios.own_log.ope import A_SLATE, ope_as_asked
from driftline.scenarios.own_log.single import GAIN, LOGGED, OVER_LOG, Asked
from driftline.scenarios.own_log.verdict import Check, Finding, Verdict
from driftline.sim.errors import InputError, hint
from driftline.sim.types import Floats

MOST_UNSEEN = 0.05
"""Share of visits whose slate the logging agent would never show, above which nothing is estimated."""
TRUTH = "truth"
REWARDS = {
    "click": "click: 1 where something was taken; an operator knows it",
    "dwell": "dwell in minutes; an operator knows it",
    "purchase": "purchase: 1 where what was taken was bought; an operator knows it days later",
    "satisfaction": "satisfaction, from the truth; an operator would not have it",
}
WHOLE = ("sips", "snsips", "rips", "snrips")
MARGINAL = ("iips", "sniips")
LINEAR = ("pseudo_inverse", "weighted_pseudo_inverse")
OF_SLATES = (*WHOLE, *MARGINAL, *LINEAR, "cascade_dr")


def ope_of_run(
    run: RunFolder,
    target: str,
    at: float,
    agent: str | None = None,
    seed: int | None = None,
    asked: Asked | None = None,
) -> Verdict:
    """What `target`, frozen on day `at`, would have earned, from another agent's log in a run.

    The estimand is the mean over the log's visits from that day on of the target's one-step value: the expected reward
    with its slate in place of the logged one at that visit alone, the user's state being what the log made it.

    target: an agent id; it learns from the logged feedback until day `at`, then no more. agent: whose log it is; unless
    stated, the only one of the run that chooses by chance. seed: of the run, its first unless stated; it keys the
    bootstrap and the reward model's folds, too. asked: which estimators, and how their intervals are made.

    Raises:
        InputError: see `bandit_log`; no agent of the run, or several, choose by chance; the logging agent would never
            show what the target shows at more than a twentieth of the visits (the share is named); no estimator fits.
    """
    number = run.seeds[0] if seed is None else seed
    asked = replace(asked or Asked(), seed=number)
    log = bandit_log(run, logging_agent(run, number) if agent is None else agent, number, target, at)
    assert log.target is not None
    refuse_without_overlap(log, log.target)
    if log.items.shape[1] == 1:
        checks, findings = _of_single(log, log.target, asked)
    else:
        checks, findings = _of_slates(log, log.target, asked)
    logged = next(each.estimate.value for each in findings if each.name == LOGGED)
    return Verdict(
        command="ope",
        title=f"{run.path}: what {target}, frozen on day {log.target.frozen:g}, would have earned",
        facts={
            "log": f"agent {log.agent}, seed {log.seed}, from day {log.target.frozen:g}",
            "target policy": f"{target}, which learned from this log until day {log.target.frozen:g}",
            "reward": REWARDS[log.reward_kind],
        },
        checks=(*_checks(log, log.target), *checks),
        findings=tuple(findings),
        level=asked.level,
        reference=dict.fromkeys((OVER_LOG, A_SLATE, "newest period", "next period"), logged) | {GAIN: 0.0},
    )


def logging_agent(run: RunFolder, seed: int) -> str:
    """The one agent of a run that chooses by chance: its log can speak of other policies.

    Raises:
        InputError: there is none, or there are several.
    """
    drawn = []
    for agent in run.agents:
        by_chance = run.log(agent, seed).select(pl.col("log_p").is_not_null().any()).collect().item()
        drawn += [agent] if by_chance else []
    if len(drawn) == 1:
        return drawn[0]
    if drawn:
        raise InputError(f"{run.path}: {', '.join(drawn)} all choose by chance; state whose log it is: --agent NAME")
    raise InputError(
        f"{run.path}: no agent chooses by chance ({', '.join(run.agents)}), so no log here speaks of another policy; "
        "run one that does, such as random or 'full[policy=plackett_luce]'"
    )


def refuse_without_overlap(log: BanditLog, target: Target) -> None:
    """`InputError` where the logging agent would never show what the target shows, at too many visits."""
    if target.unseen is None:
        return
    share = float(target.unseen.mean())
    if share > MOST_UNSEEN:
        raise InputError(
            f"no overlap: at {share:.1%} of {len(log):,} visits agent {log.agent!r} would never show the slate that "
            f"{target.name!r} shows, so its log does not say what that earns (at most {MOST_UNSEEN:.0%} are passed "
            "over); log with an agent that gives every slate a chance, such as random"
        )


def _checks(log: BanditLog, target: Target) -> Iterator[Check]:
    users = len(np.unique(log.user))
    yield Check("replay", f"{len(log):,} visits of {users:,} users; the world and {log.agent} did what the log says")
    if target.unseen is None:
        unknown = f"overlap: agent {log.agent!r} states no log_propensity, so nobody knows which slates it never shows"
        yield Check("overlap", "not known", (unknown,))
        return
    share = float(target.unseen.mean())
    found = f"{log.agent} would never show the target's slate at {share:.2%} of the visits"
    few = f"overlap: {found}; what the target earns there is missing from every estimate but a model's"
    yield Check("overlap", found, (few,) if share > 0.0 else ())


def _truths(log: BanditLog, target: Target, level: float) -> tuple[Estimate, Estimate]:
    """Of the target's value, and of its gain over the logging agent."""
    same = mean_value(target.value - log.value, False, level)
    return target.truth(level), same


# -- slates of one item ------------------------------------------------------------------------------------------


def _of_single(log: BanditLog, target: Target, asked: Asked) -> tuple[list[Check], list[Finding]]:
    """What `driftline.ope` says of the log as rows of single decisions, and the truth beside it."""
    q_action, q_expected = _model(log, target)
    frame = pl.DataFrame(
        {
            "user": log.user,
            "time": log.time,
            "action": log.items[:, 0],
            "reward": log.reward,
            "pscore": np.exp(log.log_p_cascade[:, 0]),
            "target_pscore": np.exp(target.log_p_cascade[:, 0]),
            "q_action": q_action,
            "q_expected": q_expected,
        }
    )
    roles = {name: name for name in frame.columns}
    said = ope_as_asked(frame, None, roles, (), "auto", asked)
    model = "an item's shrunken mean reward among the other half of the users"
    told = {"reward model": model}
    checks = [
        replace(each, found=told.get(each.name, each.found).replace("units of time", "days"))
        for each in said.checks
        if each.name != "rows"
    ]
    value, gain = _truths(log, target, asked.level)
    findings: list[Finding] = []
    for each in said.findings:
        if each.about == GAIN and not any(known.about == GAIN for known in findings):
            findings.append(Finding(GAIN, TRUTH, gain, unit="gain"))
        findings.append(each)
        if (each.about, each.name) == (OVER_LOG, LOGGED):
            findings.append(Finding(OVER_LOG, TRUTH, value))
    return checks, findings


def _model(log: BanditLog, target: Target) -> tuple[Floats, Floats]:
    """Predicted reward of the logged item, and its mean under the target policy [n]."""
    every = np.ones(len(log), np.bool_)
    action = log.items[:, 0]

    def predicted(pool: Any) -> Floats:
        return item_means(log.user, action, log.reward, every, pool, log.seed)

    if target.chances is None:
        return predicted(log.items)[:, 0], predicted(target.items)[:, 0]
    return predicted(log.items)[:, 0], np.asarray((target.chances * predicted(log.candidates)).sum(axis=1))


# -- longer slates -----------------------------------------------------------------------------------------------


def _of_slates(log: BanditLog, target: Target, asked: Asked) -> tuple[list[Check], list[Finding]]:
    """Every estimator that fits, and the truth; a value is that of a whole slate."""
    if asked.interval not in ("normal", "bootstrap"):
        raise InputError(f"interval {asked.interval!r}: slates have normal and bootstrap only")
    if asked.period is not None:
        raise InputError(f"period = {asked.period:g}: is a length of drift over time; slates have none")
    if asked.lambdas:
        raise InputError(f"lambdas: {next(iter(asked.lambdas))!r} is no estimator of slates")
    fits, unfit = _fitting(log, target)
    for name in asked.estimators or ():
        if name not in OF_SLATES:
            raise InputError(f"estimator {name!r} is none of slates; {hint(name, OF_SLATES)}")
        if name not in fits:
            raise InputError(f"estimator {name!r} does not fit: {unfit[name]}")
    if not fits:
        raise InputError(f"no estimator fits: {'; '.join(dict.fromkeys(unfit.values()))}")
    chosen = [name for name in fits if asked.estimators is None or name in asked.estimators]
    how = {"interval": asked.interval, "level": asked.level, "seed": asked.seed, "cluster": log.user}
    findings = [
        Finding(A_SLATE, LOGGED, _logged(log, how)),
        Finding(A_SLATE, TRUTH, target.truth(asked.level)),
        *(Finding(A_SLATE, name, _estimated(name, log, target, how)) for name in chosen),
    ]
    size = f"{len(log):,} slates of {log.items.shape[1]} positions; a value is the sum over a slate's positions"
    checks = [Check("slates", size)]
    for why in dict.fromkeys(unfit.values()):
        names = ", ".join(name for name in OF_SLATES if unfit.get(name) == why)
        checks.append(Check("left out", f"{names}: {why}"))
    return checks, findings


def _fitting(log: BanditLog, target: Target) -> tuple[list[str], dict[str, str]]:
    """The estimators that this log allows, and why it does not allow the others."""
    length, columns = log.items.shape[1], log.pools.shape[1]
    unfit: dict[str, str] = {}
    if not (target.log_p_cascade.sum(axis=1) > -np.inf).any():
        unfit |= dict.fromkeys(WHOLE, f"none of the {len(log):,} logged slates is one that the target would show")
    if not np.allclose(log.log_p_cascade, -np.log(columns - np.arange(length))):
        why = "the marginals of the logging policy have no closed form, as those of uniformly drawn slates have"
        unfit |= dict.fromkeys((*MARGINAL, *LINEAR), why)
    elif not (log.items == target.items).any(axis=0).all():
        unfit |= dict.fromkeys(MARGINAL, "at some position no logged item is the target's")
    if not target.certain.all():
        unfit["cascade_dr"] = "the target draws its slates; what it shows below the logged items is not enumerated"
    return [name for name in OF_SLATES if name not in unfit], unfit


def _estimated(name: str, log: BanditLog, target: Target, how: Mapping[str, Any]) -> Estimate:
    """One estimator of slates. For marginals the target's own draw is taken: estimates are linear in them."""
    reward = log.reward_by_position
    down, target_down = cascade_pscore(log.log_p_cascade), cascade_pscore(target.log_p_cascade)
    if name in ("sips", "snsips"):
        of_whole = {"sips": sips, "snsips": snsips}[name]
        return of_whole(reward=reward, pscore=down[:, -1], target_pscore=target_down[:, -1], **how)
    if name in ("rips", "snrips"):
        of_cascade = {"rips": rips, "snrips": snrips}[name]
        return of_cascade(reward=reward, pscore_cascade=down, target_pscore_cascade=target_down, **how)
    if name in MARGINAL:
        of_marginal = {"iips": iips, "sniips": sniips}[name]
        shown = (log.items == target.items).astype(np.float64)
        even = np.full(shown.shape, 1.0 / log.pools.shape[1])
        return of_marginal(reward=reward, pscore_item_position=even, target_pscore_item_position=shown, **how)
    if name in LINEAR:
        of_sums = {"pseudo_inverse": pseudo_inverse, "weighted_pseudo_inverse": weighted_pseudo_inverse}[name]
        weights = uniform_weights(action=log.items, target_action=target.items, candidates=log.pools.shape[1])
        return of_sums(reward=reward, weights=weights, **how)
    if name == "cascade_dr":
        q, v = _later_rewards(log, target)
        return cascade_dr(
            reward=reward,
            pscore_cascade=down,
            target_pscore_cascade=target_down,
            q_hat_factual=q,
            q_expected=v,
            **how,
        )
    raise AssertionError(name)


def _later_rewards(log: BanditLog, target: Target) -> tuple[Floats, Floats]:
    """Predicted reward from position k on of the logged item there, and of the target's [n, L].

    The shrunken mean over the other half of the users of what slates with that item at that position earned from it on.
    """
    every = np.ones(len(log), np.bool_)
    later = log.reward_by_position[:, ::-1].cumsum(axis=1)[:, ::-1]
    both = [
        item_means(log.user, own, earned, every, np.column_stack([own, other]), log.seed)
        for own, other, earned in zip(log.items.T, target.items.T, later.T, strict=True)
    ]
    return np.stack([pair[:, 0] for pair in both], axis=1), np.stack([pair[:, 1] for pair in both], axis=1)


def _logged(log: BanditLog, how: Mapping[str, Any]) -> Estimate:
    """What the logged slates earned on average: every weight is 1."""
    sure = np.ones(len(log))
    found = sips(reward=log.reward_by_position, pscore=sure, target_pscore=sure, **how)
    return replace(found, method=found.method.replace("sips", "mean reward", 1))
