namespace OnnxVae.Format;

/// <summary>A state.</summary>
/// <param name="Name">Its name in files and checkpoints.</param>
/// <param name="Type">Its element type.</param>
/// <param name="Shape">Its shape.</param>
/// <param name="Role">What it is to the model.</param>
public sealed record StateSpec(string Name, ElementType Type, Shape Shape, StateRole Role);
