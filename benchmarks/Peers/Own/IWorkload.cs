namespace Dino.Benchmarks.Peers.Own;

/// <summary>Work of ours that the runner times against the same work of others.</summary>
internal interface IWorkload : IDisposable
{
    /// <summary>One repetition.</summary>
    void Run();

    /// <summary>Numbers of the last repetition's result, in the order in which every contender of the row reports them.</summary>
    double[] Check();
}
