"""What a real folder holds once it is read: items with topics, and who took what when."""

from dataclasses import dataclass

from driftline.sim.types import Bools, Float32s, Floats, Int8s, Int32s, Int64s


@dataclass(frozen=True, slots=True)
class RealData:
    """I items of K topics and m interactions of U users; items in the file's order, users sorted by id.

    Interactions are sorted by (time, user, item). Days count from the last interaction, which is day 0.
    """

    item_ids: tuple[str, ...]
    """The file's own ids [I]."""
    titles: tuple[str, ...]
    """As given, the year included [I]."""
    texts: tuple[str, ...]
    """What an operator reads of an item: its title, then the text column where there is one [I]."""
    topics: tuple[str, ...]
    """Names [K], sorted when they were given, by cluster otherwise."""
    mixture: Float32s
    """Shares of the topics [I, K]; rows sum to 1; uniform where an item has no topic."""
    labelled: Bools
    """Whether the item has a topic at all [I]."""
    domains: tuple[str, ...]
    domain: Int8s
    """Row in `domains` [I]."""
    born: Floats
    """Day of release, never after the item's first interaction; that one, or else 0, where unknown [I]."""
    user_ids: tuple[str, ...]
    """The file's own ids [U]."""
    user: Int64s
    """Row in `user_ids` [m]."""
    item: Int32s
    """Row in `item_ids` [m]."""
    time: Floats
    """Days, at most 0 [m]."""
    rating: Float32s
    """On the file's own scale, NaN where none was given [m]."""
    kind: Int8s
    """A `BehaviorKind`: `CONSUME` or `PURCHASE` [m]."""
    comments: tuple[str, ...] | None
    """What users wrote, empty where nothing [m]; none at all without a text column."""

    @property
    def users(self) -> int:
        """Number of users U."""
        return len(self.user_ids)

    @property
    def items(self) -> int:
        """Number of items I."""
        return len(self.item_ids)
