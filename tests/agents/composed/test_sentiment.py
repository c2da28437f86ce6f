"""Comments are trusted only as far as they predict ratings."""

import numpy as np
import pytest
from small_shop import BAD, FIRST_COMMENT, GOOD, TEXTS

from driftline.agents.composed.sentiment import (
    READER,
    CommentReader,
    ReaderParams,
    SentimentReader,
    sentiment,
    value_of_rating,
)
from driftline.agents.models.logistic import fit
from driftline.agents.predictor.encoders import Hashing
from driftline.sim.types import Float32s, Floats, Int32s


def comments(n: int, width: int, noise: float, rng: np.random.Generator) -> tuple[Floats, Floats]:
    direction = np.zeros(width)
    direction[:3] = 0.2
    x = rng.normal(size=(n, width))
    return x, np.clip(x @ direction + noise * rng.normal(size=n), -1.0, 1.0)


def taught(x: Floats, y: Floats, chunk: int = 50, every: int = 50, ridge: float = 30.0) -> SentimentReader:
    reader = SentimentReader(ReaderParams(ridge=ridge))
    for at in range(0, len(y), every):
        for part in range(at, min(at + every, len(y)), chunk):
            end = min(part + chunk, at + every)
            reader.observe(x[part:end], y[part:end])
        reader.refit()
    return reader


def test_informative_comments_are_trusted() -> None:
    x, y = comments(600, 64, 0.2, np.random.default_rng(1))
    reader = taught(x, y)
    assert reader.trust > 0.3
    assert reader.trust == reader.r_squared < 1.0
    fresh, truth = comments(500, 64, 0.2, np.random.default_rng(2))
    read = reader.read(fresh)
    assert np.corrcoef(read, truth)[0, 1] > 0.75
    assert np.abs(read).max() <= 1.0


@pytest.mark.parametrize("seed", range(5))
def test_noise_comments_are_never_trusted(seed: int) -> None:
    rng = np.random.default_rng(seed)
    x, y = rng.normal(size=(600, 64)), rng.uniform(-1, 1, 600)
    reader = SentimentReader()
    for at in range(0, 600, 30):
        reader.observe(x[at : at + 30], y[at : at + 30])
        reader.refit()
        assert reader.trust == 0.0


def test_ratings_are_predicted_before_they_are_learned_from() -> None:
    rng = np.random.default_rng(3)
    x, y = (
        rng.normal(size=(200, 400)),
        rng.uniform(-1, 1, 200),
    )  # more columns than ratings: a fit knows them all
    reader = taught(x, y, every=100, ridge=0.1)
    assert np.corrcoef(reader.read(x), np.sign(y))[0, 1] > 0.9
    assert reader.trust == 0.0


def test_the_first_ratings_prove_nothing_and_few_prove_little() -> None:
    x, y = comments(400, 16, 0.1, np.random.default_rng(4))
    reader = SentimentReader()
    np.testing.assert_array_equal(reader.read(x), 0.0)
    reader.observe(x[:390], y[:390])
    assert reader.trust == 0.0
    reader.refit()
    assert reader.trust == 0.0
    reader.observe(x[390:], y[390:])
    assert 0.1 < reader.r_squared <= 10 / 30


def test_a_reader_that_ceases_to_read_loses_its_trust() -> None:
    rng = np.random.default_rng(5)
    x, y = comments(400, 16, 0.1, rng)
    reader = taught(x, y)
    assert reader.trust > 0.5
    for _ in range(60):
        reader.observe(rng.normal(size=(50, 16)), rng.uniform(-1, 1, 50))
    assert reader.trust == 0.0


@pytest.mark.parametrize("chunk", [1, 7])
def test_how_ratings_are_cut_into_batches_leaves_no_trace(chunk: int) -> None:
    x, y = comments(700, 40, 0.2, np.random.default_rng(6))
    whole, cut = taught(x, y, chunk=350, every=350), taught(x, y, chunk=chunk, every=350)
    assert whole.r_squared == cut.r_squared
    parts = [cut.read(x[at : at + chunk]) for at in range(0, len(x), chunk)]
    np.testing.assert_array_equal(whole.read(x), np.concatenate(parts))


def test_a_reading_is_the_mean_rating_of_the_classes_by_their_posterior() -> None:
    x, y = comments(300, 10, 0.2, np.random.default_rng(7))
    y = np.round(2 * y) / 2
    reader = SentimentReader()
    reader.observe(x, y)
    reader.refit()
    label = 1 + np.sign(y).astype(np.int64)
    worth = np.array([y[label == c].mean() for c in range(3)])
    posterior = fit(x, label, READER.ridge, 3).posterior(x)
    np.testing.assert_allclose(reader.read(x), posterior @ worth, atol=1e-12)


def test_stretched_readings_mean_what_ratings_mean() -> None:
    x, y = comments(4000, 8, 0.3, np.random.default_rng(8))
    reader = taught(x[:2000], y[:2000])
    stretched = reader.unshrunk(reader.read(x[2000:]))
    # A reading is E[y | x]; its slope on y is R^2 < 1. Stretched, the slope is 1 (less what is cut at +-1).
    slope = np.cov(stretched, y[2000:])[0, 1] / y[2000:].var()
    assert 0.85 < slope < 1.1
    assert np.cov(reader.read(x[2000:]), y[2000:])[0, 1] / y[2000:].var() < 0.8


def test_sentiment_is_the_rating_else_what_was_read_else_unknown() -> None:
    nan = np.nan
    rated, read = np.array([1.0, nan, nan, -0.5]), np.array([-1.0, 0.4, nan, nan])
    felt = sentiment(rated, read, trust=0.6)
    np.testing.assert_array_equal(felt.value, [1.0, 0.4, nan, -0.5])
    np.testing.assert_array_equal(felt.weight, [1.0, 0.6, 0.0, 1.0])
    shut = sentiment(rated, read, trust=0.0)
    np.testing.assert_array_equal(shut.value, [1.0, nan, nan, -0.5])
    np.testing.assert_array_equal(shut.weight, [1.0, 0.0, 0.0, 1.0])


def test_ratings_are_mapped_to_satisfaction_and_checked() -> None:
    np.testing.assert_array_equal(
        value_of_rating(np.array([1, 3, 4, 5, np.nan], np.float32)), [-1.0, 0.0, 0.5, 1.0, np.nan]
    )
    with pytest.raises(ValueError, match=r"rating value 4\.0"):
        SentimentReader().observe(np.zeros((1, 2)), np.array([4.0]))


NAN = np.nan


class Counting(Hashing):
    """Counts how often a text is encoded."""

    def __init__(self) -> None:
        super().__init__(64)
        self.asked: list[str] = []

    def vectors(self, texts: list[str]) -> Float32s:
        self.asked += texts
        return super().vectors(texts)


def rated(n: int, seed: int = 0) -> tuple[Int32s, Float32s]:
    """Comments with ratings that agree with their words."""
    code = np.random.default_rng(seed).integers(0, GOOD + BAD, n)
    return (FIRST_COMMENT + code).astype(np.int32), np.where(code < GOOD, 5.0, 1.0).astype(np.float32)


GOOD_ONE, BAD_ONE = FIRST_COMMENT, FIRST_COMMENT + GOOD
ASKED = np.array([GOOD_ONE, BAD_ONE, -1, BAD_ONE], np.int32)
GIVEN = np.array([NAN, NAN, NAN, 5.0], np.float32)


def taught_by_comments(n: int = 400) -> CommentReader:
    reader = CommentReader(TEXTS, Counting())
    reader.learn(*rated(n))
    reader.refit()
    return reader


def test_without_an_encoder_only_ratings_count() -> None:
    reader = CommentReader(TEXTS, None)
    reader.learn(*rated(400))
    reader.refit()
    felt = reader.felt(ASKED, GIVEN)
    np.testing.assert_array_equal(felt.value, [NAN, NAN, NAN, 1.0])
    np.testing.assert_array_equal(felt.weight, [0.0, 0.0, 0.0, 1.0])
    assert reader.trust == 0.0


def test_comments_are_read_once_they_have_proved_themselves() -> None:
    reader = taught_by_comments()
    assert reader.trust > 0.5
    felt = reader.felt(ASKED, GIVEN)
    assert felt.value[0] > 0.7
    assert felt.value[1] < -0.7
    assert np.isnan(felt.value[2])
    assert felt.value[3] == 1.0  # the rating, whatever the comment says
    np.testing.assert_array_equal(felt.weight, [reader.trust, reader.trust, 0.0, 1.0])


def test_before_anything_was_learned_nothing_is_read() -> None:
    reader = CommentReader(TEXTS, Counting())
    assert np.isnan(reader.felt(ASKED[:2], GIVEN[:2]).value).all()


def test_comments_that_say_nothing_are_not_trusted() -> None:
    reader = CommentReader(TEXTS, Counting())
    codes, ratings = rated(400)
    reader.learn(codes, np.random.default_rng(1).permutation(ratings))
    reader.refit()
    assert reader.trust == 0.0


def test_a_reading_changes_in_refit_only() -> None:
    reader = taught_by_comments(200)
    before = reader.felt(ASKED, GIVEN).value
    codes, ratings = rated(400, 1)
    reader.learn(codes, (6.0 - ratings).astype(np.float32), np.arange(400), np.zeros(400))
    np.testing.assert_array_equal(reader.felt(ASKED, GIVEN).value, before)
    reader.settle()
    reader.refit()
    assert not np.array_equal(reader.felt(ASKED, GIVEN).value, before, equal_nan=True)


def test_batches_and_their_order_leave_no_trace() -> None:
    codes, ratings = rated(150, 2)
    user, time = np.random.default_rng(3).permutation(150), (np.arange(150) // 30).astype(np.float64)
    found = []
    for chunks in (1, 13):
        reader = taught_by_comments()
        for part in reversed(np.array_split(np.arange(150), chunks)):
            reader.felt(codes[part], ratings[part])
            reader.learn(codes[part], ratings[part], user[part], time[part])
        reader.settle()
        reader.refit()
        found.append((reader.trust, reader.felt(ASKED, GIVEN).value.tobytes()))
    assert found[0] == found[1]


def test_each_comment_is_encoded_once() -> None:
    encoder = Counting()
    reader = CommentReader(TEXTS, encoder)
    for _ in range(3):
        reader.learn(*rated(200))
        reader.refit()
        reader.felt(ASKED, GIVEN)
    assert sorted(encoder.asked) == sorted(set(encoder.asked))
    assert len(encoder.asked) == GOOD + BAD
