/**
 * Creates several virtual SIMs, one after the other, each with its own arc.json and journal. Thus an
 * interrupted run leaves at most one request without an answer, and the next run continues.
 */
import { UserError } from '../../lib/errors/user-error.js';
import { pause } from '../../lib/waits.js';
import type { Clock } from '../../ports/clock.js';
import { ApiError } from '../../soracom/api-error.js';
import type { Credentials } from '../../soracom/auth/sign-in.js';
import type { SimResponse } from '../../soracom/client/responses.js';
import { signedIn } from '../credentials/signed-in.js';
import { searchOrList } from '../sim/virtual-sims.js';
import { bootstrapOpened } from './bootstrap-authkey.js';
import type { BootstrapApi, BootstrapPorts, BootstrapResult } from './bootstrap-run.js';
import { proveUsable } from './bootstrap-target.js';
import { labelSim, refuseUnknownGroup, type SimLabels } from './label-sim.js';
import {
  isUnanswered,
  type ManyOptions,
  type ManyTargets,
  readTargets,
  type SimTarget,
} from './many-targets.js';

export interface BootstrapManyOptions extends ManyOptions {
  /** Whether to create the SIMs without confirmation. */
  readonly yes: boolean;
}

export interface BootstrapManyPorts extends Omit<BootstrapPorts, 'confirmSim'> {
  readonly clock: Pick<Clock, 'startTimer'>;
  /** Asks the user to confirm that this many SIMs are created; absent if not interactive. */
  confirm?(count: number): Promise<boolean>;
  /** Called after each SIM, because a later one may fail or be interrupted. */
  onSim?(sim: NamedSim): void;
}

export interface NamedSim {
  readonly name: string;
  readonly simId: string;
  /** The absolute path of arc.json. */
  readonly path: string;
  /** Whether this run, or the interrupted run that it resumed, created the SIM. */
  readonly created: boolean;
}

export interface ManySims {
  /** The SIMs that have an arc.json, in the order of their names. */
  readonly sims: readonly NamedSim[];
  /** Remarks and failed optional steps, as sentences. */
  readonly notes: readonly string[];
  /** The error that ended the run before all SIMs were created. */
  readonly failure?: unknown;
}

/**
 * @throws UserError before the first SIM is created or continued; later errors are in the result
 */
export async function bootstrapMany(
  options: BootstrapManyOptions,
  ports: BootstrapManyPorts,
  signal?: AbortSignal,
): Promise<ManySims> {
  const targets = await readTargets(options, ports);
  await confirmMany(targets, options, ports);
  const [first] = targets.finished;
  return signedIn(first?.existing?.profile, ports, signal, async (api, credentials) => {
    await refuseUnknownGroup(options.labels ?? {}, api);
    const run = new ManyRun(targets, { ports, api, credentials, signal });
    return run.result(await run.run());
  });
}

interface Account {
  readonly ports: BootstrapManyPorts;
  readonly api: BootstrapApi;
  readonly credentials: Credentials;
  readonly signal: AbortSignal | undefined;
}

class ManyRun {
  readonly #targets: ManyTargets;
  readonly #account: Account;
  readonly #sims = new Map<string, NamedSim>();
  /** The notes with the names of their SIMs, by note: the same advice may apply to many SIMs. */
  readonly #notes = new Map<string, string>();

  constructor(targets: ManyTargets, account: Account) {
    this.#targets = targets;
    this.#account = account;
    for (const { name, options, existing } of targets.finished) {
      const path = account.ports.files.absolute(options.path);
      this.#sims.set(name, { name, simId: existing?.simId ?? '', path, created: false });
    }
  }

  /** @returns the error that ended the run; undefined if all SIMs exist */
  async run(): Promise<unknown> {
    const { finished, interrupted, missing } = this.#targets;
    try {
      await this.#labelUnlabeled(finished);
      // First finish the interrupted ones, so that at most one SIM has an unknown ID.
      const waiting = [...interrupted, ...missing];
      for (const [index, target] of waiting.entries()) {
        this.#account.signal?.throwIfAborted();
        await this.#create(target, `${target.name} (${index + 1} of ${waiting.length})`);
      }
      return undefined;
    } catch (error) {
      return error;
    }
  }

  result(failure: unknown): ManySims {
    const { finished, interrupted, missing } = this.#targets;
    const order = [...finished, ...interrupted, ...missing].map(({ name }) => name).sort(byNumber);
    const sims = order.flatMap((name) => this.#sims.get(name) ?? []);
    return { sims, notes: [...this.#notes.values()], ...(failure !== undefined && { failure }) };
  }

  async #create(target: SimTarget, title: string): Promise<void> {
    const { ports } = this.#account;
    const { name, options } = target;
    await proveUsable(target, options, ports);
    const onStep = (step: string) => ports.onStep?.(`${title}: ${step}`);
    // The user has already confirmed all SIMs.
    const single = { ...ports, onStep, confirmSim: () => Promise.resolve(true) };
    const result = await this.#whenPermitted(target, onStep, () =>
      bootstrapOpened(target, options, single, this.#account),
    );
    const { simId, path, created, notes } = result;
    const sim = { name, simId, path, created };
    this.#sims.set(name, sim);
    this.#note(name, notes);
    ports.onSim?.(sim);
  }

  #note(name: string, notes: readonly string[]): void {
    for (const note of notes) {
      if (!this.#notes.has(note)) this.#notes.set(note, `${name}: ${note}`);
    }
  }

  /**
   * Waits and tries again while SORACOM refuses to create a SIM because of too many requests. The
   * refusal is definite: no SIM was created, and the journal is removed.
   */
  async #whenPermitted(
    { journal }: SimTarget,
    onStep: (step: string) => void,
    create: () => Promise<BootstrapResult>,
  ): Promise<BootstrapResult> {
    const { ports, signal } = this.#account;
    for (let attempt = 0; ; attempt++) {
      try {
        return await create();
      } catch (error) {
        const isLimited = error instanceof ApiError && error.status === TOO_MANY_REQUESTS;
        if (!isLimited || error.simMayExist || journal.line !== 'none' || attempt >= MOST_REPEATS) {
          throw error;
        }
        const wait = error.retryAfter ?? Math.min(FIRST_PAUSE * 2 ** attempt, LONGEST_PAUSE);
        if (wait > LONGEST_RETRY_AFTER) throw error;
        onStep(`Too many requests to SORACOM; waiting ${Math.ceil(wait / 1000)} s`);
        await pause(wait, ports.clock, signal);
        signal?.throwIfAborted();
      }
    }
  }

  /** An earlier run may have ended, or failed, between writing arc.json and setting the labels. */
  async #labelUnlabeled(finished: readonly SimTarget[]): Promise<void> {
    if (finished.length === 0) return;
    const { ports, api } = this.#account;
    ports.onStep?.('Looking for SIMs without a name or a group');
    const listed = (await searchOrList(api)) ?? [];
    const sims = new Map(listed.map((sim) => [sim.simId, sim]));
    for (const { name, existing, options } of finished) {
      this.#account.signal?.throwIfAborted();
      const sim = sims.get(existing?.simId ?? '');
      if (sim === undefined) continue;
      this.#note(name, await labelSim(sim.simId, missingLabels(sim, options.labels ?? {}), api));
    }
  }
}

/** A name or a group that the user has changed since is kept. */
function missingLabels({ tags, groupId }: SimResponse, labels: SimLabels): SimLabels {
  if (!tags?.name) return labels;
  return groupId ? {} : { group: labels.group };
}

/** The pauses last about 6 minutes in total, because SORACOM's limits are per minute. */
const TOO_MANY_REQUESTS = 429;
const MOST_REPEATS = 8;
const FIRST_PAUSE = 5_000;
const LONGEST_PAUSE = 60_000;
/** If SORACOM asks for a longer pause, the run ends. */
const LONGEST_RETRY_AFTER = 600_000;

function byNumber(one: string, other: string): number {
  return one.length - other.length || (one < other ? -1 : 1);
}

/** @throws UserError of kind `usage` without a user; of kind `failed` if the user declines */
async function confirmMany(
  { interrupted, missing }: ManyTargets,
  { yes }: BootstrapManyOptions,
  ports: BootstrapManyPorts,
): Promise<void> {
  // SORACOM may not have created the SIM of an interrupted request.
  const count = missing.length + interrupted.filter(isUnanswered).length;
  if (count === 0 || yes) return;
  const what = 'no virtual SIM was created';
  if (ports.confirm === undefined) {
    const why = `up to ${count} SIMs would be created and billed, and the command cannot ask for confirmation`;
    throw new UserError('usage', { what, why, next: ['Add --yes to create them.'] });
  }
  if (await ports.confirm(count)) return;
  const next = ['Run the same command again and type the number of SIMs.'];
  throw new UserError('failed', { what, why: 'you did not confirm', next });
}
