using OnnxVae.Cli.Options;
using OnnxVae.Format;
using OnnxVae.Training.Data;

namespace OnnxVae.Cli.Models;

/// <summary>How real numbers are scaled, by name.</summary>
internal sealed class Scalings : INamed
{
    private const int PixelBits = 8;

    private static readonly Dictionary<string, ScalingKind> Table = new()
    {
        [ScalingNames.Standard] = ScalingKind.Standard,
        [ScalingNames.MinMax] = ScalingKind.MinMax,
        [ScalingNames.None] = ScalingKind.None,
    };

    /// <inheritdoc/>
    public static IReadOnlyCollection<string> Names => Table.Keys;

    /// <summary>The scaling of a model's examples: null for 8-bit pixels.</summary>
    /// <param name="scale">The option's value. If left out, numbers from 0 to 1 are taken as they are, like pixels, and others are brought to mean 0 and standard deviation 1.</param>
    /// <param name="train">The training examples.</param>
    /// <param name="isForUnitRange">Whether the likelihood, if one is given, is for numbers from 0 to 1; null for none.</param>
    /// <param name="statistics">Their statistics, if they are known already.</param>
    /// <exception cref="InvalidDataException">A channel has the same value in all of them.</exception>
    public static Scaling? Create(string? scale, ImageSource train, bool? isForUnitRange = null, ValueStatistics? statistics = null)
    {
        if (!train.IsReal)
        {
            return train.BitDepth > PixelBits ? Scaling.OfPixels(train.BitDepth) : null;
        }

        var kind = scale is null ? train is { IsUnitRange: true, Table: null } ? ScalingKind.None : ScalingKind.Standard : Table[scale];
        return kind == ScalingKind.None ? Scaling.AsTheyAre(train.IsUnitRange && (scale is null || isForUnitRange is not false)) : (statistics ?? ValueStatistics.Of(train)).ToScaling(kind);
    }
}
