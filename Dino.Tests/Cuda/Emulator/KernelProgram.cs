namespace Dino.Tests.Cuda.Emulator;

/// <summary>A special register, and where a warp keeps it.</summary>
internal readonly record struct SpecialRegister(string Name, int Place);

/// <summary>A constant, and where a warp keeps it; the address of a variable of the module is known when that is loaded.</summary>
internal readonly record struct ConstantRegister(int Place, int Bits, ulong Value, PtxVariable? Variable);

/// <summary>A kernel, decoded.</summary>
internal sealed class KernelProgram
{
    public required string Name { get; init; }

    public required Instruction[] Code { get; init; }

    public required ConstantRegister[] Constants { get; init; }

    public required SpecialRegister[] Specials { get; init; }

    /// <summary>Bytes of the register file of a warp.</summary>
    public required int RegisterBytes { get; init; }

    /// <summary>Registers of a thread, in words.</summary>
    public required int Registers { get; init; }

    public required int ParameterBytes { get; init; }

    /// <summary>Bytes of shared memory besides those that a launch adds.</summary>
    public required int StaticSharedBytes { get; init; }

    public required int? MaxThreads { get; init; }

    public required bool HasAsynchronousCopies { get; init; }
}
