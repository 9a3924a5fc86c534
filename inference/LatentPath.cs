namespace OnnxVae.Inference;

/// <summary>The kinds of paths between two points in latent space.</summary>
public enum LatentPathKind
{
    /// <summary>An arc around the origin.</summary>
    Spherical,

    /// <summary>A straight line.</summary>
    Linear,
}

/// <summary>Paths between two points in latent space.</summary>
public static class LatentPath
{
    // Below this angle, in radians, arc and line are equal in 32-bit arithmetic.
    private const double SmallestAngle = 1e-4;

    /// <summary>A straight line: a + t (b - a).</summary>
    /// <param name="from">a, Float32 [L].</param>
    /// <param name="to">b, Float32 [L].</param>
    /// <param name="steps">Number of points, including both ends; at least 2.</param>
    /// <returns>Float32 [steps, L].</returns>
    /// <exception cref="ArgumentException">The ends differ in length, or there are fewer than two points.</exception>
    public static float[] Linear(ReadOnlySpan<float> from, ReadOnlySpan<float> to, int steps) => Path(from, to, steps, t => (1 - t, t));

    /// <summary>An arc around the origin: (sin((1 - t) angle) a + sin(t angle) b) / sin(angle), along which typical latents stay typical.</summary>
    /// <remarks>Shoemake 1985, Animating rotation with quaternion curves; for latents, White 2016, arXiv 1609.04468.</remarks>
    /// <inheritdoc cref="Linear"/>
    public static float[] Spherical(ReadOnlySpan<float> from, ReadOnlySpan<float> to, int steps)
    {
        double angle = Angle(from, to), sine = Math.Sin(angle);
        return sine < SmallestAngle ? Linear(from, to, steps) : Path(from, to, steps, t => (Math.Sin((1 - t) * angle) / sine, Math.Sin(t * angle) / sine));
    }

    private static double Angle(ReadOnlySpan<float> a, ReadOnlySpan<float> b)
    {
        double product = 0, squaredA = 0, squaredB = 0;
        for (int i = 0; i < Math.Min(a.Length, b.Length); i++)
        {
            product += (double)a[i] * b[i];
            squaredA += (double)a[i] * a[i];
            squaredB += (double)b[i] * b[i];
        }

        double lengths = Math.Sqrt(squaredA * squaredB);
        return lengths > 0 ? Math.Acos(Math.Clamp(product / lengths, -1, 1)) : 0;
    }

    private static float[] Path(ReadOnlySpan<float> from, ReadOnlySpan<float> to, int steps, Func<double, (double From, double To)> weights)
    {
        if (from.Length != to.Length || steps < 2)
        {
            throw new ArgumentException($"A path of {steps} points between {from.Length} and {to.Length} latents is not possible: both ends need as many latents, and a path at least 2 points.", nameof(steps));
        }

        var path = new float[steps * from.Length];
        for (int step = 0; step < steps; step++)
        {
            var (a, b) = weights((double)step / (steps - 1));
            for (int i = 0; i < from.Length; i++)
            {
                path[(step * from.Length) + i] = (float)((a * from[i]) + (b * to[i]));
            }
        }

        return path;
    }
}
