namespace Halfbit.Quantization.BiLlm;

/// <summary>Options of BiLLM.</summary>
public sealed record BiLlmOptions : BlockMethodOptions
{
    /// <summary>Our form of the method.</summary>
    public BiLlmOptions()
    {
        Groups = 2;
    }

    /// <summary>What the authors' program does with its published settings.</summary>
    public static BiLlmOptions Released { get; } = AsReleased(new BiLlmOptions());

    /// <summary>One sign per weight and a second one in at most four columns of a block; no marks, no means.</summary>
    public static BiLlmOptions Strict { get; } = new() { Variant = QuantizationVariant.Strict, Groups = 1, MostSalient = 4 };
}
