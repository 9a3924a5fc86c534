using System.Buffers.Binary;
using System.Diagnostics;
using System.Formats.Tar;
using System.IO.Compression;
using System.Text;
using OnnxVae.Format;
using OnnxVae.Inference;
using OnnxVae.Inference.Coding;
using OnnxVae.Models.Objectives;
using OnnxVae.Tests.Support;
using OnnxVae.Training.Data;
using OnnxVae.Training.Reports;
using OnnxVae.Training.Runs;
using SkiaSharp;
using static OnnxVae.Tests.Support.TestImages;

namespace OnnxVae.Tests;

/// <summary>
/// Files with random damage, by a fixed seed, through everything that reads files: they are read, or refused by the exceptions that are
/// documented, without a hang and without memory for what is not there.
/// </summary>
[NonParallelizable]
internal sealed class FuzzTests
{
    private const int Cases = 2000;
    private const long MostAllocated = 200_000_000;

    private static readonly TimeSpan MostTime = TimeSpan.FromMinutes(1);
    private static readonly TemporaryFolder Folder = new();
    private static readonly Dictionary<string, (byte[] File, Action<byte[]> Read)> Kinds = [];

    private static readonly string[] Names =
    [
        "a.npy", "floats.npy", "a.npz", "a.tar", "a.tar.gz", "a.zip", "train-images-idx3-ubyte", "train-images-idx3-ubyte.gz", "a.png", "a.jpg", "a.webp", "a.gif", "a.bmp",
        "checkpoint.safetensors", "manifest.json", "metrics.jsonl", "decoder.onnx", "encoder.onnx", "model.onnx", "a.latents",
    ];

    [OneTimeSetUp]
    public void MakeFiles()
    {
        WriteNpy(Folder["a.npy"], 6, 5, 4);
        using (var stream = File.Create(Folder["floats.npy"]))
        {
            Npy.Write(stream, [.. Enumerable.Range(0, 60).Select(i => i / 60f)], 3, 4, 5);
        }

        WriteNpy(Folder["labels.npy"], 6);
        using (var archive = ZipFile.Open(Folder["a.npz"], ZipArchiveMode.Create))
        {
            archive.CreateEntryFromFile(Folder["a.npy"], "x_train.npy");
            archive.CreateEntryFromFile(Folder["labels.npy"], "y_train.npy");
        }

        WriteImages(Folder["images/a"], 2);
        WriteImages(Folder["images/b"], 2);
        foreach (string image in Directory.EnumerateFiles(Folder["images"], "*", SearchOption.AllDirectories))
        {
            File.SetLastWriteTimeUtc(image, DateTime.UnixEpoch.AddYears(30)); // archives store it
        }

        TarFile.CreateFromDirectory(Folder["images"], Folder["a.tar"], includeBaseDirectory: false);
        Compress("a.tar", "a.tar.gz");
        ZipFile.CreateFromDirectory(Folder["images"], Folder["a.zip"]);
        WriteIdx(Folder["train-images-idx3-ubyte"], 5, zipped: false);
        Compress("train-images-idx3-ubyte", "train-images-idx3-ubyte.gz");
        using (var bitmap = SKBitmap.Decode(Directory.GetFiles(Folder["images/a"])[0]))
        {
            foreach (var (name, format) in ((string, SKEncodedImageFormat)[])[("a.png", SKEncodedImageFormat.Png), ("a.jpg", SKEncodedImageFormat.Jpeg), ("a.webp", SKEncodedImageFormat.Webp)])
            {
                using var data = bitmap.Encode(format, 90);
                File.WriteAllBytes(Folder[name], data.ToArray());
            }
        }

        File.Copy(Fixture("grayscale-kinds/one.gif"), Folder["a.gif"]);
        File.Copy(Fixture("grayscale-kinds/one.bmp"), Folder["a.bmp"]);
        MakeModels();
        foreach (string name in Names)
        {
            Kinds[name] = (File.ReadAllBytes(Folder[name]), ReaderOf(name));
        }
    }

    [OneTimeTearDown]
    public void Delete() => Folder.Dispose();

    [TestCaseSource(nameof(Names))]
    public void Read_OfDamagedFiles_GivesDataOrADocumentedException(string name)
    {
        var (file, read) = Kinds[name];
        read(file); // as it is
        var random = new Random(Names.ToList().IndexOf(name));
        for (int i = 0; i < Cases; i++)
        {
            byte[] damaged = Damage(file, random);
            Exception? failure = null;
            long allocated = 0;
            var time = Stopwatch.StartNew();
            var thread = new Thread(() =>
            {
                long before = GC.GetAllocatedBytesForCurrentThread();
                try
                {
                    read(damaged);
                }
                catch (Exception e)
                {
                    failure = e;
                }

                allocated = GC.GetAllocatedBytesForCurrentThread() - before;
            });
            thread.Start();

            Assert.That(thread.Join(MostTime), $"case {i} hangs");
            Assert.That(failure, Is.Null.Or.InstanceOf<InvalidDataException>().Or.InstanceOf<IOException>(), $"case {i}");
            Assert.That(failure?.Message, Is.Null.Or.Not.Empty);
            Assert.That(allocated, Is.LessThan(MostAllocated), $"case {i}: {failure?.Message}");
        }
    }

    private static void MakeModels()
    {
        using var test = new TestVae("mlp", "squared-error", posterior: PosteriorKind.Rounded, with: options => options with { Prior = new FactorizedDensity(5) });
        RunExport.Write(test.Package, test.States.Snapshot(), Folder["export"]);
        foreach (string model in (string[])["decoder.onnx", "encoder.onnx"])
        {
            File.Copy(Folder[$"export/{model}"], Folder[model]);
        }

        File.Copy(Folder["decoder.onnx"], Folder["model.onnx"]);
        test.Package.CopyTo(Folder["package"]);
        File.Copy(Folder["package/manifest.json"], Folder["manifest.json"]);
        new Checkpoint(3, 1, test.Package.Identity, test.States.Snapshot()).Save(Folder["checkpoint.safetensors"]);
        File.WriteAllLines(Folder["metrics.jsonl"], Enumerable.Range(1, 20).Select(step => $"{{\"step\":{step},\"loss\":{100.0 / step}}}"));
        using var file = File.Create(Folder["a.latents"]);
        LatentCodec.Load(Folder["export/density.onnx"]).Write(file, 20, [[.. Enumerable.Range(0, 100).Select(i => (float)((i % 3) - 1))]]);
    }

    private static Action<byte[]> ReaderOf(string name)
    {
        string path = Directory.CreateDirectory(Folder[$"damaged-{name}"]).FullName, file = Path.Combine(path, name);
        switch (name)
        {
            case "checkpoint.safetensors":
                var package = TrainingPackage.Open(Folder["package"]);
                return bytes => Checkpoint.Load(Written(bytes), package);
            case "manifest.json":
                package = TrainingPackage.Open(Folder["package"]);
                package.CopyTo(path);
                return bytes =>
                {
                    Written(bytes);
                    _ = TrainingPackage.Open(path).Identity;
                };
            case "metrics.jsonl":
                return bytes => MetricsLog.Read(Written(bytes));
            case "decoder.onnx":
                return bytes =>
                {
                    using var decoder = VaeDecoder.Load(bytes, new VaeOptions { ThreadsPerRun = 1 });
                };
            case "encoder.onnx":
                return bytes =>
                {
                    using var encoder = VaeEncoder.Load(bytes, new VaeOptions { ThreadsPerRun = 1 });
                };
            case "model.onnx":
                return bytes => OnnxModel.Load(Written(bytes));
            case "a.latents":
                var codec = LatentCodec.Load(Folder["export/density.onnx"]);
                return bytes =>
                {
                    var (count, rows) = codec.Read(new MemoryStream(bytes));
                    foreach (float[] row in rows)
                    {
                        Assert.That(row, Has.Length.EqualTo(5));
                    }
                };
            case var image when EncodedImage.IsNamedLikeOne(image):
                return bytes => ImageFiles.Decode(image, bytes, 3, 16, 16);
            default:
                return bytes =>
                {
                    var data = ImageData.Open(name.Contains("idx", StringComparison.Ordinal) ? Path.GetDirectoryName(Written(bytes))! : Written(bytes), new ImageOptions { Size = (8, 8) });
                    for (int i = 0; i < Math.Min(10, data.All.Count); i++)
                    {
                        _ = Read(data.All, i);
                        _ = data.All.Classes.Count > 0 ? data.All.LabelOf(i) : 0;
                        _ = data.All.NameOf(i);
                    }
                };
        }

        string Written(byte[] bytes)
        {
            File.WriteAllBytes(file, bytes);
            return file;
        }
    }

    private static byte[] Damage(byte[] file, Random random)
    {
        byte[] damaged = [.. file];
        for (int times = random.Next(1, 4); times > 0; times--)
        {
            int at = random.Next(Math.Max(1, damaged.Length)), length = Math.Min(random.Next(1, 16), damaged.Length - at);
            switch (random.Next(7))
            {
                case 0 when damaged.Length > 0:
                    damaged[at] ^= (byte)(1 << random.Next(8));
                    break;
                case 1:
                    damaged = damaged[..at];
                    break;
                case 2:
                    random.NextBytes(damaged.AsSpan(at, length));
                    break;
                case 3 when damaged.Length >= at + 8:
                    long extreme = ((long[])[0, -1, int.MaxValue, int.MinValue, long.MaxValue, long.MinValue, uint.MaxValue, 1])[random.Next(8)];
                    BinaryPrimitives.WriteInt64LittleEndian(damaged.AsSpan(at), random.Next(2) == 0 ? extreme : BinaryPrimitives.ReverseEndianness(extreme));
                    break;
                case 4:
                    damaged = [.. damaged[..at], .. damaged[(at + length)..]];
                    break;
                case 5:
                    damaged = [.. damaged[..at], .. damaged.AsSpan(random.Next(Math.Max(1, damaged.Length - length)), Math.Max(0, Math.Min(length, damaged.Length))), .. damaged[at..]];
                    break;
                default:
                    byte[] digits = Encoding.ASCII.GetBytes($"{random.NextInt64()}");
                    digits.AsSpan(0, Math.Min(digits.Length, damaged.Length - at)).CopyTo(damaged.AsSpan(at));
                    break;
            }
        }

        return damaged;
    }

    private static void Compress(string from, string to)
    {
        using var file = File.Create(Folder[to]);
        using var gzip = new GZipStream(file, CompressionLevel.Fastest);
        gzip.Write(File.ReadAllBytes(Folder[from]));
    }
}
