"""Two agents in one world: who sees what, who learns what, and one arm alone."""

import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal
from small_experiment import A, B, Diary, Ledger, scenario, started

from driftline.scenarios.experiment.design import TRAININGS, Design, Training
from driftline.scenarios.experiment.play import Plan, play
from driftline.sim.errors import AgentError

DIARY = "small_experiment:Diary"
OBSERVED = ["user", "visit", "day", "reward", "click", "dwell", "place"]


def played(pair: tuple[str, str], plan: Plan) -> pl.DataFrame:
    return play(scenario(*pair), started(), pair, plan, lambda share: None)


@pytest.mark.parametrize("kind", ["user", "cluster", "switchback"])
@pytest.mark.parametrize("training", ["pooled", "snapshot"])
def test_two_agents_alike_that_know_the_same_are_one_agent(kind: str, training: Training) -> None:
    design = Design.model_validate({"kind": kind})
    mixed = played((A, A), Plan("mixed", design, training))
    alone = played((A, A), Plan("all_a", design, training, logged=False))
    assert_frame_equal(mixed.select(OBSERVED), alone.select(OBSERVED))
    assert 0.2 < mixed["shown"].mean() < 0.8  # type: ignore[operator]


def test_everybody_in_one_arm_is_the_run_of_that_agent_alone() -> None:
    both = [played((A, B), Plan(kind, Design(), "pooled", logged=False)) for kind in ("all_a", "all_b")]
    turned = [played((B, A), Plan(kind, Design(), "diverted", logged=False)) for kind in ("all_b", "all_a")]
    for one, other in zip(both, turned, strict=True):
        assert_frame_equal(one.select(OBSERVED), other.select(OBSERVED))
    assert both[0]["reward"].to_list() != both[1]["reward"].to_list()


@pytest.mark.parametrize("training", TRAININGS)
def test_each_agent_learns_what_its_training_lets_it_know(training: Training) -> None:
    Diary.clear()
    visits = played((A, DIARY), Plan("mixed", Design(), training))
    names = started().world.pseudonyms(visits["user"].to_numpy())
    every = list(zip(names.tolist(), visits["visit"].to_list(), strict=True))
    own = {key for key, shown in zip(every, visits["shown"].to_list(), strict=True) if shown}
    told = set(Diary.told)
    assert len(told) == len(Diary.told)
    if training == "pooled":
        assert told == set(every)
    elif training == "weighted":
        assert own < told <= set(every)
    else:
        assert told == own
        assert set(Diary.met) == {user for user, _ in own}
    assert bool(Diary.ticks) == (training != "snapshot")


@pytest.mark.parametrize("kind", ["user", "cluster"])
def test_copies_of_an_agent_share_no_user_and_learn_apart(kind: str) -> None:
    Ledger.books.clear()
    ledger = "small_experiment:Ledger"
    visits = played((ledger, ledger), Plan("mixed", Design.model_validate({"kind": kind, "copies": 3}), "diverted"))
    cells = [set(part["user"].to_list()) for _, part in visits.sort("cell").group_by("cell", maintain_order=True)]
    assert len(cells) == len(Ledger.books) == 6
    names = [set(started().world.pseudonyms(np.array(sorted(cell))).tolist()) for cell in cells]
    assert [met for met, _ in Ledger.books] == [told for _, told in Ledger.books] == names
    assert sum(map(len, names)) == len(set().union(*names))
    assert (visits["meant"] == (visits["cell"] >= 3)).all()


def test_one_copy_of_each_is_the_plain_experiment() -> None:
    visits = played((A, B), Plan("mixed", Design(), "diverted"))
    assert (visits["cell"] == visits["meant"].cast(int)).all()
    several = played((A, B), Plan("mixed", Design(copies=2), "diverted"))
    assert several.select("user", "day", "meant").equals(visits.select("user", "day", "meant"))
    assert not several["reward"].equals(visits["reward"])


@pytest.mark.parametrize("training", ["pooled", "diverted"])
def test_every_new_item_is_announced_to_each_agent_once(training: Training) -> None:
    Diary.clear()
    played((A, DIARY), Plan("mixed", Design(), training))
    born = started().world.catalogue.born
    late = np.flatnonzero((born > 6.0) & (born < 19.0))
    assert len(late) > 5
    assert len(Diary.arrived) == len(set(Diary.arrived))
    assert set(late.tolist()) <= set(Diary.arrived)


def test_a_log_of_a_holds_what_both_agents_would_have_done() -> None:
    log = played((A, B), Plan("all_a", Design(), "pooled"))
    ours, theirs = log["log_p_cascade"].to_numpy(), log["target_log_p_cascade"].to_numpy()
    assert ours.shape == theirs.shape == (len(log), 3)
    assert (ours <= 0).all()
    assert np.isfinite(theirs).all()
    assert np.abs(ours - theirs).max() > 0.1
    same = played((A, A), Plan("all_a", Design(), "pooled"))
    np.testing.assert_allclose(same["log_p_cascade"].to_numpy(), same["target_log_p_cascade"].to_numpy(), atol=1e-9)
    assert_frame_equal(same.select(OBSERVED), log.select(OBSERVED))  # being asked in silence changes nothing


def test_every_click_on_an_interleaved_slate_is_credited_to_one_agent() -> None:
    visits = played((A, B), Plan("mixed", Design(kind="interleave"), "pooled"))
    credit = visits["credit_a"] + visits["credit_b"]
    assert credit.to_list() == visits["click"].to_list()
    assert visits["credit_a"].sum() > 50
    assert visits["credit_b"].sum() > 50


@pytest.mark.parametrize("training", ["pooled", "snapshot"])
def test_both_agents_learn_from_every_interleaved_slate(training: Training) -> None:
    Diary.clear()
    visits = played((A, DIARY), Plan("mixed", Design(kind="interleave"), training))
    assert len(Diary.told) == len(visits)
    assert len(Diary.met) == len(visits)


def test_the_agent_that_showed_a_bad_slate_is_named() -> None:
    for pair in ((A, "small_experiment:Clumsy"), ("small_experiment:Clumsy", A)):
        with pytest.raises(AgentError, match=r"agent 'small_experiment:Clumsy': .* is shown twice"):
            played(pair, Plan("mixed", Design(), "pooled"))


def test_a_design_moves_on_with_its_turns() -> None:
    first, second = (played((A, B), Plan("mixed", Design(), "pooled", turn)) for turn in (0, 1))
    arm = [dict(frame.group_by("user").agg(pl.col("shown").first()).rows()) for frame in (first, second)]
    assert all(arm[0][user] != arm[1][user] for user in arm[0].keys() & arm[1].keys())
