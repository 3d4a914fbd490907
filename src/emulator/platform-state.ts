/**
 * The emulator's state: users, tokens, groups, SIMs and their Arc sessions, all limited in number.
 * Tokens are lost when the process ends; all other state can be saved.
 */
import { type Group, Groups } from './groups.js';
import { type SavedSims, Sims, type SimsOptions } from './sims.js';
import { Tokens } from './tokens.js';
import { type EmulatorUser, Users } from './users.js';

/** The state that survives a restart, except for the Arc server's key. */
export interface SavedPlatform extends SavedSims {
  /** Users that were added at runtime. */
  readonly users: readonly EmulatorUser[];
  readonly groups: readonly Group[];
}

export interface PlatformStateOptions extends SimsOptions {
  readonly users: readonly EmulatorUser[];
}

export class PlatformState {
  readonly users: Users;
  readonly tokens: Tokens;
  readonly groups: Groups;
  readonly sims: Sims;

  constructor(options: PlatformStateOptions, saved?: SavedPlatform) {
    const { entropy, wallClock } = options;
    this.users = new Users(options.users);
    this.tokens = new Tokens(entropy, wallClock);
    this.groups = new Groups(entropy, wallClock);
    this.sims = new Sims(options, saved);
    this.groups.restore(saved?.groups ?? []);
    // If a saved user conflicts with a built-in one, the built-in user is kept.
    for (const user of saved?.users ?? []) this.users.add(user);
  }

  save(): SavedPlatform {
    return { ...this.sims.save(), users: this.users.added(), groups: this.groups.all() };
  }
}
