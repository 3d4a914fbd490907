/**
 * The port to the program that has started us as a service and looks after us, such as systemd. What
 * it may be told, and in which words: sd_notify(3).
 */
export interface ServiceManager {
  /**
   * Milliseconds within which it wants to hear `WATCHDOG=1`, again and again; undefined where it does not
   * watch. It ends a service that is silent for longer.
   */
  readonly watchdogTimeout: number | undefined;
  /**
   * Tells it the state, behind whatever it was told before.
   *
   * @returns resolves when it is handed over, or cannot be; never rejects
   */
  notify(state: ServiceState): Promise<void>;
}

/** Assignments of sd_notify(3), such as `READY` to `1`. */
export type ServiceState = Readonly<Record<string, string>>;
