"""Ranking metrics: of ranked lists [users, k], one value per user and the mean with its interval."""

from driftline.evaluation.ranking.average_precision import mean_average_precision
from driftline.evaluation.ranking.coverage import coverage
from driftline.evaluation.ranking.entropy import shannon_entropy
from driftline.evaluation.ranking.filter_bubble import BubbleCurve, topic_entropy_over_time
from driftline.evaluation.ranking.gini import gini
from driftline.evaluation.ranking.group_fairness import GroupGap, exposure_gap, utility_gap
from driftline.evaluation.ranking.hit_rate import hit_rate
from driftline.evaluation.ranking.intra_list_diversity import intra_list_diversity
from driftline.evaluation.ranking.miscalibration import miscalibration, topic_share
from driftline.evaluation.ranking.mrr import mrr
from driftline.evaluation.ranking.ndcg import ndcg
from driftline.evaluation.ranking.novelty import miuf, self_information
from driftline.evaluation.ranking.per_user import PerUser
from driftline.evaluation.ranking.popularity_bias import aplt, arp, long_tail
from driftline.evaluation.ranking.precision import precision
from driftline.evaluation.ranking.recall import recall
from driftline.evaluation.ranking.serendipity import rank_serendipity, serendipity, unexpectedness
from driftline.evaluation.ranking.top_k import top_k

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
