namespace Halfbit.Quantization.ArbLlm;

/// <summary>The levels of one group in one row: μ ± α, or μ ± α₁ ± α₂.</summary>
/// <param name="Mu">Mean μ; 0 without means.</param>
/// <param name="Alpha">Scale α (α₁) of the first signs; may be negative.</param>
/// <param name="SecondAlpha">Scale α₂ of the second signs; 0 with one plane.</param>
internal readonly record struct RowLevels(double Mu, double Alpha, double SecondAlpha);
