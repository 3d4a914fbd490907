/** Creates, changes and stores SIM groups. */
import * as z from 'zod';

import type { WallClock } from '../ports/clock.js';
import type { Entropy } from '../ports/entropy.js';
import { randomUuid } from './random.js';
import { tags, time } from './sim.js';

export const groupSchema = z.strictObject({
  groupId: z.string(),
  operatorId: z.string(),
  tags,
  /** Parameters by namespace (`SoracomAir` …), in the API's format. */
  configuration: z.record(z.string(), z.unknown()),
  createdTime: time,
});

export type Group = Readonly<z.output<typeof groupSchema>>;

export const MAX_GROUPS = 100;

export class Groups {
  readonly #entropy: Entropy;
  readonly #wallClock: WallClock;
  readonly #groups = new Map<string, Group>();

  constructor(entropy: Entropy, wallClock: WallClock) {
    this.#entropy = entropy;
    this.#wallClock = wallClock;
  }

  /** Creates a group; returns undefined if MAX_GROUPS is reached. */
  create(content: Pick<Group, 'operatorId' | 'tags' | 'configuration'>): Group | undefined {
    if (this.#groups.size >= MAX_GROUPS) return undefined;
    const groupId = randomUuid(this.#entropy);
    const group = { ...content, groupId, createdTime: this.#wallClock.unixMilliseconds() };
    this.#groups.set(groupId, group);
    return group;
  }

  /** Restores the groups that an earlier run of the emulator saved. */
  restore(groups: readonly Group[]): void {
    for (const group of groups) this.#groups.set(group.groupId, group);
  }

  get(groupId: string): Group | undefined {
    return this.#groups.get(groupId);
  }

  /** Returns all groups, oldest first. */
  all(): readonly Group[] {
    return [...this.#groups.values()];
  }
}
