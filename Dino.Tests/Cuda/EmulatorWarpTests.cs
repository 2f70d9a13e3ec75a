using Dino.Tests.Cuda.Emulator;

namespace Dino.Tests.Cuda;

/// <summary>What threads do together: parting and meeting, exchanging values, waiting, and multiplying matrices.</summary>
public sealed class EmulatorWarpTests
{
    [Fact]
    public void Threads_that_part_meet_again()
    {
        // Thread t counts down from t in a loop, odd ones by twos; then all exchange with their neighbours, which takes the whole warp.
        uint[] found = PtxBench.Run(
            """
            mov.u32 %r1, %t;
            mov.u32 %r2, 0;
            and.b32 %r3, %t, 1;
            setp.eq.s32 %p1, %r3, 1;
            $loop:
            setp.eq.s32 %p2, %r1, 0;
            @%p2 bra $done;
            add.s32 %r2, %r2, 1;
            @%p1 bra $odd;
            sub.s32 %r1, %r1, 1;
            bra.uni $loop;
            $odd:
            sub.s32 %r1, %r1, 2;
            max.s32 %r1, %r1, 0;
            bra.uni $loop;
            $done:
            shfl.sync.bfly.b32 %r4, %r2, 1, 31, -1;
            st.global.u32 [%yt], %r4;
            """,
            [], 32);
        Assert.Equal(Enumerable.Range(0, 32).Select(t => (uint)(((t ^ 1) & 1) == 0 ? t ^ 1 : ((t ^ 1) + 1) / 2)), found);
    }

    [Fact]
    public void Threads_may_leave_early_and_blocks_may_end_within_a_warp()
    {
        uint[] found = PtxBench.Run("setp.lt.u32 %p1, %t, 7; @%p1 ret; st.global.u32 [%yt], %t;", [], 64, threads: 37);
        Assert.Equal(Enumerable.Range(0, 64).Select(t => t is >= 7 and < 37 ? (uint)t : uint.MaxValue), found);
    }

    [Theory]
    [InlineData("shfl.sync.up.b32 %r2|%p1, %t, 3, 0, -1;", 3, -3, 0)]
    [InlineData("shfl.sync.down.b32 %r2|%p1, %t, 3, 31, -1;", 3, 3, 0)]
    [InlineData("shfl.sync.bfly.b32 %r2|%p1, %t, 5, 31, -1;", 0, 0, 5)]
    // Segments of 8: the bits above stay.
    [InlineData("shfl.sync.bfly.b32 %r2|%p1, %t, 4, 6175, -1;", 0, 0, 4)]
    public void Shuffles(string instruction, int distance, int shift, int flip)
    {
        uint[] found = PtxBench.Run($"{instruction} selp.u32 %r3, 100, 0, %p1; add.s32 %r4, %r2, %r3; st.global.u32 [%yt], %r4;", [], 32);
        Assert.Equal(Enumerable.Range(0, 32).Select(t => (uint)(distance != 0 && t + shift is < 0 or > 31 ? t : ((t + shift) ^ flip) + 100)), found);
    }

    [Fact]
    public void A_value_is_broadcast_within_segments()
    {
        uint[] found = PtxBench.Run("shfl.sync.idx.b32 %r1, %t, 2, 6175, -1; st.global.u32 [%yt], %r1;", [], 32);
        Assert.Equal(Enumerable.Range(0, 32).Select(t => (uint)((t & ~7) + 2)), found);
    }

    [Fact]
    public void Half_a_warp_votes_by_itself()
    {
        uint[] found = PtxBench.Run(
            """
            setp.lt.u32 %p1, %t, 16;
            and.b32 %r1, %t, 1;
            setp.eq.s32 %p2, %r1, 1;
            @%p1 bra $low;
            vote.sync.ballot.b32 %r2, %p2, -65536;
            bra.uni $end;
            $low:
            vote.sync.ballot.b32 %r2, !%p2, 65535;
            $end:
            st.global.u32 [%yt], %r2;
            """,
            [], 32);
        Assert.Equal(Enumerable.Range(0, 32).Select(t => t < 16 ? 0x5555u : 0xAAAA0000), found);
    }

    [Fact]
    public void Warps_are_reduced_and_matched()
    {
        uint[] found = PtxBench.Run(
            """
            and.b32 %r1, %t, 3;
            match.any.sync.b32 %r2, %r1, -1;
            redux.sync.add.s32 %r3, %t, -1;
            add.s32 %r4, %r2, %r3;
            st.global.u32 [%yt], %r4;
            """,
            [], 32);
        Assert.Equal(Enumerable.Range(0, 32).Select(t => (0x11111111u << (t & 3)) + 496), found);
    }

    [Fact]
    public void A_block_reverses_its_values_through_shared_memory()
    {
        for (int seed = 0; seed < 5; seed++)
        {
            uint[] found = PtxBench.Run(
                """
                .shared .align 4 .b8 buffer[512];
                mov.u64 %d1, buffer;
                add.s64 %d2, %d1, %bytes;
                st.shared.u32 [%d2], %t;
                bar.sync 0;
                sub.s64 %d3, %d1, %bytes;
                ld.shared.u32 %r1, [%d3+508];
                st.global.u32 [%yt], %r1;
                """,
                [], 128, threads: 128, seed: seed);
            Assert.Equal(Enumerable.Range(0, 128).Select(t => (uint)(127 - t)), found);
        }
    }

    [Fact]
    public void A_barrier_reduces_a_predicate_over_the_block()
    {
        uint[] found = PtxBench.Run(
            """
            setp.eq.s32 %p1, %t, 70;
            bar.red.or.pred %p2, 0, %p1;
            bar.red.and.pred %p3, 0, !%p1;
            bar.red.popc.u32 %r1, 0, !%p1;
            selp.u32 %r2, 1000, 0, %p2;
            selp.u32 %r3, 10000, 0, %p3;
            add.s32 %r4, %r1, %r2;
            add.s32 %r5, %r4, %r3;
            st.global.u32 [%yt], %r5;
            """,
            [], 96, threads: 96);
        Assert.All(found, value => Assert.Equal(1095u, value));
    }

    [Fact]
    public void Atomics_count_every_thread_once()
    {
        uint[] found = PtxBench.Run(
            """
            .shared .align 4 .b8 counter[4];
            mov.u32 %r6, 0;
            setp.eq.s32 %p1, %t, 0;
            @%p1 st.shared.u32 [counter], %r6;
            @%p1 st.global.u32 [%y], %r6;
            bar.sync 0;
            atom.shared.add.u32 %r1, [counter], 1;
            red.global.max.u32 [%y], %r1;
            bar.sync 0;
            ld.shared.u32 %r2, [counter];
            @%p1 st.global.u32 [%y+4], %r2;
            """,
            [], 2, threads: 256);
        Assert.Equal([255, 256], found);
    }

    [Fact]
    public void Copies_into_shared_memory_arrive_at_the_wait()
    {
        uint[] x = [.. Enumerable.Range(0, 128).Select(n => (uint)n * 3)];
        uint[] found = PtxBench.Run(
            """
            .shared .align 16 .b8 buffer[512];
            mov.u64 %d1, buffer;
            mul.wide.u32 %d2, %t, 16;
            add.s64 %d3, %d1, %d2;
            add.s64 %d4, %x, %d2;
            cvt.u32.u64 %r1, %d3;
            cp.async.cg.shared.global [%r1], [%d4], 16, 8;
            cp.async.commit_group;
            cp.async.wait_group 0;
            bar.sync 0;
            sub.s64 %d5, %d1, %d2;
            ld.shared.v4.u32 {%r2, %r3, %r4, %r5}, [%d5+496];
            add.s64 %d6, %y, %d2;
            st.global.v4.u32 [%d6], {%r2, %r3, %r4, %r5};
            """,
            x, 128);
        Assert.Equal(Enumerable.Range(0, 128).Select(n => n % 4 >= 2 ? 0u : x[(((31 - (n / 4)) * 4) + (n % 4))]), found);
    }

    [Fact]
    public void Variables_of_a_module_have_their_values()
    {
        const string Variables = ".visible .const .align 4 .b8 table[8] = {1, 0, 0, 0, 2, 1, 0, 0}; .global .align 4 .u32 numbers[3] = {7, 8}; .extern .shared .align 16 .b8 dynamic[];";
        using PtxBench bench = new(
            """
            .shared .align 4 .b8 own[4];
            ld.const.u32 %r1, [table+4];
            mov.u64 %d1, numbers;
            ld.global.u32 %r2, [%d1+4];
            ld.global.u32 %r3, [numbers+8];
            st.global.v4.u32 [%y], {%r1, %r2, %r3, %r3};
            mov.u64 %d2, dynamic;
            st.shared.u32 [%d2+60], %r1;
            mov.u64 %d3, own;
            sub.s64 %d4, %d2, %d3;
            st.global.u64 [%y+8], %d4;
            """,
            Variables);
        bench.Launch(threads: 1, sharedBytes: 64);
        // What a launch adds lies behind what the kernel declares, where its alignment allows.
        Assert.Equal([258, 8, 16, 0], bench.Read(4));
        Assert.StartsWith("test failed: CUDA_ERROR_ILLEGAL_ADDRESS", Assert.Throws<Dino.Cuda.CudaException>(() => bench.Launch(threads: 1, sharedBytes: 60)).Message, StringComparison.Ordinal);
    }
}
