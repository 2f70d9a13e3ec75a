using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Dino.Tests.Cuda.Emulator;

/// <summary>An operation on the lanes of vectors.</summary>
internal interface IVector1<T>
{
    static abstract Vector256<T> Of(Vector256<T> a);
}

/// <inheritdoc cref="IVector1{T}"/>
internal interface IVector2<T>
{
    static abstract Vector256<T> Of(Vector256<T> a, Vector256<T> b);
}

/// <inheritdoc cref="IVector1{T}"/>
internal interface IVector3<T>
{
    static abstract Vector256<T> Of(Vector256<T> a, Vector256<T> b, Vector256<T> c);
}

/// <summary>An operation on one lane.</summary>
internal interface IScalar1<TA, TD>
{
    static abstract TD Of(TA a);
}

/// <inheritdoc cref="IScalar1{TA, TD}"/>
internal interface IScalar2<TA, TB, TD>
{
    static abstract TD Of(TA a, TB b);
}

/// <inheritdoc cref="IScalar1{TA, TD}"/>
internal interface IScalar3<TA, TB, TC, TD>
{
    static abstract TD Of(TA a, TB b, TC c);
}

/// <summary>
/// Runs operations over the lanes of a warp. Vectors compute all lanes and keep those that execute: no operation of theirs can fail. Optimised when first
/// compiled, because a kernel of a test may run only once.
/// </summary>
internal static unsafe class Lane
{
    /// <summary>Writes one value for all lanes.</summary>
    public static void Broadcast(byte* place, int bits, ulong value)
    {
        if (bits == 64)
            new Span<ulong>(place, Warp.Lanes).Fill(value);
        else
            new Span<uint>(place, Warp.Lanes).Fill((uint)value);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Vector<T, TOp>(Warp warp, Instruction i)
        where T : unmanaged
        where TOp : struct, IVector1<T>
    {
        byte* r = warp.Registers;
        T* d = (T*)(r + i.D), a = (T*)(r + i.A);
        uint mask = warp.Mask;
        for (int n = 0; n < Warp.Lanes; n += Vector256<T>.Count)
            Store(TOp.Of(Vector256.Load(a + n)), d + n, mask, n);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Vector2<T, TOp>(Warp warp, Instruction i)
        where T : unmanaged
        where TOp : struct, IVector2<T>
    {
        byte* r = warp.Registers;
        T* d = (T*)(r + i.D), a = (T*)(r + i.A), b = (T*)(r + i.B);
        uint mask = warp.Mask;
        for (int n = 0; n < Warp.Lanes; n += Vector256<T>.Count)
            Store(TOp.Of(Vector256.Load(a + n), Vector256.Load(b + n)), d + n, mask, n);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Vector3<T, TOp>(Warp warp, Instruction i)
        where T : unmanaged
        where TOp : struct, IVector3<T>
    {
        byte* r = warp.Registers;
        T* d = (T*)(r + i.D), a = (T*)(r + i.A), b = (T*)(r + i.B), c = (T*)(r + i.C);
        uint mask = warp.Mask;
        for (int n = 0; n < Warp.Lanes; n += Vector256<T>.Count)
            Store(TOp.Of(Vector256.Load(a + n), Vector256.Load(b + n), Vector256.Load(c + n)), d + n, mask, n);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Map<TA, TD, TOp>(Warp warp, Instruction i)
        where TA : unmanaged
        where TD : unmanaged
        where TOp : struct, IScalar1<TA, TD>
    {
        byte* r = warp.Registers;
        TD* d = (TD*)(r + i.D);
        TA* a = (TA*)(r + i.A);
        uint mask = warp.Mask;
        if (mask == uint.MaxValue)
        {
            for (int lane = 0; lane < Warp.Lanes; lane++)
                d[lane] = TOp.Of(a[lane]);
            return;
        }

        for (; mask != 0; mask &= mask - 1)
        {
            int lane = BitOperations.TrailingZeroCount(mask);
            d[lane] = TOp.Of(a[lane]);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Map2<TA, TB, TD, TOp>(Warp warp, Instruction i)
        where TA : unmanaged
        where TB : unmanaged
        where TD : unmanaged
        where TOp : struct, IScalar2<TA, TB, TD>
    {
        byte* r = warp.Registers;
        TD* d = (TD*)(r + i.D);
        TA* a = (TA*)(r + i.A);
        TB* b = (TB*)(r + i.B);
        uint mask = warp.Mask;
        if (mask == uint.MaxValue)
        {
            for (int lane = 0; lane < Warp.Lanes; lane++)
                d[lane] = TOp.Of(a[lane], b[lane]);
            return;
        }

        for (; mask != 0; mask &= mask - 1)
        {
            int lane = BitOperations.TrailingZeroCount(mask);
            d[lane] = TOp.Of(a[lane], b[lane]);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Map3<TA, TB, TC, TD, TOp>(Warp warp, Instruction i)
        where TA : unmanaged
        where TB : unmanaged
        where TC : unmanaged
        where TD : unmanaged
        where TOp : struct, IScalar3<TA, TB, TC, TD>
    {
        byte* r = warp.Registers;
        TD* d = (TD*)(r + i.D);
        TA* a = (TA*)(r + i.A);
        TB* b = (TB*)(r + i.B);
        TC* c = (TC*)(r + i.C);
        for (uint mask = warp.Mask; mask != 0; mask &= mask - 1)
        {
            int lane = BitOperations.TrailingZeroCount(mask);
            d[lane] = TOp.Of(a[lane], b[lane], c[lane]);
        }
    }

    /// <summary>A comparison, by itself or joined with a predicate: the result, and in the second predicate its opposite.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Compare<T, TOp, TJoin>(Warp warp, Instruction i)
        where T : unmanaged
        where TOp : struct, IVector2<T>
        where TJoin : struct, IScalar2<uint, uint, uint>
    {
        byte* r = warp.Registers;
        T* a = (T*)(r + i.A), b = (T*)(r + i.B);
        uint holds = 0;
        for (int n = 0; n < Warp.Lanes; n += Vector256<T>.Count)
            holds |= TOp.Of(Vector256.Load(a + n), Vector256.Load(b + n)).ExtractMostSignificantBits() << n;
        uint mask = warp.Mask, other = *(uint*)(r + i.P) ^ i.PFlip;
        uint* d = (uint*)(r + i.D), q = (uint*)(r + i.Q);
        uint first = TJoin.Of(holds, other), second = TJoin.Of(~holds, other);
        *d = (*d & ~mask) | (first & mask);
        *q = (*q & ~mask) | (second & mask);
    }

    /// <summary>a where the predicate holds, else b.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Choose<T>(Warp warp, Instruction i)
        where T : unmanaged
    {
        byte* r = warp.Registers;
        T* d = (T*)(r + i.D), a = (T*)(r + i.A), b = (T*)(r + i.B);
        uint mask = warp.Mask, holds = *(uint*)(r + i.P) ^ i.PFlip;
        for (int n = 0; n < Warp.Lanes; n += Vector256<T>.Count)
            Store(Vector256.ConditionalSelect(Select<T>(holds, n), Vector256.Load(a + n), Vector256.Load(b + n)), d + n, mask, n);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store<T>(Vector256<T> value, T* target, uint mask, int first)
        where T : unmanaged
    {
        if (mask == uint.MaxValue)
            value.Store(target);
        else
            Vector256.ConditionalSelect(Select<T>(mask, first), value, Vector256.Load(target)).Store(target);
    }

    /// <summary>All ones in the lanes whose bit is set.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<T> Select<T>(uint mask, int first)
        where T : unmanaged
    {
        if (sizeof(T) == 8)
        {
            Vector256<ulong> bit = Vector256.Create(1UL, 2, 4, 8);
            return Vector256.Equals(Vector256.Create((ulong)(mask >> first)) & bit, bit).As<ulong, T>();
        }

        Vector256<uint> bits = Vector256.Create(1u, 2, 4, 8, 16, 32, 64, 128);
        return Vector256.Equals(Vector256.Create(mask >> first) & bits, bits).As<uint, T>();
    }
}
