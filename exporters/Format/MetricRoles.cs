namespace OnnxVae.Format;

/// <summary>What the roles of metrics have in common.</summary>
public static class MetricRoles
{
    /// <summary>Whether a metric is what a part of a batch contributes to the step.</summary>
    /// <param name="role">Its role.</param>
    public static bool IsContribution(this MetricRole role) => role is MetricRole.MeanOverParts or MetricRole.SumOverParts or MetricRole.OfFirstPart;
}
