"""The feed keeps Gymnasium's contract, and is the same world as `World`."""

import pickle
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
import pytest
from gymnasium import spaces
from gymnasium.utils.env_checker import check_env

import driftline
from driftline.sim import Feed, World
from driftline.sim.config.files import read_scenario, scenario_files
from driftline.sim.errors import InputError
from driftline.sim.types import BehaviorKind, Behaviors, Observation, Slates
from driftline.sim.warmup import warm_up

SMALL = {"population.users": 50, "warmup": 2, "horizon": 5, "catalogue.items": 150, "slate": 4}
EXAMPLES = Path(__file__).resolve().parents[3] / "docs" / "examples"
SYNTHETIC = [
    name
    for name in sorted(scenario_files())
    if read_scenario(name).get("catalogue", {}).get("source", "synthetic") == "synthetic"
]
Policy = Callable[[dict[str, Any], int], list[int]]


def feed(scenario: str = "abrupt_shift", batch: int = 1, **overrides: Any) -> Feed:
    stated = SMALL | {name.replace("__", "."): value for name, value in overrides.items()}
    return Feed(scenario, overrides=stated, batch=batch)


def places(user: int, visit: int, candidates: int, length: int) -> list[int]:
    """Some slate of distinct positions that differs from visit to visit."""
    start = (user + 31 * visit) % candidates
    return [(start + 7 * k) % candidates for k in range(length)]


def episode(env: Feed, seed: int) -> Iterator[tuple[dict[str, Any], dict[str, Any], float, bool]]:
    """Every step's observation, info, reward and whether it was the last, under the policy `places`."""
    seen, _ = env.reset(seed=seed)
    space = env.action_space
    assert isinstance(space, spaces.MultiDiscrete)
    count, length, over = int(space.nvec.max()), space.shape[-1], False
    while not over:
        users, visits = np.atleast_1d(seen["user"]), np.atleast_1d(seen["visit"])
        action = [places(int(u), int(v), count, length) for u, v in zip(users, visits, strict=True)]
        after, reward, terminated, over, info = env.step(np.array(action).reshape(space.shape))
        assert not terminated
        yield seen, info, reward, over
        seen = after


def truth(scenario: str, seed: int, **overrides: Any) -> tuple[dict[tuple[int, int], tuple[Any, ...]], Any]:
    """What the world itself does under the same policy, by (user, visit), and every user's behaviours."""
    stated = SMALL | {name.replace("__", "."): value for name, value in overrides.items()}
    start = warm_up(World(scenario, seed, overrides=stated))
    world, behaviors = start.world, [start.setting.behaviors]
    found: dict[tuple[int, int], tuple[Any, ...]] = {}
    while (observation := world.observe()) is not None:
        behaviors.append(observation.behaviors)
        slates = Slates.certain(_shown(observation, world.params.slate))
        feedback, hidden = world.respond_in_full(slates)
        for i in range(len(feedback)):
            found[int(feedback.user[i]), int(feedback.visit[i])] = (
                slates.items[i].tolist(),
                int(feedback.choice[i]),
                float(feedback.dwell[i]),
                float(np.nan_to_num(feedback.rating[i])),
                float(hidden.reward[i]),
            )
    return found, behaviors


def _shown(observation: Observation, length: int) -> Any:
    pool = np.broadcast_to(observation.candidates, (len(observation), observation.candidates.shape[-1]))
    rows = [
        pool[i, places(int(observation.user[i]), int(observation.visit[i]), pool.shape[1], length)]
        for i in range(len(observation))
    ]
    return np.array(rows, np.int32)


@pytest.mark.parametrize("scenario", SYNTHETIC)
def test_gymnasium_finds_nothing_wrong_with_any_scenario(scenario: str) -> None:
    made = gymnasium.make("driftline/Feed-v0", scenario=scenario, overrides=SMALL)
    check_env(made.unwrapped, skip_render_check=True)


def test_gymnasium_finds_nothing_wrong_with_a_batch() -> None:
    check_env(feed(batch=3), skip_render_check=True)
    check_env(Feed("abrupt_shift", SMALL, text=False), skip_render_check=True)


@pytest.mark.parametrize("reward", ["satisfaction", "click", "dwell", "purchase"])
@pytest.mark.parametrize("scenario", ["abrupt_shift", "feedback_loop"])
def test_single_visits_equal_the_world_s_own_rounds(scenario: str, reward: str) -> None:
    expected, _ = truth(scenario, 3, reward=reward)
    env = feed(scenario, reward=reward)
    found = {}
    for seen, info, gain, _ in episode(env, 3):
        assert gain == info["reward"]
        found[int(seen["user"]), int(seen["visit"])] = (
            info["slate"].tolist(),
            info["choice"],
            info["dwell"],
            info["rating"],
            gain,
        )
    assert len(found) > 80
    assert found == expected


@pytest.mark.parametrize("shared", [None, 40])
def test_a_batch_holds_the_same_visits_and_says_which_rows_are_filling(shared: int | None) -> None:
    limits = {"shared": shared, "private": None if shared else 100}
    one = [
        (int(seen["user"]), int(seen["visit"]), info["slate"].tolist(), info["choice"], reward)
        for seen, info, reward, _ in episode(feed(candidates=limits), 1)
    ]
    many = []
    for seen, info, reward, _ in episode(feed(batch=4, candidates=limits), 1):
        present = int(seen["present"].sum())
        assert seen["present"].tolist() == [1] * present + [0] * (4 - present)
        assert len(info["choice"]) == present
        assert reward == info["reward"].sum()
        for i in range(present):
            own = info["slate"][i].tolist(), int(info["choice"][i]), float(info["reward"][i])
            many.append((int(seen["user"][i]), int(seen["visit"][i]), *own))
    assert many == one


def test_an_episode_runs_from_the_warm_up_to_the_horizon_and_is_then_truncated() -> None:
    env = feed()
    steps = list(episode(env, 5))
    times = [float(seen["time"]) for seen, *_ in steps]
    assert [over for *_, over in steps] == [False] * (len(steps) - 1) + [True]
    assert len(steps) == len(truth("abrupt_shift", 5)[0])
    assert min(times) >= 2.0
    assert max(times) < 5.0
    with pytest.raises(InputError, match="call `reset`"):
        env.step(np.arange(4))


def test_the_last_observation_is_repeated_at_the_end() -> None:
    env = feed()
    seen, _ = env.reset(seed=5)
    before, over = seen, False
    while not over:
        before = seen
        seen, _, _, over, _ = env.step(np.arange(4))
    assert (seen["user"], seen["visit"]) == (before["user"], before["visit"])


def test_visits_come_by_tick_then_round_then_time_and_each_user_s_own_in_order() -> None:
    ticks, last, visits = [], (-1, -1.0), dict[int, int]()
    rises = 0
    for seen, *_ in episode(feed(), 2):
        user, time = int(seen["user"]), float(seen["time"])
        tick = int(time / 0.25)
        ticks.append(tick)
        rises += (tick, time) >= last
        last = (tick, time)
        if user in visits:
            assert int(seen["visit"]) == visits[user] + 1
        visits[user] = int(seen["visit"])
    assert ticks == sorted(ticks)
    assert rises > 0.6 * len(ticks)


def test_the_same_seed_is_the_same_episode_in_any_environment_and_after_any_other() -> None:
    def digest(env: Feed, seed: int) -> list[tuple[int, float, str]]:
        return [
            (int(seen["user"]), reward, "|".join(seen["recent_expressed"])) for seen, _, reward, _ in episode(env, seed)
        ]

    env, other = feed(), feed()
    first = digest(env, 7)
    assert digest(env, 8) != first
    assert digest(env, 7) == first
    assert digest(other, 7) == first


def test_without_a_seed_each_episode_is_another_world_drawn_from_the_last_seed() -> None:
    def users() -> list[int]:
        env = feed()
        return [int(env.reset(seed=4)[0]["user"]), *(int(env.reset()[0]["user"]) for _ in range(2))]

    assert len(set(users())) == 3
    assert users() == users()


def test_observations_of_other_seeds_lie_in_the_space_too() -> None:
    env = feed()
    for seed in (1, 2, 3):
        for seen, *_ in episode(env, seed):
            assert seen in env.observation_space


def test_recent_behaviors_are_the_last_ones_that_the_world_has_delivered() -> None:
    _, delivered = truth("abrupt_shift", 6)
    env = feed()
    segments = World("abrupt_shift", 6, overrides=SMALL).model.corpus.segments
    history = [row for part in delivered for row in _rows(part)]
    some = 0
    for seen, *_ in episode(env, 6):
        now = float(seen["time"])
        own = [row for row in history if row[0] == int(seen["user"]) and row[1] <= now][::-1][:5]
        some += bool(own)
        filling = 5 - len(own)
        assert seen["recent_kind"].tolist() == [row[2] for row in own] + [-1] * filling
        assert seen["recent_item"].tolist() == [row[3] for row in own] + [-1] * filling
        assert seen["recent_about"] == tuple(segments.texts([row[4] for row in own]) + [""] * filling)
        assert seen["recent_expressed"] == tuple(segments.texts([row[5] for row in own]) + [""] * filling)
        assert seen["recent_age"] == pytest.approx([now - row[1] for row in own] + [0.0] * filling, abs=1e-5)
    assert some > 80


def _rows(part: Behaviors) -> list[tuple[Any, ...]]:
    columns = (part.user, part.time, part.kind, part.item, part.about, part.expressed)
    return list(zip(*[column.tolist() for column in columns], strict=True))


def test_candidates_are_described_as_the_operator_knows_them() -> None:
    env, world = feed(), World("abrupt_shift", 9, overrides=SMALL)
    seen, _ = env.reset(seed=9)
    known = world.items(seen["candidate_item"])
    assert seen["candidate_text"] == tuple(world.model.corpus.segments.texts(known.text))
    assert np.array_equal(seen["candidate_category"], known.category)
    assert np.array_equal(seen["candidate_price"], known.price)
    assert np.array_equal(seen["candidate_domain"], known.domain)
    assert seen["candidate_age"] == pytest.approx(float(seen["time"]) - known.born, abs=1e-4)


@pytest.mark.parametrize(
    ("stated", "shown"),
    [
        ([3, 3, 3, 3], [3, 0, 1, 2]),
        ([3, 3, 0, 3], [3, 1, 0, 2]),
        ([0, 0, 1, 1], [0, 2, 1, 3]),
        ([9, 8, 7, 6], [9, 8, 7, 6]),
    ],
)
def test_a_repeated_position_is_replaced_by_the_first_unused_one(stated: list[int], shown: list[int]) -> None:
    env = feed()
    seen, _ = env.reset(seed=1)
    *_, info = env.step(np.array(stated))
    assert info["slate"].tolist() == seen["candidate_item"][shown].tolist()


@pytest.mark.parametrize(
    ("action", "message"),
    [
        (np.array([0, 1, 100, 2]), r"position 100 at place 2: must be in 0\.\.99"),
        (np.array([0, -1, 1, 2]), r"position -1 at place 1"),
        (np.array([0, 1, 2]), r"int64\[3\]; must be whole numbers\[4\]"),
        (np.array([0.0, 1.0, 2.0, 3.0]), "float64"),
    ],
)
def test_an_action_outside_the_space_is_refused_and_changes_nothing(action: Any, message: str) -> None:
    env, other = feed(), feed()
    env.reset(seed=1)
    other.reset(seed=1)
    with pytest.raises(InputError, match=message):
        env.step(action)
    assert env.step(np.arange(4))[1] == other.step(np.arange(4))[1]


def test_more_than_100_shared_candidates_become_100_private_ones() -> None:
    env = feed(candidates={"shared": 150})
    assert isinstance(env.action_space, spaces.MultiDiscrete)
    assert env.action_space.nvec.tolist() == [100] * 4
    few = feed(candidates={"shared": 30})
    assert isinstance(few.action_space, spaces.MultiDiscrete)
    assert few.action_space.nvec.tolist() == [30] * 4


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"batch": 0}, "batch = 0: must be >= 1"),
        ({"recent": 0}, "recent = 0: must be >= 1"),
        ({"overrides": {"population.user": 5}}, r"population\.users"),
    ],
)
def test_unusable_arguments_are_named(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        Feed("abrupt_shift", **arguments)


def test_a_world_in_which_nobody_comes_is_refused() -> None:
    env = feed(population__users=1, population__sessions_per_day=1e-6)
    with pytest.raises(InputError, match="nobody visits between day 2 and day 5"):
        env.reset(seed=0)


def test_without_texts_everything_else_is_the_same() -> None:
    env = Feed("abrupt_shift", SMALL, text=False)
    for (bare, _, reward, _), (full, _, other, _) in zip(episode(env, 2), episode(feed(), 2), strict=True):
        assert reward == other
        assert set(full) - set(bare) == {"recent_about", "recent_expressed", "candidate_text"}
        assert all(np.array_equal(bare[name], full[name]) for name in bare)


def test_only_texts_and_plain_arrays_can_be_reached_from_what_is_handed_out() -> None:
    env = feed()
    env.reset(seed=1)
    for _ in range(40):
        seen, _, _, _, info = env.step(np.arange(4))
        for thing in _reachable([seen, info]):
            assert type(thing) in (str, int, float, np.ndarray)
            assert not isinstance(thing, np.ndarray) or thing.dtype.kind in "iuf"


def _reachable(thing: Any) -> Iterator[Any]:
    if isinstance(thing, dict):
        thing = list(thing.values())
    if isinstance(thing, list | tuple):
        for part in thing:
            yield from _reachable(part)
        return
    yield thing
    if isinstance(thing, np.ndarray) and thing.base is not None:
        yield from _reachable(thing.base)


def test_what_is_shown_of_candidates_is_no_image_of_what_is_latent() -> None:
    catalogue = World("abrupt_shift", 1, overrides=SMALL).catalogue
    rows = [(seen["candidate_item"], seen["candidate_price"], seen["candidate_age"]) for seen, *_ in episode(feed(), 1)]
    item, place = np.unique(np.concatenate([row[0] for row in rows]), return_index=True)
    for shown in (np.concatenate([row[column] for row in rows])[place] for column in (1, 2)):
        for hidden in (catalogue.quality, catalogue.appeal, *catalogue.mixture.T):
            assert abs(np.corrcoef(shown, hidden[item])[0, 1]) < 0.4


def test_a_visit_s_kinds_are_those_of_the_vocabulary() -> None:
    kinds = {int(kind) for seen, *_ in episode(feed(horizon=8), 1) for kind in seen["recent_kind"]}
    assert {-1, int(BehaviorKind.CONSUME), int(BehaviorKind.PURCHASE)} <= kinds


def test_gymnasium_knows_the_feed_once_driftline_is_imported() -> None:
    assert driftline.__version__
    made = gymnasium.make("driftline/Feed-v0", scenario="plain", overrides=SMALL)
    assert isinstance(made.unwrapped, Feed)


@pytest.mark.slow
def test_an_agent_that_knows_only_gymnasium_reads_and_beats_random(monkeypatch: pytest.MonkeyPatch) -> None:
    lines = (EXAMPLES / "gym_reader.py").read_text(encoding="utf-8").splitlines()
    assert len([line for line in lines if line.strip()]) <= 30
    monkeypatch.syspath_prepend(str(EXAMPLES))
    monkeypatch.delitem(sys.modules, "gym_reader", raising=False)
    import gym_reader  # type: ignore[import-not-found]

    assert gym_reader.play(reads=True, steps=4_000) > gym_reader.play(reads=False, steps=4_000) + 0.02


def test_what_a_feed_does_not_have_is_refused_in_one_line() -> None:
    assert feed().render_mode is None
    assert gymnasium.make("driftline/Feed-v0", overrides=SMALL, render_mode=None).render_mode is None
    with pytest.raises(InputError, match=r"^render_mode = 'human': must be None"):
        Feed("abrupt_shift", overrides=SMALL, render_mode="human")  # type: ignore[arg-type]
    with pytest.raises(InputError, match=r"^reset: option 'users' is unknown"):
        feed().reset(seed=0, options={"users": 3})
    seen, _ = feed().reset(seed=0, options={})
    assert seen["visit"] >= 0


def test_a_feed_in_the_middle_of_an_episode_can_be_pickled() -> None:
    env = feed()
    env.reset(seed=0)
    env.step(np.arange(4))
    twin = pickle.loads(pickle.dumps(env))
    for _ in range(30):
        one, two = env.step(np.arange(4)), twin.step(np.arange(4))
        assert one[1] == two[1]
        assert one[4]["choice"] == two[4]["choice"]
        np.testing.assert_array_equal(one[0]["user"], two[0]["user"])
