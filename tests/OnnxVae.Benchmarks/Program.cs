using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using OnnxVae.Benchmarks;
using OnnxVae.Exporters.Modules;
using Spectre.Console;

TorchNativeLibrary.Prepare();
var json = new Option<bool>("--json") { Description = "Print one JSON object.", Recursive = true };
var compile = new Command("compile", "Time to compile a training step, for 10 to 1,000 layers.");
compile.SetAction(arguments =>
{
    CompileResult[] results = [.. CompileBenchmark.Run([10, 30, 100, 300, 1000])];
    if (arguments.GetValue(json))
    {
        Console.WriteLine(JsonSerializer.Serialize(new { networks = results }, JsonSerializerOptions.Web));
        return;
    }

    var table = new Table().AddColumns("layers", "operators", "lowering, ms", "gradients, ms", "writing, ms", "total, ms", "per layer, ms");
    foreach (var result in results)
    {
        double[] times = [result.LoweringMilliseconds, result.DifferentiationMilliseconds, result.WritingMilliseconds, result.TotalMilliseconds];
        table.AddRow([
            $"{result.Layers}", $"{result.Operators}", .. times.Select(time => time.ToString("F1", CultureInfo.InvariantCulture)),
            (result.TotalMilliseconds / result.Layers).ToString("F2", CultureInfo.InvariantCulture)]);
    }

    AnsiConsole.Write(table);
});

return new RootCommand("Measures OnnxVae.") { compile, json }.Parse(args).Invoke();
