/**
 * An open tunnel whose configuration is kept up to date: the tunnel and its server are real; the
 * network between them, the clock, the files and the SORACOM API are fake.
 */
import { type ConfigUpdates, startConfigUpdates } from '../../src/app/session/config-updates.js';
import { loadTunnelConfig, type LoadedArcConfig } from '../../src/app/config/load-arc-config.js';
import { planTunnel } from '../../src/app/up/plan-tunnel.js';
import type { RenewalPorts } from '../../src/app/session/session-renewal.js';
import { createNodeCrypto } from '../../src/crypto/node.js';
import type { ArcSessionResponse, SimResponse } from '../../src/soracom/client/responses.js';
import type { Tunnel } from '../../src/tunnel/tunnel.js';
import { UserspaceTunnel } from '../../src/tunnel/userspace-tunnel.js';
import { parseIpAddress } from '../../src/wire/ip-address.js';
import { CLIENT, CLIENT_KEY, SERVICE, TunnelInMemory } from '../support/pairs/tunnel-in-memory.js';
import { sim } from './fake-soracom.js';
import { simTestPorts } from './sim-ports.js';

export const SIM_ID = '8942310022000012345';
export const ARC_JSON = '/home/arc.json';
export const STATE = `/state/session-${SIM_ID}.json`;

const crypto = createNodeCrypto();
const base64 = (bytes: Uint8Array) => Buffer.from(bytes).toString('base64');
export const publicKeyOf = (key: Uint8Array) => crypto.publicKey(key);

export interface UpdateOptions {
  readonly renews?: boolean;
  /** Whether the configuration came from standard input. */
  readonly fromStdin?: boolean;
}

export class RenewalHarness {
  readonly world = new TunnelInMemory(crypto);
  readonly ports = simTestPorts();
  readonly api = this.ports.api;
  readonly log = this.world.log;
  readonly files = this.ports.files;
  /** When an answer came through the tunnel, by the clock. */
  answeredAt = -Infinity;
  /** When SORACOM was queried, by the clock. */
  readonly askedAt: number[] = [];
  tunnel!: UserspaceTunnel;
  /** How often the tunnel was asked for its status. */
  looks = 0;
  /** How often the tunnel was given another configuration. */
  reconfigured = 0;
  /** The error that it throws instead of applying the configuration. */
  reconfigureError: Error | undefined;
  /** What a program adds to the renewal's ports. */
  hooks: Partial<RenewalPorts> = {};
  credentials: RenewalPorts['credentials'] = (profile) => this.ports.credentials(profile);
  aroundReload = (reload: () => Promise<void>): Promise<void> => reload();
  #updates: ConfigUpdates | undefined;
  #reload: () => void = () => undefined;

  /** The server, arc.json and SORACOM, all with the same session. */
  async prepare(): Promise<this> {
    await this.world.openNetwork();
    this.world.network.bindUdp({ address: parseIpAddress(SERVICE)!, port: 7 }, (bytes, _, reply) =>
      reply(bytes),
    );
    this.files.texts.set(ARC_JSON, this.arcJson());
    this.api.session = this.session();
    this.online();
    this.api.onCall = (call) => {
      if (call === 'auth') this.askedAt.push(this.now);
      if (call.startsWith('createArcSession')) this.admit(this.api.session.arcClientPeerIpAddress);
    };
    return this;
  }

  get now(): number {
    return this.world.clock.now();
  }

  session(changes: Partial<ArcSessionResponse> = {}): ArcSessionResponse {
    return {
      arcServerPeerPublicKey: base64(this.world.network.publicKey),
      arcServerEndpoint: `127.0.0.1:${this.world.server.port}`,
      arcAllowedIPs: ['100.127.0.0/16'],
      arcClientPeerIpAddress: CLIENT,
      ...changes,
    };
  }

  arcJson(members: object = {}, key = CLIENT_KEY): string {
    return JSON.stringify({
      privateKey: base64(key),
      publicKey: base64(publicKeyOf(key)),
      simId: SIM_ID,
      arcSessionStatus: this.session(),
      ...members,
    });
  }

  readArcJson(): { arcSessionStatus: ArcSessionResponse } {
    return JSON.parse(this.files.texts.get(ARC_JSON)!) as { arcSessionStatus: ArcSessionResponse };
  }

  /** SORACOM's data about the SIM. */
  answer(changes: Partial<SimResponse>, publicKey = publicKeyOf(CLIENT_KEY)): void {
    const profile = {
      iccid: SIM_ID,
      primaryImsi: undefined,
      arcClientPeerPublicKey: base64(publicKey),
      arcClientPeerPrivateKey: undefined,
    };
    this.api.sims = [sim(SIM_ID, { profiles: { [SIM_ID]: profile }, ...changes })];
  }

  online(session = this.session()): void {
    this.answer({ arcSessionStatus: session });
  }

  /** SORACOM ends the session: the server forgets the client. */
  deleteSession(): void {
    this.world.network.removePeer(publicKeyOf(CLIENT_KEY));
    this.answer({});
  }

  /** The server accepts the client, from now on with this address. */
  admit(address = CLIENT, key = CLIENT_KEY): void {
    this.world.network.removePeer(publicKeyOf(key));
    this.world.network.addPeer({
      publicKey: publicKeyOf(key),
      address: parseIpAddress(address)!,
    });
    this.online(this.session({ arcClientPeerIpAddress: address }));
  }

  /** Opens the tunnel of arc.json. */
  async open({ renews = true, fromStdin = false }: UpdateOptions = {}): Promise<void> {
    const { ports, world, files } = this;
    const home = { files, stateFolder: ports.stateFolder };
    const loaded = await loadTunnelConfig('arc.json', home);
    const arcConfig: LoadedArcConfig = fromStdin ? { ...loaded, path: undefined } : loaded;
    const plan = (one: LoadedArcConfig) => planTunnel({ arcConfig: one }, world.ports);
    const tunnelConfig = plan(arcConfig);
    this.tunnel = await UserspaceTunnel.open(tunnelConfig, world.ports);
    const reread = fromStdin ? undefined : () => loadTunnelConfig('arc.json', home);
    this.#updates = startConfigUpdates(
      {
        tunnel: this.#watched(),
        ...{ arcConfig, tunnelConfig, plan, reread },
        reloads: { onRequest: (handler) => (this.#reload = handler) },
        aroundReload: (reload) => this.aroundReload(reload),
        renewal: renews
          ? {
              ...{ ...ports, ...this.hooks, publicKeyOf },
              credentials: (profile) => this.credentials(profile),
            }
          : undefined,
      },
      world.ports,
    );
    await this.settle();
  }

  /** The problems that SORACOM's answer showed. */
  get finding(): ConfigUpdates['finding'] {
    return this.#updates?.finding;
  }

  async reload(): Promise<void> {
    this.#reload();
    await this.settle();
  }

  async close(): Promise<void> {
    await this.closeUpdates();
    await this.tunnel.close({ gracePeriod: 0 });
    await this.world.network.close();
    await this.settle();
  }

  async closeUpdates(): Promise<void> {
    await this.#updates?.close();
  }

  async settle(): Promise<void> {
    for (let turn = 0; turn < 5; turn++) {
      await new Promise((resolve) => setImmediate(resolve));
      await this.world.settle();
    }
  }

  /** Advances the time without sending anything inside the tunnel. */
  async idle(duration: number): Promise<void> {
    for (let passed = 0; passed < duration; passed += 500) {
      this.world.clock.advance(500);
      await this.settle();
    }
  }

  /** Advances the time and sends a datagram each second to the service, which answers. */
  async talk(duration: number): Promise<void> {
    for (let passed = 0; passed < duration; passed += 1000) {
      void this.#exchange();
      await this.idle(1000);
    }
  }

  /** Sends until an answer comes again. @returns the milliseconds that this took */
  async talkUntilAnswered(limit: number): Promise<number> {
    const began = this.now;
    while (this.answeredAt <= began && this.now - began < limit) await this.talk(1000);
    return this.now - began;
  }

  async #exchange(): Promise<void> {
    try {
      const channel = await this.tunnel.datagramDialer.open({ host: SERVICE, port: 7 });
      channel.send(Uint8Array.of(1));
      const answer = await channel.receive(10_000);
      channel.close();
      if (answer !== undefined) this.answeredAt = this.now;
    } catch {
      // The tunnel is silent.
    }
  }

  #watched(): Pick<Tunnel, 'status' | 'reconfigure'> {
    return {
      status: () => {
        this.looks++;
        return this.tunnel.status();
      },
      reconfigure: async (config) => {
        this.reconfigured++;
        if (this.reconfigureError !== undefined) throw this.reconfigureError;
        await this.tunnel.reconfigure(config);
      },
    };
  }
}
