using System.Text;
using Dino.Ssl.Training;

namespace Dino.Tests.Ssl;

/// <summary>Values of the reference implementation.</summary>
public sealed class XxHash64Tests
{
    [Theory]
    [InlineData("", 0xEF46DB3751D8E999)]
    [InlineData("a", 0xD24EC4F1A98C6E5B)]
    [InlineData("abc", 0x44BC2CF5AD770999)]
    [InlineData("Nobody inspects the spammish repetition", 0xFBCEA83C8A378BF1)]
    public void Hashes_are_those_of_the_reference(string text, ulong expected) => Assert.Equal(expected, XxHash64.Of(Encoding.ASCII.GetBytes(text)));

    [Fact]
    public void Every_byte_counts()
    {
        byte[] data = new byte[(1 << 12) + 77];
        ulong zeros = XxHash64.Of(data);
        foreach (int at in (int[])[0, 31, 32, (1 << 12) - 1, 1 << 12, data.Length - 1])
        {
            data[at] = 1;
            Assert.NotEqual(zeros, XxHash64.Of(data));
            data[at] = 0;
        }

        Assert.NotEqual(zeros, XxHash64.Of(data.AsSpan(0, data.Length - 1)));
    }
}
