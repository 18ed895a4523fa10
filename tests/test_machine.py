"""The PTX interpreter `tests.machine`: results of instructions, and the faults that it has to find."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from .machine.arithmetic import convert, divided, fused, high, inserted, remainder, shl, shr
from .machine.machine import DeadlockError, Kernel, Machine
from .machine.memory import MemoryFaultError, RaceError

HEAD = """
.version 8.0
.target sm_90
.global .align 128 .b8 counters[128];
.visible .entry kernel(
	.param .u64 kernel_param_0
)
.maxntid 64, 1, 1
{
	.reg .pred 	%p<5>;
	.reg .f32 	%f<5>;
	.reg .b32 	%r<9>;
	.reg .b64 	%rd<9>;
	ld.param.u64 	%rd1, [kernel_param_0];
	cvta.to.global.u64 	%rd2, %rd1;
	mov.u32 	%r1, %tid.x;
	mov.u32 	%r2, %ctaid.x;
	mov.u32 	%r3, %ntid.x;
	mul.wide.u32 	%rd3, %r1, 4;
	add.s64 	%rd4, %rd2, %rd3;
"""
#: Each thread writes its number to shared memory and reads the number of the thread before it.
NEIGHBOURS = """
	mov.u64 	%rd5, shared_memory;
	add.s64 	%rd5, %rd5, %rd3;
	st.shared.u32 	[%rd5], %r1;
	{barrier}
	setp.eq.s32 	%p1, %r1, 0;
	@%p1 bra 	$L__BB0_1;
	ld.shared.u32 	%r4, [%rd5+-4];
	st.global.u32 	[%rd4], %r4;
$L__BB0_1:
	ret;
"""
#: A barrier of all blocks by the last bit of a counter, as in the kernels (`tsrnn.kernels.cuda.team`).
MEETING = """
	bar.sync 	0;
	setp.ne.s32 	%p3, %r1, 0;
	@%p3 bra 	$L__BB0_9;
	mov.u64 	%rd7, counters;
	setp.eq.s32 	%p2, %r2, 0;
	selp.b32 	%r6, 2147483647, 1, %p2;
	// begin inline asm
	atom.release.gpu.global.add.u32 %r7, [%rd7], %r6;
	// end inline asm
$L__BB0_8:
	ld.acquire.gpu.global.u32 %r8, [%rd7];
	xor.b32 	%r8, %r8, %r7;
	setp.gt.s32 	%p4, %r8, -1;
	@%p4 bra 	$L__BB0_8;
$L__BB0_9:
	{barrier}
"""


def launch(body, *, blocks=1, threads=8, shared=32, dtype=np.uint32, after=""):
    """The output array of a kernel with this body, one element for each thread of a block."""
    machine = Machine(1 << 16)
    address = machine.memory.allocate(threads * np.dtype(dtype).itemsize)
    machine.launch(Kernel(HEAD + body + "\n}\n" + after), blocks, threads, shared, [np.uint64(address)])
    return machine.memory.part(address, threads * np.dtype(dtype).itemsize).view(dtype).copy()


# ---------------------------------------------------------------- what it computes
def test_branches_of_threads():
    found = launch("""
	and.b32 	%r4, %r1, 1;
	setp.eq.s32 	%p1, %r4, 0;
	mov.u32 	%r5, 100;
	@%p1 bra 	$L__BB0_2;
$L__BB0_1:
	add.s32 	%r5, %r5, 1;
	setp.lt.s32 	%p2, %r5, 103;
	@%p2 bra 	$L__BB0_1;
$L__BB0_2:
	add.s32 	%r5, %r5, %r1;
	st.global.u32 	[%rd4], %r5;
	ret;""")
    assert_array_equal(found, np.where(np.arange(8) % 2 == 0, 100, 103) + np.arange(8))


def test_a_guarded_instruction():
    found = launch("""
	setp.gt.u32 	%p1, %r1, 3;
	mov.u32 	%r5, 7;
	@!%p1 mov.u32 	%r5, 9;
	st.global.u32 	[%rd4], %r5;
	ret;""")
    assert_array_equal(found, [9] * 4 + [7] * 4)


def test_vectors_of_four():
    found = launch(
        """
	mov.u64 	%rd5, shared_memory;
	add.s64 	%rd6, %rd5, %rd3;
	cvt.rn.f32.u32 	%f1, %r1;
	st.shared.f32 	[%rd6], %f1;
	bar.sync 	0;
	ld.shared.v4.f32 	{%f1, %f2, %f3, %f4}, [%rd5+16];
	fma.rn.f32 	%f1, %f2, %f3, 0f3F000000;
	st.global.f32 	[%rd4], %f1;
	ret;""",
        dtype=np.float32,
    )
    assert_array_equal(found, np.full(8, 5 * 6 + 0.5, np.float32))


def test_a_register_that_is_wider_than_what_is_loaded():
    found = launch("""
	sub.s32 	%r5, %r1, 2;
	st.global.u32 	[%rd4], %r5;
	ld.global.s32 	%rd5, [%rd4];
	ld.global.u32 	%rd6, [%rd4];
	sub.s64 	%rd7, %rd6, %rd5;
	shr.u64 	%rd7, %rd7, 32;
	add.s64 	%rd7, %rd7, 8589934592;
	st.global.u32 	[%rd4], %rd7;
	ret;""")
    assert_array_equal(found, [1, 1, 0, 0, 0, 0, 0, 0])


def test_half_of_a_parameter():
    text = """
	ld.param.u32 	%rd5, [kernel_param_0{half}];
	shr.u64 	%rd6, %rd1, {shift};
	and.b64 	%rd6, %rd6, 4294967295;
	sub.s64 	%rd7, %rd5, %rd6;
	st.global.u32 	[%rd4], %rd7;
	ret;"""
    assert_array_equal(launch(text.format(half="", shift=0)), np.zeros(8))
    assert_array_equal(launch(text.format(half="+4", shift=32)), np.zeros(8))


def test_an_instruction_that_it_does_not_know():
    with pytest.raises(NotImplementedError, match=r"mad\.hi\.u32"):
        launch("mad.hi.u32 \t%r4, %r1, %r2, %r3;\n\tret;")


#: Doubles its parameter, through local memory.
DOUBLE = """
.weak .func  (.param .b32 func_retval0) twice(
	.param .b32 twice_param_0
)
{
	.local .align 8 .b8 	__local_depot1[8];
	.reg .b64 	%SP;
	.reg .b64 	%SPL;
	.reg .pred 	%p<2>;
	.reg .b32 	%r<4>;
	.reg .b64 	%rd<2>;
	mov.u64 	%SPL, __local_depot1;
	ld.param.u32 	%r1, [twice_param_0];
	add.u64 	%rd1, %SPL, 0;
	st.local.u32 	[%rd1], %r1;
	setp.eq.s32 	%p1, %r1, 3;
	@%p1 bra 	$L__BB1_1;
	ld.local.u32 	%r2, [%rd1];
	add.s32 	%r3, %r1, %r2;
	st.param.b32 	[func_retval0+0], %r3;
	ret;
$L__BB1_1:
	st.param.b32 	[func_retval0+0], 33;
	ret;
}
"""
CALL = """
	{ // callseq 0, 0
	.reg .b32 temp_param_reg;
	.param .b32 param0;
	st.param.b32 	[param0+0], %r5;
	.param .b32 retval0;
	call.uni (retval0),
	twice,
	(
	param0
	);
	ld.param.b32 	%r5, [retval0+0];
	} // callseq 0
"""


def test_functions_that_are_not_inlined():
    text = "mov.u32 \t%r5, %r1;" + CALL + CALL + "add.s32 \t%r5, %r5, %r1;\n\tst.global.u32 \t[%rd4], %r5;\n\tret;"
    expected = [twice_of_twice + n for n, twice_of_twice in enumerate((0, 4, 8, 66, 16, 20, 24, 28))]
    assert_array_equal(launch(text, after=DOUBLE), expected)


def test_arithmetic_with_special_values():
    n = np.array([7, -7, 7, -7])
    d = np.array([2, 2, -2, -2])
    assert_array_equal(divided(n, d), [3, -3, -3, 3])
    assert_array_equal(remainder(n, d), [1, -1, 1, -1])
    assert_array_equal(shr(np.array([-8, 8]), np.uint32(70)), [-1, 0])
    assert_array_equal(shl(np.array([1, 3], np.uint32), np.array([31, 32], np.uint32)), [2**31, 0])
    assert_array_equal(convert(np.array([-1.5, 2.9, np.nan, 1e30]), "uint64", {"rzi"}), [0, 2, 2**63, 2**64 - 1])
    assert_array_equal(convert(np.array([-3e9, 2.5, np.nan], "f4"), "int32", {"rpi"}), [-(2**31), 3, 0])
    assert_array_equal(convert(np.array([2.5, -2.5]), "float64", {"rmi"}), [2, -3])
    with pytest.raises(NotImplementedError):
        convert(np.array([2**32 - 1], np.uint32), "float32", {"rz"})
    assert_array_equal(convert(np.array([-1.5, 2.5, np.nan]), "float32", {"sat"}), [0, 1, 0])
    whole = np.array([0xFF, 0x0], np.uint64)
    assert_array_equal(inserted(whole[::-1], whole, np.uint32(2), np.uint32(62)), [3, 0xFF << 2])
    assert_array_equal(high(np.array([-1, 2**62]), np.int64(8)), [-1, 2])
    near = np.float32([1 + 2.0**-12])  # whose square is in the middle between two numbers
    assert_array_equal(fused(near, near, np.float32([2.0**-80])), np.float32([1 + 2.0**-11 + 2.0**-23]))
    tiny, one = np.float32([2.0**-20]), np.float32([1])
    assert_array_equal(fused(-tiny, tiny, one, "rm"), np.nextafter(one, np.float32(0)))
    assert_array_equal(fused(tiny, tiny, one, "rz"), one)


# ---------------------------------------------------------------- what it notices
def test_reading_after_a_barrier():
    assert_array_equal(launch(NEIGHBOURS.replace("{barrier}", "bar.sync 0;")), [0, 0, 1, 2, 3, 4, 5, 6])


def test_reading_without_a_barrier():
    with pytest.raises(RaceError, match="read by thread 1 what 0 wrote"):
        launch(NEIGHBOURS.replace("{barrier}", ""))


def test_two_writers_of_one_word():
    with pytest.raises(RaceError, match="written by thread 0 and by 7"):
        launch("st.global.u32 \t[%rd2], %r1;\n\tret;")


def test_a_write_after_others_have_read():
    text = """
	ld.global.u32 	%r4, [%rd2];
	{barrier}
	setp.ne.s32 	%p1, %r1, 5;
	@%p1 bra 	$L__BB0_1;
	st.global.u32 	[%rd2], %r1;
$L__BB0_1:
	ret;"""
    assert launch(text.replace("{barrier}", "bar.sync 0;"))[0] == 5
    with pytest.raises(RaceError, match="written by thread 5, read by several"):
        launch(text.replace("{barrier}", ""))


#: Block 0 writes, all blocks wait at two barriers, and all read.
BLOCKS = """
	setp.ne.s32 	%p1, %r2, 0;
	@%p1 bra 	$L__BB0_1;
	st.global.u32 	[%rd4], %r1;
$L__BB0_1:
	{barrier}
	ld.global.u32 	%r5, [%rd4];
	ret;"""


def test_a_barrier_of_all_blocks():
    meeting = MEETING.replace("{barrier}", "bar.sync \t0;")
    twice = meeting + meeting.replace("BB0_8", "BB0_10").replace("BB0_9", "BB0_11")
    assert_array_equal(launch(BLOCKS.replace("{barrier}", twice), blocks=2), np.arange(8))


ONE_LOOK = MEETING.replace("{barrier}", "bar.sync \t0;").replace("@%p4 bra \t$L__BB0_8;", "")


@pytest.mark.parametrize("barrier", ["bar.sync \t0;", MEETING.replace("{barrier}", ""), ONE_LOOK])
def test_a_broken_barrier_of_all_blocks(barrier):
    with pytest.raises(RaceError, match="by thread"):
        launch(BLOCKS.replace("{barrier}", barrier), blocks=2)


def test_a_block_that_does_not_reach_the_barrier():
    text = (
        "setp.eq.s32 \t%p1, %r2, 1;\n\t@%p1 bra \t$L__BB0_1;\n"
        + MEETING.replace("{barrier}", "")
        + "$L__BB0_1:\n\tret;"
    )
    with pytest.raises(DeadlockError, match="do not come"):
        launch(text, blocks=2)


@pytest.mark.parametrize("address", ["[%rd4+4]", "[%rd2+-4]", "[%rd3]"])
def test_access_outside_an_allocation(address):
    with pytest.raises(MemoryFaultError):
        launch(f"ld.global.u32 \t%r4, {address};\n\tret;")


def test_access_outside_shared_memory():
    with pytest.raises(MemoryFaultError, match="has 28 bytes"):
        launch(NEIGHBOURS.replace("{barrier}", "bar.sync 0;"), shared=28)
    with pytest.raises(MemoryFaultError, match="has 32 bytes"):
        launch("st.shared.u32 \t[%rd3+512], %r1;\n\tret;", blocks=2)


def test_unaligned_addresses():
    with pytest.raises(MemoryFaultError, match="not aligned"):
        launch("ld.global.v4.f32 \t{%f1, %f2, %f3, %f4}, [%rd2+8];\n\tret;")


def test_a_barrier_that_some_threads_do_not_reach():
    with pytest.raises(NotImplementedError, match=r"bar\.sync"):
        launch("bar.sync \t1, 4;\n\tret;")
    with pytest.raises(DeadlockError, match="wait"):
        launch("setp.eq.s32 \t%p1, %r1, 0;\n\t@%p1 bra \t$L__BB0_1;\n\tbar.sync \t0;\n$L__BB0_1:\n\tret;")


def test_barriers_at_two_places():
    with pytest.raises(DeadlockError, match="different barriers"):
        launch(
            "setp.eq.s32 \t%p1, %r1, 0;\n\t@%p1 bra \t$L__BB0_1;\n\tbar.sync \t0;\n\tret;\n"
            "$L__BB0_1:\n\tbar.sync \t0;\n\tret;"
        )


def test_what_an_earlier_launch_did_is_known():
    machine, kernel = (
        Machine(1 << 16),
        Kernel(HEAD + "ld.global.u32 \t%r4, [%rd4];\n\tst.global.u32 \t[%rd4], %r4;\n\tret;\n}"),
    )
    reads = Kernel(HEAD + "ld.global.u32 \t%r4, [%rd2];\n\tret;\n}")
    address = [np.uint64(machine.memory.allocate(32))]
    machine.launch(reads, 3, 8, 0, address)
    machine.launch(kernel, 1, 8, 0, address)
    machine.launch(reads, 3, 8, 0, address)
