using OnnxVae.Exporters.Graph;

namespace OnnxVae.Exporters.Convolutions;

/// <summary>
/// F(m, r): m outputs of a correlation with r taps, y[i] = sum over k of d[i + k] g[k], with n = m + r - 1 multiplications
/// instead of m r: y = A^T ((G g) * (B^T d)).
/// </summary>
/// <remarks>
/// A product of polynomials of m and r coefficients has n coefficients, which its values at n points determine (Toom 1963,
/// Cook 1966): s = V^-1 ((V_r g) * (V_m u)) with V[j, i] = p_j^i, of which V_m and V_r are the first columns, and one point at
/// infinity, whose row picks the highest coefficient. Read backwards from u to y this is the correlation (Winograd 1980;
/// Lavin and Gray 2016, arXiv 1509.09308): A = V_m, G = V_r, B = V^-1. Row j of B^T is the Lagrange polynomial of point
/// j; its denominator is moved to G, so that B holds integers where the points are integers.
/// </remarks>
internal sealed class CookToom
{
    // Small numbers keep the rounding error small.
    private static readonly double[] Points = [0, 1, -1, 2, -2, 0.5, -0.5];

    /// <summary>Computes the matrices.</summary>
    /// <param name="outputs">m.</param>
    /// <param name="taps">r.</param>
    public CookToom(int outputs, int taps)
    {
        (Outputs, Taps) = (outputs, taps);
        double[] points = Points[..(Multiplications - 1)];
        OutputTransform = Matrix(outputs, Multiplications, (i, j) => Power(points, j, i, outputs));
        KernelTransform = Matrix(Multiplications, taps, (j, k) => Power(points, j, k, taps) / Denominator(points, j));
        InputTransform = Matrix(Multiplications, Multiplications, (j, i) => Coefficient(points, j, i));
    }

    /// <summary>The largest number of multiplications for which there are points.</summary>
    public static int MostMultiplications => Points.Length + 1;

    /// <summary>m, outputs per tile.</summary>
    public int Outputs { get; }

    /// <summary>r, taps of the kernel.</summary>
    public int Taps { get; }

    /// <summary>n = m + r - 1, inputs per tile.</summary>
    public int Multiplications => Outputs + Taps - 1;

    /// <summary>A^T, [m, n].</summary>
    public double[,] OutputTransform { get; }

    /// <summary>G, [n, r].</summary>
    public double[,] KernelTransform { get; }

    /// <summary>B^T, [n, n].</summary>
    public double[,] InputTransform { get; }

    /// <summary>The matrix that applies another one to both axes of an image in row-major order, Float32.</summary>
    public static Value BothAxes(double[,] matrix)
    {
        int rows = matrix.GetLength(0), columns = matrix.GetLength(1);
        return Value.Of<float>([rows * rows, columns * columns],
        [
            .. from y in Enumerable.Range(0, rows)
               from x in Enumerable.Range(0, rows)
               from v in Enumerable.Range(0, columns)
               from u in Enumerable.Range(0, columns)
               select (float)(matrix[y, v] * matrix[x, u]),
        ]);
    }

    // p_j^i, and at infinity the highest of the coefficients.
    private static double Power(double[] points, int j, int i, int count) =>
        j < points.Length ? Math.Pow(points[j], i) : i == count - 1 ? 1 : 0;

    private static double Denominator(double[] points, int j) =>
        j < points.Length ? Others(points, j).Aggregate(1.0, (product, p) => product * (points[j] - p)) : 1;

    // The coefficient of x^i in the product of x - p over all points but the jth.
    private static double Coefficient(double[] points, int j, int i)
    {
        var polynomial = new double[points.Length + 2];
        polynomial[0] = 1;
        foreach (double p in Others(points, j))
        {
            for (int k = polynomial.Length - 1; k >= 0; k--)
            {
                polynomial[k] = (k > 0 ? polynomial[k - 1] : 0) - (p * polynomial[k]);
            }
        }

        return polynomial[i];
    }

    private static IEnumerable<double> Others(double[] points, int j) => points.Where((_, i) => i != j);

    private static double[,] Matrix(int rows, int columns, Func<int, int, double> entry)
    {
        var matrix = new double[rows, columns];
        for (int i = 0; i < rows; i++)
        {
            for (int j = 0; j < columns; j++)
            {
                matrix[i, j] = entry(i, j);
            }
        }

        return matrix;
    }
}
