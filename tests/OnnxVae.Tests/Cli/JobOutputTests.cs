using System.Formats.Tar;
using System.Runtime.InteropServices;
using OnnxVae.Cli.Batch.Outputs;
using OnnxVae.Tests.Support;
using OnnxVae.Training.Data;
using Parquet;
using Parquet.Schema;

namespace OnnxVae.Tests.Cli;

/// <summary>What jobs over many images write: the kinds of files, the values of latents, and lists of what was left out.</summary>
internal sealed class JobOutputTests : JobFixture
{
    [TestCase("png", 0x89)]
    [TestCase("jpeg", 0xFF)]
    [TestCase("webp", (byte)'R')]
    public void Generate_ToTar_HoldsImagesOfTheFormat(string format, int firstByte)
    {
        string decoder = Path.Combine(Models.Export("conv"), "decoder.onnx");
        Support.Cli.Succeed("generate", decoder, "--count", "5", "--format", format, "--quality", "95", "--out", Folder["images.tar"]);
        Support.Cli.Succeed("generate", decoder, "--count", "5", "--out", Folder["images.npy"]);
        var names = new List<string>();
        using (var tar = new TarReader(File.OpenRead(Folder["images-000000.tar"])))
        {
            while (tar.GetNextEntry() is { } entry)
            {
                names.Add(entry.Name);
                Assert.That(entry.DataStream!.ReadByte(), Is.EqualTo(firstByte));
            }
        }

        Assert.That(names, Is.EqualTo(Enumerable.Range(0, 5).Select(i => $"{i:D8}.{format}")));
        var (inTar, exact) = (ImageData.Open(Folder["images-000000.tar"]).All, ImageData.Open(Folder["images.npy"]).All);
        byte[] first = new byte[inTar.ImageSize], second = new byte[exact.ImageSize];
        inTar.Read(3, first);
        exact.Read(3, second);
        Assert.That(first.Zip(second).Average(pair => Math.Abs(pair.First - pair.Second)), Is.LessThan(format == "png" ? 0.01 : 12));
    }

    [Test]
    public void Generate_OfFloats_WritesThemUnrounded()
    {
        string decoder = Path.Combine(Models.Export("mlp"), "decoder.onnx");
        Support.Cli.Succeed("generate", decoder, "--count", "5", "--seed", "3", "--float", "--out", Folder["images.npy"]);

        var (type, shape, data) = Npy.Read(File.ReadAllBytes(Folder["images.npy"]), "images.npy");
        using var vae = OnnxVae.Inference.VaeDecoder.Load(decoder);
        Assert.That((type, shape), Is.EqualTo(("<f4", (long[])[5, 1, 9, 8])));
        Assert.That(MemoryMarshal.Cast<byte, float>(data.Span).ToArray(), Is.EqualTo(vae.Generate(count: 5, seed: 3)).Within(1e-6f));
        Assert.That(Support.Cli.Run("generate", decoder, "--count", "5", "--float", "--out", Folder["images"]).Error, Does.StartWith($"onnxvae: --float needs a .npy, but --out is '{Folder["images"]}': pictures hold 8-bit pixels."));
        Assert.That(Support.Cli.Run("generate", decoder, "--count", "5", "--seed", "3", "--out", Folder["images.npy"]).Error, Does.Contain("belongs to another job: its float is"));
    }

    [Test]
    public void Generate_PastTenThousand_MakesSubfolders()
    {
        Support.Cli.Succeed("generate", Path.Combine(Models.Export("mlp"), "decoder.onnx"), "--count", "10001", "--out", Folder["images"]);

        Assert.That(Directory.GetFiles(Folder["images/000000"]), Has.Length.EqualTo(10_000));
        Assert.That(Directory.GetFiles(Folder["images/000001"]).Select(Path.GetFileName), Is.EqualTo((string[])["00010000.png"]));
    }

    [Test]
    public void ArrayFile_FlushedWhileItGrows_KeepsRowsAndNamesTogether()
    {
        const int count = 200_000;
        using (var file = new ArrayFile(Folder["z.npy"], "<f4", [1], new OnnxVae.Inference.ImageRange(0, count), hasNames: true, TimeSpan.Zero))
        {
            for (int i = 0; i < count; i++)
            {
                file.Append(BitConverter.GetBytes((float)i), System.Text.Encoding.UTF8.GetBytes($"{i}\n"), i + 1);
            }

            file.Finish();
        }

        Assert.That(File.ReadLines(Folder["z.npy.names.txt"]), Is.EqualTo(Enumerable.Range(0, count).Select(i => $"{i}")));
        Assert.That(Floats("z.npy"), Is.EqualTo(Enumerable.Range(0, count).Select(i => (float)i)));
    }

    [Test]
    public async Task Encode_ToParquet_HoldsNamesAndLatentsOfTheNpy()
    {
        string models = Models.Export("conv");
        Support.Cli.Succeed("generate", Path.Combine(models, "decoder.onnx"), "--count", "30", "--out", Folder["Größe 1"]);
        string encoder = Path.Combine(models, "encoder.onnx");
        Support.Cli.Succeed("encode", encoder, "--data", Folder["Größe 1"], "--out", Folder["latents.npy"]);
        Support.Cli.Succeed("encode", encoder, "--data", Folder["Größe 1"], "--out", Folder["latents.parquet"]);

        float[] expected = Floats("latents.npy"); // [30, 2, 4]
        await using var reader = await ParquetReader.CreateAsync(Folder["latents.parquet"]);
        using var group = reader.OpenRowGroupReader(0);
        string?[] names = new string?[30];
        await group.ReadAsync((DataField)reader.Schema[0], names.AsMemory());
        Assert.That(names, Is.EqualTo(Enumerable.Range(0, 30).Select(i => $"{i:D8}.png")));
        for (int part = 0; part < 2; part++)
        {
            var values = new float[30 * 4];
            int[] repetitions = new int[values.Length], definitions = new int[values.Length];
            await group.ReadRawAsync<float>((DataField)((ListField)reader.Schema[part + 1]).Item, values, definitions, repetitions, CancellationToken.None);
            Assert.That(values, Is.EqualTo(Enumerable.Range(0, 30).SelectMany(row => expected.AsSpan(((row * 2) + part) * 4, 4).ToArray())));
            Assert.That(repetitions, Is.EqualTo(Enumerable.Range(0, 120).Select(i => i % 4 == 0 ? 0 : 1)));
        }
    }

    [Test]
    public void Encode_ToSamples_DrawsAroundTheMeans()
    {
        string models = Models.Export("mlp"), encoder = Path.Combine(models, "encoder.onnx");
        Support.Cli.Succeed("generate", Path.Combine(models, "decoder.onnx"), "--count", "2000", "--out", Folder["data.npy"]);
        foreach (string values in LatentOutput.Values)
        {
            Support.Cli.Succeed("encode", encoder, "--data", Folder["data.npy"], "--values", values, "--seed", "4", "--out", Folder[$"{values}.npy"]);
        }

        float[] both = Floats("mean-and-log-variance.npy"), means = Floats("mean.npy"), samples = Floats("sample.npy");
        Assert.That(means, Is.EqualTo(both.Chunk(5).Where((_, i) => i % 2 == 0).SelectMany(row => row)));
        double[] eps = [.. samples.Select((z, i) => (z - means[i]) / Math.Exp(0.5 * both[(i / 5 * 10) + 5 + (i % 5)]))];
        Assert.That(eps.Average(), Is.Zero.Within(0.05));
        Assert.That(eps.Average(e => e * e), Is.EqualTo(1).Within(0.05));
    }

    [Test]
    public void Encode_OfCorruptImages_ListsThemAndLeavesThemOut()
    {
        string models = Models.Export("conv"), encoder = Path.Combine(models, "encoder.onnx");
        Support.Cli.Succeed("generate", Path.Combine(models, "decoder.onnx"), "--count", "80", "--out", Folder["data"]);
        Support.Cli.Succeed("encode", encoder, "--data", Folder["data"], "--values", "mean", "--out", Folder["whole.npy"]);
        File.WriteAllText(Folder["data/00000007.png"], "no image");
        File.WriteAllBytes(Folder["data/00000070.png"], File.ReadAllBytes(Folder["data/00000070.png"])[..60]);
        string[] job = ["encode", encoder, "--data", Folder["data"], "--values", "mean", "--out", Folder["z.npy"]];

        var (exitCode, _, error) = Support.Cli.Run(job);
        Assert.That(exitCode, Is.EqualTo(1));
        Assert.That(error, Does.Match(@"onnxvae: '000000[07]7?0?\.png' is not an image that can be read: remove it, or give --skip-corrupt to leave such files out\."));
        Assert.That(File.Exists(Folder["z.npy"]), Is.False);

        string said = Support.Cli.Succeed([.. job, "--skip-corrupt"]);
        Assert.That(said, Is.EqualTo(
            $"Encoded 78 images: {Folder["z.npy"]}{Environment.NewLine}2 images were skipped because they cannot be read, as listed in {Folder["z.npy.corrupt.txt"]}{Environment.NewLine}"));
        Assert.That(File.ReadAllLines(Folder["z.npy.corrupt.txt"]).Select(line => line.Split('\t')[..2]), Is.EqualTo((string[][])[["7", "00000007.png"], ["70", "00000070.png"]]));
        Assert.That(Support.Cli.Succeed(job), Does.StartWith("Nothing was left to do").And.Contains("2 images were skipped"), "also without the option");
        Assert.That(File.ReadAllLines(Folder["z.npy.corrupt.txt"]), Has.Length.EqualTo(2));
        Assert.That(File.ReadAllLines(Folder["z.npy.names.txt"]), Has.Length.EqualTo(78).And.None.EqualTo("00000007.png"));
        Assert.That(Floats("z.npy"), Is.EqualTo(Floats("whole.npy").Chunk(4).Where((_, i) => i is not (7 or 70)).SelectMany(row => row)));
    }

    [Test]
    public void CorruptImages_AfterAKillWhileALineWasWritten_KnowsTheWholeLines()
    {
        File.WriteAllText(Folder["list.txt"], "3\ta.png\tis no image that can be read\n12\tb.p");
        File.WriteAllText(Folder["list.txt.0123.tmp"], "left behind");

        var corrupt = new OnnxVae.Cli.Batch.CorruptImages(Folder["list.txt"], skip: true);

        Assert.That((corrupt.Count, corrupt.Contains(3), corrupt.Contains(12)), Is.EqualTo((1, true, false)));
        Assert.That(File.ReadAllText(Folder["list.txt"]), Is.EqualTo("3\ta.png\tis no image that can be read\n"));
        Assert.That(File.Exists(Folder["list.txt.0123.tmp"]), Is.False);
    }

    private float[] Floats(string file) => MemoryMarshal.Cast<byte, float>(Npy.Read(File.ReadAllBytes(Folder[file]), file).Data.Span).ToArray();
}
