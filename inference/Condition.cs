namespace OnnxVae.Inference;

/// <summary>
/// What a conditional model is given besides images or latents: the x of Q(z|y,x), P(y|z,x) and P(z|x). Values are created for the model's
/// <see cref="ConditionShape"/>, and are bound to a model with <c>Given</c>.
/// </summary>
/// <example><code>
/// using var vae = TrainedVae.Load("runs/digits/export");
/// float[] sevens = vae.GivenClass("7").Generate(count: 16, seed: 1);
/// </code></example>
public abstract class Condition
{
    private Condition(int size, long count) => (Size, Count) = (size, count);

    /// <summary>S, the number of values for each image.</summary>
    public int Size { get; }

    /// <summary>How many images it is for, from image 0.</summary>
    public long Count { get; }

    /// <summary>The same for every image.</summary>
    /// <param name="values">Float32 [S].</param>
    /// <exception cref="ArgumentException">A value is not finite.</exception>
    public static Condition Of(ReadOnlySpan<float> values)
    {
        RequireFinite(values, values.Length);
        return new Constant(values.ToArray());
    }

    /// <summary>A condition for each image.</summary>
    /// <param name="rows">Float32 [N, S].</param>
    /// <param name="size">S.</param>
    /// <exception cref="ArgumentException">The length is not a multiple of S, or a value is not finite.</exception>
    public static Condition Rows(ReadOnlySpan<float> rows, int size)
    {
        int count = Internals.Arguments.RequireRows(rows.Length, size, "conditions", $"rows of {size}");
        RequireFinite(rows, size);
        float[] values = rows.ToArray();
        return new Read(size, count, (first, target) => values.AsSpan((int)first * size, target.Length).CopyTo(target));
    }

    /// <summary>A condition for each image, read when it is needed.</summary>
    /// <param name="count">How many images.</param>
    /// <param name="size">S.</param>
    /// <param name="read">Reads the conditions of images that follow each other; called from several threads.</param>
    public static Condition Rows(long count, int size, ImageReader read) => new Read(size, count, read);

    /// <summary>Each of these conditions several times, one after the other: for several images of each.</summary>
    /// <param name="times">How many times.</param>
    public Condition Repeated(int times)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(times, 1);
        return new Read(Size, Count > long.MaxValue / times ? long.MaxValue : Count * times, (first, rows) =>
        {
            for (int i = 0; i < rows.Length / Size; i++)
            {
                Fill((first + i) / times, rows.Slice(i * Size, Size));
            }
        });
    }

    /// <summary>Writes the conditions of images that follow each other; images without one get zeros.</summary>
    /// <param name="first">The number of the first image.</param>
    /// <param name="rows">Receives Float32 [N, S].</param>
    public abstract void Fill(long first, Span<float> rows);

    private static void RequireFinite(ReadOnlySpan<float> values, int size)
    {
        if (Internals.FiniteNumbers.IndexOfOther(values) is var index and >= 0)
        {
            throw new ArgumentException($"Value {index % size} of condition {index / size} is {values[index]}; conditions must be finite.", nameof(values));
        }
    }

    private sealed class Constant(float[] values) : Condition(values.Length, long.MaxValue)
    {
        public override void Fill(long first, Span<float> rows)
        {
            for (int offset = 0; offset < rows.Length; offset += Size)
            {
                values.CopyTo(rows[offset..]);
            }
        }
    }

    private sealed class Read(int size, long count, ImageReader read) : Condition(size, count)
    {
        public override void Fill(long first, Span<float> rows)
        {
            int there = (int)Math.Clamp(Count - first, 0, rows.Length / Size) * Size;
            if (there > 0)
            {
                read(first, rows[..there]);
            }

            rows[there..].Clear();
        }
    }
}
