/**
 * The pool without Lambda: a forwarder over a pooled tunnel, told by the variables that the extension
 * knows. It stands in for the extension where `npm run pool` is given none.
 */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';

import { loadArcConfig } from '../../src/app/load-arc-config.js';
import { planTunnel } from '../../src/app/open-tunnel.js';
import { selectCrypto } from '../../src/crypto/select.js';
import { PooledTunnel } from '../../src/lambda/pooled-tunnel.js';
import { systemClock, systemWallClock } from '../../src/platform/clock.js';
import { systemEntropy } from '../../src/platform/entropy.js';
import { systemFiles } from '../../src/platform/files.js';
import { createLog } from '../../src/platform/log.js';
import { systemResolver } from '../../src/platform/resolver.js';
import { stateFolder } from '../../src/platform/state-folder.js';
import { udpSockets } from '../../src/platform/udp-socket.js';
import { startForwarder } from '../../src/proxy/forward/forwarder.js';

const { ARCTUN_CONFIG: folder = '.', ARCTUN_LAMBDA_PORT: port = '8080' } = process.env;
const log = createLog('info', 'json');
const crypto = await selectCrypto();
const home = { files: systemFiles, stateFolder: stateFolder() };
const sims = [];
for (const name of readdirSync(folder).sort()) {
  const arcConfig = await loadArcConfig(join(folder, name), home);
  const config = planTunnel({ arcConfig, mode: 'userspace', wait: 0 }, { crypto });
  sims.push({ name, config });
}
const pooled = await PooledTunnel.open(
  { sims },
  {
    crypto,
    entropy: systemEntropy,
    wallClock: systemWallClock,
    clock: systemClock,
    sockets: udpSockets,
    resolver: systemResolver,
    log,
  },
);
const forwarder = await startForwarder({
  listen: { host: '127.0.0.1', port: Number(port) },
  target: { host: '100.127.69.42', port: 80 },
  headers: [['Host', 'unified.soracom.io']],
  dialer: pooled.dialer,
  log,
});
process.once('SIGTERM', () => {
  void forwarder.close({ graceMs: 0 }).then(async () => {
    await pooled.close({ gracePeriod: 0 });
    process.exit(0);
  });
});
