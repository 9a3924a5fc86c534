namespace OnnxVae.Exporters.Expansion;

/// <summary>What a model is written for, which decides between the forms of its primitives.</summary>
public enum ExpansionGoal
{
    /// <summary>To be served with constant weights: the plain operators, which runtimes know how to optimize.</summary>
    Deployment,

    /// <summary>To be trained, with weights that change at every run: the fastest forms.</summary>
    Training,
}
