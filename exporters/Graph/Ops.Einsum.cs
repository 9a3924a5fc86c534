using OnnxVae.Format;

namespace OnnxVae.Exporters.Graph;

public static partial class Ops
{
    /// <summary>A contraction in Einstein's notation: <c>Einsum("nhqd,nhkd->nhqk", q, k)</c>.</summary>
    /// <remarks>Becomes one MatMul between transpositions; letters that only one operand has, and not the result, are summed first.</remarks>
    /// <param name="equation">One letter per axis of a, of b, and of the result: <c>a,b->result</c>.</param>
    /// <param name="a">Float32.</param>
    /// <param name="b">Float32.</param>
    public static Value Einsum(string equation, Value a, Value b)
    {
        var (left, right, result) = ParseEquation(equation, a, b);
        (left, a) = SumLonely(left, a, right + result);
        (right, b) = SumLonely(right, b, left + result);

        string batch = Only(left, letter => right.Contains(letter) && result.Contains(letter));
        string summed = Only(left, letter => right.Contains(letter) && !result.Contains(letter));
        string rows = Only(left, letter => !right.Contains(letter));
        string columns = Only(right, letter => !left.Contains(letter));
        Shape Sizes(string letters) => [.. letters.Select(letter => left.Contains(letter) ? a.Shape[left.IndexOf(letter)] : b.Shape[right.IndexOf(letter)])];
        foreach (char letter in batch + summed)
        {
            long inA = a.Shape[left.IndexOf(letter)], inB = b.Shape[right.IndexOf(letter)];
            Require(inA == inB, nameof(Einsum), $"axis {letter} of '{equation}' has {inA} entries in '{a}' and {inB} in '{b}'.");
        }

        var product = MatMul(
            Matrices(left, a, batch, rows, summed),
            Matrices(right, b, batch, summed, columns));
        return Reorder(batch + rows + columns, Reshape(product, Sizes(batch + rows + columns)), result);
    }

    private static (string Left, string Right, string Result) ParseEquation(string equation, Value a, Value b)
    {
        string[] sides = equation.Split("->");
        string[] operands = sides[0].Split(',');
        Require(
            sides.Length == 2 && operands.Length == 2 && operands[0].Length == a.Shape.Rank && operands[1].Length == b.Shape.Rank
            && operands.Append(sides[1]).All(letters => letters.Distinct().Count() == letters.Length)
            && sides[1].All(letter => sides[0].Contains(letter) && letter != ','),
            nameof(Einsum), $"'{equation}' must have the form 'ij,jk->ik', with one letter per axis of '{a}' and '{b}' and none twice.");
        return (operands[0], operands[1], sides[1]);
    }

    private static (string, Value) SumLonely(string letters, Value x, string elsewhere)
    {
        int[] lonely = [.. Enumerable.Range(0, letters.Length).Where(i => !elsewhere.Contains(letters[i]))];
        return (Only(letters, elsewhere.Contains), ReduceSum(x, lonely));
    }

    private static string Only(string letters, Func<char, bool> condition) => string.Concat(letters.Where(condition));

    // [batch..., product of rows, product of columns]
    private static Value Matrices(string letters, Value x, string batch, string rows, string columns)
    {
        var ordered = Reorder(letters, x, batch + rows + columns);
        return Reshape(ordered,
        [
            .. ordered.Shape.Take(batch.Length),
            ordered.Shape.Skip(batch.Length).Take(rows.Length).Product(),
            ordered.Shape.Skip(batch.Length + rows.Length).Product(),
        ]);
    }

    private static Value Reorder(string letters, Value x, string order) =>
        letters == order ? x : Transpose(x, [.. order.Select(letter => letters.IndexOf(letter))]);
}
