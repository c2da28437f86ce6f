"""A pytest plugin: one JSON line when a test begins, one when it ends, one for a file that cannot be collected.

Written to the file that the variable MUTANTS_WATCH names, by the process that sees all tests. Each process of
pytest-xdist keeps its compiled code in a folder of its own below the one that MUTANTS_NUMBA names, if it does: this
must be said before numba is imported.
"""

import json
import os
import time
from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest

WORKER = os.environ.get("PYTEST_XDIST_WORKER", "alone")
if "MUTANTS_NUMBA" in os.environ:
    os.environ["NUMBA_CACHE_DIR"] = str(Path(os.environ["MUTANTS_NUMBA"]) / WORKER)

spent: dict[str, float] = defaultdict(float)
failed: set[str] = set()


def _say(**facts: Any) -> None:
    with Path(os.environ["MUTANTS_WATCH"]).open("a", encoding="utf-8") as file:
        file.write(json.dumps(facts) + "\n")


def pytest_configure(config: pytest.Config) -> None:
    if hasattr(config, "workerinput"):  # pytest-xdist: the controller hears of every test
        config.pluginmanager.unregister(config.pluginmanager.get_plugin("watch"))


def pytest_runtest_logstart(nodeid: str) -> None:
    _say(begins=nodeid, at=time.time())


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    spent[report.nodeid] += report.duration
    if report.failed:
        failed.add(report.nodeid)
    if report.when == "teardown":
        _say(ends=report.nodeid, failed=report.nodeid in failed, seconds=spent[report.nodeid])


def pytest_collectreport(report: pytest.CollectReport) -> None:
    if report.failed:
        _say(uncollected=report.nodeid)
