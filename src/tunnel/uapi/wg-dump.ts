/** Parses the output of `wg show all dump`: tab-separated fields in the order of wg(8). */
import type { DeviceStatus } from './ask-device.js';
import type { PeerStatus } from '../tunnel-status.js';

/** Returns the devices by name. Skips lines in other formats, and never returns secret keys. */
export function readWgDump(text: string): ReadonlyMap<string, DeviceStatus> {
  const devices = new Map<string, DeviceStatus & { peers: PeerStatus[] }>();
  for (const line of text.split('\n')) {
    const [name = '', ...fields] = line.split('\t');
    if (fields.length === 4) {
      const [, publicKey, listenPort, fwmark] = fields;
      devices.set(name, {
        publicKey: valueOf(publicKey),
        listenPort: numberOf(listenPort),
        fwmark: numberOf(fwmark),
        peers: [],
      });
    } else if (fields.length === 8) {
      devices.get(name)?.peers.push(peerOf(fields));
    }
  }
  return devices;
}

function peerOf(fields: readonly string[]): PeerStatus {
  const [publicKey = '', , endpoint, allowedIps, handshake, received, sent, keepalive] = fields;
  const latest = numberOf(handshake);
  return {
    publicKey,
    endpoint: valueOf(endpoint),
    allowedIps: valueOf(allowedIps)?.split(',') ?? [],
    persistentKeepalive: numberOf(keepalive),
    latestHandshakeUnix: latest === 0 ? undefined : latest * 1000,
    sentBytes: numberOf(sent),
    receivedBytes: numberOf(received),
    roundTrip: undefined,
    lossIn: undefined,
  };
}

function valueOf(field: string | undefined): string | undefined {
  return field === '(none)' ? undefined : field;
}

/** Parses a number, which may begin with `0x`; returns 0 for `off`. */
function numberOf(field = ''): number {
  const number = Number(field);
  return Number.isSafeInteger(number) ? number : 0;
}
