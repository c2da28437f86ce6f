"""How a world moves its users' interests: start, catch up by the calendar, react to what was taken."""

from math import isfinite

import numpy as np

from driftline.sim.errors import InputError
from driftline.sim.kernel import kernel
from driftline.sim.laws._loops import consume_loop, daily_loop, start_loop
from driftline.sim.model import WorldModel
from driftline.sim.response import Responses
from driftline.sim.state import Population
from driftline.sim.types import Float32s, Int64s


@kernel
def add_up(components: Float32s, theta: Float32s, users: Int64s) -> int:
    """theta[u] = sum over laws of components[u], in the laws' order. The last user whose sum is not finite, or -1."""
    odd = -1
    laws, topics = components.shape[1], components.shape[2]
    total = np.empty(topics)
    for user in users:
        total[:] = 0.0
        for law in range(laws):
            for k in range(topics):
                total[k] += float(components[user, law, k])
        for k in range(topics):
            theta[user, k] = total[k]
            if not isfinite(theta[user, k]):
                odd = user
    return odd


def _add_up(model: WorldModel, state: Population, users: Int64s) -> None:
    """Raises `InputError` for an interest that is not finite; names the law."""
    odd = add_up(state.components, state.theta, users)
    if odd >= 0:
        # NaN where a component has one, and argmax finds that first
        largest = np.abs(state.components[odd]).max(axis=1)
        raise InputError(
            f"law {model.law_names[int(largest.argmax())]!r}: the interest of user {odd} of {len(state)} is not finite "
            f"on day {int(state.day[odd])}; every component must be"
        )


def start(model: WorldModel, state: Population) -> None:
    """Day 0 of every law of every group."""
    for part in model.parts:
        begin = type(part.law).start
        if begin is not None:
            users = np.flatnonzero(state.group == part.group)
            start_loop(begin)(
                state.components,
                part.slot,
                state.home,
                users,
                model.seed,
                part.stream,
                model.params.horizon,
                part.shared,
                part.numbers,
            )
    _add_up(model, state, np.arange(len(state)))


def catch_up(model: WorldModel, state: Population, users: Int64s, day: int) -> None:
    """Advance these users' components to `day`, day by day: cost follows the users who are met."""
    behind = users[state.day[users] < day]
    if not behind.size:
        return
    group = state.group[behind]
    for part in model.parts:
        advance = type(part.law).advance
        if advance is not None:
            daily_loop(advance, part.law.noisy, type(part.law).stirs)(
                state.components,
                part.slot,
                state.home,
                behind[group == part.group],
                state.day,
                day,
                model.seed,
                part.stream,
                model.params.horizon,
                part.shared,
                part.numbers,
                state.changed,
            )
    state.day[behind] = day
    _add_up(model, state, behind)


def consume(model: WorldModel, state: Population, users: Int64s, responses: Responses) -> None:
    """Let the laws that react to consumption react."""
    if not model.reacts:
        return
    for part in model.parts:
        react = type(part.law).consume
        if react is not None:
            mine = (state.group[users] == part.group).astype(np.int8)
            consume_loop(react)(
                state.components,
                part.slot,
                users,
                responses.taken,
                mine,
                model.item_numbers.mixture,
                responses.satisfaction,
                part.numbers,
            )
    _add_up(model, state, users)
