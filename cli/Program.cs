using OnnxVae.Cli;
using OnnxVae.Training.Distributed;

if (MpiGroup.IsLaunched)
{
    Environment.SetEnvironmentVariable("TERM", "dumb"); // launchers put a terminal in between, to which .NET would send escape sequences
}

return await CommandLine.RunAsync(args);
