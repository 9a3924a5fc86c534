namespace OnnxVae.Format;

/// <summary>The files of a deployable graph in a package.</summary>
/// <param name="File">The graph for any runtime; the exported file has this name.</param>
/// <param name="Tuned">The graphs that are faster on an execution provider, for batches; by provider.</param>
public sealed record DeployableFiles(string File, IReadOnlyDictionary<string, string> Tuned)
{
    /// <summary>All of them.</summary>
    internal IEnumerable<string> All => [File, .. Tuned.Values];
}
