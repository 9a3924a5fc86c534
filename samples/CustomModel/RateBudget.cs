using OnnxVae.Exporters.Graph;
using OnnxVae.Models.Objectives;
using static OnnxVae.Exporters.Graph.Ops;

namespace CustomModel;

/// <summary>The latents may spend a number of nats for free; what they spend beyond is charged several times: E[-ln P(y|z)] + price max(0, E[KL] - budget).</summary>
/// <param name="budget">Nats per image.</param>
/// <param name="price">The price of a nat beyond.</param>
internal sealed class RateBudget(float budget, float price) : Objective
{
    public override string Formula => $"E[-ln P(y|z)] + {price} max(0, E[KL(Q(z|y) || P(z))] - {budget})";

    public override Value Loss(ElboTerms terms) => Mean(terms.Distortion) + (price * Relu(Mean(terms.Rate) - budget));
}
