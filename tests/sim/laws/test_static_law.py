import numpy as np
from law_days import homes, live

from driftline.sim.laws import Static


def test_static_interest_stays_at_home() -> None:
    home = homes(50, 6)
    path, changes = live(Static(), home, 5)
    np.testing.assert_array_equal(path, np.tile(home.astype(np.float32), (6, 1, 1)))
    assert not changes.any()
