/**
 * A network for the test files in runner/counted-files.ts, whose programs reach each other over the
 * loopback interface. All other packets leave through a link that leads nowhere. Counters check both,
 * so that a file fails if a program sends UDP other than WireGuard, or anything to an address that is
 * not on this machine.
 */
import { execFileSync } from 'node:child_process';

import { loadLibc } from '../../../src/system/linux/libc.js';
import { missingOf } from '../runner/requirements.js';
import { NetworkNamespace } from './network-namespace.js';
import { OuterWire } from './outer-wire.js';

/** What a private network needs. */
export const PRIVATE_NETWORK = ['root', 'linux', 'koffi', 'ip', 'nft', 'ethtool'] as const;

const LINK = 'outside';
const FAR_END = 'nowhere';
/** Of the far end, so that the kernel sends packets without asking for it first. */
const FAR_MAC = '02:00:00:00:00:02';
const ROUTES = [
  { family: '-4', address: '192.0.2.2/24', gateway: '192.0.2.1' },
  { family: '-6', address: '2001:db8::2/64', gateway: '2001:db8::1' },
] as const;

/** The network that this process is in. */
let current: PrivateNetwork | undefined;

/**
 * Accepts UDP between this port of the loopback interface and clients, because programs of the test
 * listen there, and not for WireGuard. Has no effect outside a private network.
 */
export function acceptDatagrams(port: number): void {
  current?.wire.addListener(port);
}

export class PrivateNetwork {
  readonly wire: OuterWire;
  readonly #namespace: NetworkNamespace;
  readonly #leave: () => void;
  #isClosed = false;

  /**
   * Moves this process, and the programs that it starts from now on, into a new network.
   *
   * @returns undefined if this user or machine does not support it, except in CI
   */
  static async enter(): Promise<PrivateNetwork | undefined> {
    const missing = missingOf(PRIVATE_NETWORK);
    if (missing.length > 0) {
      const why = `a private network needs ${missing.join(', ')}`;
      if (process.env.CI === 'true') throw new Error(`missing in CI: ${why}`);
      console.warn(`packets are not counted: ${why}`);
      return undefined;
    }
    const namespace = new NetworkNamespace((await loadLibc())!);
    try {
      current = new PrivateNetwork(namespace);
      return current;
    } catch (error) {
      namespace.close();
      throw error;
    }
  }

  private constructor(namespace: NetworkNamespace) {
    this.#namespace = namespace;
    const far = ['peer', 'name', FAR_END, 'address', FAR_MAC];
    namespace.ip('link', 'add', LINK, 'type', 'veth', ...far);
    this.wire = new OuterWire(namespace.name);
    this.wire.addLink(FAR_END);
    this.wire.addLink('lo', 'loopback');
    // The counters must see datagrams, not the super-datagrams of segmentation offload.
    for (const link of ['lo', LINK]) {
      const off = ['gso', 'off', 'gro', 'off', 'tx-udp-segmentation', 'off'];
      const [program, ...words] = namespace.exec('ethtool', '-K', link, ...off);
      execFileSync(program!, words);
    }
    for (const link of [FAR_END, LINK]) namespace.ip('link', 'set', link, 'up');
    for (const { family, address, gateway } of ROUTES) {
      const nodad = family === '-6' ? ['nodad'] : [];
      namespace.ip('address', 'add', address, 'dev', LINK, ...nodad);
      const neighbor = [gateway, 'lladdr', FAR_MAC, 'dev', LINK, 'nud', 'permanent'];
      namespace.ip('neighbor', 'add', ...neighbor);
      namespace.ip(family, 'route', 'add', 'default', 'via', gateway);
    }
    this.#leave = namespace.enter();
  }

  /**
   * Moves this process back. Call it after all programs have ended.
   *
   * @throws Error if a packet was neither for this machine nor WireGuard
   */
  leave(): void {
    try {
      this.wire.assertNoStrays();
    } finally {
      this.discard();
    }
  }

  /** Moves this process back, without a check. Has no effect after leave(). */
  discard(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    current = undefined;
    this.#leave();
    this.#namespace.close();
  }
}
