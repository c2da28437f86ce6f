"""The suite of predictors passes ours, and refuses every kind of broken one by name."""

from typing import Any

import numpy as np
import pytest
from unkept import faults

from driftline.agents.checks import _predictor, check_predictor
from driftline.agents.predictor import CachedEncoder, open_encoder
from driftline.agents.predictor.encoders import ENCODERS, Hashing
from driftline.sim.types import Float32s

MINILM = pytest.param("minilm", marks=pytest.mark.minilm)


@pytest.mark.parametrize("name", [MINILM if name == "minilm" else name for name in ENCODERS.names()])
def test_a_built_in_encoder_keeps_every_promise(name: str) -> None:
    checks = check_predictor(lambda: open_encoder(name, "cpu", corpus=["amber brook cedar"]))
    assert [check.name for check in checks] == [promise.name for promise in _predictor.SUITE]
    assert [str(check) for check in checks if check.fault or check.unasked] == []


def test_a_cached_encoder_keeps_every_promise() -> None:
    assert faults(check_predictor(lambda: CachedEncoder(Hashing(64)))) == {}


class Letters:
    """How often each of some letters comes."""

    def encode(self, texts: list[str]) -> Float32s:
        out = np.zeros((len(texts), 26), np.float32)
        for row, text in enumerate(texts):
            for letter in text.lower():
                if "a" <= letter <= "z":
                    out[row, ord(letter) - 97] += 1.0
        return out


class Doubles(Letters):
    def encode(self, texts: list[str]) -> Any:
        return super().encode(texts).astype(np.float64)


class Divides(Letters):
    def encode(self, texts: list[str]) -> Float32s:
        found = super().encode(texts)
        with np.errstate(invalid="ignore"):
            found /= found.sum(axis=1, keepdims=True)
        return found


class Whole(Letters):
    """No shape where there is nothing."""

    def encode(self, texts: list[str]) -> Float32s:
        return np.array([super(Whole, self).encode([text])[0] for text in texts], np.float32)


class Tires(Letters):
    def __init__(self) -> None:
        self.calls = 0

    def encode(self, texts: list[str]) -> Float32s:
        self.calls += 1
        found: Float32s = super().encode(texts) / np.float32(self.calls)
        return found


class Rarity(Letters):
    """Learns from its first texts which letters are rare."""

    rarity: Any = None

    def encode(self, texts: list[str]) -> Float32s:
        found = super().encode(texts)
        if self.rarity is None:
            self.rarity = (1.0 / (1.0 + found.sum(axis=0))).astype(np.float32)
        found *= self.rarity
        return found


class Numbers(Letters):
    def encode(self, texts: list[str]) -> Float32s:
        found = super().encode(texts)
        found[:, 25] = np.arange(len(texts))
        return found


class Deaf(Letters):
    def encode(self, texts: list[str]) -> Float32s:
        return np.ones((len(texts), 4), np.float32)


class Born(Letters):
    """Every instance has weights of its own."""

    def __init__(self) -> None:
        self.weights = np.random.default_rng().normal(size=26).astype(np.float32)

    def encode(self, texts: list[str]) -> Float32s:
        found: Float32s = super().encode(texts) * self.weights
        return found


BROKEN_ENCODERS = [
    (Doubles, "rows", "encode returned float64"),
    (Divides, "finite", "the vector of '' is not finite"),
    (Whole, "empty", "encode([]) returned shape [0]; must be [0, p]"),
    (Tires, "same_twice", "when it is asked for twice"),
    (Rarity, "batches", "between being the first text and coming among others"),
    (Numbers, "duplicates", "from that of the same text beside it"),
    (Deaf, "tells_apart", "all texts have the same vector"),
    (Born, "second_instance", "in a second instance"),
]


@pytest.mark.parametrize(("make", "name", "words"), BROKEN_ENCODERS)
def test_a_broken_encoder_is_refused_by_name_with_the_reason(make: Any, name: str, words: str) -> None:
    assert faults(check_predictor(Letters)) == {}
    found = faults(check_predictor(make))
    assert name in found
    assert words in found[name]


def test_every_promise_of_encoders_has_been_broken_by_somebody() -> None:
    assert {name for _, name, _ in BROKEN_ENCODERS} == {promise.name for promise in _predictor.SUITE}


def test_an_encoder_that_is_given_ready_made_is_pickled() -> None:
    assert faults(check_predictor(Letters())) == {}
    local = Letters()
    local.hook = lambda: None  # type: ignore[attr-defined]
    unasked = {check.name: check.unasked for check in check_predictor(local) if check.unasked}
    assert unasked == {"second_instance": "it was given ready-made and cannot be pickled; give its class"}
