/**
 * Opens 1,000 tunnels of the library in one process, each with its own key, to one wireguard-go
 * server: `npm run bench:tunnels`. Measures the time until all have a session, the growth of
 * resident memory for each tunnel, and the CPU time while they are idle. Exits with 1 if a limit is
 * exceeded. docs/reference/benchmarks.md describes the measurements.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

import { x25519 } from '@noble/curves/ed25519.js';

import { Lab, SERVICES } from './support/lab.js';

const CLIENT = fileURLToPath(new URL('./many-tunnels.js', import.meta.url));

/** The limits: seconds until all tunnels have a session, KiB for each, and % of a core. */
const LIMIT_SECONDS = 15;
const LIMIT_KIB = 100;
const LIMIT_CPU = 5;

const { values } = parseArgs({
  options: {
    count: { type: 'string', default: '1000' },
    /** How long the idle CPU time is measured, in seconds. */
    seconds: { type: 'string', default: '30' },
    /** The keepalive interval of arc.json in seconds; 60 is the default of `up`. */
    keepalive: { type: 'string', default: '60' },
    /** Further parameters of the program that opens the tunnels, such as `--heap`. */
    client: { type: 'string', default: '' },
    /** The state folder, such as one in /dev/shm to keep the state in memory. */
    state: { type: 'string' },
    /** Parameters for Node.js, such as `--expose-gc`. */
    node: { type: 'string', default: '' },
  },
});
const count = Number(values.count);

const lab = await Lab.start({ throughRelay: false });
try {
  const file = addClients();
  const words = (text) => text.split(' ').filter(Boolean);
  const command = [process.execPath, ...words(values.node), CLIENT];
  const parameters = [file, values.seconds, `http://${SERVICES.cubic}/`, ...words(values.client)];
  const env = values.state === undefined ? {} : { XDG_STATE_HOME: values.state };
  const client = lab.start('client', [...command, ...parameters], env);
  const wait = (Number(values.seconds) + 300) * 1_000;
  const result = JSON.parse(await client.line((line) => line.startsWith('{'), wait));
  report(result);
} finally {
  lab.close();
}
process.exit();

/** Adds the clients as peers of the server; returns the file with each client's arc.json. */
function addClients() {
  const base = JSON.parse(readFileSync(lab.configPath, 'utf8'));
  const configs = [];
  const peers = [];
  for (let index = 0; index < count; index++) {
    const { privateKey, publicKey } = keyPair();
    const address = `10.78.${(index >> 8) & 0xff}.${index & 0xff}`;
    const session = { ...base.arcSessionStatus, arcClientPeerIpAddress: address };
    const persistentKeepalive = Number(values.keepalive);
    configs.push({
      ...base,
      privateKey,
      publicKey,
      persistentKeepalive,
      arcSessionStatus: session,
    });
    peers.push(`[Peer]\nPublicKey = ${publicKey}\nAllowedIPs = ${address}/32\n`);
  }
  const device = `ab${process.pid}s`;
  const settings = join(lab.folder, 'peers.conf');
  writeFileSync(settings, peers.join('\n'), { mode: 0o600 });
  lab.run('server', 'wg', 'addconf', device, settings);
  lab.run('server', 'ip', 'route', 'add', '10.78.0.0/16', 'dev', device);
  const file = join(lab.folder, 'clients.json');
  writeFileSync(file, JSON.stringify(configs), { mode: 0o600 });
  return file;
}

function keyPair() {
  const { secretKey, publicKey } = x25519.keygen();
  const base64 = (bytes) => Buffer.from(bytes).toString('base64');
  return { privateKey: base64(secretKey), publicKey: base64(publicKey) };
}

function report({ opened, seconds, startKib, marks, cpu, wakeUps }) {
  const perTunnel = (kib) => (kib - startKib) / count;
  const [sessions, idle, posted] = marks.map(perTunnel);
  const lines = [
    [`${opened} of ${count} tunnels have a session`, opened === count],
    [`all after ${seconds.toFixed(1)} s (limit ${LIMIT_SECONDS})`, seconds <= LIMIT_SECONDS],
    [`${kib(sessions)} for each tunnel with a session (limit ${LIMIT_KIB})`, sessions <= LIMIT_KIB],
    [`${kib(idle)} after ${values.seconds} s without traffic`, idle <= LIMIT_KIB],
    [
      `${cpu.toFixed(1)} % of a core while idle (limit ${LIMIT_CPU}), ${wakeUps.toFixed(0)} turns of the event loop a second`,
      cpu <= LIMIT_CPU,
    ],
    [`${kib(posted)} after a POST through each tunnel`, true],
  ];
  for (const [text, isGood] of lines) {
    console.log(`${isGood ? 'ok  ' : 'FAIL'} ${text}`);
    if (!isGood) process.exitCode = 1;
  }
  console.log(`     ${(startKib / 1024).toFixed(0)} MiB before, with one tunnel opened and closed`);
}

function kib(value) {
  return `${value.toFixed(1)} KiB`;
}
