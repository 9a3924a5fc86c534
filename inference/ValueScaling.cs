namespace OnnxVae.Inference;

/// <summary>How a file scales real numbers, which it takes and gives in the data's units: the model inside sees (y - offset) / scale.</summary>
/// <param name="Name"><c>standard</c>: to mean 0 and standard deviation 1; <c>minmax</c>: to the range from 0 to 1; each as in the training data.</param>
/// <param name="Offsets">What is subtracted from each channel.</param>
/// <param name="Scales">What each channel is divided by.</param>
public sealed record ValueScaling(string Name, IReadOnlyList<float> Offsets, IReadOnlyList<float> Scales)
{
    /// <summary>Whether values are brought to mean 0 and standard deviation 1.</summary>
    public bool IsStandard => Name == Format.ScalingNames.Standard;
}
