using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using OnnxVae.Benchmarks;
using OnnxVae.Exporters.Convolutions;
using OnnxVae.Exporters.Graph;
using OnnxVae.Exporters.Modules;
using OnnxVae.Inference;
using Spectre.Console;

TorchNativeLibrary.Prepare();
var json = new Option<bool>("--json") { Description = "Print one JSON object.", Recursive = true };
var threads = new Option<int>("--threads") { Description = "Threads of either library.", DefaultValueFactory = _ => 2, Recursive = true };
var models = new Option<string>("--models") { Description = "Which models, by their letters.", DefaultValueFactory = _ => "abcd" };
var blocks = new Option<int>("--blocks") { Description = "Blocks of ten steps, of either library in turn.", DefaultValueFactory = _ => 6 };

var compile = new Command("compile", "Time to compile a training step: of the models, in new processes, and of 10 to 1,000 layers.") { models };
compile.SetAction(arguments =>
{
    ModelCompileResult[] ofModels = [.. CompileBenchmark.OfModels(Chosen(arguments, BenchmarkModel.All))];
    CompileResult[] ofDepths = [.. CompileBenchmark.OfDepths([10, 30, 100, 300, 1000])];
    if (arguments.GetValue(json))
    {
        PrintJson(new { models = ofModels, networks = ofDepths });
        return;
    }

    PrintTable(
        ["model", "operators", "step, ms", "again, ms", "package, ms", "again, ms"],
        ofModels.Select(result => (string[])
        [
            $"({result.Name})", $"{result.Operators}", Number(result.Step.First, 0), Number(result.Step.Again, 0), Number(result.Package.First, 0), Number(result.Package.Again, 0),
        ]));
    PrintTable(
        ["layers", "operators", "lowering, ms", "gradients, ms", "writing, ms", "total, ms", "per layer, ms"],
        ofDepths.Select(result => (string[])
        [
            $"{result.Layers}", $"{result.Operators}", Number(result.LoweringMilliseconds), Number(result.DifferentiationMilliseconds),
            Number(result.WritingMilliseconds), Number(result.TotalMilliseconds), Number(result.TotalMilliseconds / result.Layers, 2),
        ]));
});

var step = new Command("step", "A training step on ONNX Runtime against the same in TorchSharp, eager.") { models, blocks };
step.SetAction(arguments =>
{
    StepResult[] results = [.. StepBenchmark.Run(Chosen(arguments, StepModel.All), arguments.GetValue(threads), arguments.GetValue(blocks))];
    double geometricMean = Math.Exp(results.Average(result => Math.Log(result.Ratio)));
    Print(
        arguments.GetValue(json), new { models = results, geometricMean },
        ["model", "TorchSharp, ms (min)", "ONNX Runtime, ms (min)", "ratio", "of peak", "TorchSharp, MB", "ONNX Runtime, MB", "losses differ"],
        [
            .. results.Select(result => (string[])
            [
                $"({result.Name}) {result.Description}", $"{Number(result.TorchSharpMilliseconds)} ({Number(result.TorchSharpMinimum)})",
                $"{Number(result.OnnxRuntimeMilliseconds)} ({Number(result.OnnxRuntimeMinimum)})", Number(result.Ratio, 2), Number(result.PeakShare, 2),
                Number(result.TorchSharpPeakMegabytes, 0), Number(result.OnnxRuntimePeakMegabytes, 0), result.LossDifference.ToString("G2", CultureInfo.InvariantCulture),
            ]),
            ["geometric mean", "", "", Number(geometricMean, 2), "", "", "", ""],
        ]);
});

var modelName = new Argument<string>("model");
var library = new Argument<string>("library");
var memory = new Command("memory", "Peak memory of a step in one library alone.") { modelName, library };
memory.Hidden = true;
memory.SetAction(arguments => StepBenchmark.PrintPeakMemory(
    StepModel.All.Single(model => model.Name == arguments.GetValue(modelName)), arguments.GetValue(library)!, arguments.GetValue(threads)));

var what = new Argument<string>("what");
var compileAlone = new Command("compile-alone", "Times of compiling a model's step or package in one process.") { modelName, what };
compileAlone.Hidden = true;
compileAlone.SetAction(arguments => CompileBenchmark.PrintTimes(
    BenchmarkModel.All.Single(model => model.Name == arguments.GetValue(modelName)), arguments.GetValue(what)!));

var decode = new Command("decode", "Images per second of exported decoders against TorchSharp without gradients.") { models, blocks };
decode.SetAction(arguments => PrintServing(arguments, ServingBenchmark.Decode));

var encode = new Command("encode", "Images per second of exported encoders against TorchSharp without gradients.") { models, blocks };
encode.SetAction(arguments => PrintServing(arguments, ServingBenchmark.Encode));

var job = new Command("job", "The job 'generate' against a bare loop of the runtime, and one decoder with 64 callers against one.") { models, blocks };
job.SetAction(arguments =>
{
    JobResult[] results = [.. JobBenchmark.Run(Chosen(arguments, BenchmarkModel.All), arguments.GetValue(threads), arguments.GetValue(blocks))];
    Print(
        arguments.GetValue(json), new { models = results },
        ["model", "block", "bare loop, images/s", "to .npy, images/s", "share", "to PNG, images/s", "busy", "64 callers / 1", "a thread per run"],
        results.Select(result => (string[])
        [
            $"({result.Name})", $"{result.BlockSize}", Number(result.BareImagesPerSecond, 0), Number(result.NpyImagesPerSecond, 0), Number(result.NpyShare, 2),
            Number(result.PngImagesPerSecond, 0), Number(result.PngBusyShare, 2), Number(result.CallersShare, 2), Number(result.ThreadPerRunCallersShare, 2),
        ]));
});

var imageSize = new Option<int>("--image-size") { Description = "Side of the images; an eighth and a quarter of it are the sides of the grids.", DefaultValueFactory = _ => 32 };
var together = new Option<string>("--images") { Description = "How many images advance together.", DefaultValueFactory = _ => "1,16,64" };
var sampling = new Command("sampling", "Drawing codes position by position against evaluating the whole grid for each.") { imageSize, together, blocks };
sampling.SetAction(arguments =>
{
    SamplingResult[] results = [.. SamplingBenchmark.Run(
        arguments.GetValue(imageSize), arguments.GetValue(together)!.Split(',').Select(count => int.Parse(count, CultureInfo.InvariantCulture)),
        arguments.GetValue(threads), arguments.GetValue(blocks))];
    Print(
        arguments.GetValue(json), new { images = results }, ["images", "position by position, ms", "whole grids, ms", "times as fast"],
        results.Select(result => (string[])[$"{result.Images}", Number(result.StepwiseMilliseconds), Number(result.WholeMilliseconds), Number(result.Speedup)]));
});

var data = new Option<string>("--data") { Description = "The images, as for 'onnxvae train'.", DefaultValueFactory = _ => "sprites" };
var epochModel = new Argument<string>("model") { Description = "The model's letter." };
epochModel.AcceptOnlyFromAmong([.. BenchmarkModel.All.Select(model => model.Name)]);
var epoch = new Command("epoch", "Share of an epoch's wall time in which ONNX Runtime computes.") { epochModel, data };
epoch.SetAction(async arguments =>
{
    var model = BenchmarkModel.All.Single(model => model.Name == arguments.GetValue(epochModel));
    var result = await EpochBenchmark.RunAsync(model, arguments.GetValue(data)!, arguments.GetValue(threads)).ConfigureAwait(false);
    Print(
        arguments.GetValue(json), result, ["model", "data", "steps", "ms per step", "computing"],
        [[$"({result.Name})", result.Data, $"{result.Steps}", Number(result.MillisecondsPerStep), Number(result.ComputingShare, 3)]]);
});

var validation = new Command("validation", "Steps per second with validation images and without.") { models, blocks };
validation.SetAction(arguments =>
{
    ValidatedTraining[] results = [.. ValidationBenchmark.Run(Chosen(arguments, BenchmarkModel.All), arguments.GetValue(threads), arguments.GetValue(blocks))];
    Print(
        arguments.GetValue(json), new { models = results }, ["model", "steps", "without, steps/s", "with, steps/s", "ratio", "evaluation"],
        results.Select(result => (string[])[$"({result.Name})", $"{result.Steps}", Number(result.PlainStepsPerSecond), Number(result.ValidatedStepsPerSecond), Number(result.Ratio, 3), Number(result.ValidationShare, 3)]));
});

var split = new Command("split", "A training step in two programs against the same in one.") { models, blocks };
split.SetAction(arguments =>
{
    SplitResult[] results = [.. PartsBenchmark.Split(Chosen(arguments, BenchmarkModel.All), arguments.GetValue(threads), arguments.GetValue(blocks))];
    Print(
        arguments.GetValue(json), new { models = results }, ["model", "one program, ms", "two programs, ms", "ratio"],
        results.Select(result => (string[])[$"({result.Name})", Number(result.FusedMilliseconds, 2), Number(result.SplitMilliseconds, 2), Number(result.Ratio, 3)]));
});

var ranks = new Command("ranks", "Two processes over MPI, each with half a batch and one thread, against one alone, and against two that have nothing to do with each other.") { models, blocks };
ranks.SetAction(arguments =>
{
    RanksResult[] results = [.. PartsBenchmark.Ranks(Chosen(arguments, BenchmarkModel.All), arguments.GetValue(blocks))];
    Print(
        arguments.GetValue(json), new { models = results }, ["model", "one, ms", "two apart, ms", "two ranks, ms", "of that adding up, ms", "over one", "over two apart"],
        results.Select(result => (string[])[$"({result.Name})", Number(result.AloneMilliseconds, 2), Number(result.BesideMilliseconds, 2), Number(result.TogetherMilliseconds, 2), Number(result.ReducingMilliseconds, 2), Number(result.OverAlone, 2), Number(result.OverBeside, 2)]));
});

var steps = new Argument<long>("steps");
var rankSteps = new Command("rank-steps", "Milliseconds of a step in a process that may be one of several.") { modelName, steps };
rankSteps.Hidden = true;
rankSteps.SetAction(arguments => PartsBenchmark.PrintRankSteps(BenchmarkModel.All.Single(model => model.Name == arguments.GetValue(modelName)), arguments.GetValue(steps)));

var sources = new Argument<string[]>("sources") { Description = "Images, as for 'onnxvae train --data'; sprites, also in files of every kind, if left out.", Arity = ArgumentArity.ZeroOrMore };
var images = new Command("data", "Images per second of sources against what the fastest model eats.") { sources };
images.SetAction(arguments =>
{
    DataResult[] results = [.. DataBenchmark.Run(arguments.GetValue(sources) ?? [], arguments.GetValue(threads))];
    Print(
        arguments.GetValue(json), new { sources = results }, ["source", "images", "opening, ms", "prepared, images/s", "eaten, images/s", "prepared / eaten"],
        results.Select(result => (string[])
        [
            result.Source, $"{result.Images}", Number(result.OpeningMilliseconds, 0), Number(result.PreparedPerSecond, 0), Number(result.EatenPerSecond, 0),
            Number(result.PreparedPerSecond / result.EatenPerSecond, 1),
        ]));
});

var tables = new Argument<string>("folder");
var uses = new Option<CostTable.Use[]>("--use") { Description = "Which tables.", AllowMultipleArgumentsPerToken = true, DefaultValueFactory = _ => Enum.GetValues<CostTable.Use>() };
var device = new Option<string>("--device") { Description = "What to measure, as for 'onnxvae train'.", DefaultValueFactory = _ => OnnxDevice.Cpu.Provider };
var tune = new Command("tune", "Measures the algorithms of convolutions and writes the cost tables; the compiler's own are in exporters/Convolutions/Costs.") { tables, uses, device };
tune.SetAction(arguments => TuneBenchmark.Write(
    arguments.GetValue(tables)!, arguments.GetValue(uses)!, OnnxDevice.Parse(arguments.GetValue(device)!), arguments.GetValue(threads), Console.Error.WriteLine));

var target = new Option<string>("--out") { Description = "The folder that gets one package per model.", Required = true };
var provider = new Option<string>("--for") { Description = "The execution provider that they will run on.", DefaultValueFactory = _ => OnnxDevice.Cpu.Provider };
var batch = new Option<int>("--batch") { Description = "Images per step; those of the tables if 0." };
var packages = new Command("packages", "Writes the training packages of the models.") { models, target, provider, batch };
packages.SetAction(arguments =>
{
    foreach (var model in Chosen(arguments, BenchmarkModel.All))
    {
        using var vae = model.Build();
        var sized = arguments.GetValue(batch) is > 0 and var images ? model with { Batch = images } : model;
        sized.Compiler(vae).Write(Path.Combine(arguments.GetValue(target)!, model.Name), target: CompilationTarget.Training with { Provider = arguments.GetValue(provider) });
    }
});

var run = new Argument<string>("run") { Description = "The folder of a run on the sprites, 'fit' or --mixture included." };
var sprites = new Command("sprites", "Share of a model's samples whose nearest held-out sprite has an intersection over union above 0.8.") { run };
sprites.SetAction(arguments =>
{
    SpriteSamplesResult[] results = [.. SpriteSamplesBenchmark.Run(arguments.GetValue(run)!)];
    Print(
        arguments.GetValue(json), new { sources = results }, ["images of", "images", "recognizable", "mean overlap"],
        results.Select(result => (string[])[result.Source, $"{result.Images}", Number(result.Share, 3), Number(result.MeanOverlap, 3)]));
});

return new RootCommand("Measures OnnxVae.") { compile, compileAlone, step, decode, encode, job, sampling, images, epoch, validation, split, ranks, rankSteps, tune, packages, sprites, memory, json, threads }.Parse(args).Invoke();

IEnumerable<TModel> Chosen<TModel>(ParseResult arguments, IEnumerable<TModel> known) where TModel : StepModel =>
    known.Where(model => arguments.GetValue(models)!.Contains(model.Name, StringComparison.Ordinal));

void PrintServing(ParseResult arguments, Func<IEnumerable<BenchmarkModel>, int, int, IEnumerable<ServingResult>> run)
{
    ServingResult[] results = [.. run(Chosen(arguments, BenchmarkModel.All), arguments.GetValue(threads), arguments.GetValue(blocks))];
    Print(
        arguments.GetValue(json), new { models = results },
        ["model", "batch", "TorchSharp, images/s", "any runtime, images/s", "ratio", "for cpu, images/s", "ratio"],
        results.Select(result => (string[])
        [
            $"({result.Name})", $"{result.Batch}", Number(result.TorchSharpImagesPerSecond, 0),
            Number(result.PlainImagesPerSecond, 0), Number(result.PlainRatio, 2), Number(result.FastImagesPerSecond, 0), Number(result.FastRatio, 2),
        ]));
}

static string Number(double value, int digits = 1) => value.ToString($"F{digits}", CultureInfo.InvariantCulture);

static void Print(bool asJson, object result, string[] columns, IEnumerable<string[]> rows)
{
    if (asJson)
    {
        PrintJson(result);
    }
    else
    {
        PrintTable(columns, rows);
    }
}

static void PrintJson(object result) => Console.WriteLine(JsonSerializer.Serialize(result, JsonSerializerOptions.Web));

static void PrintTable(string[] columns, IEnumerable<string[]> rows)
{
    var table = new Table().AddColumns(columns);
    foreach (string[] row in rows)
    {
        table.AddRow(row);
    }

    AnsiConsole.Write(table);
}
