using Microsoft.Extensions.Hosting;
using OnnxVae.Cli.Batch;
using OnnxVae.Cli.Options;
using OnnxVae.Cli.Runs;
using OnnxVae.Cli.Terminal;
using OnnxVae.Format;
using OnnxVae.Inference;

namespace OnnxVae.Cli.Verbs.Serve;

/// <summary>Serves a page to play with a model.</summary>
[Verb("serve", VerbTopic.Look, "Opens a page on this machine, for this machine only.", Details = "Sliders over the latents, samples, reconstruction and interpolation of your images.",
    Example = "serve runs/sprites")]
internal sealed class ServeVerb : LongVerb<ServeOptions>
{
    protected override async Task<int> RunAsync(ServeOptions options, CancellationToken cancellation)
    {
        string folder = ModelPath.Folder(options.Model), title = Path.GetFileName(Path.TrimEndingDirectorySeparator(Path.GetFullPath(options.Model)));
        var run = options.Execution.ToVaeOptions() with { WarmUp = true };
        string file = Path.Combine(folder, ExportedFiles.Colorizer);
        using var colorizer = File.Exists(file) ? Colorizer.Load(file, run) : null;
        using var vae = colorizer is null ? TrainedVae.Load(folder, run) : null;
        if (vae is not null)
        {
            PicturesOnly.Require(vae.Decoder.Metadata, "The page shows pictures", "use 'generate', 'reconstruct' or 'traverse'");
        }

        await using var server = await (colorizer is not null
            ? PageServer.StartAsync(colorizer, title, options.Port)
            : PageServer.StartAsync(vae!, title, options.Port, Constant(options, vae!.Decoder.Metadata)));
        Console.WriteLine($"Open {server.Urls.Single()} in a browser. Press Ctrl+C to stop.");
        await server.WaitForShutdownAsync(cancellation);
        return ExitCode.Done;
    }

    // A class is chosen on the page.
    private static Condition? Constant(ServeOptions options, ModelMetadata model) =>
        model.Condition?.Kind == ConditionKinds.Label && options.Condition is null ? null : new ConditionOptions { Condition = options.Condition }.ForAll(model);
}
