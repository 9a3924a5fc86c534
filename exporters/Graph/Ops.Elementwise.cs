using OnnxVae.Format;

namespace OnnxVae.Exporters.Graph;

public static partial class Ops
{
    /// <summary>a + b, with broadcasting. Float32, or Int64.</summary>
    public static Value Add(Value a, Value b) => a.Type == ElementType.Int64 ? Integers(nameof(Add), a, b) : Binary(nameof(Add), a, b);

    /// <summary>a - b, with broadcasting. Float32, or Int64.</summary>
    public static Value Sub(Value a, Value b) => a.Type == ElementType.Int64 ? Integers(nameof(Sub), a, b) : Binary(nameof(Sub), a, b);

    /// <summary>a * b, with broadcasting. Float32, or Int64.</summary>
    public static Value Mul(Value a, Value b) => a.Type == ElementType.Int64 ? Integers(nameof(Mul), a, b) : Binary(nameof(Mul), a, b);

    /// <summary>a / b, with broadcasting. Float32.</summary>
    public static Value Div(Value a, Value b) => Binary(nameof(Div), a, b);

    /// <summary>The larger of a and b, with broadcasting. Float32.</summary>
    public static Value Max(Value a, Value b) => Binary(nameof(Max), a, b);

    /// <summary>The smaller of a and b, with broadcasting. Float32.</summary>
    public static Value Min(Value a, Value b) => Binary(nameof(Min), a, b);

    /// <summary>x raised to a constant power. Float32.</summary>
    /// <remarks>For squares use <see cref="Square"/>, which is several times as fast.</remarks>
    public static Value Pow(Value x, float exponent) => Binary(nameof(Pow), x, exponent);

    /// <summary>x clipped to [min, max]. Float32.</summary>
    public static Value Clip(Value x, float min, float max)
    {
        RequireFloat(nameof(Clip), x);
        Require(min <= max, nameof(Clip), $"the lower limit {min} is above the upper limit {max}.");
        return Clip(x, (Value)min, max);
    }

    internal static Value Clip(Value x, Value min, Value max) => Apply(nameof(Clip), x.Type, x.Shape, [x, min, max]);

    /// <summary>x clipped to [min, max] as in libtorch's hardtanh: without a gradient at the limits themselves. Float32.</summary>
    public static Value HardTanh(Value x, float min, float max)
    {
        RequireFloat(nameof(HardTanh), x);
        Require(min <= max, nameof(HardTanh), $"the lower limit {min} is above the upper limit {max}.");
        return Apply(Primitive.HardTanh, x.Type, x.Shape, [x, min, max]);
    }

    /// <summary>The remainder of a division, with the divisor's sign and with broadcasting. Int64.</summary>
    public static Value Mod(Value a, Value b) => Integers(nameof(Mod), a, b);

    /// <summary>-x. Float32.</summary>
    public static Value Neg(Value x) => Unary(nameof(Neg), x);

    /// <summary>|x|. Float32.</summary>
    public static Value Abs(Value x) => Unary(nameof(Abs), x);

    /// <summary>e^x. Float32.</summary>
    public static Value Exp(Value x) => Unary(nameof(Exp), x);

    /// <summary>The natural logarithm. Float32.</summary>
    public static Value Log(Value x) => Unary(nameof(Log), x);

    /// <summary>The square root. Float32.</summary>
    public static Value Sqrt(Value x) => Unary(nameof(Sqrt), x);

    /// <summary>The sine of an angle in radians. Float32.</summary>
    public static Value Sin(Value x) => Unary(nameof(Sin), x);

    /// <summary>The cosine of an angle in radians. Float32.</summary>
    public static Value Cos(Value x) => Unary(nameof(Cos), x);

    /// <summary>The nearest integer; halves go to the even one. Float32.</summary>
    public static Value Round(Value x) => Unary(nameof(Round), x);

    /// <summary>The largest integer that is not above x. Float32.</summary>
    public static Value Floor(Value x) => Unary(nameof(Floor), x);

    /// <summary>The Gauss error function. Float32.</summary>
    public static Value Erf(Value x) => Unary(nameof(Erf), x);

    /// <summary>1 / (1 + e^-x). Float32.</summary>
    public static Value Sigmoid(Value x) => Unary(nameof(Sigmoid), x);

    /// <summary>The hyperbolic tangent. Float32.</summary>
    public static Value Tanh(Value x) => Unary(nameof(Tanh), x);

    /// <summary>max(x, 0). Float32.</summary>
    public static Value Relu(Value x) => Unary(nameof(Relu), x);

    /// <summary>x where x is positive, alpha x elsewhere. Float32.</summary>
    public static Value LeakyRelu(Value x, float alpha) => Unary(nameof(LeakyRelu), x, ("alpha", alpha));

    /// <summary>x where x is positive, alpha (e^x - 1) elsewhere. Float32.</summary>
    public static Value Elu(Value x, float alpha) => Unary(nameof(Elu), x, ("alpha", alpha));

    /// <summary>alpha x + beta, clipped to [0, 1]; without a gradient at the limits. Float32.</summary>
    public static Value HardSigmoid(Value x, float alpha, float beta) => Unary(nameof(HardSigmoid), x, ("alpha", alpha), ("beta", beta));

    /// <summary>x * x. Float32.</summary>
    public static Value Square(Value x) => Mul(x, x);

    /// <summary>ln(1 + e^x), which does not overflow. Float32.</summary>
    public static Value Softplus(Value x) => Unary(Primitive.Softplus, x);

    /// <summary>x times its sigmoid, also called swish. Float32.</summary>
    public static Value Silu(Value x) => Unary(Primitive.Silu, x);

    /// <summary>The Gaussian error linear unit x Phi(x), with Phi the standard normal distribution function. Float32.</summary>
    /// <remarks>Hendrycks and Gimpel 2016, arXiv 1606.08415.</remarks>
    /// <param name="x">Float32.</param>
    /// <param name="byTanh">Whether Phi is approximated by a hyperbolic tangent.</param>
    public static Value Gelu(Value x, bool byTanh = false) => byTanh
        ? 0.5f * x * (1f + Tanh(MathF.Sqrt(2 / MathF.PI) * (x + (0.044715f * x * Square(x)))))
        : 0.5f * x * (1f + Erf(MathF.Sqrt(0.5f) * x));

    /// <summary>Whether a is less than b, with broadcasting; both Float32, or both Int64. Bool.</summary>
    public static Value Less(Value a, Value b) => Greater(b, a);

    /// <summary>Whether a is at most b, with broadcasting; both Float32, or both Int64. Bool.</summary>
    public static Value LessOrEqual(Value a, Value b) => GreaterOrEqual(b, a);

    /// <summary>Logical and, with broadcasting. Bool.</summary>
    public static Value And(Value a, Value b) => Logical(nameof(And), a, b);

    /// <summary>Logical or, with broadcasting. Bool.</summary>
    public static Value Or(Value a, Value b) => Logical(nameof(Or), a, b);

    /// <summary>Logical not. Bool.</summary>
    public static Value Not(Value x)
    {
        Require(x.Type == ElementType.Bool, nameof(Not), $"'{x}' must be {ElementType.Bool}.");
        return Apply(nameof(Not), x.Type, x.Shape, [x]);
    }

    /// <summary>Whether a is greater than b, with broadcasting; both Float32, or both Int64. Bool.</summary>
    public static Value Greater(Value a, Value b) => Comparison(nameof(Greater), a, b);

    /// <summary>Whether a is at least b, with broadcasting; both Float32, or both Int64. Bool.</summary>
    public static Value GreaterOrEqual(Value a, Value b) => Comparison(nameof(GreaterOrEqual), a, b);

    /// <summary>Whether a equals b, with broadcasting; operands of the same type. Bool.</summary>
    public static Value Equal(Value a, Value b)
    {
        Require(a.Type == b.Type, nameof(Equal), $"'{a}' and '{b}' have different types; convert one with Cast.");
        return Apply(nameof(Equal), ElementType.Bool, Shape.Broadcast(a.Shape, b.Shape), [a, b]);
    }

    /// <summary>Whether each value is not a number. Bool.</summary>
    public static Value IsNaN(Value x)
    {
        Require(x.Type == ElementType.Float32, nameof(IsNaN), $"'{x}' must be {ElementType.Float32}.");
        return Apply(nameof(IsNaN), ElementType.Bool, x.Shape, [x]);
    }

    /// <summary>One-hot vectors: a 1 at the place of each number, 0 elsewhere, along a new axis. Float32.</summary>
    /// <param name="numbers">Int64, from 0 to <paramref name="count"/> - 1.</param>
    /// <param name="count">The new axis's size.</param>
    /// <param name="axis">The place of the new axis in the result; a negative one counts from the last.</param>
    public static Value OneHot(Value numbers, int count, int axis = -1) => Cast(IsAt(numbers, count, axis), ElementType.Float32);

    // The same as Bool.
    internal static Value IsAt(Value numbers, int count, int axis)
    {
        int place = axis < 0 ? axis + numbers.Shape.Rank + 1 : axis;
        var all = Value.Of<long>([count, .. Enumerable.Repeat(1L, numbers.Shape.Rank - place)], [.. Enumerable.Range(0, count)]);
        return Equal(Reshape(numbers, [.. numbers.Shape.Take(place), 1, .. numbers.Shape.Skip(place)]), all);
    }

    /// <summary>a where the condition holds, b elsewhere, with broadcasting; operands of the same type.</summary>
    public static Value Where(Value condition, Value a, Value b)
    {
        Require(condition.Type == ElementType.Bool, nameof(Where), $"the condition '{condition}' must be {ElementType.Bool}.");
        Require(a.Type == b.Type, nameof(Where), $"'{a}' and '{b}' have different types; convert one with Cast.");
        return Apply(nameof(Where), a.Type, Shape.Broadcast(condition.Shape, Shape.Broadcast(a.Shape, b.Shape)), [condition, a, b]);
    }

    /// <summary>The same numbers in another element type.</summary>
    public static Value Cast(Value x, ElementType to) => x.Type == to ? x : Apply(nameof(Cast), to, x.Shape, [x], ("to", (long)to));

    /// <summary>The identity, through which no gradient flows.</summary>
    public static Value StopGradient(Value x) => Apply(Primitive.StopGradient, x.Type, x.Shape, [x]);

    /// <summary>The straight-through estimator: computes <paramref name="value"/>, and passes its gradient on to <paramref name="x"/>.</summary>
    /// <remarks>Bengio, Leonard and Courville 2013, arXiv 1308.3432.</remarks>
    /// <param name="value">What is computed from x outside the gradient's path, such as x rounded or its nearest code. Float32, of x's shape.</param>
    /// <param name="x">Float32.</param>
    public static Value StraightThrough(Value value, Value x)
    {
        RequireFloat(nameof(StraightThrough), value, x);
        Require(value.Shape == x.Shape, nameof(StraightThrough), $"'{value}' and '{x}' have different shapes.");
        return Apply(Primitive.StraightThrough, x.Type, x.Shape, [value, x]);
    }

    private static Value Unary(string operatorType, Value x, params ReadOnlySpan<(string, object)> attributes)
    {
        RequireFloat(operatorType, x);
        return Apply(operatorType, x.Type, x.Shape, [x], attributes);
    }

    private static Value Binary(string operatorType, Value a, Value b)
    {
        RequireFloat(operatorType, a, b);
        return Apply(operatorType, a.Type, Shape.Broadcast(a.Shape, b.Shape), [a, b]);
    }

    private static Value Comparison(string operatorType, Value a, Value b)
    {
        Require(
            a.Type == b.Type && a.Type is ElementType.Float32 or ElementType.Int64, operatorType,
            $"'{a}' and '{b}' must both be {ElementType.Float32}, or both {ElementType.Int64}.");
        return Apply(operatorType, ElementType.Bool, Shape.Broadcast(a.Shape, b.Shape), [a, b]);
    }

    private static Value Logical(string operatorType, Value a, Value b)
    {
        Require(a.Type == ElementType.Bool && b.Type == ElementType.Bool, operatorType, $"'{a}' and '{b}' must both be {ElementType.Bool}.");
        return Apply(operatorType, a.Type, Shape.Broadcast(a.Shape, b.Shape), [a, b]);
    }

    private static Value Integers(string operatorType, Value a, Value b)
    {
        Require(a.Type == ElementType.Int64 && b.Type == ElementType.Int64, operatorType, $"'{a}' and '{b}' must both be {ElementType.Int64}.");
        return Apply(operatorType, ElementType.Int64, Shape.Broadcast(a.Shape, b.Shape), [a, b]);
    }
}
