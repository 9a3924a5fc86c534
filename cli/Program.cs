using OnnxVae.Cli;

return await CommandLine.RunAsync(args);
