"""How kernels are compiled: once on a machine, at the first import, and loaded from numba's cache after that.

A kernel's file says all that is compiled into it but the constants that it imports: the cache notices changes by the
date of that one file. Who changes such a constant also touches the file.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, cast

from numba import njit

Function = TypeVar("Function", bound=Callable[..., Any])


_HOW: dict[str, Any] = {
    "_nrt": False,  # kernels allocate nothing: counting references to tables took more than half of their time
    "error_model": "numpy",  # and divide by nothing that may be zero
}


def inner(function: Function) -> Function:
    """A part of kernels: compiled into those that call it, as a call would copy the tables' descriptions."""
    return cast(Function, njit(function, forceinline=True, **_HOW))


def kernel(signature: Any) -> Callable[[Function], Function]:
    """Compile for this signature, or load what an earlier process compiled."""

    def compiled(function: Function) -> Function:
        try:
            return cast(Function, njit(signature, cache=True, **_HOW)(function))
        except RuntimeError:  # there is no folder to keep compiled code in: every start pays for it
            return cast(Function, njit(signature, **_HOW)(function))

    return compiled
