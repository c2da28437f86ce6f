"""What every agent must keep to, ours and anybody else's."""

from collections.abc import Callable
from dataclasses import replace
from itertools import permutations
from math import ceil, factorial, perm

import numpy as np

from driftline.agents.checks._exam import (
    Exam,
    compare,
    halves_swapped,
    judge,
    judge_all,
    log_propensity_of,
    scores_of,
    singles,
    some_items,
    users_of,
)
from driftline.agents.checks._hands import (
    Generators,
    Guarding,
    Listening,
    Overruling,
    Sealing,
    copied,
    held_bytes,
    seed_generators,
)
from driftline.agents.checks._script import Cut, Rounds, Stage, repeated
from driftline.agents.checks._shop import small_shop
from driftline.agents.policy import states_propensities
from driftline.agents.protocol import AgentProtocol
from driftline.sim.conformance import Broken, Check, Promise, Unasked, examined
from driftline.sim.types import Int64s, Observation, Setting, Slates, empty_behaviors

METHODS = ("reset", "act", "learn", "tick", "finish", "score", "snapshot", "restore")
MOST_ORDERS = 1000
"""Ordered slates of a small world that propensities are asked for."""
REMEMBERED = 120
"""Visits of each user after which an agent may know all it keeps of them; in as many again it may hardly grow."""
MOST_BYTES = 1.0
"""By which it may grow in them, for each visit."""


def check_agent(
    make_agent: Callable[[], AgentProtocol], setting: Setting | None = None, rounds: Rounds | None = None
) -> tuple[Check, ...]:
    """Ask an agent for everything that `AgentProtocol` promises; without all its methods there is one result only.

    make_agent: the class, or whatever makes a new agent, alike each time. setting, rounds: what to ask it in, for
    `reset` and as observations of several ticks, in order, with the responses to whatever was shown then (only their
    positions, dwell and ratings are used); left out, a small shop.
    """
    if setting is None or rounds is None:
        setting, rounds = small_shop()
    return tuple(examined(SUITE, Exam(make_agent, setting, rounds)))


# -- what it shows -----------------------------------------------------------------------------------------------


def _methods(exam: Exam) -> None:
    agent = exam.make_agent()
    missing = [name for name in METHODS if not callable(getattr(agent, name, None))]
    if missing:
        raise Broken(f"it lacks {', '.join(missing)}")


def _slates(exam: Exam) -> None:
    judge_all(exam, exam.rounds)


def _either_candidates(exam: Exam) -> None:
    def turned(observation: Observation) -> Observation:
        pool, n = observation.candidates, len(observation)
        return replace(observation, candidates=pool[0] if pool.ndim == 2 else np.repeat(pool[None, :], n, axis=0))

    half = len(exam.rounds) // 2
    judge_all(exam, [(turned(observation), feedback) for observation, feedback in exam.rounds[:half]])
    judge_all(exam, [(turned(seen) if k % 2 else seen, told) for k, (seen, told) in enumerate(exam.rounds)])


def _strangers(exam: Exam) -> None:
    stage, half = exam.fresh(), len(exam.rounds) // 2
    stage.play(exam.rounds[:half])
    seen, told = exam.rounds[half]
    new = int(users_of(exam.rounds).max()) + 1 + np.arange(len(seen))
    zeros = np.zeros(len(seen), np.int32)
    strange = replace(seen, user=new, visit=zeros, behaviors=empty_behaviors())
    stage.play([(strange, replace(told, user=new, visit=zeros))], watch=judge(exam))
    scores_of(stage.agent, new, some_items(exam.setting))


def _empty_rounds(exam: Exam) -> None:
    def nobody_first(visits: int) -> list[Int64s]:
        return [np.arange(0), np.arange(visits)]

    with_empty = exam.fresh().play(exam.rounds, nobody_first, judge(exam))
    compare(exam.fresh().play(exam.rounds), with_empty, exam, "with and without rounds in which nobody is due")


def _propensity(exam: Exam) -> None:
    stage, half, length = exam.fresh(), len(exam.rounds) // 2, exam.setting.slate
    agent = stage.agent
    if not states_propensities(agent):
        raise Unasked("it has no log_propensity, which off-policy evaluation needs")
    stage.play(exam.rounds[:half])
    observation = exam.rounds[half][0]
    stage.advance(observation.tick)
    columns = _columns(length, observation.candidates.shape[-1])
    narrow = stage.part(observation, np.arange(len(observation)))
    narrow = replace(narrow, candidates=narrow.candidates[..., :columns].copy())
    own = stage.agent.act(narrow)
    stated = log_propensity_of(agent, narrow, own.items)
    if not np.allclose(stated, own.log_p_cascade, rtol=0.0, atol=1e-6):
        row = int(np.argmax(np.abs(stated - own.log_p_cascade).max(axis=1)))
        raise Broken(
            f"log_propensity of its own slate is {stated[row].sum():g} and log_p {own.log_p[row]:g} for user "
            f"{narrow.user[row]}"
        )
    pool = np.broadcast_to(narrow.candidates, (len(narrow), columns))
    total = np.zeros(len(narrow))
    for order in permutations(range(columns), length):
        total += np.exp(log_propensity_of(agent, narrow, pool[:, list(order)]).sum(axis=1))
    row = int(np.argmax(np.abs(total - 1.0)))
    if abs(total[row] - 1.0) > 1e-6:
        raise Broken(
            f"the probabilities of all slates of {length} from {columns} items add up to {total[row]:.6g} for user "
            f"{narrow.user[row]}"
        )


def _columns(length: int, offered: int) -> int:
    """How many candidates a small world may have, so that its ordered slates can be listed."""
    if factorial(length) > MOST_ORDERS:
        raise Unasked(f"slates of {length} have {factorial(length):,} orders, too many to be listed")
    columns = length
    while columns < min(offered, length + 2) and perm(columns + 1, length) <= MOST_ORDERS:
        columns += 1
    return columns


# -- what it is handed, and what it draws ------------------------------------------------------------------------


def _inputs(exam: Exam) -> None:
    exam.fresh(Guarding).play(exam.rounds)
    exam.fresh(Sealing).play(exam.rounds)


def _repeatable(exam: Exam) -> None:
    compare(exam.fresh().play(exam.rounds), exam.fresh().play(exam.rounds), exam, "two agents alike")


def _global_generators(exam: Exam) -> None:
    with Generators():
        exam.fresh(Listening).play(exam.rounds)
        seed_generators(1)
        one = exam.fresh().play(exam.rounds)
        seed_generators(2)
        two = exam.fresh().play(exam.rounds)
    compare(one, two, exam, "two seeds of the global generators")


def _other_slates(exam: Exam) -> None:
    exam.fresh(Overruling).play(exam.rounds)


# -- what it believes ----------------------------------------------------------------------------------------------


def _score(exam: Exam) -> None:
    stage, items = exam.fresh(), some_items(exam.setting)
    users = users_of(exam.rounds)
    stranger = np.append(users, users.max() + 1)
    for part in (exam.rounds[:0], exam.rounds):
        stage.play(part)
        for asked in (stranger, stranger[:1], stranger[:0]):
            scores_of(stage.agent, asked, items)


def _score_is_pure(exam: Exam) -> None:
    items = some_items(exam.setting)
    stage = exam.fresh()

    def ask(observation: Observation, slates: Slates | None) -> None:  # noqa: ARG001  it watches
        users = observation.user[: len(observation) // 2 + 1]
        if not np.array_equal(scores_of(stage.agent, users, items), scores_of(stage.agent, users, items)):
            raise Broken("two calls of score in a row differ")

    asked = stage.play(exam.rounds, watch=ask)
    compare(exam.fresh().play(exam.rounds), asked, exam, "with and without calls of score")


# -- when it changes -----------------------------------------------------------------------------------------------


def _shared(exam: Exam) -> None:
    items, fitting = some_items(exam.setting), _rounds_of_many(exam.rounds)
    for k in {fitting[len(fitting) // 2], fitting[-1]}:
        observation, feedback = exam.rounds[k]
        alone, after = (exam.fresh() for _ in range(2))
        for stage in (alone, after):
            stage.play(exam.rounds[:k])
            stage.advance(observation.tick)
        others, last = np.arange(len(observation) - 1), np.array([len(observation) - 1])
        user, told = observation.user[last], after.part(observation, others)
        shown = after.agent.act(told)
        before, _ = scores_of(after.agent, user, items), scores_of(alone.agent, user, items)
        after.agent.learn(after.respond(feedback, others, shown))
        where = f"of user {user[0]} (day {observation.time[-1]:.2f})"
        if not np.array_equal(scores_of(after.agent, user, items), before):
            raise Broken(f"the scores {where} changed when learn heard of {others.size} other users")
        mine, theirs = (stage.agent.act(stage.part(observation, last)).items[0].tolist() for stage in (alone, after))
        if mine != theirs:
            raise Broken(f"the slate {where} is {mine}, but {theirs} once learn has heard of {others.size} other users")


def _rounds_of_many(rounds: Rounds) -> list[int]:
    """Rounds with at least two visits and no new items, which agents may take in at once."""
    return [k for k, (seen, _) in enumerate(rounds) if len(seen) > 1 and not len(seen.arrived)]


def _batches(exam: Exam) -> None:
    plain = exam.fresh()
    shown, items, users = plain.play(exam.rounds), some_items(exam.setting), users_of(exam.rounds)
    scores = scores_of(plain.agent, users, items)
    cuts: dict[str, Cut] = {"two halves, the later one first": halves_swapped, "one by one": singles}
    for name, cut in cuts.items():
        stage = exam.fresh()
        compare(shown, stage.play(exam.rounds, cut), exam, f"at once and in batches ({name})")
        rows = [scores_of(stage.agent, users[k : k + 1], items) for k in range(len(users))]
        if not np.array_equal(np.concatenate(rows), scores):
            raise Broken(f"scores differ between visits at once and in batches ({name})")


def _snapshot(exam: Exam) -> None:
    stage, half = exam.fresh(), len(exam.rounds) // 2
    stage.play(exam.rounds[:half])
    state, point = stage.agent.snapshot(), stage.copy()
    future = stage.play(exam.rounds[half:])
    for turn in ("first", "second"):
        stage.agent.restore(state)
        again = point.copy().play(exam.rounds[half:])
        compare(future, again, exam, f"before and after the {turn} restore", half)


def _reset(exam: Exam) -> None:
    fresh = exam.fresh().play(exam.rounds)
    stage = exam.fresh()
    stage.play(exam.rounds[: 1 + len(exam.rounds) // 2])
    stage.agent.reset(copied(exam.setting))
    compare(fresh, Stage(stage.agent, exam.setting).play(exam.rounds), exam, "a new agent and a used one after reset")


def _memory(exam: Exam) -> None:
    visits = sum(len(observation) for observation, _ in exam.rounds)
    times = ceil(REMEMBERED * len(users_of(exam.rounds)) / visits)
    setting, rounds = repeated(exam.setting, exam.rounds, 2 * times)
    stage = replace(exam, setting=setting).fresh()
    held = []
    for part in (rounds[: len(rounds) // 2], rounds[len(rounds) // 2 :]):
        stage.play(part)
        held.append(held_bytes(stage.agent.snapshot(), (stage.setting, stage.setting.segments)))
    growth = (held[1] - held[0]) / (times * visits)
    if growth > MOST_BYTES:
        raise Broken(
            f"after {times * visits} visits of the same users to the same items it holds {held[0]:,} bytes, and "
            f"{growth:.1f} more with each visit (at most {MOST_BYTES:g})"
        )


SUITE: tuple[Promise[Exam], ...] = (
    Promise(
        "methods",
        "it has every method of AgentProtocol",
        "Inherit from driftline.Agent, which has all but act.",
        _methods,
        last=True,
    ),
    Promise(
        "slates",
        "slates are distinct candidates, and log_p is the sum of log_p_cascade, finite and <= 0",
        "Make them with self.highest(observation, scores), or Slates.certain(items) where nothing is drawn.",
        _slates,
    ),
    Promise(
        "candidates",
        "candidates may be shared [C] or private [n, C], in one run too",
        "Use self.offered(observation), which is [n, C] either way.",
        _either_candidates,
    ),
    Promise(
        "strangers",
        "users who were never met get slates and finite scores",
        "Give users without a past a default.",
        _strangers,
    ),
    Promise(
        "empty_rounds",
        "a round in which nobody is due gives slates [0, L] and changes nothing",
        "Let arrays be made with their shapes, np.zeros((n, C)), not stacked from rows.",
        _empty_rounds,
    ),
    Promise(
        "propensity",
        "log_propensity agrees with log_p, and adds up to 1 over all slates of a small world",
        "State what act draws with: each item's probability given those above it.",
        _propensity,
    ),
    Promise(
        "inputs",
        "it writes into nothing that it is handed, and works where writing is forbidden",
        "Copy an array before changing it.",
        _inputs,
    ),
    Promise(
        "repeatable",
        "two agents alike, in one setting, do the same",
        "Key all chance by setting.seed, user and visit, and iterate over no set.",
        _repeatable,
    ),
    Promise(
        "global_generators",
        "it neither draws from global generators nor depends on them",
        "Use np.random.default_rng((setting.seed, user, visit)), or driftline.sim.keyed.",
        _global_generators,
    ),
    Promise(
        "other_slates",
        "it learns from slates that are not its own, and of some of the users only",
        "Go by feedback.user and feedback.items, not by what act returned.",
        _other_slates,
    ),
    Promise(
        "score",
        "score is finite and [users, items], for users never met too",
        "Write scores(users, items) with one row a user.",
        _score,
    ),
    Promise(
        "score_is_pure",
        "asking for scores changes nothing",
        "Let score only read.",
        _score_is_pure,
    ),
    Promise(
        "shared",
        "what learn hears of some users changes nothing for others before the next tick",
        "Collect in learn what users share, and let it count in tick.",
        _shared,
    ),
    Promise(
        "batches",
        "results depend neither on the sizes nor on the order of batches within a tick",
        "Change shared state in tick only, and compute each user's row from that row alone.",
        _batches,
    ),
    Promise(
        "snapshot",
        "a snapshot brings back the same future, as often as it is restored",
        "Copy the state, in snapshot and in restore: copy.deepcopy.",
        _snapshot,
    ),
    Promise(
        "reset",
        "reset makes an agent new",
        "Make every attribute that act or learn changes anew in reset, then call super().reset(setting).",
        _reset,
    ),
    Promise(
        "memory",
        "it does not grow without bound while the same users come back",
        "Keep sums, or the latest events only, not every event.",
        _memory,
    ),
)
