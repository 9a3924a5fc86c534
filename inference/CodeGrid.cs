
namespace OnnxVae.Inference;

/// <summary>A level's grid of codes.</summary>
/// <param name="Codes">K: codes go from 0 to K - 1.</param>
/// <param name="Rows">Rows of the grid.</param>
/// <param name="Columns">Columns of the grid.</param>
public sealed record CodeGrid(int Codes, int Rows, int Columns)
{
    /// <summary>Codes in the grid.</summary>
    public int Positions => Rows * Columns;
}
