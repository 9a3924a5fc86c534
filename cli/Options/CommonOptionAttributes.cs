namespace OnnxVae.Cli.Options;

/// <summary>The random seed.</summary>
internal sealed class SeedOptionAttribute() : OptionAttribute(Topic.Run, "Random seed.");

/// <summary>Whether the result is printed in machine-readable form.</summary>
internal sealed class JsonOptionAttribute() : OptionAttribute(Topic.Output, "Print the result as one JSON object.");
