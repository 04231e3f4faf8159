using Halfbit.Numerics;

namespace Halfbit.Quantization.ArbLlm;

/// <summary>The groups of a block while they are being split: which weights are in which group.</summary>
internal sealed class Partition
{
    /// <summary>All weights in their last group: salient columns in the last salient one, other columns in the last of all.</summary>
    /// <param name="rows">Rows.</param>
    /// <param name="isSalient">[w].</param>
    /// <param name="layout">The groups.</param>
    public Partition(int rows, bool[] isSalient, GroupLayout layout)
    {
        IsSalient = isSalient;
        GroupOf = new byte[rows * isSalient.Length];
        for (int k = 0; k < GroupOf.Length; k++) GroupOf[k] = (byte)(isSalient[k % isSalient.Length] ? layout.Salient - 1 : layout.Count - 1);
    }

    /// <summary>[w].</summary>
    public bool[] IsSalient { get; }

    /// <summary>[rows · w], the group of each weight.</summary>
    public byte[] GroupOf { get; }

    /// <summary>The magnitudes of the members of a group.</summary>
    /// <param name="M">[rows, w].</param>
    /// <param name="group">Which group.</param>
    /// <param name="othersAreZeros">Whether all other cells count as zeros instead of being left out.</param>
    /// <param name="zerosCount">Whether members that are zero are kept.</param>
    public float[] Magnitudes(Matrix M, int group, bool othersAreZeros, bool zerosCount)
    {
        var magnitudes = new float[GroupOf.Length];
        int count = 0;
        for (int k = 0; k < GroupOf.Length; k++)
        {
            bool isMember = GroupOf[k] == group;
            float magnitude = isMember ? MathF.Abs(M.Data[k]) : 0f;
            magnitudes[count] = magnitude;
            if (isMember ? zerosCount || magnitude > 0 : othersAreZeros) count++;
        }

        return magnitudes[..count];
    }

    /// <summary>Moves the members of a group with |M| ≥ threshold to another.</summary>
    public void Split(Matrix M, int from, int to, float threshold)
    {
        for (int k = 0; k < GroupOf.Length; k++)
        {
            if (GroupOf[k] == from && MathF.Abs(M.Data[k]) >= threshold) GroupOf[k] = (byte)to;
        }
    }

    /// <summary>[rows, w], set for the members of a group.</summary>
    public BitMatrix Members(int group)
    {
        int width = IsSalient.Length;
        var members = new BitMatrix(GroupOf.Length / width, width);
        for (int k = 0; k < GroupOf.Length; k++)
        {
            if (GroupOf[k] == group) members[k / width, k % width] = true;
        }

        return members;
    }
}
