using Dino.Tensors;

namespace Dino.Tests.Golden;

/// <summary>Boolean tensors of golden cases.</summary>
internal static class FixtureMasks
{
    /// <summary>A mask of bytes, 0 or 1.</summary>
    public static Tensor Upload(Scope scope, FixtureCase golden, string name) =>
        scope.Upload<byte>([.. golden.Singles(name).Select(value => (byte)value)], new Shape(golden.Shape(name)));
}
