/** Packets that a program must not send, for the tests of the counters. */
import type { Processes } from '../processes.js';

/** `ADDRESS PORT` by the kind of packet; `wireguard` is UDP with the form of a handshake message. */
export interface Leak {
  readonly udp?: string;
  readonly tcp?: string;
  readonly wireguard?: string;
}

const INITIATION_LENGTH = 148;

const PROGRAM = `
  const [{ udp, tcp, wireguard }] = process.argv.slice(1).map((word) => JSON.parse(word));
  const send = (target, payload) => {
    const [address, port] = target.split(' ');
    const socket = require('node:dgram').createSocket(address.includes(':') ? 'udp6' : 'udp4');
    socket.send(payload, Number(port), address, () => process.exit());
  };
  if (udp !== undefined) send(udp, 'query');
  if (wireguard !== undefined) {
    const message = Buffer.alloc(${INITIATION_LENGTH});
    message[0] = 1;
    send(wireguard, message);
  }
  if (tcp !== undefined) {
    const [host, port] = tcp.split(' ');
    require('node:net').connect({ host, port: Number(port) }).on('error', () => process.exit());
    // The first segment leaves before the next turn of the event loop.
    setImmediate(() => process.exit());
  }
`;

/** Sends a packet. @param prefix runs the program elsewhere, such as in another namespace */
export async function leak(
  processes: Processes,
  prefix: readonly string[],
  packet: Leak,
): Promise<void> {
  const command = [...prefix, process.execPath, '-e', PROGRAM, JSON.stringify(packet)];
  const { code, stderr } = await processes.run(command);
  if (code !== 0) throw new Error(`cannot send the packet: ${stderr}`);
}
