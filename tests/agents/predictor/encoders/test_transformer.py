"""A text's vector depends on the text alone, and encoding touches nobody's random state."""

import random

import numpy as np
import pytest

from driftline.agents.predictor import Encoder, open_encoder
from driftline.sim.errors import MissingWeightsError
from driftline.sim.types import Float32s

WORDS = [f"{stem}{end}" for stem in "river stone cloud film pan rocket quiet beach".split() for end in ("", "s")]


def texts_of_many_lengths(count: int) -> list[str]:
    draw = random.Random(1)
    return [" ".join(draw.choices(WORDS, k=draw.choice([1, 3, 5, 8, 12, 20, 40, 150]))) for _ in range(count)]


@pytest.fixture(scope="module")
def scratch() -> Encoder:
    return open_encoder("scratch", "cpu", corpus=WORDS)


@pytest.fixture(scope="module")
def minilm() -> Encoder:
    return open_minilm("cpu")


def open_minilm(device: str) -> Encoder:
    try:
        return open_encoder("minilm", device)
    except MissingWeightsError as error:
        pytest.skip(str(error))


def assert_bits_belong_to_texts(encoder: Encoder, texts: list[str]) -> None:
    import torch

    together = encoder.encode(texts)
    assert np.unique(together, axis=0).shape[0] == len(set(texts))
    order = np.random.default_rng(0).permutation(len(texts))
    assert same(encoder.encode([texts[i] for i in order]), together[order])
    assert same(encoder.encode(texts[5:18]), together[5:18])
    for i in range(0, len(texts), 13):
        assert same(encoder.encode([texts[i]])[0], together[i])
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        assert same(encoder.encode(texts), together)
        assert torch.get_num_threads() == 2, "the caller's number of threads was not put back"
    finally:
        torch.set_num_threads(before)


def same(left: Float32s, right: Float32s) -> bool:
    return left.tobytes() == right.tobytes()


def test_scratch_vectors_are_bit_equal_in_any_order_and_batch(scratch: Encoder) -> None:
    assert_bits_belong_to_texts(scratch, texts_of_many_lengths(100))


@pytest.mark.minilm
def test_minilm_vectors_are_bit_equal_in_any_order_and_batch(minilm: Encoder) -> None:
    assert_bits_belong_to_texts(minilm, texts_of_many_lengths(70))


@pytest.mark.parametrize("precision", ["bfloat16", "float32"])
def test_two_threads_give_the_bits_of_one(precision: str) -> None:
    one, two = (
        open_encoder("scratch", "cpu", corpus=WORDS, precision=precision, threads=n)  # type: ignore[arg-type]
        for n in (1, 2)
    )
    texts = texts_of_many_lengths(100)
    assert same(one.encode(texts), two.encode(texts))
    assert one.identity == two.identity


@pytest.mark.parametrize("full", [False, True])
def test_a_text_that_fills_its_bucket_does_not_care_whether_its_neighbours_do(scratch: Encoder, full: bool) -> None:
    # Six words and two ends fill the bucket of 8; a batch without padding would drop the mask.
    text = "river stone cloud film pan rocket"
    filled = [" ".join(words) for words in zip(*[WORDS[i:] + WORDS[:i] for i in range(6)], strict=True)]
    others = filled if full else WORDS
    assert same(scratch.encode([text, *others])[0], scratch.encode([text])[0])


def test_vectors_have_unit_length_and_the_promised_shape(scratch: Encoder) -> None:
    found = scratch.encode(["river stone", "", "ünknown wörds", "river stone"])
    assert found.shape == (4, scratch.dim) == (4, 128)
    assert found.dtype == np.float32
    assert np.allclose(np.linalg.norm(found, axis=1), 1.0, atol=1e-6)
    assert same(found[0], found[3])
    assert scratch.encode([]).shape == (0, 128)


def test_scratch_is_a_function_of_its_seed_and_corpus(scratch: Encoder) -> None:
    again = open_encoder("scratch", "cpu", corpus=WORDS)
    other = open_encoder("scratch", "cpu", corpus=WORDS, seed=1)
    assert again.identity == scratch.identity
    assert same(again.encode(["river"]), scratch.encode(["river"]))
    assert other.identity != scratch.identity
    assert not np.allclose(other.encode(["river"]), scratch.encode(["river"]), atol=0.01)
    assert open_encoder("scratch", "cpu").identity != scratch.identity


def test_bfloat16_stays_close_to_float32(scratch: Encoder) -> None:
    texts = texts_of_many_lengths(40)
    exact = open_encoder("scratch", "cpu", corpus=WORDS, precision="float32")
    assert ((scratch.encode(texts) * exact.encode(texts)).sum(axis=1) > 0.999).all()
    assert exact.identity != scratch.identity


def test_nothing_touches_a_global_generator(scratch: Encoder) -> None:
    import torch

    states = (torch.get_rng_state(), random.getstate(), repr(np.random.get_state()))  # noqa: NPY002
    for name in ("scratch", "noise", "hashing"):
        open_encoder(name, "cpu").encode(["river", "stone"])
    assert torch.equal(torch.get_rng_state(), states[0])
    assert random.getstate() == states[1]
    assert repr(np.random.get_state()) == states[2]  # noqa: NPY002


@pytest.mark.minilm
def test_minilm_knows_meaning_that_shares_no_word(minilm: Encoder) -> None:
    pan, other_pan, film = minilm.encode(["terrible skillet", "bad frying pan", "a film about a rocket in space"])
    assert pan @ other_pan > pan @ film + 0.3


@pytest.mark.gpu
@pytest.mark.parametrize("name", ["scratch", "minilm"])
def test_cuda_agrees_with_the_cpu(name: str) -> None:
    import torch

    if not torch.cuda.is_available():
        pytest.skip("no CUDA device")
    cpu, cuda = (
        open_minilm(device) if name == "minilm" else open_encoder("scratch", device, corpus=WORDS)
        for device in ("cpu", "cuda")
    )
    texts = texts_of_many_lengths(60)
    assert np.abs(cpu.encode(texts) - cuda.encode(texts)).max() < 1e-2
    assert cpu.identity != cuda.identity
    assert_bits_belong_to_texts(cuda, texts)
