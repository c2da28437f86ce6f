"""Where torch computes: the device, and on how many threads. Imports torch inside its functions only."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from driftline.sim.errors import hint

if TYPE_CHECKING:
    import torch

DEVICES = ("auto", "cpu", "cuda")


def resolve(name: str) -> "torch.device":
    """The torch device of `auto` (CUDA where there is one, else the CPU), `cpu`, `cuda` or `cuda:<number>`.

    Raises `ValueError` for any other name and `RuntimeError` when CUDA is asked for and absent.
    """
    import torch

    kind, _, number = name.partition(":")
    if kind not in DEVICES or (number and not (kind == "cuda" and number.isdecimal())):
        raise ValueError(f"device {name!r} is none of {', '.join(DEVICES)}, cuda:<number>; {hint(kind, DEVICES)}")
    count = torch.cuda.device_count() if torch.cuda.is_available() else 0
    if kind == "cuda" and int(number or 0) >= count:
        raise RuntimeError(f"device {name!r} was asked for, but torch {torch.__version__} sees {count} CUDA devices")
    if kind == "auto":
        kind = "cuda" if count else "cpu"
    return torch.device(f"{kind}:{number}" if number else kind)


@contextmanager
def torch_threads(count: int) -> Iterator[None]:
    """Run the block on `count` threads of torch, then put the caller's number back.

    One thread is the default everywhere: two on shared cores were measured 7 times slower than one.
    """
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)
