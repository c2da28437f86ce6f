"""Conformance suites of the judges' plug-ins: `check_metric`, each promise asked for in turn.

`_metric.py` asks metrics of single visits; `_visits.py` makes up the visits that they are asked about.
"""

from driftline.evaluation.checks._metric import check_metric

__all__ = ["check_metric"]
