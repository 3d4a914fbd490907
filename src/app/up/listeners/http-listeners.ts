/** The forwarders and the proxy of a tunnel in userspace, or of the tunnels of several SIMs. */
import { UserError } from '../../../lib/errors/user-error.js';
import { formatAuthority } from '../../../lib/text/http-syntax.js';
import type { Log } from '../../../ports/log.js';
import { type ForwarderOptions, startForwarder } from '../../../proxy/forward/forwarder.js';
import type { HttpListener, ListenerCounters } from '../../../proxy/http/listener.js';
import { type MixedPortOptions, startMixedPort } from '../../../proxy/mixed/mixed-port.js';
import type { UserspaceAddresses } from '../running-tunnel.js';
import { TUNNEL_NAMES } from './tunnel-names.js';

export type ForwardSettings = Pick<
  ForwarderOptions,
  'listen' | 'flag' | 'hostFlag' | 'target' | 'headers' | 'browsers'
>;

export interface ProxySettings extends Pick<MixedPortOptions, 'listen' | 'password'> {
  /** Whether the user specified the port. */
  readonly isAskedFor: boolean;
  /** The host names that requests for /proxy.pac may contain. */
  readonly hosts?: readonly string[];
}

export interface HttpListenerOptions {
  readonly forward: ForwardSettings;
  /** More forwarders, each with its own port and target. */
  readonly furtherForwards?: readonly ForwardSettings[];
  /** The SOCKS5 and HTTP proxy; undefined if disabled. */
  readonly proxy?: ProxySettings | undefined;
}

/** The tunnel, as the listeners use it. */
export interface HttpUpstream {
  /** Called for each forwarder. */
  forwarder(): Pick<ForwarderOptions, 'dialer' | 'kept' | 'choice' | 'keeper'>;
  proxy(): Pick<MixedPortOptions, 'dialer' | 'kept' | 'choice' | 'udp'>;
  /** See PacSource. */
  allowedIps(): Promise<readonly string[]>;
}

export class HttpListeners {
  readonly #upstream: HttpUpstream;
  readonly #log: Log;
  /** The forwarders with their targets. */
  readonly #forwarders: { readonly listener: HttpListener; readonly target: string }[] = [];
  #proxy: HttpListener | undefined;

  constructor(upstream: HttpUpstream, log: Log) {
    this.#upstream = upstream;
    this.#log = log;
  }

  /** @throws UserError if a port is unavailable; call close() then */
  async open({ forward, furtherForwards = [], proxy }: HttpListenerOptions): Promise<void> {
    for (const settings of [forward, ...furtherForwards]) {
      const options = { ...settings, ...this.#upstream.forwarder(), log: this.#log };
      const listener = await startForwarder(options);
      this.#forwarders.push({ listener, target: formatAuthority(settings.target) });
      this.#log.info({ url: listener.url }, 'forwarder listening');
    }
    this.#proxy = proxy && (await this.#openProxy(proxy));
  }

  /** Returns where the listeners are. */
  addresses(): UserspaceAddresses {
    const [first, ...others] = this.#forwarders;
    const further = others.map(({ listener: { url }, target }) => ({ url, target }));
    return {
      forward: first?.listener.url ?? '',
      ...(further.length > 0 && { furtherForwarders: further }),
      proxy: this.#proxy?.authority,
    };
  }

  counters(): Readonly<Record<string, ListenerCounters>> {
    const forwarders = this.#forwarders.map(({ listener }, index) => [
      index === 0 ? 'forward' : `forward ${listener.authority}`,
      listener.counters,
    ]);
    return {
      ...(Object.fromEntries(forwarders) as Record<string, ListenerCounters>),
      ...(this.#proxy && { proxy: this.#proxy.counters }),
    };
  }

  /** @param graceMs how long running exchanges may take to finish */
  async close(graceMs: number): Promise<void> {
    const open = [...this.#forwarders.map(({ listener }) => listener), this.#proxy];
    await Promise.all(open.map(async (listener) => listener?.close({ graceMs })));
  }

  /**
   * Opens the proxy. The default port is often in use (`ssh -D 1080`, a second tunnel), so a failure
   * is an error only if the user chose the port.
   *
   * @returns undefined if the default port is unavailable, which is logged as a warning
   * @throws UserError if the chosen port is unavailable
   */
  async #openProxy(options: ProxySettings): Promise<HttpListener | undefined> {
    const { isAskedFor, hosts = [], ...settings } = options;
    const upstream = this.#upstream;
    const log = this.#log;
    try {
      const pac = { names: TUNNEL_NAMES, allowedIps: () => upstream.allowedIps(), hosts };
      const proxy = await startMixedPort({ ...settings, ...upstream.proxy(), pac, log });
      log.info({ address: proxy.authority }, 'proxy listening');
      return proxy;
    } catch (error) {
      if (isAskedFor || !(error instanceof UserError)) throw error;
      const next =
        'continuing without a proxy; to change this, set --proxy-listen to another port or to off';
      log.warn({ reason: error.why }, `${error.what}: ${next}`);
      return undefined;
    }
  }
}
