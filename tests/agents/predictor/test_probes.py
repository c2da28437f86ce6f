"""Probes know no text by heart, and comments count only where they predict."""

import numpy as np
import pytest
from predictor_worlds import WORDS

from driftline.agents.predictor.encoders import Hashing
from driftline.agents.predictor.probes import fit_probe, fit_valence, with_labels
from driftline.sim.types import NONE


def test_the_probe_judges_its_own_texts_out_of_fold() -> None:
    rng = np.random.default_rng(0)
    noise = rng.normal(size=(200, 40)).astype(np.float32)
    label = rng.integers(0, 4, 200).astype(np.int32)
    probe, fold = fit_probe(noise, label, 4)
    seen = probe.fold_posterior(noise, fold)[np.arange(200), label]
    # Labels are noise: out of fold their mean probability stays at a quarter.
    assert abs(seen.mean() - 0.25) < 4.0 * seen.std() / np.sqrt(200) + 0.01


def test_the_probe_reads_what_there_is_to_read() -> None:
    texts = [f"{a} {b}" for words in WORDS.values() for a in words for b in words if a != b]
    label = np.repeat(np.arange(4, dtype=np.int32), 30)
    probe, fold = fit_probe(Hashing().encode(texts), label, 4)
    seen = probe.fold_posterior(Hashing().encode(texts), fold)
    assert (seen.argmax(axis=1) == label).mean() > 0.97
    unseen = probe.posterior(Hashing().encode(["rocket near a comet", "nothing known"]))
    assert unseen[0, 0] > 0.6
    assert unseen[1].max() < 0.6


def test_labels_and_texts_are_combined_by_bayes() -> None:
    text = np.array([[0.5, 0.3, 0.2], [0.5, 0.3, 0.2]])
    found = with_labels(text, np.array([1, NONE], np.int32), noise=0.1)
    joint = np.array([0.5 * 0.05, 0.3 * 0.9, 0.2 * 0.05])
    assert np.allclose(found[0], joint / joint.sum())
    assert np.allclose(found[1], text[1])


@pytest.mark.parametrize("effect", [0.0, 1.0])
def test_valence_opens_only_where_comments_predict(effect: float) -> None:
    rng = np.random.default_rng(0)
    comments = rng.normal(size=(50, 20)).astype(np.float32)
    good = np.sign(comments[:, 3])
    segment = rng.integers(0, 50, 4000)
    came_back = effect * 0.2 * good[segment] + rng.normal(size=4000) * 0.4
    held = rng.random(4000) < 0.2
    valence = fit_valence(comments, segment, came_back, held)
    assert valence.shut == (effect == 0.0)
    if effect:
        felt = valence.sentiment(comments)
        assert (np.sign(felt) == good).mean() > 0.8
        assert np.abs(felt).max() <= 1.0
    else:
        assert not valence.sentiment(comments).any()
