namespace OnnxVae.Format;

/// <summary>What a state is to the model.</summary>
public enum StateRole
{
    /// <summary>Trained by gradient.</summary>
    Parameter,

    /// <summary>A parameter that is frozen.</summary>
    Frozen,

    /// <summary>The average of a parameter over training.</summary>
    Average,

    /// <summary>An optimizer's own state.</summary>
    Optimizer,

    /// <summary>A statistic of the data or the model that the step keeps up to date.</summary>
    Statistic,
}
