"""Choice models of a user's own: the same noise, honest bounds, errors in one line before any work."""

from itertools import permutations
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from one_user import NUMBERS, answers, choice_for, items_at
from scipy import stats
from small_worlds import SMALL, first_four, live_on

from driftline.sim.affinity import item_numbers
from driftline.sim.choice import CHOICE_MODELS, Choice
from driftline.sim.config import params as config
from driftline.sim.config.params import ChoiceParams
from driftline.sim.config.resolve import world_params
from driftline.sim.errors import InputError
from driftline.sim.oracle import SlateValues
from driftline.sim.plug_ins import PlugIns
from driftline.sim.types import Floats
from driftline.sim.world import World

MATCHES = [0.9, -0.5, 1.4, 0.2, -1.5, 0.6]
APPEAL = [0.3, 0.8, -0.4, 0.0, 1.1, -0.2]
PLAIN, DRAWN, OVERLOAD = "own_models:PlainLogit", "own_models:DrawnLogit", "own_models:Overload"


# -- draws -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("own", [PLAIN, DRAWN])
def test_a_logit_of_ones_own_takes_what_the_built_in_one_takes(own: str) -> None:
    """Its race is the built-in model's Gumbel-max; only rounding differs, in one visit of millions."""
    items = items_at(MATCHES, APPEAL)
    filled = {name: np.empty((40_000, 5), np.float32) for name in (own, "multinomial_logit")}
    one, other = (
        answers(MATCHES, [3, 0, 4, 1], items, outside=1.5, decay=0.7, model=name, probabilities=filled[name])
        for name in filled
    )
    for name in one._fields:
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name), err_msg=name)
    np.testing.assert_allclose(filled[own], filled["multinomial_logit"], rtol=1e-5)
    assert 0.2 < (one.choice < 4).mean() < 0.9


@pytest.mark.parametrize("slate", [[0, 1, 2, 3], [5], [4, 0, 5, 3, 2, 1]])
@pytest.mark.parametrize("crowd", [0.0, 2.0])
def test_choices_are_as_frequent_as_the_probabilities_say(slate: list[int], crowd: float) -> None:
    n, numbers = 40_000, {"crowd": crowd, "heat": 0.5}
    utilities = np.array([MATCHES[item] + APPEAL[item] for item in slate])
    worth = np.append(np.exp(utilities / 0.5), np.exp(1.0) * (1.0 + crowd * (1 / (1 + np.exp(-utilities))).sum()))
    wanted = worth / worth.sum()
    choice = choice_for(len(slate), OVERLOAD, params=numbers)
    np.testing.assert_allclose(choice.probabilities(utilities), wanted, rtol=1e-12)
    responses = answers(MATCHES, slate, items_at(MATCHES, APPEAL), model=OVERLOAD, times=n, params=numbers)
    counts = np.bincount(responses.choice, minlength=len(slate) + 1)
    assert stats.chisquare(counts, n * wanted).pvalue > 1e-4


def test_a_world_of_one_item_more_changes_a_choice_only_by_the_probabilities() -> None:
    """Noise belongs to (user, visit, item): where nothing becomes less likely, nobody leaves an item for nothing."""
    items = items_at(MATCHES, APPEAL)
    four = answers(MATCHES, [0, 1, 2, 3], items, model=PLAIN, times=5_000, decay=0.0)
    five = answers(MATCHES, [5, 0, 1, 2, 3], items, model=PLAIN, times=5_000, decay=0.0)
    same = five.taken != 5
    assert 0.3 < same.mean() < 0.95
    np.testing.assert_array_equal(four.taken[same], five.taken[same])


# -- the best slate --------------------------------------------------------------------------------------------


def all_values(choice: Choice, utilities: Floats, rewards: Floats) -> Floats:
    """The value of every ordered slate, from the probabilities."""
    slates = permutations(range(len(utilities)), choice.length)
    return np.array([choice.probabilities(utilities[list(s)])[:-1] @ rewards[list(s)] for s in slates])


@pytest.mark.parametrize("model", [PLAIN, OVERLOAD])
@pytest.mark.parametrize(("candidates", "length"), [(6, 6), (5, 3), (720, 1), (1, 1), (27, 2)])
def test_all_slates_are_tried_where_they_are_few(model: str, candidates: int, length: int) -> None:
    rng = np.random.default_rng(candidates)
    choice = choice_for(length, model, params={"crowd": 3.0} if model == OVERLOAD else None)
    utilities, rewards = rng.normal(1.0, 1.5, candidates), rng.uniform(-1.0, 1.0, candidates)
    values = all_values(choice, utilities, rewards)
    out = np.empty(length, np.int32)
    assert choice.exact(candidates)
    assert choice.ceiling(utilities, rewards, out, choice.params) == pytest.approx(values.max(), abs=1e-12)
    found = choice.best_slate(utilities, rewards)
    assert len(set(found.tolist())) == length
    assert choice.value(utilities, rewards, found, choice.params) == pytest.approx(values.max(), abs=1e-12)


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("model", [PLAIN, OVERLOAD])
def test_elsewhere_the_ceiling_is_a_bound_and_the_search_finds_a_good_slate(model: str, seed: int) -> None:
    rng = np.random.default_rng(seed)
    choice = choice_for(3, model, params={"crowd": 3.0} if model == OVERLOAD else None)
    utilities, rewards = rng.normal(0.5, 1.5, 12), rng.uniform(-1.0, 0.8, 12)
    values = all_values(choice, utilities, rewards)
    out = np.empty(3, np.int32)
    assert not choice.exact(12)
    ceiling = choice.ceiling(utilities, rewards, out, choice.params)
    assert values.max() <= ceiling <= rewards.max()
    assert (ceiling < rewards.max()) == (model == PLAIN)
    found = choice.best_slate(utilities, rewards)
    assert len(set(found.tolist())) == 3
    worth = choice.value(utilities, rewards, found, choice.params)
    assert worth <= values.max() + 1e-12
    assert worth > values.mean() + 0.95 * (values.max() - values.mean())


def test_where_nothing_pleases_no_slate_is_worth_more_than_nothing() -> None:
    """The ceiling stands above every slate also where all rewards are below 0."""
    choice = choice_for(3, PLAIN)
    assert choice.ceiling(np.zeros(12), np.full(12, -0.5), np.empty(3, np.int32), choice.params) == 0.0


def test_regret_is_never_negative() -> None:
    rng = np.random.default_rng(3)
    mixture = rng.dirichlet(np.full(4, 0.3), 60).astype(np.float32)
    quality, appeal = (rng.normal(0, 0.6, 60).astype(np.float32) for _ in range(2))
    theta = rng.normal(0, 2, (50, 4)).astype(np.float32)
    pool = np.arange(40, dtype=np.int32)
    for model in (PLAIN, OVERLOAD):
        choice = choice_for(5, model, params={"crowd": 1.0} if model == OVERLOAD else None)
        values = SlateValues(item_numbers(mixture, quality, appeal), choice, NUMBERS, "satisfaction")
        best, found = values.best(np.arange(50), theta, pool), values.best_slates(np.arange(50), theta, pool)
        for slates in (found, np.tile(pool[:5], (50, 1))):
            assert (values.shown(np.arange(50), theta, slates) <= best).all()


# -- in a scenario ---------------------------------------------------------------------------------------------


def test_a_world_lives_by_the_model_and_forgets_nothing_of_its_numbers() -> None:
    overrides = {"choice.model": OVERLOAD, "choice.params.crowd": 0.5, "choice.outside": 0.0}
    plain, own = World(SMALL), World(SMALL, overrides=overrides)
    assert own.params.choice.model_dump()["params"] == {"heat": 1.0, "crowd": 0.5}
    assert world_params(own.params.model_dump(mode="json"), {}) == own.params
    before, after = live_on(plain, first_four), live_on(own, first_four)
    assert (before.feedback.choice != after.feedback.choice).any()


def test_built_in_models_have_no_numbers_of_their_own_and_say_nothing_of_them() -> None:
    keys = ["model", "position_decay", "outside", "persistence"]
    for name in CHOICE_MODELS.names():
        assert list(ChoiceParams(model=name).model_dump(mode="json")) == keys


@pytest.mark.parametrize(
    ("overrides", "line"),
    [
        (
            {"choice.model": "cascad"},
            "choice.model = 'cascad': choice model 'cascad' is unknown; did you mean 'cascade'?",
        ),
        ({"choice.model": "own_models:PlainLogi"}, "has no 'PlainLogi'; did you mean 'PlainLogit'?"),
        ({"choice.model": "no_models:Mine"}, "choice model 'no_models:Mine' cannot be imported: ModuleNotFoundError"),
        ({"choice.model": "pathlib:Path"}, "must be a subclass of driftline.sim.choice.ChoiceModel, not <class"),
        ({"choice.model": "own_models:Empty"}, "must state `probabilities`, a @staticmethod of a @kernel"),
        ({"choice.model": "own_models:Slow"}, "`probabilities` must be a @staticmethod of a @kernel"),
        ({"choice.model": OVERLOAD}, "choice.params: key 'crowd' is missing"),
        (
            {"choice.model": OVERLOAD, "choice.params": {"crowd": 1, "crwd": 2}},
            "choice.params: key 'crwd' is unknown; did you mean 'crowd'?",
        ),
        (
            {"choice.model": OVERLOAD, "choice.params.crowd": -1},
            "choice.params: crowd = -1: must be >= 0",
        ),
        (
            {"choice.model": OVERLOAD, "choice.params": {"crowd": 1, "outside": 2}},
            "choice.params: outside = 2: state it as choice.outside",
        ),
        (
            {"choice.params.crowd": 1},
            "choice.params: key 'crowd' is unknown; multinomial_logit has no numbers of its own",
        ),
        ({"choice.model": "own_models:TooMuch"}, "the probabilities of a slate of 4 sum to 1.1; must be 1"),
        ({"choice.model": "own_models:Dividing"}, "`probabilities` gives nan to a position; must be >= 0"),
        ({"choice.model": "own_models:Untyped"}, "`probabilities` cannot be compiled: Unknown attribute 'patience'"),
    ],
)
def test_what_cannot_be_used_is_refused_in_one_line_before_any_work(overrides: dict[str, Any], line: str) -> None:
    with pytest.raises(InputError) as refused:
        World(SMALL, overrides=overrides)
    assert line in str(refused.value)
    assert "\n" not in str(refused.value)


FOURTH = """
from own_models import PlainLogit

class FourthWay(PlainLogit):
    '''A fourth built-in.'''
"""


def test_a_model_dropped_into_the_folder_is_found_by_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "more_choice").mkdir()
    (tmp_path / "more_choice" / "__init__.py").write_text("")
    (tmp_path / "more_choice" / "fourth_way.py").write_text(FOURTH)
    monkeypatch.syspath_prepend(str(tmp_path))
    more: PlugIns[Any] = PlugIns("choice model", "more_choice", CHOICE_MODELS.wrong)
    monkeypatch.setattr(config, "CHOICE_MODELS", more)
    assert more.names() == ("fourth_way",)
    built = World(SMALL, overrides={"choice.model": "fourth_way"}).params.choice.built()
    assert type(built).__name__ == "FourthWay"
