using System.Globalization;

namespace OnnxVae.Cli.Options;

/// <summary>What the value of an option must be.</summary>
[AttributeUsage(AttributeTargets.Property)]
internal abstract class RuleAttribute : Attribute
{
    /// <summary>What is wrong with a value, given as text on the command line or as stored in a file.</summary>
    /// <param name="option">The option's name.</param>
    /// <param name="value">The value; never null.</param>
    /// <returns>A sentence; null if the value is valid.</returns>
    public abstract string? FaultOf(string option, object value);
}

/// <summary>A rule for numbers.</summary>
internal abstract class NumberRuleAttribute : RuleAttribute
{
    public sealed override string? FaultOf(string option, object value)
    {
        double number = Convert.ToDouble(value, CultureInfo.InvariantCulture);
        return Expected(number) is { } expected ? string.Create(CultureInfo.InvariantCulture, $"{option} is {value}; it must be {expected}.") : null;
    }

    /// <summary>What was expected instead of a number; null if the number is valid.</summary>
    protected abstract string? Expected(double number);
}

/// <summary>A number between bounds, both inclusive.</summary>
/// <param name="smallest">The smallest.</param>
/// <param name="largest">The largest, chosen so that the work finishes and fits into memory.</param>
internal sealed class BetweenAttribute(double smallest, double largest) : NumberRuleAttribute
{
    /// <summary>The largest count, unless stated otherwise.</summary>
    public const int LargestCount = 1 << 20;

    /// <summary>The largest width of a layer or size of a codebook.</summary>
    public const int LargestWidth = 1 << 16;

    /// <summary>The largest number of channels of a convolution, and of dimensions of a vector.</summary>
    public const int LargestChannels = 1 << 12;

    protected override string? Expected(double number) => !(number >= smallest) || double.IsInfinity(number)
        ? string.Create(CultureInfo.InvariantCulture, $"at least {smallest}")
        : number > largest ? string.Create(CultureInfo.InvariantCulture, $"at most {largest}") : null;
}

/// <summary>A number with a lower bound.</summary>
/// <param name="smallest">The smallest allowed number.</param>
internal sealed class AtLeastAttribute(double smallest) : NumberRuleAttribute
{
    protected override string? Expected(double number) =>
        number >= smallest && double.IsFinite(number) ? null : string.Create(CultureInfo.InvariantCulture, $"at least {smallest}");
}

/// <summary>A number above 0.</summary>
internal sealed class PositiveAttribute : NumberRuleAttribute
{
    // Models compute in Float32.
    protected override string? Expected(double number) => number > 0 && number <= float.MaxValue ? null : number > 0 ? "at most 3.4e38" : "a positive number";
}

/// <summary>A fraction from 0 to below 1.</summary>
internal sealed class ShareAttribute : NumberRuleAttribute
{
    protected override string? Expected(double number) => number is >= 0 and < 1 ? null : "at least 0 and below 1";
}

/// <summary>A fraction above 0, up to 1.</summary>
internal sealed class ProbabilityAttribute : NumberRuleAttribute
{
    protected override string? Expected(double number) => number is > 0 and <= 1 ? null : "above 0 and at most 1";
}

/// <summary>One of several words.</summary>
/// <param name="names">The words.</param>
internal class AmongAttribute(params string[] names) : RuleAttribute
{
    public IReadOnlyCollection<string> Names => names;

    public override string? FaultOf(string option, object value) =>
        names.Contains((string)value) ? null : $"{option} is '{value}'; known are {string.Join(", ", names)}.";
}

/// <summary>Things that are chosen by name.</summary>
internal interface INamed
{
    /// <summary>The names.</summary>
    static abstract IReadOnlyCollection<string> Names { get; }
}

/// <summary>One of the names of a table.</summary>
/// <typeparam name="TTable">The table.</typeparam>
internal sealed class AmongAttribute<TTable>() : AmongAttribute([.. TTable.Names]) where TTable : INamed;

/// <summary>Integers up to <see cref="BetweenAttribute.LargestWidth"/>, separated by commas.</summary>
/// <param name="smallest">The smallest allowed number.</param>
internal sealed class NumbersAttribute(int smallest = 1) : RuleAttribute
{
    public override string? FaultOf(string option, object value) => TryParse((string)value) is not { } numbers || numbers.Min() < smallest
        ? $"{option} is '{value}'; expected numbers from {smallest} to {BetweenAttribute.LargestWidth} with commas between them, as in 512,256."
        : null;

    /// <summary>The numbers of a valid text; none if nothing was given.</summary>
    public static int[] Parse(string? text) => text is null ? [] : TryParse(text)!;

    private static int[]? TryParse(string text)
    {
        var numbers = new List<int>();
        foreach (string part in text.Split(','))
        {
            if (!int.TryParse(part, NumberStyles.None, CultureInfo.InvariantCulture, out int number) || number is < 1 or > BetweenAttribute.LargestWidth)
            {
                return null;
            }

            numbers.Add(number);
        }

        return [.. numbers];
    }
}

/// <summary>A picture that can be written.</summary>
internal sealed class PictureAttribute : RuleAttribute
{
    public override string? FaultOf(string option, object value) =>
        Training.Reports.PictureFile.IsWritable((string)value) ? null : $"{option} is '{value}'; pictures are written as .png, .jpg or .webp.";
}
