using System.Runtime.InteropServices;
using Microsoft.ML.OnnxRuntime;
using Microsoft.ML.OnnxRuntime.Tensors;
using OnnxVae.Exporters.Autodiff;
using OnnxVae.Exporters.Graph;
using OnnxVae.Exporters.Passes;
using OnnxVae.Format;
using OnnxVae.Inference;
using Tensor = OnnxVae.Format.Tensor;

namespace OnnxVae.Tests.Support;

/// <summary>Where gradient and finite difference are furthest apart.</summary>
/// <param name="Entry">The entry, by the input's name and its index: <c>weight[1, 3]</c>.</param>
/// <param name="Gradient">The derivative that the gradient graph computes.</param>
/// <param name="Difference">The derivative by central difference.</param>
/// <param name="RelativeError">
/// How far the two are apart along the worst direction through the entry's input, relative to what a gradient of this length has
/// there. Rounding stays below about 1e-2, an error of a factor shows as that factor.
/// </param>
public sealed record GradientCheckResult(string Entry, double Gradient, double Difference, double RelativeError)
{
    /// <summary>The result in one line.</summary>
    public override string ToString() => FormattableString.Invariant(
        $"worst entry {Entry}: gradient {Gradient:G6}, finite difference {Difference:G6}, relative error {RelativeError:G2}");
}

/// <summary>
/// Checks the gradients of a graph against central differences, along the gradient itself and along random directions.
/// </summary>
/// <remarks>
/// One direction sees every entry of an input at once; where the two disagree most, halving the direction leads to the entry.
/// </remarks>
public static class GradientCheck
{
    private const int Directions = 3;
    private const double Step = 1e-2;
    private const ulong Seed = 20180601;
    private const double RoundingOfFloat = 1.2e-7;
    private const double RoundingAllowance = 100; // what rounding causes then counts as a relative error of a hundredth at most

    /// <summary>Compares the gradients of a function with finite differences.</summary>
    /// <param name="function">Makes a scalar, Float32, of the inputs, which come in the order in which they are given.</param>
    /// <param name="inputs">Names and data; those of Float32 are checked, others stay as they are.</param>
    /// <returns>The entry where the two are furthest apart.</returns>
    /// <exception cref="ArgumentException">No input is Float32, or the function's result is no scalar.</exception>
    /// <exception cref="NotSupportedException">An operator in the function has no gradient rule.</exception>
    public static GradientCheckResult Run(Func<IReadOnlyList<Value>, Value> function, params IReadOnlyList<(string Name, Tensor Data)> inputs)
    {
        ArgumentNullException.ThrowIfNull(function);
        int[] targets = [.. Enumerable.Range(0, inputs.Count).Where(i => inputs[i].Data.Type == ElementType.Float32)];
        if (targets.Length == 0)
        {
            throw new ArgumentException($"None of the inputs {string.Join(", ", inputs.Select(input => $"'{input.Name}'"))} is {ElementType.Float32}; only such have gradients.");
        }

        Value[] values = [.. inputs.Select(input => Value.Input(input.Name, input.Data.Type, input.Data.Shape))];
        var loss = function(values);
        using var probe = new Probe(values, loss, [.. inputs.Select(input => input.Data)]);
        using var gradientProbe = new Probe(values, Backward.Gradients(loss, [.. targets.Select(i => values[i])]), [.. inputs.Select(input => input.Data)]);
        float[][] gradients = gradientProbe.Run();

        double rounding = RoundingOfFloat * Math.Max(Math.Abs(probe.Run()[0][0]), float.Epsilon) / Step;
        var worst = targets
            .SelectMany((target, i) => Comparison.Along(probe, target, gradients[i], rounding))
            .MaxBy(comparison => comparison.RelativeError)!;
        return worst.Locate(inputs[worst.Target].Name, inputs[worst.Target].Data.Shape);
    }

    /// <summary>One input's gradient against the difference along one direction.</summary>
    private sealed class Comparison
    {
        private readonly Probe probe;
        private readonly float[] gradient;
        private readonly float[] direction;

        private Comparison(Probe probe, int target, float[] gradient, float[] direction, double expected)
        {
            (this.probe, Target, this.gradient, this.direction) = (probe, target, gradient, direction);
            RelativeError = Math.Abs(Error(direction)) / expected;
        }

        public int Target { get; }

        public double RelativeError { get; }

        /// <summary>Along the gradient, where a slope of its length is expected, and along random directions, where a slope of its length over the root of its entries is.</summary>
        public static IEnumerable<Comparison> Along(Probe probe, int target, float[] gradient, double rounding)
        {
            double length = Length(gradient), floor = RoundingAllowance * rounding;
            if (length > 0)
            {
                yield return new Comparison(probe, target, gradient, [.. gradient.Select(g => (float)(g / length))], Math.Max(length, floor));
            }

            for (int i = 0; i < Directions; i++)
            {
                yield return new Comparison(probe, target, gradient, RandomDirection(gradient.Length, target, i), Math.Max(length / Math.Sqrt(gradient.Length), floor));
            }
        }

        public GradientCheckResult Locate(string name, Shape shape)
        {
            int start = 0, count = gradient.Length;
            while (count > 1)
            {
                int half = count / 2;
                bool isFirst = Math.Abs(Error(Only(start, half))) >= Math.Abs(Error(Only(start + half, count - half)));
                (start, count) = isFirst ? (start, half) : (start + half, count - half);
            }

            var unit = new float[gradient.Length];
            unit[start] = 1;
            double difference = Difference(unit);
            return new GradientCheckResult(
                $"{name}[{string.Join(", ", Coordinates(start, shape))}]", gradient[start], difference, RelativeError);
        }

        // Of length 1, so that the step is as long for large inputs as for small ones.
        private static float[] RandomDirection(int count, int target, int which)
        {
            var d = new float[count];
            Philox.FillStandardNormal(d, Seed, (uint)which, (ulong)target);
            double length = Length(d);
            return [.. d.Select(entry => (float)(entry / length))];
        }

        private static double Length(float[] vector) => Math.Sqrt(vector.Sum(entry => (double)entry * entry));

        private float[] Only(int start, int count)
        {
            var part = new float[direction.Length];
            direction.AsSpan(start, count).CopyTo(part.AsSpan(start));
            return part;
        }

        private double Error(float[] d) => Difference(d) - gradient.Zip(d, (g, entry) => (double)g * entry).Sum();

        private double Difference(float[] d) => (probe.RunShifted(Target, d, Step) - probe.RunShifted(Target, d, -Step)) / (2 * Step);

        private static long[] Coordinates(long flat, Shape shape)
        {
            var coordinates = new long[shape.Rank];
            for (int i = shape.Rank - 1; i >= 0; i--)
            {
                (flat, coordinates[i]) = Math.DivRem(flat, shape[i]);
            }

            return coordinates;
        }
    }

    /// <summary>A graph on ONNX Runtime, with its data.</summary>
    private sealed class Probe : IDisposable
    {
        private readonly InferenceSession session;
        private readonly RunOptions runOptions = new();
        private readonly IReadOnlyList<Value> inputs;
        private readonly IReadOnlyList<Tensor> data;

        public Probe(IReadOnlyList<Value> inputs, Value output, IReadOnlyList<Tensor> data)
            : this(inputs, [output], data)
        {
        }

        public Probe(IReadOnlyList<Value> inputs, IReadOnlyList<Value> outputs, IReadOnlyList<Tensor> data)
        {
            (this.inputs, this.data) = (inputs, data);
            using var options = OnnxDevice.Cpu.CreateSessionOptions(threads: 0);
            var model = GraphCompiler.Build("check", inputs, [.. outputs.Select((output, i) => ($"output{i}", output))]);
            session = new InferenceSession(model.ToBytes(), options);
        }

        public float[][] Run() => Run(data);

        public double RunShifted(int target, float[] direction, double step)
        {
            float[] shifted = [.. MemoryMarshal.Cast<byte, float>(data[target].Data.Span)];
            for (int i = 0; i < shifted.Length; i++)
            {
                shifted[i] += (float)(step * direction[i]);
            }

            var changed = data.ToArray();
            changed[target] = Tensor.From<float>(data[target].Shape, shifted);
            return Run(changed)[0][0];
        }

        public void Dispose()
        {
            runOptions.Dispose();
            session.Dispose();
        }

        private float[][] Run(IReadOnlyList<Tensor> tensors)
        {
            var used = inputs.Zip(tensors).Where(pair => session.InputMetadata.ContainsKey(pair.First.Name!)).ToArray();
            OrtValue[] values = [.. used.Select(pair =>
            {
                var value = DeviceMemory.AllocateOnHost((TensorElementType)(int)pair.Second.Type, pair.Second.Shape.ToArray());
                pair.Second.Data.Span.CopyTo(value.GetTensorMutableRawData());
                return value;
            })];
            using var results = session.Run(runOptions, [.. used.Select(pair => pair.First.Name!)], values, session.OutputNames);
            Array.ForEach(values, value => value.Dispose());
            return [.. results.Select(result => result.GetTensorDataAsSpan<float>().ToArray())];
        }
    }
}
