"""Experiments: what an A/B test says, how sure it may be, and what speaks against it.

Arms are 0 (A, control) and 1 (B, treatment), one row a unit; effects are B less A. Every function returns an
`Effect`, which is an `Estimate` with a test, or a small record that holds some.
"""

from driftline.evaluation.experiment.bootstrap import bootstrap
from driftline.evaluation.experiment.cluster import cluster
from driftline.evaluation.experiment.cohorts import CohortEffects, by_cohort
from driftline.evaluation.experiment.confidence_sequence import confidence_sequence
from driftline.evaluation.experiment.covariate_decay import LagBenefit, benefit_by_lag
from driftline.evaluation.experiment.cuped import cuped, cuped_ratio, variance_reduction
from driftline.evaluation.experiment.effect import Effect
from driftline.evaluation.experiment.exposure_age import AgeCurve, by_exposure_age
from driftline.evaluation.experiment.group_sequential import GroupSequential, group_sequential
from driftline.evaluation.experiment.guardrail import Guardrail, guardrail
from driftline.evaluation.experiment.lift import lift
from driftline.evaluation.experiment.msprt import msprt
from driftline.evaluation.experiment.multiple import Adjusted, benjamini_hochberg, bonferroni, holm
from driftline.evaluation.experiment.peeking import peeked, peeked_t
from driftline.evaluation.experiment.post_stratified import post_stratified
from driftline.evaluation.experiment.power import minimum_effect, power, ratio_sd, sample_size
from driftline.evaluation.experiment.proportions import proportions
from driftline.evaluation.experiment.quantile import quantile
from driftline.evaluation.experiment.ratio import ratio
from driftline.evaluation.experiment.running import Running
from driftline.evaluation.experiment.spending import Boundaries, boundaries, crossing
from driftline.evaluation.experiment.srm import SampleRatio, srm, srm_sequential
from driftline.evaluation.experiment.switchback import switchback
from driftline.evaluation.experiment.welch import welch

__all__ = [
    "Adjusted",
    "AgeCurve",
    "Boundaries",
    "CohortEffects",
    "Effect",
    "GroupSequential",
    "Guardrail",
    "LagBenefit",
    "Running",
    "SampleRatio",
    "benefit_by_lag",
    "benjamini_hochberg",
    "bonferroni",
    "bootstrap",
    "boundaries",
    "by_cohort",
    "by_exposure_age",
    "cluster",
    "confidence_sequence",
    "crossing",
    "cuped",
    "cuped_ratio",
    "group_sequential",
    "guardrail",
    "holm",
    "lift",
    "minimum_effect",
    "msprt",
    "peeked",
    "peeked_t",
    "post_stratified",
    "power",
    "proportions",
    "quantile",
    "ratio",
    "ratio_sd",
    "sample_size",
    "srm",
    "srm_sequential",
    "switchback",
    "variance_reduction",
    "welch",
]
