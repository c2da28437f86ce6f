"""The largest of some numbers, in order."""

from driftline.sim.kernel import kernel
from driftline.sim.types import Floats, Int32s


@kernel
def largest(values: Floats, out: Int32s) -> None:
    """Positions of the `out.size` largest values, descending; ties go to the lower position."""
    length = out.size
    filled = 0
    for i in range(values.size):
        if filled == length and values[i] <= values[out[length - 1]]:
            continue
        at = filled if filled < length else length - 1
        while at > 0 and values[out[at - 1]] < values[i]:
            out[at] = out[at - 1]
            at -= 1
        out[at] = i
        if filled < length:
            filled += 1
