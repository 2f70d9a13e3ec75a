#:property PublishAot=false
// Uses the page of the web sample in a headless Chromium, as a visitor would: chooses a picture, waits for everything to appear, chooses a damaged one and waits for the
// complaint. Writes what it saw as PNG files. Ends with 1 if something is missing, or if the page has errors.
//
//   dotnet run -c Release --project samples/WebGallery -- --weights demo/run/teacher.safetensors --gallery demo/pictures/test --urls http://localhost:5000
//   dotnet run samples/BrowserCheck.cs -- http://localhost:5000 photo.jpg artifacts/page
//
// Needs Chromium or Chrome on the path, or its program in the variable CHROMIUM.
using System.Diagnostics;
using System.Net.WebSockets;
using System.Text;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;

if (args.Length != 3)
{
    Console.Error.WriteLine("error: Give the address of the running sample, a picture, and the beginning of the names of the PNG files to write.");
    return 2;
}

string picture = Path.GetFullPath(args[1]), output = Path.GetFullPath(args[2]);
DirectoryInfo folder = Directory.CreateTempSubdirectory("dino-browser-");
string damaged = Path.Combine(folder.FullName, "damaged.png");
File.WriteAllBytes(damaged, File.ReadAllBytes(picture)[..200]);
using Process browser = Browser.Start(Path.Combine(folder.FullName, "profile"));
try
{
    using Browser page = await Browser.AttachAsync(browser);
    foreach ((string name, int width, string scheme) in new[] { ("light", 1280, "light"), ("dark", 1280, "dark"), ("phone", 390, "light") })
    {
        await page.OpenAsync(args[0], width, scheme);
        await page.WaitForAsync("document.querySelector('#model').textContent.includes('numbers')");
        await page.ChooseAsync("#file", picture);
        await page.WaitForAsync("""
            !document.querySelector('#results').hidden && !document.querySelector('.busy') && document.querySelector('#problem').hidden
              && [...document.querySelectorAll('.card:not([hidden]) img')].every(image => image.complete && image.naturalWidth > 0)
              && document.querySelectorAll('.card:not([hidden]) .stage .overlay[src]').length >= 1
              && (document.querySelector('#attention').hidden || document.querySelectorAll('.heads button').length > 1)
              && (document.querySelector('#neighbours').hidden || document.querySelectorAll('.grid button').length > 0)
            """);
        await page.PhotographAsync($"{output}-{name}.png");
        // What is wider than the window has to be scrolled sideways.
        await page.WaitForAsync("document.documentElement.scrollWidth <= innerWidth");
    }

    await page.ChooseAsync("#file", damaged);
    await page.WaitForAsync("!document.querySelector('#problem').hidden && document.querySelector('#problem').textContent.length > 10");
    await page.PhotographAsync($"{output}-damaged.png");
    await page.ChooseAsync("#file", picture);
    await page.WaitForAsync("document.querySelector('#problem').hidden && !document.querySelector('.busy') && document.querySelectorAll('.stage .overlay[src]').length >= 1");
    Console.Out.WriteLine($"all there; see {output}-*.png");
    return 0;
}
catch (Exception error) when (error is TimeoutException or InvalidOperationException)
{
    Console.Error.WriteLine($"error: {error.Message}");
    return 1;
}
finally
{
    browser.Kill(entireProcessTree: true);
    await browser.WaitForExitAsync();
    folder.Delete(recursive: true);
}

/// <summary>A page of Chromium over the DevTools protocol.</summary>
internal sealed partial class Browser : IDisposable
{
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(60);

    private readonly ClientWebSocket _socket = new();
    private readonly byte[] _buffer = new byte[64 << 10];
    private int _calls;

    public static Process Start(string profile)
    {
        string[] names = Environment.GetEnvironmentVariable("CHROMIUM") is { } given ? [given] : ["chromium", "chromium-browser", "google-chrome", "chrome"];
        string program = names.SelectMany(name => (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator).Select(path => Path.Combine(path, name))).FirstOrDefault(File.Exists)
            ?? throw new InvalidOperationException("There is no Chromium on the path. Install it, or name its program in the variable CHROMIUM.");
        // Without a sandbox, because it does not start as root with one; it opens one page of this machine.
        return Process.Start(new ProcessStartInfo(program, ["--headless=new", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--remote-debugging-port=0", $"--user-data-dir={profile}", "about:blank"]) { RedirectStandardError = true, RedirectStandardOutput = true })!;
    }

    public static async Task<Browser> AttachAsync(Process process)
    {
        while (await process.StandardError.ReadLineAsync().WaitAsync(s_patience) is { } line)
        {
            if (Listening().Match(line) is not { Success: true } match)
                continue;
            _ = process.StandardError.ReadToEndAsync();
            using HttpClient client = new();
            JsonArray targets = JsonNode.Parse(await client.GetStringAsync(new Uri($"http://{match.Groups["host"].Value}/json/list")))!.AsArray();
            Browser page = new();
            await page._socket.ConnectAsync(new Uri((string)targets.First(target => (string)target!["type"]! == "page")!["webSocketDebuggerUrl"]!), CancellationToken.None);
            foreach (string domain in new[] { "Page", "Runtime", "Log", "DOM" })
                await page.CallAsync($"{domain}.enable");
            return page;
        }

        throw new InvalidOperationException("Chromium ended before it could be talked to.");
    }

    public async Task OpenAsync(string address, int width, string scheme)
    {
        await CallAsync("Emulation.setDeviceMetricsOverride", new() { ["width"] = width, ["height"] = 900, ["deviceScaleFactor"] = 1, ["mobile"] = width < 600 });
        await CallAsync("Emulation.setEmulatedMedia", new() { ["features"] = new JsonArray(new JsonObject { ["name"] = "prefers-color-scheme", ["value"] = scheme }) });
        await CallAsync("Page.navigate", new() { ["url"] = address });
    }

    public async Task ChooseAsync(string input, string file)
    {
        JsonNode document = await CallAsync("DOM.getDocument");
        JsonNode node = await CallAsync("DOM.querySelector", new() { ["nodeId"] = (int)document["root"]!["nodeId"]!, ["selector"] = input });
        await CallAsync("DOM.setFileInputFiles", new() { ["nodeId"] = (int)node["nodeId"]!, ["files"] = new JsonArray(file) });
    }

    /// <summary>Waits until an expression of the page is true.</summary>
    public async Task WaitForAsync(string expression)
    {
        for (Stopwatch watch = Stopwatch.StartNew(); watch.Elapsed < s_patience; await Task.Delay(100))
        {
            JsonNode answer = await CallAsync("Runtime.evaluate", new() { ["expression"] = expression, ["returnByValue"] = true });
            if (answer["result"]?["value"] is JsonValue value && value.TryGetValue(out bool isTrue) && isTrue)
                return;
        }

        throw new TimeoutException($"Waited in vain for: {expression}");
    }

    public async Task PhotographAsync(string path)
    {
        // Pictures fade in; what is seen is the end.
        await Task.Delay(300);
        JsonNode size = (await CallAsync("Page.getLayoutMetrics"))["cssContentSize"]!;
        JsonObject clip = new() { ["x"] = 0, ["y"] = 0, ["width"] = (double)size["width"]!, ["height"] = (double)size["height"]!, ["scale"] = 1 };
        JsonNode answer = await CallAsync("Page.captureScreenshot", new() { ["captureBeyondViewport"] = true, ["clip"] = clip });
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        await File.WriteAllBytesAsync(path, Convert.FromBase64String((string)answer["data"]!));
    }

    public void Dispose() => _socket.Dispose();

    private async Task<JsonNode> CallAsync(string method, JsonObject? parameters = null)
    {
        int id = ++_calls;
        JsonObject call = new() { ["id"] = id, ["method"] = method, ["params"] = parameters ?? [] };
        await _socket.SendAsync(Encoding.UTF8.GetBytes(call.ToJsonString()), WebSocketMessageType.Text, endOfMessage: true, CancellationToken.None);
        while (true)
        {
            JsonNode message = await ReceiveAsync();
            // A refused request is logged by the browser too; the page says it to the visitor.
            if ((string?)message["method"] is "Runtime.exceptionThrown" || ((string?)message["method"] is "Log.entryAdded" && (string?)message["params"]!["entry"]!["source"] is not "network" && (string?)message["params"]!["entry"]!["level"] is "error"))
                throw new InvalidOperationException($"The page has an error: {message["params"]!.ToJsonString()}");
            if ((int?)message["id"] != id)
                continue;
            return message["result"] ?? throw new InvalidOperationException($"{method}: {message["error"]?.ToJsonString()}");
        }
    }

    private async Task<JsonNode> ReceiveAsync()
    {
        using MemoryStream message = new();
        WebSocketReceiveResult part;
        do
        {
            part = await _socket.ReceiveAsync(_buffer, CancellationToken.None).WaitAsync(s_patience);
            message.Write(_buffer, 0, part.Count);
        }
        while (!part.EndOfMessage);
        return JsonNode.Parse(message.GetBuffer().AsSpan(0, (int)message.Length))!;
    }

    [GeneratedRegex("DevTools listening on ws://(?<host>[^/]+)/")]
    private static partial Regex Listening();
}
