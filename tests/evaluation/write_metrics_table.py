"""Write the table of all metrics into the manual's page, between its two marks."""

import re
from pathlib import Path

from driftline.evaluation.metrics import METRICS
from driftline.evaluation.metrics._table import page_table

PAGE = Path(__file__).resolve().parents[2] / "docs" / "metrics.md"
TABLE = re.compile(r"(<!-- METRICS, [^>]* -->\n\n).*?(\n?<!-- end -->)", re.DOTALL)


def written(page: str) -> str:
    """The page with the table as it should be."""
    text, count = TABLE.subn(lambda found: f"{found[1]}{page_table(METRICS)}\n\n<!-- end -->", page)
    if count != 1:
        raise ValueError(f"{PAGE.name} has {count} places for the table of metrics; it must have one")
    return text


def main() -> None:
    PAGE.write_text(written(PAGE.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    main()
