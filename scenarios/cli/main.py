"""The command line. Start-up imports nothing heavy: each command imports what it needs when called."""

import re
import signal
import sys
from collections.abc import Callable, Sequence
from typing import Annotated, Any

import typer

from driftline._version import __version__
from driftline.scenarios.cli.judging import ab, experiment, grade, ope, tune
from driftline.scenarios.cli.plug_ins import check, list_plug_ins
from driftline.scenarios.cli.runs import compare, report, run, show
from driftline.sim.errors import InputError

BAD_INPUT = 2
INTERRUPTED, TERMINATED = 130, 143

app = typer.Typer(
    name="driftline",
    help="Recommender systems whose users' interests drift, simulated and judged against the truth.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
COMMANDS: dict[str, Callable[..., None]] = {
    "list": list_plug_ins,
    "check": check,
    "run": run,
    "compare": compare,
    "report": report,
    "show": show,
    "experiment": experiment,
    "grade": grade,
    "ope": ope,
    "ab": ab,
    "tune": tune,
}
for name, command in COMMANDS.items():
    app.command(name)(command)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"driftline {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", help="Print the version.", callback=_version, is_eager=True)
    ] = False,
) -> None:
    """Options of no command."""


def main(arguments: list[str] | None = None) -> None:
    """Run a command and exit: 0, 2 for unusable input (one line on stderr), 130 for Ctrl-C, 143 for SIGTERM."""
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background jobs inherit "ignore"
    terminated: list[object] = []

    def stop(*sent: object) -> None:
        terminated.append(sent)
        raise KeyboardInterrupt

    signal.signal(signal.SIGTERM, stop)  # a run is left as on Ctrl-C, to be gone on with
    if "" not in sys.path:
        sys.path.insert(0, "")  # `package.module:Class` may lie in the working directory
    code = _exit_code(arguments)
    sys.exit(TERMINATED if terminated and code == INTERRUPTED else code)


def _exit_code(arguments: list[str] | None) -> int:
    try:
        code = app(arguments, standalone_mode=False)
    except InputError as problem:
        return _complain(str(problem))
    except KeyboardInterrupt:
        return INTERRUPTED
    except OSError as problem:
        return _complain(f"{problem.filename or 'file'}: {problem.strerror or problem}")
    except Exception as problem:
        if not hasattr(problem, "format_message"):  # a usage error of typer's own
            raise
        line = _usage_error(problem, sys.argv[1:] if arguments is None else arguments)
        return _complain(line) if line else BAD_INPUT
    return code if isinstance(code, int) else 0


BOUNDS = (
    (r"Input should be a valid integer.*", "must be a whole number"),
    (r"Input should be a valid number.*", "must be a number"),
    (r"Input should be greater than or equal to (\S+)", r"must be >= \1"),
)
"""What typer says of an option's value, and how every other message here says it."""


def _usage_error(problem: Any, arguments: Sequence[str]) -> str:
    """One line on a usage error of typer's; it names the value too, which typer leaves out."""
    told: str = problem.format_message()
    option = next(iter(getattr(getattr(problem, "param", None), "opts", ())), "")
    for pattern, bound in BOUNDS:
        wrong = re.search(pattern, told)
        value = _stated(option, arguments)
        if wrong and value is not None:
            return f"{option} {value}: {wrong.expand(bound)}"
    return told


def _stated(option: str, arguments: Sequence[str]) -> str | None:
    """The text that an option was given, the last one where there are several; None where it was not."""
    found = None
    for place, argument in enumerate(arguments):
        name, equals, value = argument.partition("=")
        if name == option:
            found = value if equals else next(iter(arguments[place + 1 :]), None)
    return found


def _complain(line: str) -> int:
    print(f"driftline: {' '.join(line.split())}", file=sys.stderr)
    return BAD_INPUT


if __name__ == "__main__":
    main()
