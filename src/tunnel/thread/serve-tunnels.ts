/** Serves a tunnel to another thread. */
import { answerCalls } from './calls.js';
import { configFrom, type TunnelOperations } from './operations.js';
import type { InterfaceTunnel, InterfaceTunnels } from '../interface/interface-tunnel.js';
import type { Clock } from '../../ports/clock.js';
import type { Conversation } from '../../ports/local-sockets.js';
import type { MessageChannel } from '../../ports/message-channel.js';

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
  let tunnel: InterfaceTunnel | undefined;
  const opened = (): InterfaceTunnel => {
    if (tunnel === undefined) throw new TypeError('call open() first');
    return tunnel;
  };
  const waits = new Map<number, AbortController>();
  const conversations = new Map<number, Conversation>();
  answerCalls<TunnelOperations>(channel, {
    open: async (name) => {
      tunnel = await tunnels.open(name);
      return tunnel.interfaceName;
    },
    start: (config) => opened().start(configFrom(config)),
    gone: () => opened().gone,
    status: () => opened().status(),
    waitForHandshake: async ({ id, duration }) => {
      const controller = new AbortController();
      waits.set(id, controller);
      try {
        await opened().waitForHandshake(clock.now() + duration, controller.signal);
      } finally {
        waits.delete(id);
      }
    },
    endWait: (id) => waits.get(id)?.abort(),
    reconfigure: (config) => opened().reconfigure(configFrom(config)),
    converse: async ({ id, text }) => {
      const conversation = conversations.get(id) ?? opened().converse();
      conversations.set(id, conversation);
      const answer = await conversation.handle(text);
      return { answer, isOver: conversation.isOver };
    },
    endConversation: (id) => void conversations.delete(id),
    close: async () => {
      await tunnel?.close();
      clock.defer(onClosed);
    },
  });
}
