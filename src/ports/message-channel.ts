/** A channel to another thread of this process, for values that can be cloned. */
export interface MessageChannel {
  /** Sends a copy of the value. Does nothing after the other thread has ended. */
  post(message: unknown): void;
  /** Calls `handler` with each received value, in order. */
  onMessage(handler: (message: unknown) => void): void;
  /** Calls `handler` once, with the error that ended the other thread. */
  onEnd(handler: (error: Error) => void): void;
  close(): Promise<void>;
}
