"""Weights of what an action is like, or of its group, instead of which it is.

With many actions, importance weights are large. If the reward depends on the action only through its embedding e,
w(x, e) = p(e | x, pi_e) / p(e | x, pi_b) is enough (Saito & Joachims 2022, eq. 3), where
p(e | x, pi) = sum_a pi(a | x) p(e | a).

With groups (OffCEM) the reward is split into the effect of the group of alike actions and the residual effect of the
action in it: q(x, a) = g(x, group) + h(x, a). Weights tell the first, and with far fewer groups than actions they stay
small; the model must tell the second.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from driftline.evaluation.arrays import distributions, matrix, whole_numbers
from driftline.evaluation.off_policy.dense import CHUNK_CELLS
from driftline.sim.errors import InputError
from driftline.sim.types import Floats, Int64s


def embedding_weight(
    *, embedding: Int64s, p_e_a: Sequence[Floats] | Floats, target_policy: Floats, logging_policy: Floats
) -> Floats:
    """Weights w(x_i, e_i) [n] from known tables.

    Dimensions are independent given the action, so p(e | a) is the product of their probabilities, and it is this
    *joint* probability that is averaged over actions. (A product of averages, one for each dimension, is not
    p(e | x, pi) as soon as D > 1.)

    Args:
        embedding: The logged action's categories [n, D], whole numbers.
        p_e_a: For each of D dimensions a table p(e_d | a) [A, K_d], or one array [A, K, D].
        target_policy: Probabilities of every action [n, A].
        logging_policy: The logging policy's [n, A].

    Raises:
        InputError: Another shape, rows that do not sum to 1, an embedding that cannot have been logged.

    Examples:
        >>> target, logging = np.array([[0.8, 0.2], [0.5, 0.5]]), np.array([[0.5, 0.5], [0.5, 0.5]])
        >>> table = np.array([[0.9, 0.1], [0.3, 0.7]])
        >>> policies = {"target_policy": target, "logging_policy": logging}
        >>> embedding_weight(embedding=np.array([0, 1]), p_e_a=[table], **policies).round(4).tolist()
        [1.3, 1.0]
    """
    tables = _tables(p_e_a)
    target, logging = policy_pair(target_policy, logging_policy, len(tables[0]))
    places = _places(embedding, tables, len(target))
    weight = np.empty(len(target))
    rows = max(1, CHUNK_CELLS // len(tables[0]))
    for first in range(0, len(weight), rows):
        part = slice(first, first + rows)
        joint = np.ones((len(target[part]), len(tables[0])))
        for d, table in enumerate(tables):
            joint *= table.T[places[part, d]]
        above, below = (np.einsum("na,na->n", policy[part], joint) for policy in (target, logging))
        if not (below > 0).all():
            at = first + int(np.argmin(below > 0))
            raise InputError(f"embedding[{at}] has probability 0 under the logging policy; it cannot have been logged")
        weight[part] = above / below
    return weight


def estimated_embedding_weight(
    *,
    context: Floats,
    action: Int64s,
    embedding: ArrayLike,
    target_policy: Floats,
    logging_policy: Floats,
    classifier: Any = None,
) -> Floats:
    """Weights w(x_i, e_i) [n] without tables, w(x, e) = sum_a p(a | x, e, pi_b) w(x, a).

    Saito & Joachims 2022, section 3.2. p(a | x, e) comes from a classifier of the logged action given the context and
    one-hot categories of the embedding (the first of each left out). Actions that the logging policy never takes count
    0.

    Args:
        context: What the logging policy acted on [n, d]; finite.
        action: The logged actions [n], 0 to A - 1, at least two of them.
        embedding: Their categories [n, D], numbers or texts.
        target_policy: Probabilities of every action [n, A].
        logging_policy: The logging policy's [n, A].
        classifier: Anything with scikit-learn's `fit`, `predict_proba` and `classes_`; by default its logistic
            regression.

    Raises:
        InputError: Another shape, rows that do not sum to 1, a log with a single action.

    Examples:
        >>> target, logging = np.array([[0.8, 0.2], [0.5, 0.5]]), np.array([[0.5, 0.5], [0.5, 0.5]])
        >>> log = {"context": np.zeros((2, 1)), "action": np.array([0, 1]), "embedding": [["a"], ["b"]]}
        >>> weight = estimated_embedding_weight(**log, target_policy=target, logging_policy=logging)
        >>> weight.shape
        (2,)
    """
    from sklearn.linear_model import LogisticRegression
    from sklearn.preprocessing import OneHotEncoder

    target, logging = policy_pair(target_policy, logging_policy, None)
    context = matrix("context", context, len(target))
    action = whole_numbers("action", action, len(context), target.shape[1])
    if len(np.unique(action)) < 2:
        raise InputError("action: the log holds a single action; a classifier needs two")
    categories = OneHotEncoder(sparse_output=False, drop="first").fit_transform(np.asarray(embedding))
    features = np.hstack([context, categories])
    model = LogisticRegression(max_iter=1000) if classifier is None else classifier
    model.fit(features, action)
    probability = np.zeros(target.shape)
    probability[:, np.asarray(model.classes_)] = model.predict_proba(features)
    weight = np.divide(target, logging, out=np.zeros(target.shape), where=logging > 0)
    return np.asarray(np.einsum("na,na->n", probability, weight))


def _tables(p_e_a: Sequence[Floats] | Floats) -> list[Floats]:
    whole = isinstance(p_e_a, np.ndarray) and p_e_a.ndim == 3
    given = [*(np.moveaxis(np.asarray(p_e_a), 2, 0) if whole else p_e_a)]
    if not given:
        raise InputError("p_e_a is empty; at least one dimension is needed")
    actions = len(given[0])
    return [distributions(f"p_e_a of dimension {d}", table, actions, "categories") for d, table in enumerate(given)]


def policy_pair(target: Floats, logging: Floats, actions: int | None) -> tuple[Floats, Floats]:
    """Two policies [n, A], checked; `actions`: how many there must be."""
    target = distributions("target_policy", target, width="actions" if actions is None else actions)
    return target, distributions("logging_policy", logging, *target.shape)


def _places(embedding: Int64s, tables: Sequence[Floats], n: int) -> Int64s:
    places = np.asarray(embedding)
    if places.ndim == 1:
        places = places[:, None]
    if places.shape != (n, len(tables)):
        raise InputError(f"embedding has shape {places.shape}; must be [{n}, {len(tables)}]")
    for d, table in enumerate(tables):
        whole_numbers(f"embedding of dimension {d}", places[:, d], n, table.shape[1])
    return places.astype(np.int64, copy=False)


def group_weight(*, action: Int64s, group: ArrayLike, target_policy: Floats, logging_policy: Floats) -> Floats:
    """Weights w(x_i, c_i) [n]: the group's probability under the target policy over that under the logging policy.

    A group's probability is the sum over its actions.

    Args:
        action: The logged actions [n], 0 to A - 1.
        group: Which group each action belongs to, whole numbers [A], or [n, A] where it depends on the context.
        target_policy: Probabilities of every action [n, A].
        logging_policy: The logging policy's [n, A].

    Raises:
        InputError: Another shape, rows that do not sum to 1, a group that cannot have been logged.

    Examples:
        >>> target, logging = np.array([[0.8, 0.2], [0.5, 0.5]]), np.array([[0.5, 0.5], [0.5, 0.5]])
        >>> group_weight(action=np.array([0, 1]), group=[0, 1], target_policy=target, logging_policy=logging).tolist()
        [1.6, 1.0]
    """
    target, logging = policy_pair(target_policy, logging_policy, None)
    n, actions = target.shape
    action = whole_numbers("action", action, n, actions)
    groups = np.asarray(group)
    if groups.dtype.kind not in "iu":
        raise InputError(f"group: must be whole numbers, got {groups.dtype}")
    if groups.shape not in ((actions,), (n, actions)):
        raise InputError(f"group has shape {groups.shape}; must be [{actions}] or [{n}, {actions}]")
    weight = np.empty(n)
    rows = max(1, CHUNK_CELLS // actions)
    for first in range(0, n, rows):
        part = slice(first, first + rows)
        table = groups[part] if groups.ndim == 2 else np.broadcast_to(groups, target[part].shape)
        taken = np.take_along_axis(table, action[part, None], axis=1)
        above, below = (np.where(table == taken, policy[part], 0.0).sum(axis=1) for policy in (target, logging))
        if not (below > 0).all():
            at = first + int(np.argmin(below > 0))
            raise InputError(f"action[{at}] is {action[at]}, whose group has probability 0 under the logging policy")
        weight[part] = above / below
    return weight
