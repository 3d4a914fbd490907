/** The name of a message's file, which contains the message's state. */

/**
 * - `queued`: waits to be sent
 * - `sending`: is being sent, or was being sent when the process ended
 * - `unknown`: was sent, but it is unknown whether it arrived; only the user sends it again
 * - `refused`: arrived, and the target refused it
 */
export type SpoolState = 'queued' | 'sending' | 'unknown' | 'refused';

export interface SpoolEntry {
  /** The time of acceptance in Unix milliseconds, and random digits: `1795989600000-0f3a9c`. */
  readonly id: string;
  /** The size of the file. */
  readonly bytes: number;
  /** The hash of the target (targetHash in spooled-message.ts). Empty if it is not known. */
  readonly target: string;
  readonly state: SpoolState;
  /**
   * Why the message is `unknown` or `refused`: `killed`, `lost`, `damaged`, or an HTTP status.
   * Empty in other states.
   */
  readonly detail: string;
}

const NAME =
  /^(\d{13}-[0-9a-f]{6})\.(\d{1,10})(?:\.([0-9a-f]{8}))?\.(queued|sending|unknown|refused)(?:-(\w+))?$/;

/** @returns undefined if the file is not a message */
export function parseEntryName(name: string): SpoolEntry | undefined {
  const [, id, bytes, target = '', state, detail = ''] = NAME.exec(name) ?? [];
  if (id === undefined) return undefined;
  return { id, bytes: Number(bytes), target, state: state as SpoolState, detail };
}

export function entryName({ id, bytes, target, state, detail }: SpoolEntry): string {
  const hash = target === '' ? '' : `.${target}`;
  return `${id}.${bytes}${hash}.${state}${detail === '' ? '' : `-${detail}`}`;
}

/** Whether two messages must stay in order. An unknown target can be any target. */
export function haveSameTarget(one: string, other: string): boolean {
  return one === other || one === '' || other === '';
}

/** The name of a message's file while it is being written. A killed process may leave it behind. */
export function temporaryName(id: string): string {
  return `${id}.tmp`;
}

export function isTemporary(name: string): boolean {
  return /^\d{13}-[0-9a-f]{6}\.tmp$/.test(name);
}

/** When the message was accepted, in Unix milliseconds. */
export function acceptedAt(id: string): number {
  return Number(id.slice(0, 13));
}
