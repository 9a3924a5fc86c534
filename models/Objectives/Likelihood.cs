using OnnxVae.Exporters.Onnx;
using OnnxVae.Exporters.Programs;

namespace OnnxVae.Models.Objectives;

/// <summary>P(y|z): how likely an image is, given the decoder's output.</summary>
public abstract record Likelihood
{
    /// <summary>The name on the command line.</summary>
    public abstract string Name { get; }

    /// <summary>States that the likelihood keeps; none, usually.</summary>
    public virtual IReadOnlyList<State> States => [];

    /// <summary>The standard deviation of a pixel, Float32 scalar, for likelihoods that have one.</summary>
    public virtual Value? Sigma => null;

    /// <summary>The mean of P(y|z), which is the generated image.</summary>
    /// <param name="output">The decoder's output, Float32 [N, C, H, W].</param>
    /// <returns>Float32 [N, C, H, W], values in [0, 1].</returns>
    public abstract Value Mean(Value output);

    /// <summary>-ln P(y|z), summed over pixels and channels.</summary>
    /// <param name="y">The images, Float32 [N, C, H, W], values in [0, 1].</param>
    /// <param name="output">The decoder's output, Float32 [N, C, H, W].</param>
    /// <returns>Float32 [N], nats per image.</returns>
    public abstract Value Distortion(Value y, Value output);

    /// <summary>-ln P(y|z) as it is minimised, with what a training step changes besides parameters.</summary>
    public virtual TrainingDistortion TrainingDistortion(Value y, Value output) => new(Distortion(y, output), [], []);
}

/// <summary>A likelihood's part in a training step.</summary>
/// <param name="PerImage">-ln P(y|z), Float32 [N], nats per image.</param>
/// <param name="Inputs">Schedules that it needs.</param>
/// <param name="Updates">States that the step changes.</param>
public sealed record TrainingDistortion(Value PerImage, IReadOnlyList<ProgramInput> Inputs, IReadOnlyList<StateUpdate> Updates);
