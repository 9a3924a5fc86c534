using System.Net;
using System.Net.Http.Json;
using System.Text;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Builder;
using Microsoft.Playwright;
using OnnxVae.Cli.Batch.Outputs;
using OnnxVae.Cli.Verbs.Serve;
using OnnxVae.Inference;
using OnnxVae.Tests.Support;

namespace OnnxVae.Tests.Cli;

/// <summary>The page of <c>serve</c>, in a real browser.</summary>
[NonParallelizable]
internal sealed class PageTests
{
    // Every pixel's red, from what the browser shows. Browsers give up decoding a picture when another one takes its place.
    private const string ReadPixels =
        """
        async image => {
          for (let tries = 0; ; tries++) {
            try { await image.decode(); break; }
            catch (error) { if (tries === 100) throw error; await new Promise(requestAnimationFrame); }
          }
          const canvas = new OffscreenCanvas(image.naturalWidth, image.naturalHeight), context = canvas.getContext("2d");
          context.drawImage(image, 0, 0);
          return [...context.getImageData(0, 0, canvas.width, canvas.height).data].filter((_, i) => i % 4 === 0);
        }
        """;

    private static readonly string[] Browsers = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];

    private static readonly ExportedModels Models = new();
    private TrainedVae vae = null!;
    private WebApplication server = null!;

    [OneTimeSetUp]
    public async Task Start()
    {
        vae = TrainedVae.Load(Models.Export("mlp"));
        server = await PageServer.StartAsync(vae, "digits", port: 0);
    }

    [OneTimeTearDown]
    public async Task Stop()
    {
        await server.DisposeAsync();
        vae.Dispose();
        Models.Dispose();
    }

    [Test]
    public async Task Page_DecodesSamplesReconstructsAndInterpolates()
    {
        if (Array.Find(Browsers, File.Exists) is not { } browser)
        {
            Assert.Ignore("Needs Chromium: install the package chromium.");
            return;
        }

        using var playwright = await Playwright.CreateAsync();
        await using var chromium = await playwright.Chromium.LaunchAsync(new BrowserTypeLaunchOptions { ExecutablePath = browser, Args = ["--no-sandbox"] });
        var page = await chromium.NewPageAsync();
        var problems = new List<string>();
        page.Console += (_, message) => { if (message.Type is "error" or "warning") { problems.Add(message.Text); } };
        page.PageError += (_, error) => problems.Add(error);
        await page.GotoAsync(server.Urls.Single());

        // Sliders: one per latent, and the picture follows them.
        var sliders = page.Locator("#sliders input");
        await Assertions.Expect(sliders).ToHaveCountAsync(5);
        Assert.That(await page.TitleAsync(), Is.EqualTo("digits"));
        await AssertDecodedAsync(page, new float[5]);
        await sliders.Nth(2).FillAsync("1.5");
        await AssertDecodedAsync(page, [0, 0, 1.5f, 0, 0]);

        // Samples: the decoder's own, and a click takes their latents.
        var samples = page.Locator("#samples img");
        await Assertions.Expect(samples).ToHaveCountAsync(24);
        float[] z = new float[24 * 5];
        vae.Prior.Draw(seed: 1, first: 0, z);
        await samples.Nth(7).ClickAsync();
        await AssertDecodedAsync(page, z[35..40]);
        await page.Locator("#more").ClickAsync();
        vae.Prior.Draw(seed: 2, first: 0, z);
        await AssertPixelsAsync(page, "#samples img >> nth=7", vae.Decoder.Decode(z.AsSpan(35, 5)));
        await page.Locator("#reset").ClickAsync();
        await AssertDecodedAsync(page, new float[5]);

        // The user's own images: dropped on the first field, chosen in the second.
        byte[] first = Image(1), second = Image(2);
        await DropAsync(page, ".end >> nth=0", "mein Bild.png", Encode(first));
        await AssertPixelsAsync(page, ".end >> nth=0 >> img >> nth=0", [.. first.Select(pixel => pixel / 255f)]);
        await AssertPixelsAsync(page, ".end >> nth=0 >> img >> nth=1", vae.Decoder.Decode(vae.Encoder.Encode(first).Mean));
        await page.Locator(".end >> nth=1 >> input").SetInputFilesAsync(new FilePayload { Name = "b.png", MimeType = "image/png", Buffer = Encode(second) });
        await Assertions.Expect(page.Locator("#between img")).ToHaveCountAsync(11);
        float[] between = vae.Decoder.Decode(LatentPath.Spherical(vae.Encoder.Encode(first).Mean, vae.Encoder.Encode(second).Mean, 11));
        foreach (int step in (int[])[0, 5, 10])
        {
            await AssertPixelsAsync(page, $"#between img >> nth={step}", between[(step * 72)..((step + 1) * 72)]);
        }

        Assert.That(problems, Is.Empty);

        // What is no image is explained, and the page goes on.
        await Assertions.Expect(page.Locator("#error")).ToBeHiddenAsync();
        await DropAsync(page, ".end >> nth=0", "notes.txt", [.. "no image"u8]);
        await Assertions.Expect(page.Locator("#error")).ToHaveTextAsync("'notes.txt' is not an image that can be read: give a file like .png, .jpg, .jpeg, .webp, .gif, .bmp.");
        await page.Locator("#draw").ClickAsync();
        await Assertions.Expect(page.Locator("#error")).ToBeHiddenAsync();
    }

    [Test]
    public async Task Server_ListensOnThisMachineOnly_AndAnswersNoOtherSite()
    {
        Assert.That(new Uri(server.Urls.Single()).Host, Is.EqualTo("127.0.0.1"));
        using var client = new HttpClient { BaseAddress = new Uri(server.Urls.Single()) };
        using var otherName = new HttpRequestMessage(HttpMethod.Get, "api/model") { Headers = { Host = "example.org" } };
        using var image = new HttpRequestMessage(HttpMethod.Get, "api/model") { Headers = { { "Sec-Fetch-Site", "cross-site" } } };
        using var otherSite = new HttpRequestMessage(HttpMethod.Get, "api/model") { Headers = { { "Origin", "http://example.org" } } };

        Assert.That((await client.SendAsync(otherName)).StatusCode, Is.EqualTo(HttpStatusCode.Forbidden));
        Assert.That((await client.SendAsync(otherSite)).StatusCode, Is.EqualTo(HttpStatusCode.Forbidden));
        Assert.That((await client.SendAsync(image)).StatusCode, Is.EqualTo(HttpStatusCode.Forbidden), "an <img> of another site");
        Assert.That((await client.GetAsync(new Uri("api/model", UriKind.Relative))).StatusCode, Is.EqualTo(HttpStatusCode.OK));
    }

    [Test]
    public async Task Server_WithOtherAddressesInTheEnvironment_ListensOnThisMachineOnly()
    {
        Environment.SetEnvironmentVariable("Kestrel__Endpoints__Other__Url", "http://0.0.0.0:0");
        try
        {
            await using var second = await PageServer.StartAsync(vae, "digits", port: 0);

            Assert.That(second.Urls.Select(url => new Uri(url).Host), Is.EqualTo((string[])["127.0.0.1"]));
        }
        finally
        {
            Environment.SetEnvironmentVariable("Kestrel__Endpoints__Other__Url", null);
        }
    }

    [TestCase("api/decode", """{"latents": [1, 2]}""", "There are 2 numbers in latents; expected one or more rows of 5.")]
    [TestCase("api/interpolate", """{"from": [1, 2], "to": [1], "steps": 3}""", "A path of 3 points between 2 and 1 latents is not possible: both ends need as many latents, and a path at least 2 points.")]
    public async Task Api_OfWrongInput_ExplainsIt(string path, string body, string message)
    {
        using var client = new HttpClient { BaseAddress = new Uri(server.Urls.Single()) };

        var response = await client.PostAsync(new Uri(path, UriKind.Relative), JsonContent.Create(JsonNode.Parse(body)));

        Assert.That(response.StatusCode, Is.EqualTo(HttpStatusCode.BadRequest));
        Assert.That((string)(await response.Content.ReadFromJsonAsync<JsonObject>())!["error"]!, Is.EqualTo(message));
    }

    [TestCase("GET", "api/samples?seed=-1&count=1", "", "application/json", 400, "seed")]
    [TestCase("POST", "api/decode", "{", "application/json", 400, "The request cannot be read")]
    [TestCase("POST", "api/decode", "z", "text/plain", 415, "no answer")]
    [TestCase("GET", "api/nothing", "", "application/json", 404, "no answer")]
    public async Task Api_OfMalformedRequest_AnswersAsForOtherErrors(string method, string path, string body, string type, int status, string part)
    {
        using var client = new HttpClient { BaseAddress = new Uri(server.Urls.Single()) };
        using var request = new HttpRequestMessage(new HttpMethod(method), path);
        if (method == "POST")
        {
            request.Content = new StringContent(body, Encoding.UTF8, type);
        }

        var response = await client.SendAsync(request);

        Assert.That((int)response.StatusCode, Is.EqualTo(status));
        Assert.That((string)(await response.Content.ReadFromJsonAsync<JsonObject>())!["error"]!, Does.Contain(part));
    }

    [Test]
    public void Serve_OnPortThatIsTaken_SaysSo()
    {
        int port = new Uri(server.Urls.Single()).Port;

        var (exitCode, _, error) = Support.Cli.Run("serve", Models.Export("mlp"), "--port", $"{port}");

        Assert.That(exitCode, Is.EqualTo(1));
        Assert.That(error.TrimEnd(), Is.EqualTo($"onnxvae: Port {port} cannot be used: another program may listen there. Give another --port, or 0 for one that is free."));
    }

    [Test]
    public void Serve_Interrupted_Ends()
    {
        using var process = Support.Cli.Start("serve", Models.Export("mlp"), "--port", "0");
        string line = process.StandardOutput.ReadLine()!;

        using (var interrupt = System.Diagnostics.Process.Start("kill", ["-INT", $"{process.Id}"]))
        {
            interrupt.WaitForExit();
        }

        Assert.That(line, Does.Match(@"^Open http://127\.0\.0\.1:\d+ in a browser\. Press Ctrl\+C to stop\.$"));
        Assert.That(process.WaitForExit(TimeSpan.FromMinutes(2)), "ended");
        Assert.That(process.ExitCode, Is.Zero);
    }

    private Task AssertDecodedAsync(IPage page, float[] latents) => AssertPixelsAsync(page, "#decoded", vae.Decoder.Decode(latents));

    // The page needs a moment.
    private static async Task AssertPixelsAsync(IPage page, string selector, float[] expected)
    {
        byte[] pixels = OutputImages.ToBytes(expected);
        int[] shown = [];
        for (int attempt = 0; attempt < 1000; attempt++)
        {
            shown = await page.Locator(selector).EvaluateAsync<int[]>(ReadPixels);
            if (shown.Zip(pixels).All(pair => Math.Abs(pair.First - pair.Second) <= 1))
            {
                break;
            }

            await Task.Delay(50);
        }

        Assert.That(shown, Is.EqualTo(pixels).Within(1), selector);
    }

    private static async Task DropAsync(IPage page, string selector, string name, byte[] content)
    {
        var transfer = await page.EvaluateHandleAsync(
            """
            ([name, content]) => {
              const transfer = new DataTransfer();
              transfer.items.add(new File([Uint8Array.from(atob(content), character => character.charCodeAt(0))], name));
              return transfer;
            }
            """,
            (string[])[name, Convert.ToBase64String(content)]);
        await page.DispatchEventAsync(selector, "drop", new { dataTransfer = transfer });
    }

    private static byte[] Image(int seed)
    {
        var pixels = new byte[72];
        new Random(seed).NextBytes(pixels);
        return pixels;
    }

    private static byte[] Encode(byte[] pixels) => ImageFormat.Png.Encode(pixels, channels: 1, height: 9, width: 8);
}
