using OnnxVae.Format;
using OnnxVae.Tests.Support;
using OnnxVae.Training.Reports;
using OnnxVae.Training.Runs;

namespace OnnxVae.Tests.Cli;

/// <summary>What is done after a first run: another learning rate, another length, another machine, the same run again.</summary>
internal sealed class PracticeTests : FolderFixture
{
    private string[] Small => ["train", "--data", Folder["images"], "--model", "mlp", "--hidden", "8", "--latent", "2", "--batch", "4", "--importance-samples", "0"];

    [SetUp]
    public void WriteImages() => TestImages.WriteImages(Folder["images"], 40);

    [TestCase("cosine", "--warm-up=5")]
    [TestCase("one-cycle")]
    [TestCase("step")]
    public void Run_WhoseSchedulesHaveALengthOfTheirOwn_GoesOnAsIfItHadBeenLonger(string schedule, params string[] further)
    {
        string[] command = [.. Small, "--learning-rate-schedule", schedule, "--schedule-steps", "2000", .. further];
        Support.Cli.Succeed([.. command, "--steps", "2000", "--out", Folder["whole"]]);
        Support.Cli.Succeed([.. command, "--steps", "1000", "--out", Folder["run"]]);

        Support.Cli.Succeed("train", "--resume", "--steps", "2000", "--out", Folder["run"]);

        Assert.That(LastCheckpoint("run"), Is.EqualTo(LastCheckpoint("whole")));
        Assert.That(Changes("run"), Is.EqualTo((string[])["1000: steps from 1000 to 2000"]));
        Assert.That(TrainingPackage.Open(Folder["run/package"]).Steps, Is.Null);
    }

    [Test]
    public void LearningRate_Changes_AtTheStepThatTheReportNames()
    {
        string[] command = [.. Small, "--log-every", "1"];
        Support.Cli.Succeed([.. command, "--steps", "10", "--out", Folder["run"]]);
        Support.Cli.Succeed([.. command, "--steps", "15", "--out", Folder["unchanged"]]);

        Support.Cli.Succeed("train", "--resume", "--steps", "15", "--learning-rate", "0.25", "--out", Folder["run"]);

        Assert.That(Rates("run"), Is.EqualTo(Enumerable.Repeat(0.001, 10).Concat(Enumerable.Repeat(0.25, 5))));
        Assert.That(Losses("run").Take(11), Is.EqualTo(Losses("unchanged").Take(11)), "the loss of a step is that before its update");
        Assert.That(Losses("run").Skip(11), Is.Not.EqualTo(Losses("unchanged").Skip(11)));
        Assert.That(Changes("run"), Is.EqualTo((string[])["10: steps from 10 to 15, learning rate from 0.001 to 0.25"]));
        Assert.That(File.ReadAllText(Folder["run/report.html"]), Does.Contain("after step 10").And.Contain("learning rate from 0.001 to 0.25"));
        Assert.That(File.ReadAllText(Folder["run/options.json"]), Does.Contain("\"learningRate\": 0.25"));

        // From a checkpoint before the change, the steps up to it have the rate that they had.
        byte[] last = LastCheckpoint("run");
        foreach (string late in new RunFolder(Folder["run"]).ListCheckpoints().Skip(1))
        {
            File.WriteAllText(late, "damaged");
        }

        Support.Cli.Succeed("train", "--resume", "--out", Folder["run"]);
        Assert.That(Rates("run"), Is.EqualTo(Enumerable.Repeat(0.001, 10).Concat(Enumerable.Repeat(0.25, 5))));
        Assert.That(LastCheckpoint("run"), Is.EqualTo(last));
        Assert.That(Changes("run"), Has.Length.EqualTo(1));
    }

    [Test]
    public void Factors_OfTheLearningRate_Change_ButNotTheirParameters()
    {
        Support.Cli.Succeed([.. Small, "--steps", "4", "--log-every", "1", "--learning-rate-factors", "encoder=0.5", "--out", Folder["run"]]);

        Support.Cli.Succeed("train", "--resume", "--steps", "6", "--learning-rate-factors", "encoder=0.25", "--out", Folder["run"]);
        var (exitCode, _, error) = Support.Cli.Run("train", "--resume", "--steps", "8", "--learning-rate-factors", "decoder=0.25", "--out", Folder["run"]);

        Assert.That(Numbers("run", "learningRate.encoder"), Is.EqualTo((double[])[0.0005, 0.0005, 0.0005, 0.0005, 0.00025, 0.00025]).Within(1e-12));
        Assert.That(Rates("run"), Is.All.EqualTo(0.001));
        Assert.That((exitCode, error), Is.EqualTo((2, "onnxvae: --learning-rate-factors is decoder=0.25, but the run was compiled with encoder=0.25: the factors may change, the parameters that they belong to may not.\n")));
    }

    [Test]
    public void Schedule_OfARunThatGoesOn_IsMadeAnew()
    {
        string[] command = [.. Small, "--log-every", "1"];
        Support.Cli.Succeed([.. command, "--steps", "4", "--learning-rate-schedule", "cosine", "--out", Folder["run"]]);

        Support.Cli.Succeed("train", "--resume", "--steps", "8", "--out", Folder["run"]);

        var (first, second) = (new CosineSchedule(0.001, 0, 4), new CosineSchedule(0.001, 0, 8));
        Assert.That(Rates("run"), Is.EqualTo(Enumerable.Range(1, 8).Select(step => step <= 4 ? first.At(step) : second.At(step))).Within(1e-12));
        Assert.That(TrainingPackage.Open(Folder["run/package"]).Steps, Is.EqualTo(8));
    }

    [Test]
    public void Run_MovesToOtherPathsAndThreads_ButNotToOtherImages()
    {
        Support.Cli.Succeed([.. Small, "--steps", "10", "--threads", "1", "--out", Folder["run"]]);
        Directory.Move(Folder["images"], Folder["moved"]);

        Support.Cli.Succeed("train", "--resume", "--data", Folder["moved"], "--threads", "2", "--steps", "12", "--csv", "--out", Folder["run"]);

        Assert.That(Changes("run"), Has.Length.EqualTo(1).And.One.Contains("threads from 1 to 2"));
        Assert.That(File.ReadAllLines(Folder["run/metrics.csv"]), Has.Length.EqualTo(MetricsLog.Read(new RunFolder(Folder["run"]).Metrics).Count)); // a heading instead of the change

        File.WriteAllBytes(Folder["moved/00.png"], TestImages.ToPng(new float[64], 1, 8, 8));
        var (exitCode, _, error) = Support.Cli.Run("train", "--resume", "--data", Folder["moved"], "--steps", "14", "--out", Folder["run"]);
        Assert.That((exitCode, error), Is.EqualTo((1, $"onnxvae: '{Folder["moved"]}' has as many images as when the run was started, but others: put the data back, or start a new run.\n")));
    }

    [TestCase("--latent", "3", "--latent is 3, but the run was started with 2: leave it out to resume, or start a new run in another folder.\n")]
    [TestCase("--optimizer", "sgd", "--optimizer is sgd, but the run was started with adam: leave it out to resume, or start a new run in another folder.\n")]
    [TestCase("--random-shift", "1", "--random-shift is 1, but the run was started with 0: leave it out to resume, or start a new run in another folder.\n")]
    [TestCase("--warm-up", "3", "--warm-up cannot be given with --learning-rate-schedule step: its first value is its largest.\n")]
    public void Option_ThatMustStay_IsRefused(string option, string value, string message)
    {
        Support.Cli.Succeed([.. Small, "--steps", "4", "--learning-rate-schedule", "step", "--out", Folder["run"]]);
        string options = File.ReadAllText(Folder["run/options.json"]);

        var (exitCode, _, error) = Support.Cli.Run("train", "--resume", option, value, "--out", Folder["run"]);

        Assert.That((exitCode, error), Is.EqualTo((2, $"onnxvae: {message}")));
        Assert.That(File.ReadAllText(Folder["run/options.json"]), Is.EqualTo(options));
    }

    // Nothing is stored that would have to be taken back.
    [TestCase("--device", "cdua", 1)]
    [TestCase("--schedule-steps", "3", 2)]
    [TestCase("--patience", "3", 2)]
    public void Change_ThatCannotBe_LeavesTheRunAsItWas(string option, string value, int expected)
    {
        Support.Cli.Succeed([.. Small, "--steps", "12", "--beta-cycles", "3", "--out", Folder["run"]]);
        string[] files = ["options.json", "metrics.jsonl", "evaluation.json", "report.html", "package/manifest.json"];
        byte[][] before = [.. files.Select(file => File.ReadAllBytes(Folder[$"run/{file}"]))];

        var (exitCode, _, error) = Support.Cli.Run("train", "--resume", "--steps", "20", option, value, "--out", Folder["run"]);

        Assert.That(exitCode, Is.EqualTo(expected), error);
        Assert.That(files.Select(file => File.ReadAllBytes(Folder[$"run/{file}"])), Is.EqualTo(before));
        Support.Cli.Succeed("train", "--resume", "--steps", "20", "--out", Folder["run"]);
    }

    [Test]
    public void Run_ThatPatienceEnded_GoesOnWithMorePatienceOnly()
    {
        Support.Cli.Succeed([.. Small, "--steps", "40", "--learning-rate", "0.1", "--validation", "0.2", "--validate-every", "1", "--patience", "2", "--out", Folder["run"]]);
        long ended = new RunFolder(Folder["run"]).NewestStep;
        Assert.That(ended, Is.LessThan(40));
        string options = File.ReadAllText(Folder["run/options.json"]);

        var (exitCode, _, error) = Support.Cli.Run("train", "--resume", "--steps", "50", "--out", Folder["run"]);
        Assert.That((exitCode, error), Is.EqualTo((2, $"onnxvae: --patience 2 has ended the run at step {ended}: give a larger one to go on.\n")));
        Assert.That(File.ReadAllText(Folder["run/options.json"]), Is.EqualTo(options));

        Support.Cli.Succeed("train", "--resume", "--steps", "50", "--patience", "100", "--out", Folder["run"]);
        Assert.That(new RunFolder(Folder["run"]).NewestStep, Is.EqualTo(50));
    }

    [Test]
    public void Run_ThatOutlivesItsSchedule_SaysSo()
    {
        var (_, _, error) = Support.Cli.Run([.. Small, "--steps", "6", "--learning-rate-schedule", "cosine", "--schedule-steps", "4", "--out", Folder["run"]]);

        Assert.That(error, Does.Contain("The schedule of the learning rate ends at step 4 of 6, and its last value holds from there on."));
    }

    // As after a crash between the two.
    [Test]
    public void Change_ThatWasStoredButNotLogged_IsLoggedAtTheNextResume()
    {
        Support.Cli.Succeed([.. Small, "--steps", "4", "--out", Folder["run"]]);
        Support.Cli.Succeed("train", "--resume", "--steps", "8", "--learning-rate", "0.5", "--out", Folder["run"]);
        string[] changes = Changes("run");
        byte[] last = LastCheckpoint("run");
        string log = Folder["run/metrics.jsonl"];
        File.WriteAllLines(log, File.ReadAllLines(log).Where(line => !line.Contains("changed", StringComparison.Ordinal)));

        Support.Cli.Succeed("train", "--resume", "--out", Folder["run"]);

        Assert.That(Changes("run"), Is.EqualTo(changes).And.Length.EqualTo(1));
        Assert.That(LastCheckpoint("run"), Is.EqualTo(last));
    }

    [Test]
    public void Augmentation_ThatDoesNotFitTheImages_LeavesNoRun()
    {
        var (exitCode, _, error) = Support.Cli.Run([.. Small, "--random-crop", "8", "--out", Folder["run"]]);

        Assert.That((exitCode, error), Is.EqualTo((1, "onnxvae: --random-crop is 8 pixels, but the images have 8 x 8: give 0 to 7.\n")));
        Assert.That(Directory.Exists(Folder["run"]), Is.False);
    }

    [Test]
    public void Package_KeepsItsOwnSchedules()
    {
        Support.Cli.Succeed("compile", "--data", Folder["images"], "--model", "mlp", "--hidden", "8", "--latent", "2", "--batch", "4", "--steps", "4", "--learning-rate-schedule", "cosine", "--out", Folder["package"]);
        Support.Cli.Succeed("train", "--package", Folder["package"], "--data", Folder["images"], "--steps", "4", "--importance-samples", "0", "--out", Folder["run"]);

        var (_, _, rate) = Support.Cli.Run("train", "--resume", "--learning-rate", "0.1", "--out", Folder["run"]);
        var (_, _, length) = Support.Cli.Run("train", "--resume", "--steps", "8", "--out", Folder["run"]);

        Assert.That(rate, Is.EqualTo($"onnxvae: --learning-rate cannot change: the run trains the package '{Folder["package"]}', which was compiled with its own.\n"));
        Assert.That(length, Is.EqualTo("onnxvae: The package's schedules were compiled for 4 steps, and cannot go on to 8: leave the length out to resume, or start a new run in another folder.\n"));
    }

    [Test]
    public void Run_IsRepeated_FromItsOwnFile()
    {
        Support.Cli.Succeed([.. Small, "--steps", "10", "--learning-rate", "0.003", "--random-flip", "--validation", "0.1", "--out", Folder["run"]]);

        Support.Cli.Succeed("train", "--config", Folder["run/config.json"], "--out", Folder["again"]);
        Support.Cli.Succeed("train", "--config", Folder["run/config.json"], "--epochs", "1", "--out", Folder["shorter"]);

        Assert.That(LastCheckpoint("again"), Is.EqualTo(LastCheckpoint("run")));
        Assert.That(File.ReadAllText(Folder["again/config.json"]), Is.EqualTo(File.ReadAllText(Folder["run/config.json"])));
        Assert.That(File.ReadAllText(Folder["run/config.json"]), Does.Contain("\"learning-rate\": 0.003").And.Contain("\"random-flip\": true").And.Not.Contain("\"out\"").And.Not.Contain("\"beta\""));
    }

    [Test]
    public void Config_InYaml_StandsBehindTheCommand()
    {
        File.WriteAllText(Folder["run.yaml"], $"# a first try\ndata: {Folder["images"]}\nmodel: mlp\nhidden: [16, 8]\nlatent: 3\nlearningRate: 0.002\nrandom-flip: yes\nsteps: 5\nimportance-samples: 0\nclip-gradient: null\nbatch: 4\n");

        Support.Cli.Succeed("train", "--config", Folder["run.yaml"], "--latent", "2", "--out", Folder["run"]);

        string options = File.ReadAllText(Folder["run/options.json"]);
        Assert.That(options, Does.Contain("\"hidden\": \"16,8\"").And.Contain("\"latent\": 2").And.Contain("\"learningRate\": 0.002").And.Contain("\"randomFlip\": true").And.Contain("\"steps\": 5"));
    }

    [TestCase("c.yaml", "latnt: 3", "'FILE' has 'latnt', but 'train' has no option '--latnt'. Did you mean '--latent'?")]
    [TestCase("c.yaml", "model: {name: mlp}", "'FILE': 'model' is neither a value nor a list of values; expected options with their values, as in learning-rate: 0.001.")]
    [TestCase("c.json", "[1]", "'FILE': expected options with their values, as in learning-rate: 0.001.")]
    [TestCase("c.json", "{\"latent\": 3,", "'FILE' is not a file of options: ")]
    [TestCase("c.yaml", "latent: [3", "'FILE' is not a file of options: ")]
    [TestCase("c.yaml", "[[[[...", "'FILE' is not a file of options: ")]
    [TestCase("c.yaml", "latent: few", "--latent is 'few'; expected a whole number.")]
    [TestCase("c.json", "{\"random-flip\": 3}", "--random-flip is '3'; expected true, false or nothing.")]
    public void Config_ThatIsWrong_IsRefused(string name, string content, string message)
    {
        File.WriteAllText(Folder[name], content.Replace("...", new string('[', 100_000), StringComparison.Ordinal));

        var (exitCode, _, error) = Support.Cli.Run("train", "--config", Folder[name], "--out", Folder["run"]);

        Assert.That(exitCode, Is.EqualTo(2));
        Assert.That(error, Does.StartWith($"onnxvae: {message.Replace("FILE", Folder[name], StringComparison.Ordinal)}"));
        Assert.That(error.TrimEnd().Split('\n'), Has.Length.EqualTo(1));
        Assert.That(Directory.Exists(Folder["run"]), Is.False);
    }

    [Test]
    public void Config_IsForTheVerb_WhateverElseIsCalledLikeOne()
    {
        File.WriteAllText(Folder["c.yaml"], "random-flip: true");
        string before = Environment.CurrentDirectory;
        Environment.CurrentDirectory = Folder["images"];
        try
        {
            Support.Cli.Succeed([.. Small, "--config", Folder["c.yaml"], "--steps", "2", "--out", "sweep"]);
            Assert.That(File.ReadAllText("sweep/config.json"), Does.Contain("random-flip"));
        }
        finally
        {
            Environment.CurrentDirectory = before;
        }
    }

    [Test]
    public void Config_ThatIsMissing_IsRefused()
    {
        var (exitCode, _, error) = Support.Cli.Run("train", "--config", Folder["none.yaml"]);

        Assert.That((exitCode, error), Is.EqualTo((1, $"onnxvae: There is no options file '{Folder["none.yaml"]}'.\n")));
    }

    [Test]
    public void QuietCommand_SaysNothingButResultsAndWarnings()
    {
        var (exitCode, output, error) = Support.Cli.Run([.. Small, "--steps", "5", "--quiet", "--out", Folder["run"]]);
        Assert.That((exitCode, error), Is.EqualTo((0, "")));
        Assert.That(output, Does.Contain("negativeElbo").And.Contain("Exported").And.Not.Contain("Next"));

        new RunFolder(Folder["run"]).ListCheckpoints().ToList().ForEach(file => File.WriteAllText(file, "damaged"));
        (exitCode, _, error) = Support.Cli.Run("evaluate", Folder["run"], "--quiet");
        Assert.That(exitCode, Is.EqualTo(1));
        Assert.That(error, Does.StartWith("onnxvae: "));
    }

    [Test]
    public void Table_HasTheNumbersOfTheLog_AlsoAfterTheRunWasStopped()
    {
        string[] command = [.. Small, "--csv", "--validation", "0.2", "--validate-every", "4", "--log-every", "3", "--clip-gradient", "1", "--out", Folder["run"]];
        Support.Cli.Succeed([.. command, "--steps", "10"]);
        Support.Cli.Succeed("train", "--resume", "--steps", "14", "--out", Folder["run"]);

        string[][] rows = [.. File.ReadAllLines(Folder["run/metrics.csv"]).Select(line => line.Split(','))];
        var log = MetricsLog.Read(new RunFolder(Folder["run"]).Metrics).Where(line => !line.ContainsKey(MetricsLog.Changed)).ToArray();

        Assert.That(rows, Has.Length.EqualTo(log.Length + 1).And.All.Length.EqualTo(rows[0].Length));
        Assert.That(rows[0], Is.SupersetOf((string[])["step", "loss", "rate", "distortion", "clipped", "validationLoss", "learningRate", "seconds"]));
        foreach (var (row, line) in rows.Skip(1).Zip(log))
        {
            string[] expected = [.. rows[0].Select(column => line[column]?.ToJsonString() ?? "")];
            Assert.That(row.Zip(expected).Where(pair => pair.First != pair.Second && double.Parse(pair.First) != double.Parse(pair.Second)), Is.Empty);
        }
    }

    private byte[] LastCheckpoint(string run) => File.ReadAllBytes(new RunFolder(Folder[run]).NewestCheckpoint());

    private string[] Changes(string run) =>
        [.. MetricsLog.Read(new RunFolder(Folder[run]).Metrics).Where(line => line.ContainsKey(MetricsLog.Changed)).Select(line => $"{line["step"]}: {line[MetricsLog.Changed]}")];

    private double[] Rates(string run) => Numbers(run, "learningRate");

    private double[] Losses(string run) => Numbers(run, "loss");

    private double[] Numbers(string run, string name) => [.. MetricsLog.Read(new RunFolder(Folder[run]).Metrics).Select(line => MetricsLog.ValueOf(line, name)).OfType<double>()];
}
