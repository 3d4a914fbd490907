/**
 * A tunnel of the built package whose configuration changes: `node reconfigured-tunnel.js
 * userspace`, or `node reconfigured-tunnel.js tun NAME`. Each line of standard input is a JSON
 * configuration with base64 keys. The first opens the tunnel, later ones change it, and the end of
 * the input closes it. The reply to each is one line: an error, or that the handshake is complete.
 *
 * In userspace mode it also runs a mixed port and prints its authority first.
 */
import { createInterface } from 'node:readline';

import { selectCrypto } from '../../../dist/src/crypto/select.js';
import { loadLibc } from '../../../dist/src/system/linux/libc.js';
import { Secret } from '../../../dist/src/lib/secrets/secret.js';
import { systemClock, systemWallClock } from '../../../dist/src/system/clock.js';
import { systemEntropy } from '../../../dist/src/system/entropy.js';
import { linuxNetwork } from '../../../dist/src/system/linux/linux-network.js';
import { createLog } from '../../../dist/src/system/log.js';
import { systemResolver } from '../../../dist/src/system/network/resolver.js';
import { udpSockets } from '../../../dist/src/system/network/udp-socket.js';
import { startMixedPort } from '../../../dist/src/proxy/mixed/mixed-port.js';
import { TunTunnel } from '../../../dist/src/tunnel/interface/tun-tunnel.js';
import { parseTunnelConfig } from '../../../dist/src/tunnel/tunnel-config.js';
import { UserspaceTunnel } from '../../../dist/src/tunnel/userspace-tunnel.js';

const HANDSHAKE_TIMEOUT = 20_000;

const [mode, name] = process.argv.slice(2);
const log = createLog('debug', 'text');
const ports = {
  crypto: await selectCrypto(await loadLibc()),
  entropy: systemEntropy,
  wallClock: systemWallClock,
  clock: systemClock,
  sockets: udpSockets,
  resolver: systemResolver,
  log,
};

async function open(config) {
  if (mode === 'tun') {
    const { devices, sockets } = await linuxNetwork();
    return TunTunnel.open(config, { ...ports, sockets }, devices, devices.open(name));
  }
  const tunnel = await UserspaceTunnel.open(config, ports);
  const listen = { host: '127.0.0.1', port: 0 };
  const port = await startMixedPort({ listen, dialer: tunnel.dialer, log });
  console.log(`mixed ${port.authority}`);
  closers.push(() => port.close({ graceMs: 0 }));
  return tunnel;
}

function read(line) {
  const { privateKey, serverPublicKey, ...text } = JSON.parse(line);
  return parseTunnelConfig({
    ...text,
    privateKey: new Secret(new Uint8Array(Buffer.from(privateKey, 'base64'))),
    serverPublicKey: new Uint8Array(Buffer.from(serverPublicKey, 'base64')),
    mtu: 1420,
    persistentKeepaliveSeconds: 0,
  });
}

const closers = [];
let tunnel;
let count = 0;
for await (const line of createInterface({ input: process.stdin })) {
  try {
    if (tunnel === undefined) tunnel = await open(read(line));
    else await tunnel.reconfigure(read(line));
    await tunnel.waitForHandshake(systemClock.now() + HANDSHAKE_TIMEOUT);
    console.log(`handshake ${++count}`);
  } catch (error) {
    console.log(`failed ${error.message}`);
  }
}
for (const close of closers) await close();
await tunnel.close();
