/**
 * The emulator of bench/fleet.js: `node fleet-emulator.js`. Prints its addresses as one JSON line.
 * For each line of standard input, it prints the counts of the messages since the last one
 * (message-count.js). Exits when its standard input ends.
 */
import { createInterface } from 'node:readline';

import { createTunnelPorts } from '../../dist/src/cli/create-tunnel-ports.js';
import { startEmulator } from '../../dist/src/emulator/emulator.js';
import { openWireGuardNetwork } from '../../dist/src/emulator/wireguard-network.js';
import { linuxNetwork } from '../../dist/src/system/linux/linux-network.js';
import { createLog } from '../../dist/src/system/log.js';
import { MessageCount } from './message-count.js';

const { sockets } = (await linuxNetwork()) ?? {};
const ports = await createTunnelPorts(createLog('silent', 'text'), sockets);
const emulator = await startEmulator(
  { apiPort: 0, arcPort: 0 },
  { ...ports, createNetwork: (options) => openWireGuardNetwork(options, ports) },
);
const count = new MessageCount();
emulator.messages.subscribe((message) => count.add(message));

const { api, authKeyId, authKey } = emulator;
console.log(JSON.stringify({ api, authKeyId, authKey }));
createInterface({ input: process.stdin })
  .on('line', () => console.log(JSON.stringify(count.take())))
  .on('close', () => process.exit(0));
