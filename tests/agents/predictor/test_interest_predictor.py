"""The stand-alone predictor on a table of texts."""

from datetime import datetime, timedelta

import numpy as np
import polars as pl
import pytest
from predictor_worlds import WORDS, frame, stream

from driftline.agents.predictor import InterestPredictor, open_encoder
from driftline.sim.errors import MissingWeightsError
from driftline.sim.types import Floats


@pytest.fixture(scope="module")
def train() -> pl.DataFrame:
    return frame(150, 0.02, 1)


@pytest.fixture(scope="module")
def fitted(train: pl.DataFrame) -> InterestPredictor:
    return InterestPredictor("hashing").fit(train)


def true_mix(users: int, seed: int, day: int, topics: tuple[str, ...]) -> Floats:
    mix: Floats = stream(users, len(WORDS), 0.02, seed).mix[:, day][:, [list(WORDS).index(t) for t in topics]]
    return mix


def distance(truth: Floats, found: Floats) -> float:
    """Mean Kullback-Leibler divergence in nats."""
    return float((truth * np.log(truth / found)).sum(axis=1).mean())


@pytest.mark.parametrize("name", ["scratch", "hashing"])
def test_interest_is_read_from_words_for_users_never_seen(name: str, train: pl.DataFrame) -> None:
    predictor = InterestPredictor(name).fit(train)
    test = frame(120, 0.02, 2, labelled=0.0)
    found = predictor.interest(test, at=29.5)
    assert predictor.topics == ("cooking", "music", "space", "travel")
    assert found.shape == (120, 4)
    truth = true_mix(120, 2, 29, predictor.topics)
    assert distance(truth, found) < 0.5 * distance(truth, np.full_like(truth, 0.25))


@pytest.mark.minilm
def test_minilm_reads_words_that_no_label_taught(train: pl.DataFrame) -> None:
    from driftline.agents.predictor.encoders import _weights

    try:
        _weights.folder()
    except MissingWeightsError as error:
        pytest.skip(str(error))
    test = pl.DataFrame(
        {
            "user": [0, 0, 1, 1],
            "time": [0.0, 1.0, 0.0, 1.0],
            "about": [
                "astronaut in a spaceship",
                "the moon and the stars",
                "roasted vegetables",
                "baking bread",
            ],
        }
    )
    reads, hashes = (
        InterestPredictor(open_encoder(name, "cpu")).fit(train).interest(test, at=2.0) for name in ("minilm", "hashing")
    )
    assert reads[0].argmax() == 2
    assert reads[1].argmax() == 0
    assert reads[0, 2] > hashes[0, 2] + 0.1


def test_comments_teach_what_was_liked_without_any_rating(train: pl.DataFrame, fitted: InterestPredictor) -> None:
    deaf = InterestPredictor("hashing").fit(train.drop("expressed"))
    test = frame(120, 0.02, 2, labelled=0.0)
    truth = true_mix(120, 2, 29, fitted.topics)
    heard, unheard = (distance(truth, p.interest(test, at=29.5)) for p in (fitted, deaf))
    assert heard < 0.9 * unheard


def test_only_behaviours_before_the_moment_count(fitted: InterestPredictor) -> None:
    test = frame(20, 0.02, 3)
    early = test.filter(pl.col("time") < 10.0)
    assert np.array_equal(fitted.interest(test, at=10.0), fitted.interest(early, at=10.0))
    assert not np.array_equal(fitted.interest(test, at=10.5), fitted.interest(early, at=10.5))
    each = fitted.interest(test, at=np.arange(20.0))
    assert np.array_equal(each[7], fitted.interest(test, at=7.0)[7])


def test_rows_follow_the_users_whatever_the_order_of_the_frame(fitted: InterestPredictor) -> None:
    test = frame(20, 0.02, 3)
    shuffled = test.sample(fraction=1.0, shuffle=True, seed=0)
    assert np.array_equal(fitted.interest(shuffled, at=25.0), fitted.interest(test, at=25.0))
    some = test.filter(pl.col("user").is_in([4, 11]))
    assert np.array_equal(fitted.interest(some, at=25.0), fitted.interest(test, at=25.0)[[4, 11]])


def test_dates_and_days_are_the_same_time(train: pl.DataFrame) -> None:
    start = datetime(2024, 1, 1)
    dated = train.with_columns(time=pl.lit(start) + pl.duration(days=pl.col("time").cast(pl.Int64)))
    from_days = InterestPredictor("hashing").fit(train).interest(train, at=20.0)
    from_dates = InterestPredictor("hashing").fit(dated).interest(dated, at=start + timedelta(days=20))
    assert np.allclose(from_days, from_dates, atol=1e-9)


def test_fitting_repeats_bit_for_bit(train: pl.DataFrame, fitted: InterestPredictor) -> None:
    again = InterestPredictor("hashing").fit(train)
    assert again.interest(train, at=20.0).tobytes() == fitted.interest(train, at=20.0).tobytes()


def test_topic_names_stand_in_for_missing_labels(train: pl.DataFrame) -> None:
    names = [" ".join(words) for words in WORDS.values()]
    unlabelled = InterestPredictor("hashing", topics=names).fit(train.drop("label"))
    test = frame(60, 0.02, 2, labelled=0.0)
    truth = true_mix(60, 2, 29, tuple(WORDS))
    found = unlabelled.interest(test, at=29.5)
    assert distance(truth, found) < 0.5 * distance(truth, np.full_like(truth, 0.25))


def test_what_cannot_be_read_is_named(train: pl.DataFrame, fitted: InterestPredictor) -> None:
    with pytest.raises(RuntimeError, match="call fit"):
        InterestPredictor("hashing").interest(train, at=1.0)
    with pytest.raises(ValueError, match=r"lack the column 'about'.*did you mean 'abot'"):
        fitted.interest(train.rename({"about": "abot"}), at=1.0)
    with pytest.raises(ValueError, match=r"kind 'consumed' is none of consume, .*did you mean 'consume'"):
        fitted.interest(train.with_columns(kind=pl.lit("consumed")), at=1.0)
    with pytest.raises(ValueError, match="label 'spase' is none of the 4 topics; did you mean 'space'"):
        fitted.interest(train.with_columns(label=pl.lit("spase")), at=1.0)
    with pytest.raises(ValueError, match=r"sentiment reaches 3\.0"):
        fitted.interest(train.with_columns(sentiment=pl.lit(3.0)), at=1.0)
    with pytest.raises(ValueError, match="2 moments; legal is 1 or one per user"):
        fitted.interest(train, at=[1.0, 2.0])
    with pytest.raises(ValueError, match="give a 'label' column, or topics"):
        InterestPredictor("hashing").fit(train.drop("label"))
    with pytest.raises(ValueError, match="only 1 distinct texts have a label"):
        InterestPredictor("hashing").fit(train.with_columns(about=pl.lit("x")))
