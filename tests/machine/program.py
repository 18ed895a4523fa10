"""Parse a PTX file to blocks of Python statements; called functions are inlined."""

from __future__ import annotations

import re
from typing import NamedTuple

from .instructions import DTYPES, translate


class Block(NamedTuple):
    """Statements that the same threads run, and how they end: go on, jump, wait at a barrier, or end the kernel."""

    statements: list[str]
    end: str  # "go", "jump", "wait" or "end"
    condition: str  # predicate of the jump, with ~ if negated; empty if there is none
    target: int  # the block to jump to


class Program(NamedTuple):
    """The kernel of a PTX file."""

    registers: dict[str, str]  # names and dtypes
    parameters: list[str]
    variables: dict[str, int]  # global variables, kept between launches: names and bytes
    local: dict[str, int]  # local memory of each thread: names and bytes
    blocks: list[Block]


def parse(ptx: str) -> Program:
    """Parse the one kernel of a PTX text, with the functions that it calls inlined."""
    entry, functions = None, {}
    for kind, name, head, body in re.findall(FUNCTION, ptx, re.DOTALL | re.MULTILINE):
        functions[name] = _Function(name, re.findall(r"\.param\s+\.\w+\s+(\w+)", head), body)
        entry = name if kind == "entry" else entry
    expanded = _Expanded(functions)
    lines = expanded.lines(entry)
    parameters = functions[entry].parameters
    sizes = re.findall(r"^\.global \.align \d+ \.b8 (\w+)\[(\d+)\];", ptx, re.MULTILINE)
    local = re.findall(r"\.local \.align \d+ \.b8 \t?(\w+)\[(\d+)\];", ptx)
    blocks = _blocks(lines, expanded.registers, parameters)
    return Program(expanded.registers, parameters, *({n: int(k) for n, k in each} for each in (sizes, local)), blocks)


#: Kind, name, parameters and body of a function.
FUNCTION = r"^\.\w+ \.(entry|func)\s*(?:\(\.param \.b32 func_retval0\))?\s*(\w+)\((.*?)\)[^{;]*^\{(.*?)^\}"


class _Function:
    def __init__(self, name: str, parameters: list[str], body: str):
        self.name, self.parameters = name, parameters
        body = re.sub(r"//[^\n]*", "", body)
        body = re.sub(r"\{\s*\.reg [^;]*;(.*?)\n\s*\}(?=\s)", r"\1", body, flags=re.DOTALL)
        found = re.findall(r"\.reg \.(\w+)\s+%(\w+?)<(\d+)>;", body)
        self.registers = {f"{of}{k}": DTYPES[kind] for kind, of, count in found for k in range(int(count))}
        self.registers |= {"temp": "uint32", "SP": "uint64", "SPL": "uint64"}  # half a register; local memory
        body = re.sub(r"^\s*\.(reg|pragma|local|param)[^;]*;", "", body, flags=re.MULTILINE)
        self.lines = [line.strip() for line in re.split(r"[;]|(?<=:)\s*\n", body) if line.strip()]


class _Expanded:
    """Inlines calls: the lines of the called function with new register names; parameters become registers."""

    def __init__(self, functions: dict[str, _Function]):
        self.functions, self.registers, self.calls = functions, {}, 0

    def lines(self, name: str, call: int = 0) -> list[str]:
        function, found, inside = self.functions[name], [], 0
        own = f"c{call}_" if call else ""
        self.registers |= {own + register: dtype for register, dtype in function.registers.items()}
        for line in function.lines:
            line = re.sub(r"%(p|f|r|rd|fd|rs)(\d+)\b|%(SPL?|temp)\b", lambda m: f"%{own}{m.group()[1:]}", line)
            line = re.sub(r"\$(\w+)", rf"${own}\1", line)
            passed = re.match(r"(st|ld)\.param\.(\w+)\s+(.*)", line, re.DOTALL)
            called = re.match(r"call\.uni\s*\(retval0\),\s*(\w+)", line)
            if called:
                inside = self.calls = self.calls + 1
                found += self.lines(called.group(1), inside)
            elif passed and (call or "_param_" not in line):
                found.append(self._passed(*passed.groups(), function, call, inside))
            elif line == "ret" and call:
                found.append(f"bra $end{call}")
            else:
                found.append(line)
        return [*found, f"$end{call}:"]

    def _passed(self, op: str, kind: str, rest: str, function: _Function, call: int, inside: int) -> str:
        """A parameter or result of a call, as a move between registers."""
        place = re.search(r"\[(\w+)(?:\+0)?\]", rest).group(1)
        if place == "retval0":
            register = f"result{inside}"
        elif place == "func_retval0":
            register = f"result{call}"
        elif op == "st":
            register = f"given{self.calls + 1}_{place.removeprefix('param')}"
        else:
            register = f"given{call}_{function.parameters.index(place)}"
        kind = "u16" if kind[1:] == "8" else kind  # a predicate is passed in a 32-bit register
        width = self.registers.setdefault(register, {"16": "uint16", "32": "uint32", "64": "uint64"}[kind[1:]])[4:]
        other = re.sub(r",?\s*\[[^\]]*\]\s*,?\s*", "", rest)
        if op == "st":
            return f"mov.{kind} %{register}, {other}"
        return f"mov.{kind} {other}, %{register}" if width == kind[1:] else f"cvt.{kind}.u{width} {other}, %{register}"


def _blocks(lines: list[str], registers: dict[str, str], parameters: list[str]) -> list[Block]:
    """Divide lines into blocks that end at labels, jumps and barriers."""
    labels, blocks, open_block = {}, [], []

    def close(end: str, condition: str = "", target: str = "") -> None:
        blocks.append((open_block.copy(), end, condition, target))
        open_block.clear()

    for line in lines:
        if line.endswith(":"):
            close("go")
            labels[line[:-1]] = len(blocks)
            continue
        guard, instruction = re.match(r"(?:@(!?%\w+)\s+)?(.*)", line, re.DOTALL).groups()
        condition = "" if guard is None else guard.replace("!", "~").replace("%", "")
        name = instruction.split()[0]
        if name in ("bra", "bra.uni"):
            close("jump", condition, instruction.split()[1])
        elif name in ("bar.sync", "barrier.sync", "ret", "exit"):
            if guard or ("sync" in name and instruction.split()[1:] != ["0"]):
                raise NotImplementedError(line)
            close("wait" if "sync" in name else "end")
        else:
            statement = translate(instruction, registers, parameters, f"on & {condition}" if guard else "on")
            open_block.append(statement)
    close("end")
    return [Block(s, end, condition, labels[target] if target else -1) for s, end, condition, target in blocks]
