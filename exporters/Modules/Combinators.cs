using OnnxVae.Exporters.Graph;
using TorchSharp;
using static TorchSharp.torch.nn;
using LayerModule = TorchSharp.torch.nn.Module<TorchSharp.torch.Tensor, TorchSharp.torch.Tensor>;

namespace OnnxVae.Exporters.Modules;

/// <summary>Adds a branch and a shortcut: y = branch(x) + shortcut(x); the shortcut is the identity if left out.</summary>
/// <remarks>He et al. 2016, arXiv 1512.03385. Children: <c>branch</c>, <c>shortcut</c>.</remarks>
public sealed class Residual : LayerModule, ILowerable
{
    private readonly LayerModule branch;
    private readonly LayerModule shortcut;

    /// <summary>Takes the branch, and a shortcut if the shapes differ.</summary>
    public Residual(LayerModule branch, LayerModule? shortcut = null)
        : base(nameof(Residual))
    {
        (this.branch, this.shortcut) = (branch, shortcut ?? Identity());
        RegisterComponents();
    }

    /// <inheritdoc/>
    public override torch.Tensor forward(torch.Tensor input) => branch.call(input) + shortcut.call(input);

    /// <inheritdoc/>
    public Value Lower(ModuleLowering lowering, Value x) => lowering.Lower(branch, x) + lowering.Lower(shortcut, x);
}

/// <summary>Feeds its input to every branch and concatenates the results: y = [branch_0(x), branch_1(x), ...] along an axis.</summary>
/// <remarks>Szegedy et al. 2015, arXiv 1409.4842. Children: <c>branches.0</c>, <c>branches.1</c>, ...</remarks>
public sealed class Concat : LayerModule, ILowerable
{
    private readonly int dim;
    private readonly TorchSharp.Modules.ModuleList<LayerModule> branches;

    /// <summary>Takes the axis and the branches.</summary>
    public Concat(int dim, params LayerModule[] branches)
        : base(nameof(Concat))
    {
        (this.dim, this.branches) = (dim, ModuleList(branches));
        RegisterComponents();
    }

    /// <inheritdoc/>
    public override torch.Tensor forward(torch.Tensor input) => torch.cat([.. branches.Select(branch => branch.call(input))], dim);

    /// <inheritdoc/>
    public Value Lower(ModuleLowering lowering, Value x) => Ops.Concat(dim, [.. branches.Select(branch => lowering.Lower(branch, x))]);
}

/// <summary>Splits its input into equal parts along an axis, one for each branch, and concatenates the results along the same axis.</summary>
/// <remarks>Krizhevsky et al. 2012, section 3.2. Children: <c>branches.0</c>, <c>branches.1</c>, ...</remarks>
public sealed class Split : LayerModule, ILowerable
{
    private readonly int dim;
    private readonly TorchSharp.Modules.ModuleList<LayerModule> branches;

    /// <summary>Takes the axis and the branches.</summary>
    public Split(int dim, params LayerModule[] branches)
        : base(nameof(Split))
    {
        (this.dim, this.branches) = (dim, ModuleList(branches));
        RegisterComponents();
    }

    /// <inheritdoc/>
    public override torch.Tensor forward(torch.Tensor input) =>
        torch.cat([.. input.chunk(branches.Count, dim).Zip(branches, (part, branch) => branch.call(part))], dim);

    /// <inheritdoc/>
    public Value Lower(ModuleLowering lowering, Value x) =>
        Ops.Concat(dim, [.. Ops.Split(x, dim, branches.Count).Zip(branches, (part, branch) => lowering.Lower(branch, part))]);
}
