"""Reward models for off-policy evaluation: each round is scored by a model that has not seen its user."""

from driftline.evaluation.reward_model.cross_fitting import RewardModel, cross_fitted
from driftline.evaluation.reward_model.models import ModelName, Regressor
from driftline.evaluation.reward_model.user_folds import user_folds

__all__ = ["ModelName", "Regressor", "RewardModel", "cross_fitted", "user_folds"]
