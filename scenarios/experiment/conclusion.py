"""What an experiment comes to, in sentences: what the test says, what is true, whether they agree, what is unknown."""

from math import isfinite

from driftline.evaluation.estimate import ENOUGH_SEEDS, Estimate
from driftline.scenarios.experiment.readings import Experiment

MEASURED = {"reward": "reward a visit", "click": "clicks a visit", "dwell": "seconds of dwell a visit"}


def conclusion(found: Experiment) -> tuple[str, ...]:
    """Sentences about the whole time of an experiment, the most important first.

    With 2 to 4 seeds truths are told with their intervals over users, which are about these very worlds; what the
    interval over seeds says of others stands in the last sentences.
    """
    said, true = found.effects["all"]["ab_test"], found.here("global")
    told = (
        _test(found, said),
        _truth(found, true),
        _agreement(found, said, true),
        _bias(found),
        *_unknown(found, true),
    )
    return tuple(line for line in told if line)


def side(found: Estimate) -> int:
    """1 or -1 where the whole interval lies above or below 0; 0 where it does not, or is none."""
    return (found.low > 0.0) - (found.high < 0.0)


def interval(found: Estimate) -> str:
    """A number with its limits."""
    limits = f" [{found.low:+.3g}, {found.high:+.3g}]" if isfinite(found.low) and isfinite(found.high) else ""
    return f"{found.value:+.3g}{limits}"


def _test(found: Experiment, said: Estimate) -> str:
    a, b = found.pair
    if not isfinite(said.value):
        return f"The test says nothing: {'; '.join(said.warnings)}."
    if found.design.kind == "interleave":
        liked = {1: f"users prefer {b} to {a}", -1: f"users prefer {a} to {b}", 0: f"{a} and {b} are not told apart"}
        return (
            f"The test says: {liked[side(said)]} (clicks credited to {b} less those to {a}: {interval(said)} a visit)."
        )
    words = {1: f"{b} earns more than {a}", -1: f"{b} earns less than {a}", 0: f"{b} is not told from {a}"}
    counted = {"user": "users", "cluster": "users", "switchback": "pairs of blocks"}[found.design.kind]
    units = "copies of an agent" if found.design.copies > 1 else counted
    return f"The test says: {words[side(said)]} ({interval(said)} {MEASURED[found.metric]}, from {said.n:,} {units})."


def _truth(found: Experiment, true: Estimate) -> str:
    a, b = found.pair
    if not isfinite(true.value):
        return f"The truth is not known: no user came both under {a} alone and under {b} alone."
    if true.low == true.high == 0.0:
        return f"The truth: {b} for everybody and {a} for everybody are the same to every user."
    words = {1: "earns more than", -1: "earns less than", 0: "is not told, even with every random number shared, from"}
    units = "seeds" if len(found.seeds) >= ENOUGH_SEEDS else "users"
    size = f"{interval(true)} {MEASURED[found.metric]}, over {true.n:,} {units}"
    return f"The truth: {b} for everybody {words[side(true)]} {a} for everybody ({size})."


def _agreement(found: Experiment, said: Estimate, true: Estimate) -> str:
    if not (isfinite(said.low) and isfinite(true.low)):
        return ""
    test, truth = side(said), side(true)
    if test and truth:
        signs = "They agree on the sign" if test == truth else "They contradict each other: the test has the wrong sign"
    elif truth:
        signs = "The test did not see it"
    elif test:
        signs = "The test found an effect that the truth does not confirm"
    else:
        signs = "Neither shows an effect"
    if found.design.kind == "interleave":
        return f"{signs}; credit is no {found.metric}, so sizes are not compared."
    holds = said.low <= true.value <= said.high
    return f"{signs}; the test's interval {'holds' if holds else 'does not hold'} the true effect."


def _bias(found: Experiment) -> str:
    gap = found.effects["all"].get("interference")
    gap = None if gap is None else found.here("interference")
    if gap is None or not side(gap):
        return ""
    return (
        f"No larger test would mend this: at this exposure the effect is {interval(found.here('exposure'))}, "
        f"{interval(gap)} away from that of a launch ({_cause(found)})."
    )


def _cause(found: Experiment) -> str:
    """What can make the effect at this exposure another than that of a launch."""
    remembers = "users remember the other arm's blocks"
    fewer = found.training == "diverted"
    learns = "agents learn from fewer users" if fewer else "agents learn from the other arm's users"
    if found.design.kind == "switchback":
        return remembers if found.training == "snapshot" else f"{learns}, or {remembers}"
    return learns


def _unknown(found: Experiment, true: Estimate) -> tuple[str, ...]:
    """What none of these numbers can say."""
    seeds = len(found.seeds)
    worlds = "One seed" if seeds == 1 else f"{seeds} seeds"
    lines = []
    if seeds == 1:
        lines.append(
            f"{worlds}: all of this is about one world and other users of it; whether another world of this scenario "
            f"would say the same, only more seeds can tell (--seeds {ENOUGH_SEEDS})."
        )
    elif seeds < ENOUGH_SEEDS:
        over = found.effects["all"]["global"]
        same = side(over) == side(true) != 0
        lines.append(
            f"{worlds}: the truth's interval above is over the users of these very worlds. Over seeds, which asks "
            f"whether another world would say the same, it is {interval(over)}: "
            f"{'the same sign' if same else 'not known yet'}; {ENOUGH_SEEDS} seeds or more would say."
        )
    else:
        lines.append(
            f"{worlds}: the truth's interval is over seeds, so it speaks of other worlds of this scenario too."
        )
    if found.design.kind != "interleave":
        lines.append(
            "What the test itself can never know: how B does where nobody is left in A, and what comes after its last "
            "day."
        )
    return tuple(lines)
