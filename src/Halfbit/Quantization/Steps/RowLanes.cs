using System.Numerics;
using System.Runtime.Intrinsics;
using Halfbit.Numerics;

namespace Halfbit.Quantization.Steps;

/// <summary>Some of sixteen consecutive rows, a lane each.</summary>
/// <param name="FirstRow">The row of lane 0, a multiple of sixteen.</param>
/// <param name="Mask">Bit r is set when the row of lane r takes part.</param>
internal readonly record struct RowLanes(int FirstRow, uint Mask)
{
    private static readonly Vector512<int> LaneBit = Vector512.Create([.. Enumerable.Range(0, RowTile.Lanes).Select(r => 1 << r)]);

    /// <summary>All rows of a tile that begins with <paramref name="firstRow"/>, in a matrix of <paramref name="rows"/> rows.</summary>
    public static RowLanes Of(int firstRow, int rows) => new(firstRow, (1u << Math.Min(RowTile.Lanes, rows - firstRow)) - 1);

    /// <summary>All bits set in the lanes of these rows, none in others.</summary>
    public Vector512<float> AsVector() => Vector512.Equals(Vector512.Create((int)Mask) & LaneBit, LaneBit).AsSingle();

    /// <summary>The lanes of these rows, ascending.</summary>
    public Enumerator GetEnumerator() => new(Mask);

    /// <summary>Walks over the set bits of a mask.</summary>
    public struct Enumerator(uint mask)
    {
        private uint rest = mask;

        /// <summary>Lane r.</summary>
        public int Current { get; private set; }

        /// <summary>Goes on to the next lane.</summary>
        public bool MoveNext()
        {
            if (rest == 0) return false;
            Current = BitOperations.TrailingZeroCount(rest);
            rest &= rest - 1;
            return true;
        }
    }
}
