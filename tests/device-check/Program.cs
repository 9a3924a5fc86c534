using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization;
using OnnxVae.DeviceCheck;
using OnnxVae.Format;
using OnnxVae.Inference;

var packages = new Argument<DirectoryInfo>("packages") { Description = "A folder of training packages, one per model." };
var device = new Option<string>("--device") { Description = "The device, as for 'onnxvae train'.", DefaultValueFactory = _ => "cuda" };
var seconds = new Option<double>("--seconds") { Description = "How long each figure is measured; at least one run.", DefaultValueFactory = _ => 4 };
var steps = new Option<int>("--steps") { Description = "Steps whose losses are compared with the processor's.", DefaultValueFactory = _ => 10 };
var output = new Option<FileInfo?>("--out") { Description = "Where the figures go, as JSON; the terminal if left out." };

var root = new RootCommand("Trains and serves packages on a device, and compares it with the processor.") { packages, device, seconds, steps, output };
root.SetAction(arguments =>
{
    var options = new JsonSerializerOptions(JsonSerializerDefaults.Web) { WriteIndented = true, NumberHandling = JsonNumberHandling.AllowNamedFloatingPointLiterals, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull };
    var chosen = OnnxDevice.Parse(arguments.GetValue(device)!);
    var check = new ModelCheck(chosen, TimeSpan.FromSeconds(arguments.GetValue(seconds)), arguments.GetValue(steps));
    var results = new List<ModelResult>();
    DirectoryInfo[] folders = [.. arguments.GetValue(packages)!.EnumerateDirectories().OrderBy(folder => folder.Name, StringComparer.Ordinal)];
    foreach (var folder in folders)
    {
        Console.Error.WriteLine(folder.Name);
        results.Add(check.Run(folder.Name, TrainingPackage.Open(folder.FullName)));
        string json = JsonSerializer.Serialize(new { device = $"{chosen}", name = DeviceStatus.NameOf(chosen), runtime = OnnxDevice.RuntimeVersion, date = DateTime.UtcNow.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture), models = results }, options);
        if (arguments.GetValue(output) is { } file)
        {
            File.WriteAllText(file.FullName, json); // after every model: what was measured stays
        }
        else if (results.Count == folders.Length)
        {
            Console.WriteLine(json);
        }
    }

    return results.Count > 0 && results.All(result => result.IsRight) ? 0 : 1;
});

return root.Parse(args).Invoke();
