namespace OnnxVae.Exporters.Graph;

/// <content>Sums over a batch that is computed in parts: on several machines, or one part after the other. In a step that takes the whole batch at once they change nothing.</content>
public static partial class Ops
{
    /// <summary>A sum over the batch. A part of the batch has its share of it, and the update of a state sees the sum over all parts.</summary>
    /// <param name="x">Float32: a sum over the rows of the batch, or a number that there is once per part. No gradient flows through it.</param>
    public static Value SumOverParts(Value x)
    {
        RequireFloat(nameof(SumOverParts), x);
        return Apply(Primitive.SumOverParts, x.Type, x.Shape, [x]);
    }

    /// <summary>Something drawn from the batch. The update of a state sees what the first part has drawn, so that all parts agree.</summary>
    /// <param name="x">Float32. No gradient flows through it.</param>
    public static Value OfFirstPart(Value x)
    {
        RequireFloat(nameof(OfFirstPart), x);
        return Apply(Primitive.OfFirstPart, x.Type, x.Shape, [x]);
    }
}
