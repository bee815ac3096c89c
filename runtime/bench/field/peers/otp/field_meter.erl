%% Time, processor time, memory; laps and trips.
-module(field_meter).
-export([now_ns/0, cpu/0, resident/0, countdown/1, count/1, zero/1, laps/3, trips/1, trips/2, per_second/2, mean/1]).

-define(WARM_UP_TRIPS, 2000).
-define(TRIPS, 20000).

%% Nanoseconds.
now_ns() -> erlang:monotonic_time(nanosecond).

%% Nanoseconds of processors that all threads of this emulator have had, to a millisecond.
cpu() ->
    {Milliseconds, _} = erlang:statistics(runtime),
    Milliseconds * 1000000.

%% Bytes.
resident() ->
    {ok, Status} = file:read_file("/proc/self/status"),
    {match, [Kilobytes]} = re:run(Status, "VmRSS:\\s+(\\d+) kB", [{capture, [1], list}]),
    list_to_integer(Kilobytes) * 1024.

%% Counts down for the calling process, which waits for zero.
countdown(Count) ->
    Left = atomics:new(1, []),
    atomics:put(Left, 1, Count),
    {Left, self()}.

count({Left, Waiter} = Countdown) ->
    case atomics:sub_get(Left, 1, 1) of
        0 -> Waiter ! {zero, Countdown};
        _ -> ok
    end.

zero(Countdown) ->
    receive
        {zero, Countdown} -> ok
    end.

%% Two laps of Count messages of Bytes each; the first warms up. A lap returns the processor time of the server at its end.
laps(Bytes, Count, Lap) ->
    Warmed = Lap(),
    {Begun, Cpu} = {now_ns(), cpu()},
    Server = Lap(),
    {Taken, Used} = {now_ns() - Begun, cpu() - Cpu},
    [
        {messages_per_s, per_second(Count, Taken)},
        {mb_per_s, per_second(Count * Bytes, Taken) / 1.0e6},
        {driver_cpu_ns, Used / Count},
        {server_cpu_ns, (Server - Warmed) / Count}
    ].

%% As many trips as are measured, after those that warm up.
trips(Trip) ->
    _ = timed(Trip, ?WARM_UP_TRIPS, []),
    values(timed(Trip, ?TRIPS, [])).

%% Trips until More says that it is enough, after those that warm up.
trips(Trip, Start) ->
    _ = timed(Trip, ?WARM_UP_TRIPS, []),
    More = Start(),
    values(while(Trip, More, [])).

timed(_, 0, Taken) -> Taken;
timed(Trip, Left, Taken) -> timed(Trip, Left - 1, [timed(Trip) | Taken]).

while(Trip, More, Taken) ->
    case More() of
        true -> while(Trip, More, [timed(Trip) | Taken]);
        false -> Taken
    end.

timed(Trip) ->
    Begun = now_ns(),
    Trip(),
    now_ns() - Begun.

values(Nanoseconds) ->
    Sorted = list_to_tuple(lists:sort(Nanoseconds)),
    Count = tuple_size(Sorted),
    At = fun(Part) -> element(min(Count, trunc(Count * Part) + 1), Sorted) / 1000 end,
    [{p50_us, At(0.5)}, {mean_us, mean(Nanoseconds) / 1000}, {p99_us, At(0.99)}, {p999_us, At(0.999)}].

mean(Values) -> lists:sum(Values) / length(Values).

per_second(Count, Nanoseconds) -> Count * 1.0e9 / Nanoseconds.
