"""What a metric of a run is: one value for each judged visit, and the facts that every table shows of it."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from math import inf
from typing import Any, ClassVar, Literal, get_args

import numpy as np
import polars as pl
from numpy.typing import ArrayLike

from driftline.evaluation.run.shown import Shown, TrueItems
from driftline.sim.errors import InputError
from driftline.sim.plug_ins import PlugIns, subclass_of
from driftline.sim.types import Floats, Int32s, Int64s

Better = Literal["low", "high"]
Section = Literal["got", "missed", "known", "adapted", "shown", "cost", "own"]
Case = tuple[Mapping[str, Any], list[float | None]]
"""Columns of a few visits, and the value of each visit, computed by hand."""
SECTIONS: tuple[Section, ...] = get_args(Section)
"""What users got and missed, what agents know, how soon they are back, what is shown, what it costs; in table order."""


@dataclass(frozen=True, slots=True)
class Measure:
    """A row of the one table of metrics, which runs, reports, the command line and the manual read.

    title: the head of its column. meaning: one line, in words. better: "low", "high", or None where neither is.
    bounds: the smallest and the largest value there can be. digits: behind the point, in tables. censored: a value of
    null with a low limit means "more than that".
    """

    id: str
    title: str
    meaning: str
    better: Better | None = None
    bounds: tuple[float, float] = (-inf, inf)
    digits: int = 3
    section: Section = "own"
    censored: bool = False


@dataclass(frozen=True, slots=True)
class Probed:
    """What an agent scored and what was true at the visits whose beliefs were asked for [m]."""

    row: Int64s
    """The row of `Judged.visits` [m], ascending."""
    scores: Floats
    """The agent's scores of the probe items, taken before the visit [m, P]."""
    utility: Floats
    """True interest in the probe items [m, P]."""
    dominant: Int64s
    """Each probe's strongest topic [P]."""
    temperature: float
    """The agent's one temperature, at which softmax(scores / temperature) comes nearest to the truth."""


@dataclass(frozen=True)
class Judged:
    """The judged visits of one agent on one seed, sorted by (user, visit). What no metric asks for is never read.

    visits: one row a visit: user, visit, time (days), group, change_point, since_change (visits since that user's last
    change of interest, null before any), choice (position taken; the slate's length for nothing), reward, click (0 or
    1), regret, regret_in_item_space, bound; dwell (seconds) and rating where the run logged them. start: the first
    judged day. The rest is read by functions: what was shown, the true items, the probed visits.
    """

    visits: pl.DataFrame
    start: float
    read_shown: Callable[[], Shown]
    read_catalogue: Callable[[], TrueItems]
    read_probed: Callable[[], Probed]

    @property
    def items(self) -> Int32s:
        """Item ids shown [n, slots]."""
        return self.shown.items

    @property
    def taken(self) -> Int64s:
        """The item that was taken, -1 for none [n]."""
        return self.shown.taken

    @cached_property
    def shown(self) -> Shown:
        """What was shown and taken."""
        return self.read_shown()

    @cached_property
    def catalogue(self) -> TrueItems:
        """All items of the seed: true topic mixture [items, K], first and last day."""
        return self.read_catalogue()

    @cached_property
    def probed(self) -> Probed:
        """The visits whose beliefs were asked for."""
        return self.read_probed()

    def at_probed(self, values: Floats) -> Floats:
        """Values of the probed visits [m] as values of all visits [n], NaN elsewhere."""
        whole = np.full(len(self.visits), np.nan)
        whole[self.probed.row] = values
        return whole


class Metric:
    """A measure that has a value at each visit. A subclass states what it is and writes `values`; that is all.

    Everything else is done for it, as for the built-in ones: the mean over visits in every window, the bootstrap over
    users, the mean over seeds, the tables, `run.compare(a, b, metric)`. Its id is the class's name in snake case.

    Example of a file of one's own:

        class MeanDwell(Metric):
            title, better, bounds = "dwell", "high", (0.0, inf)
            meaning = "seconds spent on what was taken, per visit"
            case = {"dwell": [12.0, None, 30.0]}, [12.0, None, 30.0]

            def values(self, judged):
                return judged.visits["dwell"]
    """

    id: ClassVar[str] = ""
    title: ClassVar[str] = ""
    """The head of its column, at most three words."""
    meaning: ClassVar[str] = ""
    """What it says, in one line, with its unit."""
    better: ClassVar[Better | None] = None
    """Whether less is better, or more; None: neither."""
    bounds: ClassVar[tuple[float, float]] = (-inf, inf)
    """The smallest and the largest value that a visit can have."""
    digits: ClassVar[int] = 3
    """Digits behind the point, in tables."""
    summed: ClassVar[bool] = False
    """Whether a user's visits are added up, and the mean is over users; else the mean is over visits."""
    section: ClassVar[Section] = "own"
    case: ClassVar[Case | None] = None
    """A case computed by hand, for `driftline check`: columns of a few visits (those of `Judged.visits`, or items,
    taken, mixture, scores, utility, dominant; what is left out is made up), and the value of each visit."""

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        cls.id = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", cls.__name__).lower()

    def values(self, judged: Judged) -> ArrayLike | pl.Series:
        """The value of each judged visit [n], null or NaN where it has none."""
        raise NotImplementedError

    @classmethod
    def measure(cls) -> Measure:
        """Its row of the table of metrics."""
        return Measure(cls.id, cls.title, cls.meaning, cls.better, cls.bounds, cls.digits, cls.section)


VISIT_METRICS: PlugIns[type[Metric]] = PlugIns(
    "metric", "driftline.evaluation.metrics", subclass_of(Metric, "driftline.evaluation.metrics.Metric")
)
"""The metrics of single visits, by the names of this folder's files."""


def values_of(metric: Metric, judged: Judged) -> Floats:
    """A metric's value of each visit [n], NaN where it has none.

    Raises:
        InputError: it raised, or did not return one finite or null number for each visit.
    """
    try:
        found = metric.values(judged)
        if isinstance(found, pl.Series):
            found = found.cast(pl.Float64).to_numpy()
        values = np.asarray(found, dtype=np.float64)
    except Exception as problem:  # a metric of the user's own may raise anything
        lines = str(problem).strip().splitlines() or ["no message"]
        raise InputError(f"metric {metric.id!r} raised {type(problem).__name__}: {lines[0]}") from problem
    if values.shape != (len(judged.visits),):
        raise InputError(f"metric {metric.id!r} gave values of shape {values.shape} for {len(judged.visits)} visits")
    if np.isinf(values).any():
        row = int(np.flatnonzero(np.isinf(values))[0])
        raise InputError(f"metric {metric.id!r} is infinite at row {row}; values must be finite, or NaN for none")
    return values
