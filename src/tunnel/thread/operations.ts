/** What a thread with a tunnel under a network interface does for another. */
import { Secret } from '../../lib/secrets/secret.js';
import type { TunnelConfig } from '../tunnel-config.js';
import type { TunnelStatus } from '../tunnel-status.js';

interface Operation<Argument, Reply> {
  readonly argument: Argument;
  readonly answer: Reply;
}

/** A type and no interface: an interface would not be an Operations. */
export type TunnelOperations = {
  /** Makes an interface; its name. */
  readonly open: Operation<string, string>;
  readonly start: Operation<PortableConfig, void>;
  /** Resolves when the interface is gone, with why. */
  readonly gone: Operation<void, Error>;
  readonly status: Operation<void, TunnelStatus>;
  readonly waitForHandshake: Operation<HandshakeWait, void>;
  readonly endWait: Operation<number, void>;
  readonly reconfigure: Operation<PortableConfig, void>;
  readonly converse: Operation<ConversationRequest, ConversationReply>;
  readonly endConversation: Operation<number, void>;
  readonly close: Operation<void, void>;
};

export interface HandshakeWait {
  /** By which endWait ends it. */
  readonly id: number;
  /** Milliseconds; Infinity waits for ever. Threads have clocks of their own. */
  readonly duration: number;
}

export interface ConversationRequest {
  /** Of the conversation, which begins with its first text. */
  readonly id: number;
  readonly text: string;
}

export interface ConversationReply {
  readonly answer: string;
  readonly isOver: boolean;
}

/** A TunnelConfig of which a copy is the same. */
export type PortableConfig = Omit<TunnelConfig, 'privateKey'> & { readonly privateKey: Uint8Array };

export function portableConfig(config: TunnelConfig): PortableConfig {
  return { ...config, privateKey: config.privateKey.expose() };
}

export function configFrom(config: PortableConfig): TunnelConfig {
  return { ...config, privateKey: new Secret(config.privateKey) };
}
