"""Memory of the machine, with the last writer and the last readers of each word, to find races."""

from __future__ import annotations

from typing import Any

import numpy as np

#: Address of the first byte, as the threads use it.
BASE = 1 << 40
NOBODY, SEVERAL = -1, -2
LINE, GAP = 256, 4096


class MemoryFaultError(Exception):
    """A read or write outside all allocations, or at an unaligned address."""


class RaceError(Exception):
    """Two threads accessed one word, at least one wrote it, and there was no barrier between."""


class Memory:
    """`n_bytes` bytes; allocations and accesses are recorded for words of 4 bytes."""

    def __init__(self, n_bytes: int):
        self.bytes = np.zeros(n_bytes, np.uint8)
        types = (np.int32, np.uint32, np.int64, np.uint64, np.float32, np.float64)
        self.typed = {np.dtype(t): self.bytes.view(t) for t in types}
        n_words = n_bytes // 4
        self.allocated = np.zeros(n_words, bool)
        self.top = LINE
        # For each word: the thread that wrote it last, and the number of barriers that its block had passed then.
        self.writer, self.written = np.full(n_words, NOBODY, np.int64), np.zeros(n_words, np.int64)
        self.readers: dict[int, tuple[np.ndarray, np.ndarray]] = {}  # by block: its last reader, and the same number

    def allocate(self, n_bytes: int) -> int:
        """Allocate `n_bytes` bytes with a gap after them and return their address."""
        at, self.top = self.top, self.top + -(-n_bytes // LINE) * LINE + GAP
        if self.top > self.bytes.size:
            raise MemoryError(f"the machine has {self.bytes.size} bytes")
        self.allocated[at // 4 : -(-(at + n_bytes) // 4)] = True
        return BASE + at

    def free(self, address: int, n_bytes: int) -> None:
        """Free bytes: access is an error from now on. They are not reused unless the caller resets `top`."""
        at = address - BASE
        self.allocated[at // 4 : -(-(at + n_bytes) // 4)] = False

    def part(self, address: int, n_bytes: int) -> np.ndarray:
        """A view of bytes for the host."""
        return self.bytes[address - BASE : address - BASE + n_bytes]

    # ---------------------------------------------------------------- access by threads
    def load(self, address: np.ndarray, dtype: np.dtype, count: int, who: Who) -> list[np.ndarray]:
        """`count` neighbouring elements for each thread."""
        first = self._first(address, dtype, count)
        for word in self._words(first, dtype, count):
            self._reads(word, who)
        return [self.typed[dtype][first + k] for k in range(count)]

    def store(self, address: np.ndarray, values: list[np.ndarray], dtype: np.dtype, who: Who) -> None:
        """Store neighbouring elements, `values`, for each thread."""
        first = self._first(address, dtype, len(values))
        for word in self._words(first, dtype, len(values)):
            self._writes(word, who)
        for k, value in enumerate(values):
            self.typed[dtype][first + k] = value

    def counter(self, address: int) -> np.ndarray:
        """A word for atomic additions, which are not checked for races."""
        if not self.allocated[(address - BASE) // 4]:
            raise MemoryFaultError(f"{address} was not allocated, or freed")
        return self.part(address, 4).view(np.uint32)

    def _first(self, address: np.ndarray, dtype: np.dtype, count: int) -> np.ndarray:
        at = (address - np.uint64(BASE)).astype(np.int64)
        if np.any(at % (dtype.itemsize * count)):
            raise MemoryFaultError(
                f"{count} x {dtype} at {address[at % (dtype.itemsize * count) != 0][:4]}: not aligned"
            )
        inside = (at >= 0) & (at + dtype.itemsize * count <= self.bytes.size)
        if not inside.all():
            raise MemoryFaultError(f"{address[~inside][:4]} is outside all memory")
        return at // dtype.itemsize

    def _words(self, first: np.ndarray, dtype: np.dtype, count: int) -> list[np.ndarray]:
        n = dtype.itemsize // 4
        words = [first * n + k for k in range(n * count)]
        for word in words:
            if not self.allocated[word].all():
                raise MemoryFaultError(f"{BASE + 4 * word[~self.allocated[word]][:4]} was not allocated, or freed")
        return words

    def _reads(self, word: np.ndarray, who: Who) -> None:
        self._written_by_others(word, who, "read by thread {} what {} wrote")
        for block in np.unique(who.block):
            own = who.block == block
            place, thread, barrier = word[own], who.thread[own], who.barrier[own]
            reader, read = self._readers(block)
            others = (read[place] == barrier) & (reader[place] != thread)
            reader[place] = thread
            others |= reader[place] != thread  # another thread reads it at the same time
            reader[place[others]] = SEVERAL
            read[place] = barrier

    def _writes(self, word: np.ndarray, who: Who) -> None:
        self._written_by_others(word, who, "written by thread {} and by {}")
        for block in range(len(who.seen)):
            reader, read = self._readers(block)
            recent = who.news(block, read[word]) & (reader[word] != who.thread)
            self._refuse(recent, word, who, "written by thread {}, read by {}", reader)
        self.writer[word] = who.thread
        self._refuse(self.writer[word] != who.thread, word, who, "written by thread {} and by {}", self.writer)
        self.written[word] = who.barrier

    def _readers(self, block: int) -> tuple[np.ndarray, np.ndarray]:
        if block not in self.readers:
            self.readers[block] = np.zeros(self.allocated.size, np.int64), np.zeros(self.allocated.size, np.int64)
        return self.readers[block]

    def _written_by_others(self, word: np.ndarray, who: Who, what: str) -> None:
        writer = self.writer[word]
        recent = who.news(writer // who.threads_of_block, self.written[word])
        self._refuse(recent & (writer != who.thread), word, who, what, self.writer)

    def _refuse(self, wrong: np.ndarray, word: np.ndarray, who: Who, what: str, other: np.ndarray) -> None:
        if wrong.any():
            k = int(np.flatnonzero(wrong)[0])
            others = "several" if other[word[k]] == SEVERAL else other[word[k]]
            raise RaceError(f"{BASE + 4 * word[k]} is {what.format(who.thread[k], others)}, with no barrier between")


class Who:
    """The threads of one access: numbers in the grid, blocks, and numbers of barriers passed.

    ``seen[b, c]``: block b can rely on what block c did before this number of barriers.
    """

    def __init__(self, thread, block, barrier, seen, threads_of_block):
        self.thread, self.block, self.barrier, self.seen = thread, block, barrier, seen
        self.threads_of_block = threads_of_block

    def news(self, block: Any, barrier: np.ndarray) -> np.ndarray:
        """Whether an access by `block` after `barrier` barriers (0: no access) is unordered to these threads."""
        known = self.seen[self.block, np.clip(block, 0, len(self.seen) - 1)]  # more blocks in earlier launches
        return np.where(block == self.block, barrier == self.barrier, barrier >= known)
