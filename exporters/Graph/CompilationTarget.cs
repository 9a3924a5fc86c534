namespace OnnxVae.Exporters.Graph;

/// <summary>What a model is compiled for, which determines the algorithms of its primitives.</summary>
public enum CompilationGoal
{
    /// <summary>Serving, with constant weights.</summary>
    Deployment,

    /// <summary>Training, with weights that change at every run.</summary>
    Training,
}

/// <summary>What a model is compiled for, and where it will run.</summary>
/// <param name="Goal">What the model is compiled for.</param>
public sealed record CompilationTarget(CompilationGoal Goal)
{
    /// <summary>Batch size that algorithms are chosen for if a model leaves it open.</summary>
    public const int ImagesAtATime = 16;

    /// <summary>Serving on any runtime: ONNX's own operators, which every runtime knows how to optimize.</summary>
    public static CompilationTarget Deployment { get; } = new(CompilationGoal.Deployment);

    /// <summary>Training on the CPU.</summary>
    public static CompilationTarget Training { get; } = new(CompilationGoal.Training) { Provider = "cpu" };

    /// <summary>
    /// The execution provider, in lower case: <c>cpu</c>, <c>cuda</c>, ... If the costs of algorithms have been measured for it, the fastest are
    /// used; null for any.
    /// </summary>
    public string? Provider { get; init; }

    /// <summary>Whether to use only algorithms that round like the definitions: no convolution with fewer multiplications.</summary>
    public bool IsPrecise { get; init; }
}
