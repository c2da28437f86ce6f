"""The world's step through its public API: CPU time of `observe` and `respond`, in user-steps a second.

Run with one thread: `OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 python benchmarks/step.py`. One user-step is one
visit: bring the user's interest to the day, deliver what it did since, offer candidates, respond to a slate of
10 and move on to the next visit. Slates lie at fixed random places among the candidates and are made outside
the timed region. Each row is then run again the ordinary way, with choice probabilities for the truth log:
its choices must be equal.
"""

import argparse
import hashlib
import time
from math import exp, log
from typing import Any

import numpy as np

from driftline.sim.choice import ChoiceModel
from driftline.sim.kernel import kernel
from driftline.sim.types import Floats, Int64s, NonNegative, Observation, Slates
from driftline.sim.world import World

SHARED, PRIVATE = {"shared": 1000, "private": None}, {"shared": None, "private": 100}
ROWS: dict[str, dict[str, Any]] = {
    "abrupt_shift, 10 of 1,000 shared": {"candidates": SHARED},
    "abrupt_shift, 10 of 100 private": {"candidates": PRIVATE},
    "the same, a choice model of one's own": {"candidates": PRIVATE, "choice.model": "step:PlainLogit"},
}


class PlainLogit(ChoiceModel):
    """The multinomial logit as somebody else would write it: its choices are those of the row above."""

    outside: float = 2.5
    position_decay: NonNegative = 0.5

    @staticmethod
    @kernel
    def probabilities(utilities: Floats, params: Any, out: Floats) -> None:
        length = utilities.size
        out[length] = exp(params.outside)
        total = out[length]
        for k in range(length):
            out[k] = exp(utilities[k] - params.position_decay * log(k + 1.0))
            total += out[k]
        for k in range(length + 1):
            out[k] /= total


def slates_for(observation: Observation, places: Int64s) -> Slates:
    """One slate a user, at the same places of the candidates for the same row of an observation."""
    rows = places[: len(observation)]
    pool = observation.candidates
    items = pool[rows] if pool.ndim == 1 else np.take_along_axis(pool, rows, axis=1)
    return Slates.certain(items)


def run(overrides: dict[str, Any], days: float, *, ordinary: bool = False) -> tuple[int, float, float, str]:
    """Visits, CPU seconds of `observe` and of `respond`, and a digest of all choices."""
    world = World("abrupt_shift", overrides=overrides)
    shared, private = world.params.candidates.shared, world.params.candidates.private
    rng = np.random.default_rng(0)
    starts = rng.integers(0, shared or private or 0, (world.params.population.users, 1))
    # Distinct places at an odd stride: random enough for the memory, cheap to make.
    places = (starts + 37 * np.arange(world.params.slate)) % (shared or private or 1)
    visits, observing, responding = 0, 0.0, 0.0
    digest = hashlib.sha256()
    while True:
        begin = time.process_time()
        observation = world.observe(until=days)
        observing += time.process_time() - begin
        if observation is None:
            return visits, observing, responding, digest.hexdigest()
        slates = slates_for(observation, places)
        begin = time.process_time()
        feedback = world.respond_in_full(slates)[0] if ordinary else world.respond(slates)
        responding += time.process_time() - begin
        visits += len(feedback)
        digest.update(feedback.choice.tobytes())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--users", type=int, default=100_000)
    parser.add_argument("--days", type=float, default=60.0)
    parser.add_argument("--repeats", type=int, default=3)
    options = parser.parse_args()
    print(f"{options.users:,} users, {options.days:g} days, slates of 10, no logs; best of {options.repeats}")
    print(f"{'':38s}{'visits':>10s}{'observe':>10s}{'respond':>10s}{'million user-steps':>20s}  choices")
    print(f"{'':38s}{'':>10s}{'ns/visit':>10s}{'ns/visit':>10s}{'per CPU-second':>20s}")
    for name, row in ROWS.items():
        overrides = {"population.users": options.users, **row}
        run({**overrides, "population.users": 500}, options.days)  # compiles
        runs = [run(overrides, options.days) for _ in range(options.repeats)]
        visits, observing, responding, digest = min(runs, key=lambda one: one[1] + one[2])
        equal = {one[3] for one in [*runs, run(overrides, options.days, ordinary=True)]} == {digest}
        rate = visits / (observing + responding) / 1e6
        print(
            f"{name:38s}{visits:10,d}{observing / visits * 1e9:10.0f}{responding / visits * 1e9:10.0f}"
            f"{rate:20.2f}  {'equal' if equal else 'DIFFERENT'} {digest[:12]}",
            flush=True,
        )
        if not equal:
            raise SystemExit("choices differ between the timed and the ordinary run")


if __name__ == "__main__":
    main()
