using OnnxVae.Exporters.Graph;

namespace OnnxVae.Models.Objectives;

/// <summary>The terms of the ELBO, for every image and every sample of its latents: K copies of a batch of N, one after the other.</summary>
/// <param name="Distortion">The reconstruction loss -ln P(y|z), Float32 [K N], nats.</param>
/// <param name="Rate">The KL term KL(Q(z|y) || P(z)), or its estimate ln Q(z|y) - ln P(z), Float32 [K N], nats.</param>
/// <param name="LatentRates">The rate latent by latent, Float32 [K N, L]; null if it does not factorize over the latents.</param>
/// <param name="LogWeight">ln P(y, z) / Q(z|y), Float32 [K N].</param>
public sealed record ElboTerms(Value Distortion, Value Rate, Value? LatentRates, Value LogWeight);
