using System.Diagnostics;
using OnnxVae.Cli.Batch.Outputs;
using OnnxVae.Tests.Support;

namespace OnnxVae.Tests.Cli;

/// <summary>Jobs over many images that cannot be done say why, and lose nothing.</summary>
internal sealed class JobRefusalTests : JobFixture
{
    [TestCase("--seed", "2", "its seed is 1, but 2 is asked for")]
    [TestCase("--prior", "standard-normal", "its drawnFrom is \"model\", but \"standard-normal\" is asked for")]
    public void Generate_OfAnotherJobIntoItsOutput_IsRefused(string option, string value, string difference)
    {
        string[] job = ["generate", Path.Combine(Models.Export("mlp"), "decoder.onnx"), "--count", "5", "--out", Folder["a.npy"]];
        Support.Cli.Succeed(job);

        var (exitCode, _, error) = Support.Cli.Run([.. job, option, value]);

        Assert.That(exitCode, Is.EqualTo(1));
        Assert.That(error.TrimEnd(), Is.EqualTo(
            $"onnxvae: '{Folder["a.npy.job.json"]}' belongs to another job: {difference}. Give another --out, or delete the old job's files."));
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
        string[] job = ["generate", Path.Combine(Models.Export("residual"), "decoder.onnx"), "--count", "100000000", "--shard", "1/2", "--out", Folder["images"]];
        using var process = Support.Cli.Start(job);
        Support.Cli.WaitFor(() => File.Exists(Folder["images/job-1-of-2.lock"]), process);

        var (exitCode, _, error) = Support.Cli.Run(job);
        process.Kill();
        process.WaitForExit();

        Assert.That(exitCode, Is.EqualTo(1));
        Assert.That(error.TrimEnd(), Is.EqualTo($"onnxvae: Another process works on this part of '{Folder["images"]}': wait until it has ended, or choose another --out."));
    }

    [Test]
    public void Generate_WhoseLockIsALink_IsRefused()
    {
        File.WriteAllText(Folder["mine"], "mine");
        File.CreateSymbolicLink(Folder["a.npy.lock"], Folder["mine"]);

        var (exitCode, _, error) = Support.Cli.Run("generate", Path.Combine(Models.Export("mlp"), "decoder.onnx"), "--count", "5", "--out", Folder["a.npy"]);

        Assert.That((exitCode, error), Is.EqualTo((1, $"onnxvae: '{Folder["a.npy.lock"]}' is a link, but a lock is a file of its own: delete the link.\n")));
        Assert.That(File.ReadAllText(Folder["mine"]), Is.EqualTo("mine"));
    }

    [TestCase("generate", "decoder.onnx", "x.parquet", "--out is '{0}'; images go to a folder, a .npy or a .tar, and one image to a picture.")]
    [TestCase("encode", "encoder.onnx", "x.tar", "--out is '{0}'; latents go to a .npy or a .parquet. See 'onnxvae encode --help'.")]
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
        Assert.That(error.TrimEnd(), Is.EqualTo($"onnxvae: '{Folder["a.npy.progress.json"]}' does not match the files next to it: delete it to start over."));

        File.Delete(Folder["a.npy.progress.json"]);
        Assert.That(Support.Cli.Succeed(job), Does.StartWith("Generated 500 images"));
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

    // A record of fewer rows than there are images before the next one would have ended the job early.
    [TestCase("\"Rows\":4", "\"Rows\":3")]
    [TestCase("\"Next\":4", "\"Next\":10")]
    [TestCase("\"Next\":4", "\"Next\":4000000")]
    public void ArrayFile_WhoseRecordLostRows_IsRefused(string from, string to)
    {
        var range = new OnnxVae.Inference.ImageRange(0, 10);
        using (var file = new ArrayFile(Folder["z.npy"], "<f4", [1], range, hasNames: false, TimeSpan.Zero))
        {
            file.Append(new byte[16], [], 4);
        }

        string record = Folder["z.npy.progress.json"], text = File.ReadAllText(record);
        Assert.That(text, Does.Contain(from));
        File.WriteAllText(record, text.Replace(from, to, StringComparison.Ordinal));

        Assert.That(
            () => new ArrayFile(Folder["z.npy"], "<f4", [1], range, hasNames: false),
            Throws.TypeOf<InvalidDataException>().With.Message.EqualTo($"'{record}' does not match the files next to it: delete it to start over."));
    }

    [Test]
    public void ArrayFile_OfTooFewRows_DoesNotGetItsName()
    {
        using var file = new ArrayFile(Folder["z.npy"], "<f4", [1], new OnnxVae.Inference.ImageRange(0, 10), hasNames: false);
        file.Append(new byte[16], [], 10);

        Assert.That(file.Finish, Throws.TypeOf<InvalidDataException>().With.Message.StartsWith($"'{Folder["z.npy.partial"]}' has 4 rows; expected 10"));
        Assert.That(File.Exists(Folder["z.npy"]), Is.False);
    }

    [TestCase("x.npy")]
    [TestCase("x.tar")]
    [TestCase("x.zip")]
    [TestCase("x.npz")]
    public void Encode_OfAPipe_DoesNotWaitForIt(string name)
    {
        NamedPipe.Create(Folder[name]);

        var (exitCode, _, error) = Support.Cli.Run("encode", Models.Export("mlp"), "--data", Folder[name], "--out", Folder["z.npy"]);

        Assert.That(exitCode, Is.EqualTo(1));
        Assert.That(error.TrimEnd(), Is.EqualTo($"onnxvae: '{Folder[name]}' is empty, or not a regular file."));
    }
}
