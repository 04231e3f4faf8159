using System.Xml.Linq;

namespace Halfbit.Reports;

/// <summary>How one model looks in all plots: a colour and a shape, and a dash pattern for lines. Colours and shapes repeat after 8 and 7, so that 56 models look different.</summary>
/// <param name="Index">0-based place among the contestants.</param>
internal readonly record struct SeriesStyle(int Index)
{
    /// <summary>Number of colours, defined by <see cref="ReportStyle"/>.</summary>
    public const int Colours = 8;

    private const int Shapes = 7;
    private const int Dashes = 4;

    /// <summary>Style class of the colour.</summary>
    public string Colour => $"c{Index % Colours}";

    /// <summary>Style classes of a line.</summary>
    public string Line => $"line {Colour} d{(Index + (Index / Colours)) % Dashes}";

    /// <summary>The mark.</summary>
    /// <param name="x">Centre.</param>
    /// <param name="y">Centre.</param>
    /// <param name="radius">Size.</param>
    public XElement Mark(double x, double y, double radius) => Svg.Path("mark " + Colour, Outline(x, y, radius));

    /// <summary>The mark with nothing inside.</summary>
    public XElement HollowMark(double x, double y, double radius) => Svg.Path("hollow " + Colour, Outline(x, y, radius));

    private string Outline(double x, double y, double r) => (Index % Shapes) switch
    {
        0 => $"M{Svg.Number(x - r)} {Svg.Number(y)}a{Svg.Number(r)} {Svg.Number(r)} 0 1 0 {Svg.Number(2 * r)} 0a{Svg.Number(r)} {Svg.Number(r)} 0 1 0 {Svg.Number(-2 * r)} 0Z",
        1 => Polygon(x, y, r, (-0.9, -0.9), (0.9, -0.9), (0.9, 0.9), (-0.9, 0.9)),
        2 => Polygon(x, y, r, (0, -1.25), (1.15, 0.8), (-1.15, 0.8)),
        3 => Polygon(x, y, r, (0, -1.3), (1.3, 0), (0, 1.3), (-1.3, 0)),
        4 => Polygon(x, y, r, (0, 1.25), (1.15, -0.8), (-1.15, -0.8)),
        5 => Polygon(x, y, r, (-0.45, -1.2), (0.45, -1.2), (0.45, -0.45), (1.2, -0.45), (1.2, 0.45), (0.45, 0.45), (0.45, 1.2), (-0.45, 1.2), (-0.45, 0.45), (-1.2, 0.45), (-1.2, -0.45), (-0.45, -0.45)),
        _ => Polygon(x, y, r, (-0.6, -1.05), (0.6, -1.05), (1.2, 0), (0.6, 1.05), (-0.6, 1.05), (-1.2, 0)),
    };

    private static string Polygon(double x, double y, double r, params (double X, double Y)[] corners)
        => "M" + string.Join('L', corners.Select(c => $"{Svg.Number(x + (c.X * r))} {Svg.Number(y + (c.Y * r))}")) + "Z";
}
