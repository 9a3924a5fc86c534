using System.Text.Json.Serialization;

namespace OnnxVae.Format;

/// <summary>A scalar that changes from step to step, computed in double precision outside the graph. Steps count from 1.</summary>
[JsonPolymorphic(TypeDiscriminatorPropertyName = "kind")]
[JsonDerivedType(typeof(ConstantSchedule), "constant")]
[JsonDerivedType(typeof(WarmUpSchedule), "warmUp")]
[JsonDerivedType(typeof(CyclicSchedule), "cyclic")]
[JsonDerivedType(typeof(CosineSchedule), "cosine")]
[JsonDerivedType(typeof(StepSchedule), "step")]
[JsonDerivedType(typeof(OneCycleSchedule), "oneCycle")]
[JsonDerivedType(typeof(BiasCorrectionSchedule), "biasCorrection")]
[JsonDerivedType(typeof(AveragingSchedule), "averaging")]
[JsonDerivedType(typeof(ChangedSchedule), "changed")]
public abstract record Schedule
{
    /// <summary>The value at a step.</summary>
    public abstract double At(long step);
}

/// <summary>The same value at every step.</summary>
/// <param name="Value">That value.</param>
public sealed record ConstantSchedule(double Value) : Schedule
{
    /// <inheritdoc/>
    public override double At(long step) => Value;
}

/// <summary>Rises linearly to a value and stays there: value * min(1, step / steps).</summary>
/// <param name="Value">The final value.</param>
/// <param name="Steps">Steps until it is reached; 0 for at once.</param>
public sealed record WarmUpSchedule(double Value, long Steps) : Schedule
{
    /// <inheritdoc/>
    public override double At(long step) => step >= Steps ? Value : Value * step / Steps;
}

/// <summary>Rises linearly from 0 to a value in the first part of each cycle and stays there for the rest of it.</summary>
/// <remarks>Fu et al. 2019, arXiv 1903.10145, section 3.2.</remarks>
/// <param name="Value">The largest value.</param>
/// <param name="Period">Steps of a cycle.</param>
/// <param name="RisingShare">The share of a cycle that rises.</param>
public sealed record CyclicSchedule(double Value, long Period, double RisingShare = 0.5) : Schedule
{
    /// <inheritdoc/>
    public override double At(long step) => Value * Math.Min(1, (step - 1) % Period / (RisingShare * Period));
}

/// <summary>A linear warm-up, then half a cosine down to zero at the last step.</summary>
/// <remarks>Loshchilov and Hutter 2017, arXiv 1608.03983, without restarts.</remarks>
/// <param name="Value">The largest value.</param>
/// <param name="WarmUpSteps">Steps until it is reached.</param>
/// <param name="TotalSteps">The last step of training.</param>
public sealed record CosineSchedule(double Value, long WarmUpSteps, long TotalSteps) : Schedule
{
    /// <inheritdoc/>
    public override double At(long step)
    {
        if (step < WarmUpSteps)
        {
            return Value * step / WarmUpSteps;
        }

        double progress = (double)(step - WarmUpSteps) / Math.Max(1, TotalSteps - WarmUpSteps);
        return Value * 0.5 * (1 + Math.Cos(Math.PI * Math.Min(1, progress)));
    }
}

/// <summary>Drops by a factor at regular intervals: value * factor^floor((step - 1) / every).</summary>
/// <param name="Value">The first value.</param>
/// <param name="Every">Steps between two drops.</param>
/// <param name="Factor">The share that is left after each.</param>
public sealed record StepSchedule(double Value, long Every, double Factor = 0.1) : Schedule
{
    /// <inheritdoc/>
    public override double At(long step) => Value * Math.Pow(Factor, (step - 1) / Every);
}

/// <summary>One cycle: half a cosine up to the largest value, and half a cosine down to next to nothing.</summary>
/// <remarks>Smith and Topin 2018, arXiv 1708.07120, with cosines in place of lines, as in libtorch.</remarks>
/// <param name="Value">The largest value.</param>
/// <param name="TotalSteps">The last step of training.</param>
/// <param name="RisingShare">The share of the steps that rise.</param>
/// <param name="InitialDivisor">The largest value over the first one.</param>
/// <param name="FinalDivisor">The first value over the last one.</param>
public sealed record OneCycleSchedule(
    double Value, long TotalSteps, double RisingShare = 0.3, double InitialDivisor = 25, double FinalDivisor = 1e4) : Schedule
{
    /// <inheritdoc/>
    public override double At(long step)
    {
        double first = Value / InitialDivisor, last = first / FinalDivisor;
        double peak = (RisingShare * TotalSteps) - 1, at = Math.Min(step, TotalSteps) - 1;
        return peak > 0 && at <= peak ? Between(first, Value, at / peak) : Between(Value, last, (at - peak) / (TotalSteps - 1 - peak));
    }

    private static double Between(double from, double to, double progress) => to + ((from - to) * 0.5 * (1 + Math.Cos(Math.PI * progress)));
}

/// <summary>The bias correction that an exponential moving average that started at zero is divided by: 1 - decay^step.</summary>
/// <remarks>Kingma and Ba 2015, arXiv 1412.6980, section 3.</remarks>
/// <param name="Decay">The average's decay.</param>
public sealed record BiasCorrectionSchedule(double Decay) : Schedule
{
    /// <inheritdoc/>
    public override double At(long step) => 1 - Math.Pow(Decay, step);
}

/// <summary>The weight of the newest value in a running average: a plain mean at first, then a moving one: max(1 / step, 1 - decay).</summary>
/// <param name="Decay">The moving average's decay.</param>
public sealed record AveragingSchedule(double Decay) : Schedule
{
    /// <inheritdoc/>
    public override double At(long step) => Math.Max(1.0 / step, 1 - Decay);
}

/// <summary>A schedule that was replaced by another one in the course of a run.</summary>
/// <param name="Before">The schedule up to and including the last step.</param>
/// <param name="LastStep">The last step that it holds for.</param>
/// <param name="After">The schedule of later steps, which counts steps from the start of the run, too.</param>
public sealed record ChangedSchedule(Schedule Before, long LastStep, Schedule After) : Schedule
{
    /// <inheritdoc/>
    public override double At(long step) => (step <= LastStep ? Before : After).At(step);
}
