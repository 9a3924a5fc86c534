using System.Text.Json;
using OnnxVae.Exporters.Programs;

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
        (new BiasCorrectionSchedule(0.9), 2, 0.19),
        (new AveragingSchedule(0.99), 1, 1),
        (new AveragingSchedule(0.99), 1000, 0.01),
    ];

    [TestCaseSource(nameof(Rows))]
    public void At_Step_GivesValue((Schedule Schedule, long Step, double Expected) row) =>
        Assert.That(row.Schedule.At(row.Step), Is.EqualTo(row.Expected).Within(1e-12));

    [TestCaseSource(nameof(Rows))]
    public void Json_RoundTrip_GivesTheSameBack((Schedule Schedule, long Step, double Expected) row)
    {
        string json = JsonSerializer.Serialize(row.Schedule, Manifest.JsonOptions);

        Assert.That(JsonSerializer.Deserialize<Schedule>(json, Manifest.JsonOptions), Is.EqualTo(row.Schedule));
    }
}
