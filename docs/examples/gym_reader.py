"""An agent that knows Gymnasium and nothing else: it shows titles whose rare words the visitor took before."""

from collections import Counter
from math import log

import gymnasium

import driftline  # noqa: F401  registers driftline/Feed-v0


def play(reads: bool, steps: int = 5_000, seed: int = 0) -> float:
    """Mean reward of a reader, or of random slates."""
    env = gymnasium.make("driftline/Feed-v0", scenario="abrupt_shift", overrides={"population.users": 300}, recent=20)
    seen, _ = env.reset(seed=seed)
    env.action_space.seed(seed)
    titles, total = Counter(), 0.0
    for step in range(1, steps + 1):
        action = env.action_space.sample()
        if reads:
            words = [set(title.lower().split()) for title in seen["candidate_text"]]
            titles.update(word for each in words for word in each)
            liked = Counter(word for text in seen["recent_about"] for word in text.lower().split())
            weight = {word: count * log(100 * step / titles[word]) for word, count in liked.items() if titles[word]}
            score = [sum(weight.get(word, 0.0) for word in each) for each in words]
            action[:] = sorted(range(len(score)), key=score.__getitem__, reverse=True)[: len(action)]
        seen, reward, _, over, _ = env.step(action)
        total += float(reward)
        if over:
            return total / step
    return total / steps


if __name__ == "__main__":
    print(f"reader {play(reads=True):.3f}, random {play(reads=False):.3f}")
