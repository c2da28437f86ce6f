"""Cost of following interests: CPU microseconds per event, the filter bank beside its rivals and numpy.

Run with one thread: `OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 python benchmarks/evolution.py`. An event is
one predict and one update of one user; medians over repeats. The numpy rows are the float64 reference that
the tests hold the bank to.
"""

import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from driftline.agents.evolution import FilterBank, MovingAverage, OnlineGradient

sys.path.append(str(Path(__file__).parents[1] / "tests" / "agents" / "evolution"))
from evolution_reference import ReferenceBank

USERS, SLATE, DIM = 2000, 10, 16


def cost(step: Callable[[], object], repeats: int, events: int = USERS) -> float:
    """Median CPU microseconds per event, after one call that compiles."""
    step()
    times = []
    for _ in range(repeats):
        start = time.process_time()
        step()
        times.append(time.process_time() - start)
    return float(np.median(times)) / events * 1e6


def row(name: str, predict: float | None, update: float) -> None:
    first = "     -" if predict is None else f"{predict:6.2f}"
    print(f"{name:44s} {first} {update:8.2f} {(predict or 0) + update:8.2f}")


def main() -> None:
    rng = np.random.default_rng(0)
    items = (rng.normal(size=(USERS, SLATE, DIM)) / 4).astype(np.float32)
    choice = rng.integers(0, SLATE + 1, USERS)
    elapsed = rng.uniform(0.5, 3, USERS).astype(np.float32)
    offset = np.zeros((USERS, SLATE), np.float32)
    graded = (items[:, 0], rng.uniform(-1, 1, USERS).astype(np.float32), np.ones(USERS, np.float32))
    bank = FilterBank(USERS, DIM)
    size = sum(array.nbytes for array in bank.snapshot().values()) / USERS
    print(f"{USERS} users a call, slate {SLATE}, dim {DIM}; bank state {size:.0f} bytes a user")
    print("CPU microseconds per event")
    print(f"{'':44s} predict  update    total")
    for name, users in (("in memory order", np.arange(USERS)), ("in random order", rng.permutation(USERS))):
        predict = cost(lambda users=users: bank.predict(users, items, elapsed, offset), 60)
        update = cost(lambda users=users: bank.update(users, items, choice, elapsed, offset), 60)
        row(f"filter bank, choice only, {name}", predict, update)
        update = cost(lambda users=users: bank.update(users, items, choice, elapsed, offset, graded), 60)
        row(f"filter bank, with judgements, {name}", predict, update)
    reference = ReferenceBank(USERS, DIM, [1.0, 0.985, 0.93], 4, 0.998, 0.01, 0.01, 4.0, 1.0)
    predict = cost(lambda: reference.predict(items, elapsed, offset), 5)
    row(
        "the same in numpy, choice only",
        predict,
        cost(lambda: reference.update(items, choice, elapsed, offset), 5),
    )
    users = np.arange(USERS)
    average, gradient = MovingAverage(USERS, DIM), OnlineGradient(USERS, DIM)
    row("moving average", None, cost(lambda: average.update(users, items, choice, elapsed, offset), 60))
    row("online gradient", None, cost(lambda: gradient.update(users, items, choice, elapsed, offset), 60))
    one = slice(0, 1)

    def visit() -> None:
        bank.predict(users[one], items[one], elapsed[one], offset[one])
        bank.update(users[one], items[one], choice[one], elapsed[one], offset[one])

    print(f"a single user, predict and update in two calls: {cost(visit, 300, 1):.0f} us")


if __name__ == "__main__":
    main()
