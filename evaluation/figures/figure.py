"""What a figure of the report is: data first, then a drawing of just that data."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import polars as pl

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Drawing


@dataclass(frozen=True)
class Figure:
    """A figure whose data lies beside it as CSV."""

    name: str
    """File name without its ending."""
    caption: str
    """How to read it, in plain words."""
    data: pl.DataFrame
    series: tuple[str, ...]
    """Columns whose values tell one drawn series from another; empty if there is one series."""
    draw: Callable[[pl.DataFrame], "Drawing"]
    value: str = "value"
    """The column that is drawn."""
