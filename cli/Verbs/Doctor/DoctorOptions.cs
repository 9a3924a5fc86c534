namespace OnnxVae.Cli.Verbs.Doctor;

/// <summary>The options of <c>doctor</c>; there are none.</summary>
internal sealed record DoctorOptions;
