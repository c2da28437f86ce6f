"""What is said about a log: checks first, then numbers, then every warning, as rows, as JSON and as a page."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from math import isfinite
from pathlib import Path
from typing import Any

from driftline.evaluation.estimate import Estimate
from driftline.evaluation.experiment import Effect


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at before any estimate."""

    name: str
    found: str
    warnings: tuple[str, ...] = ()
    """Empty where nothing speaks against the log."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One number."""

    about: str
    """What it is a number of, such as `value over the log`, `next period`, `mean per user`."""
    name: str
    """The estimator, or the arm that is compared with the control."""
    estimate: Estimate
    unit: str = "value"
    """Numbers of one unit are drawn on one scale."""
    p_adjusted: float | None = None
    """Holm's, over the arms compared with one control; null with a single one."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """Everything that `driftline.ope` or `driftline.ab` found."""

    command: str
    title: str
    facts: Mapping[str, str]
    """How the log was read: file, columns, policy or control."""
    checks: tuple[Check, ...]
    findings: tuple[Finding, ...]
    level: float
    alarm: str = ""
    """What must be read before any number; empty where there is nothing of the kind."""
    arms: tuple[Mapping[str, object], ...] = ()
    """An experiment's arms, the control first."""
    reference: Mapping[str, float] | None = None
    """By `Finding.about`: the value that a figure marks, such as the logging policy's, or no effect."""

    def __getitem__(self, name: str | tuple[str, str]) -> Estimate:
        """An estimate by its name (the first of that name), or by (about, name)."""
        for each in self.findings:
            if name in (each.name, (each.about, each.name)):
                return each.estimate
        raise KeyError(f"no estimate {name!r}; there are {[(each.about, each.name) for each in self.findings]}")

    @property
    def warnings(self) -> tuple[str, ...]:
        """Every warning once: the alarm, those of the checks, those of the estimates."""
        return tuple(dict.fromkeys(self._warnings()))

    def _warnings(self) -> Iterator[str]:
        if self.alarm:
            yield self.alarm
        for check in self.checks:
            yield from check.warnings
        for finding in self.findings:
            yield from finding.estimate.warnings

    def rows(self) -> list[dict[str, object]]:
        """One row an estimate, for a table; `see` holds the numbers of its warnings, from 1."""
        number = {line: str(k) for k, line in enumerate(self.warnings, start=1)}
        adjusted = any(each.p_adjusted is not None for each in self.findings)
        return [self._row(each, number, adjusted) for each in self.findings]

    def _row(self, finding: Finding, number: Mapping[str, str], adjusted: bool) -> dict[str, object]:
        found = finding.estimate
        measured = "value" if self.command == "ope" else "effect"
        row: dict[str, object] = {
            "of" if self.command == "ope" else "metric": finding.about,
            "estimator" if self.command == "ope" else "arm": finding.name,
            measured: found.value,
            f"{measured}_low": found.low,
            f"{measured}_high": found.high,
            "std_error": found.std_error,
        }
        if isinstance(found, Effect):
            row["p"] = found.p_value
        if adjusted:
            row["p_holm"] = finding.p_adjusted
        row |= {"n": found.n, "see": " ".join(number[line] for line in found.warnings) or "-"}
        return {name: told(value) for name, value in row.items()}

    def check_rows(self) -> list[dict[str, object]]:
        """One row a check; `see` holds the numbers of its warnings."""
        number = {line: str(k) for k, line in enumerate(self.warnings, start=1)}
        return [
            {"check": each.name, "found": each.found, "see": " ".join(number[line] for line in each.warnings) or "ok"}
            for each in self.checks
        ]

    def document(self) -> dict[str, Any]:
        """Everything as plain values for JSON; null where a number does not exist."""
        return {
            "command": self.command,
            "title": self.title,
            "level": self.level,
            "facts": dict(self.facts),
            "alarm": self.alarm or None,
            "checks": [{"name": c.name, "found": c.found, "warnings": list(c.warnings)} for c in self.checks],
            "arms": [{name: told(value) for name, value in arm.items()} for arm in self.arms],
            "estimates": [_document(each) for each in self.findings],
            "warnings": list(self.warnings),
        }

    def write_page(self, path: str | Path) -> Path:
        """A page that opens in any browser without a network."""
        from driftline.scenarios.own_log.page import page

        target = Path(path)
        target.write_text(page(self), encoding="utf-8")
        return target


def told(value: object) -> object:
    """A value as JSON can hold it: null for NaN and infinity."""
    return None if isinstance(value, float) and not isfinite(value) else value


def _document(finding: Finding) -> dict[str, object]:
    found = finding.estimate
    row: dict[str, object] = {
        "of": finding.about,
        "name": finding.name,
        "value": told(found.value),
        "std_error": told(found.std_error),
        "low": told(found.low),
        "high": told(found.high),
        "n": found.n,
        "method": found.method,
    }
    if isinstance(found, Effect):
        row |= {"p_value": told(found.p_value), "p_holm": finding.p_adjusted}
    return row | {"warnings": list(found.warnings)}
