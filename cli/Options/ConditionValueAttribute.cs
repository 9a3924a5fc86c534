using OnnxVae.Format;

namespace OnnxVae.Cli.Options;

/// <summary>label, mask, or a .npy.</summary>
internal sealed class ConditionValueAttribute : RuleAttribute
{
    public override string? FaultOf(string option, object value) =>
        value is ConditionKinds.Label or ConditionKinds.Mask || $"{value}".EndsWith(".npy", StringComparison.OrdinalIgnoreCase)
            ? null
            : $"{option} is '{value}'; expected {ConditionKinds.Label}, {ConditionKinds.Mask} or a .npy.";
}
