"""Translate a PTX instruction to a Python statement on vectors with one element for each thread.

Only the instructions that the kernels use are implemented; others are refused by name. A register is an array, and
reading it as another type is a view. `on` marks the active threads. Additions, multiplications and fused operations are
rounded as in PTX, except that a fused float64 result may be rounded twice, from 80 bits.
"""

from __future__ import annotations

import re

import numpy as np

DTYPES = {
    "s16": "int16", "u16": "uint16", "b16": "uint16", "s32": "int32", "u32": "uint32", "b32": "uint32",
    "s64": "int64", "u64": "uint64", "b64": "uint64", "f32": "float32", "f64": "float64", "pred": "bool",
}  # fmt: skip
COMPARISONS = {"eq": "==", "ne": "!=", "lt": "<", "le": "<=", "gt": ">", "ge": ">="}
BINARY = {"add": "+", "sub": "-", "mul": "*", "and": "&", "or": "|", "xor": "^"}
#: Flags that have no effect here.
PLAIN = {"rn", "lo", "approx", "ftz", "full"}


def translate(instruction: str, registers: dict[str, str], parameters: list[str], on: str) -> str:
    """One instruction as a Python statement."""
    name, rest = re.match(r"(\S+)\s*(.*)", instruction, re.DOTALL).groups()
    op, *flags = name.split(".")
    operands = [part.strip() for part in re.findall(r"\{[^}]*\}|\[[^\]]*\]|[^,\s]+", rest)]
    flags = [flag for flag in flags if flag not in PLAIN]

    def read(operand: str, kind: str) -> str:
        return _operand(operand, kind, registers)

    def write(value: str, kind: str, operand: str | None = None) -> str:
        return f"put({_register(operand or operands[0], kind, registers)}, {value}, {on})"

    if op == "atom":
        return _atomic(name, operands, registers, on)
    if op in ("ld", "st"):
        return _memory(op, flags, operands, registers, parameters, on)
    if op == "setp":
        return _compare(flags, operands, read, write)
    if op == "cvt":
        return write(f"convert({read(operands[1], flags[-1])}, '{DTYPES[flags[-2]]}', {set(flags[:-2])})", flags[-2])
    kind = flags[-1]
    if op == "cvta":
        return write(read(operands[1], "u64"), "u64")
    if op == "mov":
        return _move(kind, operands, read, write)
    if op == "selp":
        return write(
            f"np.where({read(operands[3], 'pred')}, {read(operands[1], kind)}, {read(operands[2], kind)})", kind
        )
    if op in ("shl", "shr"):
        return write(f"{op}({read(operands[1], kind)}, {read(operands[2], 'u32')})", kind)
    if op in ("mul", "mad") and "wide" in flags:
        wide = kind[0] + {"32": "64", "16": "32"}[kind[1:]]
        factors = " * ".join(f"{read(operand, kind)}.astype('{DTYPES[wide]}')" for operand in operands[1:3])
        return write(factors + (f" + {read(operands[3], wide)}" if op == "mad" else ""), wide)
    if op == "bfi":
        kinds = (kind, kind, "u32", "u32")
        return write(f"inserted({', '.join(map(read, operands[1:], kinds))})", kind)
    values = [read(operand, kind) for operand in operands[1:]]
    if op == "mul" and flags[:-1] == ["hi"]:
        return write(f"high({values[0]}, {values[1]})", kind)
    if op == "mad" and not set(flags[:-1]):
        return write(f"{values[0]} * {values[1]} + {values[2]}", kind)
    if op in BINARY and not set(flags[:-1]):
        return write(f"{values[0]} {BINARY[op]} {values[1]}", kind)
    if op in ("not", "neg") and not set(flags[:-1]):
        return write(f"{'~' if op == 'not' else '-'}{values[0]}", kind)
    directed = [repr(flag) for flag in flags[:-1] if flag in ("rz", "rm") and op in ("add", "fma")]
    if op in FUNCTIONS and len(directed) == len(flags) - 1:
        if op == "add":
            values = [values[0], "np.float32(1)", values[1]]
        return write(f"{FUNCTIONS[op]}({', '.join(values + directed)})", kind)
    raise NotImplementedError(instruction)


#: Instructions that call functions of `arithmetic`.
FUNCTIONS = {
    "add": "fused", "fma": "fused", "div": "divided", "rem": "remainder", "rcp": "reciprocal", "sqrt": "np.sqrt",
    "ex2": "exp2", "lg2": "log2", "abs": "np.abs", "min": "least", "max": "most", "copysign": "copysign",
}  # fmt: skip


def _register(operand: str, kind: str, registers: dict[str, str]) -> str:
    name = operand.lstrip("%")
    own, wanted = registers[name], DTYPES[kind]
    if own == wanted:
        return name
    if np.dtype(own).itemsize != np.dtype(wanted).itemsize:
        raise NotImplementedError(f"{operand} is {own}, and read as {wanted}")
    return f"{name}.view('{wanted}')"


def _is_wider(operand: str, kind: str, registers: dict[str, str]) -> bool:
    """Return whether a register of integers is wider than what is loaded into it or stored from it."""
    own, wanted = (np.dtype(name) for name in (registers.get(operand.lstrip("%"), "bool"), DTYPES[kind]))
    return own.kind in "iu" and wanted.kind in "iu" and own.itemsize > wanted.itemsize


def _operand(operand: str, kind: str, registers: dict[str, str]) -> str:
    """A register, a special register such as the thread number, or a constant."""
    if operand in SPECIAL:
        return SPECIAL[operand]
    if operand.startswith("%"):
        return _register(operand, kind, registers)
    if operand.startswith(("0f", "0d")):
        bits, dtype = ("uint32", "float32") if operand[1] == "f" else ("uint64", "float64")
        return f"np.{bits}(0x{operand[2:]}).view('{dtype}')"
    dtype = DTYPES[kind]
    value = int(operand, 0)
    if kind == "pred":
        return f"np.bool_({bool(value)})"
    bits = 8 * np.dtype(dtype).itemsize
    value %= 1 << bits
    if kind[0] == "s" and value >= 1 << (bits - 1):
        value -= 1 << bits
    return f"np.{dtype}({value})"


SPECIAL = {
    "%tid.x": "tid", "%ctaid.x": "ctaid", "%ntid.x": "ntid", "%nctaid.x": "nctaid",
    "%dynamic_smem_size": "shared_bytes",
}  # fmt: skip


def _move(kind: str, operands: list[str], read, write) -> str:
    to, source = operands
    if to.startswith("{"):
        parts = [part.strip() for part in to.strip("{}").split(",")]
        return "; ".join(write(f"half({read(source, 'b64')}, {k})", "b32", part) for k, part in enumerate(parts))
    if source.startswith("{"):
        low, high = (read(part.strip(), "b32") for part in source.strip("{}").split(","))
        return write(f"joined({low}, {high})", "b64")
    if re.match(r"[A-Za-z_]", source):
        return write(f"address_of('{source}')", kind)
    return write(read(source, kind), kind)


def _compare(flags: list[str], operands: list[str], read, write) -> str:
    how, kind = flags[0], flags[-1]
    if len(flags) > 2 and flags[1:-1] != ["ftz"]:
        raise NotImplementedError(".".join(flags))
    left, right = read(operands[1], kind), read(operands[2], kind)
    if how == "nan":
        value = f"np.isnan({left}) | np.isnan({right})"
    elif kind[0] == "f" and how.endswith("u"):  # unordered comparison: also true for NaN
        value = f"({left} {COMPARISONS[how[:-1]]} {right}) | np.isnan({left}) | np.isnan({right})"
    elif kind[0] == "f" and how == "ne":
        value = f"({left} < {right}) | ({left} > {right})"
    else:
        value = f"{left} {COMPARISONS[how]} {right}"
    return write(value, "pred")


def _memory(op: str, flags: list[str], operands: list[str], registers, parameters, on: str) -> str:
    kind, (space, *_) = flags[-1], [flag for flag in flags if flag in SPACES] or [""]
    if set(flags[:-1]) - set(SPACES) - {"v2", "v4", "acquire", "gpu"}:
        raise NotImplementedError(f"{op}.{'.'.join(flags)}")
    count = int(flags[-2][1:]) if flags[-2:-1] and flags[-2] in ("v2", "v4") else 1
    where, other = operands[::-1] if op == "ld" else operands
    base, offset = re.match(r"\[\s*([%\w]+)\s*(?:\+\s*(-?\d+))?\s*\]", where).groups()
    if space == "param":
        value = f"parameter({parameters.index(base)}, '{DTYPES[kind]}', {int(offset or 0)})"
        if _is_wider(other, kind, registers):
            return f"put({other.lstrip('%')}, {value}.astype('{registers[other.lstrip('%')]}'), {on})"
        return f"put({_register(other, kind, registers)}, {value}, {on})"
    address = _register(base, "u64", registers) if base.startswith("%") else f"address_of('{base}')"
    address = f"{address} + np.uint64({int(offset or 0) % 2**64})"
    acquire = "acquire" in flags
    parts = [part.strip() for part in other.strip("{}").split(",")]
    if op == "ld":
        names = ", ".join(  # a wider register gets the number itself
            part.lstrip("%") if _is_wider(part, kind, registers) else _register(part, kind, registers) for part in parts
        )
        return f"load(({names},), {address}, '{DTYPES[kind]}', {count}, {on}, {space == 'shared'}, {acquire})"
    values = ", ".join(  # of a wider register, the lower bits
        f"{part.lstrip('%')}.astype('{DTYPES[kind]}')"
        if _is_wider(part, kind, registers)
        else _operand(part, kind, registers)
        for part in parts
    )
    return f"store({address}, ({values},), '{DTYPES[kind]}', {on}, {space == 'shared'})"


SPACES = ("global", "shared", "param", "local")


def _atomic(name: str, operands: list[str], registers: dict[str, str], on: str) -> str:
    if name != "atom.release.gpu.global.add.u32":
        raise NotImplementedError(name)
    to, address, value = operands
    where = _register(address.strip("[]"), "u64", registers)
    return f"arrive({_register(to, 'u32', registers)}, {where}, {_operand(value, 'u32', registers)}, {on})"
