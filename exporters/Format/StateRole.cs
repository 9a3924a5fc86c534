namespace OnnxVae.Format;

/// <summary>What a state is to the model.</summary>
public enum StateRole
{
    /// <summary>Trained by gradient.</summary>
    Parameter,

    /// <summary>A parameter that stays as it is.</summary>
    Frozen,

    /// <summary>The average of a parameter along training.</summary>
    Average,

    /// <summary>An optimizer's memory.</summary>
    Optimizer,

    /// <summary>A statistic of the data or the model that the step keeps up to date.</summary>
    Statistic,
}
