using OnnxVae.Cli.Batch;
using OnnxVae.Cli.Options;
using OnnxVae.Cli.Runs;
using OnnxVae.Cli.Terminal;
using OnnxVae.Inference;

namespace OnnxVae.Cli.Verbs.Interpolate;

/// <summary>Interpolates between two images.</summary>
[Verb("interpolate", VerbTopic.Latents, "Interpolates between two images.", Details = "Decodes points between their latents.",
    Example = "interpolate runs/sprites --data sprites --from 3 --to 8 --out between.png")]
internal sealed class InterpolateVerb : Verb<InterpolateOptions>
{
    protected override Task<int> RunAsync(InterpolateOptions options)
    {
        using var original = TrainedVae.Load(ModelPath.VaeFolder(options.Model), options.Execution.ToVaeOptions());
        var vae = options.Given.ForAll(original.Decoder.Metadata) is { } condition ? original.Given(condition) : original;
        ExportedModel.RequireNumbers(vae.Decoder.Metadata);
        var images = options.Images.Data is null ? null : options.Images.Open(vae.Encoder.Metadata);
        var first = ChosenImage.Find("--from", options.From, images, vae.Encoder.Metadata);
        var last = ChosenImage.Find("--to", options.To, images, vae.Encoder.Metadata);
        var path = options.Path == InterpolateOptions.Spherical ? LatentPathKind.Spherical : LatentPathKind.Linear;
        ImageLines.Save(vae.Interpolate(first.Pixels, last.Pixels, options.Steps, path), vae.Decoder.Metadata, options.Steps, options.Out);
        Console.WriteLine($"Interpolated from {first.Name} to {last.Name}: {options.Out}");
        return Task.FromResult(ExitCode.Done);
    }
}
