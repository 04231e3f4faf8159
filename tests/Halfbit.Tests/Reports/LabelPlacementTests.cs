using Halfbit.Reports;

namespace Halfbit.Tests.Reports;

public sealed class LabelPlacementTests
{
    [Fact]
    public void Labels_of_crowded_marks_cover_neither_each_other_nor_the_marks()
    {
        (double X, double Y)[] marks = [(300, 200), (304, 203), (298, 210), (310, 196), (305, 190), (330, 200)];
        var placement = new LabelPlacement(new Box(70, 20, 860, 400));
        Box[] taken = [.. marks.Select(m => new Box(m.X - 8, m.Y - 8, m.X + 8, m.Y + 8))];
        foreach (Box mark in taken) placement.Take(mark);
        var labels = new List<Box>();
        foreach ((double x, double y) in marks)
        {
            Box label = placement.Place(x, y, 90);
            Assert.All(labels, other => Assert.Equal(0, other.Overlap(label)));
            Assert.All(taken, mark => Assert.Equal(0, mark.Overlap(label)));
            labels.Add(label);
        }
    }

    [Theory]
    [InlineData(862, 200)]
    [InlineData(70, 20)]
    [InlineData(859, 399)]
    [InlineData(400, 20)]
    public void A_label_at_the_edge_stays_inside(double x, double y)
    {
        var frame = new Box(70, 20, 862, 400);
        Box label = new LabelPlacement(frame).Place(x, y, 120);
        Assert.Equal((label.Right - label.Left) * (label.Bottom - label.Top), label.Overlap(frame), 6);
    }

    [Fact]
    public void A_lonely_label_stands_right_of_its_mark()
    {
        Box label = new LabelPlacement(new Box(0, 0, 500, 500)).Place(100, 100, 80);
        Assert.InRange(label.Left, 105, 115);
        Assert.Equal(100, (label.Top + label.Bottom) / 2);
    }

    [Theory]
    [InlineData("model.layers.12.self_attn.q_proj", 12, "self_attn.q_proj")]
    [InlineData("model.decoder.layers.0.fc1", 0, "fc1")]
    [InlineData("lm_head", 0, "lm_head")]
    public void A_layer_name_tells_block_and_kind(string name, int block, string kind)
        => Assert.Equal(new LayerPlace(block, kind), LayerPlace.Of(name));
}
