"""The agent's own log of choices: features of what was shown, in canonical order whatever the batches."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Columns = dict[str, NDArray[np.generic]]


@dataclass
class ChoiceLog:
    """Rows wait in `add` until `settle`, which is for tick boundaries; then they stand by (time, user).

    keep: at most this many latest rows are kept.
    """

    keep: int
    rows: Columns | None = None
    waiting: list[Columns] | None = None

    def __post_init__(self) -> None:
        if self.keep < 1:
            raise ValueError(f"keep = {self.keep} rows: must be >= 1")

    def add(self, **columns: NDArray[np.generic]) -> None:
        """Add rows; `time` and `user` are needed, all columns have as many rows."""
        self.waiting = [*(self.waiting or []), columns]

    def settle(self) -> None:
        """Put the waiting rows in order behind the settled ones and drop the oldest beyond `keep`."""
        if not self.waiting:
            return
        fresh = {name: np.concatenate([part[name] for part in self.waiting]) for name in self.waiting[0]}
        order = np.lexsort((fresh["user"], fresh["time"]))
        fresh = {name: column[order] for name, column in fresh.items()}
        held = self.rows
        joined = {name: np.concatenate([held[name], column]) if held else column for name, column in fresh.items()}
        self.rows = {name: column[-self.keep :] for name, column in joined.items()}
        self.waiting = None

    def __len__(self) -> int:
        return len(self.rows["time"]) if self.rows else 0
