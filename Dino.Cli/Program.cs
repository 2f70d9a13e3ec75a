using System.CommandLine;
using Dino.Cli;
using Dino.Cli.Commands;

RootCommand root = new("Self-supervised vision in pure .NET: train DINO on a folder of pictures, and use what it learned.")
{
    TrainCommand.Create(),
    KnnCommand.Create(),
    AttentionCommand.Create(),
    PcaCommand.Create(),
    TsneCommand.Create(),
    UmapCommand.Create(),
    MatchCommand.Create(),
    EmbedCommand.Create(),
    IndexCommand.Create(),
    SearchCommand.Create(),
    DedupCommand.Create(),
    ClusterCommand.Create(),
    InfoCommand.Create(),
    ConvertCommand.Create(),
    BenchCommand.Create(),
    DevicesCommand.Create(),
    DemoCommand.Create(),
};
return await CommandRunner.RunAsync(root, args);
