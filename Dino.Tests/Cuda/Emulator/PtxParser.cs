using System.Globalization;

namespace Dino.Tests.Cuda.Emulator;

/// <summary>Reads PTX as far as kernels without functions need it; everything else is an error.</summary>
internal sealed partial class PtxParser
{
    private readonly List<PtxToken> _tokens;
    private int _at;

    private PtxParser(string text) => _tokens = PtxLexer.Read(text);

    private string Next => _at < _tokens.Count ? _tokens[_at].Text : "";

    private int Line => _tokens.Count == 0 ? 0 : _tokens[Math.Min(_at, _tokens.Count - 1)].Line;

    public static PtxModule Parse(string text) => new PtxParser(text).Module();

    private PtxModule Module()
    {
        Header();
        PtxModule module = new([], []);
        while (_at < _tokens.Count)
        {
            bool isExtern = false;
            while (Next is ".visible" or ".extern" or ".weak")
                isExtern |= Take() == ".extern";
            if (Next == ".entry")
                module.Kernels.Add(Kernel());
            else
                module.Variables.Add(Variable(isExtern));
        }

        return module;
    }

    private void Header()
    {
        Expect(".version");
        string version = Take();
        if (version != "7.0")
            throw Error($"PTX {version}: drivers from CUDA 11.4 on are promised 7.0.");
        Expect(".target");
        string target = Take();
        if (target != "sm_80")
            throw Error($"target {target}: kernels are for sm_80.");
        Expect(".address_size");
        Expect("64");
    }

    private PtxVariable Variable(bool isExtern)
    {
        PtxSpace space = Take() switch
        {
            ".shared" => PtxSpace.Shared,
            ".global" => PtxSpace.Global,
            ".const" => PtxSpace.Constant,
            ".param" => PtxSpace.Parameter,
            string other => throw Error($"'{other}' is not known here."),
        };
        int alignment = 0;
        if (Next == ".align")
        {
            Take();
            alignment = (int)Number();
        }

        string typeName = Take();
        PtxType type = PtxType.Of(typeName.TrimStart('.')) ?? throw Error($"'{typeName}' is not a type.");
        string name = Take();
        int count = 1;
        if (Next == "[")
        {
            Take();
            count = Next == "]" ? 0 : (int)Number();
            Expect("]");
        }

        int bytes = count * type.Bits / 8;
        byte[]? data = null;
        if (Next == "=")
        {
            Take();
            data = Initializer(type.Bits / 8, bytes);
        }

        if (space != PtxSpace.Parameter)
            Expect(";");
        return new(name, space, Math.Max(alignment, type.Bits / 8), bytes, data, isExtern);
    }

    private byte[] Initializer(int size, int bytes)
    {
        byte[] data = new byte[bytes];
        bool isList = Next == "{";
        if (isList)
            Take();
        for (int at = 0; ; at += size)
        {
            long value = Operand(new Scope(null)) switch
            {
                PtxOperand.Integer integer => integer.Value,
                PtxOperand.Number number => (long)number.Bits,
                _ => throw Error("initialisers are numbers."),
            };
            if (at + size > bytes)
                throw Error("too many initialisers.");
            for (int n = 0; n < size; n++)
                data[at + n] = (byte)(value >> (8 * n));
            if (!isList)
                return data;
            if (Next == "}")
                break;
            Expect(",");
        }

        Expect("}");
        return data;
    }

    private long Number() => Operand(new Scope(null)) is PtxOperand.Integer { Value: var value } ? value : throw Error("a number is expected.");

    private string Take() => _at < _tokens.Count ? _tokens[_at++].Text : throw Error("the file ends too early.");

    private void Expect(string sign)
    {
        if (Next != sign)
            throw Error($"'{Next}' where '{sign}' is expected.");
        _at++;
    }

    private PtxException Error(string message) => new(Line, message);

    /// <summary>A literal: decimal or hexadecimal integer, or a float by its bits.</summary>
    private static PtxOperand? Literal(string text, bool isNegative)
    {
        if (text.StartsWith("0f", StringComparison.Ordinal) && text.Length == 10)
            return uint.TryParse(text.AsSpan(2), NumberStyles.AllowHexSpecifier, null, out uint bits) && !isNegative ? new PtxOperand.Number(bits, 32) : null;
        if (text.StartsWith("0d", StringComparison.Ordinal) && text.Length == 18)
            return ulong.TryParse(text.AsSpan(2), NumberStyles.AllowHexSpecifier, null, out ulong bits) && !isNegative ? new PtxOperand.Number(bits, 64) : null;
        bool isHexadecimal = text.StartsWith("0x", StringComparison.Ordinal);
        string digits = (isHexadecimal ? text[2..] : text).TrimEnd('U');
        return ulong.TryParse(digits, isHexadecimal ? NumberStyles.AllowHexSpecifier : NumberStyles.None, null, out ulong value)
            ? new PtxOperand.Integer(isNegative ? -(long)value : (long)value) : null;
    }

    /// <summary>Registers that are visible in a pair of braces.</summary>
    private sealed class Scope(Scope? outer)
    {
        private readonly Dictionary<string, PtxRegister> _registers = [];

        public Scope? Outer { get; } = outer;

        public bool Declare(PtxRegister register) => _registers.TryAdd(register.Name, register);

        public PtxRegister? Find(string name) => _registers.TryGetValue(name, out PtxRegister? register) ? register : Outer?.Find(name);
    }
}
