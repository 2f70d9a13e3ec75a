using System.CommandLine;
namespace Dino.Cli.Commands;
internal static class DemoCommand { public static Command Create() => new("demo", "x"); }
