using Halfbit.Numerics;

namespace Halfbit.Tests.Numerics;

[Collection("thread count")]
public sealed class RowParallelTests : IDisposable
{
    private readonly int threadsBefore = RowParallel.Threads;

    public void Dispose() => RowParallel.Threads = threadsBefore;

    [Theory]
    [InlineData(0, 1)]
    [InlineData(1, 1)]
    [InlineData(5, 10)]
    [InlineData(10, 5)]
    [InlineData(1001, 7)]
    [InlineData(1000, 1)]
    public void Every_row_is_visited_once_in_pieces_that_start_at_multiples_of_the_grain(int count, int grain)
    {
        foreach (int threads in new[] { 1, 2, 5, 3 })
        {
            RowParallel.Threads = threads;
            var visits = new int[count];
            var isWrongPiece = false;
            RowParallel.For(count, grain, (start, end) =>
            {
                if (start % grain != 0 || end - start > grain || (end - start < grain && end != count)) isWrongPiece = true;
                for (int i = start; i < end; i++) Interlocked.Increment(ref visits[i]);
            });
            Assert.All(visits, visit => Assert.Equal(1, visit));
            Assert.False(isWrongPiece);
        }
    }

    [Fact]
    public void Several_threads_take_part()
    {
        RowParallel.Threads = 3;
        using var all = new Barrier(3);
        RowParallel.For(3, 1, (_, _) => Assert.True(all.SignalAndWait(TimeSpan.FromSeconds(30)), "three pieces did not run at the same time"));
    }

    [Fact]
    public void Helpers_that_came_too_late_for_a_loop_take_part_in_the_next()
    {
        RowParallel.Threads = 2;
        using var both = new Barrier(2);
        for (int round = 0; round < 200; round++)
        {
            if (round % 4 == 0) Thread.Sleep(1); // the helper falls asleep; the next loop is over before it is awake
            int visits = 0;
            RowParallel.For(3, 1, (_, _) => Interlocked.Increment(ref visits));
            Assert.Equal(3, visits);
            if (round % 3 == 0) RowParallel.For(2, 1, (_, _) => Assert.True(both.SignalAndWait(TimeSpan.FromSeconds(30)), "two pieces did not run at the same time"));
        }
    }

    [Fact]
    public void A_nested_loop_runs_on_its_caller()
    {
        RowParallel.Threads = 3;
        Assert.False(RowParallel.IsInside);
        RowParallel.For(8, 1, (_, _) =>
        {
            Assert.True(RowParallel.IsInside);
            int caller = Environment.CurrentManagedThreadId;
            RowParallel.For(8, 1, (_, _) => Assert.Equal(caller, Environment.CurrentManagedThreadId));
        });
        Assert.False(RowParallel.IsInside);
    }

    [Fact]
    public void An_exception_reaches_the_caller_after_all_threads_have_stopped_and_the_next_loop_works()
    {
        foreach (int threads in new[] { 1, 4 })
        {
            RowParallel.Threads = threads;
            for (int round = 0; round < 50; round++)
            {
                int inside = 0;
                int failing = round % 8;
                var thrown = Assert.Throws<InvalidOperationException>(() => RowParallel.For(100, 1, (start, _) =>
                {
                    Interlocked.Increment(ref inside);
                    try
                    {
                        if (start == failing) throw new InvalidOperationException("row " + failing);
                    }
                    finally
                    {
                        Interlocked.Decrement(ref inside);
                    }
                }));
                Assert.Equal("row " + failing, thrown.Message);
                Assert.Equal(0, inside);
                Assert.False(RowParallel.IsInside);
                int sum = 0;
                RowParallel.For(10, 1, (start, _) => Interlocked.Add(ref sum, start));
                Assert.Equal(45, sum);
            }
        }
    }

    [Fact]
    public void Loops_of_several_callers_run_at_once()
    {
        RowParallel.Threads = 3;
        var sums = new long[4];
        var callers = new Thread[sums.Length];
        for (int t = 0; t < callers.Length; t++)
        {
            int caller = t;
            callers[t] = new Thread(() =>
            {
                for (int round = 0; round < 2000; round++)
                {
                    int sum = 0;
                    RowParallel.For(50, 3, (start, end) =>
                    {
                        for (int i = start; i < end; i++) Interlocked.Add(ref sum, i);
                    });
                    sums[caller] += sum;
                }
            });
            callers[t].Start();
        }

        foreach (Thread thread in callers) thread.Join();
        Assert.All(sums, sum => Assert.Equal(2000L * 1225, sum));
    }

    [Fact]
    public void Two_callers_that_wait_for_each_other_inside_their_loops_do_not_block()
    {
        RowParallel.Threads = 2;
        using var both = new Barrier(2);
        var other = new Thread(() => RowParallel.For(2, 1, (start, _) => Meet(start)));
        other.Start();
        RowParallel.For(2, 1, (start, _) => Meet(start));
        Assert.True(other.Join(TimeSpan.FromSeconds(30)));

        void Meet(int start)
        {
            if (start == 0) Assert.True(both.SignalAndWait(TimeSpan.FromSeconds(30)));
        }
    }

    [Fact]
    public void A_loop_allocates_nothing_once_it_has_run()
    {
        RowParallel.Threads = 2;
        Action<int, int> body = static (_, _) => { };
        for (int round = 0; round < 100; round++) RowParallel.For(10, 1, body);
        long before = GC.GetAllocatedBytesForCurrentThread();
        for (int round = 0; round < 100; round++) RowParallel.For(10, 1, body);
        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
    }

    [Fact]
    public void Wrong_arguments_are_refused()
    {
        Assert.Throws<ArgumentOutOfRangeException>(() => RowParallel.For(-1, 1, (_, _) => { }));
        Assert.Throws<ArgumentOutOfRangeException>(() => RowParallel.For(1, 0, (_, _) => { }));
        Assert.Throws<ArgumentNullException>(() => RowParallel.For(1, 1, null!));
        Assert.Throws<ArgumentOutOfRangeException>(() => RowParallel.Threads = 0);
    }
}

/// <summary>Tests that change the number of threads do not run beside each other.</summary>
[CollectionDefinition("thread count", DisableParallelization = true)]
public sealed class ThreadCountTests;
