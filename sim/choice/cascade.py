"""The cascade (Craswell et al. 2008, with a chance to give up): the user reads from the top and takes what it meets.

At each position it takes the item with its attraction a = 1 / (1 + e^(b - u)) and leaves; if it does not, it goes on to
the next position with chance g, the persistence. P(position k) = g^k a_k prod_{j<k} (1 - a_j).

Of two neighbours the one with the larger a r / (1 - g (1 - a)) belongs first, whatever follows them (exchange them and
compare: the rest of the slate cancels). So the best slate is sorted by that index, and which L items to take is a
dynamic programme over the sorted items: V(i, l) = max(V(i + 1, l), a_i r_i + g (1 - a_i) V(i + 1, l - 1)).
"""

from typing import Annotated

import numpy as np
from pydantic import Field

from driftline.sim.affinity import ItemNumbers, affinity
from driftline.sim.choice._base import NOTHING, ChoiceModel, Taken, attraction, nothing_taken
from driftline.sim.kernel import kernel
from driftline.sim.keyed import open_unit, philox
from driftline.sim.types import Float32s, Floats, Int32s, Int64s, Utility


@kernel
def _probabilities(utilities: Floats, params: "Cascade", out: Floats) -> None:
    reached = 1.0
    nothing = 1.0
    for k in range(utilities.size):
        taken = attraction(utilities[k], params.outside)
        out[k] = reached * taken
        nothing -= out[k]
        reached *= params.persistence * (1.0 - taken)
    out[utilities.size] = max(nothing, 0.0)


class Cascade(ChoiceModel):
    """It reads from the top and takes the first item that attracts it.

    outside: utility of taking nothing. persistence: chance to go on to the next position after an item not taken.
    """

    outside: Utility = 2.5
    persistence: Annotated[float, Field(ge=0.0, lt=1.0)] = 0.9
    monotone = True
    probabilities = staticmethod(_probabilities)

    @staticmethod
    @kernel
    def take(
        users: Int64s,
        visits: Int32s,
        slates: Int32s,
        theta: Float32s,
        items: ItemNumbers,
        params: "Cascade",
        seed: int,
        stream: int,
        chances: Float32s,
    ) -> Taken:
        """See `Take`. One number says how far a visit reads, one an item if it takes it."""
        n, length = slates.shape
        taken = nothing_taken(n, length)
        utilities, shares = np.empty(length), np.empty(length + 1)
        for i in range(n):
            user, visit = users[i], visits[i]
            patience = open_unit(philox(user, visit, NOTHING, 0, seed, stream)[0])
            reach = 1.0
            for k in range(length):
                item = slates[i, k]
                liking = affinity(theta[user], items, item)
                utilities[k] = liking + float(items.appeal[item])
                if taken.position[i] == length and patience < reach:
                    w0, w1, w2, _ = philox(user, visit, item, 0, seed, stream)
                    if open_unit(w0) < attraction(utilities[k], params.outside):
                        taken.position[i], taken.match[i], taken.words[i, 0], taken.words[i, 1] = k, liking, w1, w2
                reach *= params.persistence
            if chances.shape[0] > 0:
                _probabilities(utilities, params, shares)
                chances[i] = shares
        return taken

    @staticmethod
    @kernel
    def best(utilities: Floats, rewards: Floats, params: "Cascade", out: Int32s) -> None:
        """The dynamic programme above."""
        m, length = utilities.size, out.size
        gain, stay, index = np.empty(m), np.empty(m), np.empty(m)
        for i in range(m):
            taken = attraction(utilities[i], params.outside)
            gain[i] = taken * rewards[i]
            stay[i] = params.persistence * (1.0 - taken)
            # An item that is never taken and never left for good (a = 0, g = 1) may stand anywhere.
            index[i] = gain[i] / max(1.0 - stay[i], 1e-300)
        order = np.argsort(-index, kind="mergesort")
        takes = np.zeros((m, length + 1), np.bool_)
        value = np.full(length + 1, -np.inf)
        value[0] = 0.0
        for at in range(m - 1, -1, -1):
            i = order[at]
            # From the longest down: value[l - 1] must still be that of the items after this one.
            for left in range(length, 0, -1):
                with_it = gain[i] + stay[i] * value[left - 1]
                if value[left - 1] > -np.inf and with_it >= value[left]:
                    value[left] = with_it
                    takes[at, left] = True
        left = length
        for at in range(m):
            if left > 0 and takes[at, left]:
                out[length - left] = order[at]
                left -= 1
