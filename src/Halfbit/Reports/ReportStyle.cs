namespace Halfbit.Reports;

/// <summary>The page's style sheet. Colours are variables with one set for light and one for dark pages; no character in it needs escaping.</summary>
internal static class ReportStyle
{
    /// <summary>Colours of a light page: paper, ink, soft ink, grid, then one per series.</summary>
    public static IReadOnlyList<string> Light { get; } = ["#ffffff", "#1c2128", "#57606a", "#d5dae0", "#0062a8", "#c24a00", "#007a5a", "#a03a84", "#806200", "#0f7590", "#5a4fcf", "#5f5f5f"];

    /// <summary>The same of a dark page.</summary>
    public static IReadOnlyList<string> Dark { get; } = ["#14181d", "#e6eaee", "#a3adb8", "#343b44", "#5bb0f5", "#ff8b4d", "#35c79a", "#e58ac9", "#e3b740", "#6fd3ea", "#a59bff", "#bdbdbd"];

    /// <summary>The whole sheet.</summary>
    public static string Sheet { get; } = $$"""
        :root { color-scheme: light dark; {{Variables(Light)}} }
        @media (prefers-color-scheme: dark) { :root { {{Variables(Dark)}} } }
        {{string.Concat(Enumerable.Range(0, SeriesStyle.Colours).Select(k => $".c{k} {{ --c: var(--s{k}); }} "))}}
        body { margin: 0 auto; padding: 24px 20px 48px; max-width: 1000px; background: var(--paper); color: var(--ink); font: 16px/1.5 system-ui, sans-serif; }
        h1 { font-size: 1.6em; line-height: 1.25; margin: 0 0 8px; }
        h2 { font-size: 1.2em; margin: 40px 0 4px; }
        p, figcaption { max-width: 75ch; }
        figcaption, .note { color: var(--soft); font-size: 0.92em; }
        figure { margin: 0; }
        .scroll { overflow-x: auto; }
        table { border-collapse: collapse; font-size: 0.88em; font-variant-numeric: tabular-nums; margin: 12px 0; }
        caption { text-align: left; color: var(--soft); padding-bottom: 6px; }
        th, td { padding: 4px 10px; text-align: right; border-bottom: 1px solid var(--grid); vertical-align: baseline; }
        thead th { font-weight: 600; vertical-align: bottom; border-bottom: 2px solid var(--soft); }
        th[scope="row"], th:first-child, .text { text-align: left; font-weight: normal; }
        th[scope="row"] { white-space: nowrap; }
        thead th.text { font-weight: 600; }
        tr.front th, tr.front td { font-weight: 600; }
        tr.failed td { color: var(--soft); }
        tr.sum th, tr.sum td { border-top: 2px solid var(--soft); }
        dl { display: grid; grid-template-columns: max-content 1fr; gap: 4px 20px; }
        dt { color: var(--soft); }
        dd { margin: 0; overflow-wrap: anywhere; }
        summary { cursor: pointer; color: var(--soft); margin-top: 8px; }
        svg { display: block; width: 100%; min-width: 620px; height: auto; margin: 12px 0; overflow: visible; }
        svg text { font: 12px system-ui, sans-serif; fill: var(--ink); }
        svg .tick, svg .soft { fill: var(--soft); }
        svg .axis-title { fill: var(--soft); font-size: 13px; }
        svg .panel { font-weight: 600; }
        svg .label { paint-order: stroke; stroke: var(--paper); stroke-width: 3px; stroke-linejoin: round; }
        .grid { stroke: var(--grid); stroke-width: 1; }
        .axis { stroke: var(--soft); stroke-width: 1; }
        .leader { stroke: var(--soft); stroke-width: 0.8; }
        .floor { stroke: var(--soft); stroke-width: 1.5; stroke-dasharray: 7 5; }
        .front { fill: none; stroke: var(--ink); stroke-width: 1.5; stroke-opacity: 0.75; }
        .mark { fill: var(--c); stroke: var(--paper); stroke-width: 1; }
        .hollow { fill: var(--paper); stroke: var(--c); stroke-width: 1.8; }
        .bond { stroke: var(--c); stroke-width: 3; stroke-opacity: 0.55; }
        .bar { fill: var(--c); }
        .line { fill: none; stroke: var(--c); stroke-width: 1.6; stroke-linejoin: round; }
        .d1 { stroke-dasharray: 6 3; }
        .d2 { stroke-dasharray: 2 2.5; }
        .d3 { stroke-dasharray: 9 3 2 3; }
        svg.key { display: inline-block; width: 36px; min-width: 0; height: 14px; margin: 0 6px 0 0; vertical-align: -2px; }
        svg.swatch { display: inline-block; width: 16px; min-width: 0; height: 16px; margin: 0 6px 0 0; vertical-align: -3px; }
        .legend { list-style: none; padding: 0; margin: 8px 0; display: flex; flex-wrap: wrap; gap: 4px 18px; font-size: 0.9em; }
        @media print { body { max-width: none; } figure { break-inside: avoid; } }
        """;

    private static string Variables(IReadOnlyList<string> colours)
        => $"--paper: {colours[0]}; --ink: {colours[1]}; --soft: {colours[2]}; --grid: {colours[3]}; "
            + string.Concat(Enumerable.Range(0, SeriesStyle.Colours).Select(k => $"--s{k}: {colours[4 + k]}; ")).TrimEnd();
}
