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
        using var network = Sequential(("first", Linear(4, 4)), ("wave", new SineLayer()));
        var input = Value.Input("x", ElementType.Float32, [2, 4]);
        var lowering = new ModuleLowering(network);
        var y = lowering.Lower(network, input);
        Assert.That(
            () => GraphCompiler.Build("waves", [input, .. lowering.States.Select(state => state.Current)], [("y", y)], CompilationTarget.Training with { Provider = "webgpu" }),
            Throws.TypeOf<NotSupportedException>().With.Message.EqualTo(
                "The layer 'wave' cannot run on webgpu: it needs Sin of Float32, for which webgpu has no kernel. Use another layer, or compile for the processor."));
    }

    [Test, Category(DeviceUnderTest.Category)]
    public void Table_IsWhatSessionsSay()
    {
        var device = DeviceUnderTest.Device;
        var table = KernelTable.For(device.Provider)!;
        var probed = new Dictionary<string, (bool Runs, bool IsListed)>();
        foreach (var node in Files(Untabled).Select(file => file.Model).Concat(Layers()).SelectMany(model => NodesOf(model, Untabled)))
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

    private sealed class SineLayer : Module<Tensor, Tensor>, ILowerable
    {
        public SineLayer()
            : base(nameof(SineLayer))
        {
        }

        public override Tensor forward(Tensor input) => input.sin();

        public Value Lower(ModuleLowering lowering, Value x) => Ops.Sin(x);
    }
}
