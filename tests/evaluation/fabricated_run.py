"""A run folder made up from scratch, in the schema that `driftline.run` writes.

The world is a caricature: interests jump for half of the users and wander a little for all; an agent's belief
trails the truth at a rate of its own, through noise of its own; the value of a slate is its items' mean
attractiveness, so the best slate is known exactly.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl
import yaml
from numpy.typing import NDArray

from driftline.evaluation.run.folder import slug

Reals = NDArray[np.float64]
TOPICS = ("cooking", "cycling", "astronomy", "gardening", "jazz", "chess", "sailing", "pottery")
COMMENTS = ("loved it, read it twice", "nothing new in it", "dull and far too long", "solid, will come back")


@dataclass(frozen=True)
class Follower:
    """How an agent's belief follows: the share of the gap closed per visit, and its noise."""

    rate: float
    noise: float


AGENTS = {
    "full": Follower(0.35, 0.5),
    "moving_average": Follower(0.15, 0.8),
    "popularity": Follower(0.0, 0.1),
    "full[evolution=slow]": Follower(0.1, 0.5),
    "oracle": Follower(1.0, 0.0),
}


@dataclass(frozen=True)
class World:
    """Everything that twins share."""

    users: NDArray[np.int64]
    group: NDArray[np.int8]
    time: Reals
    theta: Reals
    changed: NDArray[np.bool_]
    mixture: Reals
    quality: Reals
    noise: Reals


def fabricate(
    folder: Path,
    agents: Sequence[str] = ("full", "moving_average", "popularity", "oracle"),
    seeds: Sequence[int] = (5, 6, 7),
    users: int = 40,
    visits: int = 40,
    items: int = 60,
    jumps: bool = True,
    probed: int | None = 12,
    domain: str = "news",
) -> Path:
    """Write a run folder and return it. Every third of the users is in group `calm` and never jumps."""
    folder.mkdir(parents=True, exist_ok=True)
    facts = {
        "agents": list(agents),
        "seeds": list(seeds),
        "topics": list(TOPICS),
        "groups": ["jumping", "calm"],
        "scenario": {
            "name": "made_up",
            "version": 1,
            "title": "Interests that jump",
            "expects": "drifting",
            "warmup": 14,
            "horizon": 60,
            "slate": 4,
            "reward": "satisfaction",
            "population": {"users": users},
            "catalogue": {"items": items},
        },
    }
    (folder / "resolved.yaml").write_text(yaml.safe_dump(facts), encoding="utf-8")
    (folder / "versions.json").write_text(json.dumps({"driftline": "0.1", "polars": pl.__version__}))
    for seed in seeds:
        world = _world(seed, users, visits, items, jumps)
        _write_world(folder, seed, world, domain)
        for agent in agents:
            _write_agent(folder, seed, agent, world, users if probed is None else probed)
    return folder


def write(frame: pl.DataFrame, file: Path) -> None:
    """Write Parquet, making the folders."""
    file.parent.mkdir(parents=True, exist_ok=True)
    frame.write_parquet(file)


def array(values: NDArray[np.generic], inner: type[pl.DataType]) -> pl.Series:
    """A two-dimensional array as an Array column."""
    return pl.Series(values, dtype=pl.Array(inner, values.shape[1]))


def _world(seed: int, users: int, visits: int, items: int, jumps: bool) -> World:
    rng = np.random.default_rng(seed)
    k = len(TOPICS)
    group = (np.arange(users) % 3 == 2).astype(np.int8)
    time = np.sort(rng.uniform(14.0, 60.0, (users, visits)), axis=1)
    changed = np.zeros((users, visits), bool)
    if jumps:
        jumpers = np.flatnonzero(group == 0)
        changed[jumpers, rng.integers(visits // 4, visits // 2 + 1, len(jumpers))] = True
    steps = 0.1 * rng.standard_normal((users, visits, k))
    steps[:, 0] = 2.0 * rng.standard_normal((users, k))
    theta = np.cumsum(steps, axis=1)
    fresh = 2.0 * rng.standard_normal((users, k))
    after = np.cumsum(changed, axis=1)[:, :, None] > 0
    theta = np.where(after, fresh[:, None, :] + 0.5 * theta, theta)
    return World(
        users=1000 + 7 * np.arange(users) + 100_000 * seed,
        group=group,
        time=time,
        theta=theta,
        changed=changed,
        mixture=rng.dirichlet(np.full(k, 0.3), items),
        quality=0.6 * rng.standard_normal(items),
        noise=rng.standard_normal((users, visits)),
    )


def _write_world(folder: Path, seed: int, world: World, domain: str) -> None:
    n = len(world.quality)
    item = pl.Series("item", np.arange(n), dtype=pl.Int32)
    main = world.mixture.argmax(axis=1)
    titles = [f"{TOPICS[topic]} & more: story {number}" for number, topic in enumerate(main)]
    codes = pl.Series("code", np.arange(n + len(COMMENTS)), dtype=pl.Int32)
    write(pl.DataFrame({"code": codes, "text": [*titles, *COMMENTS]}), folder / f"log/segments-{seed}.parquet")
    known = {"item": item, "text": item, "domain": [domain] * n, "price": [0.0] * n, "born": [0.0] * n}
    write(pl.DataFrame({**known, "category": main.astype(np.int32)}), folder / f"log/items-{seed}.parquet")
    true = {
        "item": item,
        "mixture": array(world.mixture, pl.Float32),
        "quality": world.quality.astype(np.float32),
        "appeal": np.zeros(n, np.float32),
        "born": np.zeros(n),
        "retired": np.full(n, np.inf),
    }
    write(pl.DataFrame(true), folder / f"truth/items-{seed}.parquet")
    write(pl.DataFrame({"item": item.head(min(64, n))}), folder / f"truth/probes-{seed}.parquet")
    write(pl.DataFrame({"user": world.users, "group": world.group}), folder / f"truth/users-{seed}.parquet")


def _belief(agent: str, seed: int, world: World) -> Reals:
    follower = AGENTS[agent]
    rng = np.random.default_rng([seed, len(agent)])
    belief = np.empty_like(world.theta)
    now = np.zeros(world.theta[:, 0].shape)
    for visit in range(world.theta.shape[1]):
        now = now + follower.rate * (world.theta[:, visit] - now)
        belief[:, visit] = now
    return belief + follower.noise * rng.standard_normal(belief.shape)


def _write_agent(folder: Path, seed: int, agent: str, world: World, probed: int) -> None:
    users, visits, k = world.theta.shape
    utility = np.einsum("uvk,ik->uvi", world.theta, world.mixture) + world.quality
    belief = _belief(agent, seed, world)
    scores = np.einsum("uvk,ik->uvi", belief, world.mixture)
    ranked = scores + world.quality if agent == "oracle" else scores
    slate = np.argsort(-ranked, axis=2, kind="stable")[:, :, :4]
    shown = np.take_along_axis(utility, slate, axis=2)
    best = np.sort(utility, axis=2)[:, :, -4:].mean(axis=2)
    in_space = np.take_along_axis(
        utility, np.argsort(-(utility - world.quality), axis=2, kind="stable")[:, :, :4], axis=2
    ).mean(axis=2)
    value = shown.mean(axis=2)
    takes = world.noise + shown.max(axis=2) > 0.0
    choice = np.where(takes, shown.argmax(axis=2), 4).astype(np.int8)
    reward = np.where(takes, np.tanh(value / 2 + 0.5 * world.noise), 0.0)
    rated = takes & (np.abs(world.noise) > 1.8)
    who = np.repeat(world.users, visits)
    key: dict[str, NDArray[np.generic]] = {
        "user": who,
        "visit": np.tile(np.arange(visits, dtype=np.int32), users),
        "time": world.time.ravel(),
    }
    log = folder / "log" / slug(agent) / str(seed)
    truth = folder / "truth" / slug(agent) / str(seed)
    items = slate.reshape(-1, 4).astype(np.int32)
    rating = pl.Series(np.where(rated, np.round(3 + 2 * reward), np.nan).ravel(), dtype=pl.Float32)
    seen = {"items": array(items, pl.Int32), "choice": choice.ravel(), "rating": rating.fill_nan(None)}
    write(pl.DataFrame({**key, **seen}), log / "visits.parquet")
    taken = takes.ravel()
    item = items[np.arange(len(items)), np.minimum(choice.ravel(), 3)][taken]
    mood = np.where(reward > 0.3, 0, np.where(reward < -0.3, 2, 1)).ravel()[taken]
    wrote = (np.arange(len(item)) % 3 == 0) | (np.abs(world.noise.ravel()[taken]) > 1.5)
    did = {
        "user": key["user"][taken],
        "time": key["time"][taken],
        "kind": np.zeros(len(item), np.int8),
        "item": item,
        "about": item,
        "expressed": np.where(wrote, len(world.quality) + mood, -1).astype(np.int32),
    }
    write(pl.DataFrame(did), log / "behaviors.parquet")
    some = np.arange(users * visits) < probed * visits
    probes = scores[:, :, : min(64, len(world.quality))].reshape(users * visits, -1)
    asked = {name: column[some] for name, column in key.items()}
    write(pl.DataFrame({**asked, "scores": array(probes[some], pl.Float32)}), log / "scores.parquet")
    cost = {
        "act_p50": 0.002,
        "act_p99": 0.009,
        "peak_memory": 3e8,
        "wall": 60.0,
        "cpu": 59.0,
        "visits": users * visits,
    }
    (log / "timing.json").write_text(json.dumps(cost), encoding="utf-8")
    state = {
        "group": np.repeat(world.group, visits),
        "interest_before": array(world.theta.reshape(-1, k), pl.Float32),
        "change_point": world.changed.ravel(),
        "satisfaction": reward.ravel().astype(np.float32),
        "reward": reward.ravel().astype(np.float32),
    }
    write(pl.DataFrame({**key, **state}), truth / "visits.parquet")
    space = pl.Series(in_space.ravel(), dtype=pl.Float32)
    values = {
        "user": key["user"],
        "visit": key["visit"],
        "value_shown": value.ravel(),
        "value_best": best.ravel().astype(np.float32),
        "value_best_in_space": pl.Series([None] * len(space), dtype=pl.Float32) if agent == "popularity" else space,
        "bound": np.zeros(len(space), bool),
    }
    write(pl.DataFrame(values), truth / "values.parquet")
