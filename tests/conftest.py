"""What holds for every test: each worker of pytest has a compiler cache of its own.

Two processes that compile one function for different types at the same moment may overwrite each other's entries
in numba's cache on disk. This must be said before numba is imported.
"""

import os
from pathlib import Path

WORKER = os.environ.get("PYTEST_XDIST_WORKER", "alone")
os.environ.setdefault(
    "NUMBA_CACHE_DIR", str(Path(__file__).resolve().parent.parent / ".pytest_cache" / f"numba-{WORKER}")
)
