"""The conformance suites of laws and choice models: all that is discovered keeps them, every broken twin is found."""

from functools import cache

import own_laws
import own_models
import pytest

from driftline.sim.checks import check_choice_model, check_law
from driftline.sim.choice import CHOICE_MODELS, ChoiceModel
from driftline.sim.conformance import Check
from driftline.sim.errors import InputError
from driftline.sim.laws import Abrupt, Flow, Gradual, Law
from driftline.sim.laws._base import LAWS


def faults(checks: tuple[Check, ...]) -> dict[str, str]:
    return {check.name: check.fault for check in checks if check.fault is not None}


@cache
def faults_of_law(law: type[Law]) -> dict[str, str]:
    """Of a broken one, which several tests look at."""
    return faults(check_law(law))


@cache
def faults_of_model(model: type[ChoiceModel]) -> dict[str, str]:
    """Of a broken one, which several tests look at."""
    return faults(check_choice_model(model))


@pytest.mark.parametrize("name", LAWS.names())
def test_every_built_in_law_keeps_its_promises(name: str) -> None:
    assert faults(check_law(LAWS.find(name))) == {}


@pytest.mark.parametrize("name", CHOICE_MODELS.names())
def test_every_built_in_choice_model_keeps_its_promises(name: str) -> None:
    assert faults(check_choice_model(CHOICE_MODELS.find(name))) == {}


@pytest.mark.parametrize(
    "law",
    [
        own_laws.Seasonal,
        own_laws.Satiation,
        own_laws.Redraw,
        Abrupt(hazard=0.3, sigma=2.0),
        Abrupt(hazard=0.03, sigma=2.0, first="middle"),
        Flow(rate=0.3, hold=False),
        Gradual(tau=2.0, sigma=3.0, anchor=0.5),
    ],
)
def test_good_laws_keep_them_whatever_their_numbers(law: type[Law] | Law) -> None:
    assert faults(check_law(law)) == {}


@pytest.mark.parametrize(
    "model",
    [
        own_models.PlainLogit,
        own_models.DrawnLogit,
        own_models.Overload,
        own_models.Overload(crowd=5.0, heat=0.3, outside=-1.0),
    ],
)
def test_good_choice_models_keep_them_whatever_their_numbers(model: type[ChoiceModel] | ChoiceModel) -> None:
    assert faults(check_choice_model(model)) == {}


@pytest.mark.parametrize(
    ("law", "promise", "seen"),
    [
        (own_laws.Untyped, "runs", "Unknown attribute 'patience'"),
        (own_laws.Undefined, "finite", "topic 0 of a user without any preference is nan on day 1"),
        (own_laws.Random, "pure", "two lives of the same users differ by"),
        (own_laws.Growing, "pure", "two lives of the same users differ by"),
        (own_laws.Counting, "pure", "it writes into `today.shared`"),
        (own_laws.Homesick, "pure", "it writes into `today.home`"),
        (own_laws.Counting, "keyed", "users met in reverse order differ by"),
        (own_laws.Stale, "daily", "who is met after 5 days at once differs by"),
        (own_laws.Silent, "change_points", "(a jump is 8 times that), and no change point is reported"),
        (own_laws.Alarmist, "change_points", "whose component stays as it is"),
        (own_laws.Random, "contribution", "beside another law it differs by"),
        (own_laws.Mispaced, "scaled", "a quarter as fast it goes"),
        (own_laws.Misnamed, "scaled", "names 'speed', which is none of its fields"),
        (own_laws.Restless, "scaled", "it says that nothing drifts"),
    ],
)
def test_a_broken_law_is_found_by_the_promise_that_it_breaks(law: type[Law], promise: str, seen: str) -> None:
    found = faults_of_law(law)
    assert seen in found[promise]
    assert "\n" not in found[promise]


@pytest.mark.parametrize("law", [own_laws.Silent, own_laws.Alarmist, own_laws.Mispaced])
def test_a_law_that_breaks_one_promise_is_blamed_for_that_one(law: type[Law]) -> None:
    assert len(faults_of_law(law)) == 1


@pytest.mark.parametrize(
    ("model", "promise", "seen"),
    [
        (own_models.Untyped, "compiles", "Unknown attribute 'patience'"),
        (own_models.TooMuch, "chances", "sum to 1.1; must be 1"),
        (own_models.Dividing, "chances", "has a probability of nan"),
        (own_models.Overwriting, "pure", "writes into `utilities`"),
        (own_models.Eager, "draws", "was taken 20000 times in 20000"),
        (own_models.Gambling, "keyed", "met again take something else"),
        (own_models.Optimist, "value", "by its probabilities"),
        (own_models.Humble, "best", "slate is worth"),
        (own_models.Repeating, "best", "shows an item twice"),
        (own_models.Boastful, "monotone", "nothing becomes likelier"),
    ],
)
def test_a_broken_choice_model_is_found_by_the_promise_that_it_breaks(
    model: type[ChoiceModel], promise: str, seen: str
) -> None:
    found = faults_of_model(model)
    assert seen in found[promise]
    assert "\n" not in found[promise]


@pytest.mark.parametrize("model", [own_models.Eager, own_models.Gambling, own_models.Humble])
def test_a_choice_model_that_breaks_one_promise_is_blamed_for_that_one(model: type[ChoiceModel]) -> None:
    assert len(faults_of_model(model)) == 1


def test_every_line_says_what_was_asked_seen_and_is_to_change() -> None:
    (line,) = [str(each) for each in check_law(own_laws.Alarmist) if each.fault]
    assert line.startswith("BROKEN  change_points: `advance` says True on the days on which the component jumps")
    assert line.endswith("Return True where the component jumps, and False elsewhere.")


def test_a_law_that_is_not_compiled_is_no_law() -> None:
    with pytest.raises(InputError, match=r"`advance` must be a @staticmethod of a @kernel"):
        LAWS.find("own_laws:Plain")


class Odd(Law):
    """No usual number is legal."""

    name: tuple[str, str, str]


def test_what_cannot_be_set_up_says_so() -> None:
    with pytest.raises(InputError, match=r"Odd.name: no usual number is legal; give it a default"):
        check_law(Odd)


def test_what_a_plug_in_does_not_claim_is_unasked_and_not_held() -> None:
    class Claimless(Law):
        """Says nothing of its rates."""

    asked = {each.name: each for each in (*check_law(Claimless()), *check_choice_model(own_models.Overload))}
    assert asked["scaled"].unasked is not None
    assert asked["monotone"].unasked is not None
