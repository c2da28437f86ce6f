"""Flow: interest mass moves a little each day along a directed topic graph shared by all users."""

from math import exp, log, sqrt

import numpy as np

from driftline.sim import keyed
from driftline.sim.kernel import kernel
from driftline.sim.laws._base import Law, Today
from driftline.sim.types import Floats, Share


class Flow(Law):
    """The drift that can be predicted: p(t) = p(0) P^t with p(0) = softmax(home), P = (1 - rate) I + rate G.

    The component is log p(t) - log p(0), centred over topics each day, so that static + flow has interest
    distribution p(t). G is a directed ring through all topics in a keyed order, with `branch` of each topic's
    outflow going to one further keyed topic. With `hold` the logits are rescaled each day to the
    spread they started with; without it p(t) flattens as the chain mixes.

    rate: share of the mass that moves each day.
    """

    rate: Share
    branch: Share = 0.2
    hold: bool = True
    noisy = False
    rates = ("rate",)

    def shared(self, topics: int, seed: int) -> Floats:
        """G [K, K], rows sum to 1."""
        ring = keyed.order(seed, keyed.Stream.FLOW_GRAPH, topics)
        side = keyed.order(seed, keyed.Stream.FLOW_GRAPH, topics, 1)
        graph = np.zeros((topics, topics))
        np.add.at(graph, (ring, np.roll(ring, -1)), 1.0 - self.branch)
        np.add.at(graph, (ring, side), self.branch)
        return graph

    @staticmethod
    @kernel
    def advance(component: Floats, today: Today, params: "Flow") -> bool:
        """One day of one user's component [K]."""
        topics = component.size
        home = today.home
        centre = 0.0
        top = -np.inf
        for k in range(topics):
            centre += home[k] / topics
            top = max(top, home[k] + component[k])
        p = np.empty(topics)
        total = 0.0
        for k in range(topics):
            p[k] = exp(home[k] + component[k] - top)
            total += p[k]
        moved = np.empty(topics)
        for k in range(topics):
            moved[k] = (1.0 - params.rate) * p[k]
            for j in range(topics):
                moved[k] += params.rate * p[j] * today.shared[j, k]
            moved[k] = log(moved[k] / total)
        mean = 0.0
        for k in range(topics):
            mean += moved[k] / topics
        scale = 1.0
        if params.hold:
            before = 0.0
            after = 0.0
            for k in range(topics):
                before += (home[k] - centre) ** 2
                after += (moved[k] - mean) ** 2
            scale = sqrt(before / after) if after > 0.0 else 1.0
        for k in range(topics):
            component[k] = scale * (moved[k] - mean) - (home[k] - centre)
        return False
