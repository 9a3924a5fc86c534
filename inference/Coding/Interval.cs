namespace OnnxVae.Inference.Coding;

/// <summary>Points in the interval of 32-bit numbers that arithmetic coding subdivides.</summary>
internal static class Interval
{
    public const uint Quarter = 1u << 30;
    public const uint Half = 2 * Quarter;
    public const uint ThreeQuarters = 3 * Quarter;
}
