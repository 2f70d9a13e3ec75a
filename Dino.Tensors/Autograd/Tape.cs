namespace Dino.Tensors.Autograd;

/// <summary>The recorded operations of a scope, in order, and the pools their nodes are rented from.</summary>
internal sealed class Tape
{
    private Function[] _nodes = new Function[64];
    private Pool?[] _pools = new Pool?[16];

    public int Count { get; private set; }

    public T Push<T>()
        where T : Function, new()
    {
        int type = NodeType<T>.Index;
        if (type >= _pools.Length)
            Array.Resize(ref _pools, Math.Max(type + 1, _pools.Length * 2));
        Pool pool = _pools[type] ??= new Pool();
        T node = (T)(pool.Rent() ?? pool.Add(new T { Pool = type }));
        if (Count == _nodes.Length)
            Array.Resize(ref _nodes, _nodes.Length * 2);
        _nodes[Count++] = node;
        return node;
    }

    /// <summary>Forgets the nodes recorded since there were <paramref name="count"/>: the last ones rented are the first to go back to their pools.</summary>
    public void Truncate(int count)
    {
        while (Count > count)
            _pools[_nodes[--Count].Pool]!.TakeBack();
    }

    /// <summary>Runs the tape backwards from a loss times a weight and forgets it, down to node <paramref name="first"/>: what lies below belongs to an outer frame.</summary>
    public void Run(Scope scope, Tensor loss, float weight, int first)
    {
        try
        {
            BackwardPass seed = new(scope, loss);
            Backends.Destination start = seed.Gradient(loss);
            scope.Backend.Fill(start.View, weight);
            for (int i = Count - 1; i >= first; i--)
                Run(scope, _nodes[i]);
        }
        finally
        {
            // After an exception too: scratch that stayed listed would be handed out twice by the next scope in this arena.
            scope.ReleaseScratch();
            for (int i = first; i < Count; i++)
                _nodes[i].Output.Root.Record.IsForgotten = true;
            Truncate(first);
        }
    }

    private static void Run(Scope scope, Function node)
    {
        Tensor output = node.Output;
        if (!output.HasGradient)
        {
            scope.ReleaseRestored(output);
            return;
        }

        node.Run(new BackwardPass(scope, output));
        scope.ReleaseScratch();
        scope.ReleaseRestored(output);
        ref TensorRecord record = ref output.Record;
        if (record.RetainsGradient || record.Gradient == 0)
            return;
        scope.Recycle(record.Gradient, record.Room);
        (record.Gradient, record.HasGradient) = (0, false);
    }

    /// <summary>Gives each node type a small number; nodes of a type are interchangeable once forgotten.</summary>
    private static class NodeType
    {
        private static int _count;

        public static int Next() => Interlocked.Increment(ref _count) - 1;
    }

    private static class NodeType<T>
    {
        public static readonly int Index = NodeType.Next();
    }

    private sealed class Pool
    {
        private readonly List<Function> _nodes = [];
        private int _rented;

        public Function? Rent() => _rented < _nodes.Count ? _nodes[_rented++] : null;

        public Function Add(Function node)
        {
            _nodes.Add(node);
            _rented++;
            return node;
        }

        public void TakeBack() => _rented--;
    }
}
