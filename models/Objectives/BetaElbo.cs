using OnnxVae.Exporters.Graph;
using OnnxVae.Exporters.Programs;
using OnnxVae.Format;
using static OnnxVae.Exporters.Graph.Ops;

namespace OnnxVae.Models.Objectives;

/// <summary>The negative ELBO with a weight on the rate (the KL term): E[-ln P(y|z)] + beta KL(Q(z|y) || P(z)); the ELBO itself at beta = 1.</summary>
/// <remarks>
/// Kingma and Welling 2014, arXiv 1312.6114, equation 3; Higgins et al. 2017, beta-VAE, equation 4. A beta that rises from 0: Bowman et al.
/// 2016, arXiv 1511.06349; one that does so in cycles: Fu et al. 2019, arXiv 1903.10145.
/// </remarks>
public sealed class BetaElbo : Objective
{
    private readonly ProgramInput beta;

    /// <summary>The ELBO.</summary>
    public BetaElbo()
        : this(new ConstantSchedule(1))
    {
    }

    /// <summary>Sets beta.</summary>
    public BetaElbo(Schedule beta) => this.beta = ProgramInput.Scheduled("beta", beta);

    /// <inheritdoc/>
    public override string Formula => "E[-ln P(y|z)] + beta KL(Q(z|y) || P(z))";

    /// <inheritdoc/>
    public override IReadOnlyList<ProgramInput> Schedules => [beta];

    /// <inheritdoc/>
    public override Value Beta => beta.Value;

    /// <inheritdoc/>
    public override Value Loss(ElboTerms terms) => Mean(terms.Distortion + (beta.Value * terms.Rate));
}
