"""A reader with few columns: agents built on it are fitted in a moment."""

from driftline.agents.predictor.encoders.hashing import Hashing


class FewColumns(Hashing):
    """Hashed words, as `hashing`."""

    def __init__(self) -> None:
        super().__init__(dim=32)
