using Dino.Cuda;
using Dino.Cuda.Native;
using Dino.Tests.Cuda.Emulator;

namespace Dino.Tests.Cuda;

/// <summary>Everything that hardware lets pass, or punishes without a word, has to be noticed and named.</summary>
public sealed class EmulatorCheckTests
{
    private const string Shared = ".shared .align 4 .b8 buffer[512]; mov.u64 %d1, buffer; add.s64 %d2, %d1, %bytes; ";

    [Theory]
    [InlineData("add.s32.wide %r1, %t, %t;", "there is no instruction 'add.s32.wide'")]
    [InlineData("ld.global.nc.L9::hint.f32 %f1, [%x];", "there is no instruction 'ld.global.nc.L9::hint.f32'")]
    [InlineData("add.rz.f32 %f1, %f2, %f3;", "there is no instruction 'add.rz.f32'")]
    [InlineData("cvt.f32.s32 %f1, %r1;", "there is no instruction 'cvt.f32.s32'")]
    [InlineData("add.f32 %f1, %d1, %f2;", "operand 2")]
    [InlineData("add.s32 %f1, %r1, %r2;", "operand 1")]
    [InlineData("add.s64 %d1, %d2, %r1;", "operand 3")]
    [InlineData("add.f32 %f1, %f2, 1;", "operand 3")]
    [InlineData("add.s16 %h1, %h2, 70000;", "operand 3")]
    [InlineData("setp.lt.s32 %r1, %r2, %r3;", "operand 1")]
    [InlineData("selp.u32 %r1, %r2, %r3, %r4;", "operand 4")]
    [InlineData("ld.global.u32 %r1, [%r2];", "operand 2")]
    [InlineData("ld.global.v4.f32 {%f1, %f2}, [%x];", "operand 1")]
    [InlineData("ld.global.v4.u64 {%d1, %d2, %d3, %d4}, [%x];", "there is no instruction 'ld.global.v4.u64'")]
    [InlineData("cp.async.cg.shared.global [%d1], [%x], 8;", "operand 3")]
    [InlineData("add.s32 %r1, %r2, %r3;", "reads %r2, which nothing writes")]
    [InlineData("add.s32 %q1, %t, %t;", "operand 1")]
    [InlineData("bra $nowhere;", "operand 1")]
    [InlineData("add.s32 %r1, %t;", "2 operands")]
    [InlineData(".local .align 4 .b8 depot[8];", "'.local' is not known here")]
    [InlineData("@%t add.s32 %r1, %t, %t;", "guard %t is not a predicate")]
    [InlineData("mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16 {%f1,%f2,%f3,%f4}, {%r1,%r2,%r3,%r4}, {%r5,%r6}, {%f1,%f2,%f3,%f4};", "there is no instruction")]
    public void What_is_not_PTX_is_refused_by_line(string body, string reason) =>
        Assert.Matches($"line \\d+: .*{System.Text.RegularExpressions.Regex.Escape(reason)}", PtxBench.Refusal(body));

    [Fact]
    public void Registers_of_bits_take_any_type_of_their_size() => new PtxBench("ld.global.f32 %r1, [%x]; add.f32 %r2, %r1, %r1; add.s32 %r3, %r2, 1;").Dispose();

    [Fact]
    public void What_lies_outside_of_all_memory_is_not_read()
    {
        string message = PtxBench.Fault("ld.global.u32 %r1, [%yt+16384]; st.global.u32 [%yt], %r1;");
        Assert.Contains("CUDA_ERROR_ILLEGAL_ADDRESS", message, StringComparison.Ordinal);
        Assert.Contains("kernel test, block (0, 0, 0), thread (0, 0, 0), line 23: ld.global.u32 %r1", message, StringComparison.Ordinal);
        Assert.Contains("at byte 16384 of an allocation of 16384", message, StringComparison.Ordinal);
    }

    [Fact]
    public void Only_the_thread_that_goes_too_far_is_named()
    {
        string message = PtxBench.Fault("st.global.u32 [%yt+16264], %t;");
        Assert.Contains("thread (30, 0, 0)", message, StringComparison.Ordinal);
        Assert.DoesNotContain("thread (29", message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("ld.global.u32 %r1, [%xt-4];", "4 bytes before an allocation")]
    [InlineData("ld.global.v2.u32 {%r1, %r2}, [%xt];", "thread (1, 0, 0), line 23", "not aligned")]
    [InlineData("mov.u64 %d1, 0; ld.global.u32 %r1, [%d1];", "in no allocation")]
    [InlineData("mov.u32 %r1, 0; div.s32 %r2, %t, %r1;", "divided by zero")]
    [InlineData("trap;", "gives up")]
    [InlineData(Shared + "ld.shared.u32 %r1, [%d2+400];", "outside the 512 bytes")]
    [InlineData("mov.u64 %d1, test_param_0; ld.param.u64 %d2, [%d1+12];", "parameter byte 12")]
    [InlineData("$again: bra.uni $again;", "does not end")]
    public void Faults_are_named(string body, params string[] reasons)
    {
        string message = PtxBench.Fault(body);
        Assert.All(reasons, reason => Assert.Contains(reason, message, StringComparison.Ordinal));
    }

    [Theory]
    [InlineData(Shared + "st.shared.u32 [%d2], %t; sub.s64 %d3, %d1, %bytes; ld.shared.u32 %r1, [%d3+508];", "race")]
    [InlineData(Shared + "ld.shared.u32 %r1, [%d1]; setp.eq.s32 %p1, %t, 40; @%p1 st.shared.u32 [%d1], %t;", "race")]
    [InlineData(Shared + "st.shared.u32 [%d1], %t;", "race: writes what warp")]
    [InlineData(Shared + "atom.shared.add.u32 %r1, [%d1], 1; ld.shared.u32 %r2, [%d1];", "race")]
    // Bytes side by side are no race: only this kernel ends well.
    [InlineData(Shared + "cvt.u64.u32 %d3, %t; add.s64 %d4, %d1, %d3; st.shared.u8 [%d4], %t;", null)]
    public void Races_in_shared_memory_are_found_whatever_the_order(string body, string? reason)
    {
        for (int seed = 0; seed < 4; seed++)
        {
            if (reason is null)
                PtxBench.Run(body, [], 1, threads: 128, seed: seed);
            else
                Assert.Contains(reason, PtxBench.Fault(body, threads: 128, seed: seed), StringComparison.Ordinal);
        }
    }

    [Theory]
    [InlineData("st.global.u32 [%y], %t;", "race: writes what another block wrote at byte 0", 1)]
    [InlineData("ld.global.u32 %r1, [%y]; mov.u32 %r2, %ctaid.x; setp.eq.s32 %p1, %r2, 1; @%p1 st.global.u32 [%y], %r1;", "another block", 1)]
    [InlineData("mov.u32 %r2, %ctaid.x; mul.wide.u32 %d1, %r2, 4; add.s64 %d2, %y, %d1; st.global.u32 [%d2], %t;", "race: writes what warp", 64)]
    [InlineData("mov.u32 %r2, %ctaid.x; mul.wide.u32 %d1, %r2, 4; add.s64 %d2, %y, %d1; ld.global.u32 %r1, [%d2]; setp.eq.s32 %p1, %t, 40; @%p1 st.global.u32 [%d2], %t;", "race", 64)]
    [InlineData("mov.u32 %r2, %ctaid.x; mul.wide.u32 %d1, %r2, 4; add.s64 %d2, %y, %d1; setp.eq.s32 %p1, %t, 40; @%p1 st.global.u32 [%d2], %t; bar.sync 0; ld.global.u32 %r1, [%d2];", null, 64)]
    [InlineData("red.global.add.u32 [%y], 1;", null, 64)]
    [InlineData("cvt.u64.u32 %d1, %t; add.s64 %d2, %y, %d1; mov.u32 %r1, %ctaid.x; mad.wide.u32 %d3, %r1, 31, %d2; st.global.u8 [%d3], %t;", null, 31)]
    public void Races_in_device_memory_are_found_whatever_the_order(string body, string? reason, int threads)
    {
        for (int seed = 0; seed < 4; seed++)
        {
            using PtxBench bench = new(body, seed: seed);
            for (int n = 0; n < 2 && reason is null; n++)
                bench.Launch(threads, blocks: 3);
            if (reason is not null)
                Assert.Contains(reason, Assert.Throws<CudaException>(() => bench.Launch(threads, blocks: 3)).Message, StringComparison.Ordinal);
        }
    }

    [Theory]
    [InlineData("setp.lt.u32 %p1, %t, 32; @%p1 ret; bar.sync 0;", "of 128 threads come to the barrier")]
    [InlineData("setp.lt.u32 %p1, %t, 8; @%p1 ret; bar.sync 0;", "of 128 threads come to the barrier")]
    [InlineData("setp.lt.u32 %p1, %t, 64; @%p1 bra $low; bar.sync 0; bra.uni $end; $low: bar.sync 0; $end:", "different barriers")]
    [InlineData("setp.lt.u32 %p1, %t, 8; @%p1 bra $low; bar.sync 0; bra.uni $end; $low: bar.sync 0; $end:", "waits for ever")]
    [InlineData("setp.lt.u32 %p1, %t, 8; @%p1 ret; shfl.sync.bfly.b32 %r1, %t, 1, 31, -1;", "lanes that have exited")]
    [InlineData("setp.lt.u32 %p1, %t, 8; @%p1 bra $low; shfl.sync.bfly.b32 %r1, %t, 1, 31, -1; bra.uni $end; $low: bar.sync 0; $end:", "waits for ever")]
    [InlineData("shfl.sync.idx.b32 %r1, %t, 0, 31, 255;", "does not name the lane itself")]
    public void Threads_that_wait_in_vain_are_found(string body, string reason) =>
        Assert.Contains(reason, PtxBench.Fault(body, threads: 128), StringComparison.Ordinal);

    [Fact]
    public void Nothing_is_found_where_nothing_was_written()
    {
        Assert.Equal([0xFFFFFFFF], PtxBench.Run(Shared + "ld.shared.u32 %r1, [%d2]; st.global.u32 [%y], %r1;", [], 1, threads: 1));
        using PtxBench bench = new("st.global.u32 [%x], %t;");
        Assert.All(bench.Read(PtxBench.Words), word => Assert.Equal(0xFFFFFFFF, word));
    }

    [Theory]
    [InlineData("ld.shared.u32 %r1, [%d2]; cp.async.wait_all;", "under way")]
    [InlineData("cp.async.commit_group; cp.async.wait_group 1; ld.shared.u32 %r1, [%d2];", "under way")]
    [InlineData("cp.async.wait_group 0; ld.shared.u32 %r1, [%d2];", "under way")]
    [InlineData("cp.async.wait_all; sub.s64 %d3, %d1, %bytes; ld.shared.u32 %r1, [%d3+508];", "race")]
    public void Copies_that_are_not_waited_for_are_found(string rest, string reason) =>
        Assert.Contains(reason, PtxBench.Fault(Shared + "cp.async.ca.shared.global [%d2], [%xt], 4;" + rest, threads: 128), StringComparison.Ordinal);

    [Fact]
    public void Memory_that_was_freed_is_not_touched()
    {
        using PtxBench bench = new("ld.global.u32 %r1, [%xt];");
        bench.Launch();
        unsafe
        {
            bench.Check(bench.Driver.cuMemFree(bench.X));
        }

        Assert.Contains("at byte 0 of 16384 bytes that were freed", Assert.Throws<CudaException>(() => bench.Launch()).Message, StringComparison.Ordinal);
        // The context is lost from then on.
        Assert.Contains("that were freed", Assert.Throws<CudaException>(() => bench.Read(1)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public unsafe void Launches_that_do_not_fit_are_refused()
    {
        using PtxBench bench = new("st.global.u32 [%yt], %t;", directives: ".maxntid 64, 1, 1");
        Assert.Contains("CUDA_ERROR_LAUNCH_OUT_OF_RESOURCES", Refused(() => bench.Launch(threads: 65)), StringComparison.Ordinal);
        Assert.Contains("block", Refused(() => bench.Launch(threads: 2048)), StringComparison.Ordinal);
        Assert.Contains("grid", Refused(() => bench.Launch(blocks: 0)), StringComparison.Ordinal);
        Assert.Contains("dynamic shared memory, 49152 are allowed", Refused(() => bench.Launch(sharedBytes: 49156)), StringComparison.Ordinal);
        bench.Check(bench.Driver.cuFuncSetAttribute(bench.Function, FunctionAttribute.MaxDynamicSharedSizeBytes, 49156));
        bench.Launch(sharedBytes: 49156);
        Assert.NotEqual(CudaResult.Success, bench.Driver.cuFuncSetAttribute(bench.Function, FunctionAttribute.MaxDynamicSharedSizeBytes, (163 << 10) + 1));
        nuint size = 24;
        nint* extra = stackalloc nint[] { LaunchOption.BufferPointer, (nint)(&size), LaunchOption.BufferSize, (nint)(&size), LaunchOption.End };
        nint* address = extra;
        Assert.Contains("16 bytes of parameters, not 24", Refused(() => bench.Check(bench.Driver.cuLaunchKernel(bench.Function, 1, 1, 1, 1, 1, 1, 0, bench.Stream, null, (void**)address))), StringComparison.Ordinal);
    }

    [Fact]
    public unsafe void What_is_not_given_back_is_listed()
    {
        PtxBench bench = new("st.global.u32 [%yt], %t;");
        nint stream, address;
        bench.Check(bench.Driver.cuStreamCreate(&stream, 0));
        bench.Check(bench.Driver.cuMemAlloc(&address, 40));
        bench.Dispose();
        Assert.Equal(["one EmulatedStream", "40 bytes in 1 allocations"], bench.Machine.Leftovers);
    }

    private static string Refused(Action call) => Assert.Throws<CudaException>(call).Message;
}
