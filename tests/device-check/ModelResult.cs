namespace OnnxVae.DeviceCheck;

/// <summary>What was found of a model on a device.</summary>
/// <param name="Model">The package's folder.</param>
/// <param name="Nodes">Nodes of the step that run on the device.</param>
/// <param name="NodesOnProcessor">Those that fall back.</param>
/// <param name="LossDifference">The largest difference of a loss from the processor's, relative, all bits of float32 kept; infinite if a loss is not finite.</param>
/// <param name="ReplaysAgree">Whether steps that are recorded and replayed write the same states, bit for bit; null where the device cannot do that.</param>
/// <param name="Batch">Images per step.</param>
/// <param name="MillisecondsPerStep">The median, every kernel started by itself.</param>
/// <param name="MillisecondsPerReplayedStep">The median, the step recorded once and replayed; null where the device cannot do that.</param>
/// <param name="DecodedImagesPerSecond">Images that the decoder makes of latents on the host, per second.</param>
/// <param name="PeakMegabytes">The most memory of the device that this process was seen to hold; null where the driver does not tell.</param>
internal sealed record ModelResult(
    string Model, int? Nodes, IReadOnlyList<string> NodesOnProcessor, double LossDifference, bool? ReplaysAgree, long Batch,
    double MillisecondsPerStep, double? MillisecondsPerReplayedStep, double? DecodedImagesPerSecond, double? PeakMegabytes)
{
    private const double Tolerance = 1e-3;

    /// <summary>Whether losses are those of the processor, but for rounding, and replayed steps those that are not.</summary>
    public bool IsRight => LossDifference < Tolerance && ReplaysAgree != false;
}
