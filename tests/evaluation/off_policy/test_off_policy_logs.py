"""Logs: dense matrices, frames, and everything that makes a log unusable."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import polars as pl
import pytest
from peer_log import peer_log

from driftline.evaluation.off_policy import (
    Bounds,
    Rounds,
    dr,
    embedding_weight,
    estimate_all,
    ips,
    reduced,
    replay,
    rounds_from_frame,
    sub_gaussian_ips,
)
from driftline.evaluation.off_policy import dense as dense_module
from driftline.sim.errors import InputError
from driftline.sim.types import Floats

LOG = peer_log()
N = len(LOG.reward)
GOOD: dict[str, Any] = {
    "reward": np.array([1.0, 0.0, 0.5]),
    "pscore": np.array([0.5, 0.2, 1.0]),
    "target_pscore": np.array([0.1, 1, 0]),
}
MATRICES: dict[str, Any] = {
    "target_policy": LOG.target_policy,
    "q_hat": LOG.q_hat,
    "logging_policy": LOG.logging_policy,
}


def chunks(matrix: Floats, rows: int) -> Iterator[Floats]:
    for first in range(0, len(matrix), rows):
        yield matrix[first : first + rows]


def vectors(rounds: Rounds) -> list[Floats]:
    return [rounds.need(name, "test") for name in ("pscore", "target_pscore", "q_action", "q_expected", "unsupported")]


def test_matrices_are_reduced_to_what_they_say_of_each_round() -> None:
    rows = np.arange(N)
    pscore, target, q_action, q_expected, unsupported = vectors(LOG.rounds)
    assert np.array_equal(pscore, LOG.logging_policy[rows, LOG.action])
    assert np.array_equal(target, LOG.target_policy[rows, LOG.action])
    assert np.array_equal(q_action, LOG.q_hat[rows, LOG.action])
    assert q_expected == pytest.approx((LOG.target_policy * LOG.q_hat).sum(axis=1), abs=1e-14)
    assert not unsupported.any()


@pytest.mark.parametrize("rows", [1, 7, N])
def test_the_size_of_chunks_changes_no_bit(rows: int, monkeypatch: pytest.MonkeyPatch) -> None:
    expected = vectors(LOG.rounds)
    streams: dict[str, Any] = {name: chunks(matrix, rows) for name, matrix in MATRICES.items()}
    for found in (
        reduced(reward=LOG.reward, action=LOG.action, **streams),
        reduced(reward=LOG.reward, action=LOG.action, **{**MATRICES, "q_hat": chunks(LOG.q_hat, rows)}),
    ):
        for one, other in zip(vectors(found), expected, strict=True):
            assert np.array_equal(one, other)
    monkeypatch.setattr(dense_module, "CHUNK_CELLS", rows * 6)
    for one, other in zip(vectors(LOG.rounds), expected, strict=True):
        assert np.array_equal(one, other)


def test_each_round_is_read_at_its_position() -> None:
    position = np.arange(N) % 3
    deep: dict[str, Any] = {
        name: np.stack([np.roll(matrix, k, axis=1) for k in range(3)], axis=2) for name, matrix in MATRICES.items()
    }
    flat: dict[str, Any] = {name: deep[name][np.arange(N), :, position] for name in deep}
    found = reduced(reward=LOG.reward, action=LOG.action, position=position, **deep)
    expected = reduced(reward=LOG.reward, action=LOG.action, **flat)
    for one, other in zip(vectors(found), vectors(expected), strict=True):
        assert np.array_equal(one, other)
    with pytest.raises(InputError, match="has 3 positions; position must say"):
        reduced(reward=LOG.reward, action=LOG.action, **deep)


def test_mass_without_support_is_measured_and_told() -> None:
    logging = LOG.logging_policy.copy()
    gone = (np.arange(N) % 2 == 0) & (LOG.action != 5)
    logging[gone, 5] = 0.0
    logging /= logging.sum(axis=1, keepdims=True)
    found = reduced(reward=LOG.reward, action=LOG.action, **{**MATRICES, "logging_policy": logging})
    expected = np.where(gone, LOG.target_policy[:, 5], 0.0)
    assert np.array_equal(found.unsupported, expected)  # type: ignore[arg-type]
    for name, one in estimate_all(found).items():
        told = [line for line in one.warnings if line.startswith("support")]
        assert told, name
        assert f"{expected.mean():.2%}" in told[0]


def test_a_row_that_sums_to_almost_one_is_divided_by_its_sum() -> None:
    found = reduced(reward=LOG.reward, action=LOG.action, target_policy=LOG.target_policy * (1 + 8e-6), q_hat=LOG.q_hat)
    assert found.q_expected == pytest.approx(LOG.rounds.need("q_expected", ""), rel=1e-12)


def test_float32_matrices_are_read_as_they_are() -> None:
    small: dict[str, Any] = {name: matrix.astype(np.float32) for name, matrix in MATRICES.items()}
    found = reduced(reward=LOG.reward, action=LOG.action, **small)
    for one, other in zip(vectors(found), vectors(LOG.rounds), strict=True):
        assert one == pytest.approx(other, abs=1e-6)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"pscore": [0.5, 0.0, 1.0]}, r"pscore\[1\] is 0; must be above 0 and at most 1, since it was logged"),
        ({"pscore": [0.5, 0.2, 1.2]}, r"pscore\[2\] is 1\.2; must be above 0 and at most 1"),
        ({"pscore": [0.5, -0.2, 1.0]}, r"pscore\[1\] is -0\.2"),
        ({"pscore": [0.5, np.nan, 1.0]}, r"pscore\[1\] is nan"),
        ({"target_pscore": [0.5, 2.0, 1.0]}, r"target_pscore\[1\] is 2"),
        ({"reward": [1.0, np.inf, 0.0]}, r"reward\[1\] is inf; must be finite"),
        ({"reward": [1.0, np.nan, 0.0]}, r"reward\[1\] is nan; must be finite"),
        ({"reward": [[1.0, 0.0, 0.0]]}, r"reward has shape \(1, 3\); must have one value a row"),
        ({"reward": []}, "reward is empty"),
        ({"reward": ["a", "b", "c"]}, "reward: must be numbers"),
        ({"pscore": [0.5, 0.2]}, "pscore has 2 rows; must have 3"),
        ({"cluster": [0, 1]}, "cluster has 2 rows; must have 3"),
        ({"cluster": [0.5, 1.0, 2.0]}, "cluster: must be whole numbers, got float64"),
        ({"slate": [4, 4, 4], "position": [0, 1, 0]}, r"position\[2\] is 0 in slate 4, as is position\[0\]"),
        ({"embedding_weight": [1.0, -1.0, 0.0]}, r"embedding_weight\[1\] is -1; must be at least 0"),
        ({"q_action": [1.0, np.nan, 0.0]}, r"q_action\[1\] is nan"),
        ({"unsupported": [0.0, 0.0, 1.5]}, r"unsupported\[2\] is 1\.5"),
    ],
)
def test_bad_vectors_are_refused(change: dict[str, Any], said: str) -> None:
    Rounds(**GOOD)
    with pytest.raises(InputError, match=said) as caught:
        Rounds(**{**GOOD, **change})
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"target_policy": LOG.target_policy[:-1]}, "target_policy has 399 rows; reward has 400"),
        ({"q_hat": LOG.q_hat[:, :-1]}, r"q_hat has a chunk of shape \(\d+, 5\) at row 0"),
        ({"target_policy": LOG.target_policy * 1.1}, r"target_policy\[0\] sums to 1\.1"),
        ({"logging_policy": -LOG.logging_policy}, r"logging_policy\[0, 0\] is -"),
        ({"target_policy": np.full((N, 6), np.nan)}, r"target_policy\[0, 0\] is nan"),
        ({"q_hat": np.where(np.arange(6) == 3, np.inf, LOG.q_hat)}, r"q_hat\[0, 3\] is inf"),
        ({"q_hat": chunks(LOG.q_hat[:-5], 100)}, r"q_hat has a chunk of shape|q_hat ends after"),
        ({"target_policy": chunks(np.vstack([LOG.target_policy] * 2), 300)}, "rows; reward has 400|chunk of shape"),
        ({"action": np.full(N, 6)}, r"action\[0\] is 6; must be at least 0 and below 6"),
        ({"action": np.full(N, 0.5)}, "action: must be whole numbers"),
        ({"pscore": np.full(N, 0.5)}, r"pscore\[0\] is 0\.5; logging_policy says"),
        ({"target_policy": np.full(6, 1 / 6)}, "target_policy has 6 rows"),
        ({"position": np.full(N, 2), "q_hat": LOG.q_hat[:, :, None]}, "position reaches from 2 to 2; q_hat has 1"),
    ],
)
def test_bad_matrices_are_refused(change: dict[str, Any], said: str) -> None:
    given = {"reward": LOG.reward, "action": LOG.action, **MATRICES, **change}
    with pytest.raises(InputError, match=said):
        reduced(**given)


def test_a_fault_deep_in_the_log_is_named_by_its_row(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dense_module, "CHUNK_CELLS", 60)
    target, q_hat = LOG.target_policy.copy(), LOG.q_hat.copy()
    target[333, 2] = 1.5
    with pytest.raises(InputError, match=r"target_policy\[333, 2\] is 1\.5"):
        reduced(reward=LOG.reward, action=LOG.action, target_policy=target)
    q_hat[207, 4] = np.nan
    with pytest.raises(InputError, match=r"q_hat\[207, 4\] is nan"):
        reduced(reward=LOG.reward, action=LOG.action, target_policy=LOG.target_policy, q_hat=q_hat)


def test_a_frame_is_read_by_its_own_names() -> None:
    frame = pl.DataFrame(
        {"clicked": [True, False, True], "p": [0.5, 0.2, 1.0], "new_p": [0.1, 1.0, 0.0], "user": ["b", "a", "b"]}
    )
    columns = {"reward": "clicked", "pscore": "p", "target_pscore": "new_p", "cluster": "user"}
    found = rounds_from_frame(frame, columns)
    assert found.cluster is not None
    assert found.cluster[0] == found.cluster[2] != found.cluster[1]
    expected = ips(**{**GOOD, "reward": np.array([1.0, 0.0, 1.0])}).value
    assert estimate_all(found, methods=["ips"])["ips"].value == expected
    with pytest.raises(InputError, match="no column 'clickd'; did you mean 'clicked'"):
        rounds_from_frame(frame, {"reward": "clickd"})
    with pytest.raises(InputError, match="'pscor' is no vector of a log; did you mean 'pscore'"):
        rounds_from_frame(frame, {"reward": "clicked", "pscor": "p"})
    with pytest.raises(InputError, match="reward is not given"):
        rounds_from_frame(frame, {"pscore": "p"})
    with pytest.raises(InputError, match="column 'user' must hold numbers"):
        rounds_from_frame(frame, {"reward": "user"})
    with pytest.raises(InputError, match="column 'p' has no value in row 1"):
        rounds_from_frame(pl.DataFrame({"r": [1, 0], "p": [0.5, None]}), {"reward": "r", "pscore": "p"})


def test_a_target_without_support_is_refused() -> None:
    with pytest.raises(InputError, match="this log says nothing about it"):
        ips(reward=GOOD["reward"], pscore=GOOD["pscore"], target_pscore=np.zeros(3))


def test_what_a_method_misses_is_named() -> None:
    rounds = Rounds(**GOOD)
    with pytest.raises(InputError, match="dr needs q_action, which was not given; given: reward, pscore"):
        estimate_all(rounds, methods=["dr"])
    with pytest.raises(InputError, match="estimator 'drr' is unknown; did you mean 'dr'"):
        estimate_all(rounds, methods=["drr"])
    with pytest.raises(InputError, match="'snips' has no lambda_"):
        estimate_all(rounds, lambdas={"snips": 2.0})
    with pytest.raises(InputError, match=r"lambda_ of sub_gaussian_ips is 1\.5; must be between 0 and 1"):
        sub_gaussian_ips(**GOOD, lambda_=1.5)
    with pytest.raises(InputError, match="interval is 'normale'; did you mean 'normal'"):
        ips(**GOOD, interval="normale")  # type: ignore[arg-type]
    with pytest.raises(InputError, match="level is 95; must be above 0 and below 1"):
        ips(**GOOD, level=95)
    with pytest.raises(InputError, match="the first must be below the second"):
        Bounds(reward=(1.0, 0.0))
    with pytest.raises(InputError, match=r"weight is 0\.5; must be at least 1"):
        Bounds(weight=0.5)
    with pytest.raises(InputError, match="replay needs a deterministic target policy"):
        replay(reward=GOOD["reward"], target_pscore=GOOD["target_pscore"])


def test_impossible_embeddings_are_refused() -> None:
    table = np.array([[1.0, 0.0], [0.0, 1.0]])
    policies: dict[str, Any] = {"target_policy": np.array([[0.5, 0.5]]), "logging_policy": np.array([[1.0, 0.0]])}
    with pytest.raises(InputError, match=r"embedding\[0\] has probability 0 under the logging policy"):
        embedding_weight(embedding=np.array([[1]]), p_e_a=[table], **policies)
    with pytest.raises(InputError, match="embedding of dimension 0"):
        embedding_weight(embedding=np.array([[2]]), p_e_a=[table], **policies)
    with pytest.raises(InputError, match=r"p_e_a of dimension 0\[0\] sums to .*; must be at least 0 each and sum to 1"):
        embedding_weight(embedding=np.array([[1]]), p_e_a=[table * 2], **policies)


def test_weights_that_do_not_count_are_left_out_of_the_power_mean() -> None:
    """With lambda_ = 1 and a weight of 0 the formula is 0 / 0; sb-obp 0.5.10 gives NaN for the whole log."""
    found = sub_gaussian_ips(**GOOD, lambda_=1.0)
    assert found.value == pytest.approx((1.0 + 0.0 + 0.0) / 3)


def test_one_round_and_three_users_are_told() -> None:
    one = ips(reward=np.ones(1), pscore=np.ones(1), target_pscore=np.ones(1))
    assert one.value == 1.0
    assert np.isnan([one.std_error, one.low, one.high]).all()
    assert any(line.startswith("units: 1 of rounds") for line in one.warnings)
    rounds: dict[str, Any] = {name: LOG.rounds.need(name, "t") for name in ("reward", "pscore", "target_pscore")}
    few = ips(**rounds, cluster=np.arange(N) % 3)
    assert few.n == 3
    assert any(line.startswith("units: only 3 clusters") for line in few.warnings)


def test_a_log_of_one_action_is_told() -> None:
    found = Rounds(**GOOD, action=np.full(3, 4))
    assert any("a single action" in line for line in estimate_all(found, methods=["ips"])["ips"].warnings)
    both = Rounds(**GOOD, action=np.array([4, 4, 3]))
    assert not any("a single action" in line for line in estimate_all(both, methods=["ips"])["ips"].warnings)


def test_inputs_are_left_as_they_were() -> None:
    before = {name: array.copy() for name, array in MATRICES.items()}
    rounds = LOG.rounds
    reward = LOG.reward.copy()
    estimate_all(rounds, interval="bootstrap", replicates=10)
    assert np.array_equal(rounds.reward, reward)
    for name, array in MATRICES.items():
        assert np.array_equal(array, before[name])
    assert dr(
        reward=rounds.reward,
        pscore=rounds.need("pscore", ""),
        target_pscore=rounds.need("target_pscore", ""),
        q_action=rounds.need("q_action", ""),
        q_expected=rounds.need("q_expected", ""),
    ) == dr(
        reward=rounds.reward,
        pscore=rounds.need("pscore", ""),
        target_pscore=rounds.need("target_pscore", ""),
        q_action=rounds.need("q_action", ""),
        q_expected=rounds.need("q_expected", ""),
    )
