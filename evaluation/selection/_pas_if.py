"""PAS-IF: try all candidates on a split of the log that mimics the real task, where the truth is seen.

The split is fitted so that one part looks to the other as the target policy looks to the logger.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import log

import numpy as np
from scipy.special import expit

from driftline.evaluation.arrays import between_0_and_1, coded, distributions, vector, whole_numbers
from driftline.evaluation.estimate import Estimate
from driftline.evaluation.off_policy.estimation import estimate_all
from driftline.evaluation.off_policy.estimators._base import built, need_tamed
from driftline.evaluation.off_policy.rounds import Rounds
from driftline.evaluation.selection._slope import Key, Selection, at_least_one, select
from driftline.sim import keyed
from driftline.sim.errors import InputError
from driftline.sim.types import Bools, Floats, Int64s

FLOOR = 1e-3
"""Weights below this count as this much: their logarithm is a feature."""
NEAR = 0.02
"""How far the mean share may lie from the one asked for (the authors' bound)."""
STRENGTHS = (0.1, 1.0, 10.0, 100.0, 1000.0)
"""The authors' grid for the regulariser."""


@dataclass(frozen=True, slots=True)
class ImportanceFit:
    """How likely a round is drawn into the pseudo-target part, by context and action."""

    probability: Floats
    """rho(x_i, a) for every action [n, A]."""
    marginal: Floats
    """sum_a pi_b(a | x_i) rho(x_i, a) [n]."""
    weight: Floats
    """Importance weight of the pseudo policies for the logged action [n]."""
    distance: float
    """Mean squared difference of these weights to the real ones."""
    strength: float
    """The regulariser's strength that was taken."""


def fit_importance(
    *,
    action: Int64s,
    behavior_policy: Floats,
    target_policy: Floats,
    share: float = 0.2,
    strengths: Sequence[float] = STRENGTHS,
) -> ImportanceFit:
    """The subsampling rule of PAS-IF (Udagawa, Kiyohara, Narita, Saito & Tateno 2023, section 4).

    A round is drawn with probability rho(x, a). Drawn rounds then follow the pseudo-target policy pi_b rho / m, the
    others the pseudo-logger pi_b (1 - rho) / (1 - m), with m(x) = sum_a pi_b(a | x) rho(x, a). rho minimises
    mean((w~ - w)^2) + strength * mean((m - share)^2), w~ being the pseudo policies' weight of the logged action. Of
    the strengths whose mean m lies within .02 of `share`, the one with the smallest distance is taken (the authors'
    rule).

    The authors use a neural network of (x, a). Here the logit of rho is linear in 1, log w(x, a) and
    log sum_a pi_b w^2 (three numbers, fitted by L-BFGS from the same start each time): the best rho depends on
    context and action through the weights, and nothing random is left.

    Args:
        action: The logged actions [n], 0 to A - 1.
        behavior_policy: The logging policy's probabilities of every action [n, A].
        target_policy: The target policy's [n, A].
        share: Of rounds that are drawn, in (0, 1).
        strengths: Of the regulariser, at least one.

    Raises:
        InputError: No strength reaches the share; another shape, rows that do not sum to 1.

    Examples:
        >>> rng = np.random.default_rng(0)
        >>> target, logging = rng.dirichlet(np.ones(3), 500), np.full((500, 3), 1 / 3)
        >>> fit = fit_importance(action=rng.integers(0, 3, 500), behavior_policy=logging, target_policy=target)
        >>> bool(abs(fit.marginal.mean() - 0.2) < 0.02)
        True
    """
    between_0_and_1("share", share)
    at_least_one(strengths, len(strengths))
    behavior = distributions("behavior_policy", behavior_policy)
    target = distributions("target_policy", target_policy, *behavior.shape)
    action = whole_numbers("action", action, len(behavior), below=behavior.shape[1])
    ratio = np.divide(target, behavior, out=np.zeros(behavior.shape), where=behavior > 0)
    features = _features(behavior, ratio)
    best: ImportanceFit | None = None
    nearest = np.inf
    for strength in strengths:
        fit = _fit(features, behavior, action, ratio, share, strength)
        off = abs(float(fit.marginal.mean()) - share)
        nearest = min(nearest, off)
        if off <= NEAR and (best is None or fit.distance < best.distance):
            best = fit
    if best is None:
        raise InputError(
            f"no strength brings the drawn share to {share:g} within {NEAR}; the nearest is {nearest:.3g} off"
        )
    return best


def _fit(
    features: Floats, behavior: Floats, action: Int64s, ratio: Floats, share: float, strength: float
) -> ImportanceFit:
    """The rule for one strength of the regulariser."""
    from scipy.optimize import minimize

    rows = np.arange(len(action))
    wanted = ratio[rows, action]
    start = np.array([log(share / (1.0 - share)), 1.0, 0.0])
    fixed = (features, behavior, action, wanted, share, strength)
    rho = expit(features @ minimize(_loss, start, fixed, method="L-BFGS-B", jac=True).x)
    marginal = np.asarray((behavior * rho).sum(axis=1))
    logged = rho[rows, action]
    weight = np.asarray(logged / (1.0 - logged) * (1.0 - marginal) / marginal)
    return ImportanceFit(rho, marginal, weight, float(np.square(weight - wanted).mean()), float(strength))


def _features(behavior: Floats, ratio: Floats) -> Floats:
    spread = np.log((behavior * np.square(ratio)).sum(axis=1))
    logs = np.log(np.maximum(ratio, FLOOR))
    return np.stack([np.ones_like(logs), logs, np.broadcast_to(spread[:, None], logs.shape)], axis=2)


def _loss(
    theta: Floats, features: Floats, behavior: Floats, action: Int64s, wanted: Floats, share: float, strength: float
) -> tuple[float, Floats]:
    """The objective and its gradient [3]."""
    rows = np.arange(len(action))
    logit = np.clip(features @ theta, -30.0, 30.0)
    rho = expit(logit)
    marginal = np.clip((behavior * rho).sum(axis=1), 1e-12, 1.0 - 1e-12)
    slope = np.einsum("na,nap->np", behavior * rho * (1.0 - rho), features)
    weight = np.exp(logit[rows, action]) * (1.0 - marginal) / marginal
    pull = weight[:, None] * (features[rows, action] - slope / (marginal * (1.0 - marginal))[:, None])
    off, away = weight - wanted, marginal - share
    value = np.square(off).mean() + strength * np.square(away).mean()
    gradient = 2.0 * ((off[:, None] * pull).mean(axis=0) + strength * (away[:, None] * slope).mean(axis=0))
    return float(value), gradient


Candidate = Callable[[Rounds], Estimate]
"""An estimator with its hyper-parameters set, on any log."""
LEAST_ROUNDS = 2
"""Rounds that either part of a split must have to count."""


def pas_if(
    candidates: Mapping[Key, Candidate],
    *,
    reward: Floats,
    action: Int64s,
    behavior_policy: Floats,
    target_policy: Floats,
    q_hat: Floats | Callable[[Int64s], Floats] | None = None,
    share: float = 0.2,
    strengths: Sequence[float] = STRENGTHS,
    repeats: int = 20,
    cluster: Int64s | None = None,
    seed: int = 0,
) -> Selection[Key]:
    """The candidate with the smallest estimated mean squared error for this target policy (Udagawa et al. 2023).

    The log is split in two by `fit_importance`: rounds drawn look as if the target policy had taken them, the rest as
    if logged. Each candidate estimates the pseudo-target's value from the rest; the squared distance to the drawn
    rounds' mean reward is averaged over the splits (their Algorithm 1). Whole matrices are needed here, since every
    action's chance of being drawn enters the pseudo policies. The rest is smaller than the log and rarer still in
    rounds of large weight, so biased candidates look better than they are where few such rounds carry the value.

    Args:
        candidates: Estimators by key, such as those of `candidates`.
        reward: What the logged actions earned [n]; finite.
        action: Which they were [n], 0 to A - 1.
        behavior_policy: The logging policy's probabilities of every action [n, A]; the logged one's is above 0.
        target_policy: The target policy's [n, A].
        q_hat: Predicted rewards [n, A], or a function that fits a model on some rounds only (numbers [m]) and predicts
            for them [m, A], as the authors do; with fixed predictions the model has seen the drawn rounds too, which
            flatters model-based candidates a little.
        share: Of rounds that are drawn, in (0, 1).
        strengths: Of the regulariser; see `fit_importance`.
        repeats: Splits, at least 1.
        cluster: Whose round it is [n]; handed on to the candidates.
        seed: Splits are keyed by (seed, round, repeat).

    Raises:
        InputError: A candidate that fails, policies of another shape, propensity 0 of a logged action, no split with 2
            rounds on either side.

    Examples:
        >>> rng = np.random.default_rng(0)
        >>> target, logging = rng.dirichlet(np.ones(3), 500), np.full((500, 3), 1 / 3)
        >>> action = rng.integers(0, 3, 500)
        >>> log = {"reward": (action == 0) * 1.0, "action": action}
        >>> chosen = pas_if(candidates("ips", "snips"), **log, behavior_policy=logging, target_policy=target, repeats=5)
        >>> chosen.chosen in ("ips", "snips")
        True
    """
    at_least_one(candidates, len(candidates))
    if repeats < 1:
        raise InputError(f"repeats is {repeats}; at least 1 is needed")
    log = _log(reward, action, behavior_policy, target_policy, q_hat, cluster)
    fit = fit_importance(
        action=log.action, behavior_policy=log.behavior, target_policy=log.target, share=share, strengths=strengths
    )
    scores = _mean_squares(candidates, log, fit, repeats, seed)
    if not np.isfinite(list(scores.values())).all():
        bad = next(key for key, score in scores.items() if not np.isfinite(score))
        raise InputError(f"candidate {bad!r} has no finite error over {repeats} splits of {len(log.reward)} rounds")
    chosen = min(scores, key=scores.__getitem__)
    return select(chosen, candidates[chosen](log.real()), scores, f"pas_if, {repeats} splits")


def _mean_squares(
    candidates: Mapping[Key, Candidate], log: "_Log", fit: ImportanceFit, repeats: int, seed: int
) -> dict[Key, float]:
    """Each candidate's mean squared error over the splits; NaN where no split can be used."""
    squared: dict[Key, list[float]] = {key: [] for key in candidates}
    chance = fit.probability[log.rows, log.action]
    for repeat in range(repeats):
        drawn = keyed.uniforms(seed, keyed.Stream.SPLITS, log.rows, repeat) < chance
        if min(drawn.sum(), (~drawn).sum()) < LEAST_ROUNDS:
            continue
        truth = float(log.reward[drawn].mean())
        pseudo = log.pseudo(fit, ~drawn)
        for key, candidate in candidates.items():
            squared[key].append((candidate(pseudo).value - truth) ** 2)
    return {key: float(np.mean(found)) if found else np.nan for key, found in squared.items()}


@dataclass(frozen=True, slots=True)
class _Log:
    """The log with whole policies, and rounds made of it."""

    reward: Floats
    action: Int64s
    behavior: Floats
    target: Floats
    q_hat: Floats | Callable[[Int64s], Floats] | None
    cluster: Int64s | None

    @property
    def rows(self) -> Int64s:
        """All round numbers."""
        return np.arange(len(self.reward))

    def real(self) -> Rounds:
        """All rounds under the real policies."""
        return self._rounds(self.rows, self.behavior, self.target)

    def pseudo(self, fit: ImportanceFit, kept: Bools) -> Rounds:
        """The rounds not drawn, under the pseudo policies."""
        rows = self.rows[kept]
        rho, marginal = fit.probability[rows], fit.marginal[rows][:, None]
        behavior = self.behavior[rows]
        return self._rounds(rows, behavior * (1.0 - rho) / (1.0 - marginal), behavior * rho / marginal)

    def _rounds(self, rows: Int64s, behavior: Floats, target: Floats) -> Rounds:
        here, action = np.arange(len(rows)), self.action[rows]
        q_action = q_expected = None
        if self.q_hat is not None:
            q = np.asarray(self.q_hat(rows) if callable(self.q_hat) else self.q_hat[rows], dtype=np.float64)
            if q.shape != target.shape:
                raise InputError(f"q_hat has shape {q.shape} for rounds of shape {target.shape}")
            q_action, q_expected = q[here, action], np.einsum("ij,ij->i", target, q)
        return Rounds(
            reward=self.reward[rows],
            pscore=behavior[here, action],
            target_pscore=np.minimum(target[here, action], 1.0),
            q_action=q_action,
            q_expected=q_expected,
            action=action,
            cluster=None if self.cluster is None else coded("cluster", self.cluster[rows])[0],
        )


def _log(
    reward: Floats,
    action: Int64s,
    behavior: Floats,
    target: Floats,
    q_hat: Floats | Callable[[Int64s], Floats] | None,
    cluster: Int64s | None,
) -> _Log:
    reward = vector("reward", reward)
    behavior = distributions("behavior_policy", behavior, len(reward))
    target = distributions("target_policy", target, *behavior.shape)
    action = whole_numbers("action", action, len(reward), below=behavior.shape[1])
    if (behavior[np.arange(len(action)), action] == 0).any():
        at = int(np.argmin(behavior[np.arange(len(action)), action]))
        raise InputError(f"behavior_policy[{at}] gives the logged action {action[at]} probability 0")
    if cluster is not None:
        cluster = whole_numbers("cluster", cluster, len(reward))
    return _Log(reward, action, behavior, target, q_hat, cluster)


def candidates(*methods: str, lambdas: Mapping[str, Sequence[float]] | None = None) -> dict[str, Candidate]:
    """One candidate for each method, and one for each value of `lambdas` by method.

    Args:
        *methods: Names of estimators, or `package.module:Class`.
        lambdas: Values of `lambda_` by name.

    Raises:
        InputError: An unknown method, a lambda for a method that has none.

    Examples:
        >>> [*candidates("snips", lambdas={"dros": [100]})]
        ['snips', 'dros 100']
    """
    grids = lambdas or {}
    for name in (*methods, *grids):
        built(name)
    for name in grids:
        need_tamed(name)
    found = {method: _candidate(method, None) for method in methods}
    return found | {
        f"{method} {value:g}": _candidate(method, value) for method, grid in grids.items() for value in grid
    }


def _candidate(method: str, lambda_: float | None) -> Candidate:
    def of(rounds: Rounds) -> Estimate:
        return estimate_all(rounds, methods=[built(method, lambda_)])[built(method).name]

    return of
