using OnnxVae.Exporters.Files;
using OnnxVae.Exporters.Graph;
using OnnxVae.Exporters.Kernels;
using OnnxVae.Exporters.Modules;
using OnnxVae.Exporters.Passes;
using OnnxVae.Exporters.Reading;
using OnnxVae.Format;
using OnnxVae.Inference;
using OnnxVae.Tests.Exporters;
using OnnxVae.Tests.Support;

using static TorchSharp.torch.nn;
using Tensor = TorchSharp.torch.Tensor;

namespace OnnxVae.Tests.Devices;

/// <summary>The tables of the kernels that devices have, and what the compiler does by them.</summary>
internal sealed class KernelTableTests : FolderFixture
{
    private const string Untabled = "dml"; // compiled as for any device, but nothing is refused

    private static readonly string[] Models =
    [
        "--model mlp", "--model conv", "--model residual", "--model vqvae --image-size 32", "--model vqvae2 --image-size 32", "--model linear --likelihood gaussian-optimal",
        "--model vqvae --quantizer finite-scalar", "--model vqvae --quantizer gradient", "--model mlp --prior gaussian", "--model mlp --prior vamp", "--model mlp --condition label",
        "--model mlp --likelihood discretized-logistic --samples 3", "--model mlp --likelihood continuous-bernoulli", "--model mlp --pixels sampled", "--model conv --rounded --likelihood squared-error",
        "--model colorization --data scenes --image-size 32 --channels 3", "--model mlp --weight-averaging 0.99 --clip-gradient 1",
    ];

    [TestCase("cuda")]
    [TestCase("webgpu")]
    public void NamedModels_HaveAllKernels(string provider)
    {
        var table = KernelTable.For(provider)!;
        foreach (var (name, model) in Files(provider))
        {
            Assert.That(NodesOf(model, Untabled).Where(node => !table.Has(node)).Select(SignatureOf).Distinct(), Is.Empty, name);
        }
    }

    [Test]
    public void Compile_OfLayerWithoutKernel_NamesTheLayer()
    {
        using var network = Sequential(("first", Linear(4, 4)), ("outside", new OutsideLayer()));
        var input = Value.Input("x", ElementType.Float32, [2, 4]);
        var lowering = new ModuleLowering(network);
        var y = lowering.Lower(network, input);
        Assert.That(
            () => GraphCompiler.Build("outside", [input, .. lowering.States.Select(state => state.Current)], [("y", y)], CompilationTarget.Training with { Provider = "webgpu" }),
            Throws.TypeOf<NotSupportedException>().With.Message.EqualTo(
                "The layer 'outside' cannot run on webgpu: it needs Or of Bool, for which webgpu has no kernel. Use another layer, or compile for the processor."));
    }

    [Test]
    public void OperatorsThatSomeDeviceLacks_AreTheSame_InOthers()
    {
        var x = Value.Input("x", ElementType.Float32, [3, 6]);
        float[] data = [0.5f, 1.5f, 2.5f, -0.5f, -1.5f, -2.5f, 0.49999997f, -0.49999997f, 1e7f, 8388609, -8388609, 3e38f, 0, -3, 7.2f, 7.8f, -7.2f, -7.8f];
        (string, Value)[] outputs = [("rounded", Ops.Round(x)), ("logs", Ops.LogSoftmax(x * 1e-3f, 1))];

        foreach (string? provider in (string?[])[null, "webgpu"])
        {
            var model = GraphCompiler.Build("test", [x], outputs, CompilationTarget.Deployment with { Provider = provider });
            float[][] actual = GraphRunner.Run(model, data), expected = GraphRunner.Run([.. outputs.Select(output => output.Item2)], CompilationTarget.Training with { Provider = Untabled }, (x, data));
            Assert.That(model.OperatorCounts.Keys, Has.No.Member("Round").And.No.Member("LogSoftmax"));
            Assert.That(actual[0], Is.EqualTo(expected[0]));
            Assert.That(Numbers.RelativeError(actual[1], expected[1]), Is.LessThan(1e-6));
        }
    }

    [Test, Category(DeviceUnderTest.Category)]
    public void Table_IsWhatSessionsSay()
    {
        var device = DeviceUnderTest.Device;
        var table = KernelTable.For(device.Provider)!;
        var probed = new Dictionary<string, (bool Runs, bool IsListed)>();
        foreach (var node in Files(Untabled).Select(file => file.Model).Concat(Layers()).SelectMany(model => NodesOf(model, Untabled)).Concat(GraphOrder.NodesOf(Rare())))
        {
            string signature = SignatureOf(node);
            if (!probed.ContainsKey(signature))
            {
                probed[signature] = (Runs(node, device), table.Has(node));
            }
        }

        string[] differences = [.. probed.Where(pair => pair.Value.Runs != pair.Value.IsListed).Select(pair => $"{(pair.Value.Runs ? '+' : '-')} {pair.Key}").Order(StringComparer.Ordinal)];
        Assert.That(string.Join('\n', differences), Is.Empty, "The table has other kernels than the device.");
        Assert.That(probed, Has.Count.GreaterThan(50));
    }

    private IEnumerable<(string Name, OnnxModel Model)> Files(string provider)
    {
        foreach (var (options, i) in Models.Select((options, i) => (options, i)))
        {
            string folder = Folder[$"{provider}{i}"];
            string[] data = options.Contains("--data", StringComparison.Ordinal) ? [] : ["--data", "sprites"];
            string[] size = options.Contains("--image-size", StringComparison.Ordinal) ? [] : ["--image-size", "16"];
            Support.Cli.Succeed(["compile", .. data, .. size, .. options.Split(' '), "--batch", "8", "--steps", "10", "--for", provider, "--out", folder]);
            foreach (string file in Directory.EnumerateFiles(folder, "*.onnx").Where(file => !file.EndsWith(".cpu.onnx", StringComparison.Ordinal)).Order(StringComparer.Ordinal))
            {
                yield return ($"{options}: {Path.GetFileName(file)}", OnnxModel.Load(file));
            }
        }
    }

    private static IEnumerable<OnnxModel> Layers()
    {
        foreach (var row in LayerRows.All)
        {
            using var layer = row.Make();
            yield return OnnxExporter.Build(layer, row.ModelInputs);
        }
    }

    // What the models and layers have none of, or not of this type.
    private static Value[] Rare()
    {
        var x = Value.Input("x", ElementType.Float32, [2, 3, 4]);
        Value whole = Value.Input("whole", ElementType.Int64, [2, 3]), condition = Value.Input("condition", ElementType.Bool, [2, 3]), bytes = Value.Input("bytes", ElementType.UInt8, [2, 3]);
        return
        [
            Ops.Sin(x), Ops.Cos(x), Ops.Round(x), Ops.LogSoftmax(x, 2), Ops.Einsum("abc,dbc->ad", x, x), Ops.Tile(x, 1, 2, 1), Ops.Expand(x, [5, 2, 3, 4]), Ops.Flip(x, 1), Ops.CumSum(x, 1),
            Ops.Mod(whole, whole), Ops.Add(whole, whole), Ops.Sub(whole, whole), Ops.Mul(whole, whole),
            Ops.Equal(whole, whole), Ops.Greater(whole, whole), Ops.GreaterOrEqual(whole, whole), Ops.And(condition, condition), Ops.Or(condition, condition), Ops.Not(condition), Ops.Equal(condition, condition),
            Ops.GatherElements(x, 2, Value.Input("places", ElementType.Int64, [2, 3, 2])), Ops.ScatterElements(x, Value.Input("rows", ElementType.Int64, [2, 3, 4]), x),
            .. new[] { whole, condition, bytes }.SelectMany(y => (Value[])
            [
                Ops.Gather(y, 0, Value.Input("index", ElementType.Int64, [3])), Ops.Concat(0, y, y), Ops.Transpose(y, 1, 0), Ops.Reshape(y, [3, 2]), Ops.Slice(y, 1, 0, 2), Ops.Tile(y, 2, 1),
                Ops.Cast(y, ElementType.Float32), Ops.Cast(y, ElementType.Int64), Ops.Where(condition, y, y), Ops.Expand(y, [4, 2, 3]),
            ]),
            Ops.Cast(x, ElementType.UInt8), Ops.Cast(x, ElementType.Bool), Ops.ReduceMax(x, [1]), Ops.ReduceMean(x, [1]), Ops.ReduceSum(x, [1]), Ops.ReduceProd(x, [1]),
        ];
    }

    private static IEnumerable<Node> NodesOf(OnnxModel model, string provider) =>
        GraphOrder.NodesOf(GraphCompiler.RunPasses(OnnxGraph.Read(model).Outputs, CompilationTarget.Training with { Provider = provider, IsPrecise = true }).Select(output => output.Value));

    private static string SignatureOf(Node node)
    {
        return $"{node.OperatorType}\t{Types(node.Inputs)}\t{Types(node.Outputs)}";

        static string Types(IEnumerable<Value> values) => string.Join('|', values.Select(value => value == Value.Absent ? "-" : value.Type switch
        {
            ElementType.Float32 => "float",
            ElementType.UInt8 => "uint8",
            ElementType.Int64 => "int64",
            _ => "bool",
        }));
    }

    // A graph of this node alone.
    private static bool Runs(Node node, OnnxDevice device)
    {
        Value[] inputs = [.. node.Inputs.Select((input, i) => input.Constant is not null || input == Value.Absent ? input : Value.Input($"x{i}", input.Type, input.Shape))];
        var alone = node.With([.. inputs]);
        byte[] model = OnnxModelWriter.Write("node", [.. inputs.Where(input => input.Name is { Length: > 0 })], [.. alone.Outputs.Select((output, i) => ($"y{i}", output))]).ToBytes();
        try
        {
            using var session = OnnxSession.Load(model, device);
            return true;
        }
        catch (InvalidDataException)
        {
            return false;
        }
    }

    private sealed class OutsideLayer : Module<Tensor, Tensor>, ILowerable
    {
        public OutsideLayer()
            : base(nameof(OutsideLayer))
        {
        }

        public override Tensor forward(Tensor input) => input * input.abs().gt(1);

        public Value Lower(ModuleLowering lowering, Value x) => x * Ops.Cast(Ops.Or(Ops.Greater(x, 1f), Ops.Less(x, -1f)), ElementType.Float32);
    }
}
