"""Pseudo-inverse weights of uniformly drawn slates: the closed form is what the matrix gives."""

from itertools import permutations

import numpy as np
import pytest

from driftline.evaluation.slate_off_policy import gamma_matrix, gamma_weights, slate_marginal, uniform_weights
from driftline.sim.errors import InputError


@pytest.mark.parametrize(("candidates", "length"), [(3, 2), (4, 3), (5, 2), (3, 3), (4, 1)])
def test_the_closed_form_is_what_the_matrix_gives(candidates: int, length: int) -> None:
    slates = np.array(list(permutations(range(candidates), length)))
    even = np.full(len(slates), 1.0 / len(slates))
    gamma = gamma_matrix(slates=slates, probability=even, items=candidates)
    for target in slates[:: max(1, len(slates) // 5)]:
        marginal = slate_marginal(slates=target[None, :], probability=[1.0], items=candidates)
        wanted = gamma_weights(action=slates, gamma=gamma, target_marginal=marginal).weight
        repeated = np.repeat(target[None, :], len(slates), axis=0)
        found = uniform_weights(action=slates, target_action=repeated, candidates=candidates)
        np.testing.assert_allclose(found.weight, wanted, atol=1e-9)
        assert found.weight.mean() == pytest.approx(1.0)
        assert found.unseen.tolist() == [0.0]


def test_unusable_slates_are_named() -> None:
    with pytest.raises(InputError, match=r"action has shape \(1, 2\), target_action \(1, 3\); both must be \[n, L\]"):
        uniform_weights(action=[[0, 1]], target_action=[[0, 1, 2]], candidates=4)
    with pytest.raises(InputError, match="candidates is 1; slates of 2 need at least 2"):
        uniform_weights(action=[[0, 1]], target_action=[[0, 1]], candidates=1)
