"""The text predictor: a BERT-family encoder, its vector cache, and small temporal heads.

Importing this package is cheap: torch and transformers load when an encoder is opened or a head is fitted.
"""

from driftline.agents.predictor.cache import CachedEncoder
from driftline.agents.predictor.encoders import Encoder, open_encoder
from driftline.agents.predictor.heads import ChoiceHead, Choices, Head, Shares
from driftline.agents.predictor.interest_predictor import InterestPredictor
from driftline.agents.predictor.sequences import Sequences

__all__ = [
    "CachedEncoder",
    "ChoiceHead",
    "Choices",
    "Encoder",
    "Head",
    "InterestPredictor",
    "Sequences",
    "Shares",
    "open_encoder",
]
