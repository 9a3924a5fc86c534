using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization;
using Microsoft.ML.OnnxRuntime;
using Microsoft.ML.OnnxRuntime.Tensors;
using OnnxVae.Format;

namespace OnnxVae.Inference;

/// <summary>The metadata of an exported file.</summary>
/// <param name="Kind"><c>encoder</c>, <c>decoder</c>, <c>prior</c>, <c>density</c>, <c>scorer</c>, and others.</param>
/// <param name="LatentSize">L, the number of latents.</param>
/// <param name="Axes">The shape of an example, channels first: C for vectors, C, L for series, C, H, W for images, C, D, H, W for volumes.</param>
/// <param name="Objective">The objective that the model was trained with.</param>
/// <param name="ImagesAtATime">The batch size that the file is tuned for; larger batches are split. Null for any.</param>
public sealed partial record ModelMetadata(string Kind, int LatentSize, IReadOnlyList<int> Axes, string Objective, int? ImagesAtATime)
{
    private const int ImageAxes = 3, MostAxes = 4;

    /// <summary>Whether the latents are codes: integers that index vectors, with nothing between them.</summary>
    public bool HasCodes => CodeText is not null;

    /// <summary>The grids of codes, the top level first, in the order in which the latents hold them; empty for continuous latents.</summary>
    public IReadOnlyList<CodeGrid> CodeGrids => CodeText is null ? [] : ParseCodeGrids(CodeText, "The model");

    /// <summary>The grids as stored in the file, <c>512:4x4,512:8x8</c>; null for continuous latents.</summary>
    internal string? CodeText { get; init; }

    /// <summary>
    /// Identifies the trained weights: files exported from one run have the same id, and so do priors that were fitted to its latents.
    /// Null in files of other origin.
    /// </summary>
    public string? Weights { get; init; }

    /// <summary>
    /// For a decoder, the prior that the model was trained with: <c>standard-normal</c>, or one whose file lies next to it. Null in other files, and
    /// in those that older versions exported.
    /// </summary>
    public string? PriorName { get; init; }

    /// <summary>What the model is conditional on; null for a model that is given nothing.</summary>
    public ConditionShape? Condition { get; init; }

    /// <summary>1 for grayscale, 3 for color, the columns of vectors.</summary>
    public int Channels => Axes[0];

    /// <summary>Rows of an image's pixels; 1 for series and vectors.</summary>
    public int Height => Axes.Count > 2 ? Axes[^2] : 1;

    /// <summary>Columns of an image's pixels, or the length of a series; 1 for vectors.</summary>
    public int Width => Axes.Count > 1 ? Axes[^1] : 1;

    /// <summary>Whether examples are images, [C, H, W].</summary>
    public bool IsImage => Axes.Count == 3;

    /// <summary>Whether the file takes and gives values from 0 to 1, as those of pixels are if they are divided by the largest one; else they are any numbers, in the data's units.</summary>
    public bool IsUnitRange { get; init; } = true;

    /// <summary>Whether examples are pictures: images of values from 0 to 1.</summary>
    public bool HasPictures => IsImage && IsUnitRange;

    /// <summary>Whether values are numbers in units of their own, and not those of pixels.</summary>
    public bool IsReal => BitDepth > 16;

    /// <summary>How the file scales values; null if it takes them as they are.</summary>
    public ValueScaling? Scaling { get; init; }

    /// <summary>The columns of the table whose rows the model takes, each a vector, NaN where a value is missing; empty for other examples.</summary>
    public IReadOnlyList<TableColumn> Columns { get; init; } = [];

    /// <summary>Whether the arrays that the model was trained on had their channels last; the file itself takes them first.</summary>
    public bool IsChannelsLast { get; init; }

    /// <summary>The bits of the values that the model was trained on: 8 or 16 for pixels, 32 for other numbers.</summary>
    public int BitDepth { get; init; } = 8;

    /// <summary>For a scorer, K, the samples of the latents that it takes at a time.</summary>
    public int Samples { get; init; } = 1;

    /// <summary>For a scorer, where outliers begin; null if nobody has determined it.</summary>
    public ScoreThreshold? Threshold { get; init; }

    /// <summary>Number of values in an example.</summary>
    public int ImageSize => Axes.Aggregate(1, (product, size) => product * size);

    /// <summary>The values that a run computes for an example: its own, for each sample.</summary>
    internal int ValuesPerImage => (int)Math.Min(int.MaxValue, (long)ImageSize * Samples);

    /// <summary>The shape of an example as text.</summary>
    internal string Shape => string.Join(" x ", Axes);

    /// <summary>Whether two files can belong to the same weights: they can if either does not record its own.</summary>
    internal static bool AreAlike(string? weights, string? others) => weights is null || others is null || weights == others;

    /// <summary>Reads a file's metadata and checks it against the graph.</summary>
    /// <param name="session">The loaded file.</param>
    /// <param name="kind">The expected kind.</param>
    /// <exception cref="InvalidDataException">The file is of another kind, or its metadata contradict the graph.</exception>
    internal static ModelMetadata Read(OnnxSession session, string kind)
    {
        var (entries, source) = (session.Metadata, session.Source);
        string? actual = entries.GetValueOrDefault(MetadataKeys.Kind);
        if (actual != kind)
        {
            throw new InvalidDataException(actual is null
                ? $"{source} is not {WithArticle(kind)}: it has no OnnxVae metadata. Export one from a run."
                : $"{source} is {WithArticle(actual)}; expected {WithArticle(kind)}. Give the {kind}.onnx that was exported with it.");
        }

        int[] axes = entries.GetValueOrDefault(MetadataKeys.Shape, "").Split(',') is { Length: <= MostAxes } sizes && (sizes.Length == ImageAxes || kind != ExportedKinds.Colorizer)
            ? [.. sizes.Select(size => Number(size, MetadataKeys.Shape, source))]
            : throw Damaged(source, MetadataKeys.Shape, entries.GetValueOrDefault(MetadataKeys.Shape), kind == ExportedKinds.Colorizer ? "channels,height,width" : "the number of channels, and up to three sides after it");
        if (axes.Aggregate((Int128)1, (product, size) => product * size) > Array.MaxLength)
        {
            throw Damaged(source, MetadataKeys.Shape, entries[MetadataKeys.Shape], "a size that fits into memory");
        }

        var metadata = new ModelMetadata(
            kind, Number(entries.GetValueOrDefault(MetadataKeys.LatentSize), MetadataKeys.LatentSize, source), axes, entries.GetValueOrDefault(MetadataKeys.Objective, ""),
            entries.TryGetValue(MetadataKeys.ImagesAtATime, out string? images) ? Number(images, MetadataKeys.ImagesAtATime, source) : null)
        {
            CodeText = entries.GetValueOrDefault(MetadataKeys.Codes),
            Weights = entries.GetValueOrDefault(MetadataKeys.Weights),
            Condition = ReadCondition(session),
            IsUnitRange = entries.ContainsKey(MetadataKeys.PixelRange),
            Scaling = ReadScaling(session, axes[0]),
            Columns = ReadColumns(session, axes),
            IsChannelsLast = entries.GetValueOrDefault(MetadataKeys.Layout) == MetadataKeys.ChannelsLast,
            BitDepth = entries.TryGetValue(MetadataKeys.BitDepth, out string? bits) ? Number(bits, MetadataKeys.BitDepth, source) : 8,
            Samples = entries.TryGetValue(MetadataKeys.Samples, out string? samples) ? Number(samples, MetadataKeys.Samples, source) : 1,
            Threshold = entries.GetValueOrDefault(MetadataKeys.Threshold) is not { Length: > 0 } threshold ? null
                : ScoreThreshold.Parse(threshold) ?? throw Damaged(source, MetadataKeys.Threshold, threshold, "score:samples:share:value"),
            PriorName = entries.GetValueOrDefault(MetadataKeys.Prior) is { Length: > 0 } prior ? prior : null,
        };
        if (kind == ExportedKinds.Colorizer && metadata.CodeText is null)
        {
            throw Damaged(source, MetadataKeys.Codes, null, "the grid of segments");
        }

        if (metadata.CodeText is { } codes && ParseCodeGrids(codes, source).Sum(grid => (long)grid.Positions) != metadata.LatentSize)
        {
            throw Damaged(source, MetadataKeys.Codes, codes, $"grids of {metadata.LatentSize} codes in all");
        }

        metadata.RequireGraph(session);
        return metadata;
    }

    /// <summary>The class names of a prior of codes or a classifier; null in files that have none.</summary>
    /// <param name="session">The loaded file.</param>
    internal static string[]? ReadClasses(OnnxSession session)
    {
        string source = session.Source;
        if (session.Metadata.GetValueOrDefault(MetadataKeys.Classes) is not { } text)
        {
            return null;
        }

        try
        {
            return JsonSerializer.Deserialize(text, Names.Default.StringArray) is { } names && !names.Contains(null!) ? names : throw Damaged(source, MetadataKeys.Classes, text, "a JSON array of names");
        }
        catch (JsonException)
        {
            throw Damaged(source, MetadataKeys.Classes, text, "a JSON array of names");
        }
    }

    /// <summary>The fraction of each class among the images that a prior of codes was trained on; equal fractions if the file does not record them.</summary>
    internal static double[] ReadClassFrequencies(OnnxSession session, int classes)
    {
        double[]? frequencies = [];
        string? text = session.Metadata.GetValueOrDefault(MetadataKeys.ClassFrequencies);
        try
        {
            frequencies = text is null ? [] : JsonSerializer.Deserialize(text, Names.Default.DoubleArray);
        }
        catch (JsonException)
        {
            frequencies = null;
        }

        bool areShares = frequencies is { } shares && shares.All(share => share >= 0) && (shares.Length == 0 || (shares.Length == classes && Math.Abs(shares.Sum() - 1) < 1e-6));
        return !areShares ? throw Damaged(session.Source, MetadataKeys.ClassFrequencies, text, $"a JSON array of {classes} shares that sum to 1")
            : frequencies!.Length > 0 ? frequencies
            : [.. Enumerable.Repeat(1.0 / classes, classes)];
    }

    private static ValueScaling? ReadScaling(OnnxSession session, int channels)
    {
        if (session.Metadata.GetValueOrDefault(MetadataKeys.Scaling) is not { } name)
        {
            return null;
        }

        return name is ScalingNames.Standard or ScalingNames.MinMax
            ? new ValueScaling(name, Numbers(MetadataKeys.Offsets, number => float.IsFinite(number)), Numbers(MetadataKeys.Scales, number => number > 0 && float.IsFinite(number)))
            : throw Damaged(session.Source, MetadataKeys.Scaling, name, $"{ScalingNames.Standard} or {ScalingNames.MinMax}");

        float[] Numbers(string key, Predicate<float> isValid)
        {
            string? text = session.Metadata.GetValueOrDefault(key);
            try
            {
                return text is not null && JsonSerializer.Deserialize(text, Names.Default.SingleArray) is { } numbers && numbers.Length == channels && Array.TrueForAll(numbers, isValid)
                    ? numbers
                    : throw Damaged(session.Source, key, text, $"a JSON array of {channels} numbers");
            }
            catch (JsonException)
            {
                throw Damaged(session.Source, key, text, $"a JSON array of {channels} numbers");
            }
        }
    }

    private static TableColumn[] ReadColumns(OnnxSession session, int[] axes)
    {
        string? text = session.Metadata.GetValueOrDefault(MetadataKeys.Columns);
        if (text is null)
        {
            return [];
        }

        try
        {
            return JsonSerializer.Deserialize(text, Names.Default.TableColumnArray) is { Length: > 0 } columns && IsLaidOut(columns) ? columns : throw Wrong();
        }
        catch (JsonException)
        {
            throw Wrong();
        }

        InvalidDataException Wrong() => Damaged(session.Source, MetadataKeys.Columns, text, $"a JSON array of columns with {axes[0]} values in all");

        bool IsLaidOut(TableColumn[] columns)
        {
            int end = 0;
            bool isGapless = columns.All(column => column is { Name: not null, Categories: not null }) && columns.OrderBy(column => column.Start).All(column =>
            {
                bool isNext = column.Start == end && column.Width > 0 && (column.Kind == TableColumnKind.Number || column.Categories.Count >= 2);
                end += column.Width;
                return isNext;
            });
            return isGapless && axes is [var width] && width == end;
        }
    }

    private static ConditionShape? ReadCondition(OnnxSession session)
    {
        if (session.Metadata.GetValueOrDefault(MetadataKeys.Condition) is not { } text)
        {
            return null;
        }

        const string expected = "label:K, vector:K or mask:CxHxW";
        int[] sizes = text.Split(':') is [var kind, var shape] && kind is ConditionKinds.Label or ConditionKinds.Vector or ConditionKinds.Mask
            ? [.. shape.Split('x').Select(size => Number(size, MetadataKeys.Condition, session.Source))]
            : throw Damaged(session.Source, MetadataKeys.Condition, text, expected);
        string[] classes = kind == ConditionKinds.Label ? ReadClasses(session) ?? [] : [];
        bool isValid = sizes.Length == (kind == ConditionKinds.Mask ? 3 : 1) && (kind != ConditionKinds.Label || classes.Length == sizes[0])
            && sizes.Aggregate((Int128)1, (product, size) => product * size) <= Array.MaxLength;
        return isValid ? new ConditionShape(kind, sizes, classes) : throw Damaged(session.Source, MetadataKeys.Condition, text, $"{expected}, with the names of K classes");
    }

    internal static IReadOnlyList<CodeGrid> ParseCodeGrids(string text, string source) => [.. text.Split(',').Select(level => level.Split(':', 'x') switch
    {
        [var codes, var rows, var columns] => new CodeGrid(Number(codes, MetadataKeys.Codes, source), Number(rows, MetadataKeys.Codes, source), Number(columns, MetadataKeys.Codes, source)),
        _ => throw Damaged(source, MetadataKeys.Codes, text, "codes:rowsxcolumns, with commas between levels"),
    })];

    private static string WithArticle(string kind) => kind is ExportedKinds.Encoder or ExportedKinds.Imputer ? $"an {kind}" : $"a {kind}";

    private static InvalidDataException Damaged(string source, string entry, string? text, string expected) =>
        new($"{source} has damaged metadata: {entry} is {(text is null ? "missing" : $"'{text}'")}; expected {expected}. Export the file again.");

    private static int Number(string? text, string entry, string source) =>
        int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out int number) && number > 0 ? number : throw Damaged(source, entry, text, "a positive number");

    // What runs rely on: the names, types and shapes of inputs and outputs.
    private void RequireGraph(OnnxSession session)
    {
        int[] images = [-1, .. Axes], latents = [-1, LatentSize];
        (string, int[])[] given = Condition is { } condition ? [(ConditionKinds.Input, [-1, .. condition.Dimensions])] : [];
        var (inputs, outputs) = Kind switch
        {
            ExportedKinds.Encoder => (Expect([("image", images), .. given]), Expect(("mean", latents), ("logVar", latents))),
            ExportedKinds.Decoder => (Expect([("z", latents), .. given]), Expect([("image", images), .. Columns.Count > 0 ? [(ImputerNames.Deviation, images)] : ((string, int[])[])[]])),
            ExportedKinds.Imputer => (
                Expect([("image", images), (ImputerNames.Noise, [-1, Samples, LatentSize]), .. given]),
                Expect((ImputerNames.LogWeight, [-1, Samples]), (ImputerNames.Mean, [-1, Samples, .. Axes]), (ImputerNames.Deviation, [-1, Samples, .. Axes]))),
            ExportedKinds.Density => (Expect(("z", latents)), Expect(("probability", latents))),
            ExportedKinds.Scorer => (
                Expect([("image", images), .. session.Inputs.ContainsKey(ScoreNames.Noise) ? [(ScoreNames.Noise, [-1, Samples, LatentSize])] : ((string, int[])[])[], .. given]),
                Expect([.. ((string[])[ScoreNames.Distortion, ScoreNames.Rate, ScoreNames.SquaredError]).Union(session.Outputs.Keys.Where(name => ScoreKinds.Find(name) is not null)).Select(name => (name, (int[])[-1])), .. session.Outputs.ContainsKey(ScoreNames.Map) ? [(ScoreNames.Map, images)] : ((string, int[])[])[]])),
            ExportedKinds.Colorizer => (
                Expect(("grey", [-1, 1, Height, Width]), ("u", [-1, 1, CodeGrids[0].Rows, CodeGrids[0].Columns]), ("eps", [-1, 2, Height, Width])),
                Expect(("image", images), ("segments", [-1, 1, CodeGrids[0].Rows, CodeGrids[0].Columns]), ("probabilities", [-1, CodeGrids[0].Codes, CodeGrids[0].Rows, CodeGrids[0].Columns]))),
            _ => (Expect([.. session.InputNames.Where(name => name != ConditionKinds.Input).Select(name => (name, (int[])[-1, -1])), .. session.Inputs.ContainsKey(ConditionKinds.Input) ? given : []]), Expect(("z", latents))),
        };
        RequireTensors("input", session.Inputs, inputs);
        RequireTensors("output", session.Outputs, outputs);

        static (string Name, int[] Shape)[] Expect(params (string, int[])[] tensors) => tensors;

        void RequireTensors(string role, IReadOnlyDictionary<string, NodeMetadata> actual, (string Name, int[] Shape)[] expected)
        {
            foreach (var (name, shape) in expected)
            {
                bool isThere = actual.TryGetValue(name, out var found) && found is { IsTensor: true, ElementDataType: TensorElementType.Float }
                    && found.Dimensions.Length == shape.Length && found.Dimensions.Zip(shape).All(size => size.Second < 0 || size.First == size.Second)
                    && (Kind != ExportedKinds.Prior || role == "output" || found.Dimensions[^1] > 0);
                if (!isThere || (role == "input" && actual.Count != expected.Length))
                {
                    throw new InvalidDataException(
                        $"{session.Source} is damaged: {WithArticle(Kind)} of {LatentSize} latents and examples of {Shape} has an {role} '{name}' of Float32 [{string.Join(", ", shape.Select(size => size < 0 ? "N" : $"{size}"))}], but the graph has {string.Join(", ", actual.Select(tensor => $"'{tensor.Key}' of {tensor.Value.ElementDataType} [{string.Join(", ", tensor.Value.Dimensions)}]"))}. Export the file again.");
                }
            }
        }
    }

    [JsonSourceGenerationOptions(PropertyNameCaseInsensitive = true)]
    [JsonSerializable(typeof(string[]))]
    [JsonSerializable(typeof(TableColumn[]))]
    [JsonSerializable(typeof(double[]))]
    [JsonSerializable(typeof(float[]))]
    private sealed partial class Names : JsonSerializerContext;
}
