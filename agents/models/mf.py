"""Matrix factorisation of the log by alternating least squares, with closed-form fold-in between retrains.

Hu, Koren & Volinsky (2008), "Collaborative filtering for implicit feedback datasets": minimise
sum_ui c_ui (p_ui - x_u . y_i)^2 + regularisation (|X|^2 + |Y|^2), with p = 1 and c = 1 + alpha w where the
user took the item, p = 0 and c = 1 elsewhere.
"""

from dataclasses import dataclass

import numpy as np
from scipy.sparse import coo_array, csr_matrix

from driftline.agents.models.logistic import one_thread
from driftline.sim.kernel import kernel
from driftline.sim.types import Count, Float32s, Floats, Int32s, Int64s, NonNegative, Params, Positive


@dataclass(frozen=True, slots=True)
class MatrixFactors:
    """Fitted factors; users are folded in from whatever they took since."""

    item_factors: Float32s
    """Y [n_items, d]."""
    fitted_users: Float32s
    """X [n_users, d], as the training left them."""
    alpha: float
    regularisation: float

    def user_factors(self, user_rows: Int64s, item_rows: Int32s, weights: Floats, n_users: int) -> Float32s:
        """Least-squares factors [n_users, d] of users given what they took; 0 for those who took nothing.

        One entry per event: user_rows in 0..n_users-1, item_rows, weights > 0; items born after the fit are
        skipped. x = (Y'Y + Y'(C - 1)Y + regularisation)^-1 Y'C p.
        """
        known = np.asarray(item_rows) < len(self.item_factors)
        events = _events(user_rows[known], item_rows[known], weights[known], n_users, len(self.item_factors))
        y = self.item_factors.astype(np.float64)
        with one_thread():
            base = y.T @ y + self.regularisation * np.eye(y.shape[1])
            left, right = _normal_equations(
                base,
                y,
                events.indptr.astype(np.int64),
                events.indices.astype(np.int64),
                self.alpha * events.data,
            )
            return np.linalg.solve(left, right[:, :, None])[:, :, 0].astype(np.float32)

    def item_vectors(self, n_items: int) -> Float32s:
        """Y for the first n_items of the catalogue [n_items, d]; items born after the fit are 0."""
        out = np.zeros((n_items, self.item_factors.shape[1]), np.float32)
        known = min(n_items, len(self.item_factors))
        out[:known] = self.item_factors[:known]
        return out


class MatrixFactorisation(Params):
    """How to factorise. alpha: confidence per unit of weight. factors: d. iterations: full sweeps."""

    factors: Count = 32
    regularisation: Positive = 0.1
    alpha: NonNegative = 10.0
    iterations: Count = 15

    def fit(
        self, user_rows: Int64s, item_rows: Int32s, weights: Floats, n_users: int, n_items: int, seed: int
    ) -> MatrixFactors:
        """Factors of the events (one entry each; repeated pairs add up), the same for the same seed.

        user_rows: in 0..n_users-1. item_rows: in 0..n_items-1. weights: > 0. Runs on one thread, silently.
        Raises ValueError if there is no event.
        """
        if len(user_rows) == 0:
            raise ValueError("matrix factorisation: no events; it needs at least 1")
        with one_thread():
            from implicit.cpu.als import AlternatingLeastSquares  # late: costs a second

            model = AlternatingLeastSquares(
                factors=self.factors,
                regularization=self.regularisation,
                iterations=self.iterations,
                num_threads=1,
                random_state=seed,
            )
            events = _events(user_rows, item_rows, weights, n_users, n_items)
            events.data = (1.0 + self.alpha * events.data).astype(np.float32)
            model.fit(events, show_progress=False)
        return MatrixFactors(
            np.array(model.item_factors, np.float32),
            np.array(model.user_factors, np.float32),
            self.alpha,
            self.regularisation,
        )


def _events(user_rows: Int64s, item_rows: Int32s, weights: Floats, n_users: int, n_items: int) -> csr_matrix:
    """User-item matrix in canonical order, so that the order of the events leaves no trace."""
    order = np.lexsort((weights, item_rows, user_rows))
    entries = (np.asarray(weights, dtype=np.float64)[order], (user_rows[order], item_rows[order]))
    matrix = csr_matrix(coo_array(entries, shape=(n_users, n_items)))
    matrix.sum_duplicates()
    return matrix


@kernel
def _normal_equations(base: Floats, y: Floats, start: Int64s, item: Int64s, extra: Floats) -> tuple[Floats, Floats]:
    n_users, dim = start.size - 1, y.shape[1]
    left, right = np.empty((n_users, dim, dim)), np.zeros((n_users, dim))
    for u in range(n_users):
        left[u] = base
        for at in range(start[u], start[u + 1]):
            for a in range(dim):
                right[u, a] += (1.0 + extra[at]) * y[item[at], a]
                for b in range(dim):
                    left[u, a, b] += extra[at] * y[item[at], a] * y[item[at], b]
    return left, right
