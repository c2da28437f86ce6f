"""Experiments: what an A/B test says, how sure it may be, and what speaks against it.

Arms are 0 (A, control) and 1 (B, treatment), one row a unit; effects are B less A. Every function returns an
`Effect`, which is an `Estimate` with a test, or a small record that holds some.

`_levels.py`: what all stand on. One look: `_means.py`, `_score.py`, `_adjusted.py`, `_regression.py`, `_lift.py`,
`_quantile.py`, `_clustered.py`, `_switchback.py`, `_bootstrap.py`. Many looks: `_always_valid.py`,
`_group_sequential.py`. For whom, and how long: `_cohorts.py`. Whether to trust it, and how many units it takes:
`_multiple.py`, `_srm.py`, `_power.py`.
"""

from driftline.evaluation.experiment._adjusted import cuped, cuped_ratio, post_stratified, variance_reduction
from driftline.evaluation.experiment._always_valid import Running, confidence_sequence, msprt, peeked, peeked_t
from driftline.evaluation.experiment._bootstrap import bootstrap
from driftline.evaluation.experiment._clustered import cluster
from driftline.evaluation.experiment._cohorts import (
    AgeCurve,
    CohortEffects,
    LagBenefit,
    benefit_by_lag,
    by_cohort,
    by_exposure_age,
)
from driftline.evaluation.experiment._group_sequential import (
    Boundaries,
    GroupSequential,
    boundaries,
    crossing,
    group_sequential,
)
from driftline.evaluation.experiment._levels import Effect
from driftline.evaluation.experiment._lift import lift
from driftline.evaluation.experiment._means import proportions, ratio, welch
from driftline.evaluation.experiment._multiple import (
    Adjusted,
    Guardrail,
    benjamini_hochberg,
    bonferroni,
    guardrail,
    holm,
)
from driftline.evaluation.experiment._power import minimum_effect, power, ratio_sd, sample_size
from driftline.evaluation.experiment._quantile import quantile
from driftline.evaluation.experiment._regression import regression_adjusted
from driftline.evaluation.experiment._score import proportions_lift
from driftline.evaluation.experiment._srm import SampleRatio, srm, srm_sequential
from driftline.evaluation.experiment._switchback import switchback

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
    "proportions_lift",
    "quantile",
    "ratio",
    "ratio_sd",
    "regression_adjusted",
    "sample_size",
    "srm",
    "srm_sequential",
    "switchback",
    "variance_reduction",
    "welch",
]
