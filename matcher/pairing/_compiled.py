"""How kernels are compiled: once on a machine, at the first import, and loaded from numba's cache after that.

A kernel's file says all that is compiled into it but the constants that it imports: the cache notices changes by the
date of that one file. Who changes such a constant also touches the file.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, cast

from llvmlite import ir
from numba import njit, types
from numba.extending import intrinsic

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


def _prefetch(typing_context: Any, table: Any, row: Any, byte: Any) -> Any:
    def code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        whole, number, offset = arguments
        array = context.make_array(signature.args[0])(context, builder, whole)
        bytes_, integer = ir.IntType(8).as_pointer(), ir.IntType(32)
        start = builder.mul(number, builder.extract_value(array.strides, 0))
        place = builder.gep(builder.bitcast(array.data, bytes_), [builder.add(start, offset)])
        instruction = builder.module.declare_intrinsic(
            "llvm.prefetch", [bytes_], ir.FunctionType(ir.VoidType(), [bytes_, integer, integer, integer])
        )
        builder.call(instruction, [place, integer(0), integer(3), integer(1)])  # to read, for all caches, as data
        return context.get_dummy_value()

    return types.void(table, types.int64, types.int64), code


prefetch = cast(Callable[[Any, int, int], None], intrinsic(_prefetch))
"""Ask for the memory at this byte of a table's row, which is to be read soon."""
