"""Which items may be shown: one shared keyed sample a tick, or a private keyed sample a visit."""

import numpy as np

from driftline.sim import keyed
from driftline.sim.kernel import kernel
from driftline.sim.keyed import Stream, open_unit, philox
from driftline.sim.types import Bools, Int32s, Int64s


def shared_candidates(shelf: Int32s, count: int, tick: int, seed: int) -> Int32s:
    """`count` of the live items, keyed by the tick, in ascending order; all of them if there are fewer."""
    if count >= shelf.size:
        return np.sort(shelf)
    picked = keyed.order(seed, Stream.CANDIDATES, shelf.size, tick)[:count]
    return np.sort(shelf[picked])


@kernel
def private_candidates(users: Int64s, visits: Int32s, shelf: Int32s, count: int, seed: int, stream: int) -> Int32s:
    """`count` of the live items for each (user, visit) [n, count].

    Stratified: the shelf is cut into `count` even strips and one keyed item is taken from each, so items are distinct
    without any bookkeeping; slots are exchangeable, so every live item is equally likely up to rounding.
    """
    n, live = users.size, shelf.size
    out = np.empty((n, min(count, live)), np.int32)
    edges = np.arange(out.shape[1] + 1) * live // out.shape[1]
    for i in range(n):
        for block in range((out.shape[1] + 3) // 4):
            words = philox(users[i], visits[i], block, 1, seed, stream)
            for j in range(4):
                k = 4 * block + j
                if k < out.shape[1]:
                    out[i, k] = shelf[edges[k] + int(open_unit(words[j]) * (edges[k + 1] - edges[k]))]
    return out


@kernel
def random_slates(
    users: Int64s, visits: Int32s, candidates: Int32s, shared: bool, length: int, seed: int, stream: int
) -> Int32s:
    """A uniformly random ordered slate for each (user, visit): the warm-up's policy. Candidates [n or 1, C]."""
    n, m = users.size, candidates.shape[1]
    out = np.empty((n, length), np.int32)
    pool = np.empty(m, np.int32)
    for i in range(n):
        pool[:] = candidates[0 if shared else i]
        for k in range(length):
            word = philox(users[i], visits[i], k, 0, seed, stream)[0]
            at = k + int(open_unit(word) * (m - k))
            pool[k], pool[at] = pool[at], pool[k]
            out[i, k] = pool[k]
    return out


@kernel
def first_fault(slates: Int32s, candidates: Int32s, shared: bool, marks: Bools) -> tuple[int, int, int]:
    """(row, position, fault) of the first bad item: 1 not a candidate, 2 repeated; (-1, -1, 0) if all is well.

    marks: scratch of one flag per item, all False, left all False.
    """
    n, length = slates.shape
    found = (-1, -1, 0)
    if shared:
        for item in candidates[0]:
            marks[item] = True
    for i in range(n):
        for k in range(length):
            item = slates[i, k]
            known = 0 <= item < marks.size
            if known and shared:
                known = marks[item]
            elif known:
                # Looking at all of them vectorises; stopping at the first would not.
                equal = 0
                for j in range(candidates.shape[1]):
                    equal += candidates[i, j] == item
                known = equal > 0
            if not known:
                found = (i, k, 1)
                break
            for j in range(k):
                if slates[i, j] == item:
                    found = (i, k, 2)
                    break
            if found[2] > 0:
                break
        if found[2] > 0:
            break
    if shared:
        for item in candidates[0]:
            marks[item] = False
    return found
