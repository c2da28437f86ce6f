"""A finished run on disk: what was logged, what was true, and what the run was asked to do."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import cast

import polars as pl
import yaml

from driftline.sim.errors import RunFolderError, hint


@dataclass(frozen=True)
class Timing:
    """What an agent cost in one run."""

    act_p50: float
    """Median seconds of one call of `act`."""
    act_p99: float
    peak_memory: float
    """Bytes."""
    wall: float
    """Seconds for the whole run."""
    cpu: float
    visits: int


def slug(agent: str) -> str:
    """An agent's id as it stands in a path: characters other than [A-Za-z0-9_.-] become "-", and so does a dot that
    begins it, for `.` and `..` are folders of the system's own."""
    return re.sub(r"^\.|[^A-Za-z0-9_.-]", "-", agent)


class RunFolder:
    """Lazy frames of one run folder, by agent and seed.

    Nothing is read before it is asked for. Every error is a `RunFolderError` that names the file.
    """

    def __init__(self, path: Path | str) -> None:
        self.path = Path(path)
        if not self.path.is_dir():
            raise RunFolderError(f"no run folder at {self.path}")
        self.resolved = self._yaml("resolved.yaml")
        self.agents = tuple(str(agent) for agent in self._list("agents"))
        self.seeds = tuple(int(str(seed)) for seed in self._list("seeds"))
        self.topics = tuple(str(topic) for topic in self._list("topics"))
        self.groups = tuple(str(group) for group in self._list("groups"))

    @property
    def scenario(self) -> Mapping[str, object]:
        """The resolved scenario."""
        inner = self.resolved.get("scenario")
        return cast("Mapping[str, object]", inner) if isinstance(inner, dict) else self.resolved

    @property
    def own_metrics(self) -> tuple[str, ...]:
        """Metrics of the user's own that the scenario names, as `package.module:Class`."""
        judge = self.scenario.get("judge")
        return tuple(str(path) for path in judge.get("metrics", ())) if isinstance(judge, dict) else ()

    @cached_property
    def versions(self) -> Mapping[str, object]:
        """Versions of everything the run depended on; empty where none were written."""
        return self._json("versions.json") if (self.path / "versions.json").exists() else {}

    @cached_property
    def judged(self) -> tuple[float, float]:
        """First and last day of the judged period: the end of the warm-up and the horizon."""
        return self._number("warmup"), self._number("horizon")

    def log(self, agent: str, seed: int) -> pl.LazyFrame:
        """Visits as an operator saw them: user, visit, time, items, choice, dwell, rating, log_p."""
        columns = ("user", "visit", "time", "items", "choice")
        return self._frame(self._of("log", agent, seed, "visits"), columns)

    def behaviors(self, agent: str, seed: int) -> pl.LazyFrame:
        """What users did: user, time, kind, item, about, expressed."""
        columns = ("user", "time", "kind", "item", "about", "expressed")
        return self._frame(self._of("log", agent, seed, "behaviors"), columns)

    def scores(self, agent: str, seed: int) -> pl.LazyFrame:
        """The agent's scores of the probe items, before it acted: user, visit, time, scores [P]."""
        return self._frame(self._of("log", agent, seed, "scores"), ("user", "visit", "time", "scores"))

    def truth(self, agent: str, seed: int) -> pl.LazyFrame:
        """What was true at each visit: group, interest_before, change_point, satisfaction, reward, ..."""
        columns = ("user", "visit", "time", "group", "interest_before", "change_point", "reward")
        return self._frame(self._of("truth", agent, seed, "visits"), columns)

    def values(self, agent: str, seed: int) -> pl.LazyFrame:
        """Expected rewards: value_shown, value_best, value_best_in_space (null without a space), bound."""
        columns = ("user", "visit", "value_shown", "value_best", "value_best_in_space", "bound")
        return self._frame(self._of("truth", agent, seed, "values"), columns)

    def timing(self, agent: str, seed: int) -> Timing:
        """What the agent cost."""
        name = self._of("log", agent, seed, "timing").removesuffix(".parquet") + ".json"
        read = self._json(name)
        missing = [key for key in Timing.__dataclass_fields__ if not isinstance(read.get(key), int | float)]
        if missing:
            raise RunFolderError(f"{self.path / name} lacks a number for {missing[0]!r}")
        number = {key: float(cast("float", read[key])) for key in Timing.__dataclass_fields__}
        return Timing(
            number["act_p50"],
            number["act_p99"],
            number["peak_memory"],
            number["wall"],
            number["cpu"],
            int(number["visits"]),
        )

    def segments(self, seed: int) -> pl.LazyFrame:
        """Texts by code: code, text."""
        return self._frame(f"log/segments-{self._seed(seed)}.parquet", ("code", "text"))

    def items(self, seed: int) -> pl.LazyFrame:
        """What an operator knows of the items: item, text, domain, price, born, category."""
        return self._frame(f"log/items-{self._seed(seed)}.parquet", ("item", "text"))

    def true_items(self, seed: int) -> pl.LazyFrame:
        """What the items are: item, mixture [K], quality, appeal, born, retired."""
        columns = ("item", "mixture", "quality", "appeal", "born", "retired")
        return self._frame(f"truth/items-{self._seed(seed)}.parquet", columns)

    def probes(self, seed: int) -> pl.LazyFrame:
        """The probe items: item."""
        return self._frame(f"truth/probes-{self._seed(seed)}.parquet", ("item",))

    def users(self, seed: int) -> pl.LazyFrame:
        """Who there is: user, group."""
        return self._frame(f"truth/users-{self._seed(seed)}.parquet", ("user", "group"))

    def _of(self, side: str, agent: str, seed: int, name: str) -> str:
        if agent not in self.agents:
            raise RunFolderError(f"no agent {agent!r} in {self.path}; {hint(agent, self.agents)}")
        return f"{side}/{slug(agent)}/{self._seed(seed)}/{name}.parquet"

    def _seed(self, seed: int) -> int:
        if seed not in self.seeds:
            raise RunFolderError(f"no seed {seed} in {self.path}; it has {', '.join(map(str, self.seeds))}")
        return seed

    def _existing(self, name: str) -> Path:
        file = self.path / name
        if not file.is_file():
            raise RunFolderError(f"{file} is missing: the run did not finish, or did not write this log")
        return file

    def _frame(self, name: str, columns: tuple[str, ...]) -> pl.LazyFrame:
        file = self._existing(name)
        try:
            have = tuple(pl.read_parquet_schema(file))
        except Exception as error:
            # polars has one exception type per way of being broken; to a reader they mean the same
            raise RunFolderError(f"{file} cannot be read as Parquet: {error}") from error
        for column in columns:
            if column not in have:
                raise RunFolderError(f"{file} lacks the column {column!r}; {hint(column, have)}")
        return pl.scan_parquet(file)

    def _yaml(self, name: str) -> Mapping[str, object]:
        file = self._existing(name)
        try:
            read = yaml.safe_load(file.read_text(encoding="utf-8"))
        except (yaml.YAMLError, UnicodeDecodeError) as error:
            raise RunFolderError(f"{file} cannot be read as YAML: {error}") from error
        return _mapping(read, file)

    def _json(self, name: str) -> Mapping[str, object]:
        file = self._existing(name)
        try:
            read = json.loads(file.read_text(encoding="utf-8"))
        except ValueError as error:
            raise RunFolderError(f"{file} cannot be read as JSON: {error}") from error
        return _mapping(read, file)

    def _list(self, key: str) -> list[object]:
        value = self.resolved.get(key)
        if not isinstance(value, list) or not value:
            raise RunFolderError(f"{self.path / 'resolved.yaml'} lacks a list under {key!r}")
        return value

    def _number(self, key: str) -> float:
        value = self.scenario.get(key, self.resolved.get(key))
        if not isinstance(value, int | float):
            raise RunFolderError(f"{self.path / 'resolved.yaml'} lacks a number under {key!r}")
        return float(value)


def _mapping(read: object, file: Path) -> Mapping[str, object]:
    if not isinstance(read, dict):
        raise RunFolderError(f"{file} does not hold a mapping of names to values")
    return cast("Mapping[str, object]", read)
