using System.Text.Json;
using OnnxVae.Format;
using TorchSharp;

namespace OnnxVae.Tests.Exporters;

internal sealed class ScheduleTests
{
    private static readonly (Schedule Schedule, long Step, double Expected)[] Rows =
    [
        (new ConstantSchedule(0.5), 7, 0.5),
        (new WarmUpSchedule(2, 10), 5, 1),
        (new WarmUpSchedule(2, 10), 50, 2),
        (new WarmUpSchedule(2, 0), 1, 2),
        (new CosineSchedule(2, 10, 110), 5, 1),
        (new CosineSchedule(2, 10, 110), 60, 1),
        (new CosineSchedule(2, 10, 110), 110, 0),
        (new StepSchedule(2, 10, 0.5), 10, 2),
        (new StepSchedule(2, 10, 0.5), 21, 0.5),
        (new OneCycleSchedule(2, 100), 1, 2.0 / 25),
        (new OneCycleSchedule(2, 100), 30, 2),
        (new OneCycleSchedule(2, 100), 100, 2.0 / 25e4),
        (new OneCycleSchedule(2, 10, RisingShare: 0.1), 1, 2),
        (new BiasCorrectionSchedule(0.9), 2, 0.19),
        (new AveragingSchedule(0.99), 1, 1),
        (new AveragingSchedule(0.99), 1000, 0.01),
    ];

    [TestCaseSource(nameof(Rows))]
    public void At_Step_GivesValue((Schedule Schedule, long Step, double Expected) row) =>
        Assert.That(row.Schedule.At(row.Step), Is.EqualTo(row.Expected).Within(1e-12));

    [Test]
    public void OneCycle_AtEveryStep_EqualsTorch()
    {
        using var layer = torch.nn.Linear(1, 1);
        using var optimizer = torch.optim.SGD(layer.parameters(), 1);
        var torchSchedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr: 0.3, total_steps: 50, cycle_momentum: false);
        var schedule = new OneCycleSchedule(0.3, 50);

        for (int step = 1; step <= 50; step++)
        {
            Assert.That(schedule.At(step), Is.EqualTo(torchSchedule.get_last_lr().Single()).Within(1e-9), $"step {step}");
            if (step < 50)
            {
                torchSchedule.step();
            }
        }
    }

    [TestCaseSource(nameof(Rows))]
    public void Json_RoundTrip_GivesTheSameBack((Schedule Schedule, long Step, double Expected) row)
    {
        string json = JsonSerializer.Serialize(row.Schedule, Manifest.JsonOptions);

        Assert.That(JsonSerializer.Deserialize<Schedule>(json, Manifest.JsonOptions), Is.EqualTo(row.Schedule));
    }
}
