using System.Runtime.Intrinsics;

namespace Halfbit.Packing;

/// <summary>Scales of one group in one row and block of columns, as the expansion wants them.</summary>
/// <param name="Mu">Mean; −0 without, because −0 + s = s for every s.</param>
/// <param name="Alpha">Row scale of the first plane.</param>
/// <param name="SecondAlpha">Row scale of the second plane.</param>
/// <param name="HasSecond">Whether there is a second plane.</param>
internal readonly record struct GroupScales(float Mu, float Alpha, float SecondAlpha, bool HasSecond);

/// <summary>Members of one group in a piece of a row to single precision, with the very expressions of the logical matrix.</summary>
internal static class GroupExpansion
{
    private const uint SignBit = 0x8000_0000;

    /// <summary>Writes the members; other elements keep what they hold.</summary>
    /// <param name="members">[words] of the whole row: set bits belong to the group.</param>
    /// <param name="signs">[words] of the whole row: set bits are +1.</param>
    /// <param name="second">[words] of the whole row: second signs; not read without a second plane.</param>
    /// <param name="scales">The group's scales.</param>
    /// <param name="beta">[columns] column scales of the whole row; empty: all 1.</param>
    /// <param name="secondBeta">[columns] of the second plane.</param>
    /// <param name="start">First column of the piece.</param>
    /// <param name="end">One past its last column.</param>
    /// <param name="row">[columns], the whole row.</param>
    public static void Expand(
        ReadOnlySpan<ulong> members, ReadOnlySpan<ulong> signs, ReadOnlySpan<ulong> second, GroupScales scales, ReadOnlySpan<float> beta, ReadOnlySpan<float> secondBeta, int start, int end, Span<float> row)
    {
        int done = start;
        if (Vector512.IsHardwareAccelerated && end - start >= 16)
        {
            done = Math.Min(end, (start + 15) & ~15);
            ExpandScalar(members, signs, second, scales, beta, secondBeta, start, done, row);

            // lane k of 16: column done + k
            Vector512<uint> lane = Vector512.Create(1u, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, 4096, 8192, 16384, 32768);
            Vector512<uint> signBit = Vector512.Create(SignBit);
            Vector512<float> mu = Vector512.Create(scales.Mu);
            Vector512<float> alpha = Vector512.Create(scales.Alpha);
            Vector512<float> secondAlpha = Vector512.Create(scales.SecondAlpha);
            for (; done + 16 <= end; done += 16)
            {
                int w = done >> 6;
                int shift = done & 63;
                uint bits = (ushort)(members[w] >> shift);
                if (bits == 0) continue;
                Vector512<uint> isPlus = Vector512.Equals(Vector512.Create((uint)(ushort)(signs[w] >> shift)) & lane, lane);
                Vector512<float> s = beta.IsEmpty ? alpha : alpha * Vector512.Create(beta[done..]);
                Vector512<float> value = mu + (s.AsUInt32() ^ Vector512.AndNot(signBit, isPlus)).AsSingle();
                if (scales.HasSecond)
                {
                    Vector512<uint> isSecondPlus = Vector512.Equals(Vector512.Create((uint)(ushort)(second[w] >> shift)) & lane, lane);
                    Vector512<float> t = secondBeta.IsEmpty ? secondAlpha : secondAlpha * Vector512.Create(secondBeta[done..]);
                    value += (t.AsUInt32() ^ Vector512.AndNot(signBit, isSecondPlus)).AsSingle();
                }

                Span<float> piece = row.Slice(done, 16);
                Vector512<uint> isMember = Vector512.Equals(Vector512.Create(bits) & lane, lane);
                Vector512.ConditionalSelect(isMember.AsSingle(), value, Vector512.Create<float>(piece)).CopyTo(piece);
            }
        }
        else if (Vector256.IsHardwareAccelerated && end - start >= 8)
        {
            done = Math.Min(end, (start + 7) & ~7);
            ExpandScalar(members, signs, second, scales, beta, secondBeta, start, done, row);

            // lane k of 8: column done + k
            Vector256<uint> lane = Vector256.Create(1u, 2, 4, 8, 16, 32, 64, 128);
            Vector256<uint> signBit = Vector256.Create(SignBit);
            Vector256<float> mu = Vector256.Create(scales.Mu);
            Vector256<float> alpha = Vector256.Create(scales.Alpha);
            Vector256<float> secondAlpha = Vector256.Create(scales.SecondAlpha);
            for (; done + 8 <= end; done += 8)
            {
                int w = done >> 6;
                int shift = done & 63;
                uint bits = (byte)(members[w] >> shift);
                if (bits == 0) continue;
                Vector256<uint> isPlus = Vector256.Equals(Vector256.Create((uint)(byte)(signs[w] >> shift)) & lane, lane);
                Vector256<float> s = beta.IsEmpty ? alpha : alpha * Vector256.Create(beta[done..]);
                Vector256<float> value = mu + (s.AsUInt32() ^ Vector256.AndNot(signBit, isPlus)).AsSingle();
                if (scales.HasSecond)
                {
                    Vector256<uint> isSecondPlus = Vector256.Equals(Vector256.Create((uint)(byte)(second[w] >> shift)) & lane, lane);
                    Vector256<float> t = secondBeta.IsEmpty ? secondAlpha : secondAlpha * Vector256.Create(secondBeta[done..]);
                    value += (t.AsUInt32() ^ Vector256.AndNot(signBit, isSecondPlus)).AsSingle();
                }

                Span<float> piece = row.Slice(done, 8);
                Vector256<uint> isMember = Vector256.Equals(Vector256.Create(bits) & lane, lane);
                Vector256.ConditionalSelect(isMember.AsSingle(), value, Vector256.Create<float>(piece)).CopyTo(piece);
            }
        }

        ExpandScalar(members, signs, second, scales, beta, secondBeta, done, end, row);
    }

    /// <summary>The definition of <see cref="Expand"/>.</summary>
    public static void ExpandScalar(
        ReadOnlySpan<ulong> members, ReadOnlySpan<ulong> signs, ReadOnlySpan<ulong> second, GroupScales scales, ReadOnlySpan<float> beta, ReadOnlySpan<float> secondBeta, int start, int end, Span<float> row)
    {
        for (int j = start; j < end; j++)
        {
            if ((members[j >> 6] >> (j & 63) & 1) == 0) continue;
            float s = beta.IsEmpty ? scales.Alpha : scales.Alpha * beta[j];
            float value = scales.Mu + ((signs[j >> 6] >> (j & 63) & 1) != 0 ? s : -s);
            if (scales.HasSecond)
            {
                float t = secondBeta.IsEmpty ? scales.SecondAlpha : scales.SecondAlpha * secondBeta[j];
                value += (second[j >> 6] >> (j & 63) & 1) != 0 ? t : -t;
            }

            row[j] = value;
        }
    }
}
