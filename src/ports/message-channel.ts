/** A way to another thread of this process, for values that can be copied. */
export interface MessageChannel {
  /** Copies the value over. After the end of the other thread, nowhere. */
  post(message: unknown): void;
  /** Called with each value that comes, in order. */
  onMessage(handler: (message: unknown) => void): void;
  /** Called once, when the other thread has ended, with what it failed of. */
  onEnd(handler: (error: Error) => void): void;
  /** Ends the other thread. */
  close(): Promise<void>;
}
