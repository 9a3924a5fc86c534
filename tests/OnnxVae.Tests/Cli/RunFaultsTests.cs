using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using OnnxVae.Format;
using OnnxVae.Tests.Support;
using OnnxVae.Training.Reports;
using OnnxVae.Training.Runs;

namespace OnnxVae.Tests.Cli;

/// <summary>Runs that are started twice, stopped at bad moments, or damaged.</summary>
internal sealed class RunFaultsTests : FolderFixture
{
    private static readonly TemporaryFolder Trained = new();

    private static readonly string[] Options =
        ["--data", "sprites", "--model", "mlp", "--hidden", "16", "--batch", "4", "--steps", "20", "--checkpoint-every", "5", "--importance-samples", "0"];

    [OneTimeSetUp]
    public void Train() => Support.Cli.Succeed(["train", .. Options, "--latent", "3", "--out", Trained["run"]]);

    [OneTimeTearDown]
    public void Delete() => Trained.Dispose();

    private RunFolder Run => new(Folder["run"]);

    [SetUp]
    public void CopyRun()
    {
        foreach (string file in Directory.EnumerateFiles(Trained["run"], "*", SearchOption.AllDirectories))
        {
            string copy = Path.Combine(Run.Path, Path.GetRelativePath(Trained["run"], file));
            Directory.CreateDirectory(Path.GetDirectoryName(copy)!);
            File.Copy(file, copy);
        }
    }

    [Test]
    public void Train_StartedTwiceAtOnce_TrainsOneModel()
    {
        string[] latents = ["3", "4", "5", "6"];
        var processes = latents.Select(latent => Support.Cli.Start(["train", .. Options, "--latent", latent, "--out", Folder["both"]])).ToArray();
        string[] errors = [.. processes.Select(process =>
        {
            string error = process.StandardError.ReadToEnd();
            process.WaitForExit();
            return error;
        })];

        int winner = Array.FindIndex(processes, process => process.ExitCode == 0);
        Assert.That(processes.Count(process => process.ExitCode == 0), Is.EqualTo(1), string.Join('\n', errors));
        Assert.That(errors.Where((_, i) => i != winner), Is.All.Contains("Another process is working on").Or.Contains("it holds a run; give --resume to continue it"));
        using var vae = OnnxVae.Inference.TrainedVae.Load(Folder["both/export"]);
        Assert.That($"{vae.Encoder.Metadata.LatentSize}", Is.EqualTo(latents[winner]));
        Array.ForEach(processes, process => process.Dispose());
    }

    [Test]
    public void Train_ThatCannotStart_LeavesTheUsersFolderAndLink()
    {
        Directory.CreateDirectory(Folder["mine"]);
        Directory.CreateSymbolicLink(Folder["link"], Folder["mine"]);
        string[] impossible = ["train", "--data", "sprites", "--model", "conv", "--hidden", "1,2"];

        Assert.That(Support.Cli.Run([.. impossible, "--out", Folder["mine"]]).ExitCode, Is.Not.Zero);
        Assert.That(Support.Cli.Run([.. impossible, "--out", Folder["link"]]).ExitCode, Is.Not.Zero);
        Assert.That(Support.Cli.Run([.. impossible, "--out", Folder["new"]]).ExitCode, Is.Not.Zero);

        Assert.That(Directory.Exists(Folder["mine"]) && !Directory.EnumerateFileSystemEntries(Folder["mine"]).Any());
        Assert.That(new DirectoryInfo(Folder["link"]).LinkTarget, Is.EqualTo(Folder["mine"]));
        Assert.That(Directory.Exists(Folder["new"]), Is.False);
    }

    // What a kill leaves at any moment of a start.
    [TestCase("nothing")]
    [TestCase("temporary options")]
    public void Train_AfterAStartThatWasKilledBeforeItsOptions_Starts(string left)
    {
        Directory.CreateDirectory(Folder["killed"]);
        File.WriteAllText(Folder["killed/lock"], "");
        if (left == "temporary options")
        {
            File.WriteAllText(Folder["killed/options.json.0123.tmp"], "{");
        }

        Support.Cli.Succeed(["train", .. Options, "--latent", "3", "--out", Folder["killed"]]);

        Assert.That(File.Exists(Folder["killed/options.json.0123.tmp"]), Is.False);
        Assert.That(File.ReadAllBytes(new RunFolder(Folder["killed"]).NewestCheckpoint()), Is.EqualTo(File.ReadAllBytes(Run.NewestCheckpoint())));
    }

    [Test]
    public void Resume_OfStartThatWasKilledWhileItCompiled_CompilesAgain()
    {
        byte[] expected = File.ReadAllBytes(Run.NewestCheckpoint());
        foreach (string folder in (string[])["checkpoints", "samples", "export"])
        {
            Directory.Delete(Folder[$"run/{folder}"], recursive: true);
        }

        File.Delete(Folder["run/package/manifest.json"]);
        File.Delete(Run.Metrics);

        Support.Cli.Succeed("train", "--resume", "--out", Run.Path);

        Assert.That(File.ReadAllBytes(Run.NewestCheckpoint()), Is.EqualTo(expected));
    }

    [TestCase("cut")]
    [TestCase("flipped")]
    [TestCase("empty")]
    public void Resume_WithADamagedNewestCheckpoint_TakesTheOneBefore_AndSaysSo(string damage)
    {
        byte[] expected = Damage(Run.CheckpointAt(20), damage);

        var (exitCode, _, error) = Support.Cli.Run("train", "--resume", "--out", Run.Path);

        Assert.That(exitCode, Is.Zero, error);
        Assert.That(error, Does.Contain("Damaged: 000000020.safetensors; using the checkpoint of step 15 instead."));
        Assert.That(File.ReadAllBytes(Run.CheckpointAt(20)), Is.EqualTo(expected));
        Assert.That(File.Exists(Run.CheckpointAt(20) + ".damaged"));
    }

    [Test]
    public void EvaluateAndExport_WithADamagedNewestCheckpoint_TakeTheOneBefore()
    {
        Damage(Run.CheckpointAt(20), "flipped");

        var (exitCode, output, error) = Support.Cli.Run("export", Run.Path, "--out", Folder["export"]);

        Assert.That(exitCode, Is.Zero, error);
        Assert.That(output, Does.Contain("(step 15)"));
        Assert.That(error, Does.Contain("Damaged: 000000020.safetensors; using the checkpoint of step 15 instead."));
        Assert.That(Support.Cli.Run("evaluate", Run.Path, "--importance-samples", "0").ExitCode, Is.Zero);
    }

    [Test]
    public void Export_OfADamagedCheckpoint_IsRefused()
    {
        Damage(Run.CheckpointAt(15), "flipped");

        var (exitCode, _, error) = Support.Cli.Run("export", Run.Path, "--checkpoint", Run.CheckpointAt(15), "--out", Folder["export"]);

        Assert.That(exitCode, Is.EqualTo(1));
        Assert.That(error.TrimEnd(), Is.EqualTo($"onnxvae: '{Run.CheckpointAt(15)}' is damaged: its content does not have the checksum that was stored with it."));
    }

    [Test]
    public void Export_OfACheckpointWithNaNOrWithoutATensor_IsRefused([Values] bool isMissing)
    {
        var package = TrainingPackage.Open(Run.Package);
        var checkpoint = Checkpoint.Load(Run.NewestCheckpoint(), package);
        var states = checkpoint.States.ToDictionary();
        if (isMissing)
        {
            states.Remove("decoder.0.bias");
        }
        else
        {
            states["decoder.0.bias"] = Tensor.From<float>(states["decoder.0.bias"].Shape, [float.NaN, .. states["decoder.0.bias"].As<float>().ToArray().Skip(1)]);
        }

        (checkpoint with { States = states }).Save(Folder["bad.safetensors"]);
        var (exitCode, _, error) = Support.Cli.Run("export", Run.Path, "--checkpoint", Folder["bad.safetensors"], "--out", Folder["export"]);

        Assert.That(exitCode, Is.EqualTo(1));
        Assert.That(error, Does.Contain("'decoder.0.bias'").And.Contain(isMissing ? "is missing" : "NaN"));
        Assert.That(Directory.Exists(Folder["export"]) && Directory.EnumerateFiles(Folder["export"]).Any(), Is.False);
    }

    // Checkpoints of earlier versions have no checksum.
    [Test]
    public void Load_OfACheckpointWithoutChecksum_Works()
    {
        byte[] file = File.ReadAllBytes(Run.NewestCheckpoint());
        int length = (int)BitConverter.ToInt64(file);
        string header = System.Text.Encoding.UTF8.GetString(file, 8, length);
        var json = JsonNode.Parse(header)!;
        Assert.That(json["__metadata__"]!.AsObject().Remove("sha256"));
        byte[] shorter = System.Text.Encoding.UTF8.GetBytes(json.ToJsonString().PadRight(length));
        File.WriteAllBytes(Run.NewestCheckpoint(), [.. BitConverter.GetBytes((long)shorter.Length), .. shorter, .. file[(8 + length)..]]);

        Assert.That(Checkpoint.Load(Run.NewestCheckpoint(), TrainingPackage.Open(Run.Package)).Step, Is.EqualTo(20));
    }

    [Test]
    public void Export_OfARunThatDivergedBeforeItsFirstCheckpoint_IsRefused()
    {
        var (exitCode, _, error) = Support.Cli.Run(["train", .. Options, "--learning-rate", "1e30", "--out", Folder["diverged"]]);
        Assert.That(exitCode, Is.EqualTo(1));
        Assert.That(error, Does.Match("Training diverged (at step|between steps)").And.Contain("try a smaller --learning-rate, or --clip-gradient 1."));

        (exitCode, _, error) = Support.Cli.Run("export", Folder["diverged"], "--out", Folder["export"]);

        Assert.That(exitCode, Is.EqualTo(1));
        Assert.That(error, Does.Contain("has only its initial checkpoint, step 0: train it"));
        Assert.That(Directory.Exists(Folder["export"]), Is.False);
        Support.Cli.Succeed("export", Folder["diverged"], "--checkpoint", new RunFolder(Folder["diverged"]).CheckpointAt(0), "--out", Folder["export"]);
    }

    // Killed between a checkpoint and its grids.
    [Test]
    public void Resume_WithoutTheGridsOfTheNewestCheckpoint_DrawsThem()
    {
        string samples = Path.Combine(Run.Samples, "samples-000000020.png"), reconstructions = Path.Combine(Run.Samples, "reconstructions-000000020.png");
        byte[][] expected = [File.ReadAllBytes(samples), File.ReadAllBytes(reconstructions)];
        File.Delete(samples);
        File.Delete(reconstructions);
        File.Delete(Run.Evaluation);

        Support.Cli.Succeed("train", "--resume", "--out", Run.Path);

        Assert.That((byte[][])[File.ReadAllBytes(samples), File.ReadAllBytes(reconstructions)], Is.EqualTo(expected));
    }

    [TestCase("states")]
    [TestCase("updates")]
    [TestCase("metrics")]
    [TestCase("inputs")]
    public void Train_OfPackageWithAnEntryThatIsNull_IsRefused(string list)
    {
        string manifest = Folder["run/package/manifest.json"];
        var json = JsonNode.Parse(File.ReadAllText(manifest))!;
        (list == "states" ? json : json["step"]!)[list]!.AsArray()[0] = null;
        File.WriteAllText(manifest, json.ToJsonString());

        Assert.That(
            Support.Cli.Run("train", "--package", Folder["run/package"], "--data", "sprites", "--steps", "2", "--out", Folder["new/run"]),
            Is.EqualTo((1, "", $"onnxvae: '{manifest}' cannot be used: an entry of a list is null. Compile the model again.\n")));
    }

    [TestCase("../../x.onnx")]
    [TestCase("/tmp/x.onnx")]
    [TestCase("..")]
    [TestCase("a\\\\b.onnx")]
    public void Train_OfPackageThatNamesFilesElsewhere_IsRefused(string name)
    {
        string manifest = Folder["run/package/manifest.json"];
        File.WriteAllText(manifest, File.ReadAllText(manifest).Replace("\"decoder.onnx\"", $"\"{name}\"", StringComparison.Ordinal));

        var (exitCode, _, error) = Support.Cli.Run("train", "--package", Folder["run/package"], "--data", "sprites", "--steps", "2", "--out", Folder["new/run"]);

        Assert.That(exitCode, Is.EqualTo(1));
        Assert.That(error.TrimEnd(), Is.EqualTo($"onnxvae: '{manifest}' cannot be used: '{name.Replace(@"\\", @"\", StringComparison.Ordinal)}' is not the plain name of a file. Compile the model again."));
    }

    [TestCase("\"step\"", "\"stap\"")]
    [TestCase("\"role\": \"loss\"", "\"role\": \"scalar\"")]
    [TestCase("\"states\"", "\"stites\"")]
    [TestCase("\"formatVersion\": 4", "\"formatVersion\": null")]
    [TestCase("\"shape\": [", "\"shape\": [\"x\",")]
    public void Inspect_OfDamagedManifest_NamesIt(string from, string to)
    {
        string manifest = Folder["run/package/manifest.json"], text = File.ReadAllText(manifest);
        Assert.That(text, Does.Contain(from));
        File.WriteAllText(manifest, text.Replace(from, to, StringComparison.Ordinal));

        var (exitCode, _, error) = Support.Cli.Run("inspect", Run.Path);

        Assert.That(exitCode, Is.EqualTo(1));
        Assert.That(error, Does.StartWith($"onnxvae: '{manifest}' ").And.Contain("Compile the model again."));
    }

    [TestCase("samples", "5", "beta", "2", "--beta cannot be given with --samples: the importance-weighted bound has no weighted rate term.")]
    [TestCase("rounded", "true", "prior", "\"vamp\"", "--prior cannot be given with --rounded: rounded latents have one value and a density of their own.")]
    public void Resume_OfOptionsThatContradictEachOther_SaysSo(string first, string value, string second, string other, string fault)
    {
        var options = JsonNode.Parse(File.ReadAllText(Run.Options))!.AsObject();
        (options["model"]![first], options["model"]![second]) = (JsonNode.Parse(value), JsonNode.Parse(other));
        File.WriteAllText(Run.Options, options.ToJsonString());

        var (exitCode, _, error) = Support.Cli.Run("train", "--resume", "--out", Run.Path);

        Assert.That(exitCode, Is.EqualTo(1));
        Assert.That(error.TrimEnd(), Is.EqualTo($"onnxvae: '{Run.Options}' is damaged: {fault}"));
    }

    [TestCase("model")]
    [TestCase("kind")]
    public void Resume_OfOptionsWithoutAPart_SaysThatTheyAreDamaged(string part)
    {
        var options = JsonNode.Parse(File.ReadAllText(Run.Options))!.AsObject();
        options.Remove(part);
        File.WriteAllText(Run.Options, options.ToJsonString());

        var (exitCode, _, error) = Support.Cli.Run("train", "--resume", "--out", Run.Path);

        Assert.That(exitCode, Is.EqualTo(1));
        Assert.That(error.TrimEnd(), Is.EqualTo($"onnxvae: '{Run.Options}' is damaged, or of another version: it is not the JSON of a run's options."));
    }

    [Test]
    public void Resume_OfARunFromAPackage_RemembersNoModel()
    {
        Support.Cli.Succeed("compile", "--model", "mlp", "--hidden", "8", "--batch", "4", "--steps", "3", "--out", Folder["package"]);
        Support.Cli.Succeed("train", "--package", Folder["package"], "--steps", "3", "--importance-samples", "0", "--out", Folder["packaged"]);

        var (resumed, _, announced) = Support.Cli.Run("train", "--resume", "--out", Folder["packaged"]);
        var (exitCode, _, error) = Support.Cli.Run("train", "--resume", "--out", Folder["packaged"], "--model", "conv");

        Assert.That(resumed, Is.Zero, announced);
        Assert.That(announced, Does.Contain(Folder["package"]).And.Not.Contain("conv"));
        Assert.That(exitCode, Is.EqualTo(2));
        Assert.That(error, Does.Contain("--model is conv, but the run was started with none"));
    }

    [Test]
    public void Resume_WithOtherThreadsAndLogging_TakesThem()
    {
        var (exitCode, _, error) = Support.Cli.Run("train", "--resume", "--out", Run.Path, "--threads", "1", "--log-every", "3", "--checkpoint-every", "7");

        Assert.That(exitCode, Is.Zero, error);
    }

    [Test]
    public void Train_ThatCannotStart_LeavesNoFolderOnTheWay()
    {
        Support.Cli.Run("train", "--beta-cycles", "5", "--steps", "2", "--out", Folder["new/deeper/run"]);

        Assert.That(Directory.Exists(Folder["new"]), Is.False);
    }

    [TestCase("options.json", "[]")]
    [TestCase("options.json", "{\"model\": 3}")]
    [TestCase("options.json", "null")]
    public void Resume_OfDamagedOptions_NamesThem(string file, string content)
    {
        File.WriteAllText(Folder[$"run/{file}"], content);

        var (exitCode, _, error) = Support.Cli.Run("train", "--resume", "--out", Run.Path);

        Assert.That(exitCode, Is.EqualTo(1));
        Assert.That(error.TrimEnd(), Is.EqualTo($"onnxvae: '{Run.Options}' is damaged, or of another version: it is not the JSON of a run's options."));
    }

    [TestCase("logging", "checkpointEvery", "-1", "checkpointEvery is -1; it must be at least 1.")]
    [TestCase("logging", "logEvery", "0", "logEvery is 0; it must be at least 1.")]
    [TestCase("length", "steps", "0", "steps is 0; it must be at least 1.")]
    [TestCase("execution", "threads", "-2", "threads is -2; it must be at least 0.")]
    public void Resume_OfOptionsWithANumberThatNoRunHas_NamesIt(string group, string name, string value, string fault)
    {
        var options = JsonNode.Parse(File.ReadAllText(Run.Options))!.AsObject();
        options[group]![name] = JsonNode.Parse(value);
        File.WriteAllText(Run.Options, options.ToJsonString());

        var (exitCode, _, error) = Support.Cli.Run("train", "--resume", "--out", Run.Path);

        Assert.That(exitCode, Is.EqualTo(1));
        Assert.That(error.TrimEnd(), Is.EqualTo($"onnxvae: '{Run.Options}' is damaged: {fault}"));
    }

    [TestCase("options.json", "train", "--resume", "--out", "{run}")]
    [TestCase("package/manifest.json", "train", "--resume", "--out", "{run}")]
    [TestCase("package/step.onnx", "train", "--resume", "--out", "{run}")]
    [TestCase("package/manifest.json", "inspect", "{run}")]
    [TestCase("export/decoder.onnx", "inspect", "{file}")]
    [TestCase("export/decoder.onnx", "generate", "{file}", "--out", "{run}/images.png")]
    [TestCase("export/encoder.onnx", "encode", "{run}", "--data", "sprites", "--out", "{run}/z.npy")]
    public void Command_OfARunWithAPipeInPlaceOfAFile_DoesNotWaitForIt(string file, params string[] command)
    {
        string path = Path.Combine(Run.Path, file);
        NamedPipe.Create(path);

        var (exitCode, _, error) = Support.Cli.Run([.. command.Select(word => word.Replace("{run}", Run.Path, StringComparison.Ordinal).Replace("{file}", path, StringComparison.Ordinal))]);

        Assert.That(exitCode, Is.EqualTo(1));
        Assert.That(error, Does.Match($"(?m)^onnxvae: '{Regex.Escape(path)}'.* is empty, or not a regular file\\.$"));
    }

    [Test]
    public void Resume_WithAPipeInPlaceOfTheLog_GoesOn()
    {
        NamedPipe.Create(Run.Metrics);
        File.Delete(Run.CheckpointAt(20));

        Support.Cli.Succeed("train", "--resume", "--out", Run.Path);

        Assert.That(MetricsLog.Read(Run.Metrics)[^1]["step"]!.GetValue<long>(), Is.EqualTo(20));
    }

    // The log is there for people and curves: what is no line of it is passed over.
    [Test]
    public void Resume_OfDamagedLog_GoesOn()
    {
        File.AppendAllText(Run.Metrics, "{\"step\": \"x\"}\n[1]\n{}\n{\"step\": 3, \"loss\": {}}\nnull\n");
        File.Delete(Run.CheckpointAt(20));

        Support.Cli.Succeed("train", "--resume", "--out", Run.Path);

        Assert.That(File.Exists(Run.Report));
        Assert.That(MetricsLog.Read(Run.Metrics)[^1]["step"]!.GetValue<long>(), Is.EqualTo(20));
    }

    [Test]
    public void Train_WithoutOut_TakesTheNextFreeFolder()
    {
        string before = Environment.CurrentDirectory;
        Environment.CurrentDirectory = Folder.Path;
        try
        {
            Support.Cli.Succeed(["train", .. Options]);
            Support.Cli.Succeed(["train", .. Options]);
        }
        finally
        {
            Environment.CurrentDirectory = before;
        }

        Assert.That(File.Exists(Folder["runs/sprites/evaluation.json"]));
        Assert.That(File.Exists(Folder["runs/sprites-2/evaluation.json"]));
    }

    [Test]
    public void Train_SaysAtItsStartWhatItWillDo()
    {
        var (_, output, error) = Support.Cli.Run(["train", .. Options, "--out", Folder["new"]]);

        Assert.That(error, Does.Contain("Data      sprites: 732280 images for training, 5000 for testing, none for validation (--validation 0.1 holds some out); 1 x 64 x 64 (channels, height, width), classes square, ellipse, heart"));
        Assert.That(error, Does.Match(@"Model     mlp: \d+ parameters, 10 latents; .*P\(y\|z\) = bernoulli"));
        Assert.That(error, Does.Contain($"Training  20 steps of 4 images on cpu, into {Folder["new"]}"));
        Assert.That(output, Does.Contain($"Next      onnxvae generate {Folder["new"]} --count 64 --out {Folder["new/images"]} --grid {Folder["new/images.png"]}"));
    }

    [Test]
    public void Train_OfOneImage_SaysBeforeTrainingThatNoneIsLeftToEvaluate()
    {
        TestImages.WriteImages(Folder["one"], 1);

        var (exitCode, _, error) = Support.Cli.Run("train", "--data", Folder["one"], "--model", "mlp", "--batch", "1", "--steps", "2", "--out", Folder["new"]);

        Assert.That(exitCode, Is.EqualTo(1));
        Assert.That(error.TrimEnd(), Is.EqualTo($"onnxvae: '{Folder["one"]}' has 1 training images and none to evaluate the model on: give at least two, or a test split."));
    }

    private static byte[] Damage(string file, string how)
    {
        byte[] bytes = File.ReadAllBytes(file), damaged = [.. bytes];
        damaged[^1] ^= 1;
        File.WriteAllBytes(file, how switch { "cut" => bytes[..(bytes.Length / 2)], "empty" => [], _ => damaged });
        return bytes;
    }
}
