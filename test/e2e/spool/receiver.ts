/** An Arc server in this process. Its only service counts messages by their text. */
import { randomBytes } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';

import { createNodeCrypto } from '../../../src/crypto/node.js';
import type { ArcNetwork } from '../../../src/emulator/arc-network.js';
import { openWireGuardNetwork } from '../../../src/emulator/wireguard-network.js';
import { Secret } from '../../../src/lib/secrets/secret.js';
import { systemClock, systemWallClock } from '../../../src/system/clock.js';
import { systemEntropy } from '../../../src/system/entropy.js';
import { systemResolver } from '../../../src/system/network/resolver.js';
import { udpSockets } from '../../../src/system/network/udp-socket.js';
import { parseIpAddress } from '../../../src/wire/ip-address.js';
import { silentLog } from '../../support/fakes/silent-log.js';

export const SERVICE = { host: '100.127.69.42', port: 80 };

const CLIENT = '10.0.0.2';
const SERVER_KEY = new Uint8Array(32).fill(5);
const MTU = 1420;

export class Receiver {
  /** The messages in the order of their arrival. */
  readonly received: string[] = [];
  /** Called after a message has arrived, before the response. */
  onMessage: (text: string) => Promise<void> | void = () => undefined;
  readonly #network: ArcNetwork;
  /** A process claims its key on the whole machine, and other test files run at the same time. */
  readonly #clientKey = randomBytes(32);
  readonly #crypto = createNodeCrypto();
  readonly #server = createServer((request, response) => void this.#receive(request, response));

  private constructor(network: ArcNetwork) {
    this.#network = network;
    const address = parseIpAddress(SERVICE.host)!;
    network.listenTcp({ address, port: SERVICE.port }, (stream) => {
      // A killed process leaves connections behind.
      stream.on('error', () => undefined);
      this.#server.emit('connection', stream);
    });
  }

  static async open(): Promise<Receiver> {
    const options = {
      listen: { address: '127.0.0.1', port: 0 },
      privateKey: new Secret(SERVER_KEY.slice()),
      addresses: [parseIpAddress(SERVICE.host)!],
    };
    const ports = {
      ...{ crypto: createNodeCrypto(), entropy: systemEntropy, log: silentLog },
      ...{ clock: systemClock, wallClock: systemWallClock },
      ...{ sockets: udpSockets, resolver: systemResolver },
    };
    return new Receiver(await openWireGuardNetwork(options, ports));
  }

  /** Answers the client's handshakes from now on. */
  addClient(): void {
    const publicKey = this.#crypto.publicKey(this.#clientKey);
    this.#network.addPeer({ publicKey, address: parseIpAddress(CLIENT)! });
  }

  /** The configuration of the client. */
  get arcJson(): string {
    const { publicKey, endpoint } = this.#network;
    return JSON.stringify({
      privateKey: this.#clientKey.toString('base64'),
      mtu: MTU,
      arcSessionStatus: {
        arcServerPeerPublicKey: Buffer.from(publicKey).toString('base64'),
        arcServerEndpoint: `${endpoint.address}:${endpoint.port}`,
        arcAllowedIPs: ['100.127.0.0/16'],
        arcClientPeerIpAddress: CLIENT,
      },
    });
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await this.#network.close();
  }

  async #receive(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    await new Promise((resolve) => request.once('end', resolve));
    const text = Buffer.concat(chunks).toString();
    this.received.push(text);
    await this.onMessage(text);
    response.writeHead(201).end();
  }
}
