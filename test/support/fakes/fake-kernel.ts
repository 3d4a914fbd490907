/** The kernel's WireGuard with one interface, in virtual time. */
import { createNodeCrypto } from '../../../src/crypto/node.js';
import type {
  KernelDevice,
  KernelDeviceChange,
  KernelInterface,
  KernelPeer,
} from '../../../src/ports/kernel-wireguard.js';
import type { InterfaceRouting } from '../../../src/ports/packet-interfaces.js';
import type { FakeClock } from './fake-clock.js';

const crypto = createNodeCrypto();
/** The mark of a tunnel with a default route. */
export const MARK = 11_010;

type Writable<T> = { -readonly [Key in keyof T]: T[Key] };

/**
 * Sends an initiation when a keepalive becomes due, every 5 s without a session, and
 * 15 s after a packet without a reply.
 */
export class FakeKernel implements KernelInterface {
  readonly name = 'wg0';
  readonly events: string[] = [];
  isThere = true;
  reads = 0;
  /** The address from which the server answers. */
  answersAt: string | undefined;
  /** Whether the system lets datagrams out. */
  canSend = true;
  refusal: Error | undefined;
  /** The errors of read() and of changes to peers. */
  readRefusal: Error | undefined;
  setRefusal: Error | undefined;
  refusedPrefixLength: number | undefined;
  /** The addresses without a route. */
  unreachable: readonly (string | undefined)[] = [];
  #publicKey: Uint8Array = new Uint8Array(32);
  #fwmark = 0;
  readonly peers = new Map<string, Writable<KernelPeer>>();
  /** The factor by which keepalive intervals are longer than set. */
  lateness = 1;
  /** When the first packet without a reply was sent, and the next initiation after it. */
  #unanswered: { readonly since: number; next: number } | undefined;
  readonly #moved = new Map<string, { readonly bytes: number; readonly at: number }>();
  readonly #clock: FakeClock;

  constructor(clock: FakeClock) {
    this.#clock = clock;
  }

  set({ privateKey, fwmark, peers = [] }: KernelDeviceChange): void {
    if (privateKey !== undefined) {
      this.#publicKey = crypto.publicKey(privateKey.expose());
      this.events.push('key');
      for (const peer of this.peers.values()) peer.latestHandshakeUnix = undefined;
    }
    if (fwmark !== undefined) {
      this.#fwmark = fwmark;
      this.events.push(`mark ${fwmark}`);
    }
    if (this.setRefusal !== undefined) throw this.setRefusal;
    for (const { publicKey, isRemoved, isOnlyUpdated, ...change } of peers) {
      const key = publicKey.join();
      if (isRemoved === true) {
        this.peers.delete(key);
        continue;
      }
      if (isOnlyUpdated === true && !this.peers.has(key)) continue;
      const lengths = change.allowedIps?.map(({ prefixLength }) => prefixLength);
      if (lengths?.includes(this.refusedPrefixLength ?? -1) === true) throw new Error('EINVAL');
      const peer = this.peers.get(key) ?? newPeer(publicKey);
      this.peers.set(key, peer);
      const isOn = peer.persistentKeepalive === 0 && (change.persistentKeepalive ?? 0) > 0;
      Object.assign(peer, change);
      if (isOn) this.#keepAlive(peer);
    }
  }

  /** Sends a packet during a session; the server may send one back. */
  packet(peer: Writable<KernelPeer>, isReturned: boolean): void {
    if (!this.#canReach(peer)) return;
    const now = this.#clock.now();
    peer.sentBytes += 96;
    if (isReturned) peer.receivedBytes += 96;
    if (isReturned) this.#unanswered = undefined;
    else this.#unanswered ??= { since: now, next: now + 15_000 };
  }

  #canReach(peer: KernelPeer): boolean {
    return this.canSend && this.routeError(peer.endpoint?.address) === undefined;
  }

  routeError(address: string | undefined): Error | undefined {
    return this.unreachable.includes(address) ? new Error('ENETUNREACH') : undefined;
  }

  /** Sends keepalives and initiations that are due. */
  tick(): void {
    const unanswered = this.#unanswered;
    if (unanswered !== undefined && this.#clock.now() >= unanswered.next) {
      unanswered.next += 5_100;
      for (const peer of this.peers.values()) this.initiate(peer);
    }
    for (const [key, peer] of this.peers) {
      const bytes = peer.sentBytes + peer.receivedBytes;
      const now = this.#clock.now();
      const moved = this.#moved.get(key);
      const interval = peer.persistentKeepalive * 1000 * this.lateness;
      if (moved?.bytes !== bytes) this.#moved.set(key, { bytes, at: now });
      else if (interval > 0 && now - moved.at >= interval) {
        this.#moved.set(key, { bytes, at: now });
        this.#keepAlive(peer);
      }
    }
  }

  #keepAlive(peer: Writable<KernelPeer>): void {
    if (peer.latestHandshakeUnix === undefined) this.initiate(peer);
    else if (this.#canReach(peer)) peer.sentBytes += 32;
  }

  /** Sends an initiation, which the server answers at its address. */
  initiate(peer: Writable<KernelPeer>): void {
    if (peer.endpoint === undefined || !this.#canReach(peer)) return;
    peer.sentBytes += 148;
    if (peer.endpoint.address !== this.answersAt) return;
    peer.latestHandshakeUnix = this.#clock.now();
    peer.receivedBytes += 92;
    peer.sentBytes += 32;
    this.#unanswered = undefined;
  }

  read(): KernelDevice | undefined {
    this.reads++;
    if (this.readRefusal !== undefined) throw this.readRefusal;
    if (!this.isThere) return undefined;
    const peers = [...this.peers.values()].map((peer) => ({ ...peer }));
    return { publicKey: this.#publicKey, listenPort: 5, fwmark: this.#fwmark, peers };
  }

  configure(settings: InterfaceRouting) {
    const markOf = ({ routes }: InterfaceRouting) =>
      routes.some(({ prefixLength }) => prefixLength === 0) ? MARK : 0;
    let fwmark = markOf(settings);
    this.events.push('configure');
    return {
      get fwmark() {
        return fwmark;
      },
      plan: (changed: InterfaceRouting) => ({
        fwmark: markOf(changed),
        apply: () => {
          if (this.refusal !== undefined) throw this.refusal;
          fwmark = markOf(changed);
          this.events.push('apply');
        },
      }),
      undo: () => this.events.push('undo'),
    };
  }

  remove(): void {
    this.events.push('remove');
    this.isThere = false;
  }
}

function newPeer(publicKey: Uint8Array): Writable<KernelPeer> {
  return {
    publicKey,
    endpoint: undefined,
    persistentKeepalive: 0,
    latestHandshakeUnix: undefined,
    sentBytes: 0,
    receivedBytes: 0,
    allowedIps: [],
  };
}
