using System.Globalization;
using OnnxVae.Cli.Options;
using OnnxVae.Cli.Terminal;
using OnnxVae.Models.Exact;

namespace OnnxVae.Cli.Verbs.Tabular;

/// <summary>Shows that every encoder of a tabular VAE reaches the same ELBO.</summary>
[Verb("tabular", VerbTopic.Look, "Computes VAEs of free tables exactly: every encoder is as good as any other.",
    Details = "One line for each of several encoders Q(z|y), from one that says nothing to one that says everything, with the best prior and decoder for each: the rate is I(y; z), the distortion H(y|z), and their sum always H(y).", Example = "tabular --values 8")]
internal sealed class TabularVerb : Verb<TabularOptions>
{
    private const int Encoders = 6;

    protected override Task<int> RunAsync(TabularOptions options)
    {
        Console.WriteLine("certainty  rate = I(y; z)  distortion = H(y|z)  negativeElbo  H(y)");
        for (int i = 0; i < Encoders; i++)
        {
            double certainty = (double)i / (Encoders - 1);
            var vae = TabularVae.Random(options.Values, certainty, unchecked((int)options.Seed));
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{certainty,9:0.0}  {vae.Rate,14:0.000000}  {vae.Distortion,19:0.000000}  {vae.NegativeElbo,12:0.000000}  {vae.Entropy:0.000000}"));
        }

        return Task.FromResult(ExitCode.Done);
    }
}
