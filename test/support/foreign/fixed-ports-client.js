/**
 * Connects from fixed ports and is killed: `node fixed-ports-client.js SETUP`, where SETUP is JSON. It
 * sends a byte on each connection, waits for the server's FIN, closes every second connection, and
 * prints how long each handshake took, in ms; -1 if it failed.
 */
import { selectCrypto } from '../../../dist/src/crypto/select.js';
import { loadLibc } from '../../../dist/src/system/linux/libc.js';
import { NetstackEngine } from '../../../dist/src/engine/netstack-engine.js';
import {
  systemClock as clock,
  systemWallClock as wallClock,
} from '../../../dist/src/system/clock.js';
import { systemEntropy } from '../../../dist/src/system/entropy.js';
import { udpSockets } from '../../../dist/src/system/network/udp-socket.js';
import { Driver } from '../../../dist/src/tunnel/driver.js';
import { TcpSocket } from '../../../dist/src/tunnel/node/tcp-socket.js';
import { lastingSequences } from '../../../dist/src/tunnel/server/engine-options.js';
import { parseIpAddress, parseIpPrefix } from '../../../dist/src/wire/ip-address.js';

const { privateKey, publicKey, address, endpoint, service, ports, isLasting } = JSON.parse(
  process.argv[2],
);
const bytes = (base64) => Uint8Array.from(Buffer.from(base64, 'base64'));
const secret = { expose: () => bytes(privateKey) };
const crypto = await selectCrypto(await loadLibc());
const engine = new NetstackEngine(
  {
    privateKey: secret.expose(),
    addresses: [parseIpAddress(address)],
    mtu: 1420,
    crypto,
    entropy: systemEntropy,
    wallClock,
    sequences: isLasting
      ? lastingSequences({ privateKey: secret }, { crypto, wallClock, clock })
      : undefined,
  },
  clock.now(),
);
const allowedIps = [parseIpPrefix(`${service}/32`)];
engine.device.addPeer({ publicKey: bytes(publicKey), endpoint, allowedIps }, clock.now());
const socket = await udpSockets.open({ address: '0.0.0.0', port: 0 });
const driver = new Driver({ engine, socket, clock, onEvent: () => undefined });

function exchange(localPort, index) {
  const began = clock.now();
  return new Promise((resolve) => {
    const stream = new TcpSocket(driver);
    let took = -1;
    const observer = {
      ...stream.observer,
      established: () => {
        took = Math.round(clock.now() - began);
        stream.resume().write('x');
      },
      closed: (reason) => {
        stream.observer.closed(reason);
        resolve(took);
      },
    };
    stream.on('error', () => undefined);
    stream.on('end', () => {
      if (index % 2 === 0) stream.end();
      resolve(took);
    });
    const remote = { address: parseIpAddress(service), port: 81 };
    const options = { localPort, connectTimeout: 20_000 };
    stream.attach(engine.stack.connectTcp(remote, observer, clock.now(), options));
    driver.schedule();
  });
}

const times = await Promise.all(ports.map(exchange));
// The FINs of every second connection are on their way.
await new Promise((resolve) => setTimeout(resolve, 300));
console.log(JSON.stringify(times));
process.kill(process.pid, 'SIGKILL');
