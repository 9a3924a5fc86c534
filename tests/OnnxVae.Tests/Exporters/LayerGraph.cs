using OnnxVae.Exporters.Graph;
using OnnxVae.Exporters.Modules;
using OnnxVae.Format;
using OnnxVae.Tests.Support;
using TorchSharp;

namespace OnnxVae.Tests.Exporters;

/// <summary>A layer lowered in one mode, with a loss behind it, and the data to run it on.</summary>
internal sealed class LayerGraph
{
    private readonly List<(Value Input, Array Data)> data;
    private readonly float[] weights;

    public LayerGraph(LayerRow row, torch.nn.Module layer, bool training)
    {
        Lowering = new ModuleLowering(layer);
        Lowering = training ? Lowering.ForTraining() : Lowering;
        Value[] inputs = [.. row.ModelInputs.Select(input => Value.Input(input.Name, input.Type, input.Shape))];
        Output = Lowering.Lower(layer, inputs);
        Targets = [.. inputs.Where((input, i) => input.Type == ElementType.Float32 && !(row.HasFixedTarget && i == inputs.Length - 1)), .. Lowering.Parameters.Select(parameter => parameter.Current)];
        data = [.. inputs.Zip(row.Data), .. Lowering.States.Select(state => (state.Current, GraphRunner.ToArray(state.Initial)))];
        weights = Numbers.StandardNormal(Output.Shape.ElementCount, 77);
    }

    public ModuleLowering Lowering { get; }

    public Value Output { get; }

    /// <summary>The inputs and parameters that take gradients.</summary>
    public IReadOnlyList<Value> Targets { get; }

    /// <summary>
    /// Weighted sum of y^2 + y. Every entry counts differently, because the plain sum of squares of normalized numbers does not
    /// depend on them; and the gradient is not zero where y is.
    /// </summary>
    public Value Loss => Ops.Sum((Ops.Square(Output) + Output) * Value.Of<float>(Output.Shape, weights));

    public torch.Tensor TorchLoss(torch.Tensor y) => ((y.square() + y) * weights.ToTorch(Output.Shape)).sum();

    public float[][] Run(IReadOnlyList<Value> outputs, Func<Value, float[], float[]>? change = null) => GraphRunner.Run(
        outputs, [.. data.Select(pair => change is not null && Targets.Contains(pair.Input) ? (pair.Input, change(pair.Input, (float[])pair.Data)) : pair)]);
}
