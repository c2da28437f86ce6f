"""Comments by segment code: encoded once, read by the gated sentiment reader, learned from when rated."""

import numpy as np

from driftline.agents.choice_log import ChoiceLog
from driftline.agents.sentiment_reader import Sentiment, SentimentReader, sentiment, value_of_rating
from driftline.agents.shelf import TextEncoder
from driftline.sim.types import Float32s, Floats, Int32s, Int64s, SegmentTable


class CommentReader:
    """What consumptions felt like: the rating if there is one, else what the comment says, as far as trusted.

    Without an encoder only ratings count. A comment's reading changes in `refit` only.
    """

    def __init__(self, segments: SegmentTable, encoder: TextEncoder | None) -> None:
        self._segments = segments
        self._encoder = encoder
        self._row = np.full(len(segments), -1, np.int64)
        self._vectors: Float32s = np.empty((0, 0), np.float32)
        self._readings: Floats = np.empty(0)
        self._reader: SentimentReader | None = None
        self._rated = ChoiceLog(1_000_000)

    @property
    def trust(self) -> float:
        """Weight of a read comment beside a rating."""
        return self._reader.trust if self._reader else 0.0

    def learn(self, comment: Int32s, rating: Float32s, user: Int64s | None = None, time: Floats | None = None) -> None:
        """Rated comments, to be learned from at the next `settle` and `refit`; others are passed over.

        comment: codes [n], -1 for none. user, time: order them; left out, the order given stands.
        """
        both = (comment >= 0) & np.isfinite(rating)
        if self._encoder is None or not both.any():
            return
        n = int(both.sum())
        self._rated.add(
            user=user[both] if user is not None else np.arange(n),
            time=time[both] if time is not None else np.zeros(n),
            comment=comment[both],
            value=value_of_rating(rating[both]),
        )
        if user is None:
            self.settle()

    def settle(self) -> None:
        """A tick boundary: hand the rated comments to the reader in order."""
        self._rated.settle()
        rows = self._rated.rows
        if rows is None or not len(self._rated):
            return
        codes = rows["comment"].astype(np.int32)
        self._encode(codes)
        if self._reader is None:
            self._reader = SentimentReader()
        half = len(codes) // 2 if self._reader.r_squared == 0.0 and len(codes) >= 100 else 0
        vectors, values = self._vectors[self._row[codes]], rows["value"].astype(np.float64)
        # The first batch is big: learn from its first half, so that the second can put the reader to the test.
        if half:
            self._reader.observe(vectors[:half], values[:half])
            self._reader.refit()
        self._reader.observe(vectors[half:], values[half:])
        self._rated.rows = None

    def refit(self) -> None:
        """A tick boundary: learn, and read every comment known so far anew."""
        if self._reader is not None:
            self._reader.refit()
            self._readings = self._reader.read(self._vectors)

    def felt(self, comment: Int32s, rating: Float32s) -> Sentiment:
        """Value and weight of consumptions with these comments (codes, -1 for none) and ratings (NaN for none) [n]."""
        rated = value_of_rating(rating)
        read = np.full(comment.size, np.nan)
        if self._reader is not None and self.trust > 0.0:
            said = comment >= 0
            self._encode(comment[said])
            read[said] = self._reader.unshrunk(self._readings[self._row[comment[said]]])
        return sentiment(rated, read, self.trust)

    def _encode(self, codes: Int32s) -> None:
        """Vectors, and readings by the present model, of segments not met before."""
        new = np.unique(codes)
        new = new[self._row[new] < 0]
        if not new.size or self._encoder is None:
            return
        fresh = self._encoder.encode(self._segments.texts(new.astype(np.int32)))
        held = self._vectors if self._vectors.size else np.empty((0, fresh.shape[1]), np.float32)
        self._row[new] = np.arange(len(held), len(held) + new.size)
        self._vectors = np.concatenate([held, fresh])
        read = self._reader.read(fresh) if self._reader is not None else np.zeros(new.size)
        self._readings = np.concatenate([self._readings, read])
