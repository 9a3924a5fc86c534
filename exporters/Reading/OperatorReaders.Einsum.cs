using OnnxVae.Exporters.Graph;
using static OnnxVae.Exporters.Graph.Ops;

namespace OnnxVae.Exporters.Reading;

internal static partial class OperatorReaders
{
    private const string Ellipsis = "...";
    private const string EllipsisLetters = "0123456789"; // one for each axis that it stands for

    // Any number of operands, one after the other; letters that neither later ones nor the result have are summed as early as possible.
    private static Value ReadEinsum(OnnxNode node)
    {
        string equation = node.Text("equation", "").Replace(" ", "", StringComparison.Ordinal);
        string[] sides = equation.Split("->"), operands = sides[0].Split(',');
        Require(node, sides.Length <= 2 && operands.Length == node.Count, $"its equation '{equation}' is not one of {node.Count} operands");
        int open = operands.Select((letters, i) => OpenAxes(node, equation, letters, node.ShapeOf(i).Rank)).Max();
        string result = sides.Length == 2 ? sides[1].Replace(Ellipsis, EllipsisLetters[..open], StringComparison.Ordinal) : Implicit(sides[0], open);

        var terms = operands.Select((letters, i) =>
        {
            int axes = OpenAxes(node, equation, letters, node.ShapeOf(i).Rank);
            Require(node, axes == open || !letters.Contains(Ellipsis, StringComparison.Ordinal), $"the ellipsis of its equation '{equation}' stands for {axes} axes of one operand and {open} of another");
            return Distinct(letters.Replace(Ellipsis, EllipsisLetters[..axes], StringComparison.Ordinal), node[i]);
        }).ToArray();
        (string Letters, Value Value) product = terms.Select((_, i) => i).Skip(1).Aggregate(terms[0], (left, i) =>
        {
            string later = result + string.Concat(terms.Skip(i + 1).Select(term => term.Letters));
            string kept = string.Concat((left.Letters + terms[i].Letters).Distinct().Where(letter => later.Contains(letter)));
            return (kept, Einsum($"{left.Letters},{terms[i].Letters}->{kept}", left.Value, terms[i].Value));
        });

        string alone = string.Concat(result.Where(letter => !product.Letters.Contains(letter))); // of size 1 everywhere
        product = (product.Letters + alone, Reshape(product.Value, [.. product.Value.Shape, .. alone.Select(_ => 1L)]));
        Require(node, result.Distinct().Count() == result.Length && result.All(letter => char.IsDigit(letter) || sides[0].Contains(letter)), $"its equation '{equation}' has a result that its operands do not give");
        int[] summed = [.. Enumerable.Range(0, product.Letters.Length).Where(i => !result.Contains(product.Letters[i]))];
        string left = string.Concat(product.Letters.Where(letter => result.Contains(letter)));
        var sum = ReduceSum(product.Value, summed);
        return left == result ? sum : Transpose(sum, [.. result.Select(letter => left.IndexOf(letter))]);
    }

    private static int OpenAxes(OnnxNode node, string equation, string letters, int rank)
    {
        int named = letters.Contains(Ellipsis, StringComparison.Ordinal) ? letters.Length - Ellipsis.Length : letters.Length, open = rank - named;
        Require(node, open == 0 || (letters.Length != named && open > 0 && open <= EllipsisLetters.Length), $"'{letters}' of its equation '{equation}' does not have the {rank} axes of its operand");
        return open;
    }

    // Without an arrow the result has what the ellipsis stands for, and then every letter that occurs once, in the order of the alphabet.
    private static string Implicit(string operands, int open) =>
        EllipsisLetters[..open] + string.Concat(operands.Where(char.IsLetter).GroupBy(letter => letter).Where(group => group.Count() == 1).Select(group => group.Key).Order());

    // For a letter that occurs twice in an operand, the diagonal is taken; axes of size 1 broadcast.
    private static (string Letters, Value Value) Distinct(string letters, Value x)
    {
        if (Enumerable.Range(0, letters.Length).FirstOrDefault(i => x.Shape[i] == 1, -1) is var single and >= 0)
        {
            return Distinct(letters.Remove(single, 1), Reshape(x, [.. x.Shape.Where((_, axis) => axis != single)]));
        }

        if (Enumerable.Range(0, letters.Length).FirstOrDefault(i => letters.IndexOf(letters[i]) < i, -1) is var second and >= 0)
        {
            int first = letters.IndexOf(letters[second]);
            int[] others = [.. Enumerable.Range(0, letters.Length).Where(axis => axis != first && axis != second)];
            long size = x.Shape[second];
            var square = Reshape(Transpose(x, [.. others, first, second]), [.. others.Select(axis => x.Shape[axis]), size * size]);
            return Distinct(string.Concat(others.Select(axis => letters[axis])) + letters[second], Slice(square, -1, 0, size * size, size + 1));
        }

        return (letters, x);
    }
}
