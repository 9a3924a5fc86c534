
namespace OnnxVae.Cli.Options;

/// <summary>What everything random is chosen by.</summary>
internal sealed class SeedOptionAttribute() : OptionAttribute(Topic.Run, "Random seed.");

/// <summary>Whether the result is printed for programs.</summary>
internal sealed class JsonOptionAttribute() : OptionAttribute(Topic.Output, "Print the result as one JSON object.");
