using System.Diagnostics;
using System.Formats.Tar;
using System.Runtime.InteropServices;
using OnnxVae.Cli.Jobs.Outputs;
using OnnxVae.Tests.Support;
using OnnxVae.Training.Data;
using Parquet;
using Parquet.Schema;

namespace OnnxVae.Tests.Cli;

/// <summary>Jobs over many images: the same bytes however the work is divided, interrupted and taken up again.</summary>
internal sealed class JobTests : FolderFixture
{
    private static readonly ExportedModels Models = new();

    [OneTimeTearDown]
    public void DeleteModels() => Models.Dispose();

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
        using (var process = Support.Cli.Start([.. job, Folder[$"killed/{output}"]]))
        {
            Support.Cli.WaitFor(() => Matches(appears) >= times, process);
            process.Kill(entireProcessTree: true); // SIGKILL
            process.WaitForExit();
        }

        Assert.That(SameFilesAsYet, Is.LessThan(Directory.GetFiles(Folder["whole"], "*", SearchOption.AllDirectories).Length), "the process was killed before it had finished");
        if (output.EndsWith(".npy", StringComparison.Ordinal))
        {
            var (_, shape, _) = ReadPartial(Folder["killed/images.npy.partial"]);
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

    [TestCase("images.npy")]
    [TestCase("images.tar")]
    [TestCase("images")]
    public void Generate_OfFinishedJob_DoesNothing(string output)
    {
        string[] job = ["generate", Path.Combine(Models.Export("mlp"), "decoder.onnx"), "--count", "50", "--out", Folder[output]];
        Support.Cli.Succeed(job);
        var times = Directory.GetFiles(Folder.Path, "*", SearchOption.AllDirectories).Where(file => !file.EndsWith("job.json", StringComparison.Ordinal)).ToDictionary(file => file, File.GetLastWriteTimeUtc);

        Assert.That(Support.Cli.Succeed(job), Is.EqualTo($"Nothing was left to do: {Folder[output]}{Environment.NewLine}"));
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

    [Test]
    public void Generate_OfAnotherJobIntoItsOutput_IsRefused()
    {
        string decoder = Path.Combine(Models.Export("mlp"), "decoder.onnx");
        Support.Cli.Succeed("generate", decoder, "--count", "5", "--out", Folder["a.npy"]);

        var (exitCode, _, error) = Support.Cli.Run("generate", decoder, "--count", "5", "--seed", "2", "--out", Folder["a.npy"]);

        Assert.That(exitCode, Is.EqualTo(1));
        Assert.That(error, Is.EqualTo(
            $"onnxvae: '{Folder["a.npy.job.json"]}' belongs to another job: its seed is 1, but 2 is asked for. Give another --out, or delete the old job's files.{Environment.NewLine}"));
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
            var range = new OnnxVae.Cli.Jobs.Shard(i, shards).RangeOf(total, unit);
            Assert.That(range.First, Is.EqualTo(next));
            Assert.That(range.First % unit == 0 || range.First == total);
            next = range.End;
        }

        Assert.That(next, Is.EqualTo(total));
    }

    [Test]
    public void Generate_FromAnotherPriorIntoItsOutput_IsRefused()
    {
        string decoder = Path.Combine(Models.Export("mlp"), "decoder.onnx");
        Support.Cli.Succeed("generate", decoder, "--count", "5", "--out", Folder["images"]);

        var (exitCode, _, error) = Support.Cli.Run("generate", decoder, "--count", "5", "--prior", "standard-normal", "--out", Folder["images"]);

        Assert.That(exitCode, Is.EqualTo(1));
        Assert.That(error, Does.Contain("its drawnFrom is \"model\", but \"standard-normal\" is asked for."));
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

    [TestCase("samples.npy", "samples.npy")]
    [TestCase("samples.npy", "samples.npy.partial")]
    [TestCase("samples.tar", "samples-000000.tar")]
    public void Generate_IntoFilesOfSomethingElse_IsRefused(string output, string file)
    {
        File.WriteAllText(Folder[file], "mine");

        var (exitCode, _, error) = Support.Cli.Run("generate", Path.Combine(Models.Export("mlp"), "decoder.onnx"), "--count", "5", "--out", Folder[output]);

        Assert.That(exitCode, Is.EqualTo(1));
        Assert.That(error.TrimEnd(), Is.EqualTo($"onnxvae: The file '{Folder[file]}' exists, and no job of this kind made it: give another --out, or delete it."));
        Assert.That(File.ReadAllText(Folder[file]), Is.EqualTo("mine"));
    }

    [Test]
    public void Generate_BesideItself_IsRefused()
    {
        string[] job = ["generate", Path.Combine(Models.Export("residual"), "decoder.onnx"), "--count", "30000", "--shard", "1/2", "--out", Folder["images"]];
        using var process = Support.Cli.Start(job);
        Support.Cli.WaitFor(() => File.Exists(Folder["images/job-1-of-2.lock"]), process);

        var (exitCode, _, error) = Support.Cli.Run(job);
        process.Kill();
        process.WaitForExit();

        Assert.That(exitCode, Is.EqualTo(1));
        Assert.That(error.TrimEnd(), Is.EqualTo($"onnxvae: Another process works on this part of '{Folder["images"]}': wait until it has ended, or choose another --out."));
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
    public void Generate_PastTenThousand_MakesSubfolders()
    {
        Support.Cli.Succeed("generate", Path.Combine(Models.Export("mlp"), "decoder.onnx"), "--count", "10001", "--out", Folder["images"]);

        Assert.That(Directory.GetFiles(Folder["images/000000"]), Has.Length.EqualTo(10_000));
        Assert.That(Directory.GetFiles(Folder["images/000001"]).Select(Path.GetFileName), Is.EqualTo((string[])["00010000.png"]));
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
        Assert.That(error, Does.Match(@"onnxvae: '000000[07]7?0?\.png' is no image that can be read: remove it, or give --skip-corrupt to leave such files out\."));
        Assert.That(File.Exists(Folder["z.npy"]), Is.False);

        string said = Support.Cli.Succeed([.. job, "--skip-corrupt"]);
        Assert.That(said, Is.EqualTo(
            $"Encoded 78 images: {Folder["z.npy"]}{Environment.NewLine}2 images were left out, because they cannot be read; they are listed in {Folder["z.npy.corrupt.txt"]}{Environment.NewLine}"));
        Assert.That(File.ReadAllLines(Folder["z.npy.corrupt.txt"]).Select(line => line.Split('\t')[..2]), Is.EqualTo((string[][])[["7", "00000007.png"], ["70", "00000070.png"]]));
        Assert.That(Support.Cli.Succeed(job), Does.StartWith("Nothing was left to do").And.Contains("2 images were left out"), "also without the option");
        Assert.That(File.ReadAllLines(Folder["z.npy.corrupt.txt"]), Has.Length.EqualTo(2));
        Assert.That(File.ReadAllLines(Folder["z.npy.names.txt"]), Has.Length.EqualTo(78).And.None.EqualTo("00000007.png"));
        Assert.That(Floats("z.npy"), Is.EqualTo(Floats("whole.npy").Chunk(4).Where((_, i) => i is not (7 or 70)).SelectMany(row => row)));
    }

    [Test]
    public void CorruptImages_AfterAKillWhileALineWasWritten_KnowsTheWholeLines()
    {
        File.WriteAllText(Folder["list.txt"], "3\ta.png\tis no image that can be read\n12\tb.p");
        File.WriteAllText(Folder["list.txt.0123.tmp"], "left behind");

        var corrupt = new OnnxVae.Cli.Jobs.CorruptImages(Folder["list.txt"], skip: true);

        Assert.That((corrupt.Count, corrupt.Contains(3), corrupt.Contains(12)), Is.EqualTo((1, true, false)));
        Assert.That(File.ReadAllText(Folder["list.txt"]), Is.EqualTo("3\ta.png\tis no image that can be read\n"));
        Assert.That(File.Exists(Folder["list.txt.0123.tmp"]), Is.False);
    }

    [TestCase("generate", "decoder.onnx", "x.parquet", "--out is '{0}'; images go to a folder, a .npy or a .tar.")]
    [TestCase("encode", "encoder.onnx", "x.tar", "--out is '{0}'; latents go to a .npy or a .parquet.")]
    public void Job_IntoWhatItDoesNotWrite_LeavesNothingBehind(string verb, string model, string output, string message)
    {
        string[] data = verb == "encode" ? ["--data", "sprites"] : [];
        var (exitCode, _, error) = Support.Cli.Run([verb, Path.Combine(Models.Export("mlp"), model), .. data, "--out", Folder[output]]);

        Assert.That(exitCode, Is.EqualTo(2));
        Assert.That(error.TrimEnd(), Is.EqualTo($"onnxvae: {string.Format(System.Globalization.CultureInfo.InvariantCulture, message, Folder[output])}"));
        Assert.That(Directory.EnumerateFileSystemEntries(Folder.Path), Is.Empty);
    }

    [Test]
    public void Generate_OfWhichPartsWereDeleted_SaysWhatToDelete()
    {
        string[] job = ["generate", Path.Combine(Models.Export("mlp"), "decoder.onnx"), "--count", "500", "--out", Folder["a.npy"]];
        Support.Cli.Succeed(job);
        File.Delete(Folder["a.npy"]);
        File.WriteAllText(Folder["a.npy.progress.json"], """{"Next": 300, "Rows": 300, "NamesLength": 0}""");

        var (exitCode, _, error) = Support.Cli.Run(job);
        Assert.That(exitCode, Is.EqualTo(1));
        Assert.That(error.TrimEnd(), Is.EqualTo($"onnxvae: '{Folder["a.npy.progress.json"]}' does not fit to the files beside it: delete it to begin again."));

        File.Delete(Folder["a.npy.progress.json"]);
        Assert.That(Support.Cli.Succeed(job), Does.StartWith("Generated 500 images"));
    }

    [TestCase("images.npy")]
    [TestCase("images.tar")]
    public void Generate_OfManyImages_KeepsMemoryFlat(string output)
    {
        var samples = new List<long>();
        using var process = Support.Cli.Start("generate", Path.Combine(Models.Export("mlp"), "decoder.onnx"), "--count", "200000", "--out", Folder[output]);
        while (!process.HasExited)
        {
            process.Refresh();
            samples.Add(process.HasExited ? 0 : process.WorkingSet64);
            Thread.Sleep(5);
        }

        Complete(process);
        samples.RemoveAll(bytes => bytes == 0);
        double Megabytes(Range part) => samples.ToArray()[part].Average() / 1e6;
        Assert.That(samples, Has.Count.GreaterThan(12));
        Assert.That(Megabytes((samples.Count * 3 / 4)..) - Megabytes((samples.Count / 3)..(samples.Count / 2)), Is.LessThan(40), "MB of growth over the second half");
    }

    [Test]
    public void Generate_OnFullDisk_SaysSoAndContinuesLater()
    {
        RequireRoot();
        Directory.CreateDirectory(Folder["disk"]);
        Run("mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", Folder["disk"]);
        string[] job = ["generate", Path.Combine(Models.Export("mlp"), "decoder.onnx"), "--count", "20000", "--out", Folder["disk/images.npy"]];
        try
        {
            var (exitCode, _, error) = Support.Cli.Run(job);
            Assert.That(exitCode, Is.EqualTo(1));
            Assert.That(error.Split('\n').Last(line => line.Length > 0), Does.StartWith("onnxvae: ").And.Contain("No space left on device").And.Contain("images.npy"));
            Assert.That(File.Exists(Folder["disk/images.npy"]), Is.False);

            Run("mount", "-o", "remount,size=4m", Folder["disk"]);
            Support.Cli.Succeed(job);
            Support.Cli.Succeed([.. job[..^1], Folder["whole.npy"]]);
            Assert.That(File.ReadAllBytes(Folder["disk/images.npy"]), Is.EqualTo(File.ReadAllBytes(Folder["whole.npy"])));
        }
        finally
        {
            Run("umount", Folder["disk"]);
        }
    }

    [Test]
    public void Generate_IntoForbiddenFolder_SaysSo()
    {
        Directory.CreateDirectory(Folder["forbidden"]);
        Run("chmod", "555", Folder["forbidden"]);
        string models = Models.Export("mlp");
        string[] job = ["generate", Path.Combine(models, "decoder.onnx"), "--count", "5", "--out", Folder["forbidden/images"]];
        if (Environment.UserName == "root")
        {
            foreach (string folder in (string[])[Folder.Path, models, Path.GetDirectoryName(models)!])
            {
                Run("chmod", "755", folder); // others may come so far
            }
        }

        using var process = Support.Cli.StartUnprivileged(job);
        string error = process.StandardError.ReadToEnd();
        process.WaitForExit();
        Assert.That(process.ExitCode, Is.EqualTo(1), error);
        Assert.That(error, Does.StartWith($"onnxvae: Access to the path '{Folder["forbidden/images"]}' is denied."));
    }

    private float[] Floats(string file) => MemoryMarshal.Cast<byte, float>(Npy.Read(File.ReadAllBytes(Folder[file]), file).Data.Span).ToArray();

    // The header counts only rows that are there; more may follow.
    private static (string Type, long[] Shape, int Length) ReadPartial(string file)
    {
        byte[] bytes = File.ReadAllBytes(file);
        var header = Npy.TryReadHeader(bytes)!.Value;
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

    private static void RequireRoot()
    {
        if (Environment.UserName != "root")
        {
            Assert.Ignore("Needs the right to mount a small disk.");
        }
    }

    private static void Run(string program, params string[] arguments)
    {
        using var process = Process.Start(program, arguments);
        process.WaitForExit();
        Assert.That(process.ExitCode, Is.Zero, program);
    }
}
