using Halfbit.Numerics;

namespace Halfbit.Training;

/// <summary>The 8-bit step of PB-LLM's released training program, fault by fault, so that our training can be compared with it.</summary>
/// <remarks>
/// The zero point is rounded to an integer in units of the weight, not of the code, and the code is cut to a byte before it is clamped: a negative weight comes back as
/// w + 256/255·range &gt; 0. It is applied to all weights of the layer, so that training starts from positive signs.
/// </remarks>
internal static class ReleasedSalientStep
{
    /// <summary>w ← (round((w − z)/range·255) mod 256)/255·range + z with z = round(min), per row.</summary>
    /// <param name="W">[out, in], changed in place.</param>
    public static void Apply(Matrix W)
    {
        for (int i = 0; i < W.Rows; i++)
        {
            Span<float> row = W.Row(i);
            float low = row[0], high = row[0];
            foreach (float w in row) (low, high) = (MathF.Min(low, w), MathF.Max(high, w));
            float range = high - low;
            if (!(range > 0)) continue; // the program divides by zero here
            float zero = MathF.Round(low);
            for (int j = 0; j < row.Length; j++)
            {
                var code = (byte)((long)MathF.Round((row[j] - zero) / range * 255) & 255);
                row[j] = (code / 255f * range) + zero;
            }
        }
    }
}
