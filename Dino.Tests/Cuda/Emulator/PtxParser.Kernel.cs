namespace Dino.Tests.Cuda.Emulator;

internal sealed partial class PtxParser
{
    private PtxKernel Kernel()
    {
        int line = Line;
        Expect(".entry");
        string name = Take();
        List<PtxVariable> parameters = [];
        int parameterBytes = 0;
        Expect("(");
        while (Next != ")")
        {
            PtxVariable parameter = Variable(isExtern: false);
            parameterBytes = (parameterBytes + parameter.Alignment - 1) / parameter.Alignment * parameter.Alignment;
            // A parameter keeps its place in the block of parameters as its first datum.
            parameters.Add(parameter with { Data = BitConverter.GetBytes(parameterBytes) });
            parameterBytes += parameter.Bytes;
            if (Next == ",")
                Take();
        }

        Expect(")");
        int? maxThreads = null;
        while (Next != "{")
        {
            string directive = Take();
            if (directive is not (".maxntid" or ".reqntid" or ".minnctapersm" or ".maxnreg"))
                throw Error($"'{directive}' is not known here.");
            long product = Number();
            while (Next == ",")
            {
                Take();
                product *= Number();
            }

            if (directive is ".maxntid" or ".reqntid")
                maxThreads = (int)product;
        }

        PtxKernel kernel = new(name, line, [.. parameters], parameterBytes, maxThreads, [], [], []);
        Body(kernel);
        return kernel;
    }

    private void Body(PtxKernel kernel)
    {
        Scope? scope = null;
        do
        {
            switch (Next)
            {
                case "{":
                    Take();
                    scope = new Scope(scope);
                    break;
                case "}":
                    Take();
                    scope = scope!.Outer;
                    break;
                case ".reg":
                    Registers(scope!);
                    break;
                case ".shared":
                    kernel.Variables.Add(Variable(isExtern: false));
                    break;
                case ".pragma":
                    Take();
                    Take();
                    Expect(";");
                    break;
                case ";":
                    Take();
                    break;
                case ['.', ..]:
                    throw Error($"'{Next}' is not known here.");
                default:
                    if (_at + 1 < _tokens.Count && _tokens[_at + 1].Text == ":")
                    {
                        if (!kernel.Labels.TryAdd(Take(), kernel.Statements.Count))
                            throw Error("a label that exists already.");
                        Expect(":");
                    }
                    else
                    {
                        kernel.Statements.Add(Statement(scope!));
                    }

                    break;
            }
        }
        while (scope is not null);
    }

    private void Registers(Scope scope)
    {
        Expect(".reg");
        string typeName = Take();
        PtxType type = PtxType.Of(typeName.TrimStart('.')) is { Bits: not 8 } known ? known : throw Error($"'{typeName}' is no type of registers.");
        while (true)
        {
            string name = Take();
            if (Next == "<")
            {
                Take();
                long count = Number();
                Expect(">");
                for (int n = 0; n < count; n++)
                    Declare(name + n);
            }
            else
            {
                Declare(name);
            }

            if (Next == ";")
                break;
            Expect(",");
        }

        Take();

        void Declare(string name)
        {
            if (!scope.Declare(new(name, type)))
                throw Error($"register {name} is declared twice.");
        }
    }

    private PtxStatement Statement(Scope scope)
    {
        int start = _at, line = Line;
        PtxRegister? guard = null;
        bool isNegated = false;
        if (Next == "@")
        {
            Take();
            isNegated = Next == "!";
            if (isNegated)
                Take();
            string name = Take();
            guard = scope.Find(name) ?? throw Error($"register {name} is not declared.");
            if (guard.Type.Kind != PtxKind.Predicate)
                throw Error($"guard {name} is not a predicate.");
        }

        string opcode = Take();
        List<PtxOperand> operands = [];
        while (Next != ";")
        {
            operands.Add(Operand(scope));
            if (Next != ";")
                Expect(",");
        }

        Take();
        string text = string.Join(' ', _tokens[start.._at]).Replace(" ,", ",", StringComparison.Ordinal).Replace(" ;", ";", StringComparison.Ordinal);
        return new(line, guard, isNegated, opcode, [.. operands], text);
    }

    private PtxOperand Operand(Scope scope)
    {
        if (Next == "{")
        {
            List<PtxOperand> elements = [];
            do
            {
                Take();
                elements.Add(Operand(scope));
            }
            while (Next == ",");
            Expect("}");
            return new PtxOperand.Vector([.. elements]);
        }

        if (Next == "[")
        {
            Take();
            PtxOperand address = Operand(scope);
            long offset = 0;
            if (Next is "+" or "-")
            {
                bool isNegative = Take() == "-";
                long value = Number();
                offset = isNegative ? -value : value;
            }

            Expect("]");
            return new PtxOperand.Memory(address, offset);
        }

        if (Next == "-")
        {
            Take();
            string digits = Take();
            return Literal(digits, isNegative: true) ?? throw Error($"'-{digits}' is no number.");
        }

        bool isNegated = Next == "!";
        if (isNegated)
            Take();
        string word = Take();
        if (scope.Find(word) is { } register)
        {
            if (Next != "|")
                return new PtxOperand.Register(register, isNegated);
            Take();
            string second = Take();
            return new PtxOperand.Pair(register, scope.Find(second) ?? throw Error($"register {second} is not declared."));
        }

        if (isNegated)
            throw Error("only predicates are negated.");
        if (word[0] == '%')
            return new PtxOperand.Special(word);
        if (char.IsAsciiDigit(word[0]))
            return Literal(word, isNegative: false) ?? throw Error($"'{word}' is no number.");
        return char.IsAsciiLetter(word[0]) || word[0] is '_' or '$' ? new PtxOperand.Symbol(word) : throw Error($"'{word}' is no operand.");
    }
}
