using Dino.Tensors.Backends;
using Dino.Tensors.Cpu;

namespace Dino.Tests.Tensors;

/// <summary>The vector widths of the CPU backend. Those that the machine lacks run in software.</summary>
public enum Width
{
    Vec512,
    Vec256,
    Vec128,
}

internal static class Widths
{
    public static TheoryData<Width> All => new(Enum.GetValues<Width>());

    /// <summary>The primitives of one width; the pool goes with the process.</summary>
    public static Backend Create(Width width, int threads = 1) => width switch
    {
        Width.Vec512 => new CpuPrimitives<Vec512>(new WorkerPool(threads)),
        Width.Vec256 => new CpuPrimitives<Vec256>(new WorkerPool(threads)),
        _ => new CpuPrimitives<Vec128>(new WorkerPool(threads)),
    };

    /// <summary>Each width with each value of an enumeration.</summary>
    public static TheoryData<Width, T> With<T>() where T : struct, Enum
    {
        TheoryData<Width, T> data = [];
        foreach (Width width in Enum.GetValues<Width>())
        {
            foreach (T value in Enum.GetValues<T>())
                data.Add(width, value);
        }

        return data;
    }
}
