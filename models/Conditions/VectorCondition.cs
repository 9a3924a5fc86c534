using OnnxVae.Exporters.Programs;
using OnnxVae.Format;

namespace OnnxVae.Models.Conditions;

/// <summary>Numbers that come with the image, Float32 [K].</summary>
public sealed class VectorCondition : Condition
{
    /// <summary>Sets the length.</summary>
    /// <param name="length">K.</param>
    /// <exception cref="ArgumentOutOfRangeException">It is not positive.</exception>
    public VectorCondition(int length)
        : base(ConditionKinds.Vector, [length > 0 ? length : throw new ArgumentOutOfRangeException(nameof(length), $"The length of the condition is {length}; expected at least 1.")])
    {
    }

    /// <inheritdoc/>
    internal override ConditionBatch Of(ExampleBatch batch)
    {
        var input = ProgramInput.Data(ConditionKinds.Input, ElementType.Float32, [batch.Images.Spec.Shape[0], .. Shape]);
        return new ConditionBatch([input], input.Value);
    }
}
