/** Tunnels in separate threads, so that other work in the process does not delay packets. */
import type {
  CapturedPorts,
  InterfaceTunnel,
  InterfaceTunnels,
} from '../interface/interface-tunnel.js';
import { inTime, whileWaiting } from '../../lib/waits.js';
import type { Clock } from '../../ports/clock.js';
import type { Conversation } from '../../ports/local-sockets.js';
import type { MessageChannel } from '../../ports/message-channel.js';
import type { Tunnel } from '../tunnel.js';
import type { TunnelConfig } from '../tunnel-config.js';
import type { TunnelStatus } from '../tunnel-status.js';
import { Caller } from './calls.js';
import { portableConfig, type TunnelOperations } from './operations.js';

/** How long a thread may take to close its tunnel, in milliseconds. */
const CLOSE_TIMEOUT = 5_000;

type TunnelCaller = Caller<TunnelOperations>;

/** @param startThread starts a thread that runs serveTunnels() */
export function remoteTunnels(startThread: () => MessageChannel, clock: Clock): InterfaceTunnels {
  return {
    open: async (name) => {
      const channel = startThread();
      const caller: TunnelCaller = new Caller(channel);
      try {
        const interfaceName = await caller.call('open', name);
        return new RemoteTunnel(interfaceName, { caller, channel, clock });
      } catch (error) {
        await channel.close();
        throw error;
      }
    },
  };
}

interface RemoteTunnelPorts {
  readonly caller: TunnelCaller;
  readonly channel: MessageChannel;
  readonly clock: Clock;
}

class RemoteTunnel implements InterfaceTunnel, Tunnel {
  readonly mode = 'tun';
  readonly interfaceName: string;
  readonly gone: Promise<Error>;
  readonly #ports: RemoteTunnelPorts;
  #lastId = 0;

  constructor(interfaceName: string, ports: RemoteTunnelPorts) {
    this.interfaceName = interfaceName;
    this.#ports = ports;
    // If the thread has ended, the interface is also gone.
    this.gone = ports.caller.call('gone', undefined).catch((error: unknown) => error as Error);
  }

  async start(config: TunnelConfig, captured?: CapturedPorts): Promise<Tunnel> {
    if (captured !== undefined) throw new TypeError('captures are not supported in another thread');
    await this.#ports.caller.call('start', portableConfig(config));
    return this;
  }

  status(): Promise<TunnelStatus> {
    return this.#ports.caller.call('status', undefined);
  }

  async waitForHandshake(deadline: number, signal?: AbortSignal): Promise<void> {
    const { caller, clock } = this.#ports;
    const id = ++this.#lastId;
    const wait = caller.call('waitForHandshake', { id, duration: deadline - clock.now() });
    const endWait = () => void caller.call('endWait', id).catch(() => undefined);
    try {
      await whileWaiting(wait, signal, endWait);
    } catch (error) {
      // The other thread knows only that the wait was aborted, but not why.
      throw signal?.aborted ? signal.reason : error;
    }
  }

  async reconfigure(config: TunnelConfig): Promise<void> {
    await this.#ports.caller.call('reconfigure', portableConfig(config));
  }

  converse(): Conversation {
    return new RemoteConversation(++this.#lastId, this.#ports.caller);
  }

  async close(): Promise<void> {
    const { caller, channel, clock } = this.#ports;
    // An ended thread has closed everything. Terminating a hung thread removes its interface.
    const isClosed = caller.call('close', undefined).catch(() => undefined);
    await inTime(isClosed, CLOSE_TIMEOUT, clock);
    await channel.close();
  }
}

class RemoteConversation implements Conversation {
  isOver = false;
  readonly #id: number;
  readonly #caller: TunnelCaller;

  constructor(id: number, caller: TunnelCaller) {
    this.#id = id;
    this.#caller = caller;
  }

  async handle(text: string): Promise<string> {
    try {
      const { answer, isOver } = await this.#caller.call('converse', { id: this.#id, text });
      this.isOver = isOver;
      return answer;
    } catch {
      // The thread and its tunnel have ended.
      this.isOver = true;
      return '';
    }
  }

  close(): void {
    void this.#caller.call('endConversation', this.#id).catch(() => undefined);
  }
}
