"""Ways of mixing two rankings in one slate: balanced, team draft, probabilistic."""

import numpy as np
from numpy.typing import ArrayLike

from driftline.evaluation.interleaving._slates import Interleaved, Outcome, clicked, coins, rankings
from driftline.evaluation.ranking._lists import check_distinct, id_array
from driftline.sim.errors import InputError
from driftline.sim.kernel import kernel
from driftline.sim.types import Bools, Floats, Int64s


def balanced(
    a: ArrayLike,
    b: ArrayLike,
    *,
    length: int | None = None,
    seed: int = 0,
    user: ArrayLike | None = None,
    visit: ArrayLike | None = None,
) -> Interleaved:
    """Merge rankings A and B [n, width] so that every prefix holds the tops of both, to within one item.

    The ranking whose next item stands higher goes on, the beginner where both stand equal; an item already shown
    is passed over (Joachims 2002; Radlinski, Kurup & Joachims 2008, algorithm 1). One fair coin, keyed by (seed,
    user, visit). `share_b` is NaN: credit does not depend on who gave an item. Judge clicks with
    `balanced_outcome`; they can favour a ranking under random clicks, so prefer `team_draft`.

    Example:
        >>> from driftline.evaluation.interleaving import balanced
        >>> slates = balanced([[1, 2, 3]], [[2, 3, 1]], length=2)
        >>> sorted(slates.items[0].tolist())
        [1, 2]
    """
    first, second, places = rankings(a, b, length)
    begins = coins(seed, len(first), 1, user, visit)[:, 0] < 0.5
    items, other = _merge(first, second, begins, places), _merge(first, second, ~begins, places)
    same = (items == other).all(axis=1)
    return Interleaved(items, first, second, np.full(items.shape, np.nan), np.where(same, 0.0, np.log(0.5)))


def balanced_outcome(slates: Interleaved, clicks: ArrayLike) -> Outcome:
    """Credit of balanced interleaving.

    With m the lowest clicked item, j = min(rank of m in A, rank of m in B): each ranking is credited with the
    clicked items among its first j (Joachims 2002). clicks [n, L] bool. No clicks, no credit.

    Example:
        >>> from driftline.evaluation.interleaving import balanced_outcome
        >>> from driftline.evaluation.interleaving import balanced
        >>> slates = balanced([[1, 2]], [[3, 4]], length=2)
        >>> clicks = slates.items == 3  # B's first item
        >>> balanced_outcome(slates, clicks).win.tolist()
        [1.0]
    """
    taken = clicked(slates, clicks)
    credit_a, credit_b = _credits(slates.items, slates.a, slates.b, taken)
    return Outcome(credit_a, credit_b, np.sign(credit_b - credit_a))


@kernel
def _merge(a: Int64s, b: Int64s, a_begins: Bools, places: int) -> Int64s:
    out = np.empty((a.shape[0], places), np.int64)
    for i in range(a.shape[0]):
        at_a, at_b, filled = 0, 0, 0
        while filled < places:
            if at_a < at_b or (at_a == at_b and a_begins[i]):
                item = a[i, at_a]
                at_a += 1
            else:
                item = b[i, at_b]
                at_b += 1
            seen = False
            for j in range(filled):
                seen = seen or out[i, j] == item
            if not seen:
                out[i, filled] = item
                filled += 1
    return out


@kernel
def _rank(ranking: Int64s, item: int) -> int:
    """Place of an item from 0; the width where it is missing."""
    for j in range(ranking.size):
        if ranking[j] == item:
            return j
    return int(ranking.size)


@kernel
def _credits(items: Int64s, a: Int64s, b: Int64s, taken: Bools) -> tuple[Floats, Floats]:
    credit_a, credit_b = np.zeros(items.shape[0]), np.zeros(items.shape[0])
    for i in range(items.shape[0]):
        lowest = 0
        for j in range(items.shape[1]):
            if taken[i, j]:
                lowest = j
        deep = min(_rank(a[i], items[i, lowest]), _rank(b[i], items[i, lowest]))
        for j in range(lowest + 1):
            if taken[i, j]:
                credit_a[i] += _rank(a[i], items[i, j]) <= deep
                credit_b[i] += _rank(b[i], items[i, j]) <= deep
    return credit_a, credit_b


def team_draft(
    a: ArrayLike,
    b: ArrayLike,
    *,
    length: int | None = None,
    seed: int = 0,
    user: ArrayLike | None = None,
    visit: ArrayLike | None = None,
) -> Interleaved:
    """Let rankings A and B [n, width] pick in turns: in each pair of places a fair coin says who picks first.

    Each adds its highest item not yet picked (Radlinski, Kurup & Joachims 2008, algorithm 2). Coins are keyed by
    (seed, user, visit, pair). `share_b` is 1 where B picked, else 0. At every place each ranking picks with
    probability 1/2, so clicks that depend on the place only credit both alike on average.

    Example:
        >>> from driftline.evaluation.interleaving import team_draft
        >>> slates = team_draft([[1, 2, 3]], [[2, 3, 1]], length=2)
        >>> slates.items.shape
        (1, 2)
    """
    first, second, places = rankings(a, b, length)
    pairs = (places + 1) // 2
    a_first = coins(seed, len(first), pairs, user, visit) < 0.5
    items, by_b, log_p = _draft(first, second, a_first, places)
    return Interleaved(items, first, second, by_b, log_p)


def team_draft_outcome(slates: Interleaved, clicks: ArrayLike) -> Outcome:
    """Each ranking is credited with the clicks on the items it picked; clicks [n, L] bool.

    Example:
        >>> from driftline.evaluation.interleaving import team_draft_outcome
        >>> from driftline.evaluation.interleaving import team_draft
        >>> slates = team_draft([[1, 2]], [[3, 4]], length=2)
        >>> clicks = slates.items == 3  # B's first item
        >>> team_draft_outcome(slates, clicks).win.tolist()
        [1.0]
    """
    taken = clicked(slates, clicks)
    credit_b = (taken * slates.share_b).sum(axis=1)
    credit_a = (taken * (1.0 - slates.share_b)).sum(axis=1)
    return Outcome(credit_a, credit_b, np.sign(credit_b - credit_a))


@kernel
def _next(ranking: Int64s, start: int, shown: Int64s, filled: int) -> int:
    """Place of the highest item not yet shown, from `start` on."""
    for at in range(start, ranking.size):
        seen = False
        for j in range(filled):
            seen = seen or shown[j] == ranking[at]
        if not seen:
            return at
    return int(ranking.size)


@kernel
def _draft(a: Int64s, b: Int64s, a_first: Bools, places: int) -> tuple[Int64s, Floats, Floats]:
    n = a.shape[0]
    items, by_b, log_p = np.empty((n, places), np.int64), np.zeros((n, places)), np.zeros(n)
    for i in range(n):
        at_a, at_b, alike = 0, 0, True
        for place in range(places):
            # the second pick of a pair is the other captain's
            a_picks = a_first[i, place // 2] == (place % 2 == 0)
            at_a = _next(a[i], at_a, items[i], place)
            at_b = _next(b[i], at_b, items[i], place)
            items[i, place] = a[i, at_a] if a_picks else b[i, at_b]
            by_b[i, place] = 0.0 if a_picks else 1.0
            alike = a[i, at_a] == b[i, at_b] and (alike or place % 2 == 0)
            # a pair's coin shows in the items unless both captains wanted the same twice
            if not alike and (place % 2 == 1 or place == places - 1):
                log_p[i] += np.log(0.5)
    return items, by_b, log_p


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

    Example:
        >>> from driftline.evaluation.interleaving import probabilistic
        >>> slates = probabilistic([[1, 2, 3]], [[3, 2, 1]], length=2)
        >>> slates.items.shape, bool((slates.share_b > 0.0).all())
        ((1, 2), True)
    """
    if not (tau > 0.0 and np.isfinite(tau)):
        raise InputError(f"tau is {tau}; it must be above 0 (3 in the paper)")
    first, second, places = rankings(a, b, length)
    drawn = coins(seed, len(first), 2 * places, user, visit)
    return Interleaved(*_draw(first, second, drawn, places, tau))


def assignment(items: ArrayLike, a: ArrayLike, b: ArrayLike, *, tau: float = TAU) -> Interleaved:
    """What `probabilistic` says of slates shown by anybody [n, L]: share of B and log-probability.

    `InputError`: a slate with an item that neither ranking has, a gap or a repeated item.

    Example:
        >>> from driftline.evaluation.interleaving import assignment
        >>> assignment([[1, 3]], [[1, 2, 3]], [[3, 2, 1]]).share_b.round(3).tolist()
        [[0.036, 0.795]]
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

    Example:
        >>> from driftline.evaluation.interleaving import probabilistic_outcome
        >>> from driftline.evaluation.interleaving import assignment
        >>> slates = assignment([[3, 1]], [[1, 2, 3]], [[3, 2, 1]])
        >>> probabilistic_outcome(slates, [[True, False]]).credit_b.round(3).tolist()
        [0.964]
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
