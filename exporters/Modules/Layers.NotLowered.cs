using TorchSharp.Modules;
using static TorchSharp.torch;

namespace OnnxVae.Exporters.Modules;

internal static partial class Layers
{
    private const string IsContainer = "it has no forward; lower its members in the module that holds it";
    private const string IsScript = "its code is TorchScript, which is not read; build the network from modules";
    private const string NeedsPositions = "it takes the positions that a max pooling found, which modules do not hand on; use Upsample or ConvTranspose";
    private const string IsRandomPooling = "its windows are drawn at random inside libtorch; use MaxPool";
    private const string HidesNonlinearity = "TorchSharp does not tell whether it takes tanh or ReLU; use GRU or LSTM";
    private const string IsMarginLoss = "it is rarely used; write it with Ops, in a line or two";

    /// <summary>TorchSharp types that have no row, and why.</summary>
    public static IReadOnlyDictionary<Type, string> NotLowered { get; } = new Dictionary<Type, string>
    {
        [typeof(ModuleList<>)] = IsContainer,
        [typeof(ModuleDict<>)] = IsContainer,
        [typeof(ParameterList)] = IsContainer,
        [typeof(ParameterDict)] = IsContainer,
        [typeof(nn.HookableModule<,>)] = IsContainer,
        [typeof(nn.Module)] = IsContainer,
        [typeof(jit.ScriptModule)] = IsScript,
        [typeof(jit.ScriptModule<>)] = IsScript,
        [typeof(jit.ScriptModule<,>)] = IsScript,
        [typeof(jit.ScriptModule<,,>)] = IsScript,
        [typeof(jit.HookableScriptModule<,>)] = IsScript,
        [typeof(MaxUnpool1d)] = NeedsPositions,
        [typeof(MaxUnpool2d)] = NeedsPositions,
        [typeof(MaxUnpool3d)] = NeedsPositions,
        [typeof(FractionalMaxPool2d)] = IsRandomPooling,
        [typeof(FractionalMaxPool3d)] = IsRandomPooling,
        [typeof(RNN)] = HidesNonlinearity,
        [typeof(RNNCell)] = HidesNonlinearity,
        [typeof(EmbeddingBag)] = "its bags have different sizes, and shapes in a graph are fixed; use Embedding and a sum",
        [typeof(Transformer)] = "write it with TransformerEncoder and blocks of MultiheadAttention",
        [typeof(TransformerDecoder)] = "write its blocks with MultiheadAttention, LayerNorm and Linear",
        [typeof(TransformerDecoderLayer)] = "write it with MultiheadAttention, LayerNorm and Linear",
        [typeof(AdaptiveMaxPool3d)] = "TorchSharp 0.107 fails to run it; use MaxPool3d",
        [typeof(GaussianNLLLoss)] = "TorchSharp 0.107 passes no gradient to the variance; write it with Ops, in a line",
        [typeof(CTCLoss)] = "its recursion over alignments depends on the lengths in each batch",
        [typeof(CosineEmbeddingLoss)] = IsMarginLoss,
        [typeof(HingeEmbeddingLoss)] = IsMarginLoss,
        [typeof(MarginRankingLoss)] = IsMarginLoss,
        [typeof(MultiLabelMarginLoss)] = IsMarginLoss,
        [typeof(MultiLabelSoftMarginLoss)] = IsMarginLoss,
        [typeof(MultiMarginLoss)] = IsMarginLoss,
        [typeof(TripletMarginLoss)] = IsMarginLoss,
        [typeof(TripletMarginWithDistanceLoss)] = IsMarginLoss,
    };
}
