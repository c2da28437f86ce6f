"""Options of `driftline ope` and `driftline ab`, from text."""

from driftline.evaluation.off_policy import Bounds
from driftline.sim.errors import InputError


def names(text: str) -> list[str]:
    """`a,b` as two names."""
    return [each.strip() for each in text.split(",") if each.strip()]


def named_numbers(option: str, text: str) -> dict[str, float]:
    """`a=1,b=2` as a mapping."""
    found: dict[str, float] = {}
    for pair in names(text):
        name, equals, number = (piece.strip() for piece in pair.partition("="))
        if not (name and equals):
            raise InputError(f"{option} {pair!r}: must be name=number")
        found[name] = _number(f"{option} {name}", number)
    return found


def share_text(text: str | None) -> float | dict[str, float] | None:
    """`--share .5`, or a share for every arm."""
    if text is None:
        return None
    return named_numbers("--share", text) if "=" in text else _number("--share", text)


def bounds(reward_range: str | None, largest_weight: float | None) -> Bounds | None:
    """`--reward-range 0,1` and `--largest-weight 20`; null where neither is stated."""
    if reward_range is None and largest_weight is None:
        return None
    if reward_range is None:
        return Bounds(weight=largest_weight)
    pair = names(reward_range)
    if len(pair) != 2:
        raise InputError(f"--reward-range {reward_range}: must be two numbers, such as 0,1")
    return Bounds((_number("--reward-range", pair[0]), _number("--reward-range", pair[1])), largest_weight)


def _number(what: str, text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise InputError(f"{what} {text!r}: must be a number") from None
