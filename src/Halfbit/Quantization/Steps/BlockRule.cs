namespace Halfbit.Quantization.Steps;

/// <summary>How the error W − Q of a block that was quantized as a whole is carried over to the columns after it.</summary>
internal enum BlockRule
{
    /// <summary>Not at all.</summary>
    None,

    /// <summary>E = (W − Q)/diag(U_bb): what the released programs of BiLLM, STBLLM and ARB-LLM do. Right only if each column had already absorbed the errors before it.</summary>
    Diagonal,

    /// <summary>E = (W − Q)·U_bb⁻¹, a triangular solve: the best the later columns can do for a given Q.</summary>
    Exact,
}
