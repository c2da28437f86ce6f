"""numba's caches on disk: which entries a change makes stale.

numba knows a function by its own file. It does not notice a change in another file whose kernels or constants were
compiled into it. So whoever changes a source must not meet the entries of compiled code that reaches what changed.
"""

import os
import shutil
from collections.abc import Iterable, Iterator
from pathlib import Path

from mentions import Mentions, Symbol
from numba.core.caching import UserProvidedCacheLocator


def stale(mentions: Mentions, changed: Iterable[Symbol]) -> set[str]:
    """The files that hold compiled code which reaches a changed symbol, and those whose own text changed."""
    reached: set[Symbol] = set()
    files: set[str] = set()
    for symbol in changed:
        file, name = symbol
        if mentions.modules[file].compiled:
            files.add(file)
        whole = {(file, each) for each in mentions.modules[file].owner.values()}
        for each in [symbol] if name else whole:
            reached |= mentions.reaches(each)
    return files | {symbol[0] for symbol in reached if mentions.compiled(symbol)}


def carry(cache: Path, root: Path, target: Path, target_root: Path, files: Iterable[str]) -> None:
    """Link the entries of some source files into another cache, where they serve a copy of the tree.

    numba replaces files and never writes into them, so a link is as good as a copy.
    """
    renamed = {_folder(root, file): _folder(target_root, file) for file in files}
    wanted = set(files)
    for path, file in _entries(cache, root, wanted):
        beside = path.relative_to(cache).parent.parent
        link = target / beside / renamed[path.parent.name] / path.name
        link.parent.mkdir(parents=True, exist_ok=True)
        if file in wanted and not link.exists():
            os.link(path, link)


def keep_only(cache: Path, root: Path, files: set[str]) -> None:
    """Remove all other entries: those of other sources, and those of tests, which compile sources into their own."""
    kept = {path for path, _ in _entries(cache, root, files)}
    for path in [each for each in cache.rglob("*") if each.is_file() and each not in kept]:
        path.unlink()


def emptied(folder: Path) -> Path:
    """The folder, with nothing in it."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder


def _entries(cache: Path, root: Path, files: Iterable[str]) -> Iterator[tuple[Path, str]]:
    """Each file of a cache that belongs to one of some source files. Worker processes keep theirs in folders below."""
    named = {(_folder(root, file), Path(file).stem): file for file in files}
    for path in sorted(cache.rglob("*.nb[ic]")):
        file = named.get((path.parent.name, path.name.split(".")[0]))
        if file is not None:
            yield path, file


def _folder(root: Path, file: str) -> str:
    source = str(root / "src" / "driftline" / file)
    return str(UserProvidedCacheLocator.get_suitable_cache_subpath(source))  # type: ignore[no-untyped-call]
