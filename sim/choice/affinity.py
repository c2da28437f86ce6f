"""How much an item is a user's kind of thing."""

from driftline.sim.item_numbers import ItemNumbers
from driftline.sim.kernel import kernel
from driftline.sim.types import Float32s


@kernel
def affinity(theta: Float32s, items: ItemNumbers, item: int) -> float:
    """theta . m of one item: float32 products, summed in float64 in topic order. Click utility adds `appeal[item]`."""
    total = 0.0
    for t in range(items.topic.shape[1]):
        total += theta[items.topic[item, t]] * items.weight[item, t]
    return total
