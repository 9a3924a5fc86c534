namespace OnnxVae.Training.Evaluation;

/// <summary>A figure of <see cref="ValidationFigures"/> by which states are judged; lower is better.</summary>
public enum ValidationFigure
{
    /// <summary>The loss at the beta of the last step.</summary>
    Loss,

    /// <summary>The distortion (reconstruction loss) alone.</summary>
    Distortion,
}
