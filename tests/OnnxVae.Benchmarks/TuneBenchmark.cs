using System.Text.Json;
using OnnxVae.Exporters.Expansion.Convolutions;
using OnnxVae.Exporters.Expansion.Layout;
using OnnxVae.Exporters.Onnx;
using OnnxVae.Exporters.Programs;
using OnnxVae.Inference;
using OnnxVae.Training.Runtime;
using GraphProgram = OnnxVae.Exporters.Programs.Program;

namespace OnnxVae.Benchmarks;

/// <summary>
/// Measures the forms of convolutions and writes the cost table that the compiler chooses by. Each case is a convolution with both its
/// gradients. Images stand in rows, as neighbouring layers leave them and the direct form has to convert them; those with few
/// channels, at the ends of a network, are whole.
/// </summary>
internal static class TuneBenchmark
{
    private const double MostOperations = 6e9; // per map
    private const int Rounds = 7; // of all forms in turn; what else the machine does slows some of them
    private const int RunsPerRound = 3; // of which the fastest counts

    /// <summary>Measures all cases and writes the table to a file.</summary>
    /// <param name="file">The table, JSON; one line per case.</param>
    /// <param name="threads">Threads of the processor.</param>
    /// <param name="progress">Told every case.</param>
    public static void Write(string file, int threads, Action<string> progress)
    {
        var cases = new List<string>();
        foreach (var (kernel, stride, size, batch, channels, kernels) in Shapes())
        {
            var known = Measure(kernel, stride, size, batch, channels, kernels, threads);
            cases.Add(JsonSerializer.Serialize(known, CostTable.JsonOptions));
            progress(cases[^1]);
        }

        File.WriteAllText(file, $$"""{"processor":{{JsonSerializer.Serialize(Machine.Processor)}},"cases":[{{"\n"}}{{string.Join(",\n", cases)}}{{"\n"}}]}{{"\n"}}""");
    }

    private static IEnumerable<(int Kernel, int Stride, int Size, int Batch, int Channels, int Kernels)> Shapes()
    {
        foreach (var (kernel, stride) in new[] { (3, 1), (4, 2) })
        {
            foreach (int size in new[] { 4, 8, 16, 32 })
            {
                foreach (int batch in new[] { 16, 64 })
                {
                    foreach (int channels in new[] { 16, 32, 64, 128, 256 })
                    {
                        // Networks that halve images often double their channels.
                        foreach (int kernels in stride == 1 ? (int[])[channels] : [channels, stride * channels])
                        {
                            if (2.0 * kernel * kernel * size * size * batch * channels * kernels <= MostOperations)
                            {
                                yield return (kernel, stride, size, batch, channels, kernels);
                            }
                        }
                    }
                }
            }

            foreach (int few in new[] { 1, 3 })
            {
                foreach (int many in new[] { 32, 128 })
                {
                    yield return (kernel, stride, 32, 32, few, many);
                    yield return (kernel, stride, 32, 32, many, few);
                }
            }
        }
    }

    private static CostTable.Case Measure(int kernel, int stride, int size, int batch, int channels, int kernels, int threads)
    {
        int padding = (kernel - stride + 1) / 2;
        var geometry = new ConvolutionGeometry([size * stride, size * stride], [kernel, kernel], [stride, stride], [padding, padding], [1, 1]);
        var shape = new ConvolutionShape(geometry, batch, channels, kernels);
        var runners = Enum.GetValues<ConvolutionForm>().Where(shape.Fits).ToDictionary(form => form, form => Runner(shape, form, threads));
        var times = runners.Keys.ToDictionary(form => form, _ => new List<double>());
        for (int round = 0; round < Rounds; round++)
        {
            foreach (var (form, runner) in runners)
            {
                times[form].Add(Stopwatches.Time(() => runner.Run(), RunsPerRound).Min());
            }
        }

        foreach (var runner in runners.Values)
        {
            runner.Dispose();
        }

        return new CostTable.Case(kernel, stride, size, batch, channels, kernels, times.ToDictionary(pair => pair.Key, pair => Math.Round(Stopwatches.Median(pair.Value), 3)));
    }

    private static ProgramRunner Runner(ConvolutionShape shape, ConvolutionForm form, int threads)
    {
        var inputs = new List<ProgramInput>();
        var geometry = shape.Geometry;
        var weight = Input("weight", [shape.Kernels, shape.Channels, .. geometry.KernelSize]);
        var rows = shape.Under(form, RowOrder.RowMajor);
        bool imagesAreWhole = shape.Fits(ConvolutionForm.FewChannels), outputsAreWhole = shape.Fits(ConvolutionForm.FewKernels);
        var x = Images("x", shape.Channels, geometry.ImageSize, rows?.ImageOrder, imagesAreWhole);
        var dy = Images("dy", shape.Kernels, geometry.OutputSize, rows?.OutputOrder, outputsAreWhole);
        Value[] outputs =
        [
            .. Computed(rows?.Convolve(x, weight) ?? LaidOutValue.Of(Ops.Convolution(x.Images, weight, geometry)), outputsAreWhole),
            .. Computed(rows?.InputGradient(dy, weight) ?? LaidOutValue.Of(Ops.ConvolutionInput(dy.Images, weight, geometry)), imagesAreWhole),
            rows?.WeightGradient(x, dy) ?? Ops.ConvolutionWeight(x.Images, dy.Images, geometry),
        ];

        var program = new GraphProgram("form", inputs, [], [], [.. outputs.Select((output, i) => new Metric($"output{i}", MetricRole.PerRow, output))]);
        var runner = new ProgramRunner(program, OnnxDevice.Cpu, threads, isPrecise: true);
        var random = new Random(1);
        foreach (var input in inputs)
        {
            foreach (ref float number in runner.Input<float>(input.Spec.Name))
            {
                number = random.NextSingle() - 0.5f;
            }
        }

        return runner;

        Value Input(string name, Shape inputShape)
        {
            inputs.Add(ProgramInput.Data(name, ElementType.Float32, inputShape));
            return inputs[^1].Value;
        }

        LaidOutValue Images(string name, long channels, IReadOnlyList<long> size, RowOrder? order, bool isWhole)
        {
            if (isWhole)
            {
                return LaidOutValue.Of(Input(name, [shape.Batch, channels, .. size]));
            }

            order ??= RowOrder.RowMajor(size);
            return LaidOutValue.Of(new PixelRows([.. order.Cuts.Select((count, i) => Input($"{name}{i}", [count, shape.Batch, channels]))], order.Map));
        }

        static IEnumerable<Value> Computed(LaidOutValue value, bool isWhole) => isWhole ? [value.Images] : value.Rows.Parts;
    }
}
