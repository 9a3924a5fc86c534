using TorchSharp;

namespace OnnxVae.Models;

/// <summary>Seeded initial weights.</summary>
public static class Initialization
{
    /// <summary>
    /// Until the result is disposed, weights are initialized from torch's generator in the state that a seed sets; then the generator gets
    /// its own state back.
    /// </summary>
    /// <param name="seed">Random seed of the weights: the same seed, the same weights. Null to draw them from the generator as it is.</param>
    public static IDisposable UseSeed(ulong? seed) => new SeededScope(seed);

    private sealed class SeededScope : IDisposable
    {
        private readonly torch.Tensor? before;

        public SeededScope(ulong? seed)
        {
            if (seed is { } chosen)
            {
                before = torch.random.get_rng_state();
                torch.random.manual_seed(unchecked((long)chosen));
            }
        }

        public void Dispose()
        {
            if (before is not null)
            {
                torch.random.set_rng_state(before);
                before.Dispose();
            }
        }
    }
}
