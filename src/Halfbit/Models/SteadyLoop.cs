using Halfbit.Numerics;

namespace Halfbit.Models;

/// <summary>Parallel loops that allocate nothing once they have run: the body is a static function, and what it needs is handed to it.</summary>
internal static class SteadyLoop
{
    /// <summary>As <see cref="RowParallel.For"/>.</summary>
    /// <param name="count">Number of rows, ≥ 0.</param>
    /// <param name="grain">Rows per piece, ≥ 1.</param>
    /// <param name="state">What the body needs.</param>
    /// <param name="body">Receives the state, the first row and one past the last row of a piece.</param>
    public static void For<TState>(int count, int grain, TState state, Action<TState, int, int> body)
    {
        if (count <= grain)
        {
            if (count > 0) body(state, 0, count);
            return;
        }

        Call<TState> call = Call<TState>.Idle ?? new Call<TState>();
        Call<TState>.Idle = null;
        (call.State, call.Body) = (state, body);
        try
        {
            RowParallel.For(count, grain, call.Run);
        }
        finally
        {
            (call.State, call.Body) = (default!, null!);
            Call<TState>.Idle = call;
        }
    }

    /// <summary>State and body of one running loop; each thread keeps one per type of state.</summary>
    private sealed class Call<TState>
    {
        [ThreadStatic]
        public static Call<TState>? Idle;

        public readonly Action<int, int> Run;
        public TState State = default!;
        public Action<TState, int, int> Body = null!;

        public Call() => Run = (start, end) => Body(State, start, end);
    }
}
