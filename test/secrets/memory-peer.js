/**
 * A process whose memory is searched for keys: `node --expose-gc memory-peer.js BACKEND SCENARIO
 * FILE`, with the built files.
 *
 * It stops at each phase: it writes the phase's name to standard output and waits for a line. It
 * writes every new secret to FILE directly from the array that holds it, so that writing leaves no
 * copy: the length of the name, the name, and 32 bytes.
 */
import { randomFillSync } from 'node:crypto';
import { openSync, writeSync } from 'node:fs';
import { createInterface } from 'node:readline';

import { createNodeCrypto } from '../../dist/src/crypto/node.js';
import { createOpenSslCrypto } from '../../dist/src/crypto/openssl.js';
import { createSodiumCrypto } from '../../dist/src/crypto/sodium.js';
import { openWireGuardNetwork } from '../../dist/src/emulator/wireguard-network.js';
import { PacketSlots, packetInSlot } from '../../dist/src/lib/packets/packet-slot.js';
import { Secret } from '../../dist/src/lib/secrets/secret.js';
import { systemClock, systemWallClock } from '../../dist/src/system/clock.js';
import { systemEntropy } from '../../dist/src/system/entropy.js';
import { loadLibc } from '../../dist/src/system/linux/libc.js';
import { createLog } from '../../dist/src/system/log.js';
import { systemResolver } from '../../dist/src/system/network/resolver.js';
import { udpSockets } from '../../dist/src/system/network/udp-socket.js';
import { parseTunnelConfig } from '../../dist/src/tunnel/tunnel-config.js';
import { UserspaceTunnel } from '../../dist/src/tunnel/userspace-tunnel.js';
import { parseIpAddress, parseIpPrefix } from '../../dist/src/wire/ip-address.js';
import { Device } from '../../dist/src/wireguard/device.js';

const [backend, scenario, file] = process.argv.slice(2);
const secrets = openSync(file, 'w', 0o600);
const BASE_POINT = Uint8Array.of(9, ...new Uint8Array(31));

/** Outside the garbage-collected heap, so that it is never moved. */
function newKey(name) {
  const key = new Uint8Array(new ArrayBuffer(32));
  randomFillSync(key);
  // Clamped, so that the scalar has the same bytes.
  key[0] &= 248;
  key[31] = (key[31] & 127) | 64;
  return tell(name, key);
}

function tell(name, bytes) {
  if (bytes === undefined) return bytes;
  writeSync(secrets, Uint8Array.of(name.length));
  writeSync(secrets, name);
  writeSync(secrets, bytes);
  return bytes;
}

/** A backend that reports all keys from which a session is derived. */
function telling(crypto) {
  return {
    ...crypto,
    hmac: (...parts) => tell('a key of the handshake', crypto.hmac(...parts)),
    dh: (privateKey, publicKey) => {
      const shared = crypto.dh(privateKey, publicKey);
      // With the base point the result is the public key.
      const isPublic = Buffer.compare(publicKey, BASE_POINT) === 0;
      return isPublic ? shared : tell('a shared secret', shared);
    },
    transportKey: (key) => crypto.transportKey(tell('a transport key', key)),
  };
}

const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();

/** Stops until the parent sends a line. */
async function phase(name) {
  process.stdout.write(`${name}\n`);
  await lines.next();
}

async function phaseWithoutGarbage(name) {
  for (let turn = 0; turn < 3; turn++) {
    globalThis.gc();
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  await phase(name);
}

const BACKENDS = {
  node: createNodeCrypto,
  'sodium-native': createSodiumCrypto,
  openssl: async () => createOpenSslCrypto(await createSodiumCrypto(), await loadLibc()),
};
const plain = await BACKENDS[backend]();
const crypto = telling(plain);

/** Two devices with a pre-shared key, and a link operated by hand. */
async function devices() {
  const flights = [];
  const slots = new PacketSlots();
  const keys = [newKey('the first private key'), newKey('the second private key')];
  const psk = newKey('the pre-shared key');
  let received = 0;
  const ends = keys.map(
    (privateKey, index) =>
      new Device({
        privateKey,
        crypto,
        entropy: systemEntropy,
        // The wall clock stands still, because `now` is always 0.
        wallClock: { unixMilliseconds: () => 1_767_225_600_000 },
        mtu: 1420,
        sink: {
          transmit: (bytes) => flights.push({ to: 1 - index, bytes }),
          deliver: () => received++,
        },
        observer: { ephemeralKey: (key) => tell('an ephemeral key', key) },
      }),
  );
  const peers = ends.map((device, index) =>
    device.addPeer(
      {
        publicKey: ends[1 - index].publicKey,
        presharedKey: psk,
        endpoint: { address: '127.0.0.1', port: 1 },
        allowedIps: [parseIpPrefix('0.0.0.0/0')],
      },
      0,
    ),
  );
  for (const key of [...keys, psk]) key.fill(0);
  const carry = () => {
    for (let flight = flights.shift(); flight; flight = flights.shift()) {
      const endpoint = { address: '127.0.0.1', port: 1 };
      ends[flight.to].handleDatagrams([{ bytes: flight.bytes, endpoint }], 0);
    }
  };

  await phaseWithoutGarbage('made');
  if (scenario === 'idle devices') {
    for (const device of ends) device.close();
    return;
  }
  ends[0].initiateHandshake(peers[0], 0);
  await phaseWithoutGarbage('begun');
  carry();
  for (let count = 0; count < 100; count++) {
    // A cipher uses other code for long packets. The last ones are short.
    const length = count < 50 ? 1_000 : 100;
    const slot = slots.allocate(length);
    packetInSlot(slot).set([0x45, 0, length >> 8, length & 0xff]);
    ends[count % 2].sendPackets([slot], 0);
    carry();
  }
  if (received !== 100) throw new Error(`${received} packets of 100 came`);
  await phaseWithoutGarbage('open');
  for (const device of ends) device.discardSessions();
  await phaseWithoutGarbage('sessions discarded');
  const another = newKey('another private key');
  ends[0].setPrivateKey(another);
  another.fill(0);
  await phaseWithoutGarbage('private key replaced');
  for (const device of ends) device.close();
}

/** A userspace tunnel and a network for it to reach, over local UDP. */
async function tunnel() {
  const keys = [newKey('the first private key'), newKey('the second private key')];
  const ports = {
    crypto,
    entropy: systemEntropy,
    wallClock: systemWallClock,
    clock: systemClock,
    sockets: udpSockets,
    resolver: systemResolver,
    log: createLog('silent', 'text'),
  };
  const [client, server] = ['10.0.0.2', '100.127.69.42'];
  const network = await openWireGuardNetwork(
    {
      listen: { address: '127.0.0.1', port: 0 },
      privateKey: new Secret(keys[0]),
      addresses: [parseIpAddress(server)],
    },
    ports,
  );
  const config = parseTunnelConfig({
    privateKey: new Secret(keys[1]),
    serverPublicKey: network.publicKey,
    endpoint: { host: '127.0.0.1', port: network.endpoint.port },
    address: client,
    allowedIps: ['100.127.0.0/16'],
    mtu: 1420,
    persistentKeepaliveSeconds: 0,
  });
  network.addPeer({ publicKey: plain.publicKey(keys[1]), address: parseIpAddress(client) });
  const local = { address: parseIpAddress(server), port: 7 };
  network.bindUdp(local, (payload, _from, answer) => answer(payload));
  const opened = await UserspaceTunnel.open(config, ports);
  for (const key of keys) key.fill(0);
  await opened.waitForHandshake(Infinity);
  await phaseWithoutGarbage('open');
  await opened.close();
  await network.close();
}

await (scenario === 'tunnel' ? tunnel() : devices());
await phase('closed');
await phaseWithoutGarbage('closed and collected');
process.exit();
