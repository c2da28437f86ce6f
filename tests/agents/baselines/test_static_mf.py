"""Static factors rank by the warm-up's clicks and never change."""

from dataclasses import replace

import numpy as np
from small_shop import ITEMS, KINDS, SHOP, SLATE, TEXTS, items, liked, observation, random_slates, respond, users

from driftline.agents.baselines.static_mf import StaticMf
from driftline.sim.types import Feedback, Interactions, Setting

ALL = np.arange(ITEMS, dtype=np.int32)


def ready(shop: Setting = SHOP) -> StaticMf:
    agent = StaticMf(factors=8)
    agent.reset(shop)
    return agent


def no_log() -> Feedback:
    log = SHOP.feedback
    return Feedback(*(getattr(log, name)[:0] for name in Feedback.__dataclass_fields__))


def test_it_shows_what_people_alike_took() -> None:
    shown = ready().act(observation(users(), 9, 14.0)).items
    assert shown.shape == (len(users()), SLATE)
    assert (shown % KINDS == liked(users())[:, None]).mean() > 0.8  # by chance: a third


def test_nothing_is_learned_after_the_warm_up() -> None:
    agent, rng = ready(), np.random.default_rng(0)
    before = agent.act(observation(users(), 9, 14.0)).items
    for day in (14.0, 14.25, 14.5):
        agent.learn(respond(users(), 9, np.full(len(users()), day), random_slates(rng, len(users())), rng))
        assert list(agent.tick(day)) == []
    np.testing.assert_array_equal(agent.act(observation(users(), 10, 15.0)).items, before)


def test_somebody_new_is_taken_for_the_mean_user() -> None:
    agent = ready()
    new = agent.score(np.array([1, 2]), ALL)
    np.testing.assert_allclose(new[0], agent.score(users(), ALL).mean(axis=0), atol=1e-5)
    np.testing.assert_array_equal(new[0], new[1])


def test_an_item_born_later_scores_nothing() -> None:
    scores = ready().score(users(), np.array([ITEMS + 9, 0], np.int32))
    np.testing.assert_array_equal(scores[:, 0], 0.0)
    assert (scores[:, 1] != 0.0).any()


def test_private_and_shared_items_score_alike() -> None:
    agent, who = ready(), users()[:3]
    private = np.repeat(ALL[None, ::-1], 3, axis=0).copy()
    np.testing.assert_array_equal(agent.score(who, private), agent.score(who, ALL)[:, ::-1])


def test_without_any_click_the_order_is_keyed() -> None:
    shops = [replace(SHOP, feedback=no_log(), seed=seed) for seed in (1, 1, 2)]
    shown = [ready(shop).act(observation(users()[:4], 0, 14.0)).items for shop in shops]
    np.testing.assert_array_equal(shown[0], shown[1])
    assert (shown[0] == shown[0][0]).all()
    assert not np.array_equal(shown[0], shown[2])
    np.testing.assert_array_equal(ready(shops[0]).score(users(), ALL), 0.0)


def test_the_past_before_the_run_counts() -> None:
    rng = np.random.default_rng(2)
    taken = rng.integers(0, ITEMS // KINDS, (len(users()), 6)) * KINDS + liked(users())[:, None]
    n = taken.size
    past = Interactions(
        np.repeat(users(), 6), taken.ravel().astype(np.int32), np.linspace(-9, -1, n), np.full(n, 5.0, np.float32)
    )
    shown = ready(replace(SHOP, feedback=no_log(), past=past)).act(observation(users(), 0, 14.0)).items
    assert (shown % KINDS == liked(users())[:, None]).mean() > 0.9
    assert len(TEXTS) > len(items())
