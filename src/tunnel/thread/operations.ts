/** The operations that a thread with an interface tunnel performs for another thread. */
import { Secret } from '../../lib/secrets/secret.js';
import type { TunnelConfig } from '../tunnel-config.js';
import type { TunnelStatus } from '../tunnel-status.js';

interface Operation<Argument, Reply> {
  readonly argument: Argument;
  readonly answer: Reply;
}

/** This is a type alias, because an interface would not satisfy Operations. */
export type TunnelOperations = {
  /** Creates an interface and returns its name. */
  readonly open: Operation<string, string>;
  readonly start: Operation<PortableConfig, void>;
  /** Resolves with the reason when the interface is removed. */
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
  /** Identifies the wait in a call of endWait. */
  readonly id: number;
  /** A duration in ms, because each thread has its own clock; Infinity waits forever. */
  readonly duration: number;
}

export interface ConversationRequest {
  /** Identifies the conversation, which begins with the first text sent. */
  readonly id: number;
  readonly text: string;
}

export interface ConversationReply {
  readonly answer: string;
  readonly isOver: boolean;
}

/** A TunnelConfig that can be copied between threads. */
export type PortableConfig = Omit<TunnelConfig, 'privateKey'> & { readonly privateKey: Uint8Array };

export function portableConfig(config: TunnelConfig): PortableConfig {
  return { ...config, privateKey: config.privateKey.expose() };
}

export function configFrom(config: PortableConfig): TunnelConfig {
  return { ...config, privateKey: new Secret(config.privateKey) };
}
