"""pytest plug-in: `pytest --driftline-check mine:Agent` collects one test for each promise that an agent must keep.

Anything that `driftline check` takes may be named, as often as wanted. pytest loads this file in every environment that
has driftline: hence it lies outside the package, and imports driftline only where the option is used.
"""

import sys
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from driftline.sim.conformance import Check

OPTION = "--driftline-check"


class BrokenPromise(Exception):  # noqa: N818  it is the plug-in under test that is wrong
    """A promise is not kept."""


def pytest_addoption(parser: pytest.Parser) -> None:
    """One option, which may be repeated."""
    parser.getgroup("driftline").addoption(
        OPTION,
        action="append",
        default=[],
        metavar="NAME",
        help="one test for each promise of this agent, law, scenario file, ...: what `driftline check NAME` asks",
    )


@pytest.hookimpl(tryfirst=True)  # so that -k, -m and --deselect see them
def pytest_collection_modifyitems(session: pytest.Session, config: pytest.Config, items: list[pytest.Item]) -> None:
    """The promises come after everything else that is collected."""
    for name in config.getoption(OPTION):
        plug_in = PlugIn.from_parent(session, name=name, nodeid=f"driftline::{name}")
        report = plug_in.ihook.pytest_make_collect_report(collector=plug_in)
        plug_in.ihook.pytest_collectreport(report=report)
        items.extend(report.result)


class PlugIn(pytest.Collector):
    """What is checked."""

    def collect(self) -> "list[Promise]":
        """One test for each promise; the suite itself runs here, since it alone knows what it asks."""
        from driftline.scenarios.kinds import check
        from driftline.sim.errors import InputError

        here = str(self.config.invocation_params.dir)
        if here not in sys.path:
            sys.path.insert(0, here)  # as `driftline check` does
        try:
            found = check(self.name, run_code=True)  # a test runs code of its own repository
        except InputError as problem:
            raise self.CollectError(str(problem)) from problem
        return [
            Promise.from_parent(self, name=f"{each.kind}::{one.name}", check=one)
            for each in found
            for one in each.checks
        ]


class Promise(pytest.Item):
    """One promise."""

    def __init__(self, *, check: "Check", **places: Any) -> None:
        super().__init__(**places)
        self.check = check

    def runtest(self) -> None:
        """Report what was found."""
        if self.check.unasked is not None:
            pytest.skip(self.check.unasked)
        if self.check.fault is not None:
            raise BrokenPromise(str(self.check))

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        """One line; where in this file it was raised helps nobody."""
        return str(excinfo.value) if excinfo.errisinstance(BrokenPromise) else super().repr_failure(excinfo, style)

    def reportinfo(self) -> tuple[Any, None, str]:
        """Where it stands in pytest's reports."""
        return self.path, None, self.nodeid
