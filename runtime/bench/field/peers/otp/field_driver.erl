%% The measurements between two nodes.
-module(field_driver).
-export([measure/3, lap/3]).

-define(SMALL_BYTES, 64).
-define(SMALL_MESSAGES, 250000).
-define(LARGE_BYTES, 16384).
-define(LARGE_MESSAGES, 10000).
-define(PAIRS, 100000).
-define(CALLS, 20000).
-define(WARM_UP_CALLS, 2000).
-define(FLOW_BYTES, 1073741824).
%% Bytes of long messages that may be under way at once: as many as in a session of ours.
-define(FLOW_BYTES_AHEAD, 8388608).
-define(FAN_IN_EXITS, 1000).
%% Milliseconds that both nodes rest before their memory is read and the first process ends.
-define(SETTLE, 200).

measure("oneway-64", _, Server) ->
    oneway(Server, ?SMALL_BYTES, ?SMALL_MESSAGES);
measure("oneway-16k", _, Server) ->
    oneway(Server, ?LARGE_BYTES, ?LARGE_MESSAGES);
measure("pingpong-" ++ _, _, Server) ->
    field_meter:trips(pingpong(Server));
measure("call", _, Server) ->
    Answers = erpc:call(Server, field_server, start_answering, []),
    Request = binary:copy(<<"x">>, ?SMALL_BYTES),
    Values = field_meter:trips(fun() -> gen_server:call(Answers, Request) end),
    [Value || {Name, _} = Value <- Values, lists:member(Name, [p50_us, mean_us])];
measure("calls", {Size, _}, Server) ->
    calls(Server, Size);
measure("pairs", _, Server) ->
    pairs(Server);
measure("disconnect", _, Server) ->
    disconnect(Server);
measure("cores", {_, Pairs}, Server) ->
    cores(Server, Pairs);
measure("fan-in", {Size, _}, Server) ->
    fan_in(Server, Size);
measure("tail", {Size, _}, Server) ->
    tail(Server, Size).

oneway(Server, Bytes, Count) ->
    Sink = spawn_link(Server, field_server, sink, [Count]),
    Message = binary:copy(<<"x">>, Bytes),
    field_meter:laps(Bytes, Count, fun() -> lap(Sink, Message, Count) end).

lap(Sink, Message, Count) ->
    Sink ! {lap, self()},
    send(Sink, Message, Count),
    receive
        {lap_done, Sink, Cpu} -> Cpu
    end.

send(_, _, 0) ->
    ok;
send(To, Message, Left) ->
    To ! Message,
    send(To, Message, Left - 1).

pingpong(Server) ->
    Echo = spawn_link(Server, field_server, echo, []),
    Message = binary:copy(<<"x">>, ?SMALL_BYTES),
    fun() ->
        Echo ! {self(), Message},
        receive
            Message -> ok
        end
    end.

calls(Server, Size) ->
    Answers = erpc:call(Server, field_server, start_answering, []),
    Request = binary:copy(<<"x">>, ?SMALL_BYTES),
    Run = fun(Each) ->
        Call = fun() -> [gen_server:call(Answers, Request, infinity) || _ <- lists:seq(1, Each)] end,
        Begun = field_meter:now_ns(),
        in_processes(Size, Call),
        field_meter:per_second(Each * Size, field_meter:now_ns() - Begun)
    end,
    _ = Run(?WARM_UP_CALLS div Size),
    [{calls_per_s, Run(?CALLS div Size)}].

%% Runs Work in Count processes at once, until all have done it.
in_processes(Count, Work) ->
    Countdown = field_meter:countdown(Count),
    [spawn_link(fun() -> Work(), field_meter:count(Countdown) end) || _ <- lists:seq(1, Count)],
    field_meter:zero(Countdown).

pairs(Server) ->
    {Others, ServerBefore} = erpc:call(Server, field_server, start_waiting, [?PAIRS, self()]),
    Before = field_meter:resident(),
    Processes = linked(Others),
    % An answer comes behind all links.
    pong = net_adm:ping(Server),
    timer:sleep(?SETTLE),
    Grown = field_meter:resident() - Before,
    ServerGrown = erpc:call(Server, field_meter, resident, []) - ServerBefore,
    {Begun, Cpu} = {field_meter:now_ns(), field_meter:cpu()},
    end_all(Processes),
    receive
        all_ended -> ok
    end,
    {Taken, Used} = {field_meter:now_ns() - Begun, field_meter:cpu() - Cpu},
    [
        {exits_per_s, field_meter:per_second(?PAIRS, Taken)},
        {driver_cpu_ns, Used / ?PAIRS},
        {driver_bytes, Grown / ?PAIRS},
        {server_bytes, ServerGrown / ?PAIRS}
    ].

%% Processes, one for each of Others, that are linked to it and end when they are told to.
linked(Others) ->
    Linked = field_meter:countdown(length(Others)),
    Processes = [
        spawn(fun() ->
            link(Other),
            field_meter:count(Linked),
            receive
                stop -> exit(killed)
            end
        end)
     || Other <- Others
    ],
    field_meter:zero(Linked),
    Processes.

end_all(Processes) -> lists:foreach(fun(Process) -> Process ! stop end, Processes).

disconnect(Server) ->
    {Others, _} = erpc:call(Server, field_server, start_waiting, [?PAIRS, self()]),
    {Watching, Told} = {field_meter:countdown(?PAIRS), field_meter:countdown(?PAIRS)},
    Watch = fun(Other) ->
        Reference = monitor(process, Other),
        field_meter:count(Watching),
        receive
            {'DOWN', Reference, process, Other, noconnection} -> field_meter:count(Told)
        end
    end,
    [spawn(fun() -> Watch(Other) end) || Other <- Others],
    field_meter:zero(Watching),
    pong = net_adm:ping(Server),
    timer:sleep(?SETTLE),
    Begun = field_meter:now_ns(),
    true = erlang:disconnect_node(Server),
    field_meter:zero(Told),
    [{disconnect_ms, (field_meter:now_ns() - Begun) / 1.0e6}].

%% Small messages of some pairs at once.
cores(Server, Pairs) ->
    Count = ?SMALL_MESSAGES div Pairs,
    Message = binary:copy(<<"x">>, ?SMALL_BYTES),
    Sinks = [spawn_link(Server, field_server, sink, [Count]) || _ <- lists:seq(1, Pairs)],
    Lap = fun() ->
        Finished = field_meter:countdown(Pairs),
        [spawn_link(fun() -> lap(Sink, Message, Count), field_meter:count(Finished) end) || Sink <- Sinks],
        field_meter:zero(Finished),
        0
    end,
    Values = field_meter:laps(?SMALL_BYTES, Count * Pairs, Lap),
    [lists:keyfind(messages_per_s, 1, Values)].

%% Rounds of Size processes each, which end one by one; small rounds are made more often.
fan_in(Server, Size) ->
    Rounds = max(1, ?FAN_IN_EXITS div Size),
    Collector = erpc:call(Server, field_server, start_collecting, [Size, self()]),
    Spent = [fan_in_round(Server, Collector, Size) || _ <- lists:seq(1, Rounds)],
    {Taken, Used, ServerUsed} = lists:foldl(
        fun({A, B, C}, {X, Y, Z}) -> {A + X, B + Y, C + Z} end, {0, 0, 0}, Spent
    ),
    Exits = Rounds * Size,
    [
        {exits_per_s, field_meter:per_second(Exits, Taken)},
        {driver_cpu_ns, Used / Exits},
        {server_cpu_ns, ServerUsed / Exits}
    ].

fan_in_round(Server, Collector, Size) ->
    Processes = linked(lists:duplicate(Size, Collector)),
    ServerCpu = erpc:call(Server, field_meter, cpu, []),
    {Begun, Cpu} = {field_meter:now_ns(), field_meter:cpu()},
    end_all(Processes),
    receive
        {collected, ServerCpuAfter} ->
            {field_meter:now_ns() - Begun, field_meter:cpu() - Cpu, ServerCpuAfter - ServerCpu}
    end.

%% Round trips while another process sends long messages.
tail(Server, 0) ->
    [{mb_per_s, 0} | tail_values(field_meter:trips(pingpong(Server)))];
tail(Server, Size) ->
    Count = ?FLOW_BYTES div Size,
    Main = self(),
    Start = fun() ->
        Taker = spawn_link(Server, field_server, take, []),
        Begun = field_meter:now_ns(),
        spawn_link(fun() ->
            flow(Taker, binary:copy(<<"x">>, Size), Count, max(1, ?FLOW_BYTES_AHEAD div Size), 0),
            Main ! {flowed, field_meter:now_ns() - Begun}
        end),
        fun more/0
    end,
    Values = field_meter:trips(pingpong(Server), Start),
    receive
        {flowed, Taken} -> [{mb_per_s, field_meter:per_second(Count * Size, Taken) / 1.0e6} | tail_values(Values)]
    end.

%% Sends Left messages, of which at most Ahead are under way at once.
flow(_, _, 0, _, 0) ->
    ok;
flow(Taker, Message, Left, Ahead, UnderWay) when Left > 0, UnderWay < Ahead ->
    Taker ! {self(), Message},
    flow(Taker, Message, Left - 1, Ahead, UnderWay + 1);
flow(Taker, Message, Left, Ahead, UnderWay) ->
    receive
        taken -> flow(Taker, Message, Left, Ahead, UnderWay - 1)
    end.

%% Whether messages still flow.
more() ->
    {messages, Messages} = process_info(self(), messages),
    not lists:keymember(flowed, 1, Messages).

tail_values(Values) -> [Value || {Name, _} = Value <- Values, Name =/= mean_us].
