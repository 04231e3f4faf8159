using System.Runtime.CompilerServices;
using Halfbit.Representation;

namespace Halfbit.Kernels;

/// <summary>Where the planes and scales of a <see cref="SignStrip"/> come from, by row of the matrix.</summary>
/// <param name="Planes">Bits of the strip's columns: signs (set = +), second signs, bits of states.</param>
/// <param name="Scales">[groups], the scales of each: α, second α, μ; empty where they are <see cref="RowScales"/>.</param>
internal sealed record SignSource(IReadOnlyList<Func<int, UInt128>> Planes, IReadOnlyList<IReadOnlyList<Func<int, float>>> Scales);

/// <summary>
/// Signs in groups, of one or two planes: y += s·Σ_g α_g·T_g, T_g = Σ ±q over the weights of group g. Those come from as many plain sums as there are states: with one bit c to tell two states
/// apart, W(p) = T₀ + T₁ and W(p ⊕ c) = T₀ − T₁; with two bits, four such sums.
/// </summary>
/// <remarks>A record holds the planes, a line of each in turn: signs, second signs, bits of states, lowest first. Then the scales of each group: α, second α, μ.</remarks>
internal sealed unsafe class SignStrip : Strip
{
    /// <summary>Groups, and zeros, that one strip can hold.</summary>
    public const int MostStates = 8;

    /// <summary>Planes of a strip with as many states and second signs.</summary>
    private const int MostPlanes = 5;

    private const int Rows = PlaneKernel.TileRows;
    private readonly bool hasSecond;
    private readonly int stateBits;
    private readonly int planes;
    private readonly ScaleTable[] alpha;
    private readonly ScaleTable[] mu;
    private readonly GroupScales first;
    private readonly GroupScales second;
    private readonly GroupScales means;

    /// <summary>A strip of signs.</summary>
    /// <param name="columns">Its columns.</param>
    /// <param name="hasSecond">Whether there are two planes of signs.</param>
    /// <param name="stateBits">Bits that tell the groups, and zeros, apart: states 0 … groups − 1 are the groups, others are zeros; 0 to 3.</param>
    /// <param name="alpha">[groups], how row scales are stored; empty where they are <see cref="RowScales"/>.</param>
    /// <param name="mu">[groups], how means are stored; empty: there are none.</param>
    public SignStrip(int[] columns, bool hasSecond, int stateBits, IEnumerable<ScaleFormat> alpha, IEnumerable<ScaleFormat> mu)
        : base(columns)
    {
        (this.hasSecond, this.stateBits) = (hasSecond, stateBits);
        planes = 1 + (hasSecond ? 1 : 0) + stateBits;
        this.alpha = [.. alpha.Select(f => new ScaleTable(f))];
        this.mu = [.. mu.Select(f => new ScaleTable(f))];
        int scales = (this.alpha.Sum(a => a.ByteCount) * (hasSecond ? 2 : 1)) + this.mu.Sum(m => m.ByteCount);
        ByteCount = (planes * PlaneBytes) + scales;
        int[] starts = new int[this.alpha.Length];
        for (int g = 1; g < starts.Length; g++) starts[g] = starts[g - 1] + (this.alpha[g - 1].ByteCount * (hasSecond ? 2 : 1)) + (this.mu.Length > 0 ? this.mu[g - 1].ByteCount : 0);
        first = new GroupScales(this.alpha, starts);
        second = new GroupScales(hasSecond ? this.alpha : [], [.. starts.Select((start, g) => start + this.alpha[g].ByteCount)]);
        means = new GroupScales(this.mu, [.. starts.Select((start, g) => start + (this.alpha[g].ByteCount * (hasSecond ? 2 : 1)))]);
    }

    /// <inheritdoc/>
    public override int ByteCount { get; }

    /// <summary>Whether there are two planes of signs.</summary>
    public bool HasSecond => hasSecond;

    /// <summary>Bits that tell the groups, and zeros, apart.</summary>
    public int StateBits => stateBits;

    /// <summary>[groups], how row scales are stored.</summary>
    public IEnumerable<ScaleFormat> AlphaFormats => alpha.Select(a => a.Format);

    /// <summary>[groups], how means are stored; empty: there are none.</summary>
    public IEnumerable<ScaleFormat> MuFormats => mu.Select(m => m.Format);

    /// <inheritdoc/>
    public override string Description => (hasSecond ? "two planes of signs" : "signs") + (alpha.Length > 1 ? $" in {alpha.Length} groups" : string.Empty);

    /// <summary>Bytes from one line of a plane to the next.</summary>
    private nint Stride => planes * PlaneKernel.Line;

    /// <summary>The strip with what writes its records.</summary>
    public StripSource From(SignSource source) => new(this, (record, firstRow, rows) => Write((byte*)record, source, firstRow, rows));

    private void Write(byte* record, SignSource source, int firstRow, int rows)
    {
        for (int k = 0; k < planes; k++)
        {
            Func<int, UInt128> bitsOf = source.Planes[k];
            PlaneBits.Write(record + (k * PlaneKernel.Line), Words, Stride, rows, r => bitsOf(firstRow + r));
        }

        byte* at = record + (planes * PlaneBytes);
        for (int g = 0; g < alpha.Length; g++)
        {
            for (int k = 0; k < source.Scales[g].Count; k++)
            {
                ScaleTable table = k < (hasSecond ? 2 : 1) ? alpha[g] : mu[g];
                WriteScales(at, table, firstRow, rows, source.Scales[g][k]);
                at += table.ByteCount;
            }
        }
    }

    /// <inheritdoc/>
    public override void Add(byte* record, in StripInput input, float* y, PlaneKernel kernel)
    {
        byte* scales = record + (planes * PlaneBytes);
        if (stateBits > 0 || hasSecond || mu.Length > 0) AddGroups(record, scales, input, y, kernel);
        else if (alpha.Length > 0) kernel.AddSigned(record, Words, input, alpha[0], scales, y);
        else AddPlain(record, input, y, kernel);
    }

    /// <inheritdoc/>
    /// <remarks>One plane in one group; the signs of weights that do not count are +.</remarks>
    [SkipLocalsInit]
    public override void AddRest(byte* record, in StripInput input, short* left, float* y, PlaneKernel kernel)
    {
        int* room = stackalloc int[(Rows / 2) + PlaneKernel.LineInts];
        short* sums = (short*)PlaneKernel.AlignedLine(room);
        byte* scales = record + PlaneBytes;
        kernel.Sum(record, Words, Stride, input, sums);
        TileSums.Subtract(left, sums);
        if (alpha.Length == 0)
        {
            TileSums.AddScaled(sums, input.Scale, y);
            return;
        }

        TileSums.AddScaled(sums, alpha[0], scales, input.Scale, y);
        if (mu.Length == 0) return;
        new Span<short>(sums, Rows).Fill((short)input.Total);
        TileSums.Subtract(left, sums);
        TileSums.AddScaled(sums, mu[0], scales + alpha[0].ByteCount, input.Scale, y);
    }

    /// <inheritdoc/>
    public override void Expand(byte* record, int row, float* u)
    {
        // Of each state, the weight where the signs are − −, + −, − +, + +: first sign, second sign.
        float* weights = stackalloc float[4 * MostStates];
        new Span<float>(weights, 4 * MostStates).Clear();
        byte* at = record + (planes * PlaneBytes);
        for (int g = 0; g < Math.Max(1, alpha.Length); g++)
        {
            float a = Next(alpha);
            float b = hasSecond ? Next(alpha) : 0;
            float m = mu.Length > 0 ? Next(mu) : 0;
            for (int signs = 0; signs < 4; signs++)
            {
                float first = m + ((signs & 1) != 0 ? a : -a);
                weights[(4 * g) + signs] = hasSecond ? first + ((signs & 2) != 0 ? b : -b) : first;
            }

            float Next(ScaleTable[] tables)
            {
                if (tables.Length == 0) return 1;
                float scale = tables[g].Read(at, row);
                at += tables[g].ByteCount;
                return scale;
            }
        }

        UInt128* bits = stackalloc UInt128[MostPlanes];
        for (int k = 0; k < planes; k++) bits[k] = PlaneBits.Read(record + (k * PlaneKernel.Line), Words, Stride, row);
        int signPlanes = hasSecond ? 2 : 1;
        for (int n = 0; n < Columns.Length; n++)
        {
            int state = 0;
            for (int k = 0; k < stateBits; k++) state |= (int)(bits[signPlanes + k] >> n & 1) << k;
            int signs = (int)(bits[0] >> n & 1) + (hasSecond ? 2 * (int)(bits[1] >> n & 1) : 0);
            u[n] = weights[(4 * state) + signs];
        }
    }

    [SkipLocalsInit]
    private void AddPlain(byte* plane, in StripInput input, float* y, PlaneKernel kernel)
    {
        int* room = stackalloc int[(Rows / 2) + PlaneKernel.LineInts];
        short* sums = (short*)PlaneKernel.AlignedLine(room);
        kernel.Sum(plane, Words, Stride, input, sums);
        TileSums.AddScaled(sums, input.Scale, y);
    }

    [SkipLocalsInit]
    private void AddGroups(byte* signs, byte* scales, in StripInput input, float* y, PlaneKernel kernel)
    {
        int* room = stackalloc int[(Rows / 2 * MostStates) + PlaneKernel.LineInts];
        short* sums = (short*)PlaneKernel.AlignedLine(room);
        byte* states = signs + ((hasSecond ? 2 : 1) * PlaneKernel.Line);
        SumStates(signs, states, input, sums, kernel);
        TileSums.AddScaled(sums, first, scales, input.Scale, y);
        if (hasSecond)
        {
            SumStates(signs + PlaneKernel.Line, states, input, sums, kernel);
            TileSums.AddScaled(sums, second, scales, input.Scale, y);
        }

        if (mu.Length == 0) return;
        AddMeans(states, scales, input, sums, y, kernel);
    }

    /// <summary>Adds μ·Σ q over the weights of each group: sums of signs that are all +.</summary>
    [SkipLocalsInit]
    private void AddMeans(byte* states, byte* scales, in StripInput input, short* sums, float* y, PlaneKernel kernel)
    {
        byte* room = stackalloc byte[(MostPlanes * PlaneKernel.MostPlaneBytes) + PlaneKernel.WordBytes];
        byte* ones = (byte*)PlaneKernel.AlignedLine(room);
        for (int line = 0; line < Words * PlaneKernel.WordLines; line++) new Span<byte>(ones + (line * Stride), PlaneKernel.Line).Fill(255);
        SumStates(ones, states, input, sums, kernel);
        TileSums.AddScaled(sums, means, scales, input.Scale, y);
    }

    /// <summary>sums ← T of each state, for one plane of signs.</summary>
    [SkipLocalsInit]
    private void SumStates(byte* plane, byte* states, in StripInput input, short* sums, PlaneKernel kernel)
    {
        switch (stateBits)
        {
            case 0:
                kernel.Sum(plane, Words, Stride, input, sums);
                break;
            case 1:
                kernel.SumPair(plane, states, Words, Stride, input, sums);
                break;
            case 2:
                kernel.SumQuad(plane, states, states + PlaneKernel.Line, Words, Stride, input, sums);
                break;
            default:
                byte* room = stackalloc byte[(MostPlanes * PlaneKernel.MostPlaneBytes) + PlaneKernel.WordBytes];
                byte* other = (byte*)PlaneKernel.AlignedLine(room);
                PlaneBits.Xor(plane, states + (2 * PlaneKernel.Line), Words, Stride, other, Stride);
                kernel.SumQuad(plane, states, states + PlaneKernel.Line, Words, Stride, input, sums);
                kernel.SumQuad(other, states, states + PlaneKernel.Line, Words, Stride, input, sums + (4 * Rows));
                for (int s = 0; s < 4; s++) TileSums.Split(sums + (s * Rows), sums + ((s + 4) * Rows));
                break;
        }
    }
}
