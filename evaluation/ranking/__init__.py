"""Ranking metrics: of ranked lists [users, k], one value per user and the mean with its interval.

`_lists.py`: lists and per-user values. `_relevance.py`: what is relevant to whom. `_accuracy.py`: is it listed.
`_beyond.py`: novelty, popularity, serendipity, diversity. `_catalogue.py`: all lists together.
`_fairness.py`: proportions and groups. `_filter_bubble.py`: over time.
"""

from driftline.evaluation.ranking._accuracy import hit_rate, mean_average_precision, mrr, ndcg, precision, recall
from driftline.evaluation.ranking._beyond import (
    aplt,
    arp,
    intra_list_diversity,
    long_tail,
    miuf,
    rank_serendipity,
    self_information,
    serendipity,
    unexpectedness,
)
from driftline.evaluation.ranking._catalogue import coverage, gini, shannon_entropy
from driftline.evaluation.ranking._fairness import GroupGap, exposure_gap, miscalibration, topic_share, utility_gap
from driftline.evaluation.ranking._filter_bubble import BubbleCurve, topic_entropy_over_time
from driftline.evaluation.ranking._lists import PerUser, top_k

__all__ = [
    "BubbleCurve",
    "GroupGap",
    "PerUser",
    "aplt",
    "arp",
    "coverage",
    "exposure_gap",
    "gini",
    "hit_rate",
    "intra_list_diversity",
    "long_tail",
    "mean_average_precision",
    "miscalibration",
    "miuf",
    "mrr",
    "ndcg",
    "precision",
    "rank_serendipity",
    "recall",
    "self_information",
    "serendipity",
    "shannon_entropy",
    "top_k",
    "topic_entropy_over_time",
    "topic_share",
    "unexpectedness",
    "utility_gap",
]
