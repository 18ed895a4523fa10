"""Counter-based random numbers: the same key and counters give the same number on every thread, tile and machine.

The mixer is the 32-bit finaliser of MurmurHash3 (Appleby, public domain) in 64-bit words that never overflow. It draws
dropout masks and the steps of teacher forcing; it is not cryptographic.
"""

import numpy as np

MASK = np.uint64(0xFFFFFFFF)
SHIFT_A, SHIFT_B = np.uint64(16), np.uint64(13)
WORDS = np.float32(2**32)
FACTOR_A, FACTOR_B, WEYL = np.uint64(0x85EBCA6B), np.uint64(0xC2B2AE35), np.uint64(0x9E3779B9)


def mix(word):
    """Scramble a 32-bit word (held in 64 bits): each input bit flips each output bit about half of the time."""
    word = ((word ^ (word >> SHIFT_A)) * FACTOR_A) & MASK
    word = ((word ^ (word >> SHIFT_B)) * FACTOR_B) & MASK
    return word ^ (word >> SHIFT_A)


def fold(key, counter):
    """A new key from a key and one counter, both unsigned 64-bit with 32 bits in use."""
    return mix((key & MASK) ^ mix((WEYL * (counter & MASK) + WEYL) & MASK))  # + WEYL: mix(0) is 0


def share_of_words(share):
    """The number below which a fraction `share` (0 to 1) of all 32-bit words lies."""
    return np.uint64(share * WORDS)
