"""InterestPredictor: interest read from what users did, as texts, for anybody's table of behaviours."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

import numpy as np
import polars as pl
from numpy.typing import ArrayLike

from driftline.agents.predictor.behaviour_frame import BehaviourFrame, days, read_frame
from driftline.agents.predictor.cache import CachedEncoder
from driftline.agents.predictor.encoders import Encoder, open_encoder
from driftline.agents.predictor.heads import Head, Shares
from driftline.agents.predictor.probes import TopicProbe, Valence, fit_probe, fit_valence, with_labels
from driftline.agents.predictor.sequences import Sequences
from driftline.agents.predictor.training import Recipe, held_out
from driftline.sim.errors import hint
from driftline.sim.types import NONE, Float32s, Floats, Int32s

Moment = float | date | datetime
CHEAP = ("scratch", "noise", "hashing")
"""Built-in encoders whose vectors are not worth a place on disk."""


@dataclass(frozen=True, slots=True)
class Fitted:
    """What `fit` has learned."""

    topics: tuple[str, ...]
    probe: TopicProbe
    valence: Valence
    head: Head
    category: dict[str, int]
    """Column of each text that bore a label."""


class InterestPredictor:
    """Text encoder, category probe, comment reader and temporal head behind two calls.

        predictor = InterestPredictor("minilm").fit(behaviours)
        predictor.interest(behaviours, at=30.0)  # [users, topics], users ascending, rows sum to 1

    encoder: an `Encoder`, or a name for `open_encoder`; of a name's vectors the costly ones are cached on
    disk. topics: names in the order of the columns; default: the labels found, sorted. With topics but no
    label in the frame, each text is labelled by the nearest topic name (a stop-gap; labels on some
    behaviours do better). window: how many coming behaviours with interest count as "next". label_noise:
    share of wrong labels.
    """

    def __init__(
        self,
        encoder: Encoder | str = "minilm",
        *,
        topics: Sequence[str] | None = None,
        seed: int = 0,
        device: str = "auto",
        window: int = 5,
        label_noise: float = 0.1,
        recipe: Recipe | None = None,
    ) -> None:
        if window < 1:
            raise ValueError(f"window {window} is below 1")
        if not 0.0 <= label_noise < 1.0:
            raise ValueError(f"label_noise {label_noise} is outside [0, 1)")
        if isinstance(encoder, str):
            opened = open_encoder(encoder, device, seed=seed)
            self.encoder: Encoder = CachedEncoder(opened, disk=encoder not in CHEAP)
        else:
            self.encoder = encoder
        self._names = tuple(topics) if topics is not None else None
        self._seed = seed
        self._window = window
        self._label_noise = max(label_noise, 1e-6)
        self._recipe = recipe or Recipe()
        self._fitted: Fitted | None = None

    def fit(self, behaviours: pl.DataFrame) -> "InterestPredictor":
        """Learn from a frame: user, time, about, [expressed, kind, label, sentiment] (see `read_frame`).

        label: what the behaviour was about, a topic's name or number, null where unknown. sentiment: in [-1,
        1]; without that column it is learned from `expressed`. Raises `ValueError` for a frame that cannot
        teach.
        """
        frame = read_frame(behaviours)
        vectors = self.encoder.encode(frame.texts)
        topics, label = self._labels(frame, vectors)
        category = _majority(frame, label, len(topics))
        known = np.flatnonzero(category != NONE)
        if known.size < 8:
            raise ValueError(f"only {known.size} distinct texts have a label; at least 8 are needed")
        probe, fold = fit_probe(vectors[known], category[known], len(topics), seed=self._seed)
        posterior = probe.posterior(vectors)
        # Out of fold, or texts that were learned by heart would look clearer than new ones.
        posterior[known] = probe.fold_posterior(vectors[known], fold)
        evidence = with_labels(posterior, category, self._label_noise).astype(np.float32)
        valence = self._valence(frame, vectors, evidence)
        sequences = _sequences(frame, _felt(frame, vectors, valence))
        targets = _next_shares(sequences, evidence, self._window)
        head = Head.fit(sequences, evidence, targets, recipe=self._recipe, seed=self._seed)
        labelled = {frame.texts[i]: int(category[i]) for i in known}
        self._fitted = Fitted(topics, probe, valence, head, labelled)
        return self

    def interest(self, behaviours: pl.DataFrame, at: Moment | ArrayLike) -> Floats:
        """Interest of each user of the frame at `at`, from behaviours before it: `[users, topics]`.

        Rows follow the users in ascending order, columns `topics`; rows sum to 1.
        at: one moment for all, or one per user; in the unit of the time column (days, or a date or datetime).
        """
        fitted = self._need()
        frame = read_frame(behaviours)
        vectors = self.encoder.encode(frame.texts)
        posterior = fitted.probe.posterior(vectors)
        if frame.label is not None:
            _codes(frame.label, fitted.topics)  # a label that no topic bears is an error all the same
        # Only the labels that `fit` saw: those of this frame may be younger than the moment asked about.
        category = np.array([fitted.category.get(text, NONE) for text in frame.texts], np.int32)
        evidence = with_labels(posterior, category, self._label_noise).astype(np.float32)
        sequences = _sequences(frame, _felt(frame, vectors, fitted.valence))
        rows = np.arange(len(frame.users))
        when = _moments(at, len(rows))
        return fitted.head.interest(sequences, evidence, rows, when)

    @property
    def topics(self) -> tuple[str, ...]:
        """Names of the columns of `interest`."""
        return self._need().topics

    @property
    def head(self) -> Head:
        """The fitted temporal head; `head.epochs == 0` says that it is a tuned decayed count."""
        return self._need().head

    def _need(self) -> Fitted:
        if self._fitted is None:
            raise RuntimeError("InterestPredictor is not fitted yet: call fit(behaviours) first")
        return self._fitted

    def _labels(self, frame: BehaviourFrame, vectors: Float32s) -> tuple[tuple[str, ...], Int32s]:
        """Topic names, and a topic per behaviour or `NONE`."""
        if frame.label is not None and any(value is not None for value in frame.label):
            topics = self._names or _found_topics(frame.label)
            return topics, _codes(frame.label, topics)
        if self._names is None:
            raise ValueError("behaviours have no labels: give a 'label' column, or topics=(names)")
        nearest = (vectors @ self.encoder.encode(self._names).T).argmax(axis=1)
        return self._names, np.where(frame.about == NONE, NONE, nearest[frame.about]).astype(np.int32)

    def _valence(self, frame: BehaviourFrame, vectors: Float32s, evidence: Float32s) -> Valence:
        said = np.flatnonzero((frame.expressed != NONE) & (frame.about != NONE))
        segments, place = np.unique(frame.expressed[said], return_inverse=True)
        if frame.sentiment is not None or not said.size:
            width = vectors.shape[1]
            return Valence(np.zeros(width), np.zeros(width), 0.0)
        came_back = _came_back(frame, evidence, self._window)[said]
        judges = held_out(len(frame.users), self._recipe.held_out, self._seed)[frame.row[said]]
        heard = np.isfinite(came_back)
        return fit_valence(vectors[segments], place[heard], came_back[heard], judges[heard])


def _found_topics(label: list[object]) -> tuple[str, ...]:
    found = {value for value in label if value is not None}
    if all(isinstance(value, int) for value in found):
        return tuple(str(i) for i in range(max(int(str(value)) for value in found) + 1))
    return tuple(sorted(str(value) for value in found))


def _codes(label: list[object], topics: tuple[str, ...]) -> Int32s:
    """Columns of labels; a number is a column, a name is looked up."""
    place = {name: i for i, name in enumerate(topics)}
    codes = np.full(len(label), NONE, np.int32)
    for i, value in enumerate(label):
        if value is None:
            continue
        code = value if isinstance(value, int) else place.get(str(value), -1)
        if not 0 <= code < len(topics):
            raise ValueError(f"label {value!r} is none of the {len(topics)} topics; {hint(str(value), topics)}")
        codes[i] = code
    return codes


def _majority(frame: BehaviourFrame, label: Int32s, topics: int) -> Int32s:
    """The most frequent label of each text, `NONE` where it has none; ties go to the lower column."""
    counts = np.zeros((len(frame.texts), topics), np.int64)
    usable = (label != NONE) & (frame.about != NONE)
    np.add.at(counts, (frame.about[usable], label[usable]), 1)
    return np.where(counts.any(axis=1), counts.argmax(axis=1), NONE).astype(np.int32)


def _sequences(frame: BehaviourFrame, sentiment: Float32s) -> Sequences:
    return Sequences.of(frame.row, frame.time, frame.about, sentiment, frame.kind, users=len(frame.users))


def _felt(frame: BehaviourFrame, vectors: Float32s, valence: Valence) -> Float32s:
    if frame.sentiment is not None:
        return frame.sentiment
    felt = np.zeros(len(frame.row), np.float32)
    said = frame.expressed != NONE
    if not valence.shut and said.any():
        felt[said] = valence.sentiment(vectors)[frame.expressed[said]]
    return felt


def _next_shares(sequences: Sequences, evidence: Float32s, window: int) -> Shares:
    """For every behaviour but the first: topics of it and those that follow, weighted by 1 + sentiment."""
    worth = np.where(sequences.index != NONE, 1.0 + sequences.sentiment, 0.0)
    mass = worth[..., None] * evidence[sequences.index]
    total = np.zeros((mass.shape[0], mass.shape[1] + window, mass.shape[2]))
    total[:, : mass.shape[1]] = mass
    ahead = sum((total[:, step : step + mass.shape[1]] for step in range(window)), np.zeros(mass.shape))
    weight = ahead.sum(axis=2)
    usable = np.isfinite(sequences.time) & (weight > 1e-6)
    usable[:, :1] = False
    row, place = np.nonzero(usable)
    return Shares(row, sequences.time[row, place], ahead[row, place] / weight[row, place][:, None])


def _came_back(frame: BehaviourFrame, evidence: Float32s, window: int) -> Floats:
    """How much more of the same followed than on average for that user; NaN for a user's last behaviour."""
    topic = np.where(frame.about[:, None] != NONE, evidence[frame.about], 0.0).astype(np.float64)
    users = len(frame.users)
    usual = np.zeros((users, topic.shape[1]))
    np.add.at(usual, frame.row, topic)
    usual /= np.maximum(np.bincount(frame.row, minlength=users), 1)[:, None]
    match, count = np.zeros(len(topic)), np.zeros(len(topic))
    for step in range(1, window + 1):
        same = np.flatnonzero(frame.row[step:] == frame.row[:-step])
        match[same] += (topic[same] * topic[same + step]).sum(axis=1)
        count[same] += 1.0
    mean = np.divide(match, count, out=np.full(len(topic), np.nan), where=count > 0)
    # Not minus this topic's own usual: that a topic is an unusual one is the very thing comments can tell.
    result: Floats = mean - (usual * usual).sum(axis=1)[frame.row]
    return result


def _moments(at: Moment | ArrayLike, users: int) -> Floats:
    moments = pl.Series([at]) if isinstance(at, date) else at
    found = days(moments) if isinstance(moments, pl.Series) else np.asarray(moments, np.float64).ravel()
    if found.size not in (1, users):
        raise ValueError(f"at holds {found.size} moments; legal is 1 or one per user ({users})")
    return np.broadcast_to(found, users)
