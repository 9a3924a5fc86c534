using OnnxVae.Exporters.Programs;
using OnnxVae.Format;

namespace OnnxVae.Exporters.Optimizers;

/// <summary>
/// Averages of the parameters over training (Polyak and Juditsky 1992), for evaluation and export: a plain mean at first,
/// then an exponential moving average.
/// </summary>
public sealed class WeightAveraging
{
    private readonly ProgramInput newest;

    /// <summary>Creates a state for every trained parameter, named <c>average.NAME</c>.</summary>
    /// <param name="parameters">The network's parameters; frozen ones are their own average.</param>
    /// <param name="decay">The share of the average that is kept at a step, in the long run.</param>
    public WeightAveraging(IReadOnlyList<State> parameters, double decay)
    {
        newest = ProgramInput.Scheduled("average.newest", new AveragingSchedule(decay));
        Averages = parameters.Where(parameter => parameter.Spec.Role == StateRole.Parameter).ToDictionary(
            parameter => parameter,
            parameter => State.Create(StateNames.AverageOf(parameter.Spec.Name), StateRole.Average, parameter.Initial));
    }

    /// <summary>The averages, by parameter.</summary>
    public IReadOnlyDictionary<State, State> Averages { get; }

    /// <summary>The scalar that the average needs at every step.</summary>
    public IReadOnlyList<ProgramInput> Schedules => [newest];

    /// <summary>The average's update, from that of its parameter.</summary>
    public StateUpdate Update(StateUpdate parameter)
    {
        var average = Averages[parameter.State];
        return new StateUpdate(average, average.Current + (newest.Value * (parameter.Next - average.Current)));
    }
}
