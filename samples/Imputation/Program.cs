// What are the values of a row that are not known?
//   onnxvae train --data patients.csv --out runs/patients
//   dotnet run -c Release --project samples/Imputation -- runs/patients/export/imputer.onnx age=41 smoker=no
using System.Globalization;
using OnnxVae.Inference;

using var imputer = VaeImputer.Load(args[0]);
var known = args.Skip(1).Select(text => text.Split('=', 2)).ToDictionary(parts => parts[0], parts => parts[1]);
float[] row = new float[imputer.Metadata.ImageSize];
foreach (var column in imputer.Metadata.Columns)
{
    float cell = !known.TryGetValue(column.Name, out string? text) ? float.NaN // missing
        : column.Kind == TableColumnKind.Number ? float.Parse(text, CultureInfo.InvariantCulture)
        : column.IndexOf(text);
    column.Write(cell, row);
}

var filled = imputer.Impute(row);
foreach (var column in imputer.Metadata.Columns.Where(column => filled.IsMissing(row: 0, column)))
{
    float cell = column.Read(filled.Mean);
    Console.WriteLine(column.Kind == TableColumnKind.Number
        ? FormattableString.Invariant($"{column.Name} {cell:R} +- {filled.Deviation[column.Start]:R}")
        : FormattableString.Invariant($"{column.Name} {column.Categories[(int)cell]} {column.ProbabilityOf(filled.Mean, (int)cell):P0}"));
}
