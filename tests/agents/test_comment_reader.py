import numpy as np
from small_shop import BAD, FIRST_COMMENT, GOOD, TEXTS

from driftline.agents.composed.sentiment import CommentReader
from driftline.agents.predictor.encoders import HashingEncoder
from driftline.sim.types import Float32s, Int32s

NAN = np.nan


class Counting(HashingEncoder):
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
