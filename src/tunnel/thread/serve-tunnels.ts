/** Serves a tunnel to another thread. */
import { answerCalls } from './calls.js';
import { configFrom, type TunnelOperations } from './operations.js';
import type { InterfaceTunnel, InterfaceTunnels } from '../interface/interface-tunnel.js';
import type { Clock } from '../../ports/clock.js';
import type { Conversation } from '../../ports/local-sockets.js';
import type { MessageChannel } from '../../ports/message-channel.js';
import type { Tunnel } from '../tunnel.js';

/**
 * Opens one tunnel, and executes the operations that the channel requests.
 *
 * @param onClosed called when the tunnel is closed and the reply has been sent
 */
export function serveTunnels(
  channel: MessageChannel,
  tunnels: InterfaceTunnels,
  { clock, onClosed }: { readonly clock: Clock; readonly onClosed: () => void },
): void {
  let device: InterfaceTunnel | undefined;
  let tunnel: Tunnel | undefined;
  const opened = () => required(device, 'open');
  const started = () => required(tunnel, 'start');
  const waits = new Map<number, AbortController>();
  const conversations = new Map<number, Conversation>();
  answerCalls<TunnelOperations>(channel, {
    open: async (name) => {
      device = await tunnels.open(name);
      return device.interfaceName;
    },
    start: async (config) => {
      tunnel = await opened().start(configFrom(config));
    },
    gone: () => opened().gone,
    status: () => started().status(),
    waitForHandshake: async ({ id, duration }) => {
      const controller = new AbortController();
      waits.set(id, controller);
      try {
        await started().waitForHandshake(clock.now() + duration, controller.signal);
      } finally {
        waits.delete(id);
      }
    },
    endWait: (id) => waits.get(id)?.abort(),
    reconfigure: (config) => started().reconfigure(configFrom(config)),
    converse: async ({ id, text }) => {
      const conversation = conversations.get(id) ?? required(started().converse?.(), 'start');
      conversations.set(id, conversation);
      const answer = await conversation.handle(text);
      return { answer, isOver: conversation.isOver };
    },
    endConversation: (id) => void conversations.delete(id),
    close: async () => {
      await device?.close();
      clock.defer(onClosed);
    },
  });
}

function required<T>(value: T | undefined, step: string): T {
  if (value === undefined) throw new TypeError(`call ${step}() first`);
  return value;
}
