"""How anything here is compiled, and how what was compiled is kept on disk."""

# mypy: disable-error-code="no-untyped-call"
# Numba's caches have no types.

import os
import pickle
import re
from collections.abc import Callable, Iterable, Iterator
from glob import escape
from hashlib import sha256
from itertools import count
from pathlib import Path
from types import CodeType, FunctionType, ModuleType
from typing import Any, TypeVar, cast

import numba
import numpy as np
from numba.core.bytecode import FunctionIdentity
from numba.core.caching import FunctionCache
from numba.core.dispatcher import Dispatcher
from numba.core.errors import NumbaError
from numba.core.serialize import dumps

from driftline.sim.types import Float32s, Int64s

F = TypeVar("F", bound=Callable[..., object])


def kernel(function: F) -> F:
    """Compile a scalar or row function with numba, on first use, kept on disk. It may close over other kernels.

    No `fastmath` and no threads: results must not depend on the order of additions. Division by zero
    follows numpy. The wrapper keeps the function's own type, so that callers stay type-checked.
    """
    compiled = numba.njit(error_model="numpy")(function)
    compiled._cache = _OnDisk(function)  # type: ignore[attr-defined]
    return cast("F", compiled)


def is_kernel(value: object) -> bool:
    """Whether something is compiled code that other kernels may call."""
    return isinstance(value, Dispatcher)


def compile_fault(problem: NumbaError) -> str:
    """In one line why something cannot be compiled; the first line of numba's message says only that."""
    plain = re.sub(r"\x1b\[[0-9;]*m", "", str(problem))  # in colour where colorama is installed
    lines = [line.strip() for line in plain.splitlines()]
    return next((line for line in lines if line and not line.startswith("Failed in nopython mode")), "no message")


class _OnDisk(FunctionCache):
    """Compiled code as numba keeps it, but found again by what it does: any number of processes may share a folder.

    A file is named by its function's content, the types and the processor, and appears whole or not at all. Numba's own
    index is read, changed and written back without a lock, and knows a kernel that is closed over by a number that is
    new in every process.
    """

    def _place(self, sig: Any, codegen: Any) -> tuple[Path, str]:
        """The file of one signature, and how the names of all files of this version of the function begin."""
        function = self._py_func
        version = _digest(numba.__version__, _written(function), _content(_named(function)))[:12]
        stem = f"{self._impl.filename_base}.{version}-"
        cells = [cell.cell_contents for cell in function.__closure__ or ()]
        rest = _digest([_type_name(each) for each in sig], codegen.magic_tuple(), _content(cells))[:20]
        return Path(self._cache_path, f"{stem}{rest}.nbc"), stem

    def load_overload(self, sig: Any, target_context: Any) -> Any:
        """What was compiled for this signature, or None."""
        target_context.refresh()
        place, _ = self._place(sig, target_context.codegen())
        try:
            types, data = pickle.loads(place.read_bytes())
            return self._impl.rebuild(target_context, data) if types == sig else None
        except (OSError, EOFError, pickle.UnpicklingError):  # not there, or the disk was at fault
            return None
        except (AttributeError, ImportError):  # it names a class that is no more, as after an upgrade
            return None

    def save_overload(self, sig: Any, data: Any) -> None:
        """Keep the code of one signature; that of former versions of the function goes."""
        if not self._impl.check_cachable(data):
            return
        place, stem = self._place(sig, data.codegen)
        content = dumps((sig, self._impl.reduce(data)))
        unfinished = place.with_suffix(f".{os.getpid()}")
        try:
            unfinished.write_bytes(content)
            unfinished.replace(place)
        except OSError:  # a full disk: compiled anew next time
            return
        finally:
            unfinished.unlink(missing_ok=True)
        for old in place.parent.glob(f"{escape(self._impl.filename_base)}.*.nbc"):
            if not old.name.startswith(stem):
                old.unlink(missing_ok=True)


def _digest(*values: object) -> str:
    return sha256(repr(values).encode()).hexdigest()


def _type_name(kind: Any) -> object:
    """A numba type by its name; of named tuples the class too, which numba's name leaves out."""
    inner = [_type_name(each) for each in getattr(kind, "types", ())]
    return kind.name, _described(getattr(kind, "instance_class", None)), inner


def _content(values: Iterable[object]) -> list[object]:
    """What compiled code holds of these values: of functions their code, and that of all they reach in turn."""
    found: list[object] = []
    seen: set[FunctionType] = set()
    waiting = list(values)
    while waiting:
        value = waiting.pop()
        function = value.py_func if isinstance(value, Dispatcher) else value
        if not isinstance(function, FunctionType) or function.__module__.startswith(("numpy.", "numba.")):
            found.append(_described(function))
            continue
        found.append((function.__module__, function.__qualname__))
        if function not in seen:
            seen.add(function)
            found.append(_written(function))
            waiting += _named(function)
            waiting += [cell.cell_contents for cell in function.__closure__ or ()]
    return found


def _described(value: object) -> object:
    """Something that is no function: an array by its bytes, a class by name and fields, anything else as it prints."""
    if isinstance(value, np.ndarray):
        return value.dtype.str, value.shape, sha256(value.tobytes()).hexdigest()
    if isinstance(value, type | FunctionType | ModuleType):
        return value.__name__, getattr(value, "__module__", ""), getattr(value, "_fields", ())
    return value


def _written(function: FunctionType) -> list[object]:
    """A function's code, that of functions within it included."""
    return [
        (code.co_name, code.co_code, _constants(code), code.co_names, code.co_varnames, code.co_freevars)
        for code in _codes(function.__code__)
    ]


def _named(function: FunctionType) -> list[object]:
    """What a function finds by a name of its module, or of a module that it names; and its defaults."""
    names = sorted({name for code in _codes(function.__code__) for name in code.co_names})
    found = [function.__globals__[name] for name in names if name in function.__globals__]
    modules = [value for value in found if isinstance(value, ModuleType)]
    members = [getattr(module, name, None) for module in modules for name in names]
    frozen = (Dispatcher, bool, int, float, str, tuple, np.ndarray, np.generic)
    return [*found, *(each for each in members if isinstance(each, frozen)), *(function.__defaults__ or ())]


def _codes(code: CodeType) -> Iterator[CodeType]:
    yield code
    for value in code.co_consts:
        if isinstance(value, CodeType):
            yield from _codes(value)


def _constants(code: CodeType) -> list[object]:
    """What is written in the code: not the code within, and sets in one order."""
    plain = [value for value in code.co_consts if not isinstance(value, CodeType)]
    return [sorted(map(repr, value)) if isinstance(value, frozenset) else value for value in plain]


def _name_apart() -> None:
    """Let no two processes give the code of two functions one name.

    Numba names compiled code by qualified name, types and a count that starts at 1 in every process. Code from disk
    then meets new code of the same name, as two loops of one function around different kernels, and both share one
    table of constants; a third process that takes both from disk finds half a table, and calls fail with "returned a
    result with an exception set". Names are no part of results.
    """
    FunctionIdentity._unique_ids = count(int.from_bytes(os.urandom(6)))


_name_apart()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_name_apart)


NEAR = 64
"""Rows fetched at once, 4 kB of 16 topics: waiting for memory user by user costs as much as a whole step."""


@kernel
def bring_near(rows: Float32s, users: Int64s, first: int, out: Float32s) -> None:
    """Copy the rows of the users from place `first` on into `out` [NEAR, K], as far as there are any."""
    for j in range(min(out.shape[0], users.size - first)):
        for k in range(out.shape[1]):
            out[j, k] = rows[users[first + j], k]
