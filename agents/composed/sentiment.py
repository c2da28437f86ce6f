"""How a comment felt: a reader taught by the few rated consumptions, trusted as far as it has proved itself.

The gate is prequential: each rating is predicted before it is learned from (Dawid 1984). Where comments say nothing,
trust is 0 and reading costs nothing. Each distinct comment is encoded once.
"""

from dataclasses import dataclass
from typing import Annotated

import numpy as np
from pydantic import Field

from driftline.agents.composed.memory import ChoiceLog
from driftline.agents.models.item_space import TextEncoder
from driftline.agents.models.logistic import LogisticProbe, fit
from driftline.agents.models.rowwise import row_products
from driftline.sim.kernel import kernel
from driftline.sim.types import Float32s, Floats, Int32s, Int64s, NonNegative, Params, Positive, SegmentTable, Share

CLASSES = 3
"""Low, middling and high ratings."""


class ReaderParams(Params):
    """How to learn and when to trust.

    ridge: see `logistic.fit_soft`. growth: a refit waits until there are this many times more ratings.
    keep: weight of a past rating in the gate, per rating since. doubt: ratings' worth of "reads nothing" in R^2.
    gate: R^2 below which trust is 0.
    """

    ridge: Positive = 100.0
    growth: Annotated[float, Field(ge=1.0)] = 1.1
    keep: Share = 0.998
    doubt: NonNegative = 20.0
    gate: Share = 0.1


READER = ReaderParams()


@dataclass(frozen=True, slots=True)
class Sentiment:
    """How consumptions felt, as far as known."""

    value: Floats
    """In [-1, 1], NaN where nobody knows [n]."""
    weight: Floats
    """1 for a rating, the reader's trust for a read comment, 0 where unknown [n]."""


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


def sentiment(rated: Floats, read: Floats, trust: float) -> Sentiment:
    """The rating if given, else what was read if the reader is trusted at all, else unknown.

    rated: ratings in [-1, 1] or NaN [n]. read: `SentimentReader.read`, NaN where there is no comment [n].
    """
    heard = np.isfinite(read) & (trust > 0.0)
    value = np.where(np.isfinite(rated), rated, np.where(heard, read, np.nan))
    weight = np.where(np.isfinite(rated), 1.0, np.where(heard, trust, 0.0))
    return Sentiment(value, weight)


def value_of_rating(rating: Float32s) -> Floats:
    """A rating of 1 to 5 as satisfaction in [-1, 1]; NaN stays NaN."""
    return (np.asarray(rating, dtype=np.float64) - 3.0) / 2.0


class SentimentReader:
    """Logistic regression from comment vectors to what the rating was: low, middling or high.

    A reading is the mean rating of the three classes, weighted by their posterior: people who bother to rate
    are mostly pleased or displeased, and three classes read .45-.56 of the variance where a straight line reads
    .40-.51. Rows must come in one order (time, user, visit); how they are cut into calls of `observe` does not
    matter. The model changes in `refit` only, which is for tick boundaries.
    """

    def __init__(self, params: ReaderParams = READER) -> None:
        self._params = params
        self._vectors: list[Floats] = []
        self._values: list[Floats] = []
        self._fitted = 0  # ratings that the present probe has learned from
        self._probe: LogisticProbe | None = None
        self._worth = np.zeros(CLASSES)
        self._centre_value = 0.0
        self._proof = np.zeros(3)  # decayed squared errors of the reader, of the plain mean, and their count

    def observe(self, vectors: Floats | Float32s, values: Floats) -> None:
        """Ratings `values` [n] in [-1, 1] of comments [n, p]: predicted first, then kept to learn from."""
        y = np.asarray(values, dtype=np.float64)
        if not np.isfinite(y).all() or (np.abs(y) > 1.0).any():
            wrong = y[~(np.abs(y) <= 1.0)][0]
            raise ValueError(f"rating value {wrong} is outside [-1, 1] (see value_of_rating)")
        x = np.asarray(vectors, dtype=np.float64)
        if self._probe is not None:
            _prove(self._proof, self.read(x), y, self._centre_value, self._params.keep)
        self._vectors.append(x)
        self._values.append(y)

    def refit(self) -> None:
        """Learn from all ratings so far, unless there are hardly more than last time."""
        count = sum(len(y) for y in self._values)
        if count < 2 or count < self._params.growth * self._fitted:
            return
        x, y = np.concatenate(self._vectors), np.concatenate(self._values)
        self._vectors, self._values, self._fitted = [x], [y], count
        label = 1 + np.sign(y).astype(np.int64)
        self._probe = fit(x, label, self._params.ridge, CLASSES)
        members = np.bincount(label, minlength=CLASSES)
        # A class nobody has chosen yet is worth its place on the scale.
        self._worth = np.where(
            members > 0,
            np.bincount(label, y, minlength=CLASSES) / np.maximum(members, 1),
            np.arange(CLASSES) - 1.0,
        )
        self._centre_value = float(y.mean())

    def read(self, vectors: Floats | Float32s) -> Floats:
        """Satisfaction that comments [m, p] speak of, in [-1, 1]; 0 before the first fit."""
        if self._probe is None:
            return np.zeros(len(vectors))
        return row_products(self._probe.posterior(vectors), self._worth[:, None])[:, 0]

    def unshrunk(self, read: Floats) -> Floats:
        """Readings [m] stretched until they mean what ratings mean: centre + (read - centre) / R^2, in [-1, 1].

        A reading is E[s | text], which varies by only R^2 of what s varies with the text's noise; taken as data
        beside ratings it would be discounted twice, once here and once by its weight R^2. Stretched, it is an
        unbiased and noisy rating (regression calibration, Carroll et al. 2006, section 4).
        """
        reliability = max(self.trust, self._params.gate)
        stretched = self._centre_value + (read - self._centre_value) / reliability
        return np.clip(stretched, -1.0, 1.0)

    @property
    def r_squared(self) -> float:
        """Prequential R^2 against the mean known at the time, with `doubt` ratings of no gain mixed in."""
        own, plain, count = self._proof
        if plain <= 0.0:
            return 0.0
        return float((plain - own) / plain * count / (count + self._params.doubt))

    @property
    def trust(self) -> float:
        """Weight of a read comment beside a rating: R^2, or 0 where that is below the gate."""
        return self.r_squared if self.r_squared >= self._params.gate else 0.0


@kernel
def _prove(proof: Floats, read: Floats, value: Floats, mean: float, keep: float) -> None:
    for i in range(value.size):
        proof[0] = keep * proof[0] + (value[i] - read[i]) ** 2
        proof[1] = keep * proof[1] + (value[i] - mean) ** 2
        proof[2] = keep * proof[2] + 1.0
