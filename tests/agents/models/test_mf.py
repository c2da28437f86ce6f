"""Factors tell tastes apart, whatever the order of events, and folding in solves their equations."""

import subprocess
import sys

import numpy as np
import pytest
from scipy.sparse import csr_matrix

from driftline.agents.models.mf import MatrixFactorisation, MatrixFactors
from driftline.sim.types import Floats, Int64s

SETTINGS = MatrixFactorisation(factors=8, iterations=5)


def events(seed: int, n_users: int = 60, n_items: int = 40) -> tuple[Int64s, Int64s, Floats]:
    """Two tastes: even users take the first half of the items, odd users the second."""
    rng = np.random.default_rng(seed)
    user = np.repeat(np.arange(n_users), 12)
    half = n_items // 2
    return user, rng.integers(0, half, len(user)) + half * (user % 2), rng.uniform(0.5, 1.5, len(user))


def fitted(seed: int = 1) -> MatrixFactors:
    user, item, weight = events(1)
    return SETTINGS.fit(user, item.astype(np.int32), weight, 60, 40, seed)


def test_the_same_events_in_any_order_give_the_same_factors() -> None:
    user, item, weight = events(1)
    order = np.random.default_rng(2).permutation(len(user))
    again = SETTINGS.fit(user[order], item[order].astype(np.int32), weight[order], 60, 40, 1)
    np.testing.assert_array_equal(fitted().item_factors, again.item_factors)
    np.testing.assert_array_equal(fitted().fitted_users, again.fitted_users)
    assert (fitted(seed=2).item_factors != again.item_factors).any()


def test_factors_tell_the_two_tastes_apart() -> None:
    factors = fitted()
    scores = factors.fitted_users @ factors.item_factors.T
    assert scores[::2, :20].mean() > 0.5 > 0.2 > abs(scores[::2, 20:].mean())


def test_folded_in_users_solve_their_normal_equations() -> None:
    factors = fitted()
    user, item, weight = events(3)
    folded = factors.user_factors(user, item.astype(np.int32), weight, 61)
    y = factors.item_factors.astype(np.float64)
    for u in range(60):
        c, p = np.ones(40), np.zeros(40)
        np.add.at(c, item[user == u], SETTINGS.alpha * weight[user == u])
        p[item[user == u]] = 1.0
        left = y.T @ (c[:, None] * y) + SETTINGS.regularisation * np.eye(8)
        np.testing.assert_allclose(folded[u], np.linalg.solve(left, y.T @ (c * p)), rtol=1e-4, atol=1e-5)
    np.testing.assert_array_equal(folded[60], 0.0)


def test_folding_in_agrees_with_implicit() -> None:
    from implicit.cpu.als import AlternatingLeastSquares

    factors = fitted()
    model = AlternatingLeastSquares(factors=8, regularization=SETTINGS.regularisation, num_threads=1)
    model.item_factors = factors.item_factors
    user, item, weight = events(4)
    taken = csr_matrix((weight, (user, item)), shape=(60, 40))
    taken.data = 1.0 + SETTINGS.alpha * taken.data
    theirs = model.recalculate_user(np.arange(60), taken)
    ours = factors.user_factors(user, item.astype(np.int32), weight, 60)
    np.testing.assert_allclose(ours, theirs, rtol=2e-3, atol=2e-4)


@pytest.mark.parametrize("chunk", [1, 7])
def test_folding_in_does_not_depend_on_the_batch(chunk: int) -> None:
    factors = fitted()
    user, item, weight = events(5)
    whole = factors.user_factors(user, item.astype(np.int32), weight, 60)
    for at in range(0, 60, chunk):
        part = (user >= at) & (user < at + chunk)
        own = factors.user_factors(user[part] - at, item[part].astype(np.int32), weight[part], min(chunk, 60 - at))
        np.testing.assert_array_equal(own, whole[at : at + chunk])


def test_items_born_after_the_fit_are_zero_and_skipped() -> None:
    factors = fitted()
    np.testing.assert_array_equal(factors.item_vectors(43)[40:], 0.0)
    np.testing.assert_array_equal(factors.item_vectors(43)[:40], factors.item_factors)
    one = np.zeros(1, np.int64)
    with_new = factors.user_factors(np.zeros(2, np.int64), np.array([3, 41], np.int32), np.ones(2), 1)
    np.testing.assert_array_equal(with_new, factors.user_factors(one, np.array([3], np.int32), np.ones(1), 1))


def test_fitting_is_silent(capfd: pytest.CaptureFixture[str]) -> None:
    fitted()
    assert capfd.readouterr() == ("", "")


def test_no_events_is_a_named_error() -> None:
    none = np.empty(0, np.int64)
    with pytest.raises(ValueError, match="no events"):
        SETTINGS.fit(none, none.astype(np.int32), np.empty(0), 1, 1, 1)


def test_implicit_is_imported_only_when_a_fit_needs_it() -> None:
    heavy = "{'implicit', 'torch', 'threadpoolctl'}"
    code = f"import sys, driftline.agents.models.mf; print(sorted({heavy} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_a_factorisation_has_as_many_factors_as_stated_and_32_where_none_are() -> None:
    user, item, weight = events(1)
    assert fitted().item_factors.shape == (40, 8)
    plain = MatrixFactorisation(iterations=1).fit(user, item.astype(np.int32), weight, 60, 40, 1)
    assert plain.item_factors.shape == (40, 32)
