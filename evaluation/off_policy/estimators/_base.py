"""What an off-policy estimator is: the terms that each round adds, and what it needs and promises."""

import re
from math import inf
from typing import ClassVar

from driftline.evaluation.estimate import Estimate
from driftline.evaluation.interval import Bounds, IntervalName, Precision
from driftline.evaluation.off_policy.rounds import Rounds
from driftline.evaluation.terms import Terms
from driftline.sim.errors import InputError, hint
from driftline.sim.plug_ins import PlugIns, subclass_of
from driftline.sim.types import Floats


class Estimator:
    """An off-policy estimator. Write `terms`, and get every interval; or return a whole `Estimate` from `estimate`.

    An own one is usable wherever a name is, as `package.module:Class`:

        class Halfway(Estimator):
            "The mean of IPS and SNIPS."

            def terms(self, rounds):
                return Terms(base=0.5 * rounds.weighted_reward, top=0.5 * rounds.weighted_reward, bottom=rounds.weight)
    """

    needs: ClassVar[tuple[str, ...]] = ("pscore", "target_pscore")
    """Vectors of `Rounds` that it cannot do without, beside the reward."""
    unbiased: ClassVar[bool] = False
    """Whether its mean over logs is the target policy's value, wherever the logging policy has support."""
    equivariant: ClassVar[bool] = False
    """Whether rewards (and predictions) of a + b r give a + b times the value, b > 0, on every log."""
    unasked: ClassVar[bool] = True
    """Whether it is among the estimators where none are named."""
    bounded: ClassVar[bool] = False
    """Whether the range of its terms can be told, so that it has the intervals that hold at every n."""
    plain: ClassVar[bool] = False
    """Whether it is mean(w r), weights as they are: its anytime-valid interval then needs no bound on them."""
    untamed: ClassVar[float | None] = None
    """The `lambda_` at which weights stay as they are; None: it has no `lambda_`."""
    upper: ClassVar[float] = inf
    """The largest `lambda_`."""

    lambda_: float

    def __init__(self, lambda_: float | None = None) -> None:
        if lambda_ is not None and self.untamed is None:
            raise InputError(f"{self.name} has no lambda_")
        self.lambda_ = inf if self.untamed is None else self.untamed if lambda_ is None else float(lambda_)
        if not 0.0 <= self.lambda_ <= self.upper:
            raise InputError(f"lambda_ of {self.name} is {self.lambda_:g}; must be between 0 and {self.upper:g}")

    @property
    def name(self) -> str:
        """The class's name in snake case."""
        return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", type(self).__name__).lower()

    @property
    def modelled(self) -> bool:
        """Whether it needs a reward model."""
        return "q_expected" in self.needs

    def terms(self, rounds: Rounds) -> Terms:
        """What each round adds to the value, arrays of `len(rounds)`."""
        raise NotImplementedError(f"{type(self).__name__} writes neither terms nor estimate")

    def estimate(self, rounds: Rounds, precision: Precision) -> Estimate | None:
        """The whole estimate; None where it is made from the terms."""
        return None

    def term_range(self, rounds: Rounds, bounds: Bounds | None, interval: IntervalName) -> tuple[float, float]:
        """The range in which every term must lie, for the intervals that hold at every n; checked against the log."""
        raise InputError(
            f"interval {interval!r} does not exist for {self.name}, which divides by a random sum or states no range; "
            "use 'normal' or 'bootstrap', or ips or dr"
        )

    def weight(self, rounds: Rounds) -> Floats | None:
        """The weights that rounds have in it [n], which warnings speak of; None where it weighs nothing."""
        return rounds.weight if "pscore" in self.needs else None

    def cautions(self, rounds: Rounds, std_error: float) -> tuple[str, ...]:
        """What speaks against its value beside few units and heavy weights."""
        return ()


ESTIMATORS: PlugIns[type[Estimator]] = PlugIns(
    "estimator",
    "driftline.evaluation.off_policy.estimators",
    subclass_of(Estimator, "driftline.evaluation.off_policy.Estimator"),
)
"""The built-in ones, by listing their folder."""


def built(method: "str | type[Estimator] | Estimator", lambda_: float | None = None) -> Estimator:
    """An estimator by name, as `package.module:Class`, or itself.

    Raises:
        InputError: an unknown name, a `lambda_` that it does not have or that is out of range.
    """
    if isinstance(method, Estimator):
        return method
    kind = ESTIMATORS.find(method) if isinstance(method, str) else method
    return kind() if lambda_ is None else kind(lambda_)


def tamed_names() -> tuple[str, ...]:
    """The built-in estimators that have a `lambda_`."""
    return tuple(name for name in ESTIMATORS.names() if ESTIMATORS.find(name).untamed is not None)


def need_tamed(name: str) -> None:
    """`InputError` for an estimator without a `lambda_`."""
    if ESTIMATORS.find(name).untamed is None:
        raise InputError(f"lambdas: {name!r} has no lambda_; {hint(name, tamed_names())}")
