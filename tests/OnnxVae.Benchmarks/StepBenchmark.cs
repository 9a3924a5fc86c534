using System.Diagnostics;
using System.Globalization;
using OnnxVae.Exporters.Graph;
using OnnxVae.Exporters.Programs;
using OnnxVae.Format;
using OnnxVae.Inference;
using OnnxVae.Training.Runtime;
using TorchSharp;
using GraphProgram = OnnxVae.Exporters.Programs.Program;

namespace OnnxVae.Benchmarks;

/// <summary>A training step in both libraries.</summary>
/// <param name="Name">The model.</param>
/// <param name="Description">What it is.</param>
/// <param name="TorchSharpMilliseconds">Median of TorchSharp's steps.</param>
/// <param name="OnnxRuntimeMilliseconds">Median of ONNX Runtime's steps.</param>
/// <param name="TorchSharpMinimum">TorchSharp's fastest step, ms.</param>
/// <param name="OnnxRuntimeMinimum">ONNX Runtime's fastest step, ms.</param>
/// <param name="Ratio">ONNX Runtime's median over TorchSharp's.</param>
/// <param name="PeakShare">Arithmetic of direct convolutions per second, over that of a large matrix product.</param>
/// <param name="TorchSharpPeakMegabytes">Peak memory of a process that runs TorchSharp's step.</param>
/// <param name="OnnxRuntimePeakMegabytes">Peak memory of a process that runs ONNX Runtime's.</param>
/// <param name="LossDifference">Largest relative difference of the losses of the first steps.</param>
public sealed record StepResult(
    string Name, string Description, double TorchSharpMilliseconds, double OnnxRuntimeMilliseconds, double TorchSharpMinimum, double OnnxRuntimeMinimum,
    double Ratio, double PeakShare, double TorchSharpPeakMegabytes, double OnnxRuntimePeakMegabytes, double LossDifference);

/// <summary>The same training step, weights, batch and noise in TorchSharp and in ONNX Runtime, in alternation.</summary>
internal static class StepBenchmark
{
    private const int BlockSteps = 10;
    private const int ComparedSteps = 3; // after more, rounding has changed which codes are nearest
    private const double LargestLossDifference = 1e-3;

    /// <summary>Times the models one after the other.</summary>
    public static IEnumerable<StepResult> Run(IEnumerable<StepModel> models, int threads, int blocks)
    {
        torch.set_num_threads(threads);
        double peak = MatrixProductRate(threads);
        return models.Select(model => Run(model, threads, blocks, peak));
    }

    /// <summary>Runs a few steps in one library alone and prints the process's peak memory, MB.</summary>
    public static void PrintPeakMemory(StepModel model, string library, int threads)
    {
        torch.set_num_threads(threads);
        if (library == "torchsharp")
        {
            using var step = model.CreateTorchStep();
            var noise = StepModel.NoiseOf(model.Compile()).ToDictionary(input => input.Name, input => new float[input.Shape.ElementCount]);
            Repeat(() => step.Run(noise));
        }
        else
        {
            using var step = new OnnxStep(model, threads);
            Repeat(step.Run);
        }

        Console.WriteLine((Process.GetCurrentProcess().PeakWorkingSet64 / 1e6).ToString("F0", CultureInfo.InvariantCulture));

        static void Repeat(Action run)
        {
            for (int i = 0; i < BlockSteps; i++)
            {
                run();
            }
        }
    }

    private static StepResult Run(StepModel model, int threads, int blocks, double peak)
    {
        using var onnx = new OnnxStep(model, threads);
        using var torchStep = model.CreateTorchStep();
        double difference = Enumerable.Range(0, ComparedSteps).Max(_ =>
        {
            float expected = torchStep.Run(onnx.DrawNoise()), actual = onnx.RunWithLoss();
            float relative = Math.Abs(actual - expected) / Math.Abs(expected);
            return float.IsNaN(relative) ? float.PositiveInfinity : relative; // Max passes over NaN
        });
        if (difference > LargestLossDifference)
        {
            throw new InvalidOperationException($"Model {model.Name}: the losses of the two libraries differ by {difference:G2}.");
        }

        var noise = onnx.DrawNoise();
        List<double> torchTimes = [], onnxTimes = [];
        for (int block = 0; block < blocks; block++)
        {
            torchTimes.AddRange(Stopwatches.Time(() => torchStep.Run(noise), BlockSteps));
            onnxTimes.AddRange(Stopwatches.Time(onnx.Run, BlockSteps));
        }

        double torchMedian = Stopwatches.Median(torchTimes), onnxMedian = Stopwatches.Median(onnxTimes);
        return new StepResult(
            model.Name, model.Description, torchMedian, onnxMedian, torchTimes.Min(), onnxTimes.Min(), onnxMedian / torchMedian,
            Operations(model.Compile()) / (onnxMedian / 1000) / peak,
            PeakMemory(model, "torchsharp", threads), PeakMemory(model, "onnxruntime", threads), difference);
    }

    // In a process of its own, so that neither library's memory counts for the other.
    private static double PeakMemory(StepModel model, string library, int threads) =>
        double.Parse(OwnProcess.Run("memory", model.Name, library, "--threads", $"{threads}"), CultureInfo.InvariantCulture);

    // Operations per second of a product of two matrices of 2048 x 2048.
    private static double MatrixProductRate(int threads)
    {
        const long size = 2048;
        var (a, b) = (ProgramInput.Data("a", ElementType.Float32, [size, size]), ProgramInput.Data("b", ElementType.Float32, [size, size]));
        var product = new Metric("product", MetricRole.Scalar, Ops.MatMul(a.Value, b.Value));
        using var runner = new ProgramRunner(new GraphProgram("peak", [a, b], [], [], [product]).Compile(), OnnxDevice.Cpu, threads);
        return 2.0 * size * size * size / (Stopwatches.Time(() => runner.Run(), BlockSteps).Min() / 1000);
    }

    // Multiplications and additions of the matrix products and convolutions in a step, computed directly.
    private static double Operations(GraphProgram program)
    {
        var visited = new HashSet<Value>();
        var pending = new Stack<Value>([.. program.Updates.Select(update => update.Next), .. program.Metrics.Select(metric => metric.Value)]);
        double operations = 0;
        while (pending.TryPop(out var value))
        {
            if (visited.Add(value))
            {
                operations += Operations(value);
                foreach (var input in value.Inputs)
                {
                    pending.Push(input);
                }
            }
        }

        return operations;
    }

    private static double Operations(Value value)
    {
        long Terms(Value matrix, int axis) => matrix.Shape[axis];
        return value.Producer switch
        {
            { OperatorType: "Gemm" } node => 2.0 * value.Shape.ElementCount * Terms(node.Inputs[0], node.Attribute<long>("transA") != 0 ? 0 : 1),
            { OperatorType: "MatMul" } node => 2.0 * value.Shape.ElementCount * node.Inputs[0].Shape[^1],
            { OperatorType: Primitive.Convolution or Primitive.ConvolutionInputGradient or Primitive.ConvolutionWeightGradient } node => Convolution(value, node),
            _ => 0,
        };
    }

    // For each output position a product of all kernels with the patch under them, whichever of the three is unknown.
    private static double Convolution(Value value, Node node)
    {
        var geometry = node.Attribute<ConvolutionGeometry>("geometry");
        var (image, output) = node.OperatorType switch
        {
            Primitive.Convolution => (node.Inputs[0], value),
            Primitive.ConvolutionInputGradient => (value, node.Inputs[0]),
            _ => (node.Inputs[0], node.Inputs[1]),
        };
        return 2.0 * output.Shape.ElementCount * image.Shape[1] / geometry.Groups * geometry.KernelSize.Aggregate((product, size) => product * size);
    }
}
