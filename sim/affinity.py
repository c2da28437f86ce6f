"""How much an item is a user's kind of thing: items' latent side as compiled code reads it."""

from typing import NamedTuple

import numpy as np

from driftline.sim.kernel import kernel
from driftline.sim.types import Float32s, Int32s


class ItemNumbers(NamedTuple):
    """Items by id. Most items have few topics, and a step reads nothing else as often."""

    mixture: Float32s
    """Topic mixture [I, K]."""
    topic: Int32s
    """The topics in which an item has a share, ascending, then padding [I, T]; T is the longest list."""
    weight: Float32s
    """Their shares, 0 for padding [I, T]."""
    quality: Float32s
    appeal: Float32s


def item_numbers(mixture: Float32s, quality: Float32s, appeal: Float32s) -> ItemNumbers:
    """Lists of topics from dense mixtures [I, K]: sums over a list equal sums over all topics to the last bit."""
    present = mixture != 0.0
    longest = max(1, int(present.sum(axis=1).max(initial=0)))
    # A stable sort of "absent" puts the topics that an item has first, in ascending order.
    topic = np.argsort(~present, axis=1, kind="stable")[:, :longest].astype(np.int32)
    weight = np.take_along_axis(mixture, topic, axis=1)
    return ItemNumbers(mixture, np.ascontiguousarray(topic), np.ascontiguousarray(weight), quality, appeal)


@kernel
def affinity(theta: Float32s, items: ItemNumbers, item: int) -> float:
    """theta . m of one item: float32 products, summed in float64 in topic order. Click utility adds `appeal[item]`."""
    total = 0.0
    for t in range(items.topic.shape[1]):
        total += theta[items.topic[item, t]] * items.weight[item, t]
    return total
