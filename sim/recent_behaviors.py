"""The last few behaviours of every user, newest first: what a shop would look up when the user comes again."""

from dataclasses import dataclass, replace

import numpy as np

from driftline.sim.kernel import kernel
from driftline.sim.types import NONE, Behaviors, Floats, Int8s, Int32s, Int64s


@dataclass(frozen=True, slots=True)
class RecentBehaviors:
    """Arrays [N, recent], one row per user, column 0 the newest; `kind` is -1 where there is none yet."""

    names: Int64s
    """Pseudonyms, ascending [N]."""
    rows: Int64s
    """The user's row for each of `names` [N]."""
    kind: Int8s
    time: Floats
    item: Int32s
    about: Int32s
    expressed: Int32s

    @classmethod
    def none(cls, pseudonyms: Int64s, recent: int) -> "RecentBehaviors":
        """Users who have done nothing; `pseudonyms` [N] in the world's order."""
        shape = (pseudonyms.size, recent)
        rows = np.argsort(pseudonyms)
        empty = np.full(shape, NONE, np.int32)
        kind = np.full(shape, NONE, np.int8)
        return cls(pseudonyms[rows], rows, kind, np.zeros(shape), empty, empty.copy(), empty.copy())

    def copy(self) -> "RecentBehaviors":
        """The same memory for a twin."""
        return replace(
            self,
            kind=self.kind.copy(),
            time=self.time.copy(),
            item=self.item.copy(),
            about=self.about.copy(),
            expressed=self.expressed.copy(),
        )

    def take_in(self, new: Behaviors) -> None:
        """Remember behaviours that are sorted by time; the oldest make room."""
        if len(new):
            rows = self.rows[np.searchsorted(self.names, new.user)]
            _push(self.kind, rows, new.kind)
            _push(self.time, rows, new.time)
            _push(self.item, rows, new.item)
            _push(self.about, rows, new.about)
            _push(self.expressed, rows, new.expressed)


@kernel
def _push(memory: Floats | Int8s | Int32s, rows: Int64s, values: Floats | Int8s | Int32s) -> None:
    for i in range(rows.size):
        row = memory[rows[i]]
        for place in range(row.size - 1, 0, -1):
            row[place] = row[place - 1]
        row[0] = values[i]
