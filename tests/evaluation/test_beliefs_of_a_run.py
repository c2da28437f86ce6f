"""Measures of belief on a run folder's own probe scores and truth."""

from pathlib import Path

import numpy as np
from fabricated_run import fabricate

from driftline.evaluation.drift import (
    belief_entropy,
    forgetting,
    interest_phases,
    topic_recall,
    topic_scores,
    visit_mean,
)
from driftline.evaluation.run.folder import RunFolder
from driftline.evaluation.run.tracking import beliefs, fit_temperature
from driftline.evaluation.run.visits import judged_visits


def test_the_oracle_of_a_run_recalls_every_topic_and_believes_as_broadly_as_is_true(tmp_path: Path) -> None:
    run = RunFolder(fabricate(tmp_path, agents=("oracle", "full"), seeds=(5,), users=12))
    known, rival = beliefs(run, "oracle", 5), beliefs(run, "full", 5)
    truth = topic_scores(known.utility, known.dominant)
    assert topic_recall(topic_scores(known.scores, known.dominant), truth).min() > 0.99
    heat = fit_temperature(known.scores, known.utility)
    assert np.abs(belief_entropy(known.scores, known.utility, heat).excess).max() < 0.01
    of_rival = visit_mean(rival.user, topic_recall(topic_scores(rival.scores, rival.dominant), truth))
    assert 0.4 < of_rival.low < of_rival.value < of_rival.high < 0.99
    assert of_rival.n == len(np.unique(rival.user))


def test_phases_of_a_run_follow_its_change_points(tmp_path: Path) -> None:
    run = RunFolder(fabricate(tmp_path, agents=("full",), seeds=(5,), users=12))
    visits = judged_visits(run, "full", 5)
    theta = run.truth("full", 5).select("user", "visit", "interest_before").collect()
    theta = visits.select("user", "visit").join(theta, on=["user", "visit"], maintain_order="left")
    user, changed = visits["user"].to_numpy(), visits["change_point"].to_numpy()
    phases = interest_phases(user, changed, theta["interest_before"].to_numpy())
    moved = (phases[1:] != phases[:-1]) & (user[1:] == user[:-1])
    assert moved.any()
    assert changed[1:][moved].all()
    assert forgetting(user, phases, -visits["regret"].to_numpy()).returns == 0
