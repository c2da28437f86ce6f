"""Conformance suites of the judges' plug-ins, each promise asked for in turn.

`_estimator.py` asks off-policy estimators, of single actions, slates, trajectories and times; `_toy_logs.py` makes up
their logs: a few rows of each kind, and every log of a small world.
`_experiment.py` asks procedures of experiments. `_metric.py` asks metrics of single visits;
`_visits.py` makes up the visits that they are asked about.
"""

from driftline.evaluation.checks._estimator import check_estimator
from driftline.evaluation.checks._experiment import check_experiment
from driftline.evaluation.checks._metric import check_metric

__all__ = ["check_estimator", "check_experiment", "check_metric"]
