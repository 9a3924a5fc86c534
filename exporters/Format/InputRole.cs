namespace OnnxVae.Format;

/// <summary>What a program's input is filled with.</summary>
public enum InputRole
{
    /// <summary>A part of the batch.</summary>
    Data,

    /// <summary>Independent standard-normal numbers.</summary>
    StandardNormal,

    /// <summary>Independent numbers, uniform in [0, 1).</summary>
    Uniform,

    /// <summary>Independent numbers, uniform in [0, 1), that belong to the batch's data: further draws for the same data keep them.</summary>
    DataUniform,

    /// <summary>A scalar computed from the step.</summary>
    Schedule,

    /// <summary>What the parts of a batch have computed together: the result of the same name of another program, summed or averaged over them.</summary>
    Contribution,
}
