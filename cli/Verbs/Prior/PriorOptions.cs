using System.CommandLine;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization;
using OnnxVae.Cli.Options;
using OnnxVae.Cli.Runs;
using OnnxVae.Cli.Terminal;
using OnnxVae.Format;
using OnnxVae.Inference;
using OnnxVae.Models;
using OnnxVae.Models.CodePriors;
using OnnxVae.Training.Data;
using OnnxVae.Training.Evaluation;
using OnnxVae.Training.Runs;

namespace OnnxVae.Cli.Verbs.Prior;

/// <summary>All options of a prior of codes.</summary>
internal sealed record PriorOptions : AuxiliaryOptions, IRunOptions
{
    /// <inheritdoc/>
    public static string Kind => "prior";

    public PriorOptions() => Training = new() { Steps = 5000 };

    [Option(Topic.Model, "Level to model: top, with attention, or bottom, with convolutions conditioned on the top level; the only level of vqvae is bottom, with attention.", IsRequired = true), Among(CodeLevel.Top, CodeLevel.Bottom), JsonRequired]
    public string Level { get; init; } = "";

    [Option(Topic.Model, "Numbers per position."), Between(2, BetweenAttribute.LargestChannels)]
    public int Width { get; init; } = 128;

    [Option(Topic.Model, "Layers."), Between(1, 256)]
    public int Depth { get; init; } = 4;

    [Option(Topic.Model, "Heads of each attention; convolutions have none."), Between(1, 256)]
    public int Heads { get; init; } = 4;

    [Option(Topic.Model, "Fraction of training images whose class is dropped."), Share]
    public double LabelDropout { get; init; } = 0.1;

    /// <summary>The grids of codes that an exported encoder outputs, the top level first.</summary>
    /// <param name="encoderFile">The encoder.</param>
    /// <param name="level">The level that a prior is requested for.</param>
    /// <exception cref="FileNotFoundException">There is no such encoder.</exception>
    /// <exception cref="InvalidDataException">The encoder does not output codes.</exception>
    /// <exception cref="UsageException">It has no such level.</exception>
    public static IReadOnlyList<CodeGridShape> RequireCodes(string encoderFile, string level)
    {
        if (!File.Exists(encoderFile))
        {
            throw new FileNotFoundException($"There is no '{encoderFile}': train the run to its end first, with 'onnxvae train --resume --out RUN'.");
        }

        CodeGridShape[] grids;
        using (var encoder = VaeEncoder.Load(encoderFile))
        {
            grids = [.. encoder.Metadata.CodeGrids.Select(grid => new CodeGridShape(grid.Codes, grid.Rows, grid.Columns))];
        }

        return grids.Length == 0 ? throw new InvalidDataException("The run's latents are numbers: only models with codes (--model vqvae, vqvae2) take a prior of codes.")
            : level == CodeLevel.Top && grids.Length == 1 ? throw new UsageException($"--level is {CodeLevel.Top}, but the run has one level of codes: give --level {CodeLevel.Bottom}.")
            : grids;
    }

    /// <summary>Writes the package of a prior for the codes of an exported encoder.</summary>
    /// <param name="folder">The target folder.</param>
    /// <param name="encoderFile">The encoder.</param>
    /// <param name="grids">The grids of codes that it outputs.</param>
    /// <param name="images">The images that the prior will be trained on.</param>
    /// <param name="processes">Processes that train it together.</param>
    public TrainingPackage Compile(string folder, string encoderFile, IReadOnlyList<CodeGridShape> grids, ImageSource images, int processes)
    {
        var classes = images.Classes;
        int level = Level == CodeLevel.Top ? 0 : grids.Count - 1;
        using CodePrior prior = level == 0
            ? new AttentionPrior(grids[level], classes.Count, Width, Depth, Heads)
            : new GatedConvolutionPrior(grids[level], grids[level - 1].Codes, classes.Count, Width, Depth);
        var model = new CodePriorModel(prior, OnnxModel.Load(encoderFile), grids, level, classes)
        {
            LabelDropout = LabelDropout,
            ClassFrequencies = ClassMarginal.Frequencies(images),
        };
        return Training.Write(folder, model, new JsonObject { ["level"] = Level }, processes);
    }
}
