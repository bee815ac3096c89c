//! `snow-dist node` and `snow-dist cluster`, run as a person runs them.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, Command, Output, Stdio};

use tempfile::TempDir;

/// A directory with a cookie.
struct Place(TempDir);

impl Place {
    fn new() -> Self {
        let place = TempDir::new().unwrap();
        let made = Command::new(env!("CARGO_BIN_EXE_snow-dist"))
            .current_dir(place.path())
            .args(["cookie", "cookie"])
            .output();
        assert!(made.unwrap().status.success());
        Self(place)
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_snow-dist"));
        command.current_dir(self.0.path()).args(arguments).args(["--cookie-file", "cookie"]);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    /// Runs a script to its end.
    fn run(&self, arguments: &[&str], script: &str) -> Output {
        let mut child = self.command(arguments).spawn().unwrap();
        // One that does not read its input closes it.
        let _ = child.stdin.take().unwrap().write_all(script.as_bytes());
        child.wait_with_output().unwrap()
    }

    /// What a script prints that is done to its end.
    fn good(&self, script: &str) -> String {
        let output = self.run(&["node", "a@127.0.0.1:0"], script);
        let (shown, errors) = (text(&output.stdout), text(&output.stderr));
        assert!(output.status.success() && errors.is_empty(), "{shown}{errors}");
        shown
    }

    /// What a script prints, and what is wrong with it.
    fn bad(&self, arguments: &[&str], script: &str) -> (String, String) {
        let output = self.run(&[&["node", "a@127.0.0.1:0"], arguments].concat(), script);
        assert_eq!(output.status.code(), Some(1));
        (text(&output.stdout), text(&output.stderr))
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// A node that stays, with a printer and an echo.
struct Staying {
    child: Child,
    name: String,
}

impl Staying {
    fn start(place: &Place) -> Self {
        Self::with(place, "spawn\nregister printer $1\nspawn echo\nregister echo $2\ninfo\n")
    }

    /// One that does as a script says, which shows its name.
    fn with(place: &Place, script: &str) -> Self {
        fs::write(place.0.path().join("script"), script).unwrap();
        let mut child =
            place.command(&["node", "b@127.0.0.1:0", "--script", "script", "--stay"]).spawn().unwrap();
        let lines = BufReader::new(child.stdout.as_mut().unwrap()).lines();
        let mut names = lines
            .map_while(Result::ok)
            .filter_map(|line| line.strip_prefix("node ").map(|name| name.trim().to_owned()));
        let name = names.next().unwrap();
        Self { child, name }
    }
}

impl Drop for Staying {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn two_nodes_do_as_their_scripts_say() {
    let place = Place::new();
    let other = Staying::start(&place);
    let shown = place.good(&format!(
        r#"
        # Nothing, and then two messages.
        connect {b}
        wait up {b}
        nodes
        whereis echo on {b}
        whereis nobody on {b}
        call echo on {b} ["get", 7, {{"type": "pid", "value": "self"}}]
        send printer on {b} "hello"
        send-term printer on {b} {{"type": "tuple", "values": ["x", null]}}
        monitor printer on {b}
        spawn --monitor echo on {b} 5
        call it 6
        exit it custom enough
        wait self got DOWN of $1
        processes
        spawn
        as $2 link printer on {b}
        exit printer on {b} error so be it
        wait self got DOWN
        wait $2 has ended
        disconnect {b}
        wait down {b}
        quit
        connect nowhere
        "#,
        b = other.name
    ));
    let expected = [
        format!("* up {}", other.name),
        format!("connected with {}", other.name),
        format!("{}: version 2, dialled, up for ", other.name),
        format!(" on {}", other.name),
        "nobody".into(),
        "[\"get\", 7, <0.2.".into(),
        "(monitor ".into(),
        "$1 is <1.".into(),
        "\n6\n".into(),
        "* self got DOWN of $1 (monitor ".into(),
        format!(" on {}, which has ended: linked(", other.name),
        "error \"so be it\"".into(),
        "* $2 has ended: linked(".into(),
        format!("* down {}", other.name),
    ];
    for line in expected {
        assert!(shown.contains(&line), "{line} in {shown}");
    }
}

#[test]
fn processes_of_one_node_meet() {
    let place = Place::new();
    let shown = place.good(
        "spawn\nspawn printer\nregister one $1\nnames\nas $2 trap on\nas $1 link $2\nas $2 monitor $1\n\
         as $2 send one 'from  two'\nwait $1 got\nend one custom done\nwait $2 got EXIT\nwait $2 got DOWN\n\
         exit $2 normal\nwait $2 got EXIT of self: normal\nkill $2\nwait $2 has ended: killed\nregister 'two words'\nprocesses\n",
    );
    for line in [
        "one: $1",
        "* $1 got \"from  two\"",
        "* $2 got EXIT of $1: custom \"done\"",
        "* $1 has ended: custom \"done\"",
        ", which has ended",
        ", registered as \"two words\"",
    ] {
        assert!(shown.contains(line), "{line} in {shown}");
    }
}

#[test]
fn a_call_is_answered_by_whoever_is_at_the_prompt() {
    let place = Place::new();
    let desk = Staying::with(
        &place,
        "spawn\nregister desk $1\ninfo\nwait --within 1m got call 1\nreply 1 {\"type\": \"ok\", \"value\": [true]}\n",
    );
    let script =
        "wait up\nkept\nlet-go {b}\nkept\ncall --within 1m desk on {b} 7\n".replace("{b}", &desk.name);
    let output = place.run(&["node", "a@127.0.0.1:0", "--keep", &desk.name], &script);
    let shown = text(&output.stdout);
    assert!(output.status.success(), "{shown}{}", text(&output.stderr));
    assert!(shown.contains(&format!("{}: up, sessions: 1", desk.name)), "{shown}");
    assert!(shown.contains("no node is kept connected"), "{shown}");
    assert!(shown.contains("\nOk([true])\n"), "{shown}");
}

#[test]
fn members_of_a_group_and_global_names_are_known_on_both_nodes() {
    let place = Place::new();
    let other = Staying::with(&place, "spawn\nregister-global speaker $1\njoin chat $1\ninfo\n");
    let shown = place.good(&format!(
        "connect {b}\nwait --within 1m joins chat\njoin chat\nwait self joins chat\ngroups\nmembers chat\n\
         send-group chat 'to all'\nwait self got \"to all\"\nleave chat\nwait self leaves chat\n\
         whereis-global nobody\nsend speaker hello\nregister-global listener\nglobal-names\nunregister-global listener\n",
        b = other.name
    ));
    assert!(shown.contains(&format!(" on {} joins chat\n", other.name)), "{shown}");
    assert!(shown.contains("\nnobody\nlistener: self\nspeaker: <1."), "{shown}");
    assert!(shown.contains("\nchat: 2\nself\n<1.") && shown.contains("\nsent to 2\n"), "{shown}");
}

#[test]
fn frames_are_shown_as_decode_shows_them() {
    let place = Place::new();
    let other = Staying::start(&place);
    let script = format!(
        "connect {b}\ntrace printer on {b}\nsend it traced\ncall echo on {b} 1\n\
         trace off\nsend printer on {b} untraced\ncall echo on {b} 2\n",
        b = other.name
    );
    let shown = place.good(&script);
    let head = format!("-> {}  SEND  spec/dist.md \"SEND\"", other.name);
    assert!(shown.contains(&head) && shown.contains("|traced|"), "{shown}");
    assert!(!shown.contains("CALL") && !shown.contains("untraced"), "{shown}");
}

#[test]
fn a_trace_file_has_what_the_node_sends_and_receives() {
    let place = Place::new();
    let other = Staying::start(&place);
    let script = format!("connect {b}\nsend printer on {b} traced\ncall echo on {b} 1\n", b = other.name);
    let output = place.run(&["node", "a@127.0.0.1:0", "--trace-file", "trace"], &script);
    assert!(output.status.success(), "{}", text(&output.stderr));
    let path = place.0.path().join("trace");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600, "its owner's alone");
    }
    let written = fs::read_to_string(path).unwrap();
    let lines: Vec<serde_json::Value> =
        written.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let is = |line: &serde_json::Value, phase, tag| line["phase"] == phase && line["message"]["tag"] == tag;
    // Who the peer is, is not known in the handshake.
    let own = &lines[0]["from"];
    assert!(is(&lines[0], "handshake", "NAME") && lines[0]["to"] == "", "{}", lines[0]);
    assert!(own.as_str().unwrap().starts_with("a@127.0.0.1:") && own != "a@127.0.0.1:0", "{own}");
    let sent = lines.iter().find(|line| is(line, "session", "REG_SEND")).unwrap();
    assert!(sent["from"] == *own && sent["to"] == other.name, "{sent}");
    let payload = sent["payload"].as_str().unwrap();
    assert!(payload.starts_with("11") && payload.ends_with("747261636564"), "{payload}");
    let reply = lines.iter().find(|line| is(line, "session", "CALL_REPLY")).unwrap();
    assert!(reply["from"] == other.name && reply["to"] == *own, "{reply}");
    assert!(lines.is_sorted_by_key(|line| line["time_us"].as_u64().unwrap()));
}

#[test]
fn a_trace_file_that_cannot_be_made_is_an_error() {
    let (_, errors) = Place::new().bad(&["--trace-file", "no/folder"], "");
    assert!(errors.contains("cannot write no/folder"), "{errors}");
}

/// Returns what a terminal shows when all of these keys are typed before the command is ready for the first of them.
#[cfg(target_os = "linux")]
fn typed_ahead(place: &Place, keys: &str) -> String {
    use std::fs::File;
    use std::io::Read;
    let size = nix::pty::Winsize { ws_row: 24, ws_col: 200, ws_xpixel: 0, ws_ypixel: 0 };
    let terminal = nix::pty::openpty(Some(&size), None).unwrap();
    let (mut person, command) = (File::from(terminal.master), terminal.slave);
    person.write_all(keys.as_bytes()).unwrap();
    let mut child = place.command(&["node", "a@127.0.0.1:0", "--no-history"]);
    child.env("TERM", "xterm").stdin(command.try_clone().unwrap()).stdout(command);
    let mut running = child.spawn().unwrap();
    // Its ends of the terminal are the command's alone: when it has ended, there is nothing more to read.
    drop(child);
    let mut shown = Vec::new();
    let end = person.read_to_end(&mut shown).unwrap_err();
    assert_eq!(end.raw_os_error(), Some(nix::errno::Errno::EIO as i32));
    assert!(running.wait().unwrap().success());
    text(&shown)
}

#[test]
#[cfg(target_os = "linux")]
fn each_line_that_was_typed_ahead_or_pasted_is_done() {
    let place = Place::new();
    // Of a terminal that marks what is pasted, and Enter behind it.
    let pasted = "\u{1b}[200~spawn\nspawn\r\n\u{1b}[201~\r";
    let typed = "spawn\rspawn\nnonsense\rspawn\r";
    let shown = typed_ahead(&place, &format!("{typed}{pasted}spawn\rquit\rspawn\r"));
    let done = shown.lines().filter(|line| line.starts_with('$') || line.contains("error: "));
    let done: Vec<_> = done.filter_map(|line| line.split(' ').next()).collect();
    assert_eq!(done, ["$1", "$2", "error:", "$3", "$4", "$5", "$6"], "{shown}");
}

#[test]
fn a_script_stops_at_its_first_error_unless_it_is_to_go_on() {
    let place = Place::new();
    let (shown, errors) = place.bad(&[], "# A comment.\n\nconnect\ninfo\n");
    assert_eq!((&*shown, &*errors), ("", "error: line 3: NODE is missing: connect NODE\n"));

    let wrong = [
        ("conect x", "there is no command \"conect\": do you mean `connect`?"),
        ("let-go x@h", "x@h is not kept connected"),
        ("keep x", "not a node name"),
        ("as self as self nodes", "`as` stands once"),
        ("nodes now", "\"now\" is more than the command takes: nodes"),
        ("connect nonsense", "not a node name"),
        ("connect x@127.0.0.1:1", ""),
        ("disconnect x@h", "there is no session with x@h"),
        ("send x hello", "nobody is registered as \"x\""),
        ("send x on b@127.0.0.1:1 hello", "`connect b@127.0.0.1:1` makes one"),
        ("send x on nope hello", "\"nope\" is not a node name (`name@host:port`) at byte 4: an `@` stands"),
        ("spawn echo on nope", "\"nope\" is not a node name"),
        ("whereis x on nope", "\"nope\" is not a node name"),
        ("whereis x on", "NODE is missing"),
        ("send nobody 'on its way'", "as \"nobody\""),
        ("send $1 hello", "there is no process $1: `spawn` starts one"),
        ("send <1.2> hello", "<1.2> is no pid"),
        ("send-term self [", "a term is JSON"),
        ("exit self", "REASON is missing: exit TO REASON"),
        ("exit self sad", "\"sad\" is no reason"),
        ("kill self", "`quit` leaves it"),
        ("trap off", "self is the prompt"),
        ("reply 1 7", "there is no call 1"),
        ("register about_node", "the name is taken"),
        ("wait --within 1ms nothing", "nothing with \"nothing\" has happened within 1ms"),
        ("wait --within never x", "\"never\" is no time"),
        ("monitor x", "nobody is registered as \"x\" on a@127.0.0.1:"),
        ("call x 1", "nobody is registered as \"x\" on a@127.0.0.1:"),
        ("unregister x", "nobody is registered as \"x\" on a@127.0.0.1:"),
        ("spawn --link --monitor", "one of --link and --monitor"),
        ("spawn --monitor --link", "one of --link and --monitor"),
        ("spawn --tie", "there is no option \"--tie\""),
        ("spawn nonsense", "there is no function \"nonsense\" here: there are printer and echo"),
        ("call 'x 7", "the ' that closes 'x 7 is missing"),
    ];
    let script: String = wrong.iter().map(|(line, _)| format!("{line}\n")).collect();
    let (shown, errors) = place.bad(&["--keep-going"], &(script + "info\n"));
    assert!(shown.contains("incarnation"), "it goes on: {shown}");
    let errors: Vec<_> = errors.lines().collect();
    assert_eq!(errors.len(), wrong.len(), "{errors:#?}");
    for (number, ((line, why), error)) in wrong.iter().zip(errors).enumerate() {
        assert!(
            error.starts_with(&format!("error: line {}: ", number + 1)) && error.contains(why),
            "{line}: {error}"
        );
    }
}

#[test]
fn a_node_that_cannot_start_says_why() {
    let place = Place::new();
    for (arguments, status, why) in [
        (&["node", "a@127.0.0.1:0", "--script", "none"][..], 1, "cannot read none"),
        (&["node", "nonsense"], 2, "not a node name"),
        (&["node", "a@0.0.0.0:0"], 2, "--listen says where it listens"),
        (&["node", "a@127.0.0.1:0", "--keep", "x"], 2, "'--keep <NODE>': not a node name"),
        (
            &["node", "a@127.0.0.1", "--keep", "a@127.0.0.1:9000"],
            2,
            "error: --keep a@127.0.0.1:9000 is the node itself",
        ),
        (&["node"], 2, "<NAME>"),
        (&["node", "a@127.0.0.1:0", "--certificate", "x"], 2, "--key <PATH>"),
        (
            &["node", "a@127.0.0.1:0", "--certificate", "x", "--key", "y", "--trust", "z"],
            1,
            "the certificate in the file x cannot be read",
        ),
        (&["cluster", "--name", "a@h:1", "b@127.0.0.1:1"], 2, "--certificate <PATH>"),
        (&["node", "a@127.0.0.1:0", "--script", "x", "-c", "y"], 2, "cannot be used with"),
        (&["cluster", "nonsense"], 2, "not a node name"),
        (&["cluster", "b@127.0.0.1:1"], 1, "error: "),
        (&["cluster", "--within", "0", "b@127.0.0.1:1"], 2, "0 is not in"),
    ] {
        let output = place.run(arguments, "");
        let errors = text(&output.stderr);
        assert_eq!(output.status.code(), Some(status), "{arguments:?}: {errors}");
        assert!(errors.contains(why), "{arguments:?}: {errors}");
    }
    fs::remove_file(place.0.path().join("cookie")).unwrap();
    let (_, errors) = place.bad(&[], "");
    assert!(errors.contains("the cookie file cookie cannot be used"), "{errors}");
}

#[test]
#[cfg(unix)]
fn what_the_node_warns_of_is_shown() {
    use std::os::unix::fs::PermissionsExt;
    let place = Place::new();
    fs::set_permissions(place.0.path().join("cookie"), fs::Permissions::from_mode(0o644)).unwrap();
    let output = place.run(&["node", "a@127.0.0.1:0"], "nodes\n");
    let warning = text(&output.stderr);
    assert!(
        output.status.success() && warning.starts_with("warning: others than its owner can read"),
        "{warning}"
    );
}

#[test]
fn every_command_is_explained() {
    let place = Place::new();
    let shown = place.good("help\n");
    let words = shown.lines().filter_map(|line| line.strip_prefix("  ")?.split(' ').next());
    let commands = words.filter(|word| !word.is_empty());
    let script: String = commands.map(|command| format!("help {command}\n")).collect();
    assert!(script.lines().count() > 20, "{script}");
    let told = place.good(&(script + "help TO\nhelp TERM\nhelp REASON\n"));
    for line in ["\nTO is $1, ", "\nTERM is JSON", "\nREASON is normal"] {
        assert!(told.contains(line), "{told}");
    }
}

#[test]
fn a_node_tells_what_it_sees() {
    let place = Place::new();
    let other = Staying::start(&place);
    let cluster = |arguments: &[&str]| {
        let output = place.run(&[&["cluster", &*other.name], arguments].concat(), "");
        assert!(output.status.success(), "{}", text(&output.stderr));
        text(&output.stdout)
    };
    let shown = cluster(&[]);
    let lines: Vec<_> = shown.lines().collect();
    assert!(lines[0].starts_with("NODE"), "{shown}");
    assert!(
        lines[1].starts_with(&other.name) && lines[1].contains(" ms ") && lines[1].contains(" this command "),
        "{shown}"
    );
    assert_eq!(lines[2], "", "the command does not list itself: {shown}");
    assert!(shown.contains("up for") && shown.contains("processes: "), "{shown}");
    let json: serde_json::Value = serde_json::from_str(&cluster(&["--json"])).unwrap();
    assert_eq!(json["about"]["name"], *other.name);
    assert_eq!(json["session"]["version"], 2);
    assert_eq!(json["about"]["peers"], serde_json::json!([]));
}
