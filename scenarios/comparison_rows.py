"""Paired comparisons as table rows."""

from math import isfinite

from driftline.scenarios.run_result import Run


def comparison_rows(run: Run, a: str, b: str) -> list[dict[str, object]]:
    """One row per outcome: mean of each agent, difference b - a with its 95 % interval, ratio, and notes."""
    rows: list[dict[str, object]] = []
    for metric in ("regret", "reward"):
        found = run.compare(a, b, metric)
        rows.append(
            {
                "metric": metric,
                a: _finite(found.effects["a"].mean()),
                b: _finite(found.effects["b"].mean()),
                "difference": _finite(found.difference.value),
                "difference_low": _finite(found.difference.low),
                "difference_high": _finite(found.difference.high),
                "ratio": _finite(found.ratio.value),
                "ratio_low": _finite(found.ratio.low),
                "ratio_high": _finite(found.ratio.high),
                "smallest_difference": _finite(found.smallest_difference),
                "notes": "; ".join(found.notes),
            }
        )
    return rows


def _finite(value: object) -> float | None:
    return float(value) if isinstance(value, int | float) and isfinite(value) else None
