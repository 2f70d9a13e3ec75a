using System.Globalization;
using System.Numerics;
using System.Runtime.InteropServices;
using System.Text;

namespace Dino.Tensors.Formats;

/// <summary>
/// Carries out a pickle on values of this library. A pickle is a program for a stack machine whose only way to reach code are names; here names
/// outside of <see cref="PickleGlobal"/> end the reading, and those inside are data types and tensors. Every operation costs time and memory in
/// proportion to the bytes it reads or the values it moves, and those are counted against the limits.
/// </summary>
/// <param name="cursor">At the first byte of the pickle.</param>
/// <param name="limits">What it may cost.</param>
/// <param name="storages">Gives the storages that the pickle names; null where it may not name any.</param>
internal sealed partial class PickleMachine(PickleCursor cursor, TorchFileLimits limits, ITorchStorages? storages)
{
    private const int HighestProtocol = 5;
    private const int MaxIntegerBytes = 4096;
    private const int MaxNumberDigits = 4300;

    private static readonly object s_unset = new();
    private static readonly object s_true = true, s_false = false;

    private readonly List<object?> _stack = [];
    private readonly List<int> _marks = [];
    private readonly List<object?> _memo = [];
    private int _moved;
    private long _converted;

    /// <summary>Runs to the end of one pickle and returns its value, as <see cref="TorchFile.Root"/> describes values.</summary>
    /// <exception cref="TorchFileException">Damaged, beyond the limits, or in need of something that is not data.</exception>
    public object? Run()
    {
        cursor.BeginPickle();
        while (true)
        {
            PickleOpcode operation = cursor.ReadOperation();
            if (operation == PickleOpcode.Stop)
                break;
            if (cursor.Position - cursor.PickleStart > limits.MaxPickleBytes)
                throw cursor.Error($"the pickle is longer than {limits.MaxPickleBytes} bytes (TorchFileLimits.MaxPickleBytes)");
            Charge(1);
            Execute(operation);
        }

        object? value = Pop();
        return _stack.Count == 0 && _marks.Count == 0 ? value : throw cursor.Error($"{_stack.Count} values are left over at the end of the pickle");
    }

    private void Execute(PickleOpcode operation)
    {
        switch (operation)
        {
            case PickleOpcode.Protocol:
                if (cursor.ReadByte() is var protocol && protocol > HighestProtocol)
                    throw cursor.Error($"pickle protocol {protocol} is not known; 0 to {HighestProtocol} are");
                break;
            case PickleOpcode.Frame:
                // A frame only says how much may be read at once.
                if (cursor.ReadInt64() is var frame && (frame < 0 || frame > cursor.Remaining))
                    throw cursor.Error($"a frame of {frame} bytes reaches beyond the {cursor.Remaining} that are left");
                break;

            case PickleOpcode.Mark: _marks.Add(_stack.Count); break;
            case PickleOpcode.Pop:
                // As in CPython, a mark with nothing above it is what is popped.
                if (_marks.Count > 0 && _marks[^1] == _stack.Count)
                    PopMark();
                else
                    Pop();
                break;
            case PickleOpcode.PopMark: PopItems(); break;
            case PickleOpcode.Duplicate: Push(Top()); break;
            case PickleOpcode.Get: Push(Remembered(ReadIndex())); break;
            case PickleOpcode.BinGet: Push(Remembered(cursor.ReadByte())); break;
            case PickleOpcode.LongBinGet: Push(Remembered(cursor.ReadUInt32())); break;
            case PickleOpcode.Put: Remember(ReadIndex()); break;
            case PickleOpcode.BinPut: Remember(cursor.ReadByte()); break;
            case PickleOpcode.LongBinPut: Remember(cursor.ReadUInt32()); break;
            case PickleOpcode.Memoize: Remember(_memo.Count); break;

            case PickleOpcode.None: Push(null); break;
            case PickleOpcode.NewTrue: Push(s_true); break;
            case PickleOpcode.NewFalse: Push(s_false); break;
            case PickleOpcode.BinInt: Push((long)cursor.ReadInt32()); break;
            case PickleOpcode.BinInt1: Push((long)cursor.ReadByte()); break;
            case PickleOpcode.BinInt2: Push((long)cursor.ReadUInt16()); break;
            case PickleOpcode.Int: Push(ReadDecimal(allowBoolean: true)); break;
            case PickleOpcode.Long: Push(ReadDecimal(allowBoolean: false)); break;
            case PickleOpcode.Long1: Push(ReadInteger(cursor.ReadByte())); break;
            case PickleOpcode.Long4: Push(ReadInteger(cursor.ReadInt32())); break;
            case PickleOpcode.Float: Push(ReadFloat()); break;
            case PickleOpcode.BinFloat: Push(cursor.ReadDouble()); break;
            case PickleOpcode.String: Push(PickleText.Quoted(cursor)); break;
            case PickleOpcode.BinString: Push(OldString(cursor.ReadInt32())); break;
            case PickleOpcode.ShortBinString: Push(OldString(cursor.ReadByte())); break;
            case PickleOpcode.Unicode: Push(PickleText.Escaped(cursor)); break;
            case PickleOpcode.BinUnicode: Push(cursor.ReadText(cursor.ReadUInt32())); break;
            case PickleOpcode.ShortBinUnicode: Push(cursor.ReadText(cursor.ReadByte())); break;
            case PickleOpcode.BinUnicode8: Push(cursor.ReadText(cursor.ReadInt64())); break;
            case PickleOpcode.BinBytes: Push(cursor.ReadBytes(cursor.ReadUInt32())); break;
            case PickleOpcode.ShortBinBytes: Push(cursor.ReadBytes(cursor.ReadByte())); break;
            case PickleOpcode.BinBytes8 or PickleOpcode.ByteArray8: Push(cursor.ReadBytes(cursor.ReadInt64())); break;

            case PickleOpcode.EmptyDict: Push(new TorchDictionary()); break;
            case PickleOpcode.Dict: Push(SetAll(new TorchDictionary(), PopItems())); break;
            case PickleOpcode.SetItem:
                object? value = Pop(), key = Pop();
                Set(Top<TorchDictionary>("a dictionary"), key, value);
                break;
            case PickleOpcode.SetItems:
                List<object?> pairs = PopItems();
                SetAll(Top<TorchDictionary>("a dictionary"), pairs);
                break;
            case PickleOpcode.EmptyList: Push(new TorchSequence(TorchSequenceKind.List, [])); break;
            case PickleOpcode.List: Push(new TorchSequence(TorchSequenceKind.List, PopItems())); break;
            case PickleOpcode.EmptySet: Push(new TorchSequence(TorchSequenceKind.Set, [])); break;
            case PickleOpcode.FrozenSet: Push(new TorchSequence(TorchSequenceKind.Set, PopItems())); break;
            case PickleOpcode.Append: AddAll(TorchSequenceKind.List, [Pop()]); break;
            case PickleOpcode.Appends: AddAll(TorchSequenceKind.List, PopItems()); break;
            case PickleOpcode.AddItems: AddAll(TorchSequenceKind.Set, PopItems()); break;
            case PickleOpcode.EmptyTuple: Push(new TorchSequence(TorchSequenceKind.Tuple, [])); break;
            case PickleOpcode.Tuple: Push(new TorchSequence(TorchSequenceKind.Tuple, PopItems())); break;
            case PickleOpcode.Tuple1: PushTuple(1); break;
            case PickleOpcode.Tuple2: PushTuple(2); break;
            case PickleOpcode.Tuple3: PushTuple(3); break;

            case PickleOpcode.Global:
                string module = cursor.ReadLine(), name = cursor.ReadLine();
                Push(Resolve(module, name));
                break;
            case PickleOpcode.StackGlobal:
                object? stackName = Pop(), stackModule = Pop();
                Push(Resolve(stackModule as string ?? throw Unexpected("a module's name", stackModule), stackName as string ?? throw Unexpected("a name", stackName)));
                break;
            case PickleOpcode.Instance:
                PickleGlobal type = Resolve(cursor.ReadLine(), cursor.ReadLine());
                Push(Call(type, new TorchSequence(TorchSequenceKind.Tuple, PopItems())));
                break;
            case PickleOpcode.Object:
                List<object?> parts = PopItems();
                if (parts.Count == 0 || parts[0] is not PickleGlobal first)
                    throw Unexpected("a type", parts.Count == 0 ? null : parts[0]);
                Charge(parts.Count);
                Push(Call(first, new TorchSequence(TorchSequenceKind.Tuple, parts[1..])));
                break;
            case PickleOpcode.Reduce or PickleOpcode.NewObject:
                object? arguments = Pop(), callee = Pop();
                Push(Call(callee as PickleGlobal ?? throw Unexpected("a type or function", callee), AsTuple(arguments)));
                break;
            case PickleOpcode.NewObjectKeywords:
                object? keywords = Pop(), positional = Pop(), created = Pop();
                if (keywords is not TorchDictionary { Count: 0 })
                    throw cursor.Error("an object is made with keyword arguments, which no value here takes");
                Push(Call(created as PickleGlobal ?? throw Unexpected("a type", created), AsTuple(positional)));
                break;
            case PickleOpcode.Build:
                object? state = Pop();
                Build(Top(), state);
                break;
            case PickleOpcode.BinPersistentId:
                Push(LoadStorage(Pop()));
                break;

            case PickleOpcode.PersistentId:
                throw cursor.Error("a storage is named by text, as no version of PyTorch does");
            case PickleOpcode.Extension1 or PickleOpcode.Extension2 or PickleOpcode.Extension4:
                throw cursor.Error("the pickle uses the extension registry, whose entries are code; it is refused");
            case PickleOpcode.NextBuffer or PickleOpcode.ReadOnlyBuffer:
                throw cursor.Error("the pickle refers to buffers outside of it, which the file does not hold");
            default:
                throw cursor.Error($"0x{(byte)operation:x2} is not a pickle operation: the file is damaged, or is no pickle");
        }
    }

    private void Push(object? value) => _stack.Add(value);

    private object? Pop()
    {
        object? value = Top();
        _stack.RemoveAt(_stack.Count - 1);
        return value;
    }

    /// <summary>The topmost value above the last mark.</summary>
    private object? Top() => _stack.Count > (_marks.Count > 0 ? _marks[^1] : 0) ? _stack[^1] : throw cursor.Error("the stack is empty where a value is needed");

    private T Top<T>(string wanted) where T : class => Top() as T ?? throw Unexpected(wanted, Top());

    private int PopMark()
    {
        if (_marks.Count == 0)
            throw cursor.Error("a mark is missing on the stack");
        int mark = _marks[^1];
        _marks.RemoveAt(_marks.Count - 1);
        return mark;
    }

    /// <summary>Everything above the last mark, which goes too.</summary>
    private List<object?> PopItems()
    {
        int mark = PopMark();
        List<object?> items = _stack[mark..];
        _stack.RemoveRange(mark, items.Count);
        return items;
    }

    private void PushTuple(int count)
    {
        object?[] items = new object?[count];
        for (int i = count - 1; i >= 0; i--)
            items[i] = Pop();
        Push(new TorchSequence(TorchSequenceKind.Tuple, [.. items]));
    }

    private void AddAll(TorchSequenceKind kind, List<object?> items)
    {
        TorchSequence target = Top<TorchSequence>(kind == TorchSequenceKind.Set ? "a set" : "a list");
        if (target.Kind != kind)
            throw Unexpected(kind == TorchSequenceKind.Set ? "a set" : "a list", target);
        foreach (object? item in items)
            target.Add(item);
    }

    private TorchDictionary SetAll(TorchDictionary target, List<object?> items)
    {
        if (items.Count % 2 != 0)
            throw cursor.Error("a key of a dictionary has no value");
        for (int i = 0; i < items.Count; i += 2)
            Set(target, items[i], items[i + 1]);
        return target;
    }

    private void Set(TorchDictionary target, object? key, object? value)
    {
        if (key is not (string or long or double or bool or BigInteger or TorchSequence { Kind: TorchSequenceKind.Tuple }))
            throw Unexpected("a key of a dictionary (text, a number or a tuple)", key);
        target.Set(key, value);
    }

    private object? Remembered(long index) => index < _memo.Count && _memo[(int)index] is var value && !ReferenceEquals(value, s_unset)
        ? value
        : throw cursor.Error($"the pickle refers to value {index}, which it has not stored");

    private void Remember(long index)
    {
        if (index >= limits.MaxValues)
            throw cursor.Error($"the pickle stores a value under {index}; the limit is {limits.MaxValues} (TorchFileLimits.MaxValues)");
        object? value = Top();
        // Writers number values in order; some leave out numbers they never refer to.
        int before = _memo.Count;
        if (index >= before)
        {
            CollectionsMarshal.SetCount(_memo, (int)index + 1);
            CollectionsMarshal.AsSpan(_memo)[before..].Fill(s_unset);
        }

        _memo[(int)index] = value;
    }

    /// <summary>Counts work that is not bounded by the bytes of an operation.</summary>
    private void Charge(int values)
    {
        _moved += values;
        if (_moved > limits.MaxValues || _moved < 0)
            throw cursor.Error($"the pickle needs more than {limits.MaxValues} operations (TorchFileLimits.MaxValues)");
    }

    private TorchFileException Unexpected(string wanted, object? found) => cursor.Error($"{wanted} is needed where there is {Describe(found)}");

    private static string Describe(object? value) => value switch
    {
        null => "None",
        string => "text",
        bool => "a truth value",
        long or BigInteger => "an integer",
        double => "a float",
        byte[] => "bytes",
        TorchNamespace => "a Namespace",
        TorchDictionary => "a dictionary",
        TorchSequence sequence => $"a {sequence.Kind.ToString().ToLowerInvariant()}",
        TorchTensor => "a tensor",
        TorchStorage => "a storage",
        TorchSymbol symbol => symbol.Name,
        _ => "another value",
    };

    private long ReadIndex() => long.TryParse(cursor.ReadLine(), NumberStyles.None, CultureInfo.InvariantCulture, out long index) ? index : throw cursor.Error("the number of a stored value is not a number");

    private object ReadDecimal(bool allowBoolean)
    {
        string line = cursor.ReadLine();
        if (allowBoolean && line is "00" or "01")
            return line == "01" ? s_true : s_false;
        string digits = line.EndsWith('L') ? line[..^1] : line;
        if (long.TryParse(digits, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out long number))
            return number;
        return digits.Length <= MaxNumberDigits && BigInteger.TryParse(digits, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out BigInteger large)
            ? large
            : throw cursor.Error($"an integer of {digits.Length} characters cannot be read");
    }

    private object ReadInteger(int bytes)
    {
        if (bytes is < 0 or > MaxIntegerBytes)
            throw cursor.Error($"an integer of {bytes} bytes is beyond the {MaxIntegerBytes} that are read");
        ReadOnlySpan<byte> digits = cursor.Read(bytes);
        if (bytes > sizeof(long))
            return new BigInteger(digits);
        // Two's complement, least significant byte first: the sign fills what is not written.
        long number = bytes > 0 && digits[^1] > sbyte.MaxValue ? -1 : 0;
        for (int i = bytes - 1; i >= 0; i--)
            number = (number << 8) | digits[i];
        return number;
    }

    private double ReadFloat() => double.TryParse(cursor.ReadLine(), NumberStyles.Float, CultureInfo.InvariantCulture, out double number) ? number : throw cursor.Error("a float cannot be read");

    /// <summary>A string of Python 2: text where it is UTF-8, otherwise bytes.</summary>
    private object OldString(int length)
    {
        byte[] bytes = cursor.ReadBytes(length);
        return System.Text.Unicode.Utf8.IsValid(bytes) ? Encoding.UTF8.GetString(bytes) : bytes;
    }
}
