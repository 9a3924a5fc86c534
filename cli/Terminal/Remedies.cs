using System.Text.RegularExpressions;

namespace OnnxVae.Cli.Terminal;

/// <summary>Library messages name their own parameters; this table translates them to command-line options and commands that help.</summary>
internal static class Remedies
{
    /// <summary>Patterns in library messages, with groups for values, and their replacements.</summary>
    public static IReadOnlyList<(string Words, string Instead)> Table { get; } =
    [
        ("take a smaller batch.", "give a smaller --batch."),
        ("to choose the best checkpoint by: choose it by the loss.", "to choose the best checkpoint by: give --best-by loss."),
        ("The padding of the crop is {0} pixels,", "--random-crop is {0} pixels,"),
        ("The shift is {0} pixels,", "--random-shift is {0} pixels,"),
        ("Compile the model for this device, or allow nodes to fall back to the processor.", "Compile the model with 'compile --for', or give --allow-fallback."),
        ("or leave such files out.", "or give --skip-corrupt to leave such files out."),
        ("Scale and crop them to one.", "Give --image-size to scale and crop them to one."),
        ("compile it for these images, or scale them.", "compile it for these images, or give --image-size."),
        ("scale them, to sides of {0} for instance.", "give --image-size, --image-size {0} for instance."),
        ("The width is {0}, which is not a multiple of the number of heads, {1}: change one of them.", "--width is {0}, which is not a multiple of --heads, {1}: change one of them."),
        ("evaluate an earlier checkpoint.", "evaluate an earlier --checkpoint."),
        ("try a smaller beta (0.1 to 0.5), a warm-up of beta, free bits (0.1), or a less powerful decoder", "try a smaller --beta (0.1 to 0.5), --beta-warm-up, --free-bits 0.1, or a less powerful decoder"),
        ("try a smaller learning rate, or clip the gradient.", "try a smaller --learning-rate, or --clip-gradient 1."),
        ("but the objective takes {0}: choose another likelihood.", "but --samples is {0}: give --likelihood gaussian-learned."),
        ("it holds a run, continue that or choose another folder.", "it holds a run; give --resume to continue it, or another --out."),
        ("or 0 for one per logical processor: choose fewer.", "or 0 for one per logical processor: give fewer --threads."),
        ("Map the names, or take what matches.", "Map the names with --weight-names, or give --partial to take what matches."),
        ("of one of the model's: map the names.", "of one of the model's: map the names with --weight-names."),
        ("Compile a model into it.", "Make one with 'onnxvae compile'."),
        ("This is not a file of coded latents: it does not begin as one.", "This is not a file of coded latents: it does not begin as one. Write one with 'onnxvae compress'."),
        ("train a prior of the {0} level of codes.", "train it with 'onnxvae prior RUN --level {0}'."),
        ("start as many as divide it, or take another batch.", "start as many as divide it, or give another --batch or --accumulate."),
        ("compile it in two for", "compile it with --split for"),
        ("accumulate more batches, or compile it for smaller ones.", "give a larger --accumulate, or compile it with a smaller --batch."),
        ("or name the library of yours.", "or give the file as --mpi-library."),
        ("Name another library.", "Give another as --mpi-library."),
        ("whose graphs without weights have the same names: choose another folder.", "whose graphs without weights have the same names: give another --out."),
        ("leave its schedule out", "leave --learning-rate-schedule and --warm-up out"),
        ("leave the clipping out", "leave --clip-gradient out"),
        ("leave the weight averaging out", "leave --weight-averaging out"),
        ("leave out the groups of parameters", "leave --learning-rate-factors out"),
        ("say which layout it has.", "give it as --layout."),
        ("or take values as they are.", "or give --scale none."),
        ("choose a Gaussian one, with the decoder's output as the mean", "give --likelihood gaussian-learned, or leave it out"),
        ("leave them as they are.", "leave --pixels out."),
        ("choose 'mlp' or 'linear'.", "give --model mlp, or linear."),
        ("choose 'mlp', 'conv', 'linear' or 'residual'.", "give --model mlp, conv, linear or residual."),
        ("random changes are for images: leave them out.", "--random-flip, --random-crop, --random-shift and --random-rotation are for images: leave them out."),
        ("leave momentum and weight decay out, or choose AdamW", "give --momentum 0, or --optimizer adamw"),
        ("choose AdamW, Adam, or Sgd without momentum", "give --optimizer adamw, adam, or sgd with --momentum 0"),
        ("take a quantizer without a codebook, and no batch normalization or sigma in closed form", "give --quantizer finite-scalar, or another --likelihood than gaussian-optimal"),
        ("a folder of .npy, or an image file", "a folder of .npy, a .wav or a folder of .wav, a .csv, .tsv or .parquet, or an image file"),
        ("nothing can be learned from it. Leave the column out.", "nothing can be learned from it. Give --column-types with NAME=ignore to leave the column out."),
        ("which cannot be brought to a scale: leave the column out.", "which cannot be brought to a scale: give --column-types with NAME=ignore to leave the column out."),
        ("from all of them, or leave the column out.", "from all of them, or give --column-types with NAME=ignore."),
        ("Leave the column out, name the rows by it, or say what it holds, or what stands for a missing value.", "Give --column-types with NAME=ignore to leave the column out, NAME=name to name the rows by it, or NAME=category, or --missing with what stands for a missing value."),
        ("expected numbers, truth values or text. Leave the column out.", "expected numbers, truth values or text. Give --column-types with NAME=ignore to leave the column out."),
        ("Take it for another type.", "Give another type with --column-types."),
        ("Mend it, say what stands for a missing value, or take the column for categories.", "Mend it, or give --missing with what stands for a missing value, or --column-types with NAME=category."),
        ("Mend it, or say what stands for a missing value.", "Mend it, or give --missing with what stands for a missing value."),
        ("say which is the decimal sign, and write thousands without a sign.", "give --decimal point or comma, and write thousands without a sign."),
        ("say which is the decimal sign.", "give --decimal point or comma."),
        ("or say that quotes are text.", "or give --no-quotes."),
        ("or say that the file has no line of names.", "or give --no-header."),
        ("give its encoding, such as windows-1252.", "give its --encoding, such as windows-1252."),
        ("Mend the line, or leave malformed lines out.", "Mend the line, or give --skip-corrupt to leave such lines out."),
        ("give the file that was exported from a trained prior.", "give the file that 'onnxvae prior' wrote."),
    ];

    /// <summary>Rewrites a library's message for the command line.</summary>
    public static string Apply(string message)
    {
        foreach (var (words, instead) in Table)
        {
            var match = Regex.Match(message, Regex.Replace(Regex.Escape(words), @"\\\{\d\}", @"(\w+)"), RegexOptions.CultureInvariant);
            if (match.Success)
            {
                string[] values = [.. match.Groups.Values.Skip(1).Select(group => group.Value)];
                return message.Replace(match.Value, values.Index().Aggregate(instead, (text, value) => text.Replace($"{{{value.Index}}}", value.Item, StringComparison.Ordinal)), StringComparison.Ordinal);
            }
        }

        return message;
    }
}
