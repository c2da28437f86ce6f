"""Means of many measures in many windows at once, all resampled over the same users."""

import numpy as np
import polars as pl

from driftline.evaluation.estimate import Estimate
from driftline.evaluation.intervals import bootstrap_ratio
from driftline.evaluation.windows import Window
from driftline.sim.types import Floats, Int64s

MEANS = {
    "reward": "reward",
    "ctr": "click",
    "regret": "regret",
    "regret_in_item_space": "regret_in_item_space",
    "tracking_error": "tracking_error",
    "rank_correlation": "rank_correlation",
    "belief_entropy_excess": "belief_entropy_excess",
    "topic_recall": "topic_recall",
    "self_information": "self_information",
    "aplt": "aplt",
    "intra_list_diversity": "intra_list_diversity",
}
"""Metrics that are means over visits, and the column of each."""
TOTALS = {"dynamic_regret": "regret"}
"""Metrics that are sums over a user's visits, averaged over the users who came, and the column of each."""


def window_means(
    frame: pl.DataFrame, parts: tuple[Window, ...], users: Int64s, weights: Floats
) -> dict[tuple[str, str], Estimate]:
    """Each measure whose column is there, by (metric, window); NaN is left out, and a window without any value.

    frame: rows of visits. users: all users of the seed, ascending; weights [replicates, users].
    """
    code = np.searchsorted(users, frame["user"].to_numpy())
    masks = [(part.name, part.holds(frame)) for part in parts]
    keys, totals, counts = [], [], []
    for metric, column in {**MEANS, **TOTALS}.items():
        if column not in frame.columns:
            continue
        values = frame[column].cast(pl.Float64).to_numpy()
        there = ~np.isnan(values)
        for window, mask in masks:
            rows = mask & there
            if rows.any():
                keys.append((metric, window))
                totals.append(np.bincount(code[rows], values[rows], minlength=len(users)))
                count = np.bincount(code[rows], minlength=len(users))
                counts.append((count if metric in MEANS else count > 0).astype(np.float64))
    if not keys:
        return {}
    resampled = bootstrap_ratio(np.stack(totals), np.stack(counts), weights)
    return {key: resampled.estimate(k) for k, key in enumerate(keys)}
