"""Values of sb-obp 0.5.10 on one log, and where that library is wrong."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from driftline.evaluation.interval import IntervalName
from driftline.evaluation.slate_off_policy import (
    SlateLog,
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
from driftline.sim.errors import InputError

PEER: dict[str, Any] = json.loads((Path(__file__).parent / "sb_obp_slates.json").read_text(encoding="utf-8"))
COLUMNS = (
    "action",
    "reward",
    "pscore",
    "pscore_item_position",
    "pscore_cascade",
    "target_pscore",
    "target_pscore_item_position",
    "target_pscore_cascade",
)
ORDERS = {"sorted": np.arange(len(PEER["reward"])), "shuffled": np.array(PEER["shuffled"])}


def _log(order: str) -> SlateLog:
    rows, n, length = ORDERS[order], PEER["slates"], PEER["length"]
    columns = {name: np.array(PEER[name])[rows] for name in COLUMNS}
    return slates_from_rows(
        slate_id=np.repeat(np.arange(n), length)[rows], position=np.tile(np.arange(length), n)[rows], **columns
    )


@pytest.mark.parametrize("order", list(ORDERS))
def test_values_are_the_peers_whatever_the_order_of_rows(order: str) -> None:
    log, n, length, items = _log(order), PEER["slates"], PEER["length"], PEER["items"]
    whole = log.arguments("reward", "pscore", "target_pscore")
    marginal = log.arguments("reward", "pscore_item_position", "target_pscore_item_position")
    cascade = log.arguments("reward", "pscore_cascade", "target_pscore_cascade")
    assert log.action is not None
    factual, expected = reduce_q_hat(
        action=log.action,
        q_hat=np.array(PEER["q_hat"]),
        target_policy=np.array(PEER["target_policy"]).reshape(n, length, items),
    )
    found = {
        "sips": sips(**whole),
        "snsips": snsips(**whole),
        "iips": iips(**marginal),
        "sniips": sniips(**marginal),
        "rips": rips(**cascade),
        "snrips": snrips(**cascade),
        "cascade_dr": cascade_dr(**cascade, q_hat_factual=factual, q_expected=expected),
    }
    for name, estimate in found.items():
        assert estimate.value == pytest.approx(PEER["values"][name], abs=1e-9), name


def test_the_peers_cascade_dr_depends_on_the_order_of_rows() -> None:
    """It rolls weights by row while its validation sorts; the same slates in another order get another value."""
    values = PEER["values"]
    assert abs(values["cascade_dr_rows_shuffled"] - values["cascade_dr"]) > 0.1


def test_the_peers_self_normalised_interval_freezes_the_normaliser() -> None:
    """A constant reward has a known self-normalised value, and no error to tell; the peer gives a width of 4.0."""
    low, high = PEER["values"]["snsips_interval_of_constant_reward"][1:]
    assert high - low > 3.9
    log = _log("sorted")
    ones = np.ones_like(log.reward, dtype=float)
    intervals: tuple[IntervalName, ...] = ("normal", "bootstrap")
    for interval in intervals:
        found = snsips(reward=ones, **log.arguments("pscore", "target_pscore"), interval=interval)
        assert found.value == pytest.approx(PEER["values"]["snsips_of_constant_reward"], abs=1e-9)
        assert found.std_error == 0.0
        assert np.isnan([found.low, found.high]).all()


def test_integer_propensities_are_numbers_too() -> None:
    """The peer's self-normalised forms store ratios in the type of the propensities: integer ones give 0."""
    table = np.array([[1.0, 0.0], [1.0, 1.0], [0.0, 1.0]])
    target = np.array([[0.9, 0.9], [0.6, 0.6], [0.3, 0.3]])
    found = sniips(
        reward=table, pscore_item_position=np.ones((3, 2), np.int64), target_pscore_item_position=target
    ).value
    assert PEER["values"]["sniips_integer_pscore"] == 0.0
    assert found == pytest.approx(PEER["values"]["sniips_float_pscore"], abs=1e-9)


def test_what_the_peer_lets_through_is_refused() -> None:
    """A NaN propensity gives a NaN there; positions counted from 1 lose the last one without a word (1.0, not 2.0)."""
    assert PEER["values"]["iips_nan_pscore"] == "nan"
    log = _log("sorted")
    assert log.pscore_item_position is not None
    spoilt = log.pscore_item_position.copy()
    spoilt[2, 1] = np.nan
    with pytest.raises(InputError, match=r"pscore_item_position of slate 2, position 1 is nan"):
        iips(**log.arguments("reward", "target_pscore_item_position"), pscore_item_position=spoilt)
    assert PEER["values"]["sniips_positions_from_1"] == 1.0
    with pytest.raises(InputError, match=r"slate_id 0 has no position 0"):
        slates_from_rows(slate_id=np.repeat(np.arange(3), 2), position=np.tile([1, 2], 3), reward=np.ones(6))
