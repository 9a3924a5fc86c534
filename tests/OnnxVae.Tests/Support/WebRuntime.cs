using System.Diagnostics;
using System.Runtime.InteropServices;
using System.Text.Json;
using System.Text.Json.Nodes;
using OnnxVae.Format;

namespace OnnxVae.Tests.Support;

/// <summary>
/// ONNX Runtime's WebAssembly build under Node: another compiler's work on the same files, and the one that browsers run.
/// Cases are collected first, because starting Node takes longer than running them.
/// </summary>
internal sealed class WebRuntime : IDisposable
{
    private const double Tolerance = 1e-4;

    private readonly TemporaryFolder folder = new();
    private readonly List<(string Name, string File, IReadOnlyDictionary<string, Array> Expected)> cases = [];

    private static string Scripts => Path.Combine(Repository.Root, "tests/OnnxVae.Tests/Web");

    // Next to the test's binaries, so that packages are fetched once.
    private static string Workplace => Path.Combine(AppContext.BaseDirectory, "web");

    public static bool IsAvailable => CanStart("node") && CanStart("npm");

    /// <summary>Adds a model with its inputs; it has to compute there what it computes here.</summary>
    public void Add(string name, OnnxModel model, IReadOnlyDictionary<string, Array> inputs)
    {
        string file = $"{cases.Count}";
        model.Save(folder[$"{file}.onnx"]);
        var described = model.Inputs.Select(input => KeyValuePair.Create(input.Name, (JsonNode?)Describe(input, inputs[input.Name])));
        File.WriteAllText(folder[$"{file}.json"], new JsonObject { ["inputs"] = new JsonObject(described) }.ToJsonString());
        using var session = new GraphSession(model);
        cases.Add((name, file, session.Run(inputs)));
    }

    /// <summary>Runs all cases and compares their results.</summary>
    public void AssertEqualResults()
    {
        Install();
        Run("node", "run.mjs", folder[""]);
        Assert.Multiple(() =>
        {
            foreach (var (name, file, expected) in cases)
            {
                using var result = JsonDocument.Parse(File.ReadAllText(folder[$"{file}.result.json"]));
                if (result.RootElement.TryGetProperty("error", out var error))
                {
                    Assert.Fail($"{name}: {error}");
                    continue;
                }

                foreach (var (output, values) in expected)
                {
                    float[] actual = [.. result.RootElement.GetProperty("outputs").GetProperty(output).EnumerateArray().Select(number => number.GetSingle())];
                    Assert.That(Numbers.RelativeError(actual, [.. values.Cast<object>().Select(Convert.ToSingle)]), Is.LessThan(Tolerance), $"{name}: {output}");
                }
            }
        });
    }

    public void Dispose() => folder.Dispose();

    private static JsonObject Describe(ModelTensor input, Array data) => new()
    {
        ["type"] = data is long[]? "int64" : "float32",
        ["dims"] = new JsonArray([.. GraphSession.Dimensions(input.Shape, data.Length).Select(d => (JsonNode)d)]),
        ["data"] = Convert.ToBase64String(data is long[] integers ? MemoryMarshal.AsBytes(integers.AsSpan()) : MemoryMarshal.AsBytes(((float[])data).AsSpan())),
    };

    /// <summary>Trains the artifacts in a folder, which also holds what they are trained on, and saves the runtime's checkpoint there: see <c>train.mjs</c>.</summary>
    /// <returns>The result.</returns>
    public static JsonNode Train(string artifacts)
    {
        Install();
        Run("node", "train.mjs", artifacts);
        return JsonNode.Parse(File.ReadAllText(Path.Combine(artifacts, "result.json")))!;
    }

    private static void Install()
    {
        Directory.CreateDirectory(Workplace);
        foreach (string file in (string[])["package.json", "run.mjs", "train.mjs", "checkpoint.mjs"])
        {
            File.Copy(Path.Combine(Scripts, file), Path.Combine(Workplace, file), overwrite: true);
        }

        if (((string[])["onnxruntime-web", "onnxruntime-web-training"]).Any(package => !Directory.Exists(Path.Combine(Workplace, "node_modules", package))))
        {
            Run("npm", "install", "--no-audit", "--no-fund", "--no-package-lock", "--ignore-scripts");
        }
    }

    private static void Run(string program, params string[] arguments)
    {
        using var process = Process.Start(new ProcessStartInfo(program, arguments)
        {
            WorkingDirectory = Workplace,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        })!;
        var output = process.StandardOutput.ReadToEndAsync();
        string errors = process.StandardError.ReadToEnd();
        process.WaitForExit();
        Assert.That(process.ExitCode, Is.Zero, $"{program} {string.Join(' ', arguments)}: {output.Result}{errors}");
    }

    private static bool CanStart(string program)
    {
        try
        {
            using var process = Process.Start(new ProcessStartInfo(program, ["--version"]) { RedirectStandardOutput = true, RedirectStandardError = true })!;
            process.WaitForExit();
            return process.ExitCode == 0;
        }
        catch (System.ComponentModel.Win32Exception)
        {
            return false;
        }
    }
}
