/**
 * A tunnel of the built package that sends one POST per `interval` ms: `node posting-tunnel.js`. It
 * reads one line from standard input, a JSON configuration with `service` and `interval`, and runs
 * until the input ends. It prints one line for each response and each rival client; the log goes to
 * standard error.
 */
import { createInterface } from 'node:readline';
import { request } from 'node:http';
import { clearInterval, setInterval } from 'node:timers';

import { selectCrypto } from '../../../dist/src/crypto/select.js';
import { loadLibc } from '../../../dist/src/system/linux/libc.js';
import { Secret } from '../../../dist/src/lib/secrets/secret.js';
import { systemClock, systemWallClock } from '../../../dist/src/system/clock.js';
import { systemEntropy } from '../../../dist/src/system/entropy.js';
import { createLog } from '../../../dist/src/system/log.js';
import { systemResolver } from '../../../dist/src/system/network/resolver.js';
import { udpSockets } from '../../../dist/src/system/network/udp-socket.js';
import { parseTunnelConfig } from '../../../dist/src/tunnel/tunnel-config.js';
import { UserspaceTunnel } from '../../../dist/src/tunnel/userspace-tunnel.js';

const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
const { privateKey, serverPublicKey, service, interval, ...text } = JSON.parse(
  (await lines.next()).value,
);
const config = parseTunnelConfig({
  ...text,
  privateKey: new Secret(new Uint8Array(Buffer.from(privateKey, 'base64'))),
  serverPublicKey: new Uint8Array(Buffer.from(serverPublicKey, 'base64')),
  mtu: 1420,
  persistentKeepaliveSeconds: 0,
});
const started = systemClock.now();
const say = (line) => console.log(`${Math.round(systemClock.now() - started)} ${line}`);
const tunnel = await UserspaceTunnel.open(
  config,
  {
    crypto: await selectCrypto(await loadLibc()),
    entropy: systemEntropy,
    wallClock: systemWallClock,
    clock: systemClock,
    sockets: udpSockets,
    resolver: systemResolver,
    log: createLog('debug', 'text'),
  },
  { watchForRivals: true },
);
tunnel.onRival((rival) => say(`rival ${JSON.stringify(rival)}`));
const agent = tunnel.httpAgent();
const timer = setInterval(() => {
  const posted = request({ host: service, port: 80, method: 'POST', agent, timeout: 10_000 });
  const settle = (outcome) => say(`${outcome}`);
  posted.on('response', (answer) =>
    answer.resume().on('end', () => settle(`answer ${answer.statusCode}`)),
  );
  posted.on('timeout', () => posted.destroy(new Error('timeout')));
  posted.on('error', (error) => settle(`failed ${error.message}`));
  posted.end('{"temperature":20}');
}, interval);
await lines.next();
clearInterval(timer);
await tunnel.close({ gracePeriod: 0 });
process.exit(0);
