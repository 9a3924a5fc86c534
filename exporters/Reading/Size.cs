namespace OnnxVae.Exporters.Reading;

/// <summary>A whole number that may depend on the size N of an open batch: <paramref name="Fixed"/> + <paramref name="PerRow"/> N.</summary>
/// <param name="Fixed">The part that does not depend on the batch.</param>
/// <param name="PerRow">The part per row.</param>
internal readonly record struct Size(long Fixed, long PerRow = 0)
{
    /// <summary>Whether it does not depend on the batch.</summary>
    public bool IsFixed => PerRow == 0;

    public static implicit operator Size(long number) => new(number);

    public static implicit operator Size(bool truth) => new(truth ? 1 : 0);

    public static Size operator +(Size a, Size b) => new(a.Fixed + b.Fixed, a.PerRow + b.PerRow);

    public static Size operator -(Size a, Size b) => new(a.Fixed - b.Fixed, a.PerRow - b.PerRow);

    /// <summary>The size of a shape's dimension.</summary>
    public static Size OfDimension(long dimension) => dimension < 0 ? new(0, -dimension) : new(dimension);

    /// <summary>As a shape's dimension; null if no dimension can express it.</summary>
    public long? ToDimension() => IsFixed && Fixed >= 0 ? Fixed : Fixed == 0 && PerRow > 0 ? -PerRow : null;

    /// <summary>The product; null if it is not such a number.</summary>
    public static Size? Multiply(Size a, Size b) =>
        a.IsFixed ? new Size(a.Fixed * b.Fixed, a.Fixed * b.PerRow) : b.IsFixed ? new Size(b.Fixed * a.Fixed, b.Fixed * a.PerRow) : null;

    /// <summary>The quotient, rounded toward zero; null if it is not such a number for every batch.</summary>
    /// <exception cref="DivideByZeroException">The divisor is 0.</exception>
    public static Size? Divide(Size a, Size b) =>
        a.IsFixed && b.IsFixed ? a.Fixed / b.Fixed
        : b.IsFixed ? (a.Fixed % b.Fixed, a.PerRow % b.Fixed) == (0, 0) ? new Size(a.Fixed / b.Fixed, a.PerRow / b.Fixed) : null
        : b.Fixed == 0 && a.Fixed == 0 && a.PerRow % b.PerRow == 0 ? a.PerRow / b.PerRow
        : null;

    /// <summary>Whether a is less than b; null if that depends on the batch, which has at least one row.</summary>
    public static bool? IsLess(Size a, Size b)
    {
        var difference = b - a;
        long ofOneRow = difference.Fixed + difference.PerRow;
        return difference.PerRow >= 0 && ofOneRow > 0 ? true : difference.PerRow <= 0 && ofOneRow <= 0 ? false : null;
    }

    /// <summary>Whether both are the same; null if that depends on the batch.</summary>
    public static bool? AreEqual(Size a, Size b) =>
        a == b ? true
        : (a - b) is var difference && (difference.IsFixed || difference.Fixed % difference.PerRow != 0 || -difference.Fixed / difference.PerRow < 1) ? false
        : null;

    public override string ToString() => IsFixed ? $"{Fixed}" : Fixed == 0 ? $"{PerRow} N" : $"{Fixed} + {PerRow} N";
}
