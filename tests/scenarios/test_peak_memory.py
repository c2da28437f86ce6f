import numpy as np

from driftline.scenarios.runner import peak_memory


def test_the_peak_is_in_bytes_and_never_falls() -> None:
    before = peak_memory()
    assert 20e6 < before < 1e12
    held = np.ones(2 * before // 8)  # twice as much as ever before
    after = peak_memory()
    assert after >= held.nbytes
    del held
    assert peak_memory() >= after
