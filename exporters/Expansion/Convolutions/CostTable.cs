using System.Reflection;
using System.Text.Json;
using System.Text.Json.Serialization;
using OnnxVae.Exporters.Onnx;

namespace OnnxVae.Exporters.Expansion.Convolutions;

/// <summary>
/// What the forms of convolutions cost on a device, as measured: for some shapes the time of all three maps together, under
/// every form that fits. <c>OnnxVae.Benchmarks tune</c> writes these tables; they are part of this assembly.
/// </summary>
/// <param name="Processor">Where it was measured.</param>
/// <param name="Cases">The measurements.</param>
internal sealed record CostTable(string Processor, IReadOnlyList<CostTable.Case> Cases)
{
    private const double HardlySlower = 1.05;

    private static readonly Dictionary<string, Lazy<CostTable?>> Tables = new()
    {
        ["cpu"] = new(() => Read("cpu")),
    };

    /// <summary>How tables are written.</summary>
    public static JsonSerializerOptions JsonOptions { get; } = new(JsonSerializerDefaults.Web)
    {
        Converters = { new JsonStringEnumConverter(JsonNamingPolicy.CamelCase) },
    };

    /// <summary>The table of an execution provider; null where nothing has been measured.</summary>
    public static CostTable? For(string provider) => Tables.GetValueOrDefault(provider)?.Value;

    /// <summary>
    /// The form that was fastest at the measured shape that is most like this one, or one that rounds less and was hardly slower;
    /// direct where no like shape was measured.
    /// </summary>
    public ConvolutionForm Fastest(ConvolutionShape shape)
    {
        var nearest = Cases.Where(known => known.Kernel == shape.Geometry.KernelSize[0] && known.Stride == shape.Geometry.Strides[0]).MinBy(known => known.Distance(shape));
        if (nearest is null)
        {
            return ConvolutionForm.Direct;
        }

        var fitting = nearest.Milliseconds.Where(form => shape.Fits(form.Key)).ToArray();
        double shortest = fitting.Min(form => form.Value);
        return fitting.Where(form => form.Value <= HardlySlower * shortest).Min(form => form.Key);
    }

    private static CostTable? Read(string provider)
    {
        using var stream = Assembly.GetExecutingAssembly().GetManifestResourceStream($"costs.{provider}.json");
        return stream is null ? null : JsonSerializer.Deserialize<CostTable>(stream, JsonOptions);
    }

    /// <summary>A measurement.</summary>
    /// <param name="Kernel">Rows and columns of the kernel.</param>
    /// <param name="Stride">Its step.</param>
    /// <param name="Size">Rows and columns of the outputs.</param>
    /// <param name="Batch">N.</param>
    /// <param name="Channels">C.</param>
    /// <param name="Kernels">K.</param>
    /// <param name="Milliseconds">Convolution, input gradient and weight gradient together, under every form that fits.</param>
    internal sealed record Case(
        int Kernel, int Stride, int Size, int Batch, int Channels, int Kernels, IReadOnlyDictionary<ConvolutionForm, double> Milliseconds)
    {
        /// <summary>How unlike another shape is: the sum of the ratios' logarithms.</summary>
        public double Distance(ConvolutionShape shape) =>
            Ratio(Math.Sqrt(shape.Geometry.OutputSize.Product()), Size) + Ratio(shape.Batch, Batch) + Ratio(shape.Channels, Channels) + Ratio(shape.Kernels, Kernels);

        private static double Ratio(double a, double b) => Math.Abs(Math.Log(a / b));
    }
}
