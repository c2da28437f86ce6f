"""Episodes as d3rlpy's and Minari's arrays, both ways. What they look like was tried with the libraries.

d3rlpy 2.8.1: `MDPDataset(**to_d3rlpy(...))` has these episodes, discrete actions and sizes. Minari 0.5.4:
`create_dataset_from_buffers` takes `EpisodeBuffer(**each)`, and what it loads again is what went in.
"""

from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from driftline.evaluation.formats.d3rlpy import from_d3rlpy, to_d3rlpy
from driftline.evaluation.formats.episodes import Episodes, episodes_from_frame
from driftline.evaluation.formats.minari import from_minari, to_minari
from driftline.sim.errors import InputError

COLUMNS: dict[str, Any] = {
    "episode": "user",
    "order": "visit",
    "observation": ["x", "y"],
    "action": "item",
    "reward": "r",
}
FRAME = pl.DataFrame(
    {
        "user": [7, 3, 7, 5, 7, 5],
        "visit": [2, 0, 0, 4, 1, 9],
        "x": [0.2, 3.0, 0.0, 5.0, 0.1, 5.1],
        "y": [1.0, 1.1, 1.2, 1.3, 1.4, 1.5],
        "item": [2, 0, 1, 1, 0, 2],
        "r": [7.2, 3.0, 7.0, 5.0, 7.1, 5.1],
        "left": [True, False, False, False, False, False],
    }
)
"""Users 3 (one visit), 5 (two) and 7 (three, then left for good), rows in no order."""
EPISODES = episodes_from_frame(FRAME, **COLUMNS, terminated="left")


def same(one: Episodes, other: Episodes) -> None:
    for name in ("observation", "action", "reward", "length", "terminated"):
        a, b = getattr(one, name), getattr(other, name)
        assert np.array_equal(a, b), name
        assert a.dtype == b.dtype, name


def test_a_log_becomes_one_episode_for_each_user_in_the_order_of_visits() -> None:
    assert EPISODES.length.tolist() == [1, 2, 3]
    assert EPISODES.terminated.tolist() == [False, False, True]
    assert EPISODES.reward.tolist() == [3.0, 5.0, 5.1, 7.0, 7.1, 7.2]
    assert EPISODES.action.tolist() == [0, 1, 2, 1, 0, 2]
    assert EPISODES.observation[:, 0] == pytest.approx([3.0, 5.0, 5.1, 0.0, 0.1, 0.2])
    assert EPISODES.observation.dtype == np.float32
    assert EPISODES.action.dtype == np.int64
    assert EPISODES.last.tolist() == [0, 2, 5]
    assert not episodes_from_frame(FRAME, **COLUMNS).terminated.any()


def test_d3rlpy_has_one_row_a_step_and_one_flag_an_episode() -> None:
    arrays = to_d3rlpy(EPISODES)
    assert list(arrays) == ["observations", "actions", "rewards", "terminals", "timeouts"]
    assert {name: (array.shape, str(array.dtype)) for name, array in arrays.items()} == {
        "observations": ((6, 2), "float32"),
        "actions": ((6, 1), "int64"),
        "rewards": ((6, 1), "float32"),
        "terminals": ((6,), "float32"),
        "timeouts": ((6,), "float32"),
    }
    assert arrays["terminals"].tolist() == [0, 0, 0, 0, 0, 1]
    assert arrays["timeouts"].tolist() == [1, 0, 1, 0, 0, 0]
    back = from_d3rlpy(**arrays)
    assert np.array_equal(back.reward, EPISODES.reward.astype(np.float32))
    same(Episodes(back.observation, back.action, EPISODES.reward, back.length, back.terminated), EPISODES)


def test_minari_has_one_more_observation_than_actions() -> None:
    final = np.array([[9.0, 9.0], [8.0, 8.0], [7.0, 7.0]])
    found = to_minari(EPISODES, final_observation=final)
    assert [list(each) for each in found] == [["observations", "actions", "rewards", "terminations", "truncations"]] * 3
    assert [each["observations"].shape for each in found] == [(2, 2), (3, 2), (4, 2)]
    assert [each["actions"].tolist() for each in found] == [[0], [1, 2], [1, 0, 2]]
    assert [each["terminations"].tolist() for each in found] == [[False], [False] * 2, [False, False, True]]
    assert [each["truncations"].tolist() for each in found] == [[True], [False, True], [False] * 3]
    assert found[1]["observations"][-1].tolist() == [8.0, 8.0]
    assert {name: str(array.dtype) for name, array in found[2].items()} == {
        "observations": "float32",
        "actions": "int64",
        "rewards": "float64",
        "terminations": "bool",
        "truncations": "bool",
    }
    back, seen = from_minari(found)
    same(back, EPISODES)
    assert np.array_equal(seen, final.astype(np.float32))


def test_without_a_final_observation_a_log_that_stops_gives_its_last_row_for_it() -> None:
    found = to_minari(EPISODES)
    # user 3 had one visit; user 5 loses the second action; user 7 left, so all three count
    assert [each["rewards"].tolist() for each in found] == [[5.0], [7.0, 7.1, 7.2]]
    assert found[0]["observations"][:, 0] == pytest.approx([5.0, 5.1])
    assert found[0]["truncations"].tolist() == [True]
    assert found[1]["observations"][:, 0] == pytest.approx([0.0, 0.1, 0.2, 0.2])
    assert found[1]["terminations"].tolist() == [False, False, True]


def test_minari_to_d3rlpy_keeps_every_action_beside_what_was_seen_before_it() -> None:
    """d3rlpy 2.8.1's own `get_minari` keeps the final observations: from the second episode on, rows are shifted."""
    episodes = [
        {
            "observations": np.arange(100.0 * k, 100.0 * k + 5)[:, None],
            "actions": np.arange(4) % 2,
            "rewards": np.arange(100.0 * k, 100.0 * k + 4),
            "terminations": np.zeros(4, dtype=bool),
            "truncations": np.arange(4) == 3,
        }
        for k in range(3)
    ]
    arrays = to_d3rlpy(from_minari(episodes)[0])
    assert np.array_equal(arrays["observations"], arrays["rewards"])
    assert np.flatnonzero(arrays["timeouts"]).tolist() == [3, 7, 11]


@given(st.lists(st.tuples(st.integers(1, 5), st.booleans()), min_size=1, max_size=6), st.integers(1, 3), st.booleans())
def test_every_log_survives_the_round_trips(parts: list[tuple[int, bool]], width: int, discrete: bool) -> None:
    rng = np.random.default_rng(len(parts) + width)
    length, ended = np.array([each[0] for each in parts]), np.array([each[1] for each in parts])
    n = int(length.sum())
    action = rng.integers(0, 4, n) if discrete else rng.normal(size=(n, width)).astype(np.float32)
    reward = rng.normal(size=n).astype(np.float32).astype(np.float64)
    log = Episodes(rng.normal(size=(n, width)).astype(np.float32), action, reward, length, ended)
    same(from_d3rlpy(**to_d3rlpy(log)), log)
    final = rng.normal(size=(len(parts), width)).astype(np.float32)
    back, seen = from_minari(to_minari(log, final_observation=final))
    same(back, log)
    assert np.array_equal(seen, final)
    frame = log.frame()
    shuffled = frame.sample(fraction=1.0, shuffle=True, seed=1)
    again = episodes_from_frame(
        shuffled,
        episode="episode",
        order="step",
        observation=[f"observation_{j}" for j in range(width)],
        action="action" if discrete else [f"action_{j}" for j in range(width)],
        reward="reward",
        terminated="terminated",
    )
    same(again, log)


def test_several_columns_and_arrays_are_joined() -> None:
    frame = pl.DataFrame(
        {
            "user": ["b", "a", "b"],
            "session": [1, 1, 0],
            "time": [0.5, 0.1, 0.2],
            "vector": [[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]],
            "flag": [True, False, True],
            "price": [9.5, 1.5, 2.5],
            "r": [1, 0, 1],
        }
    )
    for kind in (pl.List(pl.Float64), pl.Array(pl.Float64, 2)):
        log = episodes_from_frame(
            frame.with_columns(pl.col("vector").cast(kind)),
            episode=["user", "session"],
            order="time",
            observation=["vector", "flag"],
            action="price",
            reward="r",
        )
        assert log.length.tolist() == [1, 1, 1]
        assert log.observation.tolist() == [[3, 4, 0], [5, 6, 1], [1, 2, 1]]
        assert log.action.tolist() == [[1.5], [2.5], [9.5]]
        assert log.action.dtype == np.float32
        assert log.reward.tolist() == [0, 1, 1]


@pytest.mark.parametrize(
    ("frame", "change", "said"),
    [
        (FRAME, {"action": "itm"}, "the frame has no column 'itm'; did you mean 'item'"),
        (FRAME, {"episode": ["user", "sesion"]}, "the frame has no column 'sesion'"),
        (FRAME.with_columns(visit=pl.lit(0)), {}, "column 'visit' is 0 twice in the episode of user 5"),
        (FRAME.with_columns(x=pl.lit(None)), {}, "column 'x' has no value in row 0"),
        (FRAME.with_columns(x=pl.lit(float("nan"))), {}, r"column 'x' is \[nan\] in sorted row 0; must be finite"),
        (FRAME.with_columns(x=pl.lit("a")), {}, "column 'x' must hold numbers, got String"),
        (FRAME.with_columns(item=pl.lit("a")), {}, "column 'item' must hold numbers, got String"),
        (FRAME.with_columns(item=pl.lit(-1)), {}, "column 'item' is -1; discrete actions count from 0"),
        (FRAME.with_columns(left=pl.lit(1)), {}, "column 'left' must be Boolean, got Int32"),
        (
            FRAME.with_columns(left=pl.lit(True)),
            {},
            "column 'left' is true in sorted row 1, which is not its episode's last",
        ),
        (FRAME.clear(), {}, "the frame has no rows"),
        (FRAME.with_columns(x=pl.Series([[1.0], [1.0, 2.0]] * 3)), {}, "holds lists of 1 to 2 numbers"),
    ],
)
def test_bad_frames_are_refused(frame: pl.DataFrame, change: dict[str, Any], said: str) -> None:
    with pytest.raises(InputError, match=said) as caught:
        episodes_from_frame(frame, **{**COLUMNS, "terminated": "left", **change})
    assert "\n" not in str(caught.value)


def test_bad_arrays_are_refused() -> None:
    arrays = to_d3rlpy(EPISODES)
    with pytest.raises(InputError, match="terminals and timeouts are both set in row 5"):
        from_d3rlpy(**{**arrays, "timeouts": np.ones(6)})
    # d3rlpy drops these rows without a word
    with pytest.raises(InputError, match="the last 3 of 6 rows belong to no finished episode"):
        from_d3rlpy(**{**arrays, "terminals": np.zeros(6)})
    with pytest.raises(InputError, match="the last 6 of 6 rows"):
        from_d3rlpy(**{**arrays, "terminals": np.zeros(6), "timeouts": np.zeros(6)})
    with pytest.raises(InputError, match="timeouts has 5 rows; observations has 6"):
        from_d3rlpy(**{**arrays, "timeouts": np.zeros(5)})
    with pytest.raises(InputError, match="all need one row a step"):
        from_d3rlpy(**{**arrays, "rewards": np.zeros(5)})
    one = to_minari(EPISODES)[1]
    for change, said in (
        ({"observations": one["observations"][:-1]}, "episode 0: observations has 3 rows; must have 4"),
        ({"truncations": np.array([True, False, False])}, "episode 0 is over in step 0 of 3, before its last step"),
        ({"observations": {"x": np.zeros(4)}}, "episode 0: observations must be one array, got dict"),
        ({"actions": None}, "episode 0: actions must be one array, got NoneType"),
        ({key: one[key][:0] for key in ("actions", "rewards", "terminations", "truncations")}, "at least 1 step"),
    ):
        with pytest.raises(InputError, match=said):
            from_minari([{**one, **change}])
    with pytest.raises(InputError, match="there are no episodes"):
        from_minari([])
    with pytest.raises(InputError, match=r"final_observation has shape \(2, 2\); must be \[3, 2\]"):
        to_minari(EPISODES, final_observation=np.zeros((2, 2)))
