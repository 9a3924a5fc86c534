using OnnxVae.Cli.Models;
using OnnxVae.Cli.Options;
using OnnxVae.Cli.Runs;

namespace OnnxVae.Cli.Verbs.Compile;

/// <summary>The options of <c>compile</c>.</summary>
internal sealed record CompileOptions : IChecked
{
    private const string Package = "package", OnnxRuntimeTraining = "onnxruntime-training";

    [Group]
    public DataOptions Data { get; init; } = new();

    [Group]
    public ModelOptions Model { get; init; } = new();

    [Group]
    public LengthOptions Length { get; init; } = new();

    [SeedOption]
    public ulong Seed { get; init; } = 1;

    [Option(Topic.Output, "The package's folder.", IsRequired = true)]
    public string Out { get; init; } = "";

    [Option(Topic.Execution, "Execution provider that the package will run on: cpu, cuda, ... Algorithms of convolutions are chosen for it."), Among("cpu", "cuda", "tensorrt", "webgpu", "dml", "coreml", "openvino", "migraphx", "qnn", "xnnpack")]
    public string For { get; init; } = "cpu";

    [Option(Topic.Output, "package, or onnxruntime-training for a package that also holds the artifacts of ONNX Runtime Training: training_model.onnx, eval_model.onnx, optimizer_model.onnx, checkpoint."), Among(Package, OnnxRuntimeTraining)]
    public string Format { get; init; } = Package;

    /// <summary>Whether the artifacts of ONNX Runtime Training are written, too.</summary>
    public bool IsForOnnxRuntimeTraining => Format == OnnxRuntimeTraining;

    [Option(Topic.Execution, "Also compile the step in two programs, gradients and update, for 'train --accumulate' and for several processes, which take a part of --batch images at a time.")]
    public bool Split { get; init; }

    /// <inheritdoc/>
    public IEnumerable<string> FindFaults(GivenOptions given) => Conditions.FaultsOf(Data.Condition, Model);
}
