using Halfbit.Numerics;
using Halfbit.Representation;

namespace Halfbit.Tests.Representation;

/// <summary>What each logical matrix stands for, worked out by hand.</summary>
public sealed class QuantizedMatrixTests
{
    private static readonly ScaleFormat Half = new(ScaleKind.Half, 0);

    [Fact]
    public void Signs_stand_for_mean_plus_or_minus_scale_of_their_group()
    {
        var signs = new BitMatrix(2, 5) { [0, 0] = true, [0, 4] = true, [1, 2] = true };
        var matrix = new SignMatrix(signs, 3, [1, 2, 3, 4], [0.5f, 0.25f, 0, -1], Half);
        Assert.Equal((3, 2), (matrix.GroupSize, matrix.Groups));
        Assert.Equal([1.5f, -0.5f, -0.5f, -1.75f, 2.25f, -3, -3, 3, -5, -5], Matrix.Expand(matrix).Data);
        Assert.Equal([1f, -1, -1, -2, 2, -3, -3, 3, -4, -4], Matrix.Expand(new SignMatrix(signs, 3, [1, 2, 3, 4], null, Half)).Data);
    }

    [Fact]
    public void Codes_stand_for_steps_from_the_zero_code_of_their_group()
    {
        byte[] codes = [0, 1, 2, 3, 3, 2, 1, 0];
        Assert.Equal([-1f, 0, 0, 2, 6, 3, 0, -8], Matrix.Expand(new GridMatrix(2, 4, 2, codes, 2, [1, 2, 3, 8], [1, 2, 1, 1], Half)).Data);
        Assert.Equal([-2f, -1, 0, 1, 2, 0, -2, -4], Matrix.Expand(new GridMatrix(2, 4, 2, codes, -1, [1, 2], null, Half)).Data);
        Assert.Equal([100f, 101, 102, 103, 6, 4, 2, 0], Matrix.Expand(new GridMatrix(2, 4, 2, codes, -1, [1, 2], [-100, 0], Half)).Data);
    }

    [Fact]
    public void A_mixture_takes_each_weight_from_the_part_that_its_mask_names()
    {
        var mask = new BitMatrix(2, 2) { [0, 1] = true, [1, 0] = true };
        var plain = new PlainMatrix(new Matrix(2, 2, [1, 2, 3, 4]), Half);
        Assert.Equal([0f, 2, 3, 0], Matrix.Expand(new MixedMatrix(mask, plain, new ZeroMatrix(2, 2))).Data);
        Assert.Equal([1f, 0, 0, 4], Matrix.Expand(new MixedMatrix(mask, new ZeroMatrix(2, 2), plain)).Data);
    }

    [Fact]
    public void Grouped_signs_stand_for_the_levels_of_their_group_and_weights_left_out_for_zero()
    {
        // Column 1 is salient: μ = 0.5, planes of 2·β and 1·β with β = 3 and 5. Blocks of two columns.
        var salient = new SignGroup { Alpha = [[2, 9], [1, 9]], Mu = [0.5f, 9], Beta = [[9, 3, 9], [9, 5, 9]] };
        var near = new SignGroup { Alpha = [[4, 8]] };
        var far = new SignGroup { Alpha = [[16, 32]] };
        var signs = new BitMatrix(1, 3) { [0, 0] = true };
        var matrix = new GroupedSignMatrix(signs, [salient, near, far], 1, 2)
        {
            IsSalient = [false, true, false],
            SecondSigns = new BitMatrix(1, 3) { [0, 1] = true },
            GroupOf = [1, 0, 2],
        };
        Assert.Equal((2, 2), (matrix.GroupSize, matrix.Blocks));
        Assert.Equal([4f, 0.5f - 6 + 5, -32], Matrix.Expand(matrix).Data);

        var pruned = new GroupedSignMatrix(signs, [salient, near], 1, 2) { IsSalient = [false, true, false], SecondSigns = new BitMatrix(1, 3), Keep = new BitMatrix(1, 3) { [0, 1] = true } };
        Assert.Equal([0f, 0.5f - 6 - 5, 0], Matrix.Expand(pruned).Data);
    }

    [Fact]
    public void Tables_and_parts_of_another_shape_are_refused()
    {
        var signs = new BitMatrix(2, 4);
        Assert.Throws<ArgumentException>(() => new SignMatrix(signs, 2, [1, 2, 3], null, Half));
        Assert.Throws<ArgumentException>(() => new SignMatrix(signs, -1, [1, 2], [1], Half));
        Assert.Throws<ArgumentException>(() => new GridMatrix(2, 4, 4, new byte[7], -1, [1, 1], null, Half));
        Assert.Throws<ArgumentException>(() => new GridMatrix(2, 4, 4, new byte[8], -1, [1, 1], [0], Half));
        Assert.Throws<ArgumentOutOfRangeException>(() => new GridMatrix(2, 4, 9, new byte[8], -1, [1, 1], null, Half));
        Assert.Throws<ArgumentOutOfRangeException>(() => new GridMatrix(2, 4, 4, new byte[8], 0, [1, 1], null, Half));
        Assert.Throws<ArgumentOutOfRangeException>(() => new ZeroMatrix(0, 4));
        var zero = new ZeroMatrix(2, 4);
        Assert.Throws<ArgumentException>(() => new MixedMatrix(signs, zero, new ZeroMatrix(2, 5)));
        Assert.Throws<ArgumentException>(() => new MixedMatrix(signs, new MixedMatrix(signs, zero, zero), zero));
    }
}
