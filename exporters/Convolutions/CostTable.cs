using System.Reflection;
using System.Text.Json;
using System.Text.Json.Serialization;
using OnnxVae.Exporters.Graph;

namespace OnnxVae.Exporters.Convolutions;

/// <summary>
/// Measured costs of the convolution algorithms on a device: the time of some shapes with every algorithm that fits.
/// <c>OnnxVae.Benchmarks tune</c> writes these tables; they are part of this assembly.
/// </summary>
/// <param name="Device">The name of the device, or of the processor, that it was measured on.</param>
/// <param name="Cases">The measurements.</param>
internal sealed record CostTable(string Device, IReadOnlyList<CostTable.Case> Cases)
{
    /// <summary>The provider of the processor.</summary>
    public const string Processor = "cpu";

    private const double HardlySlower = 1.05;

    private const string Prefix = "costs.";

    private static readonly Dictionary<(string Provider, Use Use), Lazy<CostTable>> Tables =
        Assembly.GetExecutingAssembly().GetManifestResourceNames().Where(name => name.StartsWith(Prefix, StringComparison.Ordinal)).Select(name => name[Prefix.Length..])
            .SelectMany(file => Enum.GetValues<Use>().Select(use => (Provider: file.Split('.')[0], Use: use, File: file)).Where(table => FileName(table.Provider, table.Use) == file))
            .ToDictionary(table => (table.Provider, table.Use), table => new Lazy<CostTable>(() => Read(table.File)));

    /// <summary>What is measured.</summary>
    internal enum Use
    {
        /// <summary>A convolution and both its gradients, with changing weights.</summary>
        Training,

        /// <summary>A convolution with constant weights.</summary>
        Convolution,

        /// <summary>A transposed convolution with constant weights.</summary>
        ConvolutionInputGradient,
    }

    /// <summary>How tables are written.</summary>
    public static JsonSerializerOptions JsonOptions { get; } = new(JsonSerializerDefaults.Web)
    {
        Converters = { new JsonStringEnumConverter(JsonNamingPolicy.CamelCase) },
    };

    /// <summary>The execution providers that have been measured.</summary>
    public static IEnumerable<string> Providers => Tables.Keys.Select(key => key.Provider).Distinct();

    /// <summary>The table of an execution provider; null if nothing has been measured.</summary>
    public static CostTable? For(string provider, Use use) => Tables.GetValueOrDefault((provider, use))?.Value;

    /// <summary>How to choose the algorithm of a convolution, or of a gradient of it; null if nothing has been measured.</summary>
    public static Func<Node, ConvolutionShape, ConvolutionAlgorithm>? ChoiceFor(CompilationTarget target)
    {
        if (target.IsPrecise || target.Provider is not { } provider || For(provider, Use.Training) is null)
        {
            return null;
        }

        return (node, shape) => (target.Goal, node.OperatorType) switch
        {
            (CompilationGoal.Training, _) => For(provider, Use.Training)!.Fastest(shape),
            (_, Primitive.Convolution) => For(provider, Use.Convolution)?.Fastest(shape) ?? ConvolutionAlgorithm.Direct,
            (_, Primitive.ConvolutionInputGradient) => For(provider, Use.ConvolutionInputGradient)?.Fastest(shape) ?? ConvolutionAlgorithm.Direct,
            _ => ConvolutionAlgorithm.Direct,
        };
    }

    /// <summary>The file of a table.</summary>
    public static string FileName(string provider, Use use) => $"{provider}.{JsonNamingPolicy.CamelCase.ConvertName(use.ToString())}.json";

    /// <summary>
    /// The algorithm that was fastest at the most similar measured shape, or one that rounds less and was hardly slower;
    /// direct if no similar shape was measured.
    /// </summary>
    public ConvolutionAlgorithm Fastest(ConvolutionShape shape)
    {
        var nearest = Cases.Where(known => known.Kernel == shape.Geometry.KernelSize[0] && known.Stride == shape.Geometry.Strides[0]).MinBy(known => known.Distance(shape));
        if (nearest is null)
        {
            return ConvolutionAlgorithm.Direct;
        }

        var fitting = nearest.Milliseconds.Where(algorithm => ConvolutionChooser.Supports(algorithm.Key, shape)).ToArray();
        double shortest = fitting.Min(algorithm => algorithm.Value);
        return fitting.Where(algorithm => algorithm.Value <= HardlySlower * shortest).Min(algorithm => algorithm.Key);
    }

    private static CostTable Read(string file)
    {
        using var stream = Assembly.GetExecutingAssembly().GetManifestResourceStream($"{Prefix}{file}")!;
        return JsonSerializer.Deserialize<CostTable>(stream, JsonOptions)!;
    }

    /// <summary>A measurement.</summary>
    /// <param name="Kernel">Rows and columns of the kernel.</param>
    /// <param name="Stride">Its step.</param>
    /// <param name="Size">Rows and columns of the outputs.</param>
    /// <param name="Batch">N.</param>
    /// <param name="Channels">C.</param>
    /// <param name="Kernels">K.</param>
    /// <param name="Milliseconds">The measured time, with every algorithm that fits.</param>
    internal sealed record Case(
        int Kernel, int Stride, int Size, int Batch, int Channels, int Kernels, IReadOnlyDictionary<ConvolutionAlgorithm, double> Milliseconds)
    {
        /// <summary>Distance to another shape: the sum of the absolute logarithms of the ratios.</summary>
        public double Distance(ConvolutionShape shape) =>
            Ratio(Math.Sqrt(shape.Geometry.OutputSize.Product()), Size) + Ratio(shape.ImagesAtATime, Batch) + Ratio(shape.Channels, Channels) + Ratio(shape.Kernels, Kernels);

        private static double Ratio(double a, double b) => Math.Abs(Math.Log(a / b));
    }
}
