"""The users: a struct of arrays. Homes, rates and groups never change; interest, days and visits do."""

from dataclasses import dataclass, replace

import numpy as np

from driftline.sim import keyed
from driftline.sim.keyed import Stream
from driftline.sim.params import Group, PopulationParams
from driftline.sim.types import Bools, Float32s, Floats, Int8s, Int32s, Int64s

SPREAD = 2.0
"""Standard deviation of an invented user's home logits where the scenario states none."""


@dataclass(slots=True)
class Population:
    """Users by number (row). The mutable arrays belong to one `World`; `copy` gives another world its own."""

    pseudonym: Int64s
    group: Int8s
    """Row of the user's group in the scenario."""
    home: Floats
    """Interest before any drift [N, K]."""
    gap_days: Floats
    """Mean days between the starts of two sessions."""
    arrival: Floats
    """Day of the first possible visit."""

    components: Float32s
    """One component per law of the scenario [N, laws, K]; zeros where a group lacks the law."""
    theta: Float32s
    """Their sum: the present interest, in logits [N, K]."""
    day: Int32s
    """The day to which the components are advanced."""
    visit: Int32s
    """Number of the next visit."""
    next_visit: Floats
    """Its time, days."""
    changed: Bools
    """A law reported a change point since the last visit."""

    def __len__(self) -> int:
        return len(self.pseudonym)

    def copy(self) -> "Population":
        """The same users, with mutable arrays of their own."""
        return replace(
            self,
            components=self.components.copy(),
            theta=self.theta.copy(),
            day=self.day.copy(),
            visit=self.visit.copy(),
            next_visit=self.next_visit.copy(),
            changed=self.changed.copy(),
        )


def populate(
    params: PopulationParams,
    groups: dict[str, Group],
    *,
    laws: int,
    topics: int,
    seed: int,
    warmup: float,
    horizon: float,
    homes: Floats | None = None,
) -> Population:
    """Users keyed by their number: one more user changes none of the others.

    homes: interests [N, K] that real interactions gave; otherwise normal with the group's spread.
    """
    users = np.arange(params.users)
    edges = np.cumsum([group.share for group in groups.values()])
    draw = keyed.uniforms(seed, Stream.GROUP, users) * edges[-1]
    group = np.minimum(np.searchsorted(edges, draw, side="right"), len(groups) - 1)
    if homes is None:
        spread = np.array([SPREAD if g.spread is None else g.spread for g in groups.values()])[group]
        homes = spread[:, None] * keyed.normals(seed, Stream.HOME, users[:, None], np.arange(topics)[None, :])
    rate = params.sessions_per_day * np.exp(params.sessions_spread * keyed.normals(seed, Stream.ACTIVITY, users))
    late = keyed.uniforms(seed, Stream.ACTIVITY, users, 1) < params.late_users
    arrival = np.where(late, warmup + (horizon - warmup) * 0.7 * keyed.uniforms(seed, Stream.ACTIVITY, users, 2), 0.0)
    gap = 1.0 / rate
    first = arrival - gap * np.log(keyed.uniforms(seed, Stream.VISIT_GAP, users, 0))
    return Population(
        pseudonym=pseudonyms(seed, params.users),
        group=group.astype(np.int8),
        home=np.ascontiguousarray(homes, dtype=np.float64),
        gap_days=gap,
        arrival=arrival,
        components=np.zeros((params.users, laws, topics), np.float32),
        theta=np.zeros((params.users, topics), np.float32),
        day=np.zeros(params.users, np.int32),
        visit=np.zeros(params.users, np.int32),
        next_visit=first,
        changed=np.zeros(params.users, np.bool_),
    )


def pseudonyms(seed: int, users: int) -> Int64s:
    """Distinct keyed numbers of 62 bits that say nothing about who is who."""
    rows = np.arange(users, dtype=np.int64)
    high = keyed.uniforms(seed, Stream.PSEUDONYM, rows, 0)
    low = keyed.uniforms(seed, Stream.PSEUDONYM, rows, 1)
    names = (high * 2.0**23).astype(np.int64) << 39 | (low * 2.0**23).astype(np.int64) << 16
    return names | (keyed.uniforms(seed, Stream.PSEUDONYM, rows, 2) * 2.0**16).astype(np.int64)
