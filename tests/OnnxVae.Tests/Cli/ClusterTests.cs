using System.Diagnostics;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using OnnxVae.Tests.Support;

namespace OnnxVae.Tests.Cli;

/// <summary>The commands of docs/cluster, run as their schedulers run them, against one job without parts.</summary>
internal sealed partial class ClusterTests : FolderFixture
{
    private const int Count = 40_000; // five .tar files

    private static readonly ExportedModels Models = new();

    private static string Decoder => Path.Combine(Models.Export("mlp"), "decoder.onnx");

    private static string CommandLine => Path.Combine(AppContext.BaseDirectory, "onnxvae.dll");

    [OneTimeTearDown]
    public void DeleteModels() => Models.Dispose();

    [SetUp]
    public void GenerateWithoutParts() =>
        Support.Cli.Succeed("generate", Decoder, "--count", $"{Count}", "--seed", "1", "--out", Folder["whole/samples.tar"]);

    [Test]
    public void KubernetesJob_GivesTheFilesOfOneJob()
    {
        string manifest = File.ReadAllText(Path.Combine(Repository.Root, "docs/cluster/kubernetes-job.yaml"));
        int parts = int.Parse(Completions().Match(manifest).Groups[1].Value, null);
        string[] arguments = [.. JsonNode.Parse(Arguments().Match(manifest).Groups[1].Value)!.AsArray().Select(argument => (string)argument!)];
        Assert.That(arguments, Does.Contain($"$(PART)/{parts}"), "as many parts as completions");

        RunParts(parts, part => new ProcessStartInfo(
            "dotnet",
            [CommandLine, .. arguments.Select(argument => argument switch
            {
                "/model/decoder.onnx" => Decoder,
                "/images/samples.tar" => Folder["parts/samples.tar"],
                "1000000" => $"{Count}",
                _ => argument.Replace("$(PART)", $"{part}", StringComparison.Ordinal),
            })]));

        AssertSameFiles();
    }

    [Test]
    public void SlurmArray_GivesTheFilesOfOneJob()
    {
        string script = Path.Combine(Repository.Root, "docs/cluster/slurm-array.sh");
        int parts = int.Parse(LastTask().Match(File.ReadAllText(script)).Groups[1].Value, null) + 1;
        File.WriteAllText(Folder["onnxvae"], $"#!/bin/sh\nexec dotnet '{CommandLine}' \"$@\"\n");
        using (var permission = Process.Start("chmod", ["+x", Folder["onnxvae"]]))
        {
            permission.WaitForExit();
        }

        RunParts(parts, part =>
        {
            var start = new ProcessStartInfo("bash", [script]);
            foreach (var (name, value) in (ReadOnlySpan<(string, string)>)
                [("PATH", $"{Folder.Path}:{Environment.GetEnvironmentVariable("PATH")}"), ("DECODER", Decoder), ("OUT", Folder["parts/samples.tar"]), ("COUNT", $"{Count}"),
                 ("SLURM_ARRAY_TASK_ID", $"{part}"), ("SLURM_ARRAY_TASK_COUNT", "1"), ("SLURM_CPUS_PER_TASK", "1")])
            {
                start.Environment[name] = value;
            }

            return start;
        });

        AssertSameFiles();
    }

    // Four at a time, as a small cluster would.
    private static void RunParts(int parts, Func<int, ProcessStartInfo> start)
    {
        var outcomes = new string[parts];
        Parallel.For(0, parts, new ParallelOptions { MaxDegreeOfParallelism = 4 }, part =>
        {
            var information = start(part);
            (information.RedirectStandardError, information.RedirectStandardOutput) = (true, true);
            using var process = Process.Start(information)!;
            string error = process.StandardError.ReadToEnd();
            process.WaitForExit();
            outcomes[part] = process.ExitCode == 0 ? "done" : error;
        });
        Assert.That(outcomes, Has.All.EqualTo("done"));
    }

    private void AssertSameFiles()
    {
        string[] Files(string folder) => [.. Directory.GetFiles(Folder[folder], "*.tar").Select(Path.GetFileName).Order(StringComparer.Ordinal)!];
        string[] files = Files("whole");
        Assert.That(files, Has.Length.EqualTo(5));
        Assert.That(Files("parts"), Is.EqualTo(files));
        Assert.That(files.Where(file => !File.ReadAllBytes(Folder[$"parts/{file}"]).AsSpan().SequenceEqual(File.ReadAllBytes(Folder[$"whole/{file}"]))), Is.Empty);
    }

    [GeneratedRegex(@"completions: (\d+)")]
    private static partial Regex Completions();

    [GeneratedRegex(@"args: (\[.*\])")]
    private static partial Regex Arguments();

    [GeneratedRegex(@"--array=0-(\d+)")]
    private static partial Regex LastTask();
}
