/**
 * Messages on disk until they are delivered.
 *
 * Invariant: a message's state is saved to disk before anything that depends on it happens. Its
 * first byte is sent only after `sending` is saved, and a message that was `sending` when its
 * process ended becomes `unknown`, so that no message is sent twice.
 */
import { SerialQueue } from '../../lib/serial-queue.js';
import type { Entropy } from '../../ports/entropy.js';
import { FileError } from '../../ports/files.js';
import type { SpoolFolder } from '../../ports/stores/spool-folder.js';
import type { WallClock } from '../../ports/clock.js';
import {
  acceptedAt,
  entryName,
  haveSameTarget,
  isTemporary,
  parseEntryName,
  type SpoolEntry,
  type SpoolState,
  temporaryName,
} from './spool-entry.js';
import { parseMessage, targetHash } from './spooled-message.js';

export interface SpoolLimits {
  readonly messages: number;
  readonly bytes: number;
}

export interface SpoolPorts {
  readonly folder: SpoolFolder;
  readonly wallClock: WallClock;
  readonly entropy: Entropy;
}

/** The spool has no room for another message. */
export class SpoolFullError extends Error {
  override readonly name = 'SpoolFullError';
}

/** The name of the file of tryToSave(), and its size in bytes: one block of most disks. */
const TRIAL = temporaryName('0000000000000-000000');
const TRIAL_SIZE = 4_096;

export class Spool {
  readonly #folder: SpoolFolder;
  readonly #ports: SpoolPorts;
  readonly #limits: SpoolLimits;
  /** One change at a time, so that the limits hold. */
  readonly #changes = new SerialQueue();
  /** The messages that are `sending` and were never `queued`. They do not count as kept. */
  readonly #passing = new Set<string>();
  /** The messages that are `sending` and were `queued`. Newer messages wait for them. */
  readonly #resending = new Set<string>();
  /** When the last message was accepted, which may be later than now; undefined if not known yet. */
  #lastAccepted: number | undefined;

  constructor(ports: SpoolPorts, limits: SpoolLimits) {
    this.#folder = ports.folder;
    this.#ports = ports;
    this.#limits = limits;
  }

  /** Returns all messages, the oldest first. */
  async list(): Promise<readonly SpoolEntry[]> {
    const names = await this.#folder.list();
    const entries = names.flatMap((name) => parseEntryName(name) ?? []);
    return entries.sort((one, other) => (one.id < other.id ? -1 : 1));
  }

  /** @returns undefined if another process has removed or changed the message */
  read(entry: SpoolEntry): Promise<Uint8Array | undefined> {
    return this.#folder.read(entryName(entry));
  }

  /**
   * Marks what an ended process was sending as `unknown`. Call this before any other change, and
   * only while no other process uses the folder.
   *
   * @returns the messages that are now `unknown`
   */
  recover(): Promise<readonly SpoolEntry[]> {
    return this.#changes.run(async () => {
      for (const name of await this.#folder.list()) {
        if (isTemporary(name)) await this.#folder.remove(name);
      }
      const interrupted = (await this.list()).filter(({ state }) => state === 'sending');
      const moved: SpoolEntry[] = [];
      for (const entry of interrupted) {
        const next = await this.#move(entry, 'unknown', 'killed');
        if (next !== undefined) moved.push(next);
      }
      return moved;
    });
  }

  /**
   * Checks that a small message can be saved. Leaves nothing behind; after a kill, recover() removes
   * the file.
   *
   * @throws FileError
   */
  tryToSave(): Promise<void> {
    return this.#changes.run(async () => {
      try {
        await this.#folder.create(TRIAL, new Uint8Array(TRIAL_SIZE));
        await this.#folder.sync(TRIAL);
      } finally {
        await this.#folder.remove(TRIAL).catch(() => false);
      }
    });
  }

  /**
   * Saves a new message to be sent after the older ones. Another process may be using the folder.
   *
   * @throws SpoolFullError, FileError; nothing was kept
   */
  keep(content: Uint8Array): Promise<SpoolEntry> {
    return this.#changes.run(async () => {
      this.#requireRoom(content.length, await this.list());
      return this.#create(content, 'queued');
    });
  }

  /**
   * Saves a new message that is sent immediately. It does not count against the limits, unless
   * keepPassing() keeps it.
   *
   * @throws FileError; nothing was kept
   */
  pass(content: Uint8Array): Promise<SpoolEntry> {
    return this.#changes.run(async () => {
      const entry = await this.#create(content, 'sending');
      this.#passing.add(entry.id);
      return entry;
    });
  }

  /**
   * Saves a new message: as `queued` if older messages for its target wait, otherwise as `sending`,
   * like pass().
   *
   * @throws SpoolFullError, FileError; nothing was kept
   */
  accept(content: Uint8Array): Promise<SpoolEntry> {
    return this.#changes.run(async () => {
      const entries = await this.list();
      if (this.#isBacklogOf(hashOf(content), entries)) {
        this.#requireRoom(content.length, entries);
        return this.#create(content, 'queued');
      }
      const entry = await this.#create(content, 'sending');
      this.#passing.add(entry.id);
      return entry;
    });
  }

  /** Whether a new message must wait for older ones to the same target. @throws FileError */
  hasBacklog(content: Uint8Array): Promise<boolean> {
    return this.#changes.run(async () => this.#isBacklogOf(hashOf(content), await this.list()));
  }

  /**
   * Keeps a message from pass() or accept(), of which nothing was sent.
   *
   * @throws SpoolFullError, FileError; the message was removed, if possible
   */
  keepPassing(entry: SpoolEntry): Promise<SpoolEntry> {
    return this.#changes.run(async () => {
      try {
        this.#requireRoom(entry.bytes, await this.list());
        return await this.#moveOwn(entry, 'queued', '');
      } catch (error) {
        await this.#remove(entry);
        throw error;
      } finally {
        this.#passing.delete(entry.id);
      }
    });
  }

  /**
   * Marks a queued message as `sending`. Resolves when this is saved to disk.
   *
   * @returns undefined if another process has removed the message
   */
  begin(entry: SpoolEntry): Promise<SpoolEntry | undefined> {
    return this.#changes.run(async () => {
      const sending = await this.#move(entry, 'sending', '');
      if (sending !== undefined) this.#resending.add(entry.id);
      return sending;
    });
  }

  /** Queues a message again, of which the target has read nothing. */
  requeue(entry: SpoolEntry): Promise<SpoolEntry | undefined> {
    return this.#changes.run(() => {
      this.#resending.delete(entry.id);
      return this.#move(entry, 'queued', '');
    });
  }

  /** Removes a delivered message, or one that was not accepted. */
  finish(entry: SpoolEntry): Promise<void> {
    return this.#changes.run(async () => {
      this.#resending.delete(entry.id);
      await this.#remove(entry);
      this.#passing.delete(entry.id);
    });
  }

  /**
   * Keeps a message for the user, who decides whether to send it again. Messages from pass() and
   * accept() may fill half of the limits in this way, so that the next outage finds room.
   *
   * @throws SpoolFullError, FileError; a message from pass() or accept() was removed, if possible
   */
  setAside(
    entry: SpoolEntry,
    state: 'unknown' | 'refused',
    detail: string,
  ): Promise<SpoolEntry | undefined> {
    return this.#changes.run(async () => {
      this.#resending.delete(entry.id);
      if (this.#passing.has(entry.id)) await this.#requireRoomAside(entry);
      return this.#move(entry, state, detail);
    });
  }

  /** Removes a message that is not being sent. @returns false if it is, or no longer exists */
  discard(entry: SpoolEntry): Promise<boolean> {
    return this.#changes.run(async () => {
      if (entry.state === 'sending') return false;
      return this.#remove(entry);
    });
  }

  /** Queues a message that was set aside. @returns undefined if it no longer exists */
  retry(entry: SpoolEntry): Promise<SpoolEntry | undefined> {
    return this.#changes.run(() => this.#move(entry, 'queued', ''));
  }

  /** Whether a new message for the target must wait for one of the entries. */
  #isBacklogOf(target: string, entries: readonly SpoolEntry[]): boolean {
    return entries.some(
      (entry) =>
        haveSameTarget(entry.target, target) &&
        (entry.state === 'queued' || this.#resending.has(entry.id)),
    );
  }

  #requireRoom(bytes: number, entries: readonly SpoolEntry[]): void {
    const kept = entries.filter(({ id }) => !this.#passing.has(id));
    requireRoom(bytes, kept, this.#limits, 'messages');
  }

  async #requireRoomAside(entry: SpoolEntry): Promise<void> {
    try {
      const entries = await this.list();
      this.#requireRoom(entry.bytes, entries);
      const { messages, bytes } = this.#limits;
      const half = { messages: Math.ceil(messages / 2), bytes: Math.ceil(bytes / 2) };
      const aside = entries.filter(({ state }) => isSetAside(state));
      requireRoom(entry.bytes, aside, half, 'messages that were set aside');
    } catch (error) {
      await this.#remove(entry);
      throw error;
    } finally {
      this.#passing.delete(entry.id);
    }
  }

  /**
   * Creates the file of a message. Tries twice, because the recover() of a process that has just
   * started may remove the first file while it is being written.
   */
  async #create(content: Uint8Array, state: SpoolState): Promise<SpoolEntry> {
    const created =
      (await this.#tryCreate(content, state)) ?? (await this.#tryCreate(content, state));
    if (created !== undefined) return created;
    const why = 'another program has removed the message';
    throw new FileError('failed', this.#folder.path, why);
  }

  /**
   * Creates the file under another name first, so that a file of a message is always whole.
   *
   * @returns undefined if another process has removed that file
   */
  async #tryCreate(content: Uint8Array, state: SpoolState): Promise<SpoolEntry | undefined> {
    const folder = this.#folder;
    const kind = { target: hashOf(content), state, detail: '' };
    const entry = { id: await this.#nextId(), bytes: content.length, ...kind };
    const temporary = temporaryName(entry.id);
    try {
      await folder.create(temporary, content);
      await folder.sync(temporary);
      if (!(await folder.rename(temporary, entryName(entry)))) return undefined;
      await folder.syncNames();
      return entry;
    } catch (error) {
      if (error instanceof FileError && error.failure === 'absent') return undefined;
      await folder.remove(temporary).catch(() => false);
      await folder.remove(entryName(entry)).catch(() => false);
      throw error;
    }
  }

  /**
   * The order of the IDs is the order of acceptance in this process, even if the clock is set back.
   * A message that another process keeps at its stop has the time of its clock.
   */
  async #nextId(): Promise<string> {
    const last = this.#lastAccepted ?? acceptedAt((await this.list()).at(-1)?.id ?? '0');
    const time = Math.max(this.#ports.wallClock.unixMilliseconds(), last + 1);
    this.#lastAccepted = time;
    const random = new Uint8Array(3);
    this.#ports.entropy.fill(random);
    const digits = [...random].map((byte) => byte.toString(16).padStart(2, '0')).join('');
    return `${String(time).padStart(13, '0')}-${digits}`;
  }

  async #move(
    entry: SpoolEntry,
    state: SpoolState,
    detail: string,
  ): Promise<SpoolEntry | undefined> {
    const next = { ...entry, state, detail };
    if (!(await this.#folder.rename(entryName(entry), entryName(next)))) return undefined;
    await this.#folder.syncNames();
    return next;
  }

  async #moveOwn(entry: SpoolEntry, state: SpoolState, detail: string): Promise<SpoolEntry> {
    const next = await this.#move(entry, state, detail);
    if (next === undefined) throw new Error('another program has removed the message');
    return next;
  }

  async #remove(entry: SpoolEntry): Promise<boolean> {
    const isRemoved = await this.#folder.remove(entryName(entry));
    if (isRemoved) await this.#folder.syncNames();
    return isRemoved;
  }
}

function isSetAside(state: SpoolState): boolean {
  return state === 'unknown' || state === 'refused';
}

/** @throws SpoolFullError unless another message with this size fits into the limits */
function requireRoom(
  bytes: number,
  kept: readonly SpoolEntry[],
  limits: SpoolLimits,
  what: string,
): void {
  const total = kept.reduce((sum, entry) => sum + entry.bytes, 0);
  if (kept.length < limits.messages && total + bytes <= limits.bytes) return;
  throw new SpoolFullError(
    `the spool contains ${kept.length} of at most ${limits.messages} ${what}, and ${total} of at most ${limits.bytes} bytes`,
  );
}

function hashOf(content: Uint8Array): string {
  const message = parseMessage(content);
  return message === undefined ? '' : targetHash(message.target);
}
