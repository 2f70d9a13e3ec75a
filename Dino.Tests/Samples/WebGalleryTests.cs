using System.Net;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Dino.Imaging;
using Dino.Imaging.Png;
using Dino.Samples.WebGallery;

namespace Dino.Tests.Samples;

/// <summary>The web sample over HTTP, as its page and its callers use it.</summary>
public sealed partial class WebGalleryTests(RunningGallery gallery) : IClassFixture<RunningGallery>
{
    private static readonly byte[] s_damaged = [0x89, .. "PNG\r\n\x1a\n"u8, 0, 0, 0, 13, .. "IHDR"u8];

    [Fact]
    public async Task Clients_at_once_get_equal_answers_and_a_damaged_picture_fails_alone()
    {
        byte[] picture = await File.ReadAllBytesAsync(gallery.Pictures[0]);
        string alone = await (await PostAsync("/embed", picture)).Content.ReadAsStringAsync();
        await Task.WhenAll(Enumerable.Range(0, 32).Select(async i =>
        {
            if (i % 4 == 3)
                await AssertProblemAsync(HttpStatusCode.UnprocessableEntity, "PNG", await PostAsync(i % 8 == 3 ? "/embed" : "/attention", s_damaged));
            else
                Assert.Equal(alone, await (await PostAsync("/embed", picture)).Content.ReadAsStringAsync());
        }));
    }

    [Fact]
    public async Task A_picture_of_the_gallery_finds_itself_first()
    {
        JsonArray matches = (await JsonAsync("/search?k=3", gallery.Pictures[7]))["matches"]!.AsArray();
        Assert.Equal(3, matches.Count);
        // Sums of 24 products of numbers rounded to 24 bits.
        Assert.Equal(1, (double)matches[0]!["cosine"]!, 1e-5);
        byte[] found = await gallery.Client.GetByteArrayAsync($"/gallery/{matches[0]!["id"]}");
        Assert.Equal(await File.ReadAllBytesAsync(gallery.Pictures[7]), found);
    }

    [Fact]
    public async Task Attention_is_a_pixel_a_patch_for_each_head()
    {
        JsonNode answer = await JsonAsync("/attention", gallery.Pictures[1]);
        Assert.Equal(RunningGallery.Heads, answer["heads"]!.AsArray().Count);
        AssertGrid(answer["area"]!, (string)answer["mean"]!);
    }

    [Fact]
    public async Task Components_are_a_coloured_pixel_a_patch()
    {
        JsonNode answer = await JsonAsync("/pca", gallery.Pictures[1]);
        Assert.InRange(answer["shares"]!.AsArray().Sum(share => (double)share!), 0.1, 1);
        AssertGrid(answer["area"]!, (string)answer["colours"]!);
    }

    [Fact]
    public async Task What_is_wrong_with_a_request_is_said_as_a_problem()
    {
        await AssertProblemAsync(HttpStatusCode.RequestEntityTooLarge, "too large", await PostAsync("/embed", new byte[(1 << 20) + 1]));
        await AssertProblemAsync(HttpStatusCode.RequestEntityTooLarge, "too large", await gallery.Client.SendAsync(new(HttpMethod.Post, "/pca") { Content = new ByteArrayContent(new byte[(1 << 20) + 1]), Headers = { TransferEncodingChunked = true } }));
        await AssertProblemAsync(HttpStatusCode.UnsupportedMediaType, "", await PostAsync("/search", "GIF89a, not a picture that is read here"u8.ToArray()));
        await AssertProblemAsync(HttpStatusCode.BadRequest, "between 1 and 100", await PostAsync("/search?k=0", await File.ReadAllBytesAsync(gallery.Pictures[0])));
        await AssertProblemAsync(HttpStatusCode.RequestEntityTooLarge, "Crop it", await PostAsync("/attention", Png(new Image(50, 5))));
        await AssertProblemAsync(HttpStatusCode.NotFound, "", await gallery.Client.GetAsync("/gallery/100000"));
        await AssertProblemAsync(HttpStatusCode.NotFound, "", await gallery.Client.GetAsync("/nothing"));
    }

    [Fact]
    public async Task A_request_that_is_given_up_leaves_the_others_alone()
    {
        using CancellationTokenSource source = new();
        Task<HttpResponseMessage> slow = gallery.Client.PostAsync("/embed", new StreamContent(new EndlessStream()), source.Token);
        HttpResponseMessage other = await PostAsync("/embed", await File.ReadAllBytesAsync(gallery.Pictures[2]));
        Assert.Equal(HttpStatusCode.OK, other.StatusCode);
        await source.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => slow);
        Assert.Equal(HttpStatusCode.OK, (await PostAsync("/embed", await File.ReadAllBytesAsync(gallery.Pictures[2]))).StatusCode);
    }

    /// <summary>The page asks nothing of other hosts, and only what is answered.</summary>
    [Fact]
    public async Task The_page_brings_everything_it_needs()
    {
        string page = await gallery.Client.GetStringAsync("/"), script = await gallery.Client.GetStringAsync("/page.js"), style = await gallery.Client.GetStringAsync("/page.css");
        Assert.DoesNotContain("//", Regex.Replace(page + style + script, "^ *// .*$", "", RegexOptions.Multiline), StringComparison.Ordinal);
        byte[] picture = await File.ReadAllBytesAsync(gallery.Pictures[0]);
        string[] paths = [.. Path().Matches(script).Select(match => match.Value.Trim('"')).Distinct()];
        Assert.Contains("/attention", paths);
        foreach (string path in paths)
            Assert.True((path == "/model" ? await gallery.Client.GetAsync(path) : await PostAsync(path, picture)).IsSuccessStatusCode, path);
    }

    [Fact]
    public void Without_weights_it_says_where_to_get_some()
    {
        Assert.Contains("dino demo", Assert.Throws<ArgumentException>(() => GalleryApplication.Build([])).Message, StringComparison.Ordinal);
        Assert.Contains("nowhere", Assert.Throws<ArgumentException>(() => GalleryApplication.Build(["--weights", "nowhere"])).Message, StringComparison.Ordinal);
    }

    private Task<HttpResponseMessage> PostAsync(string path, byte[] picture) => gallery.Client.PostAsync(path, new ByteArrayContent(picture));

    private async Task<JsonNode> JsonAsync(string path, string picture)
    {
        HttpResponseMessage response = await PostAsync(path, await File.ReadAllBytesAsync(picture));
        response.EnsureSuccessStatusCode();
        return JsonNode.Parse(await response.Content.ReadAsStringAsync())!;
    }

    private static void AssertGrid(JsonNode area, string uri)
    {
        Image grid = ImageFile.Decode(Convert.FromBase64String(uri["data:image/png;base64,".Length..]));
        Assert.Equal(((int)area["columns"]!, (int)area["rows"]!), (grid.Width, grid.Height));
        // Drawn pictures are squares, of which all is covered.
        Assert.Equal((1, 1), ((double)area["width"]!, (double)area["height"]!));
    }

    private static async Task AssertProblemAsync(HttpStatusCode status, string says, HttpResponseMessage response)
    {
        Assert.Equal(status, response.StatusCode);
        Assert.Equal("application/problem+json", response.Content.Headers.ContentType?.MediaType);
        Assert.Contains(says, await response.Content.ReadAsStringAsync(), StringComparison.Ordinal);
    }

    private static byte[] Png(Image image)
    {
        using MemoryStream stream = new();
        PngEncoder.Encode(image, stream);
        return stream.ToArray();
    }

    [GeneratedRegex("\"/[a-z]+\"")]
    private static partial Regex Path();

    /// <summary>An upload that never ends: a little at first, then silence until it is given up.</summary>
    private sealed class EndlessStream : Stream
    {
        private bool _begun;

        public override bool CanRead => true;

        public override bool CanSeek => false;

        public override bool CanWrite => false;

        public override long Length => throw new NotSupportedException();

        public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }

        public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
        {
            if (_begun)
                await Task.Delay(Timeout.Infinite, cancellationToken);
            _begun = true;
            return Math.Min(buffer.Length, 100);
        }

        public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

        public override void Flush()
        {
        }

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();

        public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();
    }
}
