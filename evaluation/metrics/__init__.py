"""Metrics of single visits: every file of this folder without an underscore is one; so is anybody's `module:Class`.

`_base.py` says what a metric is (`Metric`), what it is computed from (`Judged`) and what a table shows of it
(`Measure`); `_table.py` holds `METRICS`, the one table that runs, reports, the command line and the manual read.
"""

from driftline.evaluation.metrics._base import Better, Case, Judged, Measure, Metric, Probed
from driftline.evaluation.metrics._table import METRICS

__all__ = ["METRICS", "Better", "Case", "Judged", "Measure", "Metric", "Probed"]
