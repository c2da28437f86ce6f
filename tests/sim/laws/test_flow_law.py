"""Flow against powers of its transition matrix."""

import numpy as np
import pytest
from law_days import SEED, homes, live

from driftline.sim.laws import Flow
from driftline.sim.types import Floats


def softmax(logits: Floats) -> Floats:
    weights = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return np.asarray(weights / weights.sum(axis=-1, keepdims=True))


def transition(law: Flow, topics: int) -> Floats:
    return np.asarray((1 - law.rate) * np.eye(topics) + law.rate * law.shared(topics, SEED))


@pytest.mark.parametrize("days", [1, 7, 40])
def test_without_hold_the_component_is_the_log_ratio_of_the_chain_in_closed_form(days: int) -> None:
    law, home = Flow(rate=0.08, hold=False), homes(200, 16)
    path, changes = live(law, home, days)
    start = softmax(home)
    now = start @ np.linalg.matrix_power(transition(law, 16), days)
    ratio = np.log(now) - np.log(start)
    wanted = ratio - ratio.mean(axis=1, keepdims=True)
    np.testing.assert_allclose(path[days], wanted, atol=2e-5)
    np.testing.assert_allclose(path[days].mean(axis=1), 0.0, atol=1e-6)
    assert not changes.any()


def test_mass_is_conserved_and_home_plus_component_is_the_distribution_of_the_chain() -> None:
    law, home = Flow(rate=0.08, hold=False), homes(200, 16)
    path, _ = live(law, home, 20)
    now = softmax(home) @ np.linalg.matrix_power(transition(law, 16), 20)
    np.testing.assert_allclose(now.sum(axis=1), 1.0, rtol=1e-12)
    np.testing.assert_allclose(softmax(home + path[20]), now, rtol=5e-5)


def test_hold_keeps_the_spread_and_the_direction_of_the_first_day() -> None:
    law, home = Flow(rate=0.05), homes(200, 16)
    path, _ = live(law, home, 30)
    spread = (home + path).std(axis=2)
    np.testing.assert_allclose(spread, np.tile(home.std(axis=1), (31, 1)), rtol=1e-5)
    free = np.log(softmax(home) @ transition(law, 16))
    held = home + path[1]
    for one, other in zip(free, held, strict=True):
        assert np.corrcoef(one, other)[0, 1] > 1 - 1e-9


def test_without_hold_interest_flattens_towards_the_stationary_distribution() -> None:
    home = homes(100, 8)
    path, _ = live(Flow(rate=0.5, hold=False), home, 60)
    # The ring and the side branch are permutations, so the uniform distribution is stationary.
    assert softmax(home + path[60]).std() < 0.05 * softmax(home).std()


@pytest.mark.parametrize("branch", [0.0, 0.2, 1.0])
def test_the_graph_sends_all_mass_on(branch: float) -> None:
    graph = Flow(rate=0.1, branch=branch).shared(9, 3)
    assert graph.min() >= 0.0
    np.testing.assert_allclose(graph.sum(axis=1), 1.0, rtol=1e-12)


def test_the_graph_without_branches_is_one_ring_through_all_topics() -> None:
    graph = Flow(rate=0.1, branch=0.0).shared(9, 3)
    place, seen = 0, []
    for _ in range(9):
        seen.append(place)
        assert graph[place].max() == 1.0
        place = int(graph[place].argmax())
    assert place == 0
    assert sorted(seen) == list(range(9))
    assert (graph != Flow(rate=0.1, branch=0.0).shared(9, 4)).any()


@pytest.mark.xfail(strict=True, reason="the further topic may be the ring's successor or the topic itself")
def test_every_topic_has_a_branch_beside_the_ring() -> None:
    for seed in range(8):
        graph = Flow(rate=0.1, branch=0.2).shared(8, seed)
        assert ((graph > 0.0).sum(axis=1) == 2).all()
        assert (np.diag(graph) == 0.0).all()
