"""The text predictor: a BERT-family encoder, its vector cache, and small temporal heads.

Importing this package is cheap: torch and transformers load when an encoder is opened or a head is fitted.

`encoders`: texts to vectors. `cache`: each text encoded once. `interest_predictor`: from a table of behaviours
(`behaviour_frame`) to interests, by `probes` of texts and the temporal `heads`, which read `sequences`. `training`: the
loop that they share. `device`: where torch computes.
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
