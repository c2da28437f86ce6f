"""One visit at a time: what `World.respond` will say to a slate, found at once and without moving the world.

Noise is keyed and the users of a round touch nothing of one another, so the response to one slate can be told before
the slates of the rest of the round are known. The world's own `respond` then comes to the same.
"""

import numpy as np

from driftline.sim.choice.numbers import ChoiceNumbers
from driftline.sim.item_numbers import ItemNumbers
from driftline.sim.kernel import kernel
from driftline.sim.reward import REWARDS, realised_rewards
from driftline.sim.step import CommentNumbers, ResponseNumbers, respond
from driftline.sim.types import Float32s, Floats, Int32s, Int64s
from driftline.sim.world import World

CHOICE, DWELLED, RATING, REWARD, COLUMNS = 0, 1, 2, 3, 4
"""Columns of an answer."""


class SingleVisits:
    """Answers the visits of a world's present round, any of them, in any order."""

    def __init__(self, world: World) -> None:
        base = world.base
        self._numbers: tuple[
            Float32s, ItemNumbers, ChoiceNumbers, ResponseNumbers, CommentNumbers, int, int, tuple[int, int, int], int
        ] = (
            world.theta,
            base.item_numbers,
            base.choice,
            base.numbers,
            base.comments,
            world.round.day,
            base.seed,
            base.streams,
            REWARDS.index(world.params.reward),
        )

    def answer(
        self, users: Int64s, visits: Int32s, candidates: Int32s, positions: Int64s, slates: Int32s, answers: Floats
    ) -> int:
        """Write the slates [m, L] that `positions` [>= m, L] among `candidates` [m, C] mean, and the answers to them.

        answers [m, 4]: position taken (L for nothing), dwell in seconds, rating (0 for none), reward. A position
        that repeats an earlier one is replaced by the first that the slate does not use. Returns -1, or the flat
        place of the first position outside 0 .. C - 1; then nothing was answered.
        """
        fault: int = answer(users, visits, candidates, positions, slates, answers, *self._numbers)
        return fault


@kernel
def place(candidates: Int32s, positions: Int64s, slates: Int32s) -> int:
    """The slates that the positions mean; see `SingleVisits.answer`."""
    count, length = candidates.shape[1], slates.shape[1]
    for i in range(slates.shape[0]):
        named = np.zeros(count, np.bool_)
        shown = np.zeros(count, np.bool_)
        for k in range(length):
            if not 0 <= positions[i, k] < count:
                return int(i * length + k)
            named[positions[i, k]] = True
        free = 0
        for k in range(length):
            position = positions[i, k]
            if shown[position]:
                while named[free]:
                    free += 1
                position = free
                named[position] = True
            shown[position] = True
            slates[i, k] = candidates[i, position]
    return -1


@kernel
def answer(
    users: Int64s,
    visits: Int32s,
    candidates: Int32s,
    positions: Int64s,
    slates: Int32s,
    answers: Floats,
    theta: Float32s,
    items: ItemNumbers,
    choice: ChoiceNumbers,
    numbers: ResponseNumbers,
    comments: CommentNumbers,
    day: int,
    seed: int,
    streams: tuple[int, int, int],
    reward: int,
) -> int:
    """`SingleVisits.answer`, compiled."""
    fault = place(candidates, positions, slates)
    if fault >= 0:
        return fault
    without = np.empty((0, 0), np.float32)
    told = respond(users, visits, slates, theta, items, choice, numbers, comments, day, seed, streams, without)
    rewards = realised_rewards(told, reward)
    for i in range(users.size):
        answers[i, CHOICE] = told.choice[i]
        answers[i, DWELLED] = told.dwell[i]
        answers[i, RATING] = 0.0 if np.isnan(told.rating[i]) else told.rating[i]
        answers[i, REWARD] = rewards[i]
    return -1
