"""Enter the worlds of new versions into golden_hashes.yaml; a version that has an entry keeps it."""

from pathlib import Path

import yaml

from driftline.scenarios.hashes import world_hash
from driftline.scenarios.schema import all_scenarios

PATH = Path(__file__).parent / "golden_hashes.yaml"


def main() -> None:
    known = yaml.safe_load(PATH.read_text()) if PATH.exists() else {}
    for scenario in all_scenarios():
        known.setdefault(scenario.name, {}).setdefault(scenario.version, world_hash(scenario))
    PATH.write_text(yaml.safe_dump(known))


if __name__ == "__main__":
    main()
