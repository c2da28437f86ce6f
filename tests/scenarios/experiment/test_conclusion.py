"""What an experiment comes to: the test's word, the truth's, whether they agree, and what stays unknown."""

from dataclasses import replace
from math import nan

import numpy as np
import pytest

from driftline.evaluation.estimate import Estimate
from driftline.scenarios.experiment.conclusion import conclusion
from driftline.scenarios.experiment.design import Design, Training
from driftline.scenarios.experiment.page import forest_plot
from driftline.scenarios.experiment.readings import Experiment, unsupported


def number(value: float, reach: float, n: int = 200) -> Estimate:
    return Estimate(value, reach / 2.0, value - reach, value + reach, n)


def experiment(
    said: Estimate, true: Estimate, *, gap: Estimate | None = None, training: Training = "pooled", seeds: int = 1
) -> Experiment:
    readings = {"ab_test": said, "exposure": number(0.3, 0.1), "global": true, "interference": gap or number(0, 0.1)}
    return Experiment(
        ("old", "new"), Design(), training, "reward", {"all": readings}, {}, tuple(range(seeds)), 200 * seeds
    )


@pytest.mark.parametrize(
    ("said", "true", "test", "truth", "both"),
    [
        (
            (0.2, 0.1),
            (0.25, 0.05),
            "new earns more than old",
            "earns more than",
            "agree on the sign; the test's interval h",
        ),
        ((0.2, 0.1), (-0.3, 0.1), "new earns more than old", "earns less than", "contradict each other"),
        (
            (0.2, 0.3),
            (0.25, 0.05),
            "new is not told from old",
            "earns more than",
            "did not see it; the test's interval holds",
        ),
        (
            (-0.2, 0.1),
            (0.0, 0.05),
            "new earns less than old",
            "is not told, even",
            "does not confirm; the test's interval d",
        ),
        ((0.0, 0.1), (0.01, 0.05), "new is not told from old", "is not told, even", "Neither shows an effect"),
    ],
)
def test_test_and_truth_are_set_beside_each_other(
    said: tuple[float, float], true: tuple[float, float], test: str, truth: str, both: str
) -> None:
    lines = conclusion(experiment(number(*said), number(*true)))
    assert test in lines[0]
    assert truth in lines[1]
    assert both in lines[2]
    assert lines[3].startswith("One seed: all of this is about one world")


def test_a_test_without_a_number_says_why_and_no_more() -> None:
    refused = Estimate(nan, nan, nan, nan, 0, "welch", ("arm 1 has 1 user",))
    lines = conclusion(experiment(refused, number(0.2, 0.1)))
    assert lines[0] == "The test says nothing: arm 1 has 1 user."
    assert not any("agree" in line or "interval h" in line for line in lines)


def test_what_no_larger_test_would_mend_is_named_with_its_cause() -> None:
    wrong = number(0.2, 0.1)
    biased = experiment(wrong, wrong, gap=number(-0.2, 0.05))
    assert any(
        "No larger test would mend this" in line and "learn from the other arm" in line for line in conclusion(biased)
    )
    blocks = replace(biased, design=Design(kind="switchback"))
    assert any("learn from the other arm's users, or users remember" in line for line in conclusion(blocks))
    assert blocks.label("interference") == "interference and carry-over (exposure - global)"
    assert biased.label("interference") == "interference bias (exposure - global)"
    frozen = replace(blocks, training="snapshot")
    assert any("(users remember the other arm's blocks)" in line for line in conclusion(frozen))
    assert not any("No larger test" in line for line in conclusion(experiment(wrong, wrong)))


def test_few_seeds_do_not_pass_for_other_worlds() -> None:
    two = experiment(number(0.2, 0.1), number(0.2, 2.0, n=2), seeds=2)
    two = replace(two, over_users={"all": {"global": number(0.2, 0.05, n=400)}})
    lines = conclusion(two)
    assert "earns more than" in lines[1]
    assert "over 400 users" in lines[1]
    assert any("it is +0.2 [-1.8, +2.2]: not known yet; 5 seeds" in line for line in lines)
    five = experiment(number(0.2, 0.1), number(0.2, 0.1, n=5), seeds=5)
    assert any(line.startswith("5 seeds: the truth's interval is over seeds") for line in conclusion(five))


def test_interleaving_is_compared_by_sign_only() -> None:
    found = replace(experiment(number(0.2, 0.1), number(0.1, 0.05)), design=Design(kind="interleave"))
    lines = conclusion(found)
    assert "users prefer new to old" in lines[0]
    assert "credit is no reward" in lines[2]
    assert "what the A/B says" not in forest_plot(found)


def test_a_log_that_hardly_shows_the_other_policy_says_nothing_about_it() -> None:
    rng = np.random.default_rng(0)
    logged = np.log(np.full((1000, 1), 0.5))
    assert unsupported(logged, logged) == ""
    # half of what B shows could never be logged; what could be is as likely under B as under A
    assert "shows 45 % of what B would show" in unsupported(logged, np.log(np.full((1000, 1), 0.225)))
    # B shows 1 in 400 of the logged slates, with certainty: all that is said would rest on two or three of them
    with np.errstate(divide="ignore"):
        rare = np.log((rng.random((1000, 1)) < 1 / 400).astype(float))
    assert "of 1,000 slates is worth" in unsupported(np.log(np.full((1000, 1), 1 / 400)), rare)
