"""Numbers for compiled code: one class a name, in every process."""

import pickle

import pytest
from numba.core import serialize

from driftline.sim import numbers
from driftline.sim.laws import Gradual, Static
from driftline.sim.numbers import numbers_type


def test_the_numbers_of_parameters_are_their_fields_in_order() -> None:
    assert Gradual(tau=3.0, sigma=0.5).numbers() == (3.0, 0.5, 0.0)
    assert Gradual(tau=3.0, sigma=0.5).numbers()._fields == ("tau", "sigma", "anchor")
    assert Static().numbers() == ()


@pytest.mark.parametrize("fields", [(), ("one",), ("one", "two__three")])
def test_what_numba_stores_on_disk_names_the_class_and_does_not_hold_it(fields: tuple[str, ...]) -> None:
    """Else no later process would find the compiled code again, and each would add its own."""
    made = numbers_type("SomeNumbers", fields)
    stored = serialize.dumps(made)  # type: ignore[no-untyped-call]
    assert len(stored) < 200
    assert pickle.loads(stored) is made
    assert made._fields == fields
    assert getattr(numbers, made.__qualname__) is made


def test_a_name_that_is_none_is_none() -> None:
    with pytest.raises(AttributeError, match=r"module 'driftline.sim.numbers' has no attribute 'nothing'"):
        numbers.nothing  # noqa: B018
