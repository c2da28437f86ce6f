"""METRICS, the one table of all metrics: those of single visits, those of whole runs, and anybody's own."""

from collections.abc import Mapping, Sequence
from math import inf, isinf

from driftline.evaluation.metrics._base import SECTIONS, VISIT_METRICS, Measure, Metric
from driftline.sim.errors import InputError

POSITIVE, SHARE = (0.0, inf), (0.0, 1.0)
OF_WHOLE_RUNS = (
    Measure(
        "adaptation_delay",
        "adaptation delay",
        "visits until 90 % of the loss after a change of interest is made up (“none”: no loss to make up; "
        "“> n”: not within n visits)",
        better="low",
        bounds=POSITIVE,
        digits=0,
        section="adapted",
        censored=True,
    ),
    Measure(
        "recovery_time",
        "recovery time",
        "days until that loss is made up",
        better="low",
        bounds=POSITIVE,
        digits=0,
        section="adapted",
        censored=True,
    ),
    Measure(
        "forgetting",
        "forgetting",
        "regret at the first five visits of a returning interest, less that at the last five before it went",
        better="low",
        section="adapted",
    ),
    Measure(
        "savings",
        "savings",
        "regret at the first five visits of an interest when it was new, less that at its return",
        better="high",
        section="adapted",
    ),
    Measure(
        "cold_start_plateau",
        "new users' plateau",
        "regret at the 16th to 20th visit of a new user",
        better="low",
        bounds=POSITIVE,
        section="adapted",
    ),
    Measure(
        "cold_start_learned",
        "new users learned",
        "visits until 90 % of the way from a new user's first visit to that plateau is made",
        better="low",
        bounds=POSITIVE,
        digits=0,
        section="adapted",
        censored=True,
    ),
    Measure(
        "coverage",
        "coverage",
        "share of the items on the shelf that anybody was shown",
        bounds=SHARE,
        digits=2,
        section="shown",
    ),
    Measure(
        "gini",
        "Gini",
        "how unequally the places are shared among the items on the shelf (0: evenly)",
        bounds=SHARE,
        digits=2,
        section="shown",
    ),
    Measure(
        "topic_entropy",
        "topic entropy",
        "entropy of the topics users take, in bits, by thirds of the days",
        bounds=POSITIVE,
        digits=2,
        section="shown",
    ),
    Measure(
        "topic_entropy_change",
        "change of topic entropy",
        "entropy of the topics users take, last third of the days less first, in bits; below 0: narrower",
        digits=2,
        section="shown",
    ),
    Measure("act_p50", "decision, median", "seconds per visit in `act`, median", "low", POSITIVE, 4, "cost"),
    Measure("act_p99", "decision, slowest", "seconds per visit in `act`, 99th percentile", "low", POSITIVE, 4, "cost"),
    Measure("peak_memory", "peak memory", "bytes, of the whole process", "low", POSITIVE, 0, "cost"),
)
"""What is measured of all visits, users or seeds together, and has no value at a single visit."""
BUILT_IN: Mapping[str, Metric] = {name: VISIT_METRICS.find(name)() for name in VISIT_METRICS.names()}
"""The package's own metrics of single visits, by id."""


def measures_of(own: Sequence[Metric] = ()) -> dict[str, Measure]:
    """METRICS, with metrics of the user's own at its end: every metric's id, title, meaning, better and bounds."""
    measures = [*(each.measure() for each in (*BUILT_IN.values(), *own)), *OF_WHOLE_RUNS]
    return {each.id: each for each in sorted(measures, key=lambda each: SECTIONS.index(each.section))}


METRICS = measures_of()
"""The one table of metrics, by id, in the order in which a reader meets them."""


def page_table(known: Mapping[str, Measure]) -> str:
    """The table as the manual prints it, in Markdown."""
    direction = {"low": "less is better", "high": "more is better", None: "neither"}
    lines = ["| metric | what it is | one a visit | better | from | to |", "|---|---|---|---|---|---|"]
    for each in known.values():
        single = "yes" if each.id not in {whole.id for whole in OF_WHOLE_RUNS} else ""
        ends = " | ".join("" if isinf(end) else f"{end:.3g}" for end in each.bounds)
        lines.append(f"| `{each.id}` | {each.meaning} | {single} | {direction[each.better]} | {ends} |")
    return "\n".join(lines)


def own_metrics(paths: Sequence[str]) -> tuple[Metric, ...]:
    """Metrics of the user's own, each given as `package.module:Name`; a built-in one may be named, and changes nothing.

    Raises:
        InputError: one cannot be imported or built, is no `Metric`, or bears the name of another.
    """
    found: dict[str, Metric] = {}
    for path in dict.fromkeys(paths):
        kind = VISIT_METRICS.find(path)
        if kind is type(BUILT_IN.get(kind.id)):
            continue
        if kind.id in METRICS or kind.id in found:
            raise InputError(f"metric {path!r}: there is a metric {kind.id!r} already; give the class another name")
        try:
            found[kind.id] = kind()
        except TypeError as problem:
            raise InputError(f"metric {path!r} must be built without arguments: {problem}") from problem
    return tuple(found.values())
