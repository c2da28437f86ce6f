"""Dynamic regret: what was lost so far against a comparator that moves with the user."""

import numpy as np

from driftline.sim.types import Floats


def dynamic_regret(value_best: Floats, value_shown: Floats) -> Floats:
    """Cumulative regret after each visit [n], in units of reward, visits in order of time.

    sum_{s <= t} (value_best_s - value_shown_s): the comparator is the best slate of *each* moment, not the
    best fixed one in hindsight (Zinkevich 2003; Besbes, Gur & Zeevi 2015). Its slope tells what drift costs:
    a straight line means that the agent never catches up.
    """
    if len(value_best) != len(value_shown):
        raise ValueError(f"values need equal lengths, got {len(value_best)} and {len(value_shown)}")
    return np.cumsum(value_best - value_shown)
