%% The measurements within one node.
-module(field_local).
-export([measure/2]).
-export([waiting/1]).

-define(BYTES, 32).
-define(MESSAGES, 1000000).
-define(WARM_UP_TRIPS, 2000).
-define(TRIPS, 200000).
-define(PROCESSES, 100000).
%% Milliseconds before memory is read.
-define(SETTLE, 200).
%% Questions are asked for so many nanoseconds, and at least so often.
-define(ASKED_TIME, 300000000).
-define(ASKED_TIMES, 10).

measure("local-oneway", _) ->
    Sink = spawn_link(field_server, sink, [?MESSAGES]),
    Message = message(),
    Values = field_meter:laps(?BYTES, ?MESSAGES, fun() -> field_driver:lap(Sink, Message, ?MESSAGES) end),
    [lists:keyfind(messages_per_s, 1, Values)];
measure("local-pingpong", _) ->
    Echo = spawn_link(field_server, echo, []),
    Message = message(),
    trips(Echo, Message, ?WARM_UP_TRIPS),
    Begun = field_meter:now_ns(),
    trips(Echo, Message, ?TRIPS),
    [{mean_us, (field_meter:now_ns() - Begun) / ?TRIPS / 1000}];
measure("local-spawn", _) ->
    Begun = field_meter:now_ns(),
    start_waiting(),
    [{spawn_ns, (field_meter:now_ns() - Begun) / ?PROCESSES}];
measure("local-idle", _) ->
    Before = field_meter:resident(),
    start_waiting(),
    timer:sleep(?SETTLE),
    [{process_bytes, (field_meter:resident() - Before) / ?PROCESSES}];
measure("selective", Waiting) ->
    Answers = spawn_link(fun answer/0),
    [self() ! waits || _ <- lists:seq(1, Waiting)],
    [
        {ns, asked(fun() -> ask(Answers) end)},
        {select_ns, asked(fun() -> ask_by_reference(Answers) end)}
    ].

message() -> binary:copy(<<"x">>, ?BYTES).

trips(_, _, 0) ->
    ok;
trips(Echo, Message, Left) ->
    Echo ! {self(), Message},
    receive
        Message -> trips(Echo, Message, Left - 1)
    end.

%% Starts the processes, until the last one has begun.
start_waiting() ->
    Begun = field_meter:countdown(?PROCESSES),
    start_waiting(Begun, ?PROCESSES),
    field_meter:zero(Begun).

start_waiting(_, 0) ->
    ok;
start_waiting(Begun, Left) ->
    spawn(?MODULE, waiting, [Begun]),
    start_waiting(Begun, Left - 1).

waiting(Begun) ->
    field_meter:count(Begun),
    receive
        stop -> ok
    end.

answer() ->
    receive
        {question, Asks} -> Asks ! answer;
        {question, Asks, Reference} -> Asks ! {answer, Reference}
    end,
    answer().

%% Nanoseconds of one question and its answer.
asked(Ask) -> asked(Ask, field_meter:now_ns(), 0).

asked(Ask, Begun, Times) ->
    Taken = field_meter:now_ns() - Begun,
    case Times < ?ASKED_TIMES orelse Taken < ?ASKED_TIME of
        true ->
            Ask(),
            asked(Ask, Begun, Times + 1);
        false ->
            Taken / Times
    end.

%% Looks at each message that waits.
ask(Answers) ->
    Answers ! {question, self()},
    receive
        answer -> ok
    end.

%% The compiler and the emulator know that no message from before the reference can have it in it, and look at none.
ask_by_reference(Answers) ->
    Reference = make_ref(),
    Answers ! {question, self(), Reference},
    receive
        {answer, Reference} -> ok
    end.
