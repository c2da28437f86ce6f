"""`driftline/Feed-v0` through `gymnasium.make` with its default wrappers: single visits a CPU-second.

Run with one thread: `OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 python benchmarks/feed.py`. Actions are random
positions, drawn outside the timed region; everything else that `step` does is timed, the world's rounds included.
"""

import argparse
import time
from typing import Any

import gymnasium
import numpy as np

import driftline  # noqa: F401  registers driftline/Feed-v0
from driftline.sim import NumericObservation

ROWS = {
    "Feed-v0, texts and numbers": (True, False),
    "Feed-v0, text=False": (False, False),
    "NumericObservation(Feed-v0, text=False)": (False, True),
    "NumericObservation(Feed-v0)": (True, True),
}


def made(users: int, text: bool, numeric: bool) -> gymnasium.Env[Any, Any]:
    overrides = {"population.users": users}
    env = gymnasium.make("driftline/Feed-v0", scenario="abrupt_shift", overrides=overrides, text=text)
    return NumericObservation(env) if numeric else env


def seconds(env: gymnasium.Env[Any, Any], visits: int) -> float:
    """CPU seconds a visit, over so many visits or to the end of the episode."""
    space = env.action_space
    assert isinstance(space, gymnasium.spaces.MultiDiscrete)
    actions = np.random.default_rng(0).integers(0, space.nvec, (1_000, *space.shape))
    env.reset(seed=0)
    begin = time.process_time()
    for visit in range(visits):
        if env.step(actions[visit % 1_000])[3]:
            break
    return (time.process_time() - begin) / (visit + 1)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--users", type=int, default=2_000)
    parser.add_argument("--visits", type=int, default=50_000)
    parser.add_argument("--repeats", type=int, default=3)
    options = parser.parse_args()
    print(f"abrupt_shift, {options.users:,} users, slates of 10 of 100 candidates; best of {options.repeats}")
    print(f"{'':42s}{'us a visit':>12s}{'visits a CPU-second':>22s}")
    for name, (text, numeric) in ROWS.items():
        env = made(options.users, text, numeric)
        seconds(env, 2_000)  # compiles
        best = min(seconds(env, options.visits) for _ in range(options.repeats))
        print(f"{name:42s}{best * 1e6:12.1f}{1 / best:22,.0f}", flush=True)


if __name__ == "__main__":
    main()
