"""What holds for every test: each worker of pytest has a compiler cache of its own.

Two processes that compile one function for different types at the same moment may overwrite each other's entries
in numba's cache on disk. This must be said before numba is imported.

Examples of hypothesis are the same in every run: a change turns the suite red, never the dice. Without a fixed seed,
for a search of new counter-examples: `pytest --hypothesis-profile=default`.
"""

import os
from pathlib import Path

from hypothesis import settings

WORKER = os.environ.get("PYTEST_XDIST_WORKER", "alone")
os.environ.setdefault(
    "NUMBA_CACHE_DIR", str(Path(__file__).resolve().parent.parent / ".pytest_cache" / f"numba-{WORKER}")
)

settings.register_profile("fixed", derandomize=True, deadline=None)
settings.load_profile("fixed")
