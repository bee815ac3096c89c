//! The command, run as a person runs it.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

use std::io::Write;
use std::process::{Command, Output, Stdio};

fn run(arguments: &[&str], input: &[u8]) -> Output {
    let mut child = Command::new(env!("CARGO_BIN_EXE_snow-dist"))
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let input = input.to_vec();
    // A child that does not read its input closes the pipe: that is no failure of the test.
    let writer = std::thread::spawn(move || drop(stdin.write_all(&input)));
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap();
    output
}

fn good(arguments: &[&str], input: &[u8]) -> String {
    let output = run(arguments, input);
    let errors = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success(), "{arguments:?}: {errors}");
    assert_eq!(errors, "");
    String::from_utf8(output.stdout).unwrap()
}

fn bad(arguments: &[&str], input: &[u8]) -> (String, String) {
    let output = run(arguments, input);
    assert_eq!(output.status.code(), Some(1), "{arguments:?}");
    (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap())
}

#[test]
fn a_frame_is_shown_field_by_field() {
    assert_eq!(
        good(&["decode", "11000000", "13 05000000:00000000 0x2a00000000070100"], b""),
        "LINK  spec/dist.md \"LINK\"\n\
         \x20 000000  11 00 00 00              length  17\n\
         \x20 000004  13                       tag     LINK\n\
         \x20 000005  05 00 00 00 00 00 00 00  from    <0.5>\n\
         \x20 00000d  2a 00 00 00 00 07 01 00  to      <1.42.7>\n\n"
    );
}

#[test]
fn json_goes_both_ways() {
    let line = "{\"offset\":0,\"length\":9,\"tag\":\"PING\",\"fields\":{\"payload\":\"0102030405060708\"},\"trailing\":\"\"}\n";
    assert_eq!(good(&["decode", "--json", "09000000f00102030405060708"], b""), line);
    assert_eq!(good(&["encode"], line.as_bytes()), "09000000f00102030405060708\n");
    let raw = run(&["encode", "--raw", line.trim()], b"").stdout;
    assert_eq!(raw, b"\x09\0\0\0\xf0\x01\x02\x03\x04\x05\x06\x07\x08");
}

#[test]
fn a_stream_is_decoded_frame_by_frame() {
    let stream =
        b"\x00\x00\x00\x00\x02\x00\x00\x00\x13\x01\x09\x00\x00\x00\xf0\x01\x02\x03\x04\x05\x06\x07\x08";
    let (out, errors) = bad(&["decode", "--raw", "--json"], stream);
    assert_eq!(
        out.lines().collect::<Vec<_>>(),
        [
            "{\"offset\":0,\"length\":0,\"tag\":\"EMPTY\",\"fields\":{},\"trailing\":\"\"}",
            "{\"offset\":4,\"error\":{\"kind\":\"truncated\",\"field\":\"from\",\"at\":1,\"message\":\"`from` at byte 1: \
             needs 8 bytes, the message ends after 1 of them\"}}",
            "{\"offset\":10,\"length\":9,\"tag\":\"PING\",\"fields\":{\"payload\":\"0102030405060708\"},\"trailing\":\"\"}",
        ]
    );
    assert_eq!(
        errors,
        "error: `from` at byte 1: needs 8 bytes, the message ends after 1 of them\n\
         \x20 [02 00 00 00] 13 01\n\
         \x20                  ^^\n"
    );
}

#[test]
fn lines_are_inputs_of_their_own() {
    let lines = b"# a comment\n\n01000000 99\nxyz\n0100000098\n";
    let (out, errors) = bad(&["decode", "--json"], lines);
    assert_eq!(
        out.lines().map(|line| line.split(',').next().unwrap()).collect::<Vec<_>>(),
        ["{\"offset\":0", "{\"offset\":0", "{\"offset\":0"]
    );
    assert!(out.contains("\"tag\":\"UNKNOWN\",\"fields\":{\"code\":153,\"payload\":\"\"}"), "{out}");
    assert!(errors.starts_with("error: line 4: character 1 of the hexadecimal text, 'x', is no"), "{errors}");
    let (out, _) = bad(&["decode", "--json", "--reading", "strict"], b"0100000099\n");
    assert!(out.contains("\"kind\":\"unknown_tag\",\"field\":\"tag\",\"at\":0"), "{out}");
}

#[test]
fn a_stream_that_ends_too_early_or_promises_too_much() {
    for (hex, kind, field, at) in [
        ("1100", "incomplete", "length", 0),
        ("1100000013", "incomplete", "payload", 1),
        ("0100000100", "too_long", "length", 0),
    ] {
        let (out, _) = bad(&["decode", "--json", hex], b"");
        let expected =
            format!("{{\"offset\":0,\"error\":{{\"kind\":\"{kind}\",\"field\":\"{field}\",\"at\":{at},");
        assert!(out.starts_with(&expected), "{out}");
    }
    let (out, _) = bad(&["decode", "--json", "--phase", "handshake", "01100000"], b"");
    assert!(out.contains("a payload of 4097 bytes is over the limit of 4096"), "{out}");
    let (_, errors) = bad(&["decode", "123"], b"");
    assert!(errors.contains("a digit is missing: every byte has two"), "{errors}");
    let (_, errors) = bad(&["decode"], b"\n# nothing\n");
    assert!(errors.contains("nothing to decode"), "{errors}");
    let (_, errors) = bad(&["decode", "--file", "no-such-file"], b"");
    assert!(errors.contains("cannot read no-such-file"), "{errors}");
    assert_eq!(run(&["decode", "--as", "nonsense"], b"").status.code(), Some(2));
}

#[test]
fn bare_pieces_go_both_ways() {
    for (piece, hex) in [
        ("reason", "00"),
        ("reason", "030900000000070100030300000000000000010100000000000000780a"),
        ("reason", "09aabb"),
        ("pid", "2a00000000070100"),
        ("name", "6140683a39303030"),
        ("signal", "ffffffffffffffff030000000000000002"),
        ("signal", "fefffffffffffffff10000000000000009000000000000000104000000000000006e6f7065"),
        ("signal", "fcffffffffffffff614068"),
        ("term", "0106"),
        (
            "term",
            "010d0901ffffffffffffffff02000000000000f87f0a0200000003040b010100000005010000006b06\
             0c0100000005010000007314010050010001007806150100530301001e09000000000000002829\
             2a06",
        ),
    ] {
        let hex = hex.replace(' ', "");
        let json = good(&["decode", "--json", "--as", piece, &hex], b"");
        assert_eq!(good(&["encode", "--as", piece], json.as_bytes()).trim(), hex, "{json}");
        assert!(!good(&["decode", "--as", piece, &hex], b"").is_empty());
    }
    for (piece, hex) in
        [("reason", "03"), ("pid", "00"), ("name", "61"), ("signal", "0000000000000000"), ("term", "0107")]
    {
        bad(&["decode", "--as", piece, hex], b"");
        bad(&["decode", "--json", "--as", piece, hex], b"");
    }
}

#[test]
fn a_term_is_shown_value_by_value() {
    let term = "010d04 0a0200000003 04 14010050020001007806010079 2806 150100530101001e0900000000000000 0b0101000000 05010000006b 06";
    assert_eq!(
        good(&["decode", "--as", "term", term], b""),
        "term  spec/stf.md \"Layout\"\n\
         \x20 000000  01                          version           1\n\
         \x20 000001  0d 04                       value             tuple of 4\n\
         \x20 000003  0a 02 00 00 00              value[0]          list of 2\n\
         \x20 000008  03                          value[0][0]       true\n\
         \x20 000009  04                          value[0][1]       false\n\
         \x20 00000a  14 01 00 50 02 00           value[1]          struct \"P\" of 2\n\
         \x20 000010  01 00 78                    value[1].name[0]  \"x\"\n\
         \x20 000013  06                          value[1][0]       unit\n\
         \x20 000014  01 00 79                    value[1].name[1]  \"y\"\n\
         \x20 000017  28                          value[1][1]       Some\n\
         \x20 000018  06                          value[1][1].0     unit\n\
         \x20 000019  15 01 00 53 01 01 00        value[2]          sum \"S\" variant 1 of 1\n\
         \x20 000020  1e 09 00 00 00 00 00 00 +1  value[2][0]       <0.9>\n\
         \x20 000029  0b 01 01 00 00 00           value[3]          map of 1, string keys\n\
         \x20 00002f  05 01 00 00 00 6b           value[3].key[0]   \"k\"\n\
         \x20 000035  06                          value[3][0]       unit\n\n"
    );
}

#[test]
fn a_large_term_is_shown_shortened() {
    // A list of 20 lists of 20 units; then 63 Somes.
    let inner = format!("0a14000000{}", "06".repeat(20));
    let shown = good(&["decode", "--as", "term", &format!("010a14000000{}", inner.repeat(20))], b"");
    assert!(shown.lines().count() < 300 && shown.contains("value[0]       4 more"), "{shown}");
    assert!(shown.contains("+92  value          4 more"), "{shown}");
    let deep = good(&["decode", "--as", "term", &format!("01{}06", "2a".repeat(63))], b"");
    assert!(deep.contains(".0.0  unit"), "{deep}");
}

#[test]
fn a_name_is_shown_part_by_part() {
    assert_eq!(
        good(&["decode", "--as", "name", "6140683a39"], b""),
        "name  spec/dist.md \"Node names\"\n\
         \x20 000000  61     name  \"a\"\n\
         \x20 000001  40           @\n\
         \x20 000002  68     host  \"h\"\n\
         \x20 000003  3a 39  port  9\n\n"
    );
    assert!(good(&["decode", "--as", "name", "614068"], b"").contains("port  9000, since none is said"));
    assert_eq!(good(&["encode", "--as", "name", r#"{"value":{"name":"a","host":"h"}}"#], b""), "614068\n");
}

#[test]
fn every_section_that_is_named_exists() {
    let spec = |file: &str| {
        let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(file);
        std::fs::read_to_string(path).unwrap()
    };
    for arguments in [
        &["0100000099"][..],
        &["00000000"],
        &["09000000f00102030405060708"],
        &["--phase", "handshake", "0700000001030061406801"],
        &["--as", "reason", "00"],
        &["--as", "pid", "0000000000000000"],
        &["--as", "term", "0106"],
        &["--as", "signal", "fcffffffffffffff614068"],
        &["--as", "name", "614068"],
    ] {
        let shown = good(&[&["decode"], arguments].concat(), b"");
        let (file, heading) =
            shown.lines().next().unwrap().split_once("  ").unwrap().1.split_once(' ').unwrap();
        let heading = format!("\n## {}\n", heading.trim_matches('"'));
        assert!(spec(file).contains(&heading), "{shown}");
    }
}

#[test]
fn a_message_of_the_other_phase_is_told_apart() {
    let shown = good(&["decode", "0700000001030061406801"], b"");
    assert!(shown.contains("UNKNOWN; with --phase handshake NAME"), "{shown}");
    let (_, errors) = bad(&["encode", r#"{"tag":"NAME","fields":{"name":"a@h","creation":1}}"#], b"");
    assert!(errors.contains("NAME is a message of the handshake: say --phase handshake"), "{errors}");
    let (_, errors) = bad(&["encode", "--phase", "handshake", r#"{"tag":"LINK"}"#], b"");
    assert!(errors.contains("LINK is a frame: leave out --phase handshake"), "{errors}");
    let challenge = "a5".repeat(32);
    let reply = format!("4100000003{}{challenge}", "00".repeat(32));
    let shown = good(&["decode", "--phase", "handshake", &reply], b"");
    assert!(shown.contains(&format!("challenge  {challenge}")) && shown.contains("all zero"), "{shown}");
}

#[test]
fn the_place_in_json_is_marked() {
    for (json, column) in [
        (r#"{"tag":"PING" "fields":{}}"#, 14),
        (r#"{"tag":"PING","fields":{"payload":"01"}}"#, 24),
        (r#"{"tag":"PING","fields":{"payload":"0g"}}"#, 24),
        (r#"{"tag":"CLOSE","fields":{"text":"é","code":70000}}"#, 36),
        (r#"{"tag":"LINK","fields":{}}"#, 1),
        (r#"{"tag":"NOPE"}"#, 1),
        ("{\"tag\":\"PING\",\n\"fields\":5}", 24),
    ] {
        let (_, errors) = bad(&["encode", json], b"");
        let mark = errors.lines().last().unwrap();
        assert_eq!(mark, format!("  {}^", " ".repeat(column)), "{errors}");
        assert!(!errors.contains(" at line "), "{errors}");
    }
}

#[test]
fn what_describes_no_message_is_refused() {
    for (json, message) in [
        ("{", "not the JSON of a message: EOF while parsing"),
        ("{\"tag\":\"NOPE\"}", "\"NOPE\" is not the name of a message here"),
        ("{\"tag\":\"PING\"}", "PING: field `payload` is missing"),
        (
            "{\"tag\":\"PING\",\"fields\":{\"payload\":\"01\"}}",
            "field `payload` has 1 byte where 8 are needed",
        ),
        ("{\"tag\":\"EMPTY\",\"fields\":{\"ref\":1}}", "field `ref` is not a field of this message"),
        ("{\"offset\":0,\"error\":{}}", "unknown field `error`"),
        (
            "{\"tag\":\"CLOSE\",\"fields\":{\"code\":65536,\"text\":\"\"}}",
            "field `code` is 65536, which 16 bits cannot hold",
        ),
        (
            "{\"tag\":\"UNKNOWN\",\"fields\":{\"code\":19,\"payload\":\"\"}}",
            "is the tag of a frame that has a name",
        ),
    ] {
        let (out, errors) = bad(&["encode", json], b"");
        assert_eq!(out, "");
        assert!(errors.contains(message), "{errors}");
    }
}

#[test]
fn a_frame_full_of_hops_is_shown_shortened() {
    let hops = 1_800_000;
    let mut payload = vec![0x15];
    payload.extend([0; 16]);
    payload.extend([3, 7, 0, 0, 0, 0, 0, 0, 0].repeat(hops));
    payload.push(2);
    let stream = [&u32::try_from(payload.len()).unwrap().to_le_bytes()[..], &payload].concat();
    let shown = good(&["decode", "--raw"], &stream);
    assert!(shown.lines().count() < 30 && shown.contains("1799984 more"), "{shown}");
    let json = good(&["decode", "--raw", "--json"], &stream);
    assert!(json.ends_with("],\"root\":{\"kind\":\"killed\"}}},\"trailing\":\"\"}\n"));
}

#[test]
fn control_characters_do_not_reach_the_terminal() {
    let shown = good(&["decode", "07000000110400 1b5b324a"], b"");
    assert!(!shown.contains('\u{1b}') && shown.contains("\\u{1b}[2J"), "{shown}");
}
