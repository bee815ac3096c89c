-- SPDX-License-Identifier: MIT OR Apache-2.0
--
-- Snow DIST for Wireshark and tshark 4.0 and newer. How to use it: README.md.
--
-- The tables of the first part are the registry, spec/registry.toml, and a test holds them against it: each row is
-- one line, and but for its last comma a TOML value too. What follows is written as the specification is read: bytes,
-- fields, reasons, terms, extension blocks, messages; then what a capture adds: conversations, answers, and frames
-- that come in fragments.

---------------------------------------------------------------------------------------------------- The registry

local FRAMES = {
  { tag = 0x10, name = "SEND", version = 1, minimum = 9, fields = "to:pid message:rest" },
  { tag = 0x11, name = "REG_SEND", version = 1, minimum = 3, fields = "name:str16 message:rest" },
  { tag = 0x12, name = "PEER_LIST", version = 1, minimum = 3, fields = "names:names" },
  { tag = 0x13, name = "LINK", version = 1, minimum = 17, fields = "from:pid to:pid" },
  { tag = 0x14, name = "UNLINK", version = 1, minimum = 17, fields = "from:pid to:pid" },
  { tag = 0x15, name = "EXIT", version = 1, minimum = 18, fields = "from:pid to:pid reason:reason" },
  { tag = 0x16, name = "MONITOR", version = 1, minimum = 25, fields = "from:pid to:pid ref:u64" },
  { tag = 0x17, name = "DEMONITOR", version = 1, minimum = 25, fields = "from:pid to:pid ref:u64" },
  { tag = 0x18, name = "MONITOR_EXIT", version = 1, minimum = 26, fields = "monitored:pid monitoring:pid ref:u64 reason:reason" },
  { tag = 0x19, name = "SPAWN", version = 1, minimum = 20, fields = "request:u64 requester:pid link:u8 function:str16 arguments:rest" },
  { tag = 0x1A, name = "SPAWN_REPLY", version = 1, minimum = 18, fields = "request:u64 status:u8 local:u64" },
  { tag = 0x1B, name = "GLOBAL_REGISTER", version = 1, minimum = 13, fields = "name:str16 pid:pid node:str16" },
  { tag = 0x1C, name = "GLOBAL_UNREGISTER", version = 1, minimum = 3, fields = "name:str16" },
  { tag = 0x1D, name = "GLOBAL_SYNC", version = 1, minimum = 5, fields = "entries:entries" },
  { tag = 0x1E, name = "ROOM_BROADCAST", version = 1, minimum = 7, fields = "room:str16 text:str32" },
  { tag = 0x80, name = "UNLINK_ID", version = 2, minimum = 25, fields = "from:pid to:pid id:u64" },
  { tag = 0x81, name = "UNLINK_ACK", version = 2, minimum = 25, fields = "from:pid to:pid id:u64" },
  { tag = 0x82, name = "NODE_TABLE", version = 2, minimum = 13, fields = "index:u16 incarnation:u64 name:str16" },
  { tag = 0x83, name = "FRAGMENT", version = 2, minimum = 10, fields = "number:u64 flags:u8 total:u32 payload:rest" },
  { tag = 0x84, name = "CLOSE", version = 2, minimum = 5, fields = "code:u16 text:str16" },
  { tag = 0x85, name = "EXIT2", version = 2, minimum = 18, fields = "from:pid to:pid reason:reason" },
  { tag = 0x86, name = "SEND_TERM", version = 2, minimum = 9, fields = "to:pid message:rest" },
  { tag = 0x87, name = "CALL", version = 2, minimum = 25, fields = "from:pid to:pid ref:u64 message:rest" },
  { tag = 0x88, name = "CALL_NAME", version = 2, minimum = 19, fields = "from:pid ref:u64 name:str16 message:rest" },
  { tag = 0x89, name = "CALL_REPLY", version = 2, minimum = 25, fields = "from:pid to:pid ref:u64 message:rest" },
  { tag = 0x8A, name = "SEND_NAME_TERM", version = 2, minimum = 3, fields = "name:str16 message:rest" },
  { tag = 0x8B, name = "MONITOR_NAME", version = 2, minimum = 19, fields = "from:pid ref:u64 name:str16" },
  { tag = 0x8C, name = "NAMED", version = 2, minimum = 17, fields = "ref:u64 pid:pid" },
  { tag = 0xF0, name = "PING", version = 1, minimum = 9, fields = "payload:[8]" },
  { tag = 0xF1, name = "PONG", version = 1, minimum = 9, fields = "payload:[8]" },
}

local HANDSHAKE = {
  { tag = 0x01, name = "NAME", version = 1, minimum = 4, fields = "name:str16 creation:u8 extension:extension" },
  { tag = 0x02, name = "CHALLENGE", version = 1, minimum = 36, fields = "name:str16 creation:u8 challenge:[32] extension:extension" },
  { tag = 0x03, name = "REPLY", version = 1, minimum = 65, fields = "digest:[32] challenge:[32] extension:extension proof:[32]" },
  { tag = 0x04, name = "ACK", version = 1, minimum = 33, fields = "digest:[32] extension:extension proof:[32]" },
  { tag = 0x05, name = "REJECT", version = 2, minimum = 5, fields = "code:u16 text:str16" },
}

local REASONS = {
  { tag = 0x00, name = "Normal" },
  { tag = 0x01, name = "Error" },
  { tag = 0x02, name = "Killed" },
  { tag = 0x03, name = "Linked" },
  { tag = 0x04, name = "Shutdown" },
  { tag = 0x05, name = "Custom" },
  { tag = 0x06, name = "Noconnection" },
}

local TERMS = {
  { tag = 0x01, name = "int" },
  { tag = 0x02, name = "float" },
  { tag = 0x03, name = "true" },
  { tag = 0x04, name = "false" },
  { tag = 0x05, name = "string" },
  { tag = 0x06, name = "unit" },
  { tag = 0x07, name = "bytes" },
  { tag = 0x08, name = "u64" },
  { tag = 0x0A, name = "list" },
  { tag = 0x0B, name = "map" },
  { tag = 0x0C, name = "set" },
  { tag = 0x0D, name = "tuple" },
  { tag = 0x14, name = "struct" },
  { tag = 0x15, name = "sum" },
  { tag = 0x16, name = "variant" },
  { tag = 0x1E, name = "pid" },
  { tag = 0x28, name = "some" },
  { tag = 0x29, name = "none" },
  { tag = 0x2A, name = "ok" },
  { tag = 0x2B, name = "err" },
  { tag = 0xFF, name = "closure" },
}

local SIGNALS = {
  { type = "FFFFFFFFFFFFFFFF", name = "EXIT", fields = "from:pid reason:reason" },
  { type = "FFFFFFFFFFFFFFFE", name = "DOWN", fields = "ref:u64 monitored:pid reason:reason" },
  { type = "FFFFFFFFFFFFFFFD", name = "NODEDOWN", fields = "node:text" },
  { type = "FFFFFFFFFFFFFFFC", name = "NODEUP", fields = "node:text" },
  { type = "FFFFFFFFFFFFFFFB", name = "SPAWN_REPLY", fields = "request:u64 status:u8 local:u64" },
}

local EXTENSIONS = {
  { type = 0x0001, name = "versions" },
  { type = 0x0002, name = "capabilities" },
  { type = 0x0003, name = "incarnation" },
  { type = 0x0004, name = "frame_bytes_max" },
  { type = 0x0005, name = "reassembly_bytes_max" },
  { type = 0x0006, name = "fragmented_messages_max" },
  { type = 0x0007, name = "node_table_entries_max" },
  { type = 0x0008, name = "links_and_monitors_max" },
}

local CAPABILITIES = {
  { bit = 0, name = "node_table" },
  { bit = 1, name = "fragments" },
  { bit = 2, name = "remote_exit" },
  { bit = 3, name = "send_term" },
  { bit = 4, name = "calls" },
  { bit = 5, name = "names" },
  { bit = 6, name = "terms_2" },
}

local REJECT_CODES = {
  { code = 1, name = "version" },
  { code = 2, name = "busy" },
  { code = 3, name = "malformed" },
  { code = 4, name = "refused" },
  { code = 5, name = "duplicate" },
  { code = 6, name = "name" },
  { code = 7, name = "bounds" },
}

local CLOSE_CODES = {
  { code = 0, name = "shutdown" },
  { code = 1, name = "protocol_error" },
  { code = 2, name = "limit" },
  { code = 3, name = "replaced" },
  { code = 4, name = "policy" },
}

local RESERVED = {
  { first = 0x1F, last = 0x31, use = "taken by later lines of version 1 nodes; never given a meaning here" },
  { first = 0x80, last = 0x9F, use = "version 2" },
  { first = 0xE0, last = 0xEF, use = "private use; never given a meaning here" },
}

local LIMITS = {
  handshake_bytes_max = 4096,
  frame_bytes_max = 16777216,
  extension_bytes_max = 2048,
  versions_max = 16,
  node_name_bytes_max = 255,
  reject_text_bytes_max = 255,
  term_depth_max = 64,
  term_elements_max = 1000000,
  term_string_bytes_max = 16777216,
  term_bytes_max = 16777216,
  reassembly_bytes_max = 134217728,
  fragmented_messages_max = 64,
  frame_bytes_bound_min = 65536,
  fragment_bytes_max = 65536,
  fragmented_frame_bytes_max = 67108864,
}

local CONSTANTS = {
  magic = "D1534E4F57320D0A",
  sentinel = "D1444953542D5632",
  tls_application_protocol = "snow-dist/1",
  extension_mandatory_from = 0x8000,
  term_version = 0x01,
  port_default = 9000,
  pid_local_max = 1099511627775,
  pid_node_reader = 0xFFFE,
  pid_node_unknown = 0xFFFF,
}

-- Which capability a frame needs: the sections of dist.md.
local NEEDS = {
  { name = "NODE_TABLE", capability = "node_table" },
  { name = "FRAGMENT", capability = "fragments" },
  { name = "EXIT2", capability = "remote_exit" },
  { name = "SEND_TERM", capability = "send_term" },
  { name = "CALL", capability = "calls" },
  { name = "CALL_NAME", capability = "calls" },
  { name = "CALL_REPLY", capability = "calls" },
  { name = "SEND_NAME_TERM", capability = "names" },
  { name = "MONITOR_NAME", capability = "names" },
  { name = "NAMED", capability = "names" },
}

-- What can be wrong, by requirement. `kind` says who minds:
--   refused    every reader refuses it, and a node closes the connection;
--   ends       every reader reads it, and a node ends the session on it;
--   tolerated  the Strict reading refuses it, the Compatible one does not;
--   term       a reader of terms refuses it, which is nothing to the frame;
--   node       the bytes can be read, but a node must not have written them, or ends the handshake on them;
--   note       nothing is wrong, but it is worth a look.
local RULES = {
  { id = "DIST-FLD-003", kind = "refused", text = "ends before or inside a field" },
  { id = "DIST-FLD-004", kind = "refused", text = "a length or count promises more than there is" },
  { id = "DIST-FLD-007", kind = "refused", text = "text is not UTF-8" },
  { id = "DIST-FRG-001", kind = "refused", text = "unknown flags" },
  { id = "DIST-FRM-002", kind = "refused", text = "a length above the limit; nothing after it can be read" },
  { id = "DIST-FRM-005", kind = "refused", text = "an empty payload during the handshake" },
  { id = "HS-EXT-002", kind = "refused", text = "only the beginning of an extension block's magic" },
  { id = "HS-EXT-003", kind = "refused", text = "the extension block is too long" },
  { id = "HS-EXT-004", kind = "refused", text = "the TLVs do not fill the block exactly" },
  { id = "HS-EXT-005", kind = "refused", text = "the types of a block do not ascend, or one stands twice" },
  { id = "HS-EXT-007", kind = "refused", text = "an unknown type that must be understood" },
  { id = "HS-EXT-009", kind = "refused", text = "something follows the extension block" },
  { id = "HS-MSG-001", kind = "refused", text = "not a tag of the handshake" },
  { id = "HS-NAM-001", kind = "refused", text = "a name beside a block is too long or holds a control character" },
  { id = "HS-PRF-001", kind = "refused", text = "something follows the proof" },
  { id = "HS-REJ-001", kind = "refused", text = "the text is too long" },
  { id = "HS-TLV-001", kind = "refused", text = "a value of a length that its type does not have" },
  { id = "HS-TLV-002", kind = "refused", text = "a value that its type does not allow" },
  { id = "CAP-FRG-013", kind = "ends", text = "the first piece of a frame with the number of an unfinished one" },
  { id = "CAP-FRG-014", kind = "ends", text = "not a first piece, and no frame of this number is unfinished" },
  { id = "CAP-FRG-015", kind = "ends", text = "the frame in fragments is no message" },
  { id = "CAP-FRG-016", kind = "ends", text = "the frame in fragments is too long" },
  { id = "CAP-FRG-017", kind = "ends", text = "more unfinished frames, or bytes of them, than the reader has announced" },
  { id = "CAP-FRG-018", kind = "ends", text = "the pieces are longer than the total, or the last one is not where they are as long" },
  { id = "CAP-FRG-019", kind = "ends", text = "a piece without a byte" },
  { id = "STF-VER-001", kind = "term", text = "not a term: no version byte 01" },
  { id = "STF-TAG-001", kind = "term", text = "unknown type of a value" },
  { id = "STF-TAG-002", kind = "term", text = "a closure" },
  { id = "STF-STR-001", kind = "term", text = "a string that is too long" },
  { id = "STF-BYT-001", kind = "term", text = "bytes that are too long" },
  { id = "STF-INT-001", kind = "term", text = "a u64 that is an int" },
  { id = "STF-CNT-001", kind = "term", text = "too many elements" },
  { id = "STF-MAP-001", kind = "term", text = "unknown type of keys" },
  { id = "STF-MAP-002", kind = "term", text = "a key of another type than announced" },
  { id = "STF-DEP-001", kind = "term", text = "a term that is too deep" },
  { id = "DIST-RDG-002", kind = "tolerated", text = "surplus after the last field" },
  { id = "DIST-FRM-007", kind = "tolerated", text = "an empty payload" },
  { id = "DIST-RSN-003", kind = "tolerated", text = "an unknown reason, kept as it is" },
  { id = "DIST-TAG-002", kind = "tolerated", text = "an unknown tag" },
  { id = "STF-VER-002", kind = "tolerated", text = "surplus after the term" },
  { id = "CAP-CAL-003", kind = "node", text = "the ref of an earlier call or monitor" },
  { id = "CAP-FRG-003", kind = "node", text = "a FRAGMENT that is too long" },
  { id = "CAP-FRG-005", kind = "node", text = "the number of an earlier frame in fragments" },
  { id = "DIST-NTB-001", kind = "node", text = "an index that has a fixed meaning" },
  { id = "DIST-SPN-002", kind = "node", text = "neither 0 nor 1 nor 2" },
  { id = "DIST-SPR-001", kind = "node", text = "the local id of no process" },
  { id = "DIST-ULA-001", kind = "node", text = "other pids than those of the UNLINK_ID" },
  { id = "HS-BND-001", kind = "node", text = "frame_bytes_max is below 65536" },
  { id = "HS-CRE-001", kind = "node", text = "the creation does not follow from the incarnation" },
  { id = "HS-CRE-002", kind = "node", text = "no creation beside an extension block" },
  { id = "HS-CRS-002", kind = "node", text = "not the message that is due: the handshake ends" },
  { id = "HS-CRS-003", kind = "node", text = "NAME had no extension block, and CHALLENGE has one" },
  { id = "HS-DIG-003", kind = "node", text = "the digest beside an extension block is not zero" },
  { id = "HS-DWN-001", kind = "node", text = "the sentinel without an extension block: somebody took the block away" },
  { id = "HS-DWN-002", kind = "node", text = "an extension block, but the challenge does not end in the sentinel" },
  { id = "HS-DWN-003", kind = "node", text = "an extension block in one message and none in the next, or the reverse" },
  { id = "HS-REJ-003", kind = "node", text = "REJECT from the initiator" },
  { id = "HS-REJ-004", kind = "node", text = "REJECT to a peer that has sent no extension block" },
  { id = "HS-REJ-005", kind = "node", text = "a code that is not said before the proof" },
  { id = "HS-TLV-006", kind = "node", text = "a type that stands in NAME and CHALLENGE only" },
  { id = "HS-TLV-009", kind = "node", text = "a block without versions or without incarnation" },
  { id = "HS-VER-002", kind = "node", text = "no common version" },
  { id = "HS-VER-003", kind = "node", text = "a capability that is not in both blocks" },
  { id = "CAP-CAL-016", kind = "note", text = "the reply to no call that is waiting, ignored" },
  { id = "CAP-NAM-007", kind = "note", text = "the answer to no monitor by name that is waiting for it, ignored" },
  { id = "DIST-CLS-001", kind = "note", text = "an unknown code" },
  { id = "DIST-FRM-009", kind = "note", text = "incomplete: the rest of the frame is not in the capture" },
  { id = "DIST-SIG-002", kind = "note", text = "begins like a signal; a node of version 1 takes it for one" },
  { id = "DIST-TAG-003", kind = "note", text = "a tag for private use" },
  { id = "HS-EXT-006", kind = "note", text = "an unknown type, ignored" },
  { id = "HS-REJ-002", kind = "note", text = "an unknown code" },
  { id = "HS-TLV-003", kind = "note", text = "capabilities without a name" },
}

-- What is shown of what can be long. All of it is read and judged; only terms end at so many values.
local HOPS_SHOWN_MAX = 64
local ELEMENTS_SHOWN_MAX = 1000
local TERM_VALUES_MAX = 100000
local TERM_GUESS_BYTES_MAX = 65536
local WORDS_BYTES_MAX = 200
local WORDS_ELEMENTS_MAX = 8

-- What is kept of frames in fragments in a whole capture, unless the preference says something else.
local FRAGMENTS_MIB_MAX = 256

--------------------------------------------------------------------------------------------------- Tables by key

local function by(key, rows)
  local found = {}
  for _, row in ipairs(rows) do found[row[key]] = row end
  return found
end

local function names_by(key, rows)
  local names = {}
  for _, row in ipairs(rows) do names[row[key]] = row.name end
  return names
end

local function from_hex(hex)
  return (hex:gsub("..", function(digits) return string.char(tonumber(digits, 16)) end))
end

-- "to:pid message:rest" -> { { name = "to", type = "pid" }, .. }
local function parse_fields(rows)
  for _, row in ipairs(rows) do
    local fields = {}
    for name, kind in row.fields:gmatch("([%w_]+):(%S+)") do fields[#fields + 1] = { name = name, type = kind } end
    row.fields = fields
  end
end

parse_fields(FRAMES)
parse_fields(HANDSHAKE)
parse_fields(SIGNALS)

local frame_by_tag, handshake_by_tag = by("tag", FRAMES), by("tag", HANDSHAKE)
local extension_by_type, needs_by_name = by("type", EXTENSIONS), by("name", NEEDS)
local reason_names, term_names = names_by("tag", REASONS), names_by("tag", TERMS)
local close_names, reject_names = names_by("code", CLOSE_CODES), names_by("code", REJECT_CODES)
local MAGIC, SENTINEL = from_hex(CONSTANTS.magic), from_hex(CONSTANTS.sentinel)
local signal_by_type = {}
for _, row in ipairs(SIGNALS) do signal_by_type[from_hex(row.type):reverse()] = row end

----------------------------------------------------------------------------------------------------------- Fields

local snowdist = Proto("snowdist", "Snow DIST")

local function all_tags()
  local names = {}
  for _, row in ipairs(FRAMES) do names[row.tag] = row.name end
  for _, row in ipairs(HANDSHAKE) do names[row.tag] = row.name end
  return names
end

local STATUSES = { [0] = "the process runs", [1] = "no such function" }
local KEY_TYPES = { [0] = "int", [1] = "string" }

local F = {}

local function field(name, make, label, ...)
  F[name] = make("snowdist." .. name, label or name, ...)
end

local function declare_framing()
  field("length", ProtoField.uint32, "length", base.DEC)
  field("tag", ProtoField.uint8, "tag", base.HEX, all_tags())
  field("message_name", ProtoField.string, "name of the frame or message")
  field("phase", ProtoField.string, "phase")
  field("role", ProtoField.string, "sender is")
  field("sender", ProtoField.string, "sender")
  field("surplus", ProtoField.bytes, "surplus")
  field("unread", ProtoField.bytes, "not read")
  field("continuation", ProtoField.bytes, "inside a frame whose beginning is not in the capture")
end

local function declare_messages()
  for _, name in ipairs { "from", "to", "monitored", "monitoring", "requester", "pid" } do
    field(name, ProtoField.string)
  end
  field("pid.node", ProtoField.uint16, "node id", base.DEC)
  field("pid.creation", ProtoField.uint8, "creation", base.DEC)
  field("pid.local", ProtoField.uint64, "local id", base.DEC)
  for _, name in ipairs { "name", "node", "function", "room", "text" } do field(name, ProtoField.string) end
  for _, name in ipairs { "message", "arguments", "payload" } do field(name, ProtoField.bytes) end
  for _, name in ipairs { "ref", "request", "local", "id", "number" } do
    field(name, ProtoField.uint64, name, base.DEC)
  end
  field("incarnation", ProtoField.uint64, "incarnation", base.HEX)
  field("link", ProtoField.uint8, "link", base.DEC)
  field("status", ProtoField.uint8, "status", base.DEC, STATUSES)
  field("index", ProtoField.uint16, "index", base.DEC)
  field("flags", ProtoField.uint8, "flags", base.HEX)
  field("flags.first", ProtoField.bool, "first piece", 8, nil, 0x01)
  field("flags.last", ProtoField.bool, "last piece", 8, nil, 0x02)
  field("total", ProtoField.uint32, "total", base.DEC)
  field("close.code", ProtoField.uint16, "code", base.DEC, close_names)
  field("reject.code", ProtoField.uint16, "code", base.DEC, reject_names)
  field("names", ProtoField.uint16, "names", base.DEC)
  field("entries", ProtoField.uint32, "entries", base.DEC)
  field("reason", ProtoField.string)
  field("reason.hops", ProtoField.uint32, "hops", base.DEC)
  field("reason.hop", ProtoField.string, "hop")
  field("reason.root", ProtoField.uint8, "root", base.DEC, reason_names)
  field("reason.text", ProtoField.string, "text")
  field("reason.kept", ProtoField.bytes, "kept bytes of an unknown root")
  field("signal", ProtoField.string)
  field("signal.refused", ProtoField.string, "cannot be read as a signal")
end

local function declare_handshake()
  field("creation", ProtoField.uint8, "creation", base.DEC)
  for _, name in ipairs { "digest", "challenge", "proof" } do field(name, ProtoField.bytes) end
  field("sentinel", ProtoField.bool, "ends in the sentinel")
  field("extension", ProtoField.bytes, "extension block, magic")
  field("extension.count", ProtoField.uint16, "bytes of TLVs", base.DEC)
  field("tlv.type", ProtoField.uint16, "type", base.HEX, names_by("type", EXTENSIONS))
  field("tlv.length", ProtoField.uint16, "length", base.DEC)
  field("tlv.value", ProtoField.bytes, "value")
  field("versions", ProtoField.uint16, "version", base.DEC)
  field("capabilities", ProtoField.uint64, "capabilities", base.HEX)
  for _, row in ipairs(CAPABILITIES) do field("capabilities." .. row.name, ProtoField.bool, row.name) end
  for _, name in ipairs { "frame_bytes_max", "fragmented_messages_max", "node_table_entries_max",
                          "links_and_monitors_max" } do
    field(name, ProtoField.uint32, name, base.DEC)
  end
  field("reassembly_bytes_max", ProtoField.uint64, "reassembly_bytes_max", base.DEC)
end

local function declare_terms()
  field("term", ProtoField.string)
  field("term.type", ProtoField.uint8, "type", base.DEC, term_names)
  field("term.int", ProtoField.int64, "int", base.DEC)
  field("term.u64", ProtoField.uint64, "u64", base.DEC)
  field("term.bytes", ProtoField.bytes, "bytes")
  field("term.float", ProtoField.double, "float")
  field("term.string", ProtoField.string, "string")
  field("term.pid", ProtoField.string, "pid")
  field("term.count", ProtoField.uint32, "count", base.DEC)
  field("term.key_type", ProtoField.uint8, "type of keys", base.DEC, KEY_TYPES)
  field("term.name", ProtoField.string, "type name")
  field("term.field", ProtoField.string, "field")
  field("term.variant", ProtoField.uint8, "variant", base.DEC)
  field("term.variant_name", ProtoField.string, "variant")
end

local function declare_answers()
  field("response_in", ProtoField.framenum, "answered in frame", base.NONE, frametype.RESPONSE)
  field("request_in", ProtoField.framenum, "answers frame", base.NONE, frametype.REQUEST)
  field("response_time", ProtoField.relative_time, "time since then")
  field("given_up_in", ProtoField.framenum, "given up in frame", base.NONE)
  field("gives_up", ProtoField.framenum, "gives up frame", base.NONE)
  field("asked_name", ProtoField.string, "asked for by the name")
  field("named", ProtoField.string, "which was")
end

local function declare_fragments()
  field("fragments.held", ProtoField.uint32, "bytes of the frame so far", base.DEC)
  field("fragments.count", ProtoField.uint32, "pieces", base.DEC)
  field("fragments.first_in", ProtoField.framenum, "begun in frame", base.NONE)
  field("fragments.whole_in", ProtoField.framenum, "whole in frame", base.NONE)
  field("fragments.refused_in", ProtoField.framenum, "refused in frame", base.NONE)
  field("whole", ProtoField.none, "whole frame")
end

declare_framing()
declare_messages()
declare_handshake()
declare_terms()
declare_answers()
declare_fragments()

local GROUP = { refused = PI_MALFORMED, ends = PI_PROTOCOL, term = PI_MALFORMED, tolerated = PI_UNDECODED,
                node = PI_PROTOCOL, note = PI_PROTOCOL }
local SEVERITY = { refused = PI_ERROR, ends = PI_ERROR, term = PI_WARN, tolerated = PI_WARN, node = PI_WARN,
                   note = PI_NOTE }

local E, rule_by_id = {}, by("id", RULES)
for _, rule in ipairs(RULES) do
  local name = "snowdist." .. rule.id:lower():gsub("-", "_")
  local text = rule.id .. ": " .. rule.text
  E[rule.id] = ProtoExpert.new(name, text, GROUP[rule.kind], SEVERITY[rule.kind])
end
E.term_refused = ProtoExpert.new("snowdist.term_refused", "A reader of terms refuses it", PI_MALFORMED, PI_WARN)
E.term_unread = ProtoExpert.new("snowdist.term_unread", "A term of very many values: the rest is not looked at",
  PI_UNDECODED, PI_NOTE)
E.fragments_unseen = ProtoExpert.new("snowdist.fragments_unseen", "The first piece is not in the capture", PI_SEQUENCE,
  PI_NOTE)
E.fragments_unkept = ProtoExpert.new("snowdist.fragments_unkept",
  "Not put together: more than is kept of frames in fragments (preference fragments_mib_max)", PI_UNDECODED, PI_NOTE)

local function listed(found)
  local list = {}
  for _, value in pairs(found) do list[#list + 1] = value end
  return list
end
snowdist.fields = listed(F)
snowdist.experts = listed(E)

------------------------------------------------------------------------------------------------------------ Bytes

-- A cursor over a payload, or over a part of it. `bytes` is the whole payload; `base` its place in `tvb`; `at` the
-- next byte, counted from 0, and `stop` the byte behind the last one. `tree` takes what is read; without a tree
-- nothing is shown, and reading only judges.
local Cursor = {}
Cursor.__index = Cursor

local function cursor(tvb, base_at, bytes, tree)
  return setmetatable({ tvb = tvb, base = base_at, bytes = bytes, at = 0, stop = #bytes, tree = tree }, Cursor)
end

-- The same bytes, shown elsewhere.
function Cursor:under(tree)
  return setmetatable({ tvb = self.tvb, base = self.base, bytes = self.bytes, at = self.at, stop = self.stop,
    tree = tree, budget = self.budget, terms_2 = self.terms_2 }, Cursor)
end

function Cursor:left() return self.stop - self.at end

function Cursor:range(at, length) return self.tvb(self.base + at, length) end

-- A place to hang words on that stand for no bytes of their own.
function Cursor:anchor()
  local last = math.max(self.base + self.stop - 1, 0)
  return self.tvb(math.min(last, self.tvb:len() - 1), 1)
end

-- Refusals are thrown, and caught by `guarded`.
local Refusal = {}

local function refuse(id, what) error(setmetatable({ id = id, what = what }, Refusal), 0) end

-- Runs a reader. Gives what it gives, or nil and the refusal. Any other error is a fault of this file.
local function guarded(reader, ...)
  local good, result = pcall(reader, ...)
  if good then return result end
  if getmetatable(result) ~= Refusal then error(result, 0) end
  return nil, result
end

local function mark(item, id, what)
  if not item then return end
  local rule = rule_by_id[id]
  if not rule then
    item:add_proto_expert_info(E[id])
    return
  end
  local text = id .. ": " .. (what and (what .. ": ") or "") .. rule.text
  item:add_proto_expert_info(E[id], text)
end

function Cursor:take(length, name)
  if length > self:left() then refuse("DIST-FLD-003", name) end
  local at = self.at
  self.at = at + length
  return at
end

local function little(bytes, at, length)
  local value = 0
  for place = length, 1, -1 do value = value * 256 + bytes:byte(at + place) end
  return value
end

-- An unsigned integer of up to 4 bytes exactly, of 8 bytes as near as a float comes: for comparing.
function Cursor:unsigned(length, name)
  local at = self:take(length, name)
  return little(self.bytes, at, length), at
end

-- Bytes behind a length.
function Cursor:sized(prefix, name)
  local length, at = self:unsigned(prefix, name)
  if length > self:left() then refuse("DIST-FLD-004", name) end
  self:take(length, name)
  return self.bytes:sub(at + prefix + 1, at + prefix + length), at, length
end

local function is_continuation(bytes, at, count)
  for place = at, at + count - 1 do
    local byte = bytes:byte(place)
    if not byte or byte < 0x80 or byte > 0xBF then return false end
  end
  return true
end

-- How many bytes follow this one in a well-formed character (RFC 3629), or nil.
local function tail_length(byte, second)
  if byte < 0x80 then return 0 end
  if byte >= 0xC2 and byte <= 0xDF then return 1 end
  if byte == 0xE0 then return second and second >= 0xA0 and 2 or nil end
  if byte == 0xED then return second and second <= 0x9F and 2 or nil end
  if byte >= 0xE1 and byte <= 0xEF then return 2 end
  if byte == 0xF0 then return second and second >= 0x90 and 3 or nil end
  if byte == 0xF4 then return second and second <= 0x8F and 3 or nil end
  if byte >= 0xF1 and byte <= 0xF3 then return 3 end
  return nil
end

local function is_utf8(bytes)
  local at = bytes:find("[\128-\255]")
  while at do
    local tail = tail_length(bytes:byte(at), bytes:byte(at + 1))
    if not tail or not is_continuation(bytes, at + 1, tail) then return false end
    at = bytes:find("[\128-\255]", at + tail + 1)
  end
  return true
end

-- Text that can be shown: a zero byte would end it.
local function shown(text) return (text:gsub("%z", "\\0")) end

-- Words of bounded length, cut between characters.
local function cut_words(words)
  if #words <= WORDS_BYTES_MAX then return words end
  return (words:sub(1, WORDS_BYTES_MAX):gsub("[\192-\255]?[\128-\191]*$", "")) .. "…"
end

-- Text for a line: control characters escaped, and not too long.
local function quoted(text)
  local cut = cut_words(text)
  local escape = function(char) return string.format("\\u{%x}", char:byte()) end
  return '"' .. cut:gsub('[\\"]', "\\%0"):gsub("[%z\1-\31\127]", escape):gsub("\194[\128-\159]", function(char)
    return string.format("\\u{%x}", char:byte(2))
  end) .. '"'
end

function Cursor:add(name, at, length, value)
  if not self.tree then return nil end
  if value == nil then return self.tree:add_le(F[name], self:range(at, length)) end
  return self.tree:add(F[name], self:range(at, length), value)
end

-- Bytes as they are, which can be none.
function Cursor:add_bytes(name, at, length)
  if not self.tree then return nil end
  local item = self.tree:add(F[name], self:range(at, length))
  if length == 0 then item:set_text(name .. ": none") end
  return item
end

------------------------------------------------------------------------------------------------------------- Pids

local function pid_parts(bytes, at)
  return little(bytes, at + 6, 2), bytes:byte(at + 6), little(bytes, at, 5)
end

local function pid_text(bytes, at)
  local node, creation, local_id = pid_parts(bytes, at)
  if node == 0 and creation == 0 then return string.format("<0.%d>", local_id) end
  return string.format("<%d.%d.%d>", node, local_id, creation)
end

local function u64(value) return UInt64.new(value % 4294967296, math.floor(value / 4294967296)) end

function Cursor:pid(name, label)
  local at = self:take(8, label or name)
  local text = pid_text(self.bytes, at)
  local item = self:add(name, at, 8, text)
  if item then
    local node, creation, local_id = pid_parts(self.bytes, at)
    item:add(F["pid.node"], self:range(at + 6, 2), node)
    item:add(F["pid.creation"], self:range(at + 5, 1), creation)
    item:add(F["pid.local"], self:range(at, 5), u64(local_id))
  end
  return { text = text, raw = self.bytes:sub(at + 1, at + 8), number = select(3, pid_parts(self.bytes, at)) }
end

---------------------------------------------------------------------------------------------------------- Reasons

local REASON_LINKED = 0x03
local REASON_HAS_TEXT = { [0x01] = true, [0x05] = true }

-- The hops: any number, so all are counted and the first of them looked at.
local function read_hops(self)
  local words, count = {}, 0
  while self:left() > 0 and self.bytes:byte(self.at + 1) == REASON_LINKED do
    self:take(1, "reason")
    count = count + 1
    if count <= HOPS_SHOWN_MAX then
      local hop = self:pid("reason.hop", "reason")
      if count <= WORDS_ELEMENTS_MAX then words[count] = hop.text end
    else
      self:take(8, "reason")
    end
  end
  if count > #words then words[#words + 1] = (count - #words) .. " more" end
  return words, count
end

local function read_root(self)
  local tag, at = self:unsigned(1, "reason")
  local item = self:add("reason.root", at, 1)
  if not reason_names[tag] then
    mark(item, "DIST-RSN-003")
    local kept = self:left()
    self:add_bytes("reason.kept", self.at, kept)
    self.at = self.stop
    return string.format("unknown %d, %d bytes", tag, kept)
  end
  local words = reason_names[tag]:lower()
  if not REASON_HAS_TEXT[tag] then return words end
  local text, text_at, length = self:sized(8, "reason")
  if not is_utf8(text) then refuse("DIST-FLD-007", "reason") end
  self:add("reason.text", text_at, 8 + length, shown(text))
  return words .. " " .. quoted(text)
end

local function read_reason(self)
  local words, count = read_hops(self)
  if self.tree then self.tree:add(F["reason.hops"], self:anchor(), count):set_generated() end
  words[#words + 1] = read_root(self)
  return count == 0 and words[1] or "linked(" .. table.concat(words, ", ") .. ")"
end

-- Reads twice: once for the words of the item, once for what stands under it.
function Cursor:twice(name, read, refused_words)
  local dry, at = self:under(nil), self.at
  local words = guarded(read, dry)
  local stop = words and dry.at or self.stop
  local item = self.tree and self.tree:add(F[name], self:range(at, stop - at), words or refused_words)
  local inner = self:under(item)
  local text = read(inner)
  self.at = inner.at
  return text
end

function Cursor:reason(name)
  return { text = self:twice(name, read_reason, "cannot be read") }
end

------------------------------------------------------------------------------------------------------------ Terms

function Cursor:text(prefix, name)
  local text, at, length = self:sized(prefix, name)
  if not is_utf8(text) then refuse("DIST-FLD-007", name) end
  return text, at, prefix + length
end

local VALUE = {}
local read_value

-- What terms of the second kind have beside those of the first: in sessions with `terms_2`.
local SECOND_KIND = { bytes = true, u64 = true, variant = true }

-- A count of elements of which each takes at least so many bytes.
function Cursor:count(prefix, element_bytes_min, name)
  local count, at = self:unsigned(prefix, name)
  if prefix == 4 and count > LIMITS.term_elements_max then refuse("STF-CNT-001", name) end
  if count * element_bytes_min > self:left() then refuse("DIST-FLD-004", name) end
  self:add("term.count", at, prefix)
  return count
end

local function elements(count, read)
  local words = {}
  for place = 1, count do
    local text = read()
    if place <= WORDS_ELEMENTS_MAX then words[place] = text end
  end
  if count > WORDS_ELEMENTS_MAX then words[#words + 1] = "…" end
  return table.concat(words, ", ")
end

local function values_of(c, depth, count)
  return elements(count, function() return (read_value(c, depth + 1)) end)
end

VALUE["true"] = function() return "true" end
VALUE["false"] = function() return "false" end
VALUE.unit = function() return "unit" end
VALUE.none = function() return "none" end

function VALUE.int(c)
  local at = c:take(8, "int")
  c:add("term.int", at, 8)
  return tostring(c:range(at, 8):le_int64())
end

function VALUE.float(c)
  local at = c:take(8, "float")
  c:add("term.float", at, 8)
  return string.format("%.15g", c:range(at, 8):le_float())
end

function VALUE.string(c)
  if c:left() >= 4 and little(c.bytes, c.at, 4) > LIMITS.term_string_bytes_max then refuse("STF-STR-001") end
  local text, at, length = c:text(4, "string")
  c:add("term.string", at, length, shown(text))
  return quoted(text)
end

function VALUE.pid(c) return c:pid("term.pid", "pid").text end

function VALUE.bytes(c)
  if c:left() >= 4 and little(c.bytes, c.at, 4) > LIMITS.term_bytes_max then refuse("STF-BYT-001") end
  local bytes, at, length = c:sized(4, "bytes")
  c:add_bytes("term.bytes", at + 4, length)
  return length .. (length == 1 and " byte" or " bytes")
end

-- A u64 whose highest bit is not set would be an int.
function VALUE.u64(c)
  local at = c:take(8, "u64")
  if c.bytes:byte(at + 8) < 0x80 then refuse("STF-INT-001") end
  c:add("term.u64", at, 8)
  return tostring(c:range(at, 8):le_uint64())
end

function VALUE.list(c, depth) return "[" .. values_of(c, depth, c:count(4, 1, "list")) .. "]" end
function VALUE.set(c, depth) return "#{" .. values_of(c, depth, c:count(4, 1, "set")) .. "}" end
function VALUE.tuple(c, depth) return "(" .. values_of(c, depth, c:count(1, 1, "tuple")) .. ")" end

function VALUE.map(c, depth)
  local key_type, at = c:unsigned(1, "map")
  c:add("term.key_type", at, 1)
  local key_name = KEY_TYPES[key_type] or refuse("STF-MAP-001")
  return "{" .. elements(c:count(4, 2, "map"), function()
    local key, name = read_value(c, depth + 1)
    if name ~= key_name and not (key_name == "int" and name == "u64") then refuse("STF-MAP-002") end
    return key .. ": " .. read_value(c, depth + 1)
  end) .. "}"
end

local function term_name(c, name, what)
  local text, at, length = c:text(2, what)
  c:add(name, at, length, shown(text))
  return text
end

local function fields_of(c, depth, what)
  return " {" .. elements(c:count(2, 3, what), function()
    local label = term_name(c, "term.field", what)
    return label .. ": " .. read_value(c, depth + 1)
  end) .. "}"
end

function VALUE.struct(c, depth)
  return term_name(c, "term.name", "struct") .. fields_of(c, depth, "struct")
end

function VALUE.variant(c, depth)
  local name = term_name(c, "term.name", "variant")
  local variant = term_name(c, "term.variant_name", "variant")
  return name .. "." .. variant .. fields_of(c, depth, "variant")
end

function VALUE.sum(c, depth)
  local name = term_name(c, "term.name", "sum")
  local variant, at = c:unsigned(1, "sum")
  c:add("term.variant", at, 1)
  return name .. "." .. variant .. "(" .. values_of(c, depth, c:count(2, 1, "sum")) .. ")"
end

for _, name in ipairs { "some", "ok", "err" } do
  VALUE[name] = function(c, depth) return name .. "(" .. read_value(c, depth + 1) .. ")" end
end

-- Gives the value in words, and the name of its type.
function read_value(c, depth)
  if depth > LIMITS.term_depth_max then refuse("STF-DEP-001") end
  c.budget.values = c.budget.values + 1
  if c.budget.values > TERM_VALUES_MAX then refuse("term_unread") end
  local tag, at = c:unsigned(1, "value")
  local name = term_names[tag] or refuse("STF-TAG-001")
  if SECOND_KIND[name] and not c.terms_2 then refuse("STF-TAG-001") end
  local read = VALUE[name] or refuse("STF-TAG-002")
  local item = c.budget.values <= ELEMENTS_SHOWN_MAX and c:add("term.type", at, 1) or nil
  local inner = c:under(item)
  local words = cut_words(read(inner, depth))
  c.at = inner.at
  if item then item:append_text(", " .. shown(words)):set_len(c.at - at) end
  return words, name
end

local function read_term(c)
  c.budget = { values = 0 }
  if c:left() == 0 or c:unsigned(1, "term") ~= CONSTANTS.term_version then refuse("STF-VER-001") end
  return shown((read_value(c, 1)))
end

-- Whether all bytes are one term.
local function is_term(c)
  local dry = c:under(nil)
  return guarded(read_term, dry) ~= nil and dry:left() == 0
end

local function mark_term(item, refusal)
  local rule = rule_by_id[refusal.id]
  if not rule or rule.kind == "term" then
    mark(item, refusal.id, refusal.what)
  else
    item:add_proto_expert_info(E.term_refused, refusal.id .. ": " .. rule.text)
  end
end

-- Shows the bytes up to the end as a term. The frame that it stands in is not judged by it.
function Cursor:term(name, item)
  local words, refusal = guarded(self.twice, self, name, read_term, "cannot be read")
  if refusal then
    mark_term(item, refusal)
  elseif self:left() > 0 then
    self:add_bytes("surplus", self.at, self:left())
    mark(item, "STF-VER-002")
  end
  return words
end

--------------------------------------------------------------------------------------------------- Extension block

local function has_bit(bytes, bit)
  return math.floor(bytes:byte(math.floor(bit / 8) + 1) / 2 ^ (bit % 8)) % 2 == 1
end

local function fixed(length)
  return function(c, name)
    if c:left() ~= length then refuse("HS-TLV-001", name) end
    local at = c:take(length, name)
    c:add(name, at, length)
    return c.bytes:sub(at + 1, at + length), at
  end
end

local function bound(length)
  return function(c, name) return little(fixed(length)(c, name), 0, length) end
end

local TLV = {
  frame_bytes_max = bound(4),
  reassembly_bytes_max = bound(8),
  fragmented_messages_max = bound(4),
  node_table_entries_max = bound(4),
  links_and_monitors_max = bound(4),
}

function TLV.versions(c, name)
  local length, found = c:left(), {}
  if length == 0 or length % 2 ~= 0 or length > 2 * LIMITS.versions_max then refuse("HS-TLV-001", name) end
  while c:left() > 0 do
    local version, at = c:unsigned(2, name)
    if version <= (found[#found] or 1) then refuse("HS-TLV-002", name) end
    c:add(name, at, 2)
    found[#found + 1] = version
  end
  return found
end

function TLV.capabilities(c, name)
  local bits, at = fixed(8)(c, name)
  local named = 0
  for _, row in ipairs(CAPABILITIES) do
    c:add("capabilities." .. row.name, at, 8, has_bit(bits, row.bit))
    if has_bit(bits, row.bit) then named = named + 2 ^ row.bit end
  end
  if little(bits, 0, 8) ~= named then mark(c.tree, "HS-TLV-003") end
  return bits
end

function TLV.incarnation(c, name)
  local value = fixed(8)(c, name)
  if not value:find("[^%z]") then refuse("HS-TLV-002", name) end
  return value
end

-- One TLV, of which the type has to be above `previous`. Gives its type.
local function read_tlv(c, found, previous)
  if c:left() < 2 then refuse("HS-EXT-004", "type") end
  local kind, at = c:unsigned(2)
  local row = extension_by_type[kind]
  local item = c.tree and c.tree:add(snowdist, c:range(at, 2), "TLV: " .. (row and row.name or "unknown"))
  local inner = c:under(item)
  inner:add("tlv.type", at, 2)
  if kind <= previous then refuse("HS-EXT-005", string.format("%04X", kind)) end
  if not row and kind >= CONSTANTS.extension_mandatory_from then refuse("HS-EXT-007", string.format("%04X", kind)) end
  if inner:left() < 2 then refuse("HS-EXT-004", "length") end
  local length = inner:unsigned(2)
  inner:add("tlv.length", at + 2, 2)
  if length > inner:left() then refuse("HS-EXT-004", "value") end
  if item then item:set_len(4 + length) end
  c.at = inner.at + length
  inner.stop = c.at
  if row then
    found[row.name] = TLV[row.name](inner, row.name)
  else
    inner:add_bytes("tlv.value", inner.at, length)
    mark(item, "HS-EXT-006", string.format("%04X", kind))
  end
  return kind
end

local function read_block(c)
  c:add("extension", c:take(#MAGIC, "extension"), #MAGIC)
  local count, at = c:unsigned(2, "extension")
  c:add("extension.count", at, 2)
  if count > LIMITS.extension_bytes_max - #MAGIC - 2 then refuse("HS-EXT-003") end
  if count > c:left() then refuse("DIST-FLD-004", "extension") end
  local inner, found, previous = c:under(c.tree), {}, -1
  inner.stop = c.at + count
  while inner:left() > 0 do previous = read_tlv(inner, found, previous) end
  c.at = inner.stop
  return found
end

-- The block, or nil if there is none.
function Cursor:extension()
  local rest = self.bytes:sub(self.at + 1, self.at + #MAGIC)
  if rest == MAGIC then
    local item = self.tree and self.tree:add(snowdist, self:range(self.at, self:left()), "extension block")
    local inner = self:under(item)
    local at = self.at
    local found = read_block(inner)
    self.at = inner.at
    if item then item:set_len(self.at - at) end
    return found
  end
  if #rest > 0 and #rest == self:left() and rest == MAGIC:sub(1, #rest) then refuse("HS-EXT-002") end
  return nil
end

----------------------------------------------------------------------------------------------------------- Fields

-- One reader for each type of dist.md, "Conventions". Gives the value, and what the summary says of it.
local READ = {}

local function read_unsigned(length)
  return function(c, name)
    local number, at = c:unsigned(length, name)
    c:add(name, at, length)
    local value = { number = number, raw = c.bytes:sub(at + 1, at + length) }
    return value, length == 8 and tostring(c:range(at, 8):le_uint64()) or tostring(number)
  end
end

READ.u8, READ.u16, READ.u32, READ.u64 = read_unsigned(1), read_unsigned(2), read_unsigned(4), read_unsigned(8)

local function read_array(length)
  return function(c, name)
    local at = c:take(length, name)
    c:add(name, at, length)
    return { raw = c.bytes:sub(at + 1, at + length) }
  end
end

READ["[8]"], READ["[32]"] = read_array(8), read_array(32)

function READ.pid(c, name)
  local pid = c:pid(name)
  return pid, pid.text
end

local function read_string(prefix)
  return function(c, name)
    local text, at, length = c:text(prefix, name)
    c:add(name, at, length, shown(text))
    return { text = text }, quoted(text)
  end
end

READ.str16, READ.str32 = read_string(2), read_string(4)

function READ.text(c, name)
  local at, length = c.at, c:left()
  local text = c.bytes:sub(at + 1, c.stop)
  if not is_utf8(text) then refuse("DIST-FLD-007", name) end
  c.at = c.stop
  c:add(name, at, length, shown(text))
  return { text = text }, quoted(text)
end

function READ.rest(c, name)
  local at, length = c.at, c:left()
  c.at = c.stop
  return { at = at, item = c:add_bytes(name, at, length) }, length .. " bytes"
end

function READ.reason(c, name)
  local reason = c:reason(name)
  return reason, reason.text
end

function READ.extension(c)
  return c:extension(), nil
end

-- A list: all elements are read, and the first of them shown.
local function read_list(c, name, prefix, element_bytes_min, read_element)
  local count, at = c:unsigned(prefix, name)
  local item = c:add(name, at, prefix)
  if count * element_bytes_min > c:left() then refuse("DIST-FLD-004", name) end
  for place = 1, count do
    local inner = c:under(place <= ELEMENTS_SHOWN_MAX and item or nil)
    read_element(inner)
    c.at = inner.at
  end
  if item then item:set_len(c.at - at) end
  return { number = count }, tostring(count)
end

function READ.names(c, name)
  return read_list(c, name, 2, 2, function(inner) READ.str16(inner, "name") end)
end

function READ.entries(c, name)
  return read_list(c, name, 4, 12, function(inner)
    READ.str16(inner, "name")
    READ.pid(inner, "pid")
    READ.str16(inner, "node")
  end)
end

---------------------------------------------------------------------------------------------------------- Messages

-- Fields of the same name with other words for their values.
local OWN_FIELD = { CLOSE = { code = "close.code" }, REJECT = { code = "reject.code" } }

-- Fields that do not stand in every payload.
local STANDS = {
  total = function(values) return values.flags.number % 2 == 1 end,
  proof = function(values) return values.extension ~= nil end,
}

-- What a message asks for beyond its table, as soon as the field has been read.
local JUDGE = { FRAGMENT = {}, REJECT = {}, CLOSE = {}, SPAWN = {}, SPAWN_REPLY = {}, NODE_TABLE = {} }

function JUDGE.FRAGMENT.flags(c, value)
  local at = c.at - 1
  c:add("flags.first", at, 1)
  c:add("flags.last", at, 1)
  if value.number > 3 then refuse("DIST-FRG-001", "flags") end
end

function JUDGE.REJECT.code(c, value)
  if not reject_names[value.number] then mark(c.tree, "HS-REJ-002") end
end

function JUDGE.REJECT.text(_, value)
  if #value.text > LIMITS.reject_text_bytes_max then refuse("HS-REJ-001", "text") end
end

function JUDGE.CLOSE.code(c, value)
  if not close_names[value.number] then mark(c.tree, "DIST-CLS-001") end
end

function JUDGE.SPAWN.link(c, value)
  if value.number > 2 then mark(c.tree, "DIST-SPN-002", "link") end
end

JUDGE.SPAWN_REPLY["local"] = function(c, value, values)
  local is_none = values.status.number ~= 0
  if value.number > CONSTANTS.pid_local_max or (is_none and value.number ~= 0) then mark(c.tree, "DIST-SPR-001") end
end

function JUDGE.NODE_TABLE.index(c, value)
  local index = value.number
  if index == 0 or index == CONSTANTS.pid_node_reader or index == CONSTANTS.pid_node_unknown then
    mark(c.tree, "DIST-NTB-001")
  end
end

-- Reads the fields of a row of the registry. `values` takes them by name; gives them in words.
local function read_fields(c, row, values)
  local words = {}
  for _, f in ipairs(row.fields) do
    if not STANDS[f.name] or STANDS[f.name](values) then
      local own = OWN_FIELD[row.name]
      local value, text = READ[f.type](c, own and own[f.name] or f.name)
      values[f.name] = value
      local judge = JUDGE[row.name] and JUDGE[row.name][f.name]
      if judge then judge(c, value, values) end
      if text then words[#words + 1] = f.name .. " " .. text end
    end
  end
  return table.concat(words, ", ")
end

local function read_surplus(c)
  if c:left() == 0 then return end
  local item = c:add_bytes("surplus", c.at, c:left())
  c.at = c.stop
  mark(item, "DIST-RDG-002")
end

-- A message that begins as a mailbox signal does. It is none, whatever it says, but a node of version 1 takes it for
-- one. What is wrong with it as a signal is nothing that a reader of the frame minds.
local function show_signal(c, item)
  local row = signal_by_type[c.bytes:sub(c.at + 1, c.at + 8)]
  if not row or not item then return end
  local signal = item:add(F.signal, c:range(c.at, c:left()), row.name)
  mark(signal, "DIST-SIG-002")
  local inner = c:under(signal)
  inner:take(8, "type")
  local words, refusal = guarded(read_fields, inner, row, {})
  if refusal then
    inner:add("signal.refused", c.at, c:left(), refusal.id .. ": " .. refusal.what)
  else
    signal:append_text(", " .. shown(words))
    if inner:left() > 0 then inner:add_bytes("surplus", inner.at, inner:left()) end
  end
end

-- What the program's bytes may be.
local function show_message(c, value)
  local inner = c:under(value.item)
  inner.at = value.at
  inner.terms_2 = false
  show_signal(inner, value.item)
  if snowdist.prefs.guess_terms and value.item and inner:left() <= TERM_GUESS_BYTES_MAX and is_term(inner) then
    inner:term("term", value.item)
  end
end

local AFTER = {}

function AFTER.FRAGMENT(c, values) values.piece = c.bytes:sub(values.payload.at + 1, c.stop) end

function AFTER.SEND(c, values) show_message(c, values.message) end
AFTER.REG_SEND = AFTER.SEND

function AFTER.SEND_TERM(c, values)
  local inner = c:under(values.message.item)
  inner.at = values.message.at
  local words = inner:term("term", values.message.item)
  return words and "term " .. words
end
for _, name in ipairs { "CALL", "CALL_NAME", "CALL_REPLY", "SEND_NAME_TERM" } do AFTER[name] = AFTER.SEND_TERM end

local function sentinel_of(c, values)
  if not values.challenge or not c.tree then return end
  local ends = values.challenge.raw:sub(-#SENTINEL) == SENTINEL
  c.tree:add(F.sentinel, c:anchor(), ends):set_generated()
end

local function name_beside_block(c, values)
  if values.extension == nil then return end
  if c:left() > 0 then refuse("HS-EXT-009") end
  local name = values.name.text
  local has_control = name:find("[%z\1-\31\127]") or name:find("\194[\128-\159]")
  if #name > LIMITS.node_name_bytes_max or has_control then refuse("HS-NAM-001", "name") end
end

function AFTER.NAME(c, values) name_beside_block(c, values) end

function AFTER.CHALLENGE(c, values)
  sentinel_of(c, values)
  name_beside_block(c, values)
end

function AFTER.REPLY(c, values)
  sentinel_of(c, values)
  if values.extension ~= nil and c:left() > 0 then refuse("HS-PRF-001") end
end

AFTER.ACK = AFTER.REPLY

-- Reads a payload behind its tag. Gives it in words.
local function read_payload(c, row, values)
  local words = read_fields(c, row, values)
  local more = AFTER[row.name] and AFTER[row.name](c, values)
  read_surplus(c)
  if more then return words == "" and more or words .. ", " .. more end
  return words
end

---------------------------------------------------------------------------------------------------- Conversations
--
-- A conversation has two directions, and each of them its own place in the handshake: NAME and REPLY are the
-- initiator's, CHALLENGE, ACK and REJECT the acceptor's, and what follows them are frames. So nothing depends on the
-- order in which a capture has packets of both directions. What is found out when a packet is seen for the first time
-- is kept as a record, by packet and place in it, because packets are dissected again in any order.

-- Known only where all layers are looked at when a packet is first seen: in tshark without -2.
local tcp_stream, tcp_completeness = Field.new("tcp.stream"), Field.new("tcp.completeness")

local streams, records = {}, {}
local fragments_kept_bytes = 0

function snowdist.init()
  streams, records = {}, {}
  fragments_kept_bytes = 0
end

local NEXT = {
  initiator = { NAME = "REPLY", REPLY = "session" },
  acceptor = { CHALLENGE = "ACK", ACK = "session" },
}
local FIRST = { initiator = "NAME", acceptor = "CHALLENGE" }
local OTHER = { initiator = "acceptor", acceptor = "initiator" }
local WRITES = { NAME = "initiator", REPLY = "initiator", CHALLENGE = "acceptor", ACK = "acceptor",
                 REJECT = "acceptor" }

local function end_of(address, port) return tostring(address) .. " " .. tostring(port) end

local function last_of(...)
  local count = select("#", ...)
  return count > 0 and select(count, ...) or nil
end

-- The capture has the beginning: TLS cannot be decrypted without it. Without TLS it is TCP's, and where that is not
-- known the first bytes have to tell.
local function has_beginning(over_tls)
  if over_tls then return true end
  local completeness = last_of(tcp_completeness())
  return completeness ~= nil and completeness.value % 2 == 1
end

local function key_of(from, to) return from < to and from .. " " .. to or to .. " " .. from end

local function new_stream(from, to, begins, index)
  local stream = { index = index, begins = begins, directions = {}, said = {}, open = {}, refs = {} }
  streams[key_of(from, to)] = stream
  return stream
end

local function stream_of(from, to, over_tls)
  local stream, index = streams[key_of(from, to)], last_of(tcp_stream())
  index = index and index.value
  if stream and stream.index == index then return stream end
  return new_stream(from, to, has_beginning(over_tls), index)
end

local function direction_of(stream, from, to)
  local direction = stream.directions[from]
  if direction then return direction end
  direction = { from = from, to = to }
  local opposite = stream.directions[to]
  if stream.begins then
    direction.role = opposite and OTHER[opposite.role] or "initiator"
    direction.awaits = FIRST[direction.role]
  end
  stream.directions[from] = direction
  return direction
end

-- A bound of who reads this direction: none where the capture does not have what that node announced.
local function announced(stream, direction, name)
  local reader = direction.role and stream.said[OTHER[direction.role]]
  if not reader then return math.huge end
  return reader.extension and reader.extension[name] or LIMITS[name]
end

-- The limit of who reads this direction: dist.md, "Framing".
local function limit_of(stream, direction)
  if direction.awaits ~= "session" then return LIMITS.handshake_bytes_max end
  return math.min(announced(stream, direction, "frame_bytes_max"), LIMITS.frame_bytes_max)
end

-- In a direction whose beginning is not in the capture: what these bytes begin, if they look like a message.
local function settle(direction, length, tag)
  local row = handshake_by_tag[tag]
  if row and length >= row.minimum and length <= LIMITS.handshake_bytes_max then
    direction.role = WRITES[row.name]
    direction.awaits = row.name == "REJECT" and FIRST.acceptor or row.name
    direction.has_gap = false
    return true
  end
  row = frame_by_tag[tag]
  if row and length >= row.minimum and length <= LIMITS.frame_bytes_max then
    direction.awaits = "session"
    direction.has_gap = true -- frames before this one are not in the capture
    return true
  end
  return false
end

-- Where TCP's connections are not known, a NAME in a session is a new one between the same two ports: no frame has its
-- tag.
local function is_new_connection(stream, direction, payload)
  if stream.index then return false end
  if direction.awaits ~= "session" and direction.awaits ~= "over" then return false end
  local row = handshake_by_tag[payload:byte(1)]
  if not row or row.name ~= "NAME" or #payload < row.minimum then return false end
  local name = payload:sub(4, 3 + little(payload, 1, 2))
  return #payload <= LIMITS.handshake_bytes_max and name:find("^[^%z\1-\31]+@[^%z\1-\31]+$") ~= nil
end

local function phase_of(direction)
  if direction.awaits == "session" or direction.awaits == "over" then return direction.awaits end
  return "handshake"
end

-- What a node does not put up with, though every reader reads it. Each gives ids of requirements.
local CHECK = {}

local function speaks_enough(extension, notes)
  if not extension.versions or not extension.incarnation then notes[#notes + 1] = "HS-TLV-009" end
  if extension.frame_bytes_max and extension.frame_bytes_max < LIMITS.frame_bytes_bound_min then
    notes[#notes + 1] = "HS-BND-001"
  end
end

local function creation_fits(values, notes)
  if values.creation.number == 0 then
    notes[#notes + 1] = "HS-CRE-002"
  elseif values.extension.incarnation then
    local sum = 0 -- 256 is 1 modulo 255
    for place = 1, 8 do sum = sum + values.extension.incarnation:byte(place) end
    if values.creation.number ~= 1 + sum % 255 then notes[#notes + 1] = "HS-CRE-001" end
  end
end

function CHECK.NAME(_, values, notes)
  if not values.extension then return end
  speaks_enough(values.extension, notes)
  creation_fits(values, notes)
end

local function sentinel_fits(values, notes)
  local has_sentinel = values.challenge.raw:sub(-#SENTINEL) == SENTINEL
  if has_sentinel and not values.extension then notes[#notes + 1] = "HS-DWN-001" end
  if values.extension and not has_sentinel then notes[#notes + 1] = "HS-DWN-002" end
end

local function have_common_version(one, other)
  for _, version in ipairs(one.versions) do
    for _, candidate in ipairs(other.versions) do
      if version == candidate then return true end
    end
  end
  return false
end

function CHECK.CHALLENGE(stream, values, notes)
  local name = stream.said.initiator
  sentinel_fits(values, notes)
  if not values.extension then return end
  speaks_enough(values.extension, notes)
  creation_fits(values, notes)
  if not name then return end
  if not name.extension then
    notes[#notes + 1] = "HS-CRS-003"
  elseif name.extension.versions and values.extension.versions
    and not have_common_version(name.extension, values.extension) then
    notes[#notes + 1] = "HS-VER-002"
  end
end

local function goes_on_as_begun(stream, values, notes)
  local before = stream.said.acceptor
  if before and (before.extension ~= nil) ~= (values.extension ~= nil) then notes[#notes + 1] = "HS-DWN-003" end
  if not values.extension then return end
  if values.digest.raw:find("[^%z]") then notes[#notes + 1] = "HS-DIG-003" end
  if next(values.extension) then notes[#notes + 1] = "HS-TLV-006" end
end

function CHECK.REPLY(stream, values, notes)
  sentinel_fits(values, notes)
  goes_on_as_begun(stream, values, notes)
end

CHECK.ACK = goes_on_as_begun

function CHECK.REJECT(stream, values, notes, direction)
  if direction.role == "initiator" then notes[#notes + 1] = "HS-REJ-003" end
  local name = stream.said.initiator
  if name and not name.extension then notes[#notes + 1] = "HS-REJ-004" end
  if direction.awaits == "CHALLENGE" and values.code.number > 4 then notes[#notes + 1] = "HS-REJ-005" end
end

-- Whether both ends can do what a frame needs; true where that is not known.
local function is_settled(stream, capability)
  local one, other = stream.said.initiator, stream.said.acceptor
  if not one or not other then return true end
  for _, row in ipairs(CAPABILITIES) do
    if row.name == capability then
      local can = function(said)
        local bits = said.extension and said.extension.capabilities
        return bits ~= nil and has_bit(bits, row.bit)
      end
      return can(one) and can(other)
    end
  end
  return false
end

-- Notes what a message of the handshake says, and where its direction stands behind it.
local function advance(stream, direction, row, values, notes)
  local is_due = row.name == direction.awaits
    or (row.name == "REJECT" and direction.role ~= "initiator" and direction.awaits ~= "over")
  if not is_due then notes[#notes + 1] = "HS-CRS-002" end
  CHECK[row.name](stream, values, notes, direction)
  if not is_due then return end
  if row.name == "NAME" or row.name == "CHALLENGE" then stream.said[direction.role] = values end
  direction.awaits = row.name == "REJECT" and "over" or NEXT[direction.role][row.name]
end

---------------------------------------------------------------------------------------------------------- Answers

-- A link or a monitor between a process of one end and one of the other, whoever names it.
local function pair(direction, mine, theirs)
  if direction.from < direction.to then return mine.number .. " " .. theirs.number end
  return theirs.number .. " " .. mine.number
end

-- Which request a message makes, and which ones it answers: keys that hold within a stream. `from` is who asked.
local ASKS, ANSWERS = {}, {}

-- Calls and monitors have one series of refs.
local function own_ref(d, v) return "ref " .. d.from .. v.ref.raw end
local function peers_ref(d, v) return "ref " .. d.to .. v.ref.raw end
local REFS = { MONITOR = own_ref, MONITOR_NAME = own_ref, CALL = own_ref, CALL_NAME = own_ref }

for name, key in pairs(REFS) do ASKS[name] = key end
ANSWERS.MONITOR_EXIT, ANSWERS.CALL_REPLY, ANSWERS.NAMED = peers_ref, peers_ref, peers_ref
function ASKS.PING(d, v) return "ping " .. d.from .. v.payload.raw end
function ANSWERS.PONG(d, v) return "ping " .. d.to .. v.payload.raw end
function ASKS.LINK(d, v) return "link " .. pair(d, v.from, v.to) end
function ANSWERS.EXIT(d, v) return "link " .. pair(d, v.from, v.to) end
function ASKS.UNLINK_ID(d, v) return "unlink " .. d.from .. v.id.raw end
function ANSWERS.UNLINK_ACK(d, v) return "unlink " .. d.to .. v.id.raw end
function ASKS.SPAWN(d, v) return "spawn " .. d.from .. v.request.raw end
function ANSWERS.SPAWN_REPLY(d, v) return "spawn " .. d.to .. v.request.raw end
function ASKS.NAME() return "handshake initiator" end
function ANSWERS.CHALLENGE() return "handshake initiator" end
function ASKS.CHALLENGE() return "handshake acceptor" end
function ANSWERS.REPLY() return "handshake acceptor" end
function ASKS.REPLY() return "handshake initiator" end
function ANSWERS.ACK() return "handshake initiator" end
function ANSWERS.REJECT() return "handshake initiator" end

-- What answers by a ref alone is held against what asked; what does not fit is ignored, by these requirements.
local FITS, IGNORED = {}, { CALL_REPLY = "CAP-CAL-016", NAMED = "CAP-NAM-007" }

-- Whoever is called by a name has local id 0 in the reply.
function FITS.CALL_REPLY(request, v)
  local is_from_callee = request.to == v.from.raw or (request.name == "CALL_NAME" and v.from.number == 0)
  return (request.name == "CALL" or request.name == "CALL_NAME") and is_from_callee and request.from == v.to.raw
end

function FITS.NAMED(request) return request.name == "MONITOR_NAME" and not request.named end

-- Whether all that this direction can answer is in the capture.
local function has_seen_requests(stream, direction)
  local opposite = stream.directions[direction.to]
  return stream.begins and not (opposite and opposite.has_gap)
end

-- Notes which request a message is about. One by a name is answered twice: by who has it, and by how that ended.
local function answer(stream, direction, name, values, record, notes)
  local key = ANSWERS[name] and ANSWERS[name](direction, values)
  local request = key and stream.open[key]
  if request and FITS[name] and not FITS[name](request, values) then request = nil end
  local is_ignored = IGNORED[name] and (not request or request.given_up ~= nil)
  if is_ignored and has_seen_requests(stream, direction) then notes[#notes + 1] = IGNORED[name] end
  if not request then return end
  if name ~= "NAMED" then stream.open[key] = nil end
  request.response = request.response or record
  record.request, record.asked_name, record.named = request, request.asks_name, request.named
  if name == "NAMED" then request.named = values.pid.text end
  if name == "UNLINK_ACK" and (request.from ~= values.to.raw or request.to ~= values.from.raw) then
    notes[#notes + 1] = "DIST-ULA-001"
  end
end

-- What is given up can still be answered: the answer may be on its way.
local function give_up(stream, direction, values, record)
  local request = stream.open[own_ref(direction, values)]
  if not request then return end
  request.given_up = record
  record.gives_up, record.asked_name, record.named = request, request.asks_name, request.named
end

-- Keeps what asks for an answer.
local function ask(stream, direction, name, values, record, notes)
  local key = ASKS[name](direction, values)
  stream.open[key] = record
  record.name, record.asks_name = name, REFS[name] and values.name and values.name.text
  record.from, record.to = values.from and values.from.raw, values.to and values.to.raw
  if not REFS[name] then return end
  local before = stream.refs[key]
  if before and (before ~= "MONITOR" or name ~= "MONITOR") then notes[#notes + 1] = "CAP-CAL-003" end
  stream.refs[key] = name
end

-- Joins a message with what it answers or gives up.
local function join(record, name, values, notes)
  local stream, direction = record.stream, record.direction
  answer(stream, direction, name, values, record, notes)
  if name == "DEMONITOR" then give_up(stream, direction, values, record) end
  if ASKS[name] then ask(stream, direction, name, values, record, notes) end
end

local function show_answers(item, place, record)
  local request = record.request
  local function show(name, value)
    if value then item:add(F[name], place, value):set_generated() end
  end
  show("request_in", request and request.number)
  if request then
    local micros = math.max(0, math.floor((record.time - request.time) * 1e6 + 0.5))
    show("response_time", NSTime.new(math.floor(micros / 1e6), micros % 1e6 * 1000))
  end
  show("gives_up", record.gives_up and record.gives_up.number)
  show("asked_name", record.asked_name and shown(record.asked_name))
  show("named", record.named)
  show("response_in", record.response and record.response.number)
  show("given_up_in", record.given_up and record.given_up.number)
end

------------------------------------------------------------------------------------------------ Frames in fragments
--
-- Each direction has its frames by number, as its reader has them: capabilities.md, "Fragments". The reader ends the
-- session at a piece that does not fit. Here the frame of that piece alone is given up, so that the others can still
-- be looked at; its later pieces belong to a refused frame, and are not marked again.

local CARRIED = { SEND = true, REG_SEND = true, SEND_TERM = true, SEND_NAME_TERM = true, CALL = true,
                  CALL_NAME = true, CALL_REPLY = true }

local function fragments_of(direction)
  direction.fragments = direction.fragments or { by_number = {}, unfinished = 0, bytes = 0 }
  return direction.fragments
end

local function release(frame)
  if frame.pieces then fragments_kept_bytes = fragments_kept_bytes - frame.length end
  frame.pieces = nil
end

local function keep_piece(frame, piece)
  if fragments_kept_bytes + #piece > snowdist.prefs.fragments_mib_max * 2 ^ 20 then release(frame) end
  if not frame.pieces then return end
  frame.pieces[#frame.pieces + 1] = piece
  fragments_kept_bytes = fragments_kept_bytes + #piece
end

-- The frame counts no longer among the unfinished ones.
local function settle_frame(fragments, frame, state)
  if frame.state == "unfinished" then
    fragments.unfinished = fragments.unfinished - 1
    fragments.bytes = fragments.bytes - frame.total
  end
  frame.state = state
end

-- A capture that has lost a part of a direction shows nothing of what was unfinished there.
local function lose(direction)
  for _, frame in pairs(fragments_of(direction).by_number) do release(frame) end
  direction.fragments, direction.awaits = nil, nil
end

local function refuses_first(fragments, record, values)
  local row, total = frame_by_tag[values.piece:byte(1) or 0], values.total.number
  if values.piece == "" then return "CAP-FRG-019" end
  if not row or not CARRIED[row.name] then return "CAP-FRG-015" end
  if total > LIMITS.fragmented_frame_bytes_max then return "CAP-FRG-016" end
  local count_max = announced(record.stream, record.direction, "fragmented_messages_max")
  local bytes_max = announced(record.stream, record.direction, "reassembly_bytes_max")
  if fragments.unfinished >= count_max or fragments.bytes + total > bytes_max then return "CAP-FRG-017" end
  return nil
end

-- The frame that this first piece begins, and why it is refused, if it is.
local function begin_frame(fragments, record, values)
  local before = fragments.by_number[values.number.raw]
  if before and before.state == "unfinished" then return before, "CAP-FRG-013" end
  if before and before.state == "whole" then record.notes[#record.notes + 1] = "CAP-FRG-005" end
  local frame = { total = values.total.number, length = 0, count = 0, pieces = {}, first = record }
  fragments.by_number[values.number.raw] = frame
  local why = refuses_first(fragments, record, values)
  if why then return frame, why end
  frame.state = "unfinished"
  fragments.unfinished, fragments.bytes = fragments.unfinished + 1, fragments.bytes + frame.total
  return frame
end

-- The frame that this piece goes on with.
local function begun_frame(fragments, record, values)
  local frame = fragments.by_number[values.number.raw]
  if frame and frame.state ~= "whole" then return frame end
  frame = { state = "unseen" }
  fragments.by_number[values.number.raw] = frame
  return frame, record.direction.has_gap and "fragments_unseen" or "CAP-FRG-014"
end

-- Adds a piece to its frame. Gives why it does not fit, if it does not.
local function add_piece(fragments, frame, record, values)
  local length, is_last = frame.length + #values.piece, values.flags.number >= 2
  if values.piece == "" then return "CAP-FRG-019" end
  if length > frame.total or is_last ~= (length == frame.total) then return "CAP-FRG-018" end
  keep_piece(frame, values.piece)
  frame.length, frame.count = length, frame.count + 1
  record.held, record.is_unkept = length, frame.pieces == nil
  if not is_last then return nil end
  settle_frame(fragments, frame, "whole")
  frame.last, record.whole = record, frame.pieces and table.concat(frame.pieces)
  frame.pieces = nil
  return nil
end

-- Notes which frame a piece belongs to, and keeps the piece.
local function collect(record, values)
  local fragments, is_first = fragments_of(record.direction), values.flags.number % 2 == 1
  local frame, why = (is_first and begin_frame or begun_frame)(fragments, record, values)
  if frame.state == "unfinished" and not why then why = add_piece(fragments, frame, record, values) end
  record.carried = frame
  if not why then return end
  record.notes[#record.notes + 1] = why
  if why == "fragments_unseen" then return end
  release(frame)
  settle_frame(fragments, frame, "refused")
  frame.refused = record
end

local function show_piece(item, place, record)
  local frame = record.carried
  if record.held then item:add(F["fragments.held"], place, record.held):set_generated() end
  if frame.last == record then item:add(F["fragments.count"], place, frame.count):set_generated() end
  local function point(name, other)
    if other and other ~= record then item:add(F["fragments." .. name], place, other.number):set_generated() end
  end
  point("first_in", frame.first)
  point("whole_in", frame.last)
  point("refused_in", frame.refused)
  if record.is_unkept then mark(item, "fragments_unkept") end
end

---------------------------------------------------------------------------------------------------------- Dissecting

-- Packets are dissected more than once. A record belongs to a packet and to the place of a message among those that
-- begin or end in it, counted anew in each dissection: `private` lives as long as one.
local function place_in(pinfo) return tonumber(pinfo.private.snowdist_place or "0") + 1 end

local function record_at(pinfo, place)
  return records[pinfo.number] and records[pinfo.number][place]
end

local function go_on(pinfo) pinfo.private.snowdist_place = tostring(place_in(pinfo)) end

local function keep(pinfo, record)
  record.number, record.time, record.notes = pinfo.number, pinfo.rel_ts, {}
  records[pinfo.number] = records[pinfo.number] or {}
  records[pinfo.number][place_in(pinfo)] = record
  return record
end

local function tell(pinfo, words)
  if pinfo.private.snowdist_told then
    pinfo.cols.info:append("; " .. words)
  else
    pinfo.cols.info:set(words)
    pinfo.private.snowdist_told = "1"
  end
end

local function row_of(phase, tag)
  if phase == "handshake" then return handshake_by_tag[tag] end
  if phase == "over" then return handshake_by_tag[tag] or frame_by_tag[tag] end
  return frame_by_tag[tag]
end

local function show_unknown(c, tag)
  local words = string.format("unknown tag %02X", tag)
  for _, range in ipairs(RESERVED) do
    if tag >= range.first and tag <= range.last then words = words .. ": " .. range.use end
  end
  c:add_bytes("unread", c.at, c:left())
  return words
end

-- Reads one payload, which is not empty, into the tree. Gives its row and its words; `values` takes the fields.
local function show_payload(c, item, record, phase, values)
  c.terms_2 = is_settled(record.stream, "terms_2")
  local tag = c:unsigned(1, "tag")
  local tag_item = c:add("tag", 0, 1)
  local row = row_of(phase, tag)
  if not row then
    mark(tag_item, phase == "handshake" and "HS-MSG-001" or "DIST-TAG-002")
    if tag >= 0xE0 and tag <= 0xEF then mark(tag_item, "DIST-TAG-003") end
    return nil, show_unknown(c, tag)
  end
  item:add(F.message_name, c:range(0, 1), row.name):set_generated()
  local words, refusal = guarded(read_payload, c, row, values)
  if not refusal then return row, words == "" and row.name or row.name .. " " .. words end
  mark(item, refusal.id, refusal.what)
  if c.at < c.stop then c:add_bytes("unread", c.at, c:left()) end
  return nil, row.name .. ", refused: " .. refusal.id
end

-- Whether the session has what a frame needs.
local function is_allowed(record, row, notes)
  local need = needs_by_name[row.name]
  local is_good = not need or is_settled(record.stream, need.capability)
  if not is_good then notes[#notes + 1] = "HS-VER-003" end
  return is_good
end

local function learn_fragment(record, values, length)
  if length > LIMITS.fragment_bytes_max then record.notes[#record.notes + 1] = "CAP-FRG-003" end
  collect(record, values)
end

local function learn(record, row, values, length)
  local stream, direction = record.stream, record.direction
  if handshake_by_tag[row.tag] then
    advance(stream, direction, row, values, record.notes)
  else
    if record.phase == "over" then record.notes[#record.notes + 1] = "HS-CRS-002" end
    local is_good = is_allowed(record, row, record.notes)
    if is_good and row.name == "FRAGMENT" then learn_fragment(record, values, length) end
  end
  join(record, row.name, values, record.notes)
end

local function show_conversation(item, place, record)
  item:add(F.phase, place, record.phase):set_generated()
  if not record.role then return end
  item:add(F.role, place, record.role):set_generated()
  local said = record.stream.said[record.role]
  if said then item:add(F.sender, place, shown(said.name.text)):set_generated() end
end

-- The frame that is whole with this FRAGMENT, as if it had come whole. Gives it in words.
local function show_whole(item, record, is_new)
  local tvb = ByteArray.new(record.whole, true):tvb("Frame in fragments")
  local whole, values = item:add(F.whole, tvb()), {}
  local row, words = show_payload(cursor(tvb, 0, record.whole, whole), whole, record, "session", values)
  if is_new then
    record.whole_notes = {}
    if row and is_allowed(record, row, record.whole_notes) then join(record, row.name, values, record.whole_notes) end
  end
  for _, id in ipairs(record.whole_notes) do mark(whole, id) end
  whole:append_text(": " .. shown(words))
  return words
end

-- One whole frame or message, at `at` with a payload of `length` bytes.
local function show_message_at(tvb, at, length, pinfo, tree, record, is_new)
  local place = tvb(at, 4 + length)
  local item = tree:add(snowdist, place)
  item:add_le(F.length, tvb(at, 4))
  local row, words, values = nil, "empty", {}
  if length == 0 then
    mark(item, record.phase == "handshake" and "DIST-FRM-005" or "DIST-FRM-007")
  else
    local payload = cursor(tvb, at + 4, tvb:raw(at + 4, length), item)
    row, words = show_payload(payload, item, record, record.phase, values)
  end
  if row and is_new then learn(record, row, values, length) end
  for _, id in ipairs(record.notes) do mark(item, id) end
  if record.carried then show_piece(item, place, record) end
  if record.whole then words = words .. ", whole: " .. show_whole(item, record, is_new) end
  show_answers(item, place, record)
  show_conversation(item, place, record)
  item:append_text(": " .. shown(words))
  tell(pinfo, shown(words))
end

-- Bytes that are no frame, up to the end of the buffer.
local function show_rest(tvb, at, pinfo, tree, record)
  local place = tvb(at, tvb:len() - at)
  local item = tree:add(snowdist, place)
  if record.kind == "too_long" then
    item:add_le(F.length, tvb(at, 4))
    mark(item, "DIST-FRM-002")
  elseif record.kind == "incomplete" then
    item:add(F.unread, place)
    mark(item, "DIST-FRM-009")
  elseif record.kind == "lost" then
    item:add(F.unread, place)
  else
    item:add(F.continuation, place)
  end
  item:append_text(": " .. record.words)
  tell(pinfo, record.words)
end

local WORDS = {
  too_long = "a length above the limit",
  lost = "behind a length above the limit",
  incomplete = "incomplete",
  continuation = "inside a frame",
}

-- What stands at `at` if it is no whole message: a kind of `WORDS`, or nil and how many bytes are missing.
local function judge_framing(tvb, at, pinfo, stream, direction)
  local left = tvb:len() - at
  local is_cut = tvb:len() < tvb:reported_len() or pinfo.can_desegment == 0
  if direction.is_lost then return "lost" end
  if not direction.awaits then
    if left < 5 then return "continuation" end
    local head = tvb:raw(at, 5)
    if not settle(direction, little(head, 0, 4), head:byte(5)) then return "continuation" end
  end
  if left < 4 then return is_cut and "incomplete" or nil, DESEGMENT_ONE_MORE_SEGMENT end
  local length = tvb(at, 4):le_uint()
  if length > limit_of(stream, direction) then return "too_long" end
  if left < 4 + length then return is_cut and "incomplete" or nil, 4 + length - left end
  return nil, 0
end

-- A packet that is seen for the first time: gives a new record, or nil and how many bytes are missing.
local function judge(tvb, at, pinfo, from, to, over_tls)
  local stream = stream_of(from, to, over_tls)
  local direction = direction_of(stream, from, to)
  local kind, missing = judge_framing(tvb, at, pinfo, stream, direction)
  if kind then
    if kind == "too_long" then direction.is_lost = true end
    if kind == "incomplete" then lose(direction) end
    return keep(pinfo, { kind = kind, words = WORDS[kind] })
  end
  if missing > 0 then return nil, missing end
  local length = tvb(at, 4):le_uint()
  if length > 0 and is_new_connection(stream, direction, tvb:raw(at + 4, length)) then
    stream = new_stream(from, to, true)
    direction = direction_of(stream, from, to)
  end
  return keep(pinfo, { phase = phase_of(direction), role = direction.role, stream = stream, direction = direction })
end

-- A packet that has been seen before and has no record at this place: a beginning that was put off.
local function missing_at(tvb, at)
  local left = tvb:len() - at
  if left < 4 then return DESEGMENT_ONE_MORE_SEGMENT end
  return math.max(1, 4 + tvb(at, 4):le_uint() - left)
end

-- Gives where to go on, or nil if more bytes are needed.
local function dissect_at(tvb, at, pinfo, tree, over_tls)
  local record, is_new, missing = record_at(pinfo, place_in(pinfo)), false, nil
  if not record and pinfo.visited then
    missing = missing_at(tvb, at)
  elseif not record then
    is_new = true
    local from, to = end_of(pinfo.src, pinfo.src_port), end_of(pinfo.dst, pinfo.dst_port)
    record, missing = judge(tvb, at, pinfo, from, to, over_tls)
  end
  if not record then
    pinfo.desegment_offset, pinfo.desegment_len = at, missing
    return nil
  end
  go_on(pinfo)
  if record.kind then
    show_rest(tvb, at, pinfo, tree, record)
    return tvb:len()
  end
  local length = tvb(at, 4):le_uint()
  show_message_at(tvb, at, length, pinfo, tree, record, is_new)
  return at + 4 + length
end

local function dissect(tvb, pinfo, tree, over_tls)
  if tvb:len() == 0 then return 0 end
  pinfo.cols.protocol = "Snow DIST"
  local at = 0
  while at and at < tvb:len() do at = dissect_at(tvb, at, pinfo, tree, over_tls) end
  return tvb:len()
end

function snowdist.dissector(tvb, pinfo, tree) return dissect(tvb, pinfo, tree, false) end

-- The same within TLS.
local within_tls = Proto("snowdist_tls", "Snow DIST within TLS")

function within_tls.dissector(tvb, pinfo, tree) return dissect(tvb, pinfo, tree, true) end

------------------------------------------------------------------------------------------------------ Registration

snowdist.prefs.tls_ports = Pref.range("Ports with TLS", tostring(CONSTANTS.port_default),
  "Ports on which TLS carries Snow DIST, for peers that offer no application protocol", 65535)
snowdist.prefs.plain_ports = Pref.range("Ports without TLS", "",
  "Ports on which Snow DIST is spoken without TLS, as between a proxy and a node", 65535)
snowdist.prefs.guess_terms = Pref.bool("Look for terms in messages", true,
  "Show a message of SEND and REG_SEND as a term if all its bytes are one")
snowdist.prefs.fragments_mib_max = Pref.uint("MiB of frames in fragments", FRAGMENTS_MIB_MAX,
  "How much is kept of frames in fragments in a whole capture; what comes beyond that is not put together")

local tcp_ports, tls_ports = DissectorTable.get("tcp.port"), DissectorTable.get("tls.port")
local tls = Dissector.get("tls")
local in_use = { tls = "", plain = "" }

local function move(table_of_ports, dissector, old, new)
  if old ~= "" then table_of_ports:remove(old, dissector) end
  if new ~= "" then table_of_ports:add(new, dissector) end
end

local function register_ports()
  local wanted_tls, wanted_plain = tostring(snowdist.prefs.tls_ports), tostring(snowdist.prefs.plain_ports)
  move(tls_ports, within_tls, in_use.tls, wanted_tls)
  move(tcp_ports, tls, in_use.tls, wanted_tls)
  move(tcp_ports, snowdist, in_use.plain, wanted_plain)
  in_use = { tls = wanted_tls, plain = wanted_plain }
end

snowdist.prefs_changed = register_ports
register_ports()
DissectorTable.get("tls.alpn"):add(CONSTANTS.tls_application_protocol, within_tls)
tcp_ports:add_for_decode_as(snowdist)
tls_ports:add_for_decode_as(within_tls)
