"""Which number is for what when texts are written: the first keys of stream WORD_ENTRY."""

from enum import IntEnum


class Draw(IntEnum):
    """Values are part of every world's meaning: append, never renumber."""

    PRAISE = 0
    """Order in which words of praise enter."""
    COMPLAINT = 1
    PAIRS = 2
    PAIR_FRAME = 3
    PRAISE_FRAMES = 4
    COMPLAINT_FRAMES = 5
    QUERY_FRAME = 6
    QUERY_WORDS = 7
    QUERY_ITEM = 8
    TOPIC = 1000
    """Order in which words of topic k enter: TOPIC + k."""
