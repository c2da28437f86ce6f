"""Seeds as written on a command line: `3` for the first three, `5:10` for 5 to 9."""

from collections.abc import Iterable

from driftline.sim.errors import InputError

LIMIT = 2**31


def seed_range(text: str) -> range:
    """`3` is range(3), `5:10` is range(5, 10).

    Raises:
        InputError: not numbers, negative, or empty.
    """
    first, colon, last = text.strip().partition(":")
    try:
        start, end = (int(first or 0), int(last)) if colon else (0, int(first))
    except ValueError:
        raise InputError(f"--seeds {text}: must be a number of seeds (3) or a half-open range (5:10)") from None
    if start < 0 or end > LIMIT:
        raise InputError(f"--seeds {text}: seeds must be >= 0 and < {LIMIT}")
    if end <= start:
        wanted = (
            f"the end must be above the start; {start}:{start + 1} is seed {start} alone" if colon else "must be >= 1"
        )
        raise InputError(f"--seeds {text}: {wanted}")
    return range(start, end)


def checked_seeds(seeds: Iterable[int]) -> tuple[int, ...]:
    """Seeds as given to `run`, in their order.

    Raises:
        InputError: no list, none, one twice, negative, or not a whole number.
    """
    if not isinstance(seeds, Iterable):
        raise InputError(f"seeds: {seeds!r} is no list of seeds; range(3) stands for 0, 1 and 2")
    found: list[int] = []
    for seed in seeds:
        if isinstance(seed, bool) or not hasattr(seed, "__index__"):
            raise InputError(f"seeds: {seed!r} is not a whole number")
        number = seed.__index__()
        if not 0 <= number < LIMIT:
            raise InputError(f"seeds: {number} must be >= 0 and < {LIMIT}")
        if number in found:
            raise InputError(f"seeds: {number} is given twice")
        found.append(number)
    if not found:
        raise InputError("seeds: at least one is needed")
    return tuple(found)
