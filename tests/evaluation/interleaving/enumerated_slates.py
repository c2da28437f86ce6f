"""Every slate that interleaving can make of two short rankings, with its probability: plain loops, no shortcuts."""

from itertools import product

Slate = tuple[int, ...]
Teams = tuple[int, ...]


def balanced_slates(a: Slate, b: Slate, length: int) -> dict[Slate, float]:
    """Both coins of balanced interleaving."""
    out: dict[Slate, float] = {}
    for a_begins in (True, False):
        slate: list[int] = []
        i = j = 0
        while len(slate) < length:
            if i < j or (i == j and a_begins):
                item, i = a[i], i + 1
            else:
                item, j = b[j], j + 1
            if item not in slate:
                slate.append(item)
        out[tuple(slate)] = out.get(tuple(slate), 0.0) + 0.5
    return out


def team_slates(a: Slate, b: Slate, length: int) -> dict[tuple[Slate, Teams], float]:
    """All coins of team draft: slate and who picked each place (1: B)."""
    out: dict[tuple[Slate, Teams], float] = {}
    pairs = (length + 1) // 2
    for coins in product((0, 1), repeat=pairs):
        slate: list[int] = []
        teams: list[int] = []
        for first in coins:
            for team in (first, 1 - first):
                if len(slate) < length:
                    slate.append(next(item for item in (a, b)[team] if item not in slate))
                    teams.append(team)
        key = tuple(slate), tuple(teams)
        out[key] = out.get(key, 0.0) + 0.5**pairs
    return out


def softmax_of(ranking: Slate, item: int, shown: list[int], tau: float) -> float:
    """The paper's softmax over the items not yet shown, by their rank in the whole ranking."""
    left: dict[int, float] = {other: float(rank) ** -tau for rank, other in enumerate(ranking, 1) if other not in shown}
    return left.get(item, 0.0) / sum(left.values())


def probabilistic_slates(a: Slate, b: Slate, length: int, tau: float) -> dict[tuple[Slate, Teams], float]:
    """Joint probability of slate and assignment."""
    out: dict[tuple[Slate, Teams], float] = {((), ()): 1.0}
    for _ in range(length):
        longer: dict[tuple[Slate, Teams], float] = {}
        for (slate, teams), p in out.items():
            for team, ranking in enumerate((a, b)):
                for item in ranking:
                    if item not in slate:
                        chance = p * 0.5 * softmax_of(ranking, item, list(slate), tau)
                        longer[(*slate, item), (*teams, team)] = chance
        out = longer
    return out
