"""The log on which sb-obp 0.5.10's values were made (numpy 1.26.4, scikit-learn 1.9.1), and those values."""

from dataclasses import dataclass

import numpy as np

from driftline.evaluation.off_policy import Rounds, reduced
from driftline.sim.types import Floats, Int64s

PEER = {
    "dm": 0.49808531226008623,
    "ips": 0.4190019020131633,
    "clipped_ips": 0.30598274193626357,
    "snips": 0.48560547009243704,
    "dr": 0.4739530227266346,
    "sndr": 0.470117010094884,
    "switch_dr": 0.4864473370054966,
    "dros": 0.4851542906896327,
    "sub_gaussian_ips": 0.3511746115598605,
    "sub_gaussian_dr": 0.47778447001806174,
    "replay": 0.4795254237288135,
}
LAMBDAS = {"clipped_ips": 1.5, "switch_dr": 1.5, "dros": 4.0, "sub_gaussian_ips": 0.2, "sub_gaussian_dr": 0.2}
PEER_MIPS_ONE_DIMENSION = 0.48404315618098354
PEER_MIPS_THREE_DIMENSIONS = 0.49316397700001713
"""A product of marginal ratios, which is not w(x, e)."""
PEER_MIPS_ESTIMATED = 0.6877317864723581
"""With its `OneHotEncoder(sparse=...)` mended; as shipped it raises TypeError on scikit-learn 1.9."""
PEER_HOEFFDING_LOW = -3.655302645208695
"""Of w r in [0, 60], one-sided at .025."""
PEER_BERNSTEIN_LOW = -1.2158336050788179
PEER_SNIPS_BOOTSTRAP_WIDTH = 0.1480728144618073
"""Of its 95 % interval (20,000 replicates): the normaliser is that of the whole log in every replicate."""


@dataclass(frozen=True)
class Log:
    logging_policy: Floats
    target_policy: Floats
    q_hat: Floats
    action: Int64s
    reward: Floats
    p_e_a: Floats
    embedding: Int64s
    deterministic: Floats
    context: Floats

    @property
    def rounds(self) -> Rounds:
        return reduced(
            reward=self.reward,
            action=self.action,
            target_policy=self.target_policy,
            q_hat=self.q_hat,
            logging_policy=self.logging_policy,
        )


def peer_log(n: int = 400, actions: int = 6, dimensions: int = 3, categories: int = 4) -> Log:
    def uniform(seed: int, *shape: int) -> Floats:
        return np.random.default_rng(seed).random(shape)

    logging = uniform(1, n, actions) + 0.05
    logging /= logging.sum(1, keepdims=True)
    target = uniform(2, n, actions) ** 3 + 0.01
    target /= target.sum(1, keepdims=True)
    q = uniform(3, n, actions)
    action = np.minimum((logging.cumsum(1) < uniform(4, n, 1)).sum(1), actions - 1)
    reward = np.round(q[np.arange(n), action] * 0.7 + uniform(5, n) * 0.3, 3)
    tables = uniform(7, actions, categories, dimensions) ** 2 + 0.02
    tables /= tables.sum(1, keepdims=True)
    parts = [(tables[action, :, d].cumsum(1) < uniform(8 + d, n, 1)).sum(1) for d in range(dimensions)]
    return Log(
        logging_policy=logging,
        target_policy=target,
        q_hat=0.5 * q + 0.5 * uniform(6, n, actions),
        action=action,
        reward=reward,
        p_e_a=tables,
        embedding=np.minimum(np.stack(parts, 1), categories - 1),
        deterministic=np.eye(actions)[(uniform(20, n) * actions).astype(int)],
        context=uniform(21, n, 2),
    )
