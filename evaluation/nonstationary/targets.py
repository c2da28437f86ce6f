"""Which time a number speaks of: the logged past, the present, or the period that comes next."""

from typing import Literal, get_args

from driftline.evaluation.off_policy.checks import one_of

Target = Literal["past", "present", "next_period"]
"""`past`: mean over all logged rounds. `present`: the newest rounds. `next_period`: the period after the last."""


def labelled(method: str, target: str, interval: str) -> str:
    """The `Estimate.method` of this layer: what was done, the target, and how the interval was made."""
    one_of("target", target, get_args(Target))
    return f"{method}, target {target} ({interval})"
