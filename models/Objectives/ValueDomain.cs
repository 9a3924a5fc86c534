namespace OnnxVae.Models.Objectives;

/// <summary>The values that a likelihood is for.</summary>
public enum ValueDomain
{
    /// <summary>Any numbers.</summary>
    RealNumbers,

    /// <summary>Numbers from 0 to 1, such as pixels divided by the largest one.</summary>
    UnitRange,

    /// <summary>8-bit pixels, divided by 255.</summary>
    Bytes,
}
