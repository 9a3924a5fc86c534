using OnnxVae.Exporters.Graph;
using OnnxVae.Exporters.Optimizers;
using OnnxVae.Exporters.Programs;
using OnnxVae.Format;
using OnnxVae.Format.Schema;

namespace OnnxVae.OnnxRuntimeTraining;

/// <summary>
/// What a <c>TrainingSession</c> of ONNX Runtime Training takes: <c>training_model.onnx</c>, whose gradients are standard operators, <c>eval_model.onnx</c>,
/// <c>optimizer_model.onnx</c> and <c>checkpoint</c>.
/// </summary>
public sealed class TrainingArtifacts
{
    /// <summary>The file with the gradients.</summary>
    public const string TrainingModel = "training_model.onnx";

    /// <summary>The file with the loss alone.</summary>
    public const string EvalModel = "eval_model.onnx";

    /// <summary>The file with the update.</summary>
    public const string OptimizerModel = "optimizer_model.onnx";

    /// <summary>The file with the parameters.</summary>
    public const string Checkpoint = "checkpoint";

    private const string Domain = "com.microsoft", Reset = "lazy_reset_grad";

    private readonly OnnxModel training, eval, optimizer;
    private readonly RuntimeCheckpoint start;

    private TrainingArtifacts(OnnxModel training, OnnxModel eval, OnnxModel optimizer, RuntimeCheckpoint start) => (this.training, this.eval, this.optimizer, this.start) = (training, eval, optimizer, start);

    /// <summary>The names of all files.</summary>
    public static IReadOnlyList<string> Files => [TrainingModel, EvalModel, OptimizerModel, Checkpoint];

    /// <summary>Compiles the artifacts of a training step.</summary>
    /// <param name="step">The step. Its inputs become those of the user: first the batch, then noise, then schedules of the loss, each in their order.</param>
    /// <param name="target">Where it will run; the CPU if left out.</param>
    /// <exception cref="NotSupportedException">The format cannot hold what the step does.</exception>
    public static TrainingArtifacts Compile(TrainingStep step, CompilationTarget? target = null)
    {
        ArgumentNullException.ThrowIfNull(step);
        if (FaultOf(step) is { } fault)
        {
            throw new NotSupportedException($"ONNX Runtime Training {fault}.");
        }

        var split = step.ToSplit().Gradients;
        var gradients = split with { Inputs = [.. split.Inputs.OrderBy(input => input.Spec.Role switch { InputRole.Data => 0, InputRole.Schedule => 2, _ => 1 })] };
        var trained = step.States.Where(state => state.Spec.Role == StateRole.Parameter).ToArray();
        var training = Accumulating(gradients.Compile(target).Model, trained);
        var eval = (gradients with { Name = "eval", Metrics = [.. gradients.Metrics.Where(metric => !metric.Role.IsContribution())] }).Compile(target).Model;
        var read = training.Inputs.Select(input => input.Name).ToHashSet();
        var others = step.States.Except(trained).Where(state => read.Contains(state.Spec.Name));
        var start = new RuntimeCheckpoint(ByName(trained), ByName(others))
        {
            LearningRate = (float)step.Optimizer.LearningRate.Spec.Schedule!.At(1),
            Moments = trained.ToDictionary(state => state.Spec.Name, state => (IReadOnlyList<Tensor>)[.. Enumerable.Repeat(Tensor.Zeros(ElementType.Float32, state.Spec.Shape), MomentsOf(step.Optimizer))]),
        };
        return new TrainingArtifacts(training, eval, OptimizerOf(step.Optimizer), start);

        static Dictionary<string, Tensor> ByName(IEnumerable<State> states) => states.ToDictionary(state => state.Spec.Name, state => state.Initial);
    }

    /// <summary>Writes the files.</summary>
    /// <param name="folder">The folder, created if missing.</param>
    public void Save(string folder)
    {
        Directory.CreateDirectory(folder);
        training.Save(Path.Combine(folder, TrainingModel));
        eval.Save(Path.Combine(folder, EvalModel));
        optimizer.Save(Path.Combine(folder, OptimizerModel));
        start.Save(Path.Combine(folder, Checkpoint));
    }

    private static string? FaultOf(TrainingStep step) =>
        step.Optimizer switch
        {
            AdamW or Adam { WeightDecay: 0 } or Sgd { Momentum: 0, WeightDecay: 0 } => null,
            Adam => "has AdamW, but no Adam with a weight decay in the gradient: choose AdamW, or leave the weight decay out",
            Sgd => "has plain gradient descent only: leave momentum and weight decay out, or choose AdamW",
            var other => $"has no {other.Name}: choose AdamW, Adam, or Sgd without momentum",
        }
        ?? (step.Optimizer.LearningRate.Spec.Schedule is not (ConstantSchedule or WarmUpSchedule { Steps: 0 }) ? "leaves the course of the learning rate to the program: leave its schedule out"
            : step.Groups.Count > 0 ? "has one learning rate for all parameters: leave out the groups of parameters"
            : step.MaxGradientNorm is not null ? "clips no gradients in these artifacts: leave the clipping out"
            : step.Averaging is not null ? "keeps no averages of parameters: leave the weight averaging out"
            : step.Revisions.Select(revision => revision.Parameter).Concat(step.Updates.Select(update => update.State)).FirstOrDefault() is { } state
                ? $"changes states by gradient only, but '{state.Spec.Name}' follows the batch: take a quantizer without a codebook, and no batch normalization or sigma in closed form"
            : null);

    // The gradients go into the runtime's accumulators instead of coming out.
    private static OnnxModel Accumulating(OnnxModel gradients, IReadOnlyList<State> trained)
    {
        var proto = gradients.Proto.Clone();
        foreach (var parameter in trained)
        {
            string name = parameter.Spec.Name, buffer = $"{name}_grad.accumulation.buffer", done = $"{name}_grad.accumulation.out";
            var output = proto.Graph.Output.Single(output => output.Name == $"gradient.{name}");
            proto.Graph.Output.Remove(output);
            proto.Graph.Input.Add(Described(buffer, ElementType.Float32, parameter.Spec.Shape));
            proto.Graph.Output.Add(Described(done, ElementType.Bool, [1]));
            proto.Graph.Node.Add(new NodeProto { Name = $"accumulate/{name}", OpType = "InPlaceAccumulatorV2", Domain = Domain, Input = { buffer, output.Name, Reset }, Output = { done } });
        }

        proto.Graph.Input.Add(Described(Reset, ElementType.Bool, [1]));
        proto.OpsetImport.Add(new OperatorSetIdProto { Domain = Domain, Version = 1 });
        return new OnnxModel(proto);
    }

    // As PyTorch computes AdamW; Adam is the same without weight decay. The runtime gives every optimizer its step and the moments, also where the operator has no use for them.
    private static OnnxModel OptimizerOf(Optimizer optimizer)
    {
        const string rate = "learning_rate", done = "updated_flag";
        string[] moments = [.. ((string[])["first_order_moments", "second_order_moments"]).Take(MomentsOf(optimizer))], sequences = ["params", "gradients", .. moments];
        var graph = new GraphProto { Name = "optimizer" };
        graph.Input.Add(Described(rate, ElementType.Float32, [1]));
        graph.Input.Add(Described("step", ElementType.Int64, [1]));
        graph.Input.Add(sequences.Select(name => new ValueInfoProto
        {
            Name = name,
            Type = new TypeProto { SequenceType = new TypeProto.Types.Sequence { ElemType = new TypeProto { TensorType = new TypeProto.Types.Tensor { ElemType = (int)ElementType.Float32 } } } },
        }));
        graph.Output.Add(Described(done, ElementType.Bool, optimizer is Sgd ? Shape.Scalar : [1]));
        graph.Node.Add(optimizer switch
        {
            AdamW decoupled => AdamW(decoupled.Beta1, decoupled.Beta2, decoupled.Epsilon, decoupled.WeightDecay),
            Adam plain => AdamW(plain.Beta1, plain.Beta2, plain.Epsilon, weightDecay: 0),
            _ => new NodeProto { Name = optimizer.Name, OpType = "SGDOptimizerV2", Domain = Domain, Input = { rate, "params", "gradients" }, Output = { done } },
        });
        return new OnnxModel(new ModelProto
        {
            IrVersion = OnnxModel.IrVersion,
            Graph = graph,
            OpsetImport = { new OperatorSetIdProto { Domain = "", Version = OnnxModel.OperatorSet }, new OperatorSetIdProto { Domain = Domain, Version = 1 } },
        });

        NodeProto AdamW(double beta1, double beta2, double epsilon, double weightDecay) => new()
        {
            Name = optimizer.Name,
            OpType = "AdamWOptimizer",
            Domain = Domain,
            Input = { rate, "step", sequences },
            Output = { done },
            Attribute = { Number("alpha", beta1), Number("beta", beta2), Number("epsilon", epsilon), Number("weight_decay", weightDecay), Integer("correct_bias", 1), Integer("adam_mode", 0) },
        };

        static AttributeProto Number(string name, double value) => new() { Name = name, Type = AttributeProto.Types.AttributeType.Float, F = (float)value };

        static AttributeProto Integer(string name, long value) => new() { Name = name, Type = AttributeProto.Types.AttributeType.Int, I = value };
    }

    private static int MomentsOf(Optimizer optimizer) => optimizer is Sgd ? 1 : 2;

    private static ValueInfoProto Described(string name, ElementType type, Shape shape)
    {
        var tensor = new TypeProto.Types.Tensor { ElemType = (int)type, Shape = new TensorShapeProto() };
        tensor.Shape.Dim.Add(shape.Select(size => new TensorShapeProto.Types.Dimension { DimValue = size }));
        return new ValueInfoProto { Name = name, Type = new TypeProto { TensorType = tensor } };
    }
}
