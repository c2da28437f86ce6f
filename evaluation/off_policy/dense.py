"""One pass over dense matrices of policies and reward models, down to one number a round.

Matrices are read chunk by chunk and may come as an iterator of chunks that were never all in memory at once. Each
round's numbers depend on its own row only, so the result does not depend on the size of chunks.
"""

from collections.abc import Iterable, Iterator

import numpy as np
from numpy.typing import NDArray

from driftline.evaluation.arrays import SUM_TOLERANCE, propensities, vector, whole_numbers
from driftline.evaluation.off_policy.rounds import Rounds
from driftline.sim.errors import InputError
from driftline.sim.kernel import kernel
from driftline.sim.types import Floats, Int64s

Matrix = NDArray[np.floating]
Dense = Matrix | Iterable[Matrix]
"""[n, A], or [n, A, L] where each round is at one of L positions, or an iterator of such chunks of rows."""
CHUNK_CELLS = 2**21
"""Cells worked on at once (16 MB)."""
PSCORE_TOLERANCE = 1e-6


def reduced(
    *,
    reward: Floats,
    action: Int64s,
    target_policy: Dense,
    pscore: Floats | None = None,
    q_hat: Dense | None = None,
    logging_policy: Dense | None = None,
    position: Int64s | None = None,
    cluster: Int64s | None = None,
    slate: Int64s | None = None,
) -> Rounds:
    """A log's vectors from dense matrices, in one pass.

    Matrices are [n, A], [n, A, L] with `position`, or iterators of chunks of rows; two iterators must agree in the
    length of their chunks. Rows of a policy must sum to 1 within 1e-5; `q_expected` is divided by that sum.

    Args:
        reward: What the logged actions earned [n]; finite.
        action: Which they were [n], 0 to A - 1.
        target_policy: pi_e(a | x_i).
        pscore: The logged actions' probabilities under the logging policy [n], in (0, 1].
        q_hat: The reward model's q(x_i, a).
        logging_policy: pi_b(a | x_i); gives the unsupported mass, and `pscore` where that is not given.
        position: In the slate [n], 0 to L - 1.
        cluster: Whose round it is [n].
        slate: Which slate it belongs to [n].

    Raises:
        InputError: Unequal lengths or shapes, an unusable value, a row that does not sum to 1, a `pscore` that is not
            the logging policy's.

    Examples:
        >>> target, logging = np.array([[0.8, 0.2], [0.5, 0.5]]), np.array([[0.5, 0.5], [0.5, 0.5]])
        >>> log = reduced(reward=[1, 0], action=np.array([0, 1]), target_policy=target, logging_policy=logging)
        >>> log.weight.tolist()
        [1.6, 1.0]
    """
    reward = vector("reward", reward)
    n = len(reward)
    action = whole_numbers("action", action, n)
    position = None if position is None else whole_numbers("position", position, n)
    given = {"target_policy": target_policy, "q_hat": q_hat, "logging_policy": logging_policy}
    matrices = {name: matrix for name, matrix in given.items() if matrix is not None}
    out = {name: np.empty(n) for name in ["target_pscore", *_made(q_hat, logging_policy)]}
    done = 0
    for chunks in _chunks(matrices, n, position):
        m = len(next(iter(chunks.values())))
        rows = slice(done, done + m)
        _reduce(chunks, action[rows], {name: array[rows] for name, array in out.items()}, done)
        done += m
    if done != n:
        raise InputError(f"target_policy has {done} rows; reward has {n}")
    logged = out.pop("logged", None)
    return Rounds(
        reward=reward,
        pscore=_pscore(pscore, logged, n),
        action=action,
        position=position,
        cluster=cluster,
        slate=slate,
        target_pscore=out["target_pscore"],
        q_action=out.get("q_action"),
        q_expected=out.get("q_expected"),
        unsupported=out.get("unsupported"),
    )


def _made(q_hat: Dense | None, logging_policy: Dense | None) -> list[str]:
    model = [] if q_hat is None else ["q_action", "q_expected"]
    return model if logging_policy is None else [*model, "unsupported", "logged"]


def _reduce(chunks: dict[str, Matrix], action: Int64s, out: dict[str, Floats], first: int) -> None:
    policy = chunks["target_policy"]
    outside = np.flatnonzero((action < 0) | (action >= policy.shape[1]))
    if outside.size:
        at = int(outside[0])
        raise InputError(f"action[{first + at}] is {action[at]}; must be at least 0 and below {policy.shape[1]}")
    _policy_fault("target_policy", first, *_policy_rows(policy, action, out["target_pscore"]))
    if "logging_policy" in chunks:
        _policy_fault("logging_policy", first, *_policy_rows(chunks["logging_policy"], action, out["logged"]))
        _support_rows(policy, chunks["logging_policy"], out["unsupported"])
    if "q_hat" in chunks:
        row, column = _model_rows(policy, chunks["q_hat"], action, out["q_action"], out["q_expected"])
        if row >= 0:
            raise InputError(f"q_hat[{first + row}, {column}] is {chunks['q_hat'][row, column]:g}; must be finite")


@kernel
def _policy_rows(policy: Matrix, action: Int64s, at_action: Floats) -> tuple[int, int, float]:
    """Probability of the logged action; (row, column, value) of the first fault, row -1 where there is none.

    Column -1: the row's sum is at fault.
    """
    for i in range(policy.shape[0]):
        total = 0.0
        for a in range(policy.shape[1]):
            p = policy[i, a]
            if not (0.0 <= p <= 1.0 + 1e-9):
                return i, a, float(p)
            total += p
        if abs(total - 1.0) > SUM_TOLERANCE:
            return i, -1, total
        at_action[i] = policy[i, action[i]]
    return -1, 0, 0.0


@kernel
def _model_rows(policy: Matrix, q_hat: Matrix, action: Int64s, at_action: Floats, expected: Floats) -> tuple[int, int]:
    """Prediction for the logged action and under the policy; place of the first fault, row -1 for none."""
    for i in range(policy.shape[0]):
        total = 0.0
        value = 0.0
        for a in range(policy.shape[1]):
            total += policy[i, a]
            value += policy[i, a] * q_hat[i, a]
        if not np.isfinite(value):
            for a in range(policy.shape[1]):
                if not np.isfinite(q_hat[i, a]):
                    return i, a
        expected[i] = value / total
        at_action[i] = q_hat[i, action[i]]
    return -1, 0


@kernel
def _support_rows(policy: Matrix, logging_policy: Matrix, unsupported: Floats) -> None:
    """The policy's probability of actions that the logging policy never takes."""
    for i in range(policy.shape[0]):
        mass = 0.0
        for a in range(policy.shape[1]):
            if logging_policy[i, a] <= 0.0:
                mass += policy[i, a]
        unsupported[i] = min(mass, 1.0)


def _policy_fault(name: str, first: int, row: int, column: int, value: float) -> None:
    if row < 0:
        return
    if column < 0:
        raise InputError(f"{name}[{first + row}] sums to {value:g}; a row's probabilities must sum to 1")
    raise InputError(f"{name}[{first + row}, {column}] is {value:g}; must be between 0 and 1")


def _pscore(stated: Floats | None, logged: Floats | None, n: int) -> Floats | None:
    """The stated propensities, or those of the logging policy; both must agree."""
    if logged is None or stated is None:
        return logged if stated is None else stated
    stated = propensities("pscore", stated, (n,))
    off = np.flatnonzero(np.abs(stated - logged) > PSCORE_TOLERANCE)
    if off.size:
        at = int(off[0])
        raise InputError(f"pscore[{at}] is {stated[at]:g}; logging_policy says {logged[at]:g} for the logged action")
    return stated


def _chunks(matrices: dict[str, Dense], n: int, position: Int64s | None) -> Iterator[dict[str, Matrix]]:
    """Equal rows of all matrices; an iterator sets the length of chunks, arrays follow."""
    arrays = {name: matrix for name, matrix in matrices.items() if isinstance(matrix, np.ndarray)}
    streams = {name: iter(matrix) for name, matrix in matrices.items() if not isinstance(matrix, np.ndarray)}
    for name, array in arrays.items():
        if len(array) != n:
            raise InputError(f"{name} has {len(array)} rows; reward has {n}")
    first = 0
    while first < n or streams:
        parts = {name: next(stream, None) for name, stream in streams.items()}
        ended = [name for name, part in parts.items() if part is None]
        if ended and (len(ended) < len(parts) or first < n):
            raise InputError(f"{ended[0]} ends after {first} rows; reward has {n}")
        if ended:
            return
        rows = slice(first, min(n, first + _rows(arrays, parts)))
        chunk = {name: np.asarray(part) for name, part in parts.items()} | {k: a[rows] for k, a in arrays.items()}
        places = None if position is None else position[rows]
        yield _fitting({name: _at_position(name, part, places) for name, part in chunk.items()}, first, n)
        first = rows.stop


def _rows(arrays: dict[str, Matrix], parts: dict[str, Matrix | None]) -> int:
    for part in parts.values():
        if part is not None:
            return len(part)
    cells = max(int(np.prod(array.shape[1:])) for array in arrays.values())
    return max(1, CHUNK_CELLS // max(1, cells))


def _at_position(name: str, part: Matrix, position: Int64s | None) -> Matrix:
    """Rows of actions [m, A], taken at each round's position where there are several."""
    if part.dtype.kind != "f":
        part = part.astype(np.float64)
    if part.ndim == 2:
        return part
    if part.ndim != 3:
        raise InputError(f"{name} has shape {part.shape}; must be [n, actions] or [n, actions, positions]")
    if position is None:
        if part.shape[2] > 1:
            raise InputError(f"{name} has {part.shape[2]} positions; position must say which one each round is at")
        return part[:, :, 0]
    if len(position) and not 0 <= position.min() <= position.max() < part.shape[2]:
        raise InputError(f"position reaches from {position.min()} to {position.max()}; {name} has {part.shape[2]}")
    return part[np.arange(len(part)), :, position]


def _fitting(chunks: dict[str, Matrix], first: int, n: int) -> dict[str, Matrix]:
    """Chunks must be alike in rows and actions, and not go beyond the log."""
    shape = chunks["target_policy"].shape
    for name, chunk in chunks.items():
        if chunk.shape != shape:
            raise InputError(f"{name} has a chunk of shape {chunk.shape} at row {first}; target_policy has {shape}")
    if first + shape[0] > n:
        raise InputError(f"target_policy has more than {first + shape[0] - 1} rows; reward has {n}")
    return chunks
