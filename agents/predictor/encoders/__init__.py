"""Texts to vectors: the encoders, each a file that is found by its name, and how one is opened.

`minilm`, `scratch`, `noise`, `hashing`: the encoders. `_base`: what each promises. `_opening`: by name, folder or hub
id. `_transformer`: what the BERT family shares. `_weights`: the pretrained weights, trusted by their hashes only.
"""

from driftline.agents.predictor.encoders._base import Encoder
from driftline.agents.predictor.encoders._opening import ENCODERS, open_encoder, refuse_missing
from driftline.agents.predictor.encoders.hashing import Hashing
from driftline.agents.predictor.encoders.noise import Noise

__all__ = ["ENCODERS", "Encoder", "Hashing", "Noise", "open_encoder", "refuse_missing"]
