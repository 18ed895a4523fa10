"""The interpreter: runs all threads of a grid together, with barriers, and finds races.

Within a block, the threads with the smallest program position run first, all at once as NumPy vectors. All blocks of a
launch are resident, as in a cooperative launch, but they run in turn: each block runs until it has to wait for another
one. So a block that does not wait where it should reads old values. Every second launch runs the blocks in reverse.
"""

from __future__ import annotations

from types import CodeType
from typing import Any

import numpy as np

from . import arithmetic
from .memory import BASE, Memory, MemoryFaultError, Who
from .program import Block, parse

NOT_A_NUMBER = 0xFF
#: Largest number of statement blocks that a block of threads may run before it has to wait or end.
PATIENCE = 10_000_000


class DeadlockError(Exception):
    """Threads wait for others that never reach the barrier."""


class Kernel:
    """A kernel that the machine can launch, parsed from PTX."""

    def __init__(self, ptx: str):
        self.program = parse(ptx)
        self.steps: list[tuple[CodeType | None, Block]] = [
            (compile("\n".join(block.statements), "<ptx>", "exec") if block.statements else None, block)
            for block in self.program.blocks
        ]
        self.addresses: dict[str, int] = {}  # of its global variables
        #: Number of times that a thread ran each block of statements.
        self.visits = np.zeros(len(self.steps), np.int64)


class Machine:
    """A GPU: its memory, and launches of kernels."""

    def __init__(self, n_bytes: int = 1 << 26):
        self.memory = Memory(n_bytes)
        self.barriers, self.launches = 1, 0  # barriers: an upper bound of those passed in all launches

    def launch(self, kernel: Kernel, blocks: int, threads: int, shared_bytes: int, values: list[Any]) -> None:
        """Run `kernel` to its end with the parameters `values`."""
        for name in kernel.program.variables.keys() - kernel.addresses.keys():
            size = kernel.program.variables[name]
            kernel.addresses[name] = self.memory.allocate(size)
            self.memory.part(kernel.addresses[name], size)[:] = 0
        top = self.memory.top
        run = _Run(self, kernel, blocks, threads, shared_bytes, values)
        try:
            with np.errstate(all="ignore"):
                run.to_the_end()
        except Exception:
            kernel.addresses.clear()  # its counters have unknown values now
            raise
        finally:
            self.launches += 1
            self.barriers = int(run.barrier.max()) + 1
            self.memory.free(BASE + top, self.memory.top - top)
            self.memory.top = top


class _Run:
    """State of one launch; arrays have one element for each thread of the grid."""

    def __init__(self, machine: Machine, kernel: Kernel, blocks: int, threads: int, shared_bytes: int, values: list):
        program, n = kernel.program, blocks * threads
        if len(values) != len(program.parameters):
            raise TypeError(f"{len(values)} values for {len(program.parameters)} parameters")
        self.kernel, self.memory, self.threads = kernel, machine.memory, threads
        self.thread = np.arange(n)
        self.block = self.thread // threads
        self.shared_bytes, self.pitch = shared_bytes, -(-shared_bytes // 256) * 256 + 256
        self.order = range(blocks) if machine.launches % 2 else reversed(range(blocks))
        self.shared = self.memory.allocate(blocks * self.pitch)
        self.memory.part(self.shared, blocks * self.pitch)[:] = NOT_A_NUMBER
        for b in range(blocks):  # a gap that no thread may touch, between the shared memory of two blocks
            self.memory.free(self.shared + b * self.pitch + shared_bytes, self.pitch - shared_bytes)
        self.local = {name: self.memory.allocate(size * n) for name, size in program.local.items()}
        self.at = np.zeros(n, np.int64)
        self.waits, self.polls = np.zeros(n, bool), np.zeros(n, bool)
        self.barrier = np.full(n, machine.barriers)
        # seen[b, c]: block b can rely on what block c did before this number of barriers; updated at b's next barrier.
        self.seen = np.full((blocks, blocks), machine.barriers)
        self.learned = self.seen.copy()
        self.released: dict[int, np.ndarray] = {}  # address of a counter: `seen` after an acquire
        self.values = values
        self.names: dict[str, Any] = {name: np.zeros(n, dtype) for name, dtype in program.registers.items()}
        self.names |= {name: getattr(arithmetic, name) for name in dir(arithmetic) if name[0] != "_"}
        self.names |= {
            "tid": (self.thread % threads).astype(np.uint32), "ctaid": self.block.astype(np.uint32),
            "ntid": np.full(n, threads, np.uint32), "nctaid": np.full(n, blocks, np.uint32),
            "shared_bytes": np.full(n, shared_bytes, np.uint32),
            "address_of": self.address_of, "arrive": self.arrive, "load": self.load, "store": self.store,
            "parameter": self.parameter,
        }  # fmt: skip

    def to_the_end(self) -> None:
        """Run each block as far as possible without the others, repeatedly, until all have ended."""
        order, before = list(self.order), None
        while (self.at < len(self.kernel.steps)).any():
            now = self.at.tobytes() + self.barrier.tobytes()
            if now == before:
                raise DeadlockError(f"{(self.waits | self.polls).sum()} threads wait for others that do not come")
            before = now
            for block in order:
                self.one_block(np.flatnonzero(self.block == block), self.block == block)

    def one_block(self, own: np.ndarray, of_block: np.ndarray) -> None:
        """Run a block until each of its threads has ended or polls a counter of other blocks."""
        self.polls[own] = False
        for _ in range(PATIENCE):
            ready = of_block & ~self.waits & ~self.polls & (self.at < len(self.kernel.steps))
            if ready.any():
                here = int(self.at[ready].min())
                self.one(here, ready & (self.at == here))
            elif self.waits[own].all():
                self.release(own)
            else:
                return
        raise DeadlockError("a block goes on and on, and waits for nobody")

    def one(self, here: int, on: np.ndarray) -> None:
        """Run one block of statements for the threads `on`, then its jump, barrier or end."""
        code, block = self.kernel.steps[here]
        self.kernel.visits[here] += np.count_nonzero(on)
        self.names["on"] = on
        if code:
            exec(code, self.names)
        self.at[on] = here + 1
        if block.end == "jump":
            taken = on & eval(block.condition, self.names) if block.condition else on
            self.at[taken] = block.target
        elif block.end == "end":
            self.at[on] = len(self.kernel.steps)
        elif block.end == "wait":
            self.waits[on] = True

    def release(self, own: np.ndarray) -> None:
        """End a barrier at which all threads of a block wait."""
        if len(np.unique(self.at[own])) > 1:
            raise DeadlockError(f"threads of block {self.block[own[0]]} wait for each other at different barriers")
        self.waits[own] = False
        self.barrier[own] += 1
        self.seen[self.block[own[0]]] = self.learned[self.block[own[0]]]

    # ---------------------------------------------------------------- what statements call
    def parameter(self, number: int, dtype: str, offset: int) -> np.ndarray:
        """A parameter of the size that is read, or half of a whole number, from the byte `offset` on."""
        value, wanted = np.asarray(self.values[number]), np.dtype(dtype)
        if value.dtype.kind in "iu" and wanted.kind in "iu" and value.dtype.itemsize == 2 * wanted.itemsize:
            return value[None].view(dtype)[offset // wanted.itemsize]
        if value.dtype.itemsize != wanted.itemsize or offset:
            raise TypeError(f"parameter {number} is {value.dtype}, and the kernel reads {dtype} at byte {offset}")
        return value.view(dtype)

    def address_of(self, name: str) -> Any:
        """Address of a variable; shared memory begins at 0."""
        if name in self.local:
            return (self.local[name] + self.thread * self.kernel.program.local[name]).astype(np.uint64)
        return np.uint64(self.kernel.addresses.get(name, 0))

    def arrive(self, target, address, value, on) -> None:
        """Release: add to a counter, thread by thread; its address keeps what these threads did and have seen."""
        these = np.flatnonzero(on)
        number = np.broadcast_to(value, on.shape)
        for thread in these:
            where, b = int(address[thread]), self.block[thread]
            counter = self.memory.counter(where)
            target[thread] = counter[0]
            counter[0] += number[thread]
            known = self.seen[b].copy()
            known[b] = self.barrier[thread]
            self.released[where] = np.maximum(self.released.get(where, known), known)

    def _who(self, on: np.ndarray, address: np.ndarray, shared: bool) -> tuple[np.ndarray, np.ndarray, Who]:
        these = np.flatnonzero(on)
        own = np.broadcast_to(address, on.shape)[these]
        if shared:
            if (own >= self.shared_bytes).any():
                raise MemoryFaultError(f"shared memory has {self.shared_bytes} bytes, and {own.max()} is beyond them")
            own = own + (self.shared + self.block[these] * self.pitch).astype(np.uint64)
        who = Who(these, self.block[these], self.barrier[these], self.seen, self.threads)
        return these, own, who

    def load(self, targets, address, dtype, count, on, shared, acquire) -> None:
        """Load `count` elements from `address` on into `targets`; `acquire` reads a counter that was released."""
        these, own, who = self._who(on, address, shared)
        if len(these) == 0:
            return
        if acquire:
            for thread, where in zip(these, own.tolist(), strict=True):
                b = self.block[thread]
                self.learned[b] = np.maximum(self.learned[b], self.released.get(where, self.learned[b]))
                targets[0][thread] = self.memory.counter(where)[0]
            self.polls[these] = True
            return
        for target, value in zip(targets, self.memory.load(own, np.dtype(dtype), count, who), strict=True):
            target[these] = value

    def store(self, address, values, dtype, on, shared) -> None:
        """Store `values` from `address` on."""
        these, own, who = self._who(on, address, shared)
        if len(these):
            given = [np.broadcast_to(value, on.shape)[these] for value in values]
            self.memory.store(own, given, np.dtype(dtype), who)
