"""Which of the expected files a folder holds."""

from pathlib import Path

from driftline.sim.real.errors import DataError, nearest, shown


def folder_of(folder: Path | str) -> Path:
    """The folder, if it is one."""
    path = Path(folder)
    if not path.exists():
        siblings = [p.name for p in path.parent.iterdir() if p.is_dir()] if path.parent.is_dir() else []
        raise DataError(path, f"no such folder; expected a folder of data{nearest(path.name, siblings)}")
    if not path.is_dir():
        raise DataError(path, "is a file; expected the folder that holds it")
    return path


def bytes_of(path: Path) -> bytes:
    """The file's content."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise DataError(path, f"cannot be opened ({error.strerror}); expected a readable file") from None


def held(folder: Path) -> list[str]:
    """Names in the folder, sorted."""
    return sorted(path.name for path in folder.iterdir())


def missing(folder: Path, expected: str, names: tuple[str, ...]) -> DataError:
    """The error of a folder that lacks a file. expected: in words. names: the file names that would do."""
    inner = [path.name for path in folder.iterdir() if path.is_dir() and set(held(path)) & set(names)]
    if inner:
        return DataError(folder, f"no {expected}; did you mean the folder {str(folder / inner[0])!r}?")
    found = held(folder)
    close = next((hint for hint in (nearest(name, found, 0.75) for name in names) if hint), "")
    listing = ", ".join(map(shown, found[:8])) + (", ..." if len(found) > 8 else "")
    return DataError(folder, f"no {expected}; the folder holds {listing or 'nothing'}{close}")
