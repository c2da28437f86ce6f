"""A shop whose truth is known: logs of decisions, of slates and of an experiment, as a user would have them."""

import numpy as np
import polars as pl

from driftline.sim.types import Floats

ITEMS = ("hat", "mug", "pen", "shoe")
COLUMNS = {"reward": "clicked", "action": "item", "pscore": "prob", "user": "uid"}
CONTEXT = ("age", "device")
POLICY = """
import polars as pl


def policy(log: pl.DataFrame) -> pl.DataFrame:
    phone = (log["device"] == "phone").cast(pl.Float64)
    return pl.DataFrame({"hat": 0.1 + 0.5 * phone, "mug": 0.5 - 0.4 * phone, "pen": 0.2, "shoe": 0.2 - 0.1 * phone})
"""
"""As a file `shop.py`; the second phrase of `wanted`."""


def worth(log: pl.DataFrame) -> Floats:
    """Chance of a click [n, 4]."""
    phone = (log["device"] == "phone").to_numpy().astype(float)
    age = log["age"].to_numpy()
    return np.stack([0.2 + 0.3 * phone, np.full(len(age), 0.3), 0.1 + 0.005 * (age - 18), np.full(len(age), 0.15)], 1)


def wanted(log: pl.DataFrame) -> Floats:
    """The target policy [n, 4]."""
    phone = (log["device"] == "phone").to_numpy().astype(float)
    one = np.ones(len(phone))
    return np.stack([0.1 + 0.5 * phone, 0.5 - 0.4 * phone, 0.2 * one, 0.2 - 0.1 * phone], 1)


def decisions(n: int = 2000, users: int = 400, seed: int = 0) -> pl.DataFrame:
    """A log of single decisions: uid, age, device, item, prob, clicked, day."""
    rng = np.random.default_rng(seed)
    frame = pl.DataFrame(
        {
            "uid": [f"u{k}" for k in rng.integers(0, users, n)],
            "age": rng.integers(18, 70, n),
            "device": rng.choice(["phone", "desk"], n),
            "day": np.sort(rng.random(n)) * 30.0,
        }
    )
    chance = rng.dirichlet(np.full(4, 6.0), n)
    item = (chance.cumsum(axis=1) < rng.random((n, 1))).sum(axis=1)
    at = np.arange(n)
    clicked = (rng.random(n) < worth(frame)[at, item]).astype(int)
    return frame.with_columns(
        item=pl.Series([ITEMS[k] for k in item]), prob=pl.Series(chance[at, item]), clicked=pl.Series(clicked)
    )


def truth(log: pl.DataFrame) -> float:
    """What the target policy is worth on these contexts."""
    return float((wanted(log) * worth(log)).sum(axis=1).mean())


def slates(n: int = 1500, length: int = 3, seed: int = 0) -> pl.DataFrame:
    """Slates of independent positions, from 1: item 0 or 1; the target takes 1 with .8, the log with .5."""
    rng = np.random.default_rng(seed)
    item = rng.integers(0, 2, (n, length))
    reward = (rng.random((n, length)) < 0.2 + 0.4 * item).astype(int)
    target = np.where(item == 1, 0.8, 0.2)
    logged = np.full((n, length), 0.5)
    return pl.DataFrame(
        {
            "request": np.repeat(np.arange(n), length),
            "pos": np.tile(np.arange(1, length + 1), n),
            "item": item.ravel(),
            "clicked": reward.ravel(),
            "p_item": logged.ravel(),
            "p_down": logged.cumprod(axis=1).ravel(),
            "p_slate": np.repeat(logged.prod(axis=1), length),
            "t_item": target.ravel(),
            "t_down": target.cumprod(axis=1).ravel(),
            "t_slate": np.repeat(target.prod(axis=1), length),
        }
    ).sample(fraction=1.0, shuffle=True, seed=seed)


def trial(users: int = 800, arms: tuple[str, ...] = ("A", "B"), seed: int = 0) -> pl.DataFrame:
    """An experiment's log: one to four rows a user, in any order; uid, variant, pre, revenue, visits."""
    rng = np.random.default_rng(seed)
    arm = rng.integers(0, len(arms), users)
    pre = rng.gamma(2.0, 10.0, users).round(2)
    rows = [
        (
            f"u{k}",
            arms[arm[k]],
            pre[k],
            round(0.2 * pre[k] + rng.normal(0, 3) + 0.5 * arm[k], 2),
            int(rng.integers(1, 6)),
        )
        for k in range(users)
        for _ in range(rng.integers(1, 5))
    ]
    frame = pl.DataFrame(rows, ["uid", "variant", "pre", "revenue", "visits"], orient="row")
    return frame.sample(fraction=1.0, shuffle=True, seed=seed)
