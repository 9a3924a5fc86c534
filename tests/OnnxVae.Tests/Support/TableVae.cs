using OnnxVae.Exporters.Optimizers;
using OnnxVae.Format;
using OnnxVae.Models;
using OnnxVae.Models.Networks;
using OnnxVae.Models.Objectives;
using OnnxVae.Models.Vae;
using OnnxVae.Training.Runs;

namespace OnnxVae.Tests.Support;

/// <summary>A VAE of the rows of a table, compiled into a folder.</summary>
internal sealed class TableVae : IDisposable
{
    private readonly TemporaryFolder folder = new();

    /// <summary>Compiles it.</summary>
    /// <param name="table">The columns.</param>
    /// <param name="network">The network.</param>
    /// <param name="latents">L.</param>
    /// <param name="scaling">How numbers are scaled.</param>
    /// <param name="batch">Rows in a batch.</param>
    /// <param name="indicators">Places whose values may be missing, which the encoder is told; null for none.</param>
    public TableVae(TableSpec table, VaeNetwork network, int latents, Scaling scaling, int batch = 6, IReadOnlyList<int>? indicators = null)
    {
        Networks = new VaeNetworks(network, new ExampleShape(table.Width), latents, seed: 3, indicators: indicators);
        var model = new VaeModel(Networks, new TableLikelihood(table), new BetaElbo(new ConstantSchedule(1)), scaling: scaling);
        Package = new PackageCompiler(model, new TrainingOptions { BatchSize = batch, Optimizer = new Sgd(new ConstantSchedule(1)) }).Write(folder["package"]);
        States = new Dictionary<string, Tensor>(Package.ReadInitialStates());
    }

    public VaeNetworks Networks { get; }

    public TrainingPackage Package { get; }

    /// <summary>Its states, which are baked into exported files.</summary>
    public Dictionary<string, Tensor> States { get; }

    /// <summary>An exported file with the states.</summary>
    public byte[] Export(string role) => RunExport.Bake(Package, role, States).ToBytes();

    /// <summary>The state whose softplus makes ln sigma.</summary>
    public static float StateOf(double sigma)
    {
        const double floor = -6;
        return (float)(Math.Log(Math.Exp(Math.Log(sigma) - floor) - 1) + floor);
    }

    public void Dispose()
    {
        Networks.Dispose();
        folder.Dispose();
    }
}
