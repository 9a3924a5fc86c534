using System.Globalization;
using OnnxVae.Format;
using OnnxVae.Inference;
using OnnxVae.Training.Data;
using OnnxVae.Training.Reports;

namespace OnnxVae.Training.Runs;

/// <summary>
/// Draws grids that show the state of training: samples from the prior, and test images with their reconstructions below. Samples of a conditional
/// model are one of each class in turn, or a row for each of some test images, which begins with what is visible of the image if it is completed.
/// </summary>
/// <param name="package">The compiled model; without a deployable encoder and decoder, and for rows of a table, nothing is drawn.</param>
/// <param name="test">Images to reconstruct.</param>
/// <param name="seed">Random seed; every step draws the same latents, so that grids can be compared.</param>
/// <param name="device">Where to run.</param>
/// <param name="threads">CPU threads; 0 for one per logical processor.</param>
public sealed class SampleGrids(TrainingPackage package, ImageSource test, ulong seed, OnnxDevice device, int threads)
{
    private const int Columns = 8;
    private const int SampleRows = 6;
    private const string Samples = "samples", Reconstructions = "reconstructions", Mixture = "mixture", Colorizations = "colorizations";

    private readonly VaeOptions running = new() { Device = device, Threads = threads };

    /// <summary>Writes <c>samples-STEP.png</c> and <c>reconstructions-STEP.png</c>, or <c>colorizations-STEP.png</c>.</summary>
    /// <param name="folder">The target folder.</param>
    /// <param name="step">The step, for the files' names.</param>
    /// <param name="states">The states at that step.</param>
    /// <returns>The pictures; none if the model cannot be drawn.</returns>
    public IReadOnlyList<string> Write(string folder, long step, IReadOnlyDictionary<string, Tensor> states)
    {
        if (package.Manifest.Deployables.ContainsKey(ExportedKinds.Colorizer) && test.Count > 0)
        {
            using var colorizer = Colorizer.Load(RunExport.Bake(package, ExportedKinds.Colorizer, states).ToBytes(), running);
            ColorizationGrid.Save(FileOf(folder, Colorizations, step), colorizer, test, seed);
            return [FileOf(folder, Colorizations, step)];
        }

        if (!CanDraw)
        {
            return [];
        }

        using var decoder = LoadDecoder(states);
        using var prior = package.Manifest.Deployables.ContainsKey(ExportedKinds.Prior)
            ? LatentPrior.Load(RunExport.Bake(package, ExportedKinds.Prior, states).ToBytes(), running)
            : LatentPrior.StandardNormal(decoder.Metadata.LatentSize);
        Save(FileOf(folder, Samples, step), decoder, Draw(decoder, prior));
        if (test.Count == 0)
        {
            return [FileOf(folder, Samples, step)];
        }

        using var encoder = VaeEncoder.Load(RunExport.Bake(package, ExportedKinds.Encoder, states).ToBytes(), running);
        Save(FileOf(folder, Reconstructions, step), decoder, ReconstructionGrid.Build(encoder, decoder, test, (int)Math.Min(2 * Columns, test.Count), Columns));
        return [FileOf(folder, Samples, step), FileOf(folder, Reconstructions, step)];
    }

    /// <summary>Writes <c>mixture-STEP.png</c>, samples from a mixture that was fitted to the latents of the training images.</summary>
    /// <param name="folder">The target folder.</param>
    /// <param name="step">The step, for the file's name.</param>
    /// <param name="states">The states at that step.</param>
    /// <param name="mixture">The graph that maps noise to draws from the mixture.</param>
    public void WriteMixture(string folder, long step, IReadOnlyDictionary<string, Tensor> states, OnnxModel mixture)
    {
        if (!CanDraw)
        {
            return;
        }

        using var decoder = LoadDecoder(states);
        using var prior = LatentPrior.Load(mixture.ToBytes(), running);
        Save(FileOf(folder, Mixture, step), decoder, Draw(decoder, prior));
    }

    /// <summary>Whether all grids of a step have been written.</summary>
    /// <param name="folder">The folder that they are written to.</param>
    /// <param name="step">The step.</param>
    public bool AreWritten(string folder, long step) => !CanDraw || File.Exists(FileOf(folder, test.Count > 0 ? Reconstructions : Samples, step)); // the last one written

    private bool CanDraw => package.Table is null && package.Manifest.Deployables.ContainsKey(ExportedKinds.Encoder) && package.Manifest.Deployables.ContainsKey(ExportedKinds.Decoder);

    private VaeDecoder LoadDecoder(IReadOnlyDictionary<string, Tensor> states) => VaeDecoder.Load(RunExport.Bake(package, ExportedKinds.Decoder, states).ToBytes(), running);

    private float[] Draw(VaeDecoder decoder, LatentPrior prior)
    {
        int size = decoder.Metadata.ImageSize;
        var samples = new float[SampleRows * Columns * size];
        if (decoder.Metadata.Condition is not { } shape)
        {
            decoder.Generate(seed, first: 0, samples, prior);
            return samples;
        }

        if (shape.Kind == ConditionKinds.Label)
        {
            decoder.Given(shape.OfLabels([.. Enumerable.Range(0, SampleRows * Columns).Select(i => i % shape.Classes.Count)])).Generate(seed, first: 0, samples, prior);
            return samples;
        }

        if (test.Count == 0)
        {
            return samples; // there is nothing to give the model
        }

        var rows = new SelectedImages(test, SampleRows * Columns, i => (test, i / Columns % test.Count));
        var condition = ConditionReader.For(rows, shape, seed: seed);
        decoder.Given(condition).Generate(seed, first: 0, samples, prior);
        if (shape.Kind == ConditionKinds.Mask)
        {
            var given = new float[shape.Size];
            for (int row = 0; row < SampleRows; row++)
            {
                condition.Fill(row * Columns, given);
                given.AsSpan(0, size).CopyTo(samples.AsSpan(row * Columns * size));
            }
        }

        return samples;
    }

    private static void Save(string file, VaeDecoder decoder, float[] images) =>
        ImageGrid.Save(file, images, decoder.Metadata, Columns);

    private static string FileOf(string folder, string kind, long step) => Path.Combine(folder, string.Create(CultureInfo.InvariantCulture, $"{kind}-{step:D9}.png"));
}
