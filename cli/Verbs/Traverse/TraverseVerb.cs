using System.Globalization;
using OnnxVae.Cli.Batch;
using OnnxVae.Cli.Options;
using OnnxVae.Cli.Runs;
using OnnxVae.Cli.Terminal;
using OnnxVae.Format;
using OnnxVae.Inference;

namespace OnnxVae.Cli.Verbs.Traverse;

/// <summary>Shows what each latent does by varying one at a time.</summary>
[Verb("traverse", VerbTopic.Latents, "Decodes one latent at a time over a range of values.", Example = "traverse runs/sprites --out latents.png")]
internal sealed class TraverseVerb : Verb<TraverseOptions>
{
    protected override Task<int> RunAsync(TraverseOptions options)
    {
        string directory = ModelPath.VaeFolder(options.Model);
        using var original = VaeDecoder.Load(Path.Combine(directory, ExportedFiles.Decoder), options.Execution.ToVaeOptions());
        var condition = options.Given.ForAll(original.Metadata);
        var decoder = condition is null ? original : original.Given(condition);
        ExportedModel.RequireNumbers(decoder.Metadata);
        int[] rows = ParseLatents(options.Latents, decoder.Metadata.LatentSize);
        var (centre, start) = Start(options, directory, condition, decoder.Metadata.LatentSize);
        ImageLines.Save(decoder.Decode(Points(centre, rows, options.Steps, options.Range)), decoder.Metadata, options.Steps, options.Out);
        Console.WriteLine($"Traversed latents {string.Join(", ", rows)}, one row each{start}: {options.Out}");
        return Task.FromResult(ExitCode.Done);
    }

    // The latents that are varied one at a time.
    private static (float[] Centre, string Name) Start(TraverseOptions options, string directory, Condition? condition, int size)
    {
        if (options.Images.Data is null && options.Image is null)
        {
            return (new float[size], "");
        }

        using var encoder = VaeEncoder.Load(Path.Combine(directory, ExportedFiles.Encoder), options.Execution.ToVaeOptions());
        var images = options.Images.Data is null ? null : options.Images.Open(encoder.Metadata);
        var chosen = ChosenImage.Find("--image", options.Image ?? "0", images, encoder.Metadata);
        return ((condition is null ? encoder : encoder.Given(condition)).Encode(chosen.Pixels).Mean, $" from {chosen.Name}");
    }

    // Float32 [rows, columns, L].
    private static float[] Points(float[] centre, int[] rows, int columns, double range)
    {
        var points = new float[rows.Length * columns * centre.Length];
        for (int i = 0; i < rows.Length * columns; i++)
        {
            var point = points.AsSpan(i * centre.Length, centre.Length);
            centre.CopyTo(point);
            point[rows[i / columns]] = (float)(range * ((2.0 * (i % columns) / (columns - 1)) - 1));
        }

        return points;
    }

    private static int[] ParseLatents(string? text, int size) => text is null ? [.. Enumerable.Range(0, size)] : [.. text.Split(',').Select(part =>
        int.TryParse(part, NumberStyles.None, CultureInfo.InvariantCulture, out int latent) && latent < size ? latent : throw new UsageException(
            $"--latents is '{text}'; expected numbers from 0 to {size - 1} with commas between them, as in 0,3."))];
}
