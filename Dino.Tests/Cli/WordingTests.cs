using Dino.Cli;

namespace Dino.Tests.Cli;

/// <summary>Numbers, paths and messages of the libraries in the sentences of the tool.</summary>
public sealed class WordingTests
{
    [Fact]
    public void One_thing_is_not_several()
    {
        Assert.Equal(("0 groups", "1 group", "2 groups"), (Wording.Count(0, "group"), Wording.Count(1, "group"), Wording.Count(2, "group")));
        Assert.Equal(("1 patch", "1000 patches"), (Wording.Count(1, "patch", "patches"), Wording.Count(1000, "patch", "patches")));
    }

    [Fact]
    public void Paths_begin_as_they_were_given()
    {
        string full = Path.GetFullPath(Path.Combine("photos", "cats", "one.jpg"));
        Assert.Equal(Path.Combine("photos", "cats", "one.jpg"), Wording.AsGiven(full, "photos"));
        Assert.Equal(Path.Combine(".", "photos", "cats", "one.jpg"), Wording.AsGiven(full, null, "pho", "."));
        Assert.Equal(full, Wording.AsGiven(full, Path.GetFullPath("photos")));
        Assert.Equal(full, Wording.AsGiven(full, "cats"));
    }

    [Fact]
    public void What_only_programmers_can_use_is_left_out()
    {
        Assert.Equal("Too small.", Wording.WithoutCode(new ArgumentException("Too small.", "width").Message));
        Assert.Equal("Between -0.5 and 0.5.", Wording.WithoutCode(new ArgumentOutOfRangeException("shift", 3, "Between -0.5 and 0.5.").Message));
        Assert.Equal("The limit is 5.", Wording.WithoutCode("The limit is 5 (DecodeLimits.MaxPixels)."));
    }
}
