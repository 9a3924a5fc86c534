using System.Runtime.InteropServices;
using Microsoft.ML.OnnxRuntime;
using Microsoft.ML.OnnxRuntime.Tensors;
using OnnxVae.Format;

namespace OnnxVae.Training.Steps;

/// <summary>
/// What a part of a batch contributes to a step, one block of memory: first what is averaged over parts, gradients and metrics, then what is added up, then what
/// only the first part gives. Programs read and write it in place.
/// </summary>
internal sealed unsafe class Contributions : IDisposable
{
    private const int Alignment = 64; // bytes, a line of the processor's cache
    private const int Spacing = Alignment / sizeof(float);

    private readonly Dictionary<string, OrtValue> values = [];
    private readonly float* memory;
    private readonly int means, sums, parts, length; // where each kind ends

    /// <summary>Allocates a block, cleared.</summary>
    /// <param name="gradients">The program that computes the contributions.</param>
    /// <param name="further">Numbers at the end that are added up, too.</param>
    public Contributions(ProgramSpec gradients, int further = 0)
    {
        var places = new List<(MetricSpec Metric, int Start)>();
        int next = 0;
        means = Place(role => role is MetricRole.MeanOverParts or MetricRole.Loss or MetricRole.Scalar);
        sums = Place(role => role == MetricRole.SumOverParts);
        parts = Place(role => role == MetricRole.OfFirstPart);
        length = parts + further;
        memory = (float*)NativeMemory.AlignedAlloc((nuint)length * sizeof(float), Alignment);
        All.Clear();
        foreach (var (metric, start) in places)
        {
            values[metric.Name] = OrtValue.CreateTensorValueWithData(
                OrtMemoryInfo.DefaultInstance, TensorElementType.Float, metric.Shape.ToArray(), (nint)(memory + start), metric.Shape.ElementCount * sizeof(float));
        }

        int Place(Func<MetricRole, bool> isOfKind)
        {
            foreach (var metric in gradients.Metrics.Where(metric => isOfKind(metric.Role)))
            {
                places.Add((metric, next));
                next = checked((int)(next + ((metric.Shape.ElementCount + Spacing - 1) / Spacing * Spacing)));
            }

            return next;
        }
    }

    /// <summary>The contributions by name, as tensors in the block.</summary>
    public IReadOnlyDictionary<string, OrtValue> Values => values;

    /// <summary>The whole block.</summary>
    public Span<float> All => new(memory, length);

    /// <summary>What is averaged over parts.</summary>
    public Span<float> Means => new(memory, means);

    /// <summary>What is averaged over parts or added up.</summary>
    public Span<float> OfAllParts => new(memory, sums);

    /// <summary>What only the first part gives.</summary>
    public Span<float> OfFirstPart => new(memory + sums, parts - sums);

    /// <summary>The numbers at the end.</summary>
    public Span<float> Further => new(memory + parts, length - parts);

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var value in values.Values)
        {
            value.Dispose();
        }

        NativeMemory.AlignedFree(memory);
    }
}
