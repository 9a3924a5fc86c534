using System.Diagnostics.CodeAnalysis;
using OnnxVae.Format;
using OnnxVae.Models.Conditions;
using OnnxVae.Training.Data;

namespace OnnxVae.Cli.Models;

/// <summary>What models are conditional on, by the value of <c>--condition</c>: <c>label</c>, <c>mask</c>, or a file of vectors.</summary>
internal static class Conditions
{
    /// <summary>Whether a value names a file.</summary>
    public static bool IsFile([NotNullWhen(true)] string? condition) => condition is not (null or ConditionKinds.Label or ConditionKinds.Mask);

    /// <summary>Creates the condition that an option names.</summary>
    /// <param name="condition">The option's value; null for an unconditional model.</param>
    /// <param name="images">The training images.</param>
    /// <exception cref="InvalidDataException">The images have no classes.</exception>
    public static Condition? Create(string? condition, ImageSource images)
    {
        switch (condition)
        {
            case null:
                return null;
            case ConditionKinds.Label:
                ImageRequirements.RequireLabels(images);
                return new LabelCondition(images.Classes);
            case ConditionKinds.Mask:
                return new MaskCondition(images.Shape);
            default:
                return new VectorCondition(images.ConditionSize);
        }
    }

    /// <summary>What is wrong with a condition and a model.</summary>
    /// <param name="condition">The option's value; null for none.</param>
    /// <param name="model">The options of the model; null for a package.</param>
    public static IEnumerable<string> FaultsOf(string? condition, ModelOptions? model)
    {
        if (model is null)
        {
            return condition is null || IsFile(condition) ? [] : [$"--condition {condition} cannot be given with --package: the package was compiled with its own. Only a .npy can be given."];
        }

        return condition is null
            ? model.Prior == Priors.Conditional ? ["--prior conditional needs --condition: it is a P(z|x)."] : []
            : model.HasSegments ? ["--condition cannot be given with --model colorization: it is conditional on the luminance."]
            : model.HasCodes ? [$"--condition cannot be given with --model {model.Model}: its latents are codes."]
            : model.Rounded ? ["--condition cannot be given with --rounded."]
            : model.Prior == Priors.Vamp ? ["--condition cannot be given with --prior vamp: the prior's images have no condition."] : [];
    }
}
