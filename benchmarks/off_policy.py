"""Off-policy estimation: CPU time and peak memory, beside sb-obp on the same arrays.

Run with one thread:

    OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 python benchmarks/off_policy.py --peer /path/to/python

where the peer's interpreter has sb-obp 0.5.10 (it needs an importable `torch`, which these estimators do not use).
Each part runs in a process of its own. Memory is the peak above what the process held with the inputs loaded; for
`vectors` it is the peak of the whole process. The seven estimators: DM, IPS, SNIPS, DR, SNDR, Switch-DR, DRos.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

SEVEN = ("dm", "ips", "snips", "dr", "sndr", "switch_dr", "dros")
LAMBDAS = {"switch_dr": 10.0, "dros": 100.0}
NAMES = ("reward", "action", "pscore", "target_policy", "q_hat")


def make(folder: Path, n: int, actions: int) -> None:
    """One synthetic log; matrices are written in chunks."""
    rng = np.random.default_rng(0)
    matrices = {
        name: np.lib.format.open_memmap(folder / f"{name}.npy", "w+", np.float64, (n, actions))
        for name in ("target_policy", "q_hat")
    }
    action, pscore, reward = np.empty(n, np.int64), np.empty(n), np.empty(n)
    for first in range(0, n, 10_000):
        rows = slice(first, min(n, first + 10_000))
        m = rows.stop - first
        logits = rng.normal(0.0, 1.0, (m, actions))
        logging = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
        target = np.exp(logits + rng.normal(0.0, 0.5, (m, actions)))
        matrices["target_policy"][rows] = target / target.sum(axis=1, keepdims=True)
        matrices["q_hat"][rows] = rng.random((m, actions))
        below = logging.cumsum(axis=1) < rng.random((m, 1))
        action[rows] = np.minimum(below.sum(axis=1), actions - 1)
        pscore[rows] = logging[np.arange(m), action[rows]]
        reward[rows] = rng.random(m) < 0.8 * matrices["q_hat"][rows][np.arange(m), action[rows]]
    for matrix in matrices.values():
        matrix.flush()
    for name, array in (("action", action), ("pscore", pscore), ("reward", reward)):
        np.save(folder / f"{name}.npy", array)


def memory(field: str) -> float:
    """`VmRSS` or `VmHWM` of this process in MB."""
    lines = Path("/proc/self/status").read_text(encoding="utf-8").splitlines()
    return float(next(line.split()[1] for line in lines if line.startswith(field))) / 1024


def measured(work: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """CPU seconds and peak memory above the present one."""
    Path("/proc/self/clear_refs").write_text("5", encoding="utf-8")
    before, begin = memory("VmRSS"), time.process_time()
    values = work()
    return {
        "seconds": time.process_time() - begin,
        "above": memory("VmHWM") - before,
        "whole": memory("VmHWM"),
        "values": values,
    }


def load(folder: Path, names: tuple[str, ...]) -> dict[str, np.ndarray]:
    return {name: np.load(folder / f"{name}.npy") for name in names}


def ours_dense(folder: Path, replicates: int) -> dict[str, Any]:
    from driftline.evaluation.off_policy import estimate_all, reduced

    def work(log: dict[str, np.ndarray]) -> dict[str, Any]:
        found = estimate_all(reduced(**log), methods=SEVEN, lambdas=LAMBDAS)
        return {name: one.value for name, one in found.items()}

    log = load(folder, NAMES)
    work({name: array[:100] for name, array in log.items()})
    return min((measured(lambda: work(log)) for _ in range(3)), key=lambda one: one["seconds"])


def ours_vectors(folder: Path, replicates: int) -> dict[str, Any]:
    """From one number a round, as a log without matrices has them."""
    from driftline.evaluation.off_policy import Rounds, estimate_all

    log = load(folder, ("reward", "pscore", "target_pscore", "q_action", "q_expected"))
    short = {name: array[:100] for name, array in log.items()}
    estimate_all(Rounds(**short), methods=SEVEN, lambdas=LAMBDAS)

    def work() -> dict[str, Any]:
        found = estimate_all(Rounds(**log), methods=SEVEN, lambdas=LAMBDAS)
        return {name: one.value for name, one in found.items()}

    return min((measured(work) for _ in range(3)), key=lambda one: one["seconds"])


def ours_bootstrap(folder: Path, replicates: int) -> dict[str, Any]:
    from driftline.evaluation.off_policy import Rounds, estimate_all

    log = load(folder, ("reward", "pscore", "target_pscore", "q_action", "q_expected"))
    short = {name: array[:100] for name, array in log.items()}
    estimate_all(Rounds(**short), methods=SEVEN, lambdas=LAMBDAS, interval="bootstrap", replicates=2)

    def work() -> dict[str, Any]:
        found = estimate_all(Rounds(**log), methods=SEVEN, lambdas=LAMBDAS, interval="bootstrap", replicates=replicates)
        return {name: one.std_error for name, one in found.items()}

    return measured(work)


def peer(folder: Path, replicates: int) -> tuple[Any, dict[str, Any]]:
    """The peer's evaluation object and its inputs."""
    from obp import ope

    log = load(folder, NAMES)
    feedback = {
        "n_rounds": len(log["reward"]),
        "n_actions": log["q_hat"].shape[1],
        "context": np.zeros((len(log["reward"]), 1)),
        "action": log["action"],
        "reward": log["reward"],
        "position": None,
        "pscore": log["pscore"],
    }
    estimators = [
        ope.DirectMethod(estimator_name="dm"),
        ope.InverseProbabilityWeighting(estimator_name="ips"),
        ope.SelfNormalizedInverseProbabilityWeighting(estimator_name="snips"),
        ope.DoublyRobust(estimator_name="dr"),
        ope.SelfNormalizedDoublyRobust(estimator_name="sndr"),
        ope.SwitchDoublyRobust(lambda_=LAMBDAS["switch_dr"], estimator_name="switch_dr"),
        ope.DoublyRobustWithShrinkage(lambda_=LAMBDAS["dros"], estimator_name="dros"),
    ]
    evaluation = ope.OffPolicyEvaluation(bandit_feedback=feedback, ope_estimators=estimators)
    dense = {
        "action_dist": log["target_policy"][:, :, None],
        "estimated_rewards_by_reg_model": log["q_hat"][:, :, None],
    }
    return evaluation, dense


def peer_dense(folder: Path, replicates: int) -> dict[str, Any]:
    evaluation, dense = peer(folder, replicates)
    return measured(lambda: {k: float(v) for k, v in evaluation.estimate_policy_values(**dense).items()})


def peer_bootstrap(folder: Path, replicates: int) -> dict[str, Any]:
    """Its intervals, which like ours hold the making of the terms. A difference to its values would be mostly noise."""
    evaluation, dense = peer(folder, replicates)

    def work() -> dict[str, Any]:
        evaluation.estimate_intervals(**dense, n_bootstrap_samples=replicates, random_state=0)
        return {}

    return measured(work)


PARTS = {part.__name__: part for part in (ours_dense, ours_vectors, ours_bootstrap, peer_dense, peer_bootstrap)}


def run(python: str, part: str, folder: Path, replicates: int) -> dict[str, Any]:
    one_thread = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS"), "1")
    command = [python, __file__, "--part", part, "--folder", str(folder), "--replicates", str(replicates)]
    done = subprocess.run(command, capture_output=True, text=True, env={**os.environ, **one_thread}, check=False)
    if done.returncode:
        raise SystemExit(done.stderr)
    return dict(json.loads(done.stdout.splitlines()[-1]))


def reduce_to_vectors(folder: Path) -> None:
    """The vectors that a log without matrices would have."""
    from driftline.evaluation.off_policy import reduced

    log = {name: np.load(folder / f"{name}.npy", mmap_mode="r") for name in NAMES}
    found = reduced(**log)
    for name in ("target_pscore", "q_action", "q_expected"):
        np.save(folder / f"{name}.npy", getattr(found, name))


def report(name: str, found: dict[str, Any], beside: dict[str, Any] | None = None) -> None:
    line = f"{name:44s}{found['seconds']:10.3f} s{found['above']:10.0f} MB above{found['whole']:10.0f} MB whole"
    print(line + (f"{beside['seconds'] / found['seconds']:9.1f} x" if beside else ""), flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=1_000_000)
    parser.add_argument("--actions", type=int, default=100)
    parser.add_argument("--replicates", type=int, default=100)
    parser.add_argument("--peer", help="an interpreter that has sb-obp")
    parser.add_argument("--part", choices=list(PARTS), help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.part:
        print(json.dumps(PARTS[options.part](options.folder, options.replicates)))
        return
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        make(folder, options.rounds, options.actions)
        reduce_to_vectors(folder)
        theirs: dict[str, dict[str, Any]] = {}
        print(
            f"{options.rounds:,} rounds, {options.actions} actions; CPU time, peak memory; x: sb-obp's time over ours"
        )
        for part in ("peer_dense", "peer_bootstrap") if options.peer else ():
            theirs[part] = run(options.peer, part, folder, options.replicates)
            report(f"sb-obp, {part.removeprefix('peer_')}", theirs[part])
        ours = {part: run(sys.executable, part, folder, options.replicates) for part in PARTS if part[:4] == "ours"}
        report("seven estimators with intervals, matrices", ours["ours_dense"], theirs.get("peer_dense"))
        report("seven estimators with intervals, vectors", ours["ours_vectors"])
        report(f"bootstrap, {options.replicates} replicates", ours["ours_bootstrap"], theirs.get("peer_bootstrap"))
        if theirs:
            expected = theirs["peer_dense"]["values"]
            worst = max(abs(ours["ours_dense"]["values"][name] - expected[name]) for name in SEVEN)
            print(f"largest difference of a value from sb-obp's: {worst:.1e}")
            if not worst < 1e-9:
                raise SystemExit("values differ")


if __name__ == "__main__":
    main()
