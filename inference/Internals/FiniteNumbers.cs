using System.Numerics;

namespace OnnxVae.Inference.Internals;

/// <summary>Finds infinities and NaN.</summary>
internal static class FiniteNumbers
{
    /// <summary>The position of the first number that is not finite; -1 if all are finite.</summary>
    public static int IndexOfOther(ReadOnlySpan<float> values)
    {
        int i = 0;
        for (; i <= values.Length - Vector<float>.Count; i += Vector<float>.Count)
        {
            // x - x is 0 for finite x and NaN otherwise.
            var vector = new Vector<float>(values[i..]);
            if (!Vector.EqualsAll(vector - vector, Vector<float>.Zero))
            {
                break;
            }
        }

        for (; i < values.Length; i++)
        {
            if (!float.IsFinite(values[i]))
            {
                return i;
            }
        }

        return -1;
    }
}
