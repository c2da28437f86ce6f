"""One replication of a grading: a world, its log, its experiments, and every method's verdict beside the truth."""

from collections.abc import Iterator
from dataclasses import asdict, replace
from pathlib import Path

import polars as pl

from driftline.evaluation.procedures._base import built
from driftline.scenarios.executors import Report
from driftline.scenarios.experiment.design import TRAININGS, Design, Kind, Training
from driftline.scenarios.experiment.play import Plan, play
from driftline.scenarios.grade.dose import drift_rows
from driftline.scenarios.grade.experiments import experiment_rows
from driftline.scenarios.grade.off_policy import Spans, frozen_policy_log, off_policy_rows, policy_value, true_means
from driftline.scenarios.grade.rows import Row
from driftline.scenarios.schema import Scenario
from driftline.sim.keyed import Stream, derived_seed
from driftline.sim.log import put_parquet
from driftline.sim.warmup import Start, warm_up
from driftline.sim.world import World

DESIGNS: tuple[Kind, ...] = ("user", "cluster", "switchback")
"""Those whose numbers are effects in reward."""
CLUSTERS, COPIES = 100, 5


def replicate(scenario: Scenario, label: str, seed: int, out: Path, report: Report) -> None:  # noqa: ARG001  a `Work`
    """Write the rows of one replication to `out/<seed>.parquet`; the scenario is the grading's own small world."""
    start = warm_up(World(scenario, seed))
    rows = [*_off_policy(scenario, start, seed), *_experiments(scenario, start, report)]
    put_parquet(pl.DataFrame([{"seed": seed, **asdict(row)} for row in rows]), out / f"{seed}.parquet")


def _off_policy(scenario: Scenario, start: Start, seed: int) -> Iterator[Row]:
    grade = scenario.grade
    spans = Spans.of(scenario.horizon - scenario.warmup, grade.period)
    truth: dict[str, dict[str, float]] = {}
    for name, temperature in grade.targets.items():
        truth[name] = true_means(*policy_value(start, temperature), spans)
    yield from off_policy_rows(
        frozen_policy_log(start, grade.logging, grade.targets), truth, spans, seed, grade.estimators
    )
    yield from drift_rows(scenario, start, spans, seed)


def _experiments(scenario: Scenario, start: Start, report: Report) -> Iterator[Row]:
    """Real experiments of treatment against control, and the same with two agents alike (target `null`)."""
    days = scenario.horizon - scenario.warmup
    twins = Twin(scenario, start)
    own = [built(path) for path in scenario.grade.procedures]
    for turn, training in enumerate(TRAININGS):
        report(turn / len(TRAININGS))
        # What everybody is shown by one agent does not depend on whom else it might have learned from.
        alone: Training = "snapshot" if training == "snapshot" else "pooled"
        truth = {"global": twins.effect(alone)}
        designs = [Design(kind=kind, clusters=CLUSTERS) for kind in DESIGNS]
        if training == "diverted":
            designs.append(Design(copies=COPIES))
        for design in designs:
            visits = twins.play(Plan("mixed", design, training))
            chance = {"realised": twins.realised(alone)} if design == Design(clusters=CLUSTERS) else {}
            yield from experiment_rows(visits, design, training, truth | chance, days, own)
            visits = twins.null(design, training)
            yield from experiment_rows(visits, design, training, {"null": 0.0}, days, own)
        # What interleaving measures is a preference and no reward: it has a null, but no size to compare.
        if training in ("pooled", "snapshot"):
            mixed = Design(kind="interleave")
            visits = twins.null(mixed, training)
            yield from experiment_rows(visits, mixed, training, {"null": 0.0}, days, own)


class Twin:
    """Runs of one world, each done once."""

    def __init__(self, scenario: Scenario, start: Start) -> None:
        self._scenario = scenario
        self._start = start
        self._pair = scenario.grade.control, scenario.grade.treatment
        self._alone: dict[tuple[str, Training], pl.DataFrame] = {}
        self._effects: dict[Training, float] = {}

    def play(self, plan: Plan) -> pl.DataFrame:
        """Treatment against control."""
        return play(self._scenario, self._start, self._pair, plan, lambda share: None)

    def alone(self, kind: str, training: Training) -> pl.DataFrame:
        """Everybody in one arm."""
        if (kind, training) not in self._alone:
            self._alone[kind, training] = self.play(Plan(kind, Design(), training, logged=False))
        return self._alone[kind, training]

    def null(self, design: Design, training: Training) -> pl.DataFrame:
        """Control against itself: two agents side by side, or one run with labelled visits where that is the same."""
        if training in ("diverted", "weighted") or design.kind == "interleave":
            same = self._pair[0], self._pair[0]
            return play(self._scenario, self._start, same, Plan("mixed", design, training), lambda share: None)
        visits = self.alone("all_a", training)
        users, days, seed = visits["user"].to_numpy(), visits["day"].to_numpy(), self._start.world.seed
        return visits.with_columns(
            pl.Series("unit", design.unit(users, days, seed)),
            pl.Series("meant", design.meant(users, days, seed)),
            pl.Series("analysed", design.analysed(days)),
        )

    def effect(self, training: Training) -> float:
        """All B against all A, its own chance averaged out: the mean over twins of other luck (`grade.twins`)."""
        if training not in self._effects:
            found = []
            for luck in range(1, self._scenario.grade.twins + 1):
                twin = Twin(self._scenario, with_luck(self._start, luck))
                found.append(twin.realised(training))
            self._effects[training] = sum(found) / len(found)
        return self._effects[training]

    def realised(self, training: Training) -> float:
        """All B against all A in this very run: mean over users of the difference of their mean rewards."""
        a, b = (
            self.alone(kind, training)
            .group_by("user", maintain_order=True)
            .agg(pl.col("reward").cast(pl.Float64).mean())
            for kind in ("all_a", "all_b")
        )
        both = a.join(b, on="user", suffix="_b").sort("user")
        return float((both["reward_b"] - both["reward"]).mean())  # type: ignore[arg-type]


def with_luck(start: Start, luck: int) -> Start:
    """The same world at the end of its warm-up, before another future, for agents and users alike."""
    seed = derived_seed(start.setting.seed, Stream.TWIN, luck)
    return Start(start.world.fork(luck), replace(start.setting, seed=seed))
