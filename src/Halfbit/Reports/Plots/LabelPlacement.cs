namespace Halfbit.Reports;

/// <summary>A rectangle that is taken.</summary>
internal readonly record struct Box(double Left, double Top, double Right, double Bottom)
{
    /// <summary>Area that two boxes share.</summary>
    public double Overlap(Box other)
        => Math.Max(0, Math.Min(Right, other.Right) - Math.Max(Left, other.Left)) * Math.Max(0, Math.Min(Bottom, other.Bottom) - Math.Max(Top, other.Top));
}

/// <summary>Puts labels beside their marks so that they cover each other, the marks and the frame as little as possible: one after the other, each at its best free place.</summary>
internal sealed class LabelPlacement(Box frame)
{
    private const double Height = Svg.TextSize + 2;

    private readonly List<Box> taken = [];

    /// <summary>Keeps labels away from a mark or another text.</summary>
    public void Take(Box box) => taken.Add(box);

    /// <summary>The best box for a label.</summary>
    /// <param name="x">Centre of the mark.</param>
    /// <param name="y">Centre of the mark.</param>
    /// <param name="width">Width of the text.</param>
    public Box Place(double x, double y, double width)
    {
        Box best = default;
        double lowest = double.PositiveInfinity;
        foreach ((double dx, double dy) in Offsets(width))
        {
            var box = new Box(x + dx, y + dy, x + dx + width, y + dy + Height);
            double inside = box.Overlap(frame);
            double distance = Math.Max(0, Math.Abs(dy + (Height / 2)) - Height);
            double cost = (4 * ((width * Height) - inside)) + taken.Sum(box.Overlap) + distance;
            if (cost >= lowest - 1e-6) continue;
            lowest = cost;
            best = box;
        }

        taken.Add(best);
        return best;
    }

    /// <summary>Beside, above and below the mark; nearer ones first.</summary>
    private static IEnumerable<(double X, double Y)> Offsets(double width)
    {
        const double Gap = 10;
        foreach (double lift in (double[])[0, -14, 14, -28, 28, -42, 42, -56, 56])
        {
            yield return (Gap, lift - (Height / 2));
            yield return (-Gap - width, lift - (Height / 2));
            if (lift != 0) yield return (-width / 2, lift + (lift < 0 ? -Height + 4 : -4));
        }
    }
}
