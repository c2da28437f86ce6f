"""Two integer keys for a text, so that randomness can be keyed by what it says."""

from collections.abc import Sequence
from hashlib import blake2b

import numpy as np

from driftline.sim.types import Int64s


def fingerprints(texts: Sequence[str]) -> Int64s:
    """Two words of 32 bits per text [n, 2]: the first 64 bits of BLAKE2b, the same on every machine."""
    digests = b"".join(blake2b(text.encode(), digest_size=8).digest() for text in texts)
    return np.frombuffer(digests, dtype="<u4").reshape(-1, 2).astype(np.int64)
