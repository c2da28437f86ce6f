"""One thread for training, so that sums are added in one order whatever the machine is set to."""

from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def one_thread() -> Iterator[None]:
    """Hold BLAS and OpenMP to one thread inside the block; the old limits come back afterwards."""
    from threadpoolctl import threadpool_limits

    with threadpool_limits(limits=1):
        yield
