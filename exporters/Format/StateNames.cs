namespace OnnxVae.Format;

/// <summary>Names of states that follow from others, or that have a meaning of their own.</summary>
public static class StateNames
{
    /// <summary>The share of steps so far whose gradient was clipped; also the name of the metric.</summary>
    public const string ClippedShare = "clipped";

    /// <summary>The average of a parameter over training.</summary>
    /// <param name="parameter">The parameter's name.</param>
    public static string AverageOf(string parameter) => $"average.{parameter}";

    /// <summary>The name of what a part of a batch contributes to a state's update that depends on the batch: the whole new value, by the part alone.</summary>
    public static string UpdateByPart(string state) => $"next.{state}";
}
