"""The dose-response of stale numbers: the same log and question where no user drifts, where half do, where all do."""

from collections.abc import Iterator
from dataclasses import replace

from driftline.scenarios.grade.off_policy import Spans, frozen_policy_log, off_policy_rows, policy_value, true_means
from driftline.scenarios.grade.rows import Row
from driftline.scenarios.schema import Scenario, check
from driftline.sim.errors import InputError
from driftline.sim.warmup import Start, warm_up
from driftline.sim.world import World

DOSES = (0.0, 0.5, 1.0)
"""Shares of the scenario's drifting users who drift; the others keep the interests that they begin with."""
LEARNING = "learning"
STILL = "_still"
"""What the group of those who do not drift is called, behind its group's own name."""
METHODS = ("ips", "windowed snips")


def drift_rows(scenario: Scenario, start: Start, spans: Spans, seed: int) -> Iterator[Row]:
    """A row for every (method, dose) of the boldest frozen policy and of its twin that learns; family `drift`.

    All are asked for the value in the next period. start: of the scenario's own world, which is the whole dose.
    """
    grade = scenario.grade
    boldest = min(grade.targets, key=grade.targets.__getitem__)
    target = {boldest: grade.targets[boldest]}
    for dose in DOSES:
        begun = start if dose == 1.0 else warm_up(World(dosed(scenario, dose), seed))
        log = frozen_policy_log(begun, grade.logging, target, {LEARNING: target[boldest]})
        truth = {
            name: true_means(*policy_value(begun, target[boldest], learns=name == LEARNING), spans)
            for name in (boldest, LEARNING)
        }
        for row in off_policy_rows(log, truth, spans, seed):
            if row.method in METHODS and row.target == "next_period":
                yield replace(row, family="drift", policy=f"{row.policy}, drift x {dose:g}")


def dosed(scenario: Scenario, dose: float) -> Scenario:
    """The scenario with only this share of each drifting group drifting; groups without drift stay as they are.

    Users of a larger dose drift in it as well; nobody's first interests are changed by it. A law of somebody's own that
    does not say its rates keeps drifting.
    """
    stated = scenario.model_dump(mode="json")
    groups = {}
    for name, group in scenario.groups.items():
        laws = {law: (own if own.rates is None else own.scaled(0.0)) for law, own in group.laws.items()}
        if laws == group.laws:
            groups[name] = stated["groups"][name]
            continue
        if name + STILL in scenario.groups:
            raise InputError(f"group {name + STILL!r}: the name is needed for those of {name!r} who do not drift")
        still = stated["groups"][name] | {"laws": {law: own.model_dump(mode="json") for law, own in laws.items()}}
        if dose > 0.0:
            groups[name] = stated["groups"][name] | {"share": group.share * dose}
        if dose < 1.0:
            groups[name + STILL if dose else name] = still | {"share": group.share * (1.0 - dose)}
    return check(stated | {"groups": groups})
