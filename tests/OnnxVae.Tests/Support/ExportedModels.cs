using OnnxVae.Training.Runs;

namespace OnnxVae.Tests.Support;

/// <summary>Encoders and decoders of small untrained models, in a folder each.</summary>
internal sealed class ExportedModels : IDisposable
{
    private readonly TemporaryFolder folder = new();

    /// <summary>Exports a <see cref="TestVae"/>.</summary>
    /// <param name="network">Its network.</param>
    /// <param name="provider">The provider whose algorithms are taken; null for any runtime.</param>
    /// <returns>The folder of encoder.onnx and decoder.onnx.</returns>
    public string Export(string network, string? provider = null)
    {
        string target = folder[$"{network}-{provider}"];
        if (!Directory.Exists(target))
        {
            using var test = new TestVae(network, "bernoulli");
            RunExport.Write(test.Package, test.States.Snapshot(), target, provider);
        }

        return target;
    }

    public void Dispose() => folder.Dispose();
}
