"""Stable-Baselines3's PPO trains on the feed in numbers, with nothing between the two, and beats random."""

from collections.abc import Callable
from typing import Any

import gymnasium
import numpy as np
import pytest

import driftline  # noqa: F401  registers driftline/Feed-v0
from driftline.sim import NumericObservation

TWO_TOPICS: dict[str, Any] = {"groups": {"all": {"spread": 4.0, "laws": {"static": {}}}}}
SETTINGS = {
    "population.users": 200,
    "catalogue.topics": 2,
    "catalogue.items": 200,
    "catalogue.categories": "all",
    "catalogue.quality": 0.2,
    "catalogue.appeal": 0.2,
    "candidates": {"private": 5},
    "slate": 1,
}


def two_topics() -> gymnasium.Env[Any, Any]:
    made = gymnasium.make("driftline/Feed-v0", scenario=TWO_TOPICS, overrides=SETTINGS, text=False)
    return NumericObservation(made)


def mean_reward(seed: int, policy: Callable[[Any], Any]) -> float:
    """Over one whole episode of the world of this seed, about 8,000 visits."""
    env = two_topics()
    seen, _ = env.reset(seed=seed)
    rewards, over = [], False
    while not over:
        seen, reward, _, over, _ = env.step(policy(seen))
        rewards.append(float(reward))
    return float(np.mean(rewards))


def gain(seed: int, steps: int, **numbers: Any) -> tuple[float, float]:
    """Mean reward of PPO after so many steps, and of random slates, in a world in which neither was before."""
    import torch
    from stable_baselines3 import PPO

    torch.set_num_threads(1)
    model = PPO("MultiInputPolicy", two_topics(), seed=seed, device="cpu", **numbers).learn(steps)
    space = two_topics().action_space
    space.seed(seed)
    learnt = mean_reward(1_000 + seed, lambda seen: model.predict(seen, deterministic=True)[0])
    return learnt, mean_reward(1_000 + seed, lambda seen: space.sample())


@pytest.mark.slow
def test_ppo_learns_on_a_two_topic_world_and_beats_random() -> None:
    """A fast form of the five seeds of 100,000 steps with all defaults that the manual reports.

    Visits of different users follow one another, so nothing is discounted: `gamma=0`.
    """
    for seed in (0, 1):
        learnt, random = gain(seed, 15_000, gamma=0.0, n_steps=512, learning_rate=1e-3)
        # Standard errors of a mean over an episode are about .006.
        assert learnt > random + 0.03, (seed, learnt, random)
