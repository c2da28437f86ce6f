"""The numbers that say how a world's texts are written."""

from typing import Annotated

from pydantic import Field, model_validator

from driftline.sim.frozen import Count, NonNegative, Params, Share


class TextParams(Params):
    """How titles, comments and queries are written, and how much reading them is worth."""

    scramble: bool = False
    """Replace every word by a fixed random string: then texts keep value as ids only."""
    held_back: Share = 0.3
    """Share of each topic's words that stand only in items born after mid-run, more of them as time goes."""
    ambiguous: Share = 0.08
    """Share of title words that two topics share."""
    typo: Share = 0.05
    """Share of written segments that are misspelt, for good."""
    sentiment: bool = True
    """Whether comments say how the item was liked; if not, all comments are small talk."""
    sentiment_words: Annotated[int, Field(ge=2, le=320)] = 320
    """Words of praise, and as many of complaint."""
    sentiment_held_back: Share = 0.5
    """Share of those words that enter one by one, evenly over the run."""
    comment_frames: Annotated[int, Field(ge=1, le=14)] = 4
    """Comments per word of praise or complaint."""
    negated: Share = 0.05
    """Share of those comments that negate a word of the opposite class (at most five per word)."""
    mixed_pairs: Count = 800
    """Comments that praise and complain."""
    queries_per_day: NonNegative = 0.0
    """Searches per user and day; 0 writes no queries."""
    seed: Annotated[int, Field(ge=0)] | None = None
    """Seed of the texts; null: the world's."""

    @model_validator(mode="after")
    def _enough_pairs(self) -> "TextParams":
        most = self.sentiment_words**2
        if self.mixed_pairs > most:
            raise ValueError(f"mixed_pairs = {self.mixed_pairs}: must be <= sentiment_words squared = {most}")
        return self
