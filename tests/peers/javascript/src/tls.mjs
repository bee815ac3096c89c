// TLS as handshake.md, "Transport", asks for it. The certificate is a fixture: nobody checks it, and the proofs are tied
// to the channel and not to it.

import { constants } from 'node:crypto';
import { readFileSync } from 'node:fs';
import tls from 'node:tls';

const SERVER_NAME = 'snow-node';
const PROTOCOL = 'snow-dist/1';
const EXPORTER_LABEL = 'EXPORTER-Channel-Binding';
const EXPORTER_BYTES = 32;

const fixture = name => readFileSync(new URL(`../fixtures/${name}`, import.meta.url));

// Version 1 nodes speak TLS 1.2 as well.
const minVersion = version1 => (version1 ? 'TLSv1.2' : 'TLSv1.3');

export function acceptorContext({ version1, key = fixture('key.pem'), cert = fixture('cert.pem') }) {
  // A socket of its own has no store of sessions, so nothing is ever resumed (HS-TLS-010).
  return tls.createSecureContext({
    key, cert, minVersion: minVersion(version1), secureOptions: constants.SSL_OP_NO_TICKET,
  });
}

/** TLS on a connection that TCP has accepted; emits `secure`. */
export function acceptTls(socket, secureContext) {
  return new tls.TLSSocket(socket, {
    isServer: true,
    secureContext,
    // Without a protocol in common Node.js would end the connection, which HS-TLS-004 forbids.
    ALPNCallback: ({ protocols }) => (protocols.includes(PROTOCOL) ? PROTOCOL : protocols[0]),
  });
}

/** Dials; emits `secureConnect`. */
export function dialTls({ host, port }, { version1 }) {
  return tls.connect({
    host,
    port,
    servername: SERVER_NAME,
    ALPNProtocols: [PROTOCOL],
    minVersion: minVersion(version1),
    rejectUnauthorized: false,
  });
}

export const isTls13 = socket => socket.getProtocol() === 'TLSv1.3';

export const exporterOf = socket => socket.exportKeyingMaterial(EXPORTER_BYTES, EXPORTER_LABEL, Buffer.alloc(0));
