"""A run's log as off-policy input: the replay, the frozen target, the truth, and estimates beside it."""

import json
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from driftline.agents.baselines.popularity import Popularity
from driftline.scenarios.api import Run, run
from driftline.scenarios.cli.main import main
from driftline.scenarios.own_log.single import GAIN, LOGGED, OVER_LOG, Asked
from driftline.sim.errors import InputError
from driftline.sim.types import Floats, Int32s, Slates
from driftline.sim.warmup import warm_up
from driftline.sim.world import World

SMALL = {
    "population.users": 250,
    "catalogue.items": 60,
    "catalogue.probes": 16,
    "catalogue.topics": 4,
    "candidates.private": 6,
    "slate": 1,
    "warmup": 4,
    "horizon": 20,
    "tick": 0.5,
    "run.truth": "off",
    "run.encoder": "hashing",
}
AT = 8.0
DRAWN = "popularity[temperature=0.5]"


@pytest.fixture(scope="module")
def single(tmp_path_factory: pytest.TempPathFactory) -> Run:
    agents = ("random", "popularity", DRAWN)
    return run("abrupt_shift", agents, range(1), SMALL, tmp_path_factory.mktemp("single") / "run")


@pytest.fixture(scope="module")
def slates(tmp_path_factory: pytest.TempPathFactory) -> Run:
    changes = SMALL | {"slate": 2, "choice.model": "cascade"}
    return run("abrupt_shift", ("random", "popularity"), range(1), changes, tmp_path_factory.mktemp("slates") / "run")


def test_a_log_is_replayed_to_the_last_visit(single: Run) -> None:
    found = single.bandit_log("random", 0)
    logged = single.log("random", 0).sort("time", "user", "visit").collect()
    assert len(found) == len(logged) > 1000
    assert found.target is None
    frame = found.frame
    assert frame.select("user", "visit", "time", "items", "choice").equals(
        logged.select("user", "visit", "time", "items", "choice")
    )
    np.testing.assert_allclose(frame["log_p"], logged["log_p"], rtol=1e-6)
    assert frame.schema["log_p_cascade"] == pl.Array(pl.Float64, 1)
    assert (found.candidates == found.items).any(axis=1).all()
    assert found.candidates.shape == (len(found), 6)
    assert set(np.flatnonzero(found.reward)) <= set(np.flatnonzero(found.choice == 0))


def _by_hand(single: Run) -> tuple[Floats, Floats]:
    """Chances and true values of the drawing target, in a world and with an agent of this test's own."""
    logged = single.bandit_log("random", 0)
    shown = dict(zip(zip(logged.user.tolist(), logged.visit.tolist(), strict=True), logged.items, strict=True))
    world = World("abrupt_shift", 0, {key: value for key, value in SMALL.items() if not key.startswith("run.")})
    agent, rows = Popularity(temperature=0.5), []
    agent.reset(warm_up(world).setting)
    boundary = 8
    while (seen := world.observe()) is not None:
        for now in range(boundary, min(seen.tick, int(AT / 0.5)) + 1):
            agent.tick(now * 0.5)
        boundary = max(boundary, seen.tick + 1)
        if seen.tick * 0.5 >= AT:
            users = world.round.users
            said = [np.exp(agent.log_propensity(seen, seen.candidates[:, [c]]))[:, 0] for c in range(6)]
            worth = np.stack(
                [_expected(world, int(user), pool) for user, pool in zip(users, seen.candidates, strict=True)]
            )
            rows.append((seen.time, seen.user, np.stack(said, axis=1), worth))
        items = np.stack([shown[key] for key in zip(seen.user.tolist(), seen.visit.tolist(), strict=True)])
        feedback = world.respond(Slates.certain(items))
        if seen.tick * 0.5 < AT:
            agent.learn(feedback)
    time, user, chances, worth = (np.concatenate([row[k] for row in rows]) for k in range(4))
    order = np.lexsort((user, time))
    return chances[order], worth[order]


def _expected(world: World, user: int, pool: Int32s) -> Floats:
    """P(taken) E[reward | taken] of each item shown alone, under a multinomial logit."""
    utility, reward = world.true_worth(user, pool)
    pull = np.exp(utility)
    return np.asarray(reward * pull / (pull + np.exp(world.params.choice.outside)))


def test_the_target_and_its_truth_are_those_of_an_independent_replay(single: Run) -> None:
    found = single.bandit_log("random", 0, DRAWN, AT)
    assert found.target is not None
    assert found.target.chances is not None
    chances, worth = _by_hand(single)
    np.testing.assert_allclose(found.target.chances, chances, rtol=1e-9)
    np.testing.assert_allclose(found.target.value, (chances * worth).sum(axis=1), atol=1e-6)
    assert found.time.min() >= AT
    assert found.target.exact
    assert found.target.truth().std_error == 0.0


def test_a_frozen_target_hears_no_more(single: Run) -> None:
    late, early = (single.bandit_log("random", 0, "popularity", at) for at in (16.0, 8.0))
    assert late.target is not None
    assert early.target is not None
    same = early.time >= 16.0
    assert len(late) == int(same.sum())
    # what it learned between the two days makes it another policy; the log is the same
    np.testing.assert_array_equal(early.items[same], late.items)
    assert (early.target.items[same] != late.target.items).any()
    assert set(np.exp(late.target.log_p_cascade).ravel()) == {0.0, 1.0}
    assert late.target.certain.all()


def test_values_of_the_logging_agent_are_those_that_a_run_writes_down(tmp_path: Path) -> None:
    changes = SMALL | {"run.truth": "all", "horizon": 8, "slate": 2}
    whole = run("abrupt_shift", ("random",), range(1), changes, tmp_path / "run")
    found = whole.bandit_log("random", 0)
    values = whole.values("random", 0).sort("user", "visit").collect()
    order = np.lexsort((found.visit, found.user))
    np.testing.assert_allclose(found.value[order], values["value_shown"], atol=1e-6)


def test_intervals_hold_the_truth_in_many_worlds(tmp_path: Path) -> None:
    """Ninety-five of a hundred do; of these 36, each with its own worlds' visits, at least 31 (P < .03 otherwise)."""
    seeds = range(6)
    worlds = run("abrupt_shift", ("random",), seeds, SMALL, tmp_path / "run", jobs=1)
    held, away = [], []
    for seed in seeds:
        for target in ("popularity", DRAWN):
            found = worlds.ope(target, AT, seed=seed)
            truth = found[OVER_LOG, "truth"].value
            for name in ("ips", "snips", "dr"):
                each = found[OVER_LOG, name]
                held.append(each.low <= truth <= each.high)
                away.append((each.value - truth) / each.std_error)
    assert sum(held) >= 31
    assert max(map(abs, away)) < 4.0
    assert abs(np.mean(away)) < 1.0  # two targets and three estimators of a seed move together: about 6 draws


def test_a_verdict_has_the_truth_beside_every_estimate(single: Run) -> None:
    found = single.ope(DRAWN, AT, agent="random", asked=Asked(estimators=("ips", "dr")))
    assert [(each.about, each.name) for each in found.findings[:4]] == [
        (OVER_LOG, LOGGED), (OVER_LOG, "truth"), (OVER_LOG, "ips"), (OVER_LOG, "dr"),
    ]  # fmt: skip
    log = single.bandit_log("random", 0, DRAWN, AT)
    assert log.target is not None
    weight = np.exp(log.target.log_p_cascade - log.log_p_cascade)[:, 0]
    assert found["ips"].value == pytest.approx(float((weight * log.reward).mean()), rel=1e-9)
    assert found[OVER_LOG, "truth"].value == pytest.approx(float(log.target.value.mean()))
    gain = found[GAIN, "truth"]
    assert gain.value == pytest.approx(float((log.target.value - log.value).mean()))
    assert gain.std_error > 0
    assert {check.name for check in found.checks} >= {"replay", "overlap", "propensities", "weights", "reward model"}
    assert found.facts["reward"].startswith("satisfaction, from the truth")


def test_without_overlap_it_refuses_and_names_the_share(single: Run) -> None:
    log = single.bandit_log("popularity", 0, DRAWN, AT)
    assert log.target is not None
    assert log.target.unseen is not None
    share = log.target.unseen.mean()
    assert 0.3 < share < 1.0
    with pytest.raises(InputError, match=f"no overlap: at {share:.1%} of {len(log):,} visits agent 'popularity' would"):
        single.ope(DRAWN, AT, agent="popularity")


def test_whose_log_it_is_must_be_clear(single: Run, slates: Run, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"random, popularity\[temperature=0.5\] all choose by chance; state whose"):
        single.ope("popularity", AT)
    assert slates.ope("popularity", AT).facts["log"].startswith("agent random, seed 0")
    certain = run("abrupt_shift", ("popularity",), range(1), SMALL | {"horizon": 6}, tmp_path / "run")
    with pytest.raises(InputError, match=r"no agent chooses by chance \(popularity\)"):
        certain.ope("random", 5.0)


@pytest.mark.parametrize(
    ("at", "words"),
    [(3.9, "must be a day from 4, the warm-up's end"), (20.0, "to 20, the horizon"), (19.9, "no visit from day 20 on")],
)
def test_a_day_outside_the_log_is_refused(single: Run, at: float, words: str) -> None:
    with pytest.raises(InputError, match=words):
        single.bandit_log("random", 0, "popularity", at)


def test_what_cannot_be_asked_is_named(single: Run) -> None:
    with pytest.raises(InputError, match="target and at belong together"):
        single.bandit_log("random", 0, "popularity")
    with pytest.raises(InputError, match="did you mean 'popularity'"):
        single.bandit_log("random", 0, "popularty", AT)
    with pytest.raises(InputError, match="no agent 'full' in"):
        single.bandit_log("full", 0)
    with pytest.raises(InputError, match="states no log_propensity"):
        single.bandit_log("random", 0, f"{__name__}:Mute", AT)


class Mute(Popularity):
    """Popularity that does not say how likely any slate was."""

    states_propensities = False


class Fickle(Popularity):
    """Popularity of another temperature each time that it is made."""

    made = 0

    def __init__(self) -> None:
        type(self).made += 1
        super().__init__(temperature=0.2 * self.made)


def test_a_run_that_cannot_be_repeated_is_refused(tmp_path: Path) -> None:
    name = f"{__name__}:Fickle"
    other = run("abrupt_shift", (name,), range(1), SMALL | {"horizon": 6}, tmp_path / "run")
    with pytest.raises(InputError, match=r"played again, has another slate for user \d+, visit \d+ \(day"):
        other.bandit_log(name, 0)


def test_slates_have_the_estimators_that_fit_them(slates: Run) -> None:
    found = slates.ope("popularity", AT)
    names = [each.name for each in found.findings]
    assert names == [
        LOGGED, "truth", "sips", "snsips", "rips", "snrips", "iips", "sniips", "pseudo_inverse",
        "weighted_pseudo_inverse", "cascade_dr",
    ]  # fmt: skip
    truth = found["truth"].value
    for name in ("sips", "rips", "cascade_dr"):  # unbiased in a cascade
        assert abs(found[name].value - truth) < 4 * found[name].std_error
    assert found["rips"].std_error < found["sips"].std_error
    drawn = slates.ope(DRAWN, AT, asked=Asked(estimators=("iips",)))
    assert "one keyed draw" in drawn["truth"].method
    assert drawn["truth"].std_error > 0
    with pytest.raises(InputError, match="'cascade_dr' does not fit: the target draws its slates"):
        slates.ope(DRAWN, AT, asked=Asked(estimators=("cascade_dr",)))
    with pytest.raises(InputError, match="estimator 'ips' is none of slates; did you mean"):
        slates.ope("popularity", AT, asked=Asked(estimators=("ips",)))


def test_a_composed_agent_may_be_the_target(single: Run) -> None:
    for target in ("full", "moving_average[policy=plackett_luce]"):
        found = single.bandit_log("random", 0, target, 14.0)
        assert found.target is not None
        assert found.target.chances is not None
        np.testing.assert_allclose(found.target.chances.sum(axis=1), 1.0, atol=1e-9)
        assert found.target.certain.all() == (target == "full")
        if target == "full":
            assert found.target.value.mean() > found.value.mean()  # it knows something


def _said(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> tuple[object, str, str]:
    with pytest.raises(SystemExit) as left:
        main(arguments)
    printed = capsys.readouterr()
    return left.value.code, printed.out, printed.err


def test_the_command_says_what_the_function_says(
    single: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder, page = str(single.folder), tmp_path / "ope.html"
    arguments = ["ope", folder, "--target", "popularity", "--at", "8", "--agent", "random", "--html", str(page)]
    code, printed, _ = _said([*arguments, "--json"], capsys)
    assert code == 0
    found = single.ope("popularity", 8.0, agent="random")
    assert json.loads(printed) == json.loads(json.dumps(found.document()))
    assert "truth" in page.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--target", "popularity"], "state --target AGENT and --at DAY"),
        (["--target", "popularity", "--at", "8", "--policy", "a:b"], "--policy belongs to a log file"),
        (["--target", "popularity", "--at", "8", "--agent", "randm"], "did you mean 'random'?"),
        (["--target", "popularity", "--at", "8", "--agent", "random", "--seed", "7"], "no seed 7"),
    ],
)
def test_what_the_command_cannot_do_is_one_line(
    single: Run, options: list[str], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    code, _, complained = _said(["ope", str(single.folder), *options], capsys)
    assert code == 2
    assert words in complained
    assert complained.count("\n") == 1


def test_options_of_a_run_are_refused_for_a_file(capsys: pytest.CaptureFixture[str]) -> None:
    code, _, complained = _said(["ope", "log.csv", "--target", "popularity"], capsys)
    assert code == 2
    assert "--target belongs to a run folder" in complained


def test_a_mean_of_true_values_has_a_95_percent_interval_where_none_is_stated(slates: Run) -> None:
    target = slates.bandit_log("random", 0, target="popularity", at=AT).target
    assert target is not None
    found, same = target.truth(), target.truth(0.95)
    assert (found.low, found.high) == (same.low, same.high)
