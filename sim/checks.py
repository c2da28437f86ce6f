"""Conformance suites of the world's plug-ins: `check_law` and `check_choice_model`.

Everything is keyed, so a suite comes to the same each time. What is statistical states its error rate.
"""

from collections.abc import Iterator
from typing import Any, Literal, TypeVar, get_args, get_origin

from pydantic import TypeAdapter, ValidationError
from pydantic.fields import FieldInfo

from driftline.sim.choice import ChoiceModel
from driftline.sim.choice._checks import CHOICE, ChoiceExam
from driftline.sim.conformance import Check, examined
from driftline.sim.errors import InputError
from driftline.sim.laws import Law
from driftline.sim.laws._checks import LAW, LawExam
from driftline.sim.types import Params

Model = TypeVar("Model", bound=Params)


def check_law(law: type[Law] | Law) -> tuple[Check, ...]:
    """Ask a law of drift for everything that laws promise.

    law: a class or an instance. Of a class, numbers without a default are set: 5 for `times`, .2 for `rates`, else 1.

    Raises:
        InputError: a field without a default for which no usual number is legal.
    """
    return tuple(examined(LAW, LawExam.of(_instance(law))))


def check_choice_model(model: type[ChoiceModel] | ChoiceModel) -> tuple[Check, ...]:
    """Ask a choice model for everything that choice models promise.

    model: a class or an instance. Of a class, numbers without a default are set to 1, or to what their bounds allow.

    Raises:
        InputError: a field without a default for which no usual number is legal.
    """
    return tuple(examined(CHOICE, ChoiceExam(_instance(model))))


def _instance(plug_in: type[Model] | Model) -> Model:
    """The plug-in itself, or one of its class with numbers for what has no default.

    Raises:
        InputError: a field for which no number is at hand.
    """
    if not isinstance(plug_in, type):
        return plug_in
    numbers = {
        name: _number(plug_in, name, field) for name, field in plug_in.model_fields.items() if field.is_required()
    }
    try:
        return plug_in.model_validate(numbers)
    except ValidationError as problem:
        raise InputError(
            f"{plug_in.__name__}: {problem.errors()[0]['msg']}; give its fields defaults, or check an instance"
        ) from problem


def _number(plug_in: type[Params], name: str, field: FieldInfo) -> object:
    """A legal value of a field, of a usual size."""
    usual = (
        5.0 if name in getattr(plug_in, "times", ()) else 0.2 if name in (getattr(plug_in, "rates", ()) or ()) else 1.0
    )
    checked: TypeAdapter[Any] = TypeAdapter(field.rebuild_annotation())
    for value in _tried(usual, field):
        try:
            checked.validate_python(value)
        except ValidationError:
            continue
        return value
    raise InputError(f"{plug_in.__name__}.{name}: no usual number is legal; give it a default, or check an instance")


def _tried(usual: float, field: FieldInfo) -> Iterator[object]:
    if get_origin(field.annotation) is Literal:
        yield from get_args(field.annotation)
    yield from (usual, 1.0, 0.5, 0.2, 5.0, 10.0, 50.0, 0.0, -1.0, "text")
