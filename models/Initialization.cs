using TorchSharp;

namespace OnnxVae.Models;

/// <summary>Initial weights that are chosen by a seed.</summary>
public static class Initialization
{
    /// <summary>
    /// Draws what is initialised until the result is disposed from torch's generator in the state that a seed chooses; then the generator has
    /// its own state back.
    /// </summary>
    /// <param name="seed">Chooses the weights: the same seed, the same weights. Null to draw them from the generator as it is.</param>
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
