from typing import get_args

import pytest

from driftline.scenarios.experiment.design import TRAININGS, Design, Kind, Training, parts


@pytest.mark.parametrize("kind", get_args(Kind))
@pytest.mark.parametrize("training", TRAININGS)
def test_every_part_states_its_scope(kind: Kind, training: Training) -> None:
    found = {part.name: part for part in parts(Design(kind=kind), training)}
    assert len(found) == 5
    assert all(part.scope in ("arm", "global") and part.why for part in found.values())
    learns = found["agents: counts, models, factors"].scope
    assert learns == ("arm" if training in ("diverted", "snapshot") else "global")
    meets_both = found["users' interests and habits"].scope == "global"
    assert meets_both == (kind in ("switchback", "interleave"))
