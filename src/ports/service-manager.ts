/**
 * The interface to the service manager that started this process; see sd_notify(3) for the states.
 */
export interface ServiceManager {
  /**
   * The watchdog timeout in milliseconds; undefined without a watchdog. The service manager kills a
   * service that does not send `WATCHDOG=1` within each such period.
   */
  readonly watchdogTimeout: number | undefined;
  /**
   * Sends the state, after all earlier states.
   *
   * @returns a promise that resolves when the state was sent or could not be sent; never rejects
   */
  notify(state: ServiceState): Promise<void>;
}

/** Variable assignments for sd_notify(3), such as `READY` to `1`. */
export type ServiceState = Readonly<Record<string, string>>;
