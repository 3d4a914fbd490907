/**
 * The built emulator with wireguard-go as its Arc side: `node wireguard-go-emulator.js DEVICE`, in
 * the network namespace of that wireguard-go device. Descriptor 3 is a TCP listener from another
 * namespace that serves the API. It prints the same JSON line as `arctun emulator --json`.
 *
 * It creates sessions with `wg`, and its services use the kernel's TCP and UDP.
 */
import { execFileSync } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { connect, createServer } from 'node:net';

import { selectCrypto } from '../../../dist/src/crypto/select.js';
import { loadLibc } from '../../../dist/src/system/linux/libc.js';
import { startEmulator } from '../../../dist/src/emulator/emulator.js';
import { systemWallClock } from '../../../dist/src/system/clock.js';
import { systemEntropy } from '../../../dist/src/system/entropy.js';
import { formatIpAddress, parseIpAddress } from '../../../dist/src/wire/ip-address.js';

const OUTSIDE = '127.0.0.1';

const [device] = process.argv.slice(2);

function run(command, parameters, env = {}) {
  const options = { encoding: 'utf8', env: { ...process.env, ...env } };
  return execFileSync(command, parameters, options).trim();
}
const wg = (...parameters) => run('wg', parameters);
const ip = (...parameters) => run('ip', parameters);
const base64 = (key) => Buffer.from(key).toString('base64');

class WireGuardGoNetwork {
  endpoint;
  #closers = [];

  constructor({ addresses, privateKey }) {
    this.setPrivateKey(privateKey);
    for (const address of addresses) {
      ip('address', 'add', `${formatIpAddress(address)}/32`, 'dev', device);
    }
    ip('link', 'set', device, 'mtu', '1420', 'up');
    ip('route', 'add', '10.0.0.0/8', 'dev', device);
    this.endpoint = { address: OUTSIDE, port: Number(wg('show', device, 'listen-port')) };
  }

  get publicKey() {
    return new Uint8Array(Buffer.from(wg('show', device, 'public-key'), 'base64'));
  }

  setPrivateKey(privateKey) {
    for (const peer of wg('show', device, 'peers').split('\n').filter(Boolean)) {
      wg('set', device, 'peer', peer, 'remove');
    }
    const set = `echo "$KEY" | wg set ${device} private-key /dev/stdin`;
    run('sh', ['-c', set], { KEY: base64(privateKey.expose()) });
  }

  addPeer({ publicKey, address }) {
    const allowed = ['allowed-ips', `${formatIpAddress(address)}/32`];
    wg('set', device, 'peer', base64(publicKey), ...allowed);
  }

  removePeer(publicKey) {
    wg('set', device, 'peer', base64(publicKey), 'remove');
  }

  listenTcp(local, onConnection) {
    const server = createServer({ allowHalfOpen: true }, (socket) =>
      onConnection(socket, remote(socket.remoteAddress, socket.remotePort)),
    );
    server.listen(local.port, formatIpAddress(local.address));
    this.#closers.push(() => server.close());
  }

  bindUdp(local, onDatagram) {
    const socket = createSocket('udp4');
    socket.on('message', (payload, from) =>
      onDatagram(payload, remote(from.address, from.port), (answer) =>
        socket.send(answer, from.port, from.address),
      ),
    );
    socket.bind(local.port, formatIpAddress(local.address));
    this.#closers.push(() => socket.close());
  }

  close() {
    for (const close of this.#closers) close();
    return Promise.resolve();
  }
}

function remote(address, port) {
  return { address: parseIpAddress(address), port };
}

const emulator = await startEmulator(
  { apiPort: 0 },
  {
    crypto: await selectCrypto(await loadLibc()),
    entropy: systemEntropy,
    wallClock: systemWallClock,
    createNetwork: (options) => Promise.resolve(new WireGuardGoNetwork(options)),
  },
);
const outside = createServer((socket) => {
  const inner = connect(Number(new URL(emulator.api).port), OUTSIDE);
  for (const [from, to] of [
    [socket, inner],
    [inner, socket],
  ]) {
    from.on('error', () => to.destroy());
    from.pipe(to);
  }
});
outside.listen({ fd: 3 }, () => {
  const api = `http://${OUTSIDE}:${outside.address().port}`;
  const { metadata, arc, authKeyId, authKey } = emulator;
  console.log(JSON.stringify({ api, metadata, arc, authKeyId, authKey }));
});
