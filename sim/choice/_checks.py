"""What every choice model promises: probabilities that are such, draws that match them, a best slate that is best."""

from dataclasses import dataclass
from itertools import permutations

import numpy as np
from numba.core.errors import NumbaError
from scipy.special import chdtrc

from driftline.sim import keyed
from driftline.sim.affinity import item_numbers
from driftline.sim.choice import ROUNDING, Choice
from driftline.sim.choice._base import ChoiceModel
from driftline.sim.conformance import Broken, Promise, Unasked
from driftline.sim.kernel import compile_fault
from driftline.sim.types import Floats, Int8s, Int64s

SEED, STREAM = 11, 1000
CHANCE = 1e-5
"""Error rate of each comparison of draws with probabilities."""


@dataclass(frozen=True, slots=True)
class ChoiceExam:
    """A choice model."""

    model: ChoiceModel

    def of(self, length: int) -> Choice:
        """For slates of one length."""
        return Choice.of(self.model, length)


def _utilities(cases: int, size: int, key: int) -> Floats:
    """Click utilities [cases, size]: spread of 1.5 about 1, the first all equal, then very small and very large."""
    found = 1.0 + 1.5 * keyed.normals(SEED, keyed.Stream.PROBE, np.arange(cases)[:, None], np.arange(size), key)
    found[0] = 0.0
    found[1] = np.where(np.arange(size) % 2, 30.0, -30.0)
    return np.ascontiguousarray(found)


def _compiles(exam: ChoiceExam) -> None:
    try:
        exam.of(3).probabilities(np.zeros(3))
        _draws(exam.of(3), np.zeros(3), np.arange(2))
    except NumbaError as problem:
        raise Broken(compile_fault(problem)) from problem


def _chances(exam: ChoiceExam) -> None:
    for length in (1, 2, 5, 10):
        choice = exam.of(length)
        for utilities in _utilities(100, length, length):
            chances = choice.probabilities(utilities)
            if not ((chances >= -ROUNDING) & (chances <= 1.0 + ROUNDING)).all():
                worst = chances[int(np.argmax(np.nan_to_num(np.abs(chances - 0.5), nan=np.inf)))]
                raise Broken(f"a slate of {length} of utilities {_shown(utilities)} has a probability of {worst:.6g}")
            if abs(chances.sum() - 1.0) > ROUNDING:
                total = f"{chances.sum():.6g}; must be 1"
                raise Broken(f"those of a slate of {length} of utilities {_shown(utilities)} sum to {total}")


def _pure(exam: ChoiceExam) -> None:
    choice, cases = exam.of(4), _utilities(50, 4, 1)
    first = [choice.probabilities(utilities.copy()) for utilities in cases]
    for wanted, utilities in zip(first[::-1], cases[::-1], strict=True):
        given = utilities.copy()
        if not np.array_equal(choice.probabilities(given), wanted, equal_nan=True):
            raise Broken(f"asked again about utilities {_shown(utilities)} it gives other probabilities")
        if not np.array_equal(given, utilities):
            raise Broken("`probabilities` writes into `utilities`")


def _draws(choice: Choice, utilities: Floats, users: Int64s, visits: int = 1) -> Int8s:
    """Positions taken [users x visits] of a slate of these utilities."""
    size = len(utilities)
    ones = np.ones(size, np.float32)
    items = item_numbers(np.eye(size, dtype=np.float32), ones, np.zeros(size, np.float32))
    theta = np.tile(utilities.astype(np.float32), (int(users.max()) + 1, 1))
    rows, slates = np.repeat(users, visits), np.tile(np.arange(size, dtype=np.int32), (len(users) * visits, 1))
    visit, without = np.tile(np.arange(visits, dtype=np.int32), len(users)), np.empty((0, 0), np.float32)
    return choice.take(rows, visit, slates, theta, items, choice.params, SEED, STREAM, without).position


def _match(exam: ChoiceExam) -> None:
    n = 20_000
    for length in (1, 3, 6):
        choice = exam.of(length)
        for utilities in _utilities(6, length, 7)[2:]:
            seen = utilities.astype(np.float32).astype(np.float64)
            wanted = n * choice.probabilities(seen)
            counts = np.bincount(_draws(choice, utilities, np.arange(200), n // 200), minlength=length + 1)
            p = _chi_square(counts.astype(np.float64), wanted)
            if not p >= CHANCE:
                k = int(np.argmax(np.abs(counts - wanted)))
                where = "nothing" if k == length else f"position {k}"
                raise Broken(
                    f"of a slate of {length} {where} was taken {counts[k]} times in {n}, {wanted[k]:.0f} expected "
                    f"(chi-square, p = {p:.1g}; must be >= {CHANCE:g})"
                )


def _chi_square(counts: Floats, wanted: Floats) -> float:
    """p of the counts; what is expected fewer than 5 times is taken together."""
    rare = wanted < 5.0
    if counts[rare].sum() > 25.0:
        return 0.0
    seen, expected = counts[~rare], wanted[~rare]
    return float(chdtrc(max(len(seen) - 1, 1), ((seen - expected) ** 2 / expected).sum()))


def _keyed(exam: ChoiceExam) -> None:
    choice, utilities, users = exam.of(5), _utilities(4, 5, 3)[3], np.arange(300)
    whole = _draws(choice, utilities, users)
    for what, part in {
        "again": users,
        "in reverse order": users[::-1].copy(),
        "without the others": users[::7],
    }.items():
        differing = int((_draws(choice, utilities, np.ascontiguousarray(part)) != whole[part]).sum())
        if differing:
            raise Broken(f"{differing} of {len(part)} users met {what} take something else")


def _best(exam: ChoiceExam) -> None:
    sizes = ((6, 1), (6, 3), (5, 5)) if type(exam.model).best is not None else ((12, 3),)
    for candidates, length in sizes:
        choice = exam.of(length)
        for case, utilities in enumerate(_utilities(12, candidates, 9)):
            rewards = 2.0 * keyed.uniforms(SEED, keyed.Stream.PROBE, case, np.arange(candidates), 5) - 1.0
            highest = _highest(choice, utilities, rewards)
            out = np.full(length, -1, np.int32)
            worth = choice.ceiling(utilities, rewards, out, choice.params)
            if not worth >= highest - 1e-9:
                raise Broken(
                    f"among {candidates} candidates its best slate of {length}, or bound, is {worth:.6g}, and another "
                    f"slate is worth {highest:.6g}"
                )
            if choice.exact(candidates) and sorted(set(out.tolist())) != sorted(out.tolist()):
                raise Broken(f"its best slate {out.tolist()} shows an item twice")


def _highest(choice: Choice, utilities: Floats, rewards: Floats) -> float:
    """The highest value of any ordered slate, from the probabilities."""
    return max(
        float(choice.probabilities(utilities[list(slate)])[:-1] @ rewards[list(slate)])
        for slate in permutations(range(len(utilities)), choice.length)
    )


def _value(exam: ChoiceExam) -> None:
    choice = exam.of(4)
    slate = np.array([3, 0, 5, 2], np.int32)
    for case, utilities in enumerate(_utilities(50, 6, 4)):
        rewards = 2.0 * keyed.uniforms(SEED, keyed.Stream.PROBE, case, np.arange(6), 6) - 1.0
        wanted = float(choice.probabilities(utilities[slate])[:-1] @ rewards[slate])
        worth = choice.value(utilities, rewards, slate, choice.params)
        if not abs(worth - wanted) <= 1e-9:
            raise Broken(f"a slate is worth {worth:.6g} to it, and {wanted:.6g} by its probabilities")


def _monotone(exam: ChoiceExam) -> None:
    if not exam.model.monotone:
        raise Unasked("it does not claim to be")
    choice = exam.of(4)
    for case, utilities in enumerate(_utilities(200, 4, 2)):
        better = utilities.copy()
        better[case % 4] += 0.5
        before, after = choice.probabilities(utilities)[-1], choice.probabilities(better)[-1]
        if not after <= before + 1e-12:
            raise Broken(f"nothing becomes likelier, {before:.6g} to {after:.6g}, when one utility rises by 0.5")


def _shown(utilities: Floats) -> str:
    return "[" + ", ".join(f"{each:.3g}" for each in utilities[:4]) + (", ...]" if len(utilities) > 4 else "]")


CHOICE: tuple[Promise[ChoiceExam], ...] = (
    Promise("compiles", "its kernels compile", "Change the kernel that the message is about.", _compiles, last=True),
    Promise(
        "chances",
        "probabilities lie in [0, 1] and sum to 1",
        "Divide by the total, nothing included; guard exponentials against overflow.",
        _chances,
    ),
    Promise("pure", "the same slate has the same probabilities", "Use nothing but the arguments.", _pure),
    Promise("draws", "choices are as frequent as the probabilities", "Change `draw`, or leave it out.", _match),
    Promise("keyed", "who else chooses, and in which order, changes nothing", "Draw from `noise` and `luck`.", _keyed),
    Promise("value", "a slate's value is sum_k p_k r_k", "Change `value`, or leave it out.", _value),
    Promise(
        "best",
        "no ordered slate of a small world beats its best slate, or the bound where it states none",
        "Change `best`, or leave it out; claim `monotone` only where it holds.",
        _best,
    ),
    Promise(
        "monotone", "where it says so, nothing gets no likelier as an item gets better", "Drop `monotone`.", _monotone
    ),
)
