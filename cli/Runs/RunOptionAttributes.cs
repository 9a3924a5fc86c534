using System.Globalization;
using OnnxVae.Cli.Options;

namespace OnnxVae.Cli.Runs;

/// <summary>Whether damaged files are skipped.</summary>
internal sealed class SkipCorruptOptionAttribute() : OptionAttribute(Topic.Data, "Leave out image files that cannot be read, and lines of a table with too few or too many fields.");

/// <summary>Whether pixels are binarized.</summary>
internal sealed class BinarizeOptionAttribute() : OptionAttribute(Topic.Data, "Draw every pixel once as black or white, white with the probability of its gray value: binary MNIST.");

/// <summary>How many batches make one step.</summary>
internal sealed class AccumulateOptionAttribute() : OptionAttribute(Topic.Optimization, "Batches that are computed one after the other and make one step, as one that many times as large would, in the memory of one.");

/// <summary>How many samples the likelihood estimate uses.</summary>
internal sealed class EvaluationOptionAttribute() : OptionAttribute(Topic.Run, "Importance samples per image for negativeLogLikelihood; 0 to skip it.");

/// <summary>Which checkpoint is used.</summary>
internal sealed class CheckpointOptionAttribute() : OptionAttribute(Topic.Run, "A checkpoint file; the newest, if left out.");

/// <summary>1 or 3.</summary>
internal sealed class ChannelsAttribute : RuleAttribute
{
    public override string? FaultOf(string option, object value) =>
        int.TryParse(Convert.ToString(value, CultureInfo.InvariantCulture), CultureInfo.InvariantCulture, out int channels) && channels is not (1 or 3)
            ? $"{option} is {channels}; give 1 for grayscale or 3 for colour."
            : null;
}
