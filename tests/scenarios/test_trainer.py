from driftline.agents.protocol import Job
from driftline.scenarios.runner import Trainer


def test_a_job_is_over_after_its_days_and_told_once() -> None:
    trainer = Trainer()
    trainer.take([Job("a", 0.5)], now=14.0)
    assert trainer.over(14.25) == []
    assert trainer.over(14.5) == ["a"]
    assert trainer.over(14.75) == []


def test_a_job_of_no_days_is_over_at_the_next_boundary() -> None:
    trainer = Trainer()
    assert trainer.over(14.0) == []
    trainer.take([Job("a", 0.0)], now=14.0)
    assert trainer.over(14.25) == ["a"]


def test_jobs_wait_for_one_another() -> None:
    trainer = Trainer()
    trainer.take([Job("a", 1.0), Job("b", 0.5)], now=14.0)
    trainer.take([Job("c", 0.25)], now=14.5)
    assert [(day, trainer.over(day)) for day in (14.75, 15.0, 15.25, 15.5, 15.75)] == [
        (14.75, []),
        (15.0, ["a"]),
        (15.25, []),
        (15.5, ["b"]),
        (15.75, ["c"]),
    ]


def test_a_free_trainer_starts_at_once() -> None:
    trainer = Trainer()
    trainer.take([Job("a", 0.5)], now=14.0)
    assert trainer.over(20.0) == ["a"]
    trainer.take([Job("b", 0.5)], now=20.0)
    assert trainer.over(20.25) == []
    assert trainer.over(20.5) == ["b"]


def test_rounding_does_not_cost_a_tick() -> None:
    trainer = Trainer()
    trainer.take([Job("a", 0.1), Job("b", 0.2)], now=0.0)
    assert trainer.over(0.3) == ["a", "b"]  # .1 + .2 exceeds .3 in binary
