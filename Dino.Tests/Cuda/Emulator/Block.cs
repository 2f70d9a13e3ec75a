using System.Numerics;

namespace Dino.Tests.Cuda.Emulator;

/// <summary>The threads that share memory and wait for each other at barriers.</summary>
internal sealed unsafe class Block : IDisposable
{
    /// <summary>Turns of the warps after which a block will never end.</summary>
    private const int MostPauses = 3_000;

    private readonly List<Warp> _warps = [];
    private int[] _order = [];
    private bool[] _waits = [];

    public Block(EmulatedMachine machine) => (Machine, Global) = (machine, new GlobalAccess(machine.Memory));

    public EmulatedMachine Machine { get; }

    public KernelProgram Program { get; private set; } = null!;

    public SharedMemory Shared { get; } = new();

    public GlobalAccess Global { get; }

    /// <summary>The parameters of the launch.</summary>
    public byte* Parameters { get; private set; }

    public (uint X, uint Y, uint Z) Grid { get; private set; }

    public (uint X, uint Y, uint Z) Threads { get; private set; }

    public (uint X, uint Y, uint Z) Position { get; private set; }

    /// <summary>The warp that runs.</summary>
    public Warp? Running { get; private set; }

    public (bool Any, bool All, int Count) BarrierOutcome { get; set; }

    private int WarpCount { get; set; }

    /// <summary>Position of a thread in the block.</summary>
    public (uint X, uint Y, uint Z) Thread(int index) =>
        ((uint)index % Threads.X, (uint)index / Threads.X % Threads.Y, (uint)index / (Threads.X * Threads.Y));

    /// <summary>Prepares for the blocks of a launch.</summary>
    public void Prepare(EmulatedLaunch launch)
    {
        Program = launch.Function.Program;
        (Grid, Threads) = (launch.Grid, launch.Threads);
        Parameters = launch.Parameters;
        int threads = (int)(Threads.X * Threads.Y * Threads.Z);
        WarpCount = (threads + Warp.Lanes - 1) / Warp.Lanes;
        while (_warps.Count < WarpCount)
            _warps.Add(new Warp(this, _warps.Count));
        if (_order.Length < WarpCount)
            (_order, _waits) = (new int[WarpCount], new bool[WarpCount]);
        Shared.Prepare(Program.StaticSharedBytes, launch.SharedBytes, Program.HasAsynchronousCopies);
        Global.BeginLaunch(Program.Code.Length);
        for (int n = 0; n < WarpCount; n++)
        {
            Warp warp = _warps[n];
            int left = threads - (n * Warp.Lanes);
            warp.Prepare(Program, left >= Warp.Lanes ? uint.MaxValue : (1u << left) - 1);
            foreach (ConstantRegister constant in Program.Constants)
                Lane.Broadcast(warp.Registers + constant.Place, constant.Bits, constant.Variable is { } variable ? (ulong)launch.Function.Module.Address(variable) : constant.Value);
            foreach (SpecialRegister special in Program.Specials)
                SpecialValues.Fill(special.Name, warp, this, (uint*)(warp.Registers + special.Place));
        }
    }

    /// <summary>Runs one block of the grid to its end.</summary>
    public void Run((uint X, uint Y, uint Z) position)
    {
        Position = position;
        Shared.Poison();
        Global.BeginBlock();
        for (int n = 0; n < WarpCount; n++)
        {
            Warp warp = _warps[n];
            foreach (SpecialRegister special in Program.Specials)
            {
                if (SpecialValues.IsPosition(special.Name))
                    Lane.Broadcast(warp.Registers + special.Place, 32, special.Name[^1] switch { 'x' => position.X, 'y' => position.Y, _ => position.Z });
            }

            warp.Start();
            _waits[n] = false;
            _order[n] = n;
        }

        int running = WarpCount, pauses = 0;
        while (running > 0)
        {
            Machine.Random.Shuffle(_order.AsSpan(0, WarpCount));
            for (int n = 0; n < WarpCount; n++)
            {
                int index = _order[n];
                if (_waits[index] || _warps[index].Live == 0)
                    continue;
                Running = _warps[index];
                WarpStop stop = Running.Run();
                if (stop == WarpStop.Exited)
                    running--;
                if (stop == WarpStop.Paused && ++pauses > MostPauses)
                    throw new KernelFault(-1, "it does not end");
                _waits[index] = stop == WarpStop.AtBarrier;
            }

            PassBarriers(running);
        }

        Running = null;
        Shared.Finish();
    }

    /// <summary>Lets warps go on where all that a barrier takes have arrived.</summary>
    private void PassBarriers(int running)
    {
        int waiting = _waits.AsSpan(0, WarpCount).Count(true);
        if (waiting == 0)
            return;
        bool hasPassed = false;
        for (int n = 0; n < WarpCount; n++)
        {
            if (_waits[n] && TryPass(_warps[n], waiting, running))
                hasPassed = true;
        }

        if (!hasPassed && waiting == running)
        {
            Running = FirstWaiting();
            throw new KernelFault(-1, $"the block waits for ever: {Places()}");
        }
    }

    private Warp FirstWaiting() => _warps.Take(WarpCount).Where((_, n) => _waits[n]).First();

    private string Places() => string.Join("; ", _warps.Take(WarpCount).Select((warp, n) => $"warp {n} {(_waits[n] ? $"at {warp.Current}" : warp.Live == 0 ? "has exited" : "runs")}"));

    private bool TryPass(Warp first, int waiting, int running)
    {
        int threads = 0, votes = 0;
        for (int n = 0; n < WarpCount; n++)
        {
            if (!_waits[n] || _warps[n].BarrierName != first.BarrierName)
                continue;
            threads += BitOperations.PopCount(_warps[n].Live);
            votes += BitOperations.PopCount(_warps[n].Live & _warps[n].BarrierVotes);
        }

        int needed = first.BarrierThreads > 0 ? first.BarrierThreads : (int)(Threads.X * Threads.Y * Threads.Z);
        if (threads < needed)
        {
            if (waiting < running)
                return false;
            Running = first;
            throw new KernelFault(-1, $"{threads} of {needed} threads come to the barrier: {Places()}");
        }

        for (int n = 0; n < WarpCount; n++)
        {
            if (!_waits[n] || _warps[n].BarrierName != first.BarrierName)
                continue;
            if (_warps[n].Current != first.Current)
            {
                Running = _warps[n];
                throw new KernelFault(-1, $"the warps of the block are at different barriers: {Places()}");
            }
        }

        Shared.PassBarrier();
        Global.PassBarrier();
        for (int n = 0; n < WarpCount; n++)
        {
            Warp warp = _warps[n];
            if (!_waits[n] || warp.BarrierName != first.BarrierName || (warp != first && warp.Current != first.Current))
                continue;
            warp.Receive(votes > 0, votes == threads, votes);
            warp.Release();
            _waits[n] = false;
        }

        return true;
    }

    public void Dispose()
    {
        foreach (Warp warp in _warps)
            warp.Dispose();
        Shared.Dispose();
    }
}
