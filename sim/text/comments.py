"""Comments: a grammar of thousands of segments whose words carry the sentiment."""

from dataclasses import dataclass
from enum import IntEnum
from math import ceil

import numpy as np

from driftline.sim import keyed
from driftline.sim.config.params import TextParams
from driftline.sim.kernel import kernel
from driftline.sim.keyed import Stream
from driftline.sim.text.lexicon import Draw, lexicon
from driftline.sim.text.titles import capitalised
from driftline.sim.types import Floats, Int32s, Int64s


class CommentClass(IntEnum):
    """What a comment says; rows of a `CommentTable`."""

    NEGATIVE = 0
    MIXED = 1
    POSITIVE = 2
    NOISE = 3


@dataclass(frozen=True, slots=True)
class CommentTable:
    """Comments by class, word and frame, as compiled code reads them; truth: the place tells the class.

    Class c has `words[c]` words, in order of entry, with `frames[c]` comments each: the comment of
    (word, frame) is `codes[first[c] + word * frames[c] + frame]`.
    """

    codes: Int32s
    first: Int64s
    """[4]."""
    frames: Int64s
    """[4]."""
    words: Int64s
    """[4]."""
    available: Int32s
    """[4, days + 1]: how many words of each class may be used on each day; at least 1."""


@kernel
def comment_code(
    codes: Int32s,
    first: Int64s,
    frames: Int64s,
    available: Int32s,
    kind: int,
    day: int,
    u_word: float,
    u_frame: float,
) -> int:
    """Segment code of a comment of class `kind` on `day`, from two uniforms in (0, 1)."""
    word = int(u_word * available[kind, min(day, available.shape[1] - 1)])
    frame = int(u_frame * frames[kind])
    return int(codes[first[kind] + word * frames[kind] + frame])


@dataclass(frozen=True, slots=True)
class _Written:
    """The comments of one class: texts [words * frames], word by word; each word's day of entry [words]."""

    texts: list[str]
    entry: Floats


def write_comments(params: TextParams, *, seed: int, horizon: float) -> tuple[list[str], CommentTable]:
    """All comments of a world, and their table with `codes` that count through that list.

    Without sentiment every class is small talk, the same for all.
    """
    noise = _small_talk()
    if not params.sentiment:
        return noise.texts, _table([noise], horizon)
    praise = _entering(lexicon().praise, Draw.PRAISE, params, seed)
    complaint = _entering(lexicon().complaint, Draw.COMPLAINT, params, seed)
    entry = entry_days(params.sentiment_words, params.sentiment_held_back, horizon)
    classes = [
        _polar(complaint, praise, entry, params, Draw.COMPLAINT_FRAMES, seed),
        _mixed(praise, complaint, entry, params, seed),
        _polar(praise, complaint, entry, params, Draw.PRAISE_FRAMES, seed),
        noise,
    ]
    return [text for written in classes for text in written.texts], _table(classes, horizon)


def entry_days(words: int, held_back: float, horizon: float) -> Floats:
    """Day on which each word [words] enters: day 0, but a share `held_back` one by one over the run."""
    late = min(round(held_back * words), words - 1)
    return np.concatenate([np.zeros(words - late), horizon * (np.arange(late) + 0.5) / max(late, 1)])


def _table(classes: list[_Written], horizon: float) -> CommentTable:
    """The table of four classes, or of one that serves as all four."""
    days = np.arange(ceil(horizon) + 1)
    sizes = np.array([len(written.texts) for written in classes])
    words = np.array([len(written.entry) for written in classes])
    first = np.concatenate([[0], np.cumsum(sizes)[:-1]])
    available = np.stack([np.searchsorted(written.entry, days, side="right") for written in classes])
    each = np.arange(4) if len(classes) == 4 else np.zeros(4, np.int64)
    return CommentTable(
        codes=np.arange(sizes.sum(), dtype=np.int32),
        first=first[each].astype(np.int64),
        frames=(sizes // words)[each].astype(np.int64),
        words=words[each].astype(np.int64),
        available=available[each].astype(np.int32),
    )


def _entering(words: tuple[str, ...], draw: Draw, params: TextParams, seed: int) -> list[str]:
    """As many words as the world uses, in keyed order of entry."""
    order = keyed.order(seed, Stream.WORD_ENTRY, len(words), draw)
    return [words[place] for place in order[: params.sentiment_words]]


def _polar(own: list[str], other: list[str], entry: Floats, params: TextParams, draw: Draw, seed: int) -> _Written:
    """Comments of one polarity. A negated frame takes the opposite word that enters with the word itself."""
    plain, negated = lexicon().plain, lexicon().negated
    word, every = np.arange(len(own))[:, None], params.comment_frames
    slot = np.arange(len(plain) + len(negated) + every)
    draws = keyed.uniforms(seed, Stream.WORD_ENTRY, draw, word, slot)
    plainly, negatedly, coins = np.split(draws, [len(plain), len(plain) + len(negated)], axis=1)
    texts = []
    for w, coin in enumerate((coins < params.negated).sum(axis=1).tolist()):
        twisted = [negated[f] for f in np.argsort(negatedly[w])[:coin]]
        straight = [plain[f] for f in np.argsort(plainly[w])[: every - len(twisted)]]
        texts += [capitalised(frame.format(own=own[w], other=other[w])) for frame in twisted + straight]
    return _Written(texts, entry)


def _mixed(praise: list[str], complaint: list[str], entry: Floats, params: TextParams, seed: int) -> _Written:
    """Keyed pairs of praise and complaint in one frame each; a pair enters with the later of its words."""
    count = len(entry)
    pairs = keyed.order(seed, Stream.WORD_ENTRY, count * count, Draw.PAIRS)[: params.mixed_pairs]
    day = entry[np.maximum(pairs // count, pairs % count)]
    pairs = pairs[np.argsort(day, kind="stable")]
    frames = lexicon().mixed
    place = keyed.uniforms(seed, Stream.WORD_ENTRY, Draw.PAIR_FRAME, pairs).tolist()
    texts = []
    for u, pair in zip(place, pairs.tolist(), strict=True):
        first, second = divmod(pair, count)
        text = frames[int(u * len(frames))].format(positive=praise[first], negative=complaint[second])
        texts.append(capitalised(text))
    return _Written(texts, np.sort(day))


def _small_talk() -> _Written:
    """Comments without sentiment: every setting in every frame, from the start."""
    settings, frames = lexicon().settings, lexicon().small_talk
    texts = [frame.format(setting=setting) for setting in settings for frame in frames]
    return _Written(texts, np.zeros(len(settings)))
