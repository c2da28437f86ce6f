"""Probabilistic interleaving: any item can come from either ranking, so credit is shared by probability."""

import numpy as np
from numpy.typing import ArrayLike

from driftline.evaluation.interleaving.outcome import Outcome, clicked
from driftline.evaluation.interleaving.slates import Interleaved, coins, rankings
from driftline.evaluation.ranking.ranked_lists import check_distinct, id_array
from driftline.sim.errors import InputError
from driftline.sim.kernel import kernel
from driftline.sim.types import Bools, Floats, Int64s

TAU = 3.0


def probabilistic(
    a: ArrayLike,
    b: ArrayLike,
    *,
    length: int | None = None,
    tau: float = TAU,
    seed: int = 0,
    user: ArrayLike | None = None,
    visit: ArrayLike | None = None,
) -> Interleaved:
    """For each place a fair coin picks a ranking, and an item is drawn from that ranking's softmax.

    P(d) = rank(d)^-tau / sum over the items not yet shown of rank^-tau (Hofmann, Whiteson & de Rijke 2011;
    tau = 3 there). Ranks are those of the whole ranking: an item keeps its rank when others are taken. An item
    that a ranking lacks has probability 0 under it. Coins and draws are keyed by (seed, user, visit, place).
    `share_b` = P(B gave the item | slate), exactly: given the slate, places are independent, and each is
    P_B / (P_A + P_B). `log_p` sums log((P_A + P_B) / 2).
    """
    if not (tau > 0.0 and np.isfinite(tau)):
        raise InputError(f"tau is {tau}; it must be above 0 (3 in the paper)")
    first, second, places = rankings(a, b, length)
    drawn = coins(seed, len(first), 2 * places, user, visit)
    return Interleaved(*_draw(first, second, drawn, places, tau))


def assignment(items: ArrayLike, a: ArrayLike, b: ArrayLike, *, tau: float = TAU) -> Interleaved:
    """What `probabilistic` says of slates shown by anybody [n, L]: share of B and log-probability.

    `InputError`: a slate with an item that neither ranking has, a gap or a repeated item.
    """
    shown = id_array("items", items)
    first, second, _ = rankings(a, b, shown.shape[1])
    if len(shown) != len(first) or (shown < 0).any():
        raise InputError(f"items must be {len(first)} full slates, one per pair of rankings")
    check_distinct("items", shown)
    share, log_p = _assign(shown, first, second, tau)
    strange = np.isnan(share)
    if strange.any():
        raise InputError(f"item {shown[strange][0]} is shown, but neither ranking has it")
    return Interleaved(shown, first, second, share, log_p)


def probabilistic_outcome(slates: Interleaved, clicks: ArrayLike) -> Outcome:
    """Credit averaged over every assignment of items to rankings that could have made the slate.

    credit_b = sum over clicks of P(B gave it | slate). win = P(B has more clicks) - P(A has more) over the 2^clicks
    assignments (Hofmann, Whiteson & de Rijke 2011), computed exactly by adding one click at a time.
    clicks [n, L] bool. What is averaged over cannot add noise, so this varies less than the drawn assignment.
    """
    taken = clicked(slates, clicks)
    credit_b = np.where(taken, slates.share_b, 0.0).sum(axis=1)
    return Outcome(taken.sum(axis=1) - credit_b, credit_b, _win(slates.share_b, taken))


@kernel
def _weights(ranking: Int64s, shown: Int64s, filled: int, tau: float) -> Floats:
    """Softmax over the items not yet shown [width]."""
    out = np.zeros(ranking.size)
    for at in range(ranking.size):
        if ranking[at] < 0:
            break
        seen = False
        for j in range(filled):
            seen = seen or shown[j] == ranking[at]
        if not seen:
            out[at] = (at + 1.0) ** -tau
    total = out.sum()
    for at in range(ranking.size):
        out[at] /= total
    return out


@kernel
def _of(ranking: Int64s, weights: Floats, item: int) -> float:
    for at in range(ranking.size):
        if ranking[at] == item:
            return float(weights[at])
    return 0.0


@kernel
def _draw(
    a: Int64s, b: Int64s, drawn: Floats, places: int, tau: float
) -> tuple[Int64s, Int64s, Int64s, Floats, Floats]:
    n = a.shape[0]
    items, share, log_p = np.empty((n, places), np.int64), np.empty((n, places)), np.zeros(n)
    for i in range(n):
        for place in range(places):
            of_a = _weights(a[i], items[i], place, tau)
            of_b = _weights(b[i], items[i], place, tau)
            ranking, weights = (a[i], of_a) if drawn[i, 2 * place] < 0.5 else (b[i], of_b)
            left, chosen = drawn[i, 2 * place + 1], -1
            for at in range(weights.size):
                if weights[at] > 0.0:
                    chosen = at
                    left -= weights[at]
                    if left < 0.0:
                        break
            items[i, place] = ranking[chosen]
            p_a, p_b = _of(a[i], of_a, ranking[chosen]), _of(b[i], of_b, ranking[chosen])
            share[i, place] = p_b / (p_a + p_b)
            log_p[i] += np.log((p_a + p_b) / 2.0)
    return items, a, b, share, log_p


@kernel
def _assign(items: Int64s, a: Int64s, b: Int64s, tau: float) -> tuple[Floats, Floats]:
    share, log_p = np.full(items.shape, np.nan), np.zeros(items.shape[0])
    for i in range(items.shape[0]):
        for place in range(items.shape[1]):
            p_a = _of(a[i], _weights(a[i], items[i], place, tau), items[i, place])
            p_b = _of(b[i], _weights(b[i], items[i], place, tau), items[i, place])
            share[i, place] = p_b / (p_a + p_b)
            log_p[i] += np.log((p_a + p_b) / 2.0)
    return share, log_p


@kernel
def _win(share: Floats, taken: Bools) -> Floats:
    """Expected sign of B's clicks less A's: the distribution of B's clicks, one click at a time."""
    out = np.zeros(share.shape[0])
    for i in range(share.shape[0]):
        p = np.zeros(share.shape[1] + 1)
        p[0], count = 1.0, 0
        for j in range(share.shape[1]):
            if taken[i, j]:
                count += 1
                for m in range(count, 0, -1):
                    p[m] = p[m] * (1.0 - share[i, j]) + p[m - 1] * share[i, j]
                p[0] *= 1.0 - share[i, j]
        for m in range(count + 1):
            out[i] += p[m] * np.sign(2.0 * m - count)
    return out
