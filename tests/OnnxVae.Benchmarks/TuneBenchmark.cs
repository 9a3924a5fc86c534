using System.Text.Json;
using OnnxVae.Exporters.Convolutions;
using OnnxVae.Exporters.Graph;
using OnnxVae.Exporters.Layout;
using OnnxVae.Exporters.Programs;
using OnnxVae.Format;
using OnnxVae.Inference;
using OnnxVae.Training.Runtime;
using GraphProgram = OnnxVae.Exporters.Programs.Program;

namespace OnnxVae.Benchmarks;

/// <summary>
/// Measures the algorithms of convolutions and writes the cost tables that the compiler chooses by: one for training, a convolution
/// with both its gradients, and two for serving with constant weights; of the processor, or of another device. Images stand in rows, as neighbouring layers leave them,
/// and the direct algorithm has to convert them; those with few channels, at the ends of a network, are whole. Inside of networks that
/// are served the neighbours may be direct too, and nothing is converted.
/// </summary>
internal static class TuneBenchmark
{
    private const double MostOperations = 6e9; // per map
    private const int ServedBatch = 16;
    private const int Passes = 3; // over all cases, minutes apart, of which the fastest counts: what else the machine does slows some of them
    private const int Rounds = 5; // of all algorithms of a case in turn
    private const int RunsPerRound = 3; // of which the fastest counts

    /// <summary>Measures all cases and writes the tables.</summary>
    /// <param name="folder">Where the tables go, JSON; one line per case.</param>
    /// <param name="uses">Which tables.</param>
    /// <param name="device">What to measure; the tables have its name, and its provider's in their files'.</param>
    /// <param name="threads">Threads of the processor.</param>
    /// <param name="progress">Told every case.</param>
    public static void Write(string folder, IEnumerable<CostTable.Use> uses, OnnxDevice device, int threads, Action<string> progress)
    {
        foreach (var use in uses)
        {
            var cases = Enumerable.Range(1, Passes)
                .SelectMany(pass => Shapes().Where(shape => use == CostTable.Use.Training || shape.Batch == ServedBatch).Select(shape =>
                {
                    var (kernel, stride, size, batch, channels, kernels) = shape;
                    var known = Measure(use, kernel, stride, size, batch, channels, kernels, device, threads);
                    progress($"{use}, pass {pass} of {Passes}: {Line(known)}");
                    return (Shape: shape, Case: known);
                }))
                .GroupBy(measured => measured.Shape, measured => measured.Case)
                .Select(Fastest);

            File.WriteAllText(
                Path.Combine(folder, CostTable.FileName(device.Provider, use)),
                $$"""{"device":{{JsonSerializer.Serialize(Machine.NameOf(device))}},"cases":[{{"\n"}}{{string.Join(",\n", cases.Select(Line))}}{{"\n"}}]}{{"\n"}}""");
        }

        static string Line(CostTable.Case known) => JsonSerializer.Serialize(known, CostTable.JsonOptions);

        static CostTable.Case Fastest(IEnumerable<CostTable.Case> passes) => passes.Aggregate((one, other) => one with
        {
            Milliseconds = one.Milliseconds.ToDictionary(pair => pair.Key, pair => Math.Min(pair.Value, other.Milliseconds[pair.Key])),
        });
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
                    yield return (kernel, stride, 32, ServedBatch, few, many);
                    yield return (kernel, stride, 32, ServedBatch, many, few);
                }
            }
        }
    }

    private static CostTable.Case Measure(CostTable.Use use, int kernel, int stride, int size, int batch, int channels, int kernels, OnnxDevice device, int threads)
    {
        int padding = (kernel - stride + 1) / 2;
        var geometry = new ConvolutionGeometry([size * stride, size * stride], [kernel, kernel], [stride, stride], [padding, padding], [1, 1]);
        var shape = new ConvolutionShape(geometry, batch, channels, kernels);
        var runners = Enum.GetValues<ConvolutionAlgorithm>().Where(algorithm => ConvolutionChooser.Supports(algorithm, shape)).ToDictionary(algorithm => algorithm, algorithm => Runner(use, shape, algorithm, device, threads));
        var times = runners.Keys.ToDictionary(algorithm => algorithm, _ => new List<double>());
        for (int round = 0; round < Rounds; round++)
        {
            foreach (var (algorithm, runner) in runners)
            {
                times[algorithm].Add(Stopwatches.Time(() => runner.Run(), RunsPerRound).Min());
            }
        }

        foreach (var runner in runners.Values)
        {
            runner.Dispose();
        }

        return new CostTable.Case(kernel, stride, size, batch, channels, kernels, times.ToDictionary(pair => pair.Key, pair => Math.Round(Stopwatches.Median(pair.Value), 3)));
    }

    private static ProgramRunner Runner(CostTable.Use use, ConvolutionShape shape, ConvolutionAlgorithm algorithm, OnnxDevice device, int threads)
    {
        var inputs = new List<ProgramInput>();
        var random = new Random(1);
        var geometry = shape.Geometry;
        Shape weightShape = [shape.Kernels, shape.Channels, .. geometry.KernelSize];
        bool isTraining = use == CostTable.Use.Training;
        var weight = isTraining ? Input("weight", weightShape) : Value.Of<float>(weightShape, [.. Enumerable.Range(0, (int)weightShape.ElementCount).Select(_ => random.NextSingle() - 0.5f)]);
        var rows = ConvolutionChooser.Create(algorithm, shape, PixelOrder.RowMajor);
        var (hasFewChannels, hasFewKernels) = (ConvolutionChooser.Supports(ConvolutionAlgorithm.Im2Col, shape), ConvolutionChooser.Supports(ConvolutionAlgorithm.FlippedIm2Col, shape));
        bool isWhole = !isTraining && rows is null && !hasFewChannels && !hasFewKernels;
        bool imagesAreWhole = isWhole || hasFewChannels, outputsAreWhole = isWhole || hasFewKernels;
        var x = new Lazy<LayoutValue>(() => Images("x", shape.Channels, geometry.ImageSize, rows?.ImageOrder, imagesAreWhole));
        var dy = new Lazy<LayoutValue>(() => Images("dy", shape.Kernels, geometry.OutputSize, rows?.OutputOrder, outputsAreWhole));
        IEnumerable<Value> Convolution() =>
            Computed(rows?.Convolve(x.Value, weight) ?? LayoutValue.Of(Ops.Convolution(x.Value.Images, weight, geometry)), outputsAreWhole);
        IEnumerable<Value> ConvolutionInputGradient() =>
            Computed(rows?.InputGradient(dy.Value, weight) ?? LayoutValue.Of(Ops.ConvolutionInputGradient(dy.Value.Images, weight, geometry)), imagesAreWhole);
        Value[] outputs = use switch
        {
            CostTable.Use.Convolution => [.. Convolution()],
            CostTable.Use.ConvolutionInputGradient => [.. ConvolutionInputGradient()],
            _ => [.. Convolution(), .. ConvolutionInputGradient(), rows?.WeightGradient(x.Value, dy.Value) ?? Ops.ConvolutionWeightGradient(x.Value.Images, dy.Value.Images, geometry)],
        };

        var program = new GraphProgram("algorithm", inputs, [], [], [.. outputs.Select((output, i) => new Metric($"output{i}", MetricRole.PerRow, output))]);
        var target = isTraining ? CompilationTarget.Training with { IsPrecise = true, Provider = device.Provider } : CompilationTarget.Deployment;
        var runner = new ProgramRunner(program.Compile(target), device, threads);
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

        LayoutValue Images(string name, long channels, IReadOnlyList<long> size, PixelOrder? order, bool isWhole)
        {
            if (isWhole)
            {
                return LayoutValue.Of(Input(name, [shape.Batch, channels, .. size]));
            }

            order ??= PixelOrder.RowMajor(size);
            return LayoutValue.Of(new PixelMajorRows([.. order.ChunkSizes.Select((count, i) => Input($"{name}{i}", [count, shape.Batch, channels]))], order.Map));
        }

        static IEnumerable<Value> Computed(LayoutValue value, bool isWhole) => isWhole ? [value.Images] : value.Rows.Parts;
    }
}
