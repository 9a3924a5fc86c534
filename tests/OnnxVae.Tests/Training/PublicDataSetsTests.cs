using System.Diagnostics.CodeAnalysis;
using System.Formats.Tar;
using System.Globalization;
using System.IO.Compression;
using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Text;
using System.Text.RegularExpressions;
using OnnxVae.Tests.Support;
using OnnxVae.Training.Data;
using static OnnxVae.Tests.Support.TestImages;

namespace OnnxVae.Tests.Training;

/// <summary>Data sets that are fetched by their names, from a server that misbehaves.</summary>
internal sealed partial class PublicDataSetsTests : FolderFixture
{
    private static readonly byte[] Content = [.. Enumerable.Range(0, 300_000).Select(i => (byte)(i * i / 7))];

    [Test]
    public void File_ThatArrives_IsKeptUnderItsName()
    {
        using var server = new Server(_ => Content);
        var steps = new List<(long, long)>();

        Set(server).Fetch(Folder.Path, (done, all) => steps.Add((done, all)), CancellationToken.None);

        Assert.That(File.ReadAllBytes(Folder["set/a.bin"]), Is.EqualTo(Content));
        Assert.That(steps[^1], Is.EqualTo((300_000L, 300_000L)));
        Assert.That(Directory.GetFiles(Folder["set"]), Has.Length.EqualTo(1));
        Set(server).Fetch(Folder.Path, null, CancellationToken.None);
        Assert.That(server.Requests, Has.Count.EqualTo(1), "it is fetched once");
    }

    // Each connection breaks after 100,000 bytes; the next one goes on from there.
    [Test]
    public void Connection_ThatBreaks_IsContinued()
    {
        using var server = new Server(_ => Content) { LongestAnswer = 100_000 };

        Set(server).Fetch(Folder.Path, null, CancellationToken.None);

        Assert.That(File.ReadAllBytes(Folder["set/a.bin"]), Is.EqualTo(Content));
        Assert.That(server.Requests, Is.EqualTo((long[])[0, 100_000, 200_000]));
    }

    [Test]
    public void Connection_ThatStalls_IsContinuedByTheNextRun()
    {
        using (var server = new Server(_ => Content) { LongestAnswer = 30_000, Stalls = true })
        {
            Assert.That(() => Set(server).Fetch(Folder.Path, null, CancellationToken.None), Throws.TypeOf<IOException>().With.Message.EqualTo(
                $"'set' cannot be fetched from {server.Address}: nothing arrived for 0.3 seconds. Try again, which goes on where it stopped; or put a.bin into '{Folder["set"]}'."));
        }

        using var healthy = new Server(_ => Content);
        Set(healthy).Fetch(Folder.Path, null, CancellationToken.None);
        Assert.That(File.ReadAllBytes(Folder["set/a.bin"]), Is.EqualTo(Content));
        Assert.That(healthy.Requests, Is.EqualTo((long[])[120_000]), "four attempts of 30,000 bytes were kept");
    }

    [Test]
    public void Server_WithoutRanges_StartsOver()
    {
        File.WriteAllBytes(Folder["set.a.bin.partial"], Content[..1000]);
        using var server = new Server(_ => Content) { HasRanges = false };

        Set(server).Fetch(Folder.Path, null, CancellationToken.None);

        Assert.That(File.ReadAllBytes(Folder["set/a.bin"]), Is.EqualTo(Content));
    }

    [Test]
    public void Rest_OfAnotherVersion_IsFetchedAsAWhole()
    {
        File.WriteAllBytes(Folder["set.a.bin.partial"], new byte[1000]);
        using var server = new Server(_ => Content);

        Set(server).Fetch(Folder.Path, null, CancellationToken.None);

        Assert.That(File.ReadAllBytes(Folder["set/a.bin"]), Is.EqualTo(Content));
        Assert.That(server.Requests, Is.EqualTo((long[])[1000, 0]));
    }

    [Test]
    public void Content_OfAnotherChecksum_IsRefused()
    {
        byte[] other = [.. Content];
        other[77]++;
        using var server = new Server(_ => other);

        Assert.That(() => Set(server).Fetch(Folder.Path, null, CancellationToken.None), Throws.TypeOf<InvalidDataException>().With.Message.EqualTo(
            $"What {server.Address}a.bin gives is not the published file: its MD5 checksum is {Md5(other)}, expected {Md5(Content)}. Try again, or get 'a.bin' elsewhere and put it into '{Folder["set"]}'."));
        Assert.That(Directory.GetFiles(Folder["set"]), Is.Empty);
    }

    [TestCase(404, "Response status code does not indicate success: 404 (Not Found)", 1)]
    [TestCase(503, "Response status code does not indicate success: 503 (Service Unavailable)", 4)]
    public void Server_ThatRefuses_IsNamed(int status, string reason, int requests)
    {
        using var server = new Server(_ => Content) { Status = (HttpStatusCode)status };

        Assert.That(() => Set(server).Fetch(Folder.Path, null, CancellationToken.None), Throws.TypeOf<IOException>().With.Message.StartsWith($"'set' cannot be fetched from {server.Address}: {reason}. Try again"));
        Assert.That(server.Requests, Has.Count.EqualTo(requests));
    }

    [Test]
    public void Network_ThatIsMissing_IsNamedWithTheFiles()
    {
        var set = new PublicDataSet("set", new Uri("http://127.0.0.1:9/"), [new("a.bin", 1, ""), new("b.bin", 1, "")]);

        Assert.That(() => set.Fetch(Folder.Path, null, CancellationToken.None), Throws.TypeOf<IOException>().With.Message.Contains($"or put a.bin, b.bin into '{Folder["set"]}'."));
    }

    [Test]
    public void Processes_ThatWantItAtOnce_FetchItOnce()
    {
        using var server = new Server(_ => Content);

        Parallel.For(0, 4, _ => Set(server).Fetch(Folder.Path, null, CancellationToken.None));

        Assert.That(server.Requests, Has.Count.EqualTo(1));
    }

    [Test]
    public void DataSet_OfIdxFiles_HasItsClasses()
    {
        Directory.CreateDirectory(Folder["set"]);
        WriteIdx(Folder["set/train-images-idx3-ubyte.gz"], 12, zipped: true);
        WriteIdx(Folder["set/t10k-images-idx3-ubyte.gz"], 3, zipped: true);
        var set = new PublicDataSet("set", new Uri("http://localhost/"), [new("train-images-idx3-ubyte.gz", 1, ""), new("t10k-images-idx3-ubyte.gz", 1, "")]) { Classes = ["coat", "bag"] };

        set.Fetch(Folder.Path, null, CancellationToken.None); // all files are there
        var data = set.Open(Folder.Path);

        Assert.That((data.Train.Count, data.Test.Count), Is.EqualTo((12L, 3L)));
        Assert.That(data.Train.Classes, Is.EqualTo((string[])["coat", "bag"]));
    }

    [Test]
    public void Cifar_IsReadFromItsArchive()
    {
        byte[] records = [.. Enumerable.Range(0, 5).SelectMany(i => Enumerable.Repeat((byte)(i + 10), 3072).Prepend((byte)(i % 2)))];
        WriteArchive(("cifar-10-batches-bin/data_batch_1.bin", records[..(3 * 3073)]), ("cifar-10-batches-bin/data_batch_2.bin", records[(3 * 3073)..(4 * 3073)]),
            ("cifar-10-batches-bin/test_batch.bin", records[(4 * 3073)..]), ("cifar-10-batches-bin/batches.meta.txt", Encoding.UTF8.GetBytes("airplane\nautomobile\n\n")));

        var data = CifarImages.Open(Folder["cifar.tar.gz"]);

        Assert.That((data.Train.Count, data.Test.Count, data.Train.Shape.ToString()), Is.EqualTo((4L, 1L, "3 x 32 x 32")));
        Assert.That(data.Train.Classes, Is.EqualTo((string[])["airplane", "automobile"]));
        Assert.That((data.Train.LabelOf(3), Read(data.Train, 3)[3071], data.Test.LabelOf(0)), Is.EqualTo((1, (byte)13, 0)));
        WriteArchive(("data_batch_1.bin", records[..3000]));
        Assert.That(() => CifarImages.Open(Folder["cifar.tar.gz"]), Throws.TypeOf<InvalidDataException>().With.Message.StartsWith($"'{Folder["cifar.tar.gz"]}' is not the binary version of CIFAR-10, or is damaged"));
        File.WriteAllText(Folder["cifar.tar.gz"], "junk");
        Assert.That(() => CifarImages.Open(Folder["cifar.tar.gz"]), Throws.TypeOf<InvalidDataException>().With.Message.Contains("is not the binary version of CIFAR-10"));
    }

    [Test]
    public void Names_AreTakenUnlessAFolderIsCalledSo()
    {
        Assert.That(PublicDataSets.Names, Is.EqualTo((string[])["mnist", "fashion-mnist", "kmnist", "cifar10"]));
        Assert.That(PublicDataSets.IsOne("mnist") && !PublicDataSets.IsOne("digits"));
        Assert.That(() => PublicDataSets.Fetch("digits"), Throws.ArgumentException.With.Message.StartsWith("There is no data set 'digits': give mnist, fashion-mnist, kmnist, cifar10."));
    }

    private static PublicDataSet Set(Server server) => new("set", server.Address, [new("a.bin", Content.Length, Md5(Content))]) { Patience = TimeSpan.FromMilliseconds(300) };

    [SuppressMessage("Security", "CA5351:Do Not Use Broken Cryptographic Algorithms", Justification = "It is the checksum that is published.")]
    private static string Md5(byte[] content) => Convert.ToHexStringLower(MD5.HashData(content));

    private void WriteArchive(params (string Name, byte[] Content)[] files)
    {
        using var file = File.Create(Folder["cifar.tar.gz"]);
        using var gzip = new GZipStream(file, CompressionLevel.Fastest);
        using var tar = new TarWriter(gzip);
        foreach (var (name, content) in files)
        {
            tar.WriteEntry(new PaxTarEntry(TarEntryType.RegularFile, name) { DataStream = new MemoryStream(content) });
        }
    }

    /// <summary>A server of one file, which may break off, stall or refuse.</summary>
    private sealed partial class Server : IDisposable
    {
        private readonly TcpListener listener = new(IPAddress.Loopback, 0);
        private readonly CancellationTokenSource stop = new();
        private readonly Func<string, byte[]> contentOf;
        private readonly Task serving;

        public Server(Func<string, byte[]> contentOf)
        {
            this.contentOf = contentOf;
            listener.Start();
            Address = new Uri($"http://127.0.0.1:{((IPEndPoint)listener.LocalEndpoint).Port}/");
            serving = ServeAsync();
        }

        public Uri Address { get; }

        /// <summary>Bytes after which a connection ends.</summary>
        public int LongestAnswer { get; init; } = int.MaxValue;

        /// <summary>Whether it then stays open, but says nothing.</summary>
        public bool Stalls { get; init; }

        public bool HasRanges { get; init; } = true;

        public HttpStatusCode Status { get; init; } = HttpStatusCode.OK;

        /// <summary>The first byte that each request asked for.</summary>
        public List<long> Requests { get; } = [];

        public void Dispose()
        {
            stop.Cancel();
            listener.Stop();
            serving.ContinueWith(_ => { }, TaskScheduler.Default).Wait();
            stop.Dispose();
        }

        private async Task ServeAsync()
        {
            while (!stop.IsCancellationRequested)
            {
                var client = await listener.AcceptTcpClientAsync(stop.Token);
                _ = AnswerAsync(client);
            }
        }

        private async Task AnswerAsync(TcpClient client)
        {
            using (client)
            {
                var stream = client.GetStream();
                var request = new StringBuilder();
                var buffer = new byte[4096];
                while (!request.ToString().Contains("\r\n\r\n", StringComparison.Ordinal))
                {
                    int count = await stream.ReadAsync(buffer, stop.Token);
                    if (count == 0)
                    {
                        return;
                    }

                    request.Append(Encoding.ASCII.GetString(buffer, 0, count));
                }

                var range = Range().Match(request.ToString());
                long first = HasRanges && range.Success ? long.Parse(range.Groups[1].Value, CultureInfo.InvariantCulture) : 0;
                lock (Requests)
                {
                    Requests.Add(first);
                }

                byte[] content = contentOf(request.ToString().Split(' ')[1]);
                var status = Status != HttpStatusCode.OK ? Status : first > 0 ? HttpStatusCode.PartialContent : Status;
                string head = string.Create(CultureInfo.InvariantCulture, $"HTTP/1.1 {(int)status} {Reason(status)}\r\nContent-Length: {content.Length - first}\r\nConnection: close\r\n{(first > 0 ? $"Content-Range: bytes {first}-{content.Length - 1}/{content.Length}\r\n" : "")}\r\n");
                await stream.WriteAsync(Encoding.ASCII.GetBytes(head), stop.Token);
                await stream.WriteAsync(content.AsMemory((int)first, (int)Math.Min(LongestAnswer, content.Length - first)), stop.Token);
                if (Stalls)
                {
                    await Task.Delay(Timeout.Infinite, stop.Token);
                }
            }
        }

        private static string Reason(HttpStatusCode status) => Words().Replace($"{status}", " $1").Trim();

        [GeneratedRegex("([A-Z][a-z]+)")]
        private static partial Regex Words();

        [GeneratedRegex(@"Range: bytes=(\d+)-", RegexOptions.IgnoreCase)]
        private static partial Regex Range();
    }
}
