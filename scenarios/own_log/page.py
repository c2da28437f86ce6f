"""A verdict as one page that opens in any browser without a network."""

from pathlib import Path

from driftline.scenarios.own_log.forest_plot import forest_plot
from driftline.scenarios.own_log.verdict import Verdict

TEMPLATE = Path(__file__).parent / "templates" / "own_log.html.j2"


def page(verdict: Verdict) -> str:
    """HTML; everything on it is in `Verdict.document` too, but for the drawing."""
    from jinja2 import Environment

    environment = Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True)
    environment.filters["short"] = _short
    return environment.from_string(TEMPLATE.read_text("utf-8")).render(
        verdict=verdict,
        rows=verdict.rows(),
        checks=verdict.check_rows(),
        measured="value" if verdict.command == "ope" else "effect",
        figure=forest_plot(verdict),
        reference="no effect" if verdict.command == "ab" else "what the logging policy earned, or no gain",
    )


def _short(value: object) -> str:
    if value is None:
        return "–"
    return f"{value:.4g}" if isinstance(value, float) else f"{value:,}" if isinstance(value, int) else str(value)
