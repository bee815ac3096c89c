%% What runs on the node of the server. The driver spawns or calls it there.
-module(field_server).
-behaviour(gen_server).
-export([sink/1, take/0, echo/0, start_waiting/2, start_collecting/2, start_answering/0]).
-export([waiting/1, init/1, handle_call/3, handle_cast/2]).

%% Receives Count messages after each question, and then answers with the processor time of this node.
sink(Count) ->
    % The documentation advises it for a process that gets very many messages.
    process_flag(message_queue_data, off_heap),
    sink_loop(Count).

sink_loop(Count) ->
    receive
        {lap, Asker} ->
            receive_messages(Count),
            Asker ! {lap_done, self(), field_meter:cpu()},
            sink_loop(Count)
    end.

receive_messages(0) ->
    ok;
receive_messages(Left) ->
    receive
        Message when is_binary(Message) -> receive_messages(Left - 1)
    end.

%% Tells whom each message names that it has been taken.
take() ->
    receive
        {From, Message} when is_binary(Message) ->
            From ! taken,
            take()
    end.

%% Sends each message back to whom it names.
echo() ->
    receive
        {From, Message} ->
            From ! Message,
            echo()
    end.

%% Starts Count processes that wait for an exit signal, and tells Waiter when each has had one. Returns them, and by
%% how many bytes the node has grown.
start_waiting(Count, Waiter) ->
    Before = field_meter:resident(),
    Owner = self(),
    Waits = spawn(fun() ->
        Countdown = field_meter:countdown(Count),
        Owner ! {waiting, self(), [spawn(?MODULE, waiting, [Countdown]) || _ <- lists:seq(1, Count)]},
        field_meter:zero(Countdown),
        Waiter ! all_ended
    end),
    receive
        {waiting, Waits, Pids} -> {Pids, Before}
    end.

waiting(Countdown) ->
    process_flag(trap_exit, true),
    receive
        {'EXIT', _, _} -> field_meter:count(Countdown)
    end.

%% Starts a process that traps Count exit signals, tells Waiter so with the processor time of this node, and starts over.
start_collecting(Count, Waiter) ->
    spawn(fun() ->
        process_flag(trap_exit, true),
        collect(Count, Waiter)
    end).

collect(Count, Waiter) ->
    collect_exits(Count),
    Waiter ! {collected, field_meter:cpu()},
    collect(Count, Waiter).

collect_exits(0) ->
    ok;
collect_exits(Left) ->
    receive
        {'EXIT', _, _} -> collect_exits(Left - 1)
    end.

%% Starts a server that answers a call with what it is called with.
start_answering() ->
    {ok, Pid} = gen_server:start(?MODULE, none, []),
    Pid.

init(State) -> {ok, State}.

handle_call(Request, _From, State) -> {reply, Request, State}.

handle_cast(_, State) -> {noreply, State}.
