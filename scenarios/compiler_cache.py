"""A compiler cache on disk for each worker process.

numba names the entries of its cache without a lock: two processes that compile one function for different types at the
same moment may write under one name, and the second then finds the first one's code. So workers do not share.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

VARIABLE = "NUMBA_CACHE_DIR"


@contextmanager
def of_worker(place: int) -> Iterator[None]:
    """Processes spawned within keep their compiled code in the folder of worker `place`, for later runs too.

    numba reads the variable when it is imported, so this process is not touched.
    """
    before = os.environ.get(VARIABLE)
    base = Path(before) if before else Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "driftline"
    os.environ[VARIABLE] = str(base / f"worker-{place}")
    try:
        yield
    finally:
        if before is None:
            del os.environ[VARIABLE]
        else:
            os.environ[VARIABLE] = before
