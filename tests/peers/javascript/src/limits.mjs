// Named limits: registry.toml, [limits]. Bytes and counts; times are in seconds.

export const LAYOUT = Object.freeze({
  handshake_bytes_max: 4_096,
  frame_bytes_max: 16_777_216,
  frame_bytes_bound_min: 65_536,
  extension_bytes_max: 2_048,
  versions_max: 16,
  node_name_bytes_max: 255,
  reject_text_bytes_max: 255,
  close_text_bytes_max: 255,
  monitored_name_bytes_max: 4_096,
  reason_bytes_max: 4_096,
  reason_hops_v1_max: 256,
  record_bytes_v1: 16_384,
  term_depth_max: 64,
  term_elements_max: 1_000_000,
  term_string_bytes_max: 16_777_216,
  term_bytes_max: 16_777_216,
});

// Limits of a node's own: CON-LIM-001 lets every node choose others.
export const OWN = Object.freeze({
  handshake_deadline: 7,
  ack_deadline: 7,
  handshakes_max: 128,
  handshakes_per_address_max: 32,
  probe_timeout: 2,
  version_1_cleanup: 1,
  sessions_max: 4_096,
  sessions_per_address_max: 1_024,
  heartbeat_interval: 60,
  heartbeat_timeout: 15,
  session_queue_bytes_max: 8_388_608,
  session_reserve_bytes_max: 8_388_608,
  answer_bytes_counted: 64,
  drain_deadline: 30,
  shutdown_patience: 5,
  links_and_monitors_max: 1_000_000,
  peer_list_names_max: 1_024,
  peer_list_dials_max: 1_024,
});
