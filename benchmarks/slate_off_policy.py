"""Slate off-policy estimates beside Open Bandit Pipeline's, on the same arrays in one run.

`python benchmarks/slate_off_policy.py [--peer PYTHON] [--slates 50000]`, with one thread. PYTHON is an interpreter
that has sb-obp 0.5.10 (`pip install sb-obp`). Input on both sides: the long table, one row per slate position; ours
is timed with the conversion and all validation, the peer's with its own validation. Values must agree to 1e-9.
"""

import argparse
import json
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from driftline.evaluation.slate_off_policy import (
    cascade_dr,
    iips,
    reduce_q_hat,
    rips,
    sips,
    slates_from_rows,
    sniips,
    snrips,
    snsips,
)

LENGTH, ITEMS = 3, 10
MARGINAL = ("pscore_item_position", "target_pscore_item_position")
CASCADE = ("pscore_cascade", "target_pscore_cascade")
WHOLE = ("pscore", "target_pscore")
NEEDS: dict[str, tuple[Callable[..., Any], tuple[str, ...]]] = {
    "sips": (sips, WHOLE),
    "snsips": (snsips, WHOLE),
    "iips": (iips, MARGINAL),
    "sniips": (sniips, MARGINAL),
    "rips": (rips, CASCADE),
    "snrips": (snrips, CASCADE),
    "cascade_dr": (cascade_dr, CASCADE),
}
BOOTSTRAP = 400

PEER = """
import json, sys, time, warnings
warnings.filterwarnings("ignore")
import numpy as np
from obp.ope.estimators_slate import (
    SelfNormalizedSlateIndependentIPS, SelfNormalizedSlateRewardInteractionIPS, SelfNormalizedSlateStandardIPS,
    SlateCascadeDoublyRobust, SlateIndependentIPS, SlateRewardInteractionIPS, SlateStandardIPS)
log = np.load(sys.argv[1])
length, items, bootstrap = int(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4])
names = {"sips": (SlateStandardIPS, "pscore"), "snsips": (SelfNormalizedSlateStandardIPS, "pscore"),
         "iips": (SlateIndependentIPS, "pscore_item_position"),
         "sniips": (SelfNormalizedSlateIndependentIPS, "pscore_item_position"),
         "rips": (SlateRewardInteractionIPS, "pscore_cascade"),
         "snrips": (SelfNormalizedSlateRewardInteractionIPS, "pscore_cascade"),
         "cascade_dr": (SlateCascadeDoublyRobust, "pscore_cascade")}
found = {}
for name, (kind, pscore) in names.items():
    asked = {"slate_id": log["slate_id"], "position": log["position"], "reward": log["reward"],
             pscore: log[pscore], "evaluation_policy_" + pscore: log["target_" + pscore]}
    more = {}
    if name == "cascade_dr":
        more = {"n_unique_action": items}
        asked.update(action=log["action"], q_hat=log["q_hat"], evaluation_policy_action_dist=log["target_policy"])
    begin = time.perf_counter()
    value = kind(len_list=length, **more).estimate_policy_value(**asked)
    found[name] = [float(value), time.perf_counter() - begin]
    if name == "sips":
        begin = time.perf_counter()
        kind(len_list=length).estimate_interval(**asked, n_bootstrap_samples=bootstrap, random_state=1)
        found["bootstrap"] = [float(value), time.perf_counter() - begin]
print(json.dumps(found))
"""


def long_table(slates: int) -> dict[str, Any]:
    """Random slates without repeats and two Plackett-Luce-like policies, one row per position."""
    rng = np.random.default_rng(0)
    action = np.argsort(rng.random((slates, ITEMS)), axis=1)[:, :LENGTH]
    conditional, target = rng.uniform(0.1, 0.9, (2, slates, LENGTH))
    cascade, target_cascade = conditional.cumprod(axis=1), target.cumprod(axis=1)
    policy = rng.dirichlet(np.ones(ITEMS), slates * LENGTH)
    return {
        "slate_id": np.repeat(np.arange(slates), LENGTH),
        "position": np.tile(np.arange(LENGTH), slates),
        "reward": rng.integers(0, 2, slates * LENGTH).astype(np.float64),
        "action": action.ravel(),
        "pscore": np.repeat(cascade[:, -1], LENGTH),
        "pscore_item_position": conditional.ravel(),
        "pscore_cascade": cascade.ravel(),
        "target_pscore": np.repeat(target_cascade[:, -1], LENGTH),
        "target_pscore_item_position": target.ravel(),
        "target_pscore_cascade": target_cascade.ravel(),
        "q_hat": rng.random(slates * LENGTH * ITEMS),
        "target_policy": policy.ravel(),
    }


def estimate(table: dict[str, Any], name: str, **asked: Any) -> float:
    """From the long table to the estimate, everything checked."""
    estimator, columns = NEEDS[name]
    rows = {key: table[key] for key in ("slate_id", "position", "reward", *columns)}
    if name != "cascade_dr":
        log = slates_from_rows(**rows)
        return float(estimator(**log.arguments("reward", *columns), **asked).value)
    log = slates_from_rows(**rows, action=table["action"])
    assert log.action is not None
    factual, expected = reduce_q_hat(action=log.action, q_hat=table["q_hat"], target_policy=table["target_policy"])
    return float(estimator(**log.arguments("reward", *columns), q_hat_factual=factual, q_expected=expected).value)


def timed(table: dict[str, Any], name: str, repeats: int, **asked: Any) -> tuple[float, float]:
    """Value and the median of wall-clock seconds."""
    seconds, value = [], 0.0
    for _ in range(repeats):
        begin = time.perf_counter()
        value = estimate(table, name, **asked)
        seconds.append(time.perf_counter() - begin)
    return value, float(np.median(seconds))


def ask_peer(peer: str, table: dict[str, Any]) -> dict[str, list[float]]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "slates.npz"
        np.savez(path, **table)
        command = [peer, "-c", PEER, str(path), str(LENGTH), str(ITEMS), str(BOOTSTRAP)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{peer} failed: {done.stderr.strip()[-500:]}")
    found: dict[str, list[float]] = json.loads(done.stdout.splitlines()[-1])
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--peer", default="", help="a Python that has sb-obp 0.5.10")
    parser.add_argument("--slates", type=int, default=50_000)
    parser.add_argument("--repeats", type=int, default=7)
    options = parser.parse_args()
    table = long_table(options.slates)
    ours = {name: timed(table, name, options.repeats) for name in NEEDS}
    # the first call compiles the keyed noise
    timed(long_table(100), "sips", 1, interval="bootstrap", replicates=BOOTSTRAP)
    ours["bootstrap"] = timed(table, "sips", 3, interval="bootstrap", replicates=BOOTSTRAP)
    theirs = ask_peer(options.peer, table) if options.peer else {}
    print(f"{options.slates:,} slates of {LENGTH}, from the long table, validation included; medians")
    print(f"{'':34s}{'driftline, ms':>14s}{'sb-obp, ms':>14s}{'times':>8s}")
    for name, (value, seconds) in ours.items():
        label = f"sips, {BOOTSTRAP} bootstrap replicates" if name == "bootstrap" else name
        line = f"{label:34s}{1000 * seconds:14.2f}"
        if name in theirs:
            other, took = theirs[name]
            line += f"{1000 * took:14.1f}{took / seconds:8.0f}"
            if abs(other - value) > 1e-9:
                raise SystemExit(f"{name}: {value!r} here, {other!r} there")
        print(line, flush=True)


if __name__ == "__main__":
    main()
