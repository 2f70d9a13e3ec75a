namespace Dino.Tests.Cuda.Emulator;

internal sealed unsafe partial class EmulatedMachine
{
    private const int MaxThreads = 1024;
    private const int MaxRegisters = 255, RegistersOfMultiprocessor = 65536;
    private const uint MaxGridYz = 65535;

    /// <summary>The launch that is being made; reused, because launches allocate nothing.</summary>
    public EmulatedLaunch Launch => _launch;

    /// <summary>Checks what a device would refuse; an error of the driver, or 0.</summary>
    public static int Check(EmulatedFunction function, (uint X, uint Y, uint Z) grid, (uint X, uint Y, uint Z) threads, uint sharedBytes, void** extra, out byte* parameters)
    {
        parameters = null;
        KernelProgram program = function.Program;
        if (grid.X == 0 || grid.Y == 0 || grid.Z == 0 || grid.X > int.MaxValue || grid.Y > MaxGridYz || grid.Z > MaxGridYz)
            return EmulatedDriver.Fail(EmulatedErrors.InvalidValue, $"{program.Name}: grid {grid}");
        long count = (long)threads.X * threads.Y * threads.Z;
        if (count is 0 or > MaxThreads || threads.Z > 64)
            return EmulatedDriver.Fail(EmulatedErrors.InvalidValue, $"{program.Name}: block {threads}");
        if (count > program.MaxThreads)
            return EmulatedDriver.Fail(EmulatedErrors.LaunchOutOfResources, $"{program.Name}: {count} threads, and it was compiled for {program.MaxThreads}");
        if (program.MaxThreads is null && count * MaxRegisters > RegistersOfMultiprocessor)
            return EmulatedDriver.Fail(EmulatedErrors.LaunchOutOfResources, $"{program.Name}: {count} threads, and without launch bounds each may be given {MaxRegisters} registers");
        if (sharedBytes > function.MaxDynamicSharedBytes)
            return EmulatedDriver.Fail(EmulatedErrors.InvalidValue, $"{program.Name}: {sharedBytes} bytes of dynamic shared memory, {function.MaxDynamicSharedBytes} are allowed by its attribute");
        if (extra == null)
            return EmulatedDriver.Fail(EmulatedErrors.InvalidValue, $"{program.Name}: no block of parameters");
        nuint size = 0;
        for (nint* option = (nint*)extra; *option != 0; option += 2)
        {
            switch (*option)
            {
                case 1:
                    parameters = (byte*)option[1];
                    break;
                case 2:
                    size = *(nuint*)option[1];
                    break;
                default:
                    return EmulatedDriver.Fail(EmulatedErrors.InvalidValue, $"launch option {*option}");
            }
        }

        return parameters != null && size == (nuint)program.ParameterBytes ? 0
            : EmulatedDriver.Fail(EmulatedErrors.InvalidValue, $"{program.Name} has {program.ParameterBytes} bytes of parameters, not {size}");
    }

    /// <summary>Runs all blocks of a launch, in an order that nobody should rely on; an error of the driver, or 0.</summary>
    public int Run(EmulatedLaunch launch)
    {
        if (Fault is not null)
            return EmulatedDriver.Fail(EmulatedErrors.IllegalAddress, Fault);
        Launches++;
        Kernels.Add(launch.Function.Program.Name);
        Block block = _block ??= new Block(this);
        try
        {
            block.Prepare(launch);
            (uint x, uint y, uint z) = launch.Grid;
            long count = (long)x * y * z, step = count > 1 ? Random.NextInt64(1, count) : 1, at = Random.NextInt64(count);
            while (CommonDivisor(step, count) != 1)
                step++;
            for (long n = 0; n < count; n++)
            {
                block.Run(((uint)(at % x), (uint)(at / x % y), (uint)(at / x / y)));
                at = (at + step) % count;
            }

            return 0;
        }
        catch (KernelFault fault)
        {
            Fault = Explain(launch, block, fault);
            return EmulatedDriver.Fail(EmulatedErrors.IllegalAddress, Fault);
        }
    }

    private static long CommonDivisor(long a, long b) => b == 0 ? a : CommonDivisor(b, a % b);

    private static string Explain(EmulatedLaunch launch, Block block, KernelFault fault)
    {
        string place = "";
        if (block.Running is { } warp)
        {
            string thread = fault.Lane >= 0 ? $"thread {block.Thread((warp.Index * Warp.Lanes) + fault.Lane)}" : $"warp {warp.Index}";
            place = $", block {block.Position}, {thread}, {warp.Current}";
        }

        return $"kernel {launch.Function.Program.Name}{place}: {fault.Message}";
    }
}
