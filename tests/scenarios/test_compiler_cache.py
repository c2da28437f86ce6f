import os

import pytest

from driftline.scenarios.executors import VARIABLE, of_worker


def test_workers_do_not_share_a_cache_and_this_process_keeps_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, "mine")
    seen = []
    for place in range(2):
        with of_worker(place):
            seen.append(os.environ[VARIABLE])
    assert len({*seen, "mine"}) == 3
    assert os.environ[VARIABLE] == "mine"


def test_without_a_cache_of_the_users_own_the_variable_is_gone_afterwards(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)
    with of_worker(0):
        assert os.environ[VARIABLE].endswith("worker-0")
    assert VARIABLE not in os.environ
