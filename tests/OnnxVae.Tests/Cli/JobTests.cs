using System.Diagnostics;
using OnnxVae.Tests.Support;
using OnnxVae.Training.Data;

namespace OnnxVae.Tests.Cli;

/// <summary>Jobs over many images: the same bytes however the work is divided, interrupted and taken up again.</summary>
internal sealed class JobTests : JobFixture
{
    [TestCase("mlp", null)]
    [TestCase("conv", null)]
    [TestCase("conv", "cpu")]
    [TestCase("residual", "cpu")]
    public void Generate_OfAnyBatchThreadsAndShards_GivesTheSameBytes(string network, string? provider)
    {
        string decoder = Path.Combine(Models.Export(network, provider), "decoder.onnx");
        byte[] expected = Generate("whole.npy", []);

        foreach (string batch in (string[])["1", "7", "256"])
        {
            foreach (string threads in (string[])["1", "2"])
            {
                Assert.That(Generate($"{batch}-{threads}.npy", ["--batch", batch, "--threads", threads]), Is.EqualTo(expected), $"{batch} images, {threads} threads");
            }
        }

        byte[] ofShards = [.. Enumerable.Range(0, 4).SelectMany(i => Generate($"shards.npy", ["--shard", $"{i}/4"], $"shards-{i}-of-4.npy"))];
        Assert.That(ofShards, Is.EqualTo(expected));

        byte[] Generate(string name, string[] options, string? file = null)
        {
            Support.Cli.Succeed(["generate", decoder, "--count", "1001", "--seed", "9", "--out", Folder[name], .. options]);
            return Npy.Read(File.ReadAllBytes(Folder[file ?? name]), name).Data.ToArray();
        }
    }

    [TestCase("images")]
    [TestCase("images.tar")]
    public void Generate_InShardsByProcesses_GivesTheFilesOfOneJob(string output)
    {
        string decoder = Path.Combine(Models.Export("mlp"), "decoder.onnx");
        string[] job = ["generate", decoder, "--count", "20000", "--seed", "2", "--out"];
        Support.Cli.Succeed([.. job, Folder[$"whole/{output}"]]);

        Process[] shards = [.. Enumerable.Range(0, 4).Select(i => Support.Cli.Start([.. job, Folder[$"shards/{output}"], "--shard", $"{i}/4"]))];
        Array.ForEach(shards, Complete);

        AssertSameFiles(Folder["shards"], Folder["whole"]);
    }

    [TestCase("encode", "latents.npy")]
    [TestCase("reconstruct", "images.npy")]
    [TestCase("reconstruct", "images")]
    public void ImagesInShards_GiveTheBytesOfOneJob(string verb, string output)
    {
        string models = Models.Export("conv", "cpu");
        Support.Cli.Succeed("generate", Path.Combine(models, "decoder.onnx"), "--count", "300", "--out", Folder["data"]);
        string[] job = [verb, verb == "encode" ? Path.Combine(models, "encoder.onnx") : models, "--data", Folder["data"], "--out"];
        string[] split = verb == "encode" ? [] : ["--split", "all"];
        Support.Cli.Succeed([.. job, Folder[$"whole/{output}"], .. split, "--batch", "256"]);

        for (int i = 0; i < 3; i++)
        {
            Support.Cli.Succeed([.. job, Folder[$"shards/{output}"], .. split, "--shard", $"{i}/3", "--threads", "1"]);
        }

        if (output.EndsWith(".npy", StringComparison.Ordinal))
        {
            byte[] Rows(string file) => Npy.Read(File.ReadAllBytes(Folder[file]), file).Data.ToArray();
            string name = Path.GetFileNameWithoutExtension(output);
            Assert.That(Enumerable.Range(0, 3).SelectMany(i => Rows($"shards/{name}-{i}-of-3.npy")), Is.EqualTo(Rows($"whole/{output}")));
        }
        else
        {
            AssertSameFiles(Folder["shards"], Folder["whole"]);
        }
    }

    [TestCase("images.npy", 120_000, "images.npy.progress.json", 1)] // the file of progress appears after a second
    [TestCase("images", 30_000, "images/*/*.png", 400)]
    [TestCase("images.tar", 30_000, "images-*.tar", 1)]
    public void Generate_KilledAndStartedAgain_GivesTheFilesOfOneJob(string output, int count, string appears, int times)
    {
        string decoder = Path.Combine(Models.Export("residual"), "decoder.onnx");
        string[] job = ["generate", decoder, "--count", $"{count}", "--threads", "1", "--out"];
        Support.Cli.Succeed([.. job, Folder[$"whole/{output}"]]);
        Directory.CreateDirectory(Folder["killed"]);
        Support.Cli.StartAndKill(
            () => Matches(appears) >= times, () => SameFilesAsYet() == Directory.GetFiles(Folder["whole"], "*", SearchOption.AllDirectories).Length,
            () =>
            {
                Directory.Delete(Folder["killed"], recursive: true);
                Directory.CreateDirectory(Folder["killed"]);
            },
            [.. job, Folder[$"killed/{output}"]]);
        if (output.EndsWith(".npy", StringComparison.Ordinal))
        {
            var shape = ReadPartial(Folder["killed/images.npy.partial"]).Shape;
            Assert.That(shape[0], Is.GreaterThan(0).And.LessThan(count));
        }

        using (var again = Support.Cli.Start([.. job, Folder[$"killed/{output}"]]))
        {
            Complete(again);
        }

        AssertSameFiles(Folder["killed"], Folder["whole"]);

        // Everything that has its final name has its final content.
        int SameFilesAsYet() => Directory.GetFiles(Folder["killed"], "*", SearchOption.AllDirectories)
            .Where(file => !file.EndsWith(".tmp", StringComparison.Ordinal) && !file.Contains(".npy.", StringComparison.Ordinal) && !file.EndsWith(".lock", StringComparison.Ordinal))
            .Count(file =>
            {
                Assert.That(File.ReadAllBytes(file), Is.EqualTo(File.ReadAllBytes(file.Replace("killed", "whole", StringComparison.Ordinal))), file);
                return true;
            });

        int Matches(string pattern)
        {
            string folder = Path.Combine(Folder["killed"], Path.GetDirectoryName(pattern)!.Replace("/*", "", StringComparison.Ordinal));
            return Directory.Exists(folder) ? Directory.GetFiles(folder, Path.GetFileName(pattern), SearchOption.AllDirectories).Length : 0;
        }
    }

    [TestCase("images.npy", "images.npy")]
    [TestCase("images.tar", "images-000000.tar, ...")]
    [TestCase("images", "images")]
    public void Generate_OfFinishedJob_DoesNothing(string output, string shown)
    {
        string[] job = ["generate", Path.Combine(Models.Export("mlp"), "decoder.onnx"), "--count", "50", "--out", Folder[output]];
        Support.Cli.Succeed(job);
        var times = Directory.GetFiles(Folder.Path, "*", SearchOption.AllDirectories).Where(file => !file.EndsWith("job.json", StringComparison.Ordinal)).ToDictionary(file => file, File.GetLastWriteTimeUtc);

        Assert.That(Support.Cli.Succeed(job), Is.EqualTo($"Nothing was left to do: {Folder[shown]}{Environment.NewLine}"));
        Assert.That(times, Has.All.Matches<KeyValuePair<string, DateTime>>(file => File.GetLastWriteTimeUtc(file.Key) == file.Value));
    }

    [Test]
    public void Generate_OfMissingImage_MakesItAgain()
    {
        string[] job = ["generate", Path.Combine(Models.Export("mlp"), "decoder.onnx"), "--count", "50", "--out", Folder["images"]];
        Support.Cli.Succeed(job);
        byte[] before = File.ReadAllBytes(Folder["images/00000031.png"]);
        File.Delete(Folder["images/00000031.png"]);
        File.WriteAllBytes(Folder["images/00000040.png"], []); // as a crash of the machine may leave it

        Assert.That(Support.Cli.Succeed(job), Does.StartWith("Generated 2 images"));
        Assert.That(File.ReadAllBytes(Folder["images/00000031.png"]), Is.EqualTo(before));
    }

    [TestCase(1, 8192, 1)]
    [TestCase(1001, 1, 4)]
    [TestCase(long.MaxValue, 1, 64)]
    [TestCase(long.MaxValue, 8192, 64)]
    public void RangeOf_Shards_CoversAllImagesOnce(long total, long unit, int shards)
    {
        long next = 0;
        for (int i = 0; i < shards; i++)
        {
            var range = new OnnxVae.Cli.Batch.Shard(i, shards).RangeOf(total, unit);
            Assert.That(range.First, Is.EqualTo(next));
            Assert.That(range.First % unit == 0 || range.First == total);
            next = range.End;
        }

        Assert.That(next, Is.EqualTo(total));
    }

    [Test]
    public void Generate_OfMoreShardsThanImages_LeavesTheRestEmpty()
    {
        string decoder = Path.Combine(Models.Export("mlp"), "decoder.onnx");
        long[] rows = [.. Enumerable.Range(0, 4).Select(i =>
        {
            Support.Cli.Succeed("generate", decoder, "--count", "2", "--shard", $"{i}/4", "--out", Folder["new/images.npy"]);
            return Npy.Read(File.ReadAllBytes(Folder[$"new/images-{i}-of-4.npy"]), "").Shape[0];
        })];

        Assert.That(rows, Is.EqualTo((long[])[0, 1, 0, 1]));
    }

    // Their floats take 220 MB: a job that kept them, or what is made of them, would not get through with 40.
    [TestCase("images.npy")]
    [TestCase("images.tar")]
    [TestCase("images")]
    public void Generate_OfManyImages_TakesBoundedMemory(string output)
    {
        var start = new ProcessStartInfo(
            "dotnet",
            [
                Path.Combine(AppContext.BaseDirectory, "onnxvae.dll"), "generate", Path.Combine(Models.Export("conv"), "decoder.onnx"), "--count", output == "images" ? "20000" : "60000", "--threads", "2", "--out",
                Folder[output],
            ])
        {
            RedirectStandardError = true,
            RedirectStandardOutput = true,
        };
        start.Environment["DOTNET_GCHeapHardLimit"] = "0x2800000"; // bytes
        using var process = Process.Start(start)!;
        Complete(process);
    }

    // The header counts only rows that are there; more may follow.
    private static NpyHeader ReadPartial(string file)
    {
        byte[] bytes = File.ReadAllBytes(file);
        var header = Npy.TryReadHeader(bytes)!;
        Assert.That(bytes.Length - header.Length, Is.GreaterThanOrEqualTo(header.Shape.Aggregate(1L, (product, size) => product * size)));
        return header;
    }

    private static void Complete(Process process)
    {
        string error = process.StandardError.ReadToEnd();
        process.WaitForExit();
        Assert.That(process.ExitCode, Is.Zero, error);
    }

    private static void AssertSameFiles(string actual, string expected)
    {
        string[] Files(string folder) => [.. Directory.GetFiles(folder, "*", SearchOption.AllDirectories).Select(file => Path.GetRelativePath(folder, file)).Order(StringComparer.Ordinal)];
        string[] files = Files(expected);
        Assert.That(Files(actual), Is.EqualTo(files));
        Assert.That(files.Where(file => !File.ReadAllBytes(Path.Combine(actual, file)).AsSpan().SequenceEqual(File.ReadAllBytes(Path.Combine(expected, file)))), Is.Empty);
    }
}
