using OnnxVae.Exporters.Graph;
using OnnxVae.Exporters.Modules;
using OnnxVae.Exporters.Optimizers;
using OnnxVae.Exporters.Programs;
using OnnxVae.Format;
using OnnxVae.Tests.Support;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch.nn;
using Adam = OnnxVae.Exporters.Optimizers.Adam;
using Adamax = OnnxVae.Exporters.Optimizers.Adamax;
using AdamW = OnnxVae.Exporters.Optimizers.AdamW;
using Optimizer = OnnxVae.Exporters.Optimizers.Optimizer;

namespace OnnxVae.Tests.Exporters;

/// <summary>An optimizer in both libraries.</summary>
public sealed record OptimizerRow(
    string Name, Func<Schedule, Optimizer> Build, Func<IEnumerable<Parameter>, double, torch.optim.Optimizer> Torch, double? MaxNorm = null)
{
    public override string ToString() => Name;
}

internal sealed class OptimizersTests
{
    private const double Tolerance = 1e-4;
    private const double LearningRate = 0.02;
    private const int Steps = 12;

    private static OptimizerRow[] Rows =>
    [
        new("SGD", rate => new Sgd(rate), (p, rate) => torch.optim.SGD(p, rate)),
        new("SGD with weight decay", rate => new Sgd(rate, weightDecay: 0.1), (p, rate) => torch.optim.SGD(p, rate, weight_decay: 0.1)),
        new("SGD with momentum", rate => new Sgd(rate, 0.9), (p, rate) => torch.optim.SGD(p, rate, 0.9)),
        new("SGD with Nesterov's momentum", rate => new Sgd(rate, 0.9, nesterov: true), (p, rate) => torch.optim.SGD(p, rate, 0.9, nesterov: true)),
        new("Adam", rate => new Adam(rate), (p, rate) => torch.optim.Adam(p, rate)),
        new("Adam with weight decay", rate => new Adam(rate, 0.8, 0.9, 1e-3, 0.1), (p, rate) => torch.optim.Adam(p, rate, 0.8, 0.9, 1e-3, 0.1)),
        new("AdamW", rate => new AdamW(rate, weightDecay: 0.2), (p, rate) => torch.optim.AdamW(p, rate, weight_decay: 0.2)),
        new("Adamax", rate => new Adamax(rate), (p, rate) => torch.optim.Adamax(p, rate)),
        new("Adamax with weight decay", rate => new Adamax(rate, weightDecay: 0.1), (p, rate) => torch.optim.Adamax(p, rate, weight_decay: 0.1)),
        new("RMSprop", rate => new RmsProp(rate), (p, rate) => torch.optim.RMSProp(p, rate)),
        new("RMSprop with momentum", rate => new RmsProp(rate, 0.9, 1e-6, 0.5, 0.1), (p, rate) => torch.optim.RMSProp(p, rate, 0.9, 1e-6, 0.1, 0.5)),
        new("SGD, clipped", rate => new Sgd(rate, 0.9), (p, rate) => torch.optim.SGD(p, rate, 0.9), MaxNorm: 0.5),
        new("SGD, within the limit", rate => new Sgd(rate, 0.9), (p, rate) => torch.optim.SGD(p, rate, 0.9), MaxNorm: 500),
    ];

    [TestCaseSource(nameof(Rows))]
    public void Steps_UnderStepSchedule_EqualTorch(OptimizerRow row)
    {
        using var test = new Regression(row.Build(new StepSchedule(LearningRate, 4, 0.5)), row.MaxNorm);
        using var optimizer = row.Torch(test.Network.parameters(), LearningRate);
        var schedule = torch.optim.lr_scheduler.StepLR(optimizer, 4, 0.5);

        int clipped = 0;
        for (int step = 1; step <= Steps; step++)
        {
            var metrics = test.RunStep(step);
            optimizer.zero_grad();
            test.TorchLoss(step).backward();
            if (row.MaxNorm is { } limit)
            {
                double norm = utils.clip_grad_norm_(test.Network.parameters(), limit, 2);
                Assert.That(metrics["gradientNorm"][0], Is.EqualTo(norm).Within(Tolerance * norm));
                Assert.That(metrics["clipped"][0], Is.EqualTo((float)(clipped += norm > limit ? 1 : 0) / step).Within(1e-6), "the share of clipped steps");
            }

            optimizer.step();
            schedule.step();
        }

        Assert.Multiple(() =>
        {
            foreach (var (name, parameter) in test.Network.named_parameters())
            {
                Assert.That(Numbers.RelativeError(test.State(name), parameter.ToArray()), Is.LessThan(Tolerance), name);
            }
        });
    }

    [Test]
    public void Steps_OfGroups_EqualTorchWithAnOptimizerEach()
    {
        const double fast = 0.2;
        using var test = new Regression(
            new Adam(new ConstantSchedule(LearningRate)), maxNorm: 0.5,
            groups: states => [new ParameterGroup("head", [.. states.Where(state => state.Spec.Name.StartsWith('2'))], new Sgd(new StepSchedule(fast, 4, 0.5), 0.9))]);
        using var body = torch.optim.Adam(((Linear)test.Network[0]).parameters(), LearningRate);
        using var head = torch.optim.SGD(((Linear)test.Network[2]).parameters(), fast, 0.9);
        var schedule = torch.optim.lr_scheduler.StepLR(head, 4, 0.5);

        for (int step = 1; step <= Steps; step++)
        {
            test.RunStep(step);
            test.Network.zero_grad();
            test.TorchLoss(step).backward();
            utils.clip_grad_norm_(test.Network.parameters(), 0.5, 2);
            body.step();
            head.step();
            schedule.step();
        }

        Assert.Multiple(() =>
        {
            foreach (var (name, parameter) in test.Network.named_parameters())
            {
                Assert.That(Numbers.RelativeError(test.State(name), parameter.ToArray()), Is.LessThan(Tolerance), name);
            }
        });
        Assert.That(test.ScheduleNames, Is.SupersetOf((string[])["learningRate", "learningRate.head"]));
    }

    [Test]
    public void Steps_OfARuleForWholeParameters_EqualTorchParameterByParameter()
    {
        using var test = new Regression(new NormalizedDescent(new ConstantSchedule(LearningRate)));

        for (int step = 1; step <= Steps; step++)
        {
            test.RunStep(step);
            test.Network.zero_grad();
            test.TorchLoss(step).backward();
            using var noGradient = torch.no_grad();
            foreach (var parameter in test.Network.parameters())
            {
                parameter.sub_(parameter.grad! * (LearningRate / parameter.grad!.norm()));
            }
        }

        Assert.Multiple(() =>
        {
            foreach (var (name, parameter) in test.Network.named_parameters())
            {
                Assert.That(Numbers.RelativeError(test.State(name), parameter.ToArray()), Is.LessThan(Tolerance), name);
            }
        });
    }

    [Test]
    public void Group_WithALossOfItsOwn_MinimisesIt()
    {
        var (a, b) = (State.Create("a", StateRole.Parameter, Tensor.From<float>([], 2f)), State.Create("b", StateRole.Parameter, Tensor.From<float>([], 3f)));
        var step = new TrainingStep(Ops.Square(a.Current) + b.Current, [a, b], new Sgd(new ConstantSchedule(0.25)))
        {
            Groups = [new ParameterGroup("other", [b], new Sgd(new ConstantSchedule(0.5))) { Loss = Ops.Square(b.Current - a.Current) }],
        };
        using var runner = new StepRunner(step.ToProgram());

        var metrics = runner.Run();

        Assert.That((runner.State("a")[0], runner.State("b")[0]), Is.EqualTo((2f - (0.25f * 4), 3f - (0.5f * 2))), "da of the step's loss, db of the group's");
        Assert.That((metrics["loss"][0], metrics["loss.other"][0]), Is.EqualTo((7f, 1f)));
    }

    [Test]
    public void Step_WithAParameterThatTheLossDoesNotReach_NamesIt()
    {
        using var network = Sequential(("used", Linear(2, 1)), ("forgotten", Linear(2, 1)));
        var x = ProgramInput.Data("x", ElementType.Float32, [1, 2]);

        Assert.That(() => Step(), Throws.ArgumentException.With.Message.EqualTo(
            "The loss does not depend on the parameter 'forgotten.weight', which would never be trained: freeze it (requires_grad = false), or leave its module out."));
        foreach (var parameter in ((Linear)network[1]).parameters())
        {
            parameter.requires_grad = false;
        }

        Assert.That(Step().Updates.Select(update => update.State.Spec.Name), Is.EquivalentTo((string[])["used.weight", "used.bias"]));

        OnnxVae.Exporters.Programs.Program Step()
        {
            var lowering = new ModuleLowering(network);
            var loss = Ops.Mean(Ops.Square(lowering.Lower((Linear)network[0], x.Value)));
            return new TrainingStep(loss, lowering.States, new Sgd(new ConstantSchedule(1))) { Inputs = [x] }.ToProgram();
        }
    }

    [Test]
    public void Groups_ThatShareAParameter_AreRefused()
    {
        var a = State.Create("a", StateRole.Parameter, Tensor.From<float>([], 2f));
        var group = new ParameterGroup("g", [a], new Sgd(new ConstantSchedule(1)));

        Assert.That(
            () => new TrainingStep(Ops.Square(a.Current), [a], new Sgd(new ConstantSchedule(1))) { Groups = [group, group with { Name = "h" }] }.ToProgram(),
            Throws.ArgumentException.With.Message.StartsWith("'a' is in two groups: keep it in one."));
    }

    [Test]
    public void Averages_AreMeansOfTheParametersAtFirstAndMovingThen()
    {
        const double decay = 0.75;
        using var test = new Regression(new Sgd(new ConstantSchedule(LearningRate)), decay: decay);
        float[] expected = new float[test.State("0.weight").Length];

        for (int step = 1; step <= Steps; step++)
        {
            test.RunStep(step);
            double newest = Math.Max(1.0 / step, 1 - decay);
            expected = [.. expected.Zip(test.State("0.weight"), (average, weight) => (float)(average + (newest * (weight - average))))];
        }

        Assert.That(Numbers.RelativeError(test.State("average.0.weight"), expected), Is.LessThan(Tolerance));
    }

    [Test]
    public void StateReplacement_ByAverages_ComputesWithThem()
    {
        using var network = Linear(2, 1, hasBias: false);
        var lowering = new ModuleLowering(network);
        var averaging = new WeightAveraging(lowering.Parameters, 0.9);

        var y = lowering.Lower(network, Value.Input("x", ElementType.Float32, [1, 2]));
        var averaged = StateReplacement.Replace([y], averaging.Averages).Single();

        Assert.That(averaged.Inputs[1].Name, Is.EqualTo("average.weight"));
    }

    /// <summary>A small network that fits random numbers, in both libraries.</summary>
    // Steps of one length, in the direction of the gradient to the parameter as a whole.
    private sealed class NormalizedDescent(Schedule learningRate) : Optimizer(learningRate)
    {
        public override bool IsElementwise => false;

        public override IReadOnlyList<StateUpdate> Update(State parameter, Value gradient) =>
            [new(parameter, parameter.Current - (LearningRate.Value * gradient / Ops.Sqrt(Ops.Sum(Ops.Square(gradient)))))];
    }

    private sealed class Regression : IDisposable
    {
        private readonly MSELoss criterion = MSELoss();
        private readonly StepRunner runner;

        public Regression(Optimizer optimizer, double? maxNorm = null, double? decay = null, Func<IReadOnlyList<State>, IReadOnlyList<ParameterGroup>>? groups = null)
        {
            torch.random.manual_seed(3);
            Network = Sequential(Linear(5, 8), Tanh(), Linear(8, 2));
            var lowering = new ModuleLowering(Network);
            var (x, target) = (ProgramInput.Data("x", ElementType.Float32, [6, 5]), ProgramInput.Data("target", ElementType.Float32, [6, 2]));
            var loss = lowering.Lower(criterion, lowering.Lower(Network, x.Value), target.Value);
            var program = new TrainingStep(loss, lowering.States, optimizer)
            {
                Groups = groups?.Invoke(lowering.States) ?? [],
                Inputs = [x, target],
                MaxGradientNorm = maxNorm,
                Averaging = decay is { } given ? new WeightAveraging(lowering.Parameters, given) : null,
            }.ToProgram();
            ScheduleNames = [.. program.Inputs.Where(input => input.Spec.Role == InputRole.Schedule).Select(input => input.Spec.Name)];
            runner = new StepRunner(program);
        }

        public Sequential Network { get; }

        public IReadOnlyList<string> ScheduleNames { get; }

        public float[] State(string name) => runner.State(name);

        public Dictionary<string, float[]> RunStep(int step) => runner.Run(X(step), Target(step));

        public torch.Tensor TorchLoss(int step) => criterion.call(Network.call(X(step).ToTorch([6, 5])), Target(step).ToTorch([6, 2]));

        public void Dispose()
        {
            runner.Dispose();
            Network.Dispose();
            criterion.Dispose();
        }

        private static float[] X(int step) => Numbers.StandardNormal(30, (ulong)step);

        private static float[] Target(int step) => Numbers.StandardNormal(12, (ulong)(100 + step));
    }
}
