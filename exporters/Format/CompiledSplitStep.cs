namespace OnnxVae.Format;

/// <summary>A training step in two programs, as ONNX models.</summary>
/// <param name="Gradients">Computes what a part of the batch contributes, and changes no state.</param>
/// <param name="Apply">Updates the states from the contributions of all parts.</param>
public sealed record CompiledSplitStep(CompiledProgram Gradients, CompiledProgram Apply)
{
    /// <summary>Its description.</summary>
    public SplitSpec Spec => new(Gradients.Spec, Apply.Spec);
}
