namespace OnnxVae.Exporters.Graph;

/// <summary>What a model is written for, which decides between the algorithms of its primitives.</summary>
public enum CompilationGoal
{
    /// <summary>To be served with constant weights.</summary>
    Deployment,

    /// <summary>To be trained, with weights that change at every run.</summary>
    Training,
}

/// <summary>What a model is written for, and where it will run.</summary>
/// <param name="Goal">What for.</param>
public sealed record CompilationTarget(CompilationGoal Goal)
{
    /// <summary>Images at a time that algorithms are chosen for where a model leaves their number open.</summary>
    public const int ImagesAtATime = 16;

    /// <summary>To be served anywhere: ONNX's own operators, which every runtime knows how to optimize.</summary>
    public static CompilationTarget Deployment { get; } = new(CompilationGoal.Deployment);

    /// <summary>To be trained on the processor.</summary>
    public static CompilationTarget Training { get; } = new(CompilationGoal.Training) { Provider = "cpu" };

    /// <summary>
    /// The execution provider, in lower case: <c>cpu</c>, <c>cuda</c>, ... Where the costs of algorithms have been measured, the fastest are
    /// taken; null for any.
    /// </summary>
    public string? Provider { get; init; }

    /// <summary>Whether to take only algorithms that round as the definitions do: no convolution by fewer multiplications.</summary>
    public bool IsPrecise { get; init; }
}
