"""Open Bandit Pipeline's dictionaries, both ways, without a loss."""

from typing import Any

import numpy as np
import pytest

from driftline.evaluation.formats.obp import SLATE_KEYS, from_obp, from_obp_slate, to_obp, to_obp_slate
from driftline.evaluation.slate_off_policy import rips, sips
from driftline.sim.errors import InputError

KEYS = ("n_rounds", "n_actions", "context", "action_context", "action", "position", "reward", "expected_reward", "pi_b")


def _bandit(seed: int = 0) -> dict[str, Any]:
    """As `SyntheticBanditDataset.obtain_batch_bandit_feedback` of sb-obp 0.5.10 makes them."""
    rng = np.random.default_rng(seed)
    pi = rng.dirichlet(np.ones(3), 6)
    action = rng.integers(0, 3, 6)
    return {
        "n_rounds": 6,
        "n_actions": 3,
        "context": rng.normal(size=(6, 2)),
        "action_context": np.eye(3, dtype=int),
        "action": action,
        "position": None,
        "reward": rng.integers(0, 2, 6),
        "expected_reward": rng.random((6, 3)),
        "pi_b": pi[:, :, None],
        "pscore": pi[np.arange(6), action],
    }


def _slate(seed: int = 0, n: int = 5, length: int = 3) -> dict[str, Any]:
    """As `SyntheticSlateBanditDataset.obtain_batch_bandit_feedback` of sb-obp 0.5.10 makes them."""
    rng = np.random.default_rng(seed)
    conditional = rng.uniform(0.2, 0.9, (n, length))
    cascade = conditional.cumprod(axis=1)
    return {
        "n_rounds": n,
        "n_unique_action": 4,
        "slate_id": np.repeat(np.arange(n), length),
        "context": rng.normal(size=(n, 2)),
        "action_context": np.eye(4, dtype=int),
        "action": np.concatenate([rng.permutation(4)[:length] for _ in range(n)]),
        "position": np.tile(np.arange(length), n),
        "reward": rng.integers(0, 2, n * length),
        "expected_reward_factual": rng.random(n * length),
        "pscore_cascade": cascade.ravel(),
        "pscore": np.repeat(cascade[:, -1], length),
        "pscore_item_position": rng.uniform(0.1, 1.0, n * length),
    }


def _same(a: dict[str, Any], b: dict[str, Any]) -> None:
    assert list(a) == list(b)
    for key, value in a.items():
        if isinstance(value, np.ndarray):
            assert value.dtype == b[key].dtype, key
            assert np.array_equal(value, b[key]), key
        else:
            assert value == b[key], key


def test_bandit_feedback_survives_the_round_trip() -> None:
    feedback = _bandit()
    _same(to_obp(from_obp(feedback)), feedback)
    assert tuple(feedback) == (*KEYS, "pscore")
    log = from_obp(feedback)
    again = from_obp(to_obp(log))
    assert np.array_equal(again.pscore, log.pscore)  # type: ignore[arg-type]
    assert again.position is None


def test_keys_that_a_dataset_leaves_out_come_back_as_none() -> None:
    """`MultiClassToBanditReduction` and `OpenBanditDataset` lack some."""
    feedback = {k: v for k, v in _bandit().items() if k not in ("action_context", "expected_reward", "pi_b")}
    feedback["position"] = np.arange(6) % 3
    back = to_obp(from_obp(feedback))
    assert back["pi_b"] is None
    _same({k: back[k] for k in feedback}, feedback)


def test_slates_survive_the_round_trip() -> None:
    feedback = _slate()
    _same(to_obp_slate(from_obp_slate(feedback)), feedback)
    assert tuple(feedback) == SLATE_KEYS


def test_slates_in_any_order_of_rows_come_back_sorted() -> None:
    feedback = _slate()
    order = np.random.default_rng(1).permutation(15)
    mixed = {k: v[order] if isinstance(v, np.ndarray) and len(v) == 15 else v for k, v in feedback.items()}
    _same(to_obp_slate(from_obp_slate(mixed)), feedback)


def test_slates_without_marginals_have_none() -> None:
    """`return_pscore_item_position=False`."""
    feedback = {**_slate(), "pscore_item_position": None}
    _same(to_obp_slate(from_obp_slate(feedback)), feedback)


def test_slates_go_straight_into_the_estimators() -> None:
    feedback = _slate()
    log = from_obp_slate(
        feedback, target_pscore=feedback["pscore"] / 2, target_pscore_cascade=feedback["pscore_cascade"]
    ).slates
    table = feedback["reward"].reshape(5, 3)
    assert sips(**log.arguments("reward", "pscore", "target_pscore")).value == pytest.approx(table.sum(1).mean() / 2)
    found = rips(**log.arguments("reward", "pscore_cascade", "target_pscore_cascade"))
    assert found.value == pytest.approx(table.sum(1).mean())
    with pytest.raises(InputError, match="target_pscore_item_position is not in this log"):
        log.arguments("target_pscore_item_position")
    with pytest.raises(InputError, match="slates have no 'pscores': did you mean 'pscore'"):
        log.arguments("pscores")


def test_bad_dictionaries_are_named() -> None:
    with pytest.raises(InputError, match="unknown key 'propensity'"):
        from_obp({**_bandit(), "propensity": np.ones(6)})
    with pytest.raises(InputError, match="key 'reward' is missing"):
        from_obp({k: v for k, v in _bandit().items() if k != "reward"})
    with pytest.raises(InputError, match="n_rounds is 7, action has 6 rows"):
        from_obp({**_bandit(), "n_rounds": 7})
    with pytest.raises(InputError, match="pscore has 5 rows, action has 6"):
        from_obp({**_bandit(), "pscore": np.ones(5)})
    with pytest.raises(InputError, match="it must lie between 0 and 2"):
        from_obp({**_bandit(), "action": np.array([0, 1, 2, 3, 0, 1])})
    with pytest.raises(InputError, match="n_rounds says 6 slates, slate_id has 5"):
        from_obp_slate({**_slate(), "n_rounds": 6})
    with pytest.raises(InputError, match="context says 4 slates"):
        from_obp_slate({**_slate(), "context": np.zeros((4, 2))})
    with pytest.raises(InputError, match=r"pscore of slate 0, position 0 is 0;"):
        from_obp_slate({**_slate(), "pscore": np.zeros(15)})
