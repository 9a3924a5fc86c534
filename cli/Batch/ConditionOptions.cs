using System.Text.Json.Nodes;
using OnnxVae.Cli.Options;
using OnnxVae.Cli.Terminal;
using OnnxVae.Format;
using OnnxVae.Inference;
using OnnxVae.Training.Data;

namespace OnnxVae.Cli.Batch;

/// <summary>What a conditional model is given.</summary>
internal sealed record ConditionOptions
{
    private const byte FirstVisible = 128;

    [Option(Topic.Condition, "The class, by name, for models trained with --condition label, and for priors of codes.")]
    public string? Class { get; init; }

    [Option(Topic.Condition, "A .npy of numbers [N, K] for models trained with one: a row for each image; a single row is for all images.")]
    public string? Condition { get; init; }

    [Option(Topic.Condition, "A picture for models trained with --condition mask: black where pixels are hidden; scaled and cropped like the images. A random hole for each image, if left out.")]
    public string? Mask { get; init; }

    /// <summary>What goes into the record of a job.</summary>
    public void Describe(JsonObject asked)
    {
        foreach (var (name, value) in ((string, string?)[])[("class", Class), ("condition", Condition), ("mask", Mask)])
        {
            if (value is not null)
            {
                asked[name] = name == "class" ? value : JobRecord.Fingerprint(value);
            }
        }
    }

    /// <summary>The vectors of images that have one each; null for other models, and for one vector for all.</summary>
    /// <param name="model">The model.</param>
    /// <exception cref="UsageException">An option does not fit the model, or is missing.</exception>
    public ImageConditions? VectorsFor(ModelMetadata model) => Require(model) is { Kind: ConditionKinds.Vector } shape && Read(shape) is { Count: > 1 } vectors ? vectors : null;

    /// <summary>The condition of each of some images; null for an unconditional model.</summary>
    /// <param name="images">The images.</param>
    /// <param name="model">The model.</param>
    /// <param name="seed">Random seed of holes.</param>
    /// <exception cref="UsageException">An option does not fit the model.</exception>
    /// <exception cref="InvalidDataException">The images come without what the model takes.</exception>
    public Inference.Condition? ForImages(ImageSource images, ModelMetadata model, ulong seed) => Require(model) switch
    {
        null => null,
        { Kind: ConditionKinds.Label } shape when Class is not null => shape.OfClass(Class),
        { Kind: ConditionKinds.Vector } shape when images.ConditionSize == 0 => Vectors(shape),
        var shape => ConditionReader.For(images, shape, ReadMask(model), seed),
    };

    /// <summary>The condition of images that are drawn: a class in turn for each, unless one is given. Null for an unconditional model.</summary>
    /// <param name="count">How many images.</param>
    /// <param name="model">The model.</param>
    public Inference.Condition? ForDraws(long count, ModelMetadata model) => Require(model) switch
    {
        null => null,
        { Kind: ConditionKinds.Label } shape => Class is not null ? shape.OfClass(Class) : Inference.Condition.Rows(count, shape.Size, (first, rows) =>
        {
            rows.Clear();
            for (int i = 0; i < rows.Length / shape.Size; i++)
            {
                rows[(i * shape.Size) + (int)((first + i) % shape.Size)] = 1;
            }
        }),
        { Kind: ConditionKinds.Vector } shape => Vectors(shape),
        _ => throw new UsageException("The model completes images: give --data, and perhaps --mask."),
    };

    /// <summary>One condition for everything that is decoded; null for an unconditional model.</summary>
    /// <param name="model">The model.</param>
    /// <exception cref="UsageException">It is missing, or does not fit the model.</exception>
    public Inference.Condition? ForAll(ModelMetadata model) => Require(model) switch
    {
        null => null,
        { Kind: ConditionKinds.Label } shape => shape.OfClass(Class ?? throw new UsageException($"The model is conditional on a class: give --class, one of {string.Join(", ", shape.Classes)}.")),
        { Kind: ConditionKinds.Vector } shape => Vectors(shape) is { Count: long.MaxValue } one ? one : throw new UsageException($"'{Condition}' has several rows: give one, which is for everything that is decoded."),
        _ => throw new UsageException("The model completes images, each from what is visible of it: use 'generate' or 'reconstruct'."),
    };

    private ConditionShape? Require(ModelMetadata model)
    {
        (string Option, string? Value, string Kind)[] given = [("--class", Class, ConditionKinds.Label), ("--condition", Condition, ConditionKinds.Vector), ("--mask", Mask, ConditionKinds.Mask)];
        foreach (var (option, _, kind) in given.Where(option => option.Value is not null))
        {
            if (model.Condition?.Kind != kind && !(kind == ConditionKinds.Label && model.HasCodes))
            {
                throw new UsageException(model.Condition is { } shape
                    ? $"{option} does not fit the model, which is conditional on a {shape.Kind}."
                    : $"{option} is for conditional models, but this one was trained without --condition.");
            }
        }

        return model.Condition;
    }

    private ImageConditions Read(ConditionShape shape)
    {
        if (Condition is null)
        {
            throw new UsageException($"The model is conditional on {shape.Size} numbers: give --condition, a .npy of float32 [N, {shape.Size}].");
        }

        var vectors = ImageConditions.Read(Condition);
        return vectors.Size == shape.Size ? vectors : throw new InvalidDataException($"'{Condition}' has rows of {vectors.Size}; the model takes {shape.Size} numbers for each image.");
    }

    private Inference.Condition Vectors(ConditionShape shape)
    {
        var vectors = Read(shape);
        return vectors.Count == 1 ? Inference.Condition.Of(vectors[0])
            : Inference.Condition.Rows(vectors.Count, shape.Size, (first, rows) =>
            {
                for (int i = 0; i < rows.Length / shape.Size; i++)
                {
                    vectors[first + i].CopyTo(rows[(i * shape.Size)..]);
                }
            });
    }

    private bool[]? ReadMask(ModelMetadata model)
    {
        if (Mask is null)
        {
            return null;
        }

        byte[] pixels = ImageFiles.Decode(Mask, RegularFile.Read(Mask), channels: 1, model.Height, model.Width);
        return [.. pixels.Select(pixel => pixel >= FirstVisible)];
    }
}
