using OnnxVae.Exporters.Graph;
using OnnxVae.Format;

namespace OnnxVae.Models;

/// <summary>Checks what parts of a model compute that a user may have written.</summary>
internal static class ExpectedShape
{
    /// <summary>Rejects a result of another shape.</summary>
    /// <param name="value">The result.</param>
    /// <param name="shape">The shape that it must have.</param>
    /// <param name="what">What it is, at the beginning of a sentence.</param>
    /// <param name="expected">What is expected, in words.</param>
    /// <exception cref="ArgumentException">It has another shape.</exception>
    public static Value Require(Value value, Shape shape, string what, string expected) =>
        value.Shape == shape ? value : throw new ArgumentException($"{what} is {value.Shape}; expected {shape}, {expected}.");
}
