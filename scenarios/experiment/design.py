"""Who is shown which arm, and when: the assignment of an experiment."""

from typing import Annotated, Literal

import numpy as np
from pydantic import Field, model_validator

from driftline.sim import keyed
from driftline.sim.keyed import Stream
from driftline.sim.types import Bools, Count, Floats, Int64s, NonNegative, Params, Positive

Kind = Literal["user", "cluster", "switchback", "interleave"]
USER, CLUSTER, BLOCK, COPY = 0, 1, 2, 7
"""What is drawn, in the third place of the key."""


class Design(Params):
    """An assignment of visits to arm B, the rest to arm A. Days count from the end of the warm-up.

    kind: `user` and `cluster` draw users or whole clusters; `switchback` shows everybody the same arm, in pairs of
    blocks in random order; `interleave` mixes both rankings in every slate. share: of arm B at full ramp (switchbacks
    and interleaving are half and half). ramp: days in which the share grows from 0 to its full size. washout: days left
    out of the analysis: at the start, and of every block of a switchback. block: days. clusters: how many.
    copies: of each arm's agent, each trained apart on its own part of the arm's users (under diverted training). With
    two or more the analysis compares copies, and so knows how much two trainings differ.
    """

    kind: Kind = "user"
    share: Annotated[float, Field(gt=0.0, lt=1.0)] = 0.5
    ramp: NonNegative = 0.0
    washout: NonNegative = 0.0
    block: Positive = 2.0
    clusters: Annotated[int, Field(ge=2)] = 50
    copies: Count = 1

    @model_validator(mode="after")
    def _consistent(self) -> "Design":
        if self.kind in ("switchback", "interleave") and self.share != 0.5:
            raise ValueError(f"share = {self.share:g}: a {self.kind} is always half and half, .5")
        if self.copies > 1 and self.kind not in ("user", "cluster"):
            raise ValueError(f"copies = {self.copies}: a {self.kind} has no users of one arm only to train copies on")
        if self.kind == "switchback" and self.washout >= self.block:
            raise ValueError(f"washout = {self.washout:g} days: must be < block = {self.block:g}")
        return self

    @property
    def turns(self) -> Count:
        """How many turns of the draw it takes until every unit has been in arm B at least once."""
        if self.kind == "interleave":
            return 1  # every slate holds both arms
        return int(np.ceil(1.0 / self.share - 1e-9)) if self.kind in ("user", "cluster") else 2

    def cell(self, users: Int64s, days: Floats, in_b: Bools, seed: int) -> Int64s:
        """Which agent serves visits in these arms [n]: copy 0 .. of arm A, then of arm B; whole units stay together."""
        if self.copies == 1:
            return np.asarray(in_b, dtype=np.int64)
        draw = keyed.uniforms(seed, Stream.ASSIGNMENT, self.unit(users, days, seed), 0, COPY)
        return self.copies * in_b.astype(np.int64) + (draw * self.copies).astype(np.int64)

    def unit(self, users: Int64s, days: Floats, seed: int) -> Int64s:
        """What is randomised as one, numbered [n]: the user, its cluster, or the block of days."""
        if self.kind == "cluster":
            draw = keyed.uniforms(seed, Stream.ASSIGNMENT, users, 0, CLUSTER)
            return (draw * self.clusters).astype(np.int64)
        if self.kind == "switchback":
            return np.floor(days / self.block + 1e-9).astype(np.int64)
        return np.asarray(users, dtype=np.int64)

    def meant(self, users: Int64s, days: Floats, seed: int, turn: int = 0) -> Bools:
        """Whether each visit is meant for arm B once the ramp is over [n]: what intent-to-treat goes by.

        turn: 0 .. turns - 1 moves the draw on, so that every unit is in arm B in some turn.
        """
        return self._draw(users, days, seed, turn) < self.share

    def shown(self, users: Int64s, days: Floats, seed: int, turn: int = 0) -> Bools:
        """Whether each visit is really shown arm B [n]: during the ramp fewer are than are meant."""
        grown = np.clip(days / self.ramp, 0.0, 1.0) if self.ramp > 0.0 else np.ones(len(days))
        if self.kind == "switchback":
            return self.meant(users, days, seed, turn)
        return self._draw(users, days, seed, turn) < self.share * grown

    def analysed(self, days: Floats) -> Bools:
        """Whether a visit counts [n]: not in a wash-out."""
        if self.kind == "switchback":
            return np.asarray(np.mod(days + 1e-9, self.block) >= self.washout)
        return np.asarray(days >= self.washout)

    def _draw(self, users: Int64s, days: Floats, seed: int, turn: int) -> Floats:
        unit = self.unit(users, days, seed)
        if self.kind == "switchback":
            first = keyed.uniforms(seed, Stream.ASSIGNMENT, unit // 2, 0, BLOCK) < 0.5
            second = unit % 2 == 1
            return np.where(first ^ second ^ (turn % 2 == 1), 0.0, 1.0)
        what = CLUSTER if self.kind == "cluster" else USER
        draw = keyed.uniforms(seed, Stream.ASSIGNMENT, unit, 1, what)
        return np.mod(draw + turn * self.share, 1.0) if turn else draw
