using Dino.Cli;

namespace Dino.Tests.Cli;

public sealed class SpellingTests
{
    private static readonly string[] Names = ["--train", "--test", "--k", "--lr", "--batch-size", "--weight-decay", "--weight-decay-end", "--epochs", "--seed", "--help"];

    [Theory]
    [InlineData("--trian", "--train")]
    [InlineData("tarin", "--train")]
    [InlineData("-Train", "--train")]
    [InlineData("--epcohs", "--epochs")]
    [InlineData("--lt", "--lr")]
    [InlineData("--batch", "--batch-size")]
    [InlineData("--weight", "--weight-decay --weight-decay-end")]
    [InlineData("help", "--help")]
    [InlineData("--tet", "--test")]
    [InlineData("x", "")]
    [InlineData("--", "")]
    [InlineData("", "")]
    [InlineData("--learning-rate", "")]
    [InlineData("/some/folder", "")]
    public void Near_names_are_found_and_far_ones_are_not(string typed, string nearest) =>
        Assert.Equal(nearest, string.Join(' ', Spelling.Nearest(typed, Names)));

    [Fact]
    public void No_more_than_three_names_are_offered() => Assert.Equal(["--aab", "--aac", "--aad"], Spelling.Nearest("--aaa", ["--aab", "--aac", "--aad", "--aae"]));
}
