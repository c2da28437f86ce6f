"""Training keeps what judged best, and ends when nothing gets better."""

import numpy as np
import torch

from driftline.agents.predictor.training import Recipe, held_out, train


def run(recipe: Recipe, target: float) -> tuple[int, float, int]:
    """One number drawn to a target on the learning half and away from it on the judging half, if target is negative."""
    number = torch.zeros(1, requires_grad=True)
    judged = 0

    def loss(examples: torch.Tensor, generator: torch.Generator | None = None) -> torch.Tensor:
        nonlocal judged
        judged += generator is None
        wanted = torch.where(examples < 50, torch.tensor(1.0), torch.tensor(target))
        return ((number - wanted) ** 2).mean()

    best = train([], [number], loss, np.arange(100) >= 50, recipe, 3)
    return best, float(number.detach()), judged


def test_what_gets_worse_is_given_back_and_ends_training() -> None:
    best, number, judged = run(Recipe(rate=0.1, epochs=40, patience=4), target=-1.0)
    assert (best, number) == (0, 0.0)
    assert judged == 1 + 4


def test_what_gets_better_goes_on_to_the_last_epoch() -> None:
    best, number, judged = run(Recipe(rate=0.01, epochs=30, patience=4), target=1.0)
    assert best == 30
    assert 0.2 < number < 0.4
    assert judged == 31


def test_a_share_is_held_out_by_key() -> None:
    assert held_out(50, 0.2, 1).sum() == 10
    assert held_out(1, 0.5, 1).sum() == 0
    assert held_out(2, 0.01, 1).sum() == 1
    assert not np.array_equal(held_out(50, 0.2, 1), held_out(50, 0.2, 2))
