%% A side of a measurement: a server that serves until it is killed, or a driver that measures.
-module(field).
-export([main/1]).

-define(APPLICATIONS, [crypto, asn1, public_key, ssl]).
-define(SUITE, "TLS_AES_256_GCM_SHA384").

main([Folder, Case, Size, Pairs, Server]) ->
    try
        load(),
        run(Folder, Case, {list_to_integer(Size), list_to_integer(Pairs)}, Server)
    catch
        Class:Reason:Stack ->
            io:format(standard_error, "field-otp: ~p: ~p~n~p~n", [Class, Reason, Stack]),
            halt(1)
    end.

%% The folder with the modules goes once they are loaded.
load() ->
    Missing = [Application || Application <- ?APPLICATIONS, code:lib_dir(Application) =:= {error, bad_name}],
    Missing =:= [] orelse begin
        io:format(standard_error, "field-otp: Erlang/OTP lacks ~p: apt-get install ~s~n",
            [Missing, "erlang-ssl erlang-crypto erlang-public-key erlang-asn1"]),
        halt(4)
    end,
    Modules = [field_driver, field_local, field_meter, field_names, field_server],
    [{module, Module} = code:ensure_loaded(Module) || Module <- Modules].

run(Folder, Case, {Size, _}, "") when Case =:= "selective"; hd(Case) =:= $l ->
    ok = file:del_dir_r(Folder),
    print(field_local:measure(Case, Size));
run(Folder, _, _, "") ->
    start(Folder, server),
    io:format("~b~n", [field_names:own_port()]);
run(Folder, Case, Sizes, Port) ->
    start(Folder, driver),
    field_names:set_port_of_others(list_to_integer(Port)),
    Server = 'server@127.0.0.1',
    true = net_kernel:connect_node(Server),
    print(field_driver:measure(Case, Sizes, Server)).

%% Starts the distribution over TLS 1.3, with the one suite and a certificate made for this run.
start(Folder, Name) ->
    File = filename:join(Folder, "tls.conf"),
    ok = file:write_file(File, io_lib:format("~p.~n", [tls_options()])),
    {ok, _} = net_kernel:start(list_to_atom(atom_to_list(Name) ++ "@127.0.0.1"), #{name_domain => longnames}),
    ok = file:del_dir_r(Folder).

tls_options() ->
    Key = [{key, {namedCurve, secp256r1}}],
    #{server_config := Made} = public_key:pkix_test_data(#{
        server_chain => #{root => Key, intermediates => [], peer => Key},
        client_chain => #{root => Key, intermediates => [], peer => Key}
    }),
    Common = [{versions, ['tlsv1.3']}, {ciphers, [?SUITE]}, {verify, verify_none}],
    [
        {server, [{cert, proplists:get_value(cert, Made)}, {key, proplists:get_value(key, Made)} | Common]},
        {client, Common}
    ].

%% A name and a value on each line.
print(Values) ->
    [io:format("~s ~s~n", [Name, number(Value)]) || {Name, Value} <- Values],
    erlang:halt(0, [{flush, true}]).

number(Value) when is_float(Value) -> io_lib:format("~.3f", [Value]);
number(Value) -> integer_to_list(Value).
