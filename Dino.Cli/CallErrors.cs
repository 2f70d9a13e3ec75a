using System.CommandLine;
using System.CommandLine.Parsing;

namespace Dino.Cli;

/// <summary>What is wrong with a call, in the words of the other errors: the parser's own speak of .NET types and repeat one slip up to four times.</summary>
internal static class CallErrors
{
    /// <summary>The command as the user calls it, such as <c>dino bench forward</c>.</summary>
    public static string NameOf(CommandResult command) => command.Parent is CommandResult parent ? $"{NameOf(parent)} {command.Command.Name}" : "dino";

    /// <summary>One sentence for each thing to mend.</summary>
    public static IReadOnlyList<string> Explain(ParseResult parsed)
    {
        // An error without a place concerns the call as a whole, such as a file of arguments that is not there.
        List<string> sentences = [.. parsed.Errors.Where(error => error.SymbolResult is null).Select(error => error.Message)];
        if (sentences.Count > 0)
            return sentences;
        Command command = parsed.CommandResult.Command;
        string name = NameOf(parsed.CommandResult);
        if (command.Subcommands.Count > 0)
            return [MissingCommand(parsed, command, name)];
        HashSet<string> meant = new(StringComparer.Ordinal);
        foreach (string option in parsed.UnmatchedTokens.Where(token => token.StartsWith('-')))
            sentences.Add(UnknownOption(option, command, name, meant));
        // What follows an option that is not known is its value, and not another slip.
        if (sentences.Count == 0)
            sentences.AddRange(parsed.UnmatchedTokens.Select(token => $"'{token}' follows no option that takes it."));
        OptionResult[] options = [.. parsed.Errors.Select(error => error.SymbolResult).OfType<OptionResult>()];
        sentences.AddRange(options.Where(option => !option.Implicit).Select(WrongValue));
        string[] missing = [.. options.Where(option => option.Implicit && !meant.Contains(option.Option.Name)).Select(option => option.Option.Name)];
        if (missing.Length > 0)
            sentences.Add($"{name} needs {List(missing, "and")}.");
        return sentences.Count > 0 ? sentences : [.. parsed.Errors.Select(error => error.Message)];
    }

    private static string MissingCommand(ParseResult parsed, Command command, string name)
    {
        string[] commands = [.. command.Subcommands.Select(sub => sub.Name)];
        if (parsed.UnmatchedTokens is not [string first, ..])
            return $"{name} needs a command: {List(commands, "or")}.";
        // With its dashes: help may be meant for --help. Whatever follows belongs to the command that is not known.
        string[] meant = Spelling.Nearest(first, [.. commands, .. command.Options.Select(option => option.Name)]);
        return $"{name} has no {(first.StartsWith('-') ? "option" : "command")} '{first}'. {(meant.Length > 0 ? $"Did you mean {List(meant, "or")}?" : $"Its commands are {List(commands, "and")}.")}";
    }

    /// <param name="meant">Takes the options that the sentence names, which are not missing then.</param>
    private static string UnknownOption(string typed, Command command, string name, HashSet<string> meant)
    {
        if (command.Options.Any(option => option.Name == typed))
        {
            meant.Add(typed);
            return $"{typed} stands before the command: {name} {typed} ...";
        }

        string[] nearest = Spelling.Nearest(typed, [.. command.Options.Select(option => option.Name)]);
        meant.UnionWith(nearest);
        return $"{name} has no option '{typed}'.{(nearest.Length > 0 ? $" Did you mean {List(nearest, "or")}?" : "")}";
    }

    private static string WrongValue(OptionResult result)
    {
        Option option = result.Option;
        (int least, int most) = (option.Arity.MinimumNumberOfValues, option.Arity.MaximumNumberOfValues);
        string given = string.Join(' ', result.Tokens.Select(token => token.Value));
        if (result.Tokens.Count < least)
            return $"{option.Name} needs {(least == 1 ? "a value" : $"{least} values")}{(given.Length > 0 ? $", not only '{given}'" : "")}.";
        if (result.Tokens.Count > most)
            return $"{option.Name} takes {(most == 1 ? "one value" : $"{most} values")}, and was given '{given}'.";
        return $"{option.Name} takes {Kind(option.ValueType, most)}, not '{given}'.";
    }

    private static string Kind(Type type, int count)
    {
        type = type.GetElementType() ?? Nullable.GetUnderlyingType(type) ?? type;
        string kind = type == typeof(int) || type == typeof(long) ? "whole number"
            : type == typeof(float) || type == typeof(double) ? "number"
            : "value";
        return type == typeof(bool) ? "true or false" : count == 1 ? $"a {kind}" : $"{count} {kind}s";
    }

    private static string List(string[] names, string last) => names.Length == 1 ? names[0] : $"{string.Join(", ", names[..^1])} {last} {names[^1]}";
}
