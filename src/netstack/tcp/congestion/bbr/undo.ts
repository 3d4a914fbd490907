/**
 * Saves the state that loss recovery changes, and restores it if the recovery was spurious
 * (draft-ietf-ccwg-bbr 5.5.11).
 */
import type { PathModel } from './path-model.js';

export class Undo {
  readonly #model: PathModel;
  /** Whether the state before the current recovery was saved. */
  #isSaved = false;
  /** BBR.undo_state: the phase that a loss ended. */
  #phase: 'none' | 'Startup' | 'ProbeBW_UP' = 'none';
  #shortTermBandwidth = 0;
  #shortTermInflight = 0;
  #longTermInflight = 0;

  constructor(model: PathModel) {
    this.#model = model;
  }

  /** SaveStateUponLoss(): runs once per recovery, at its first loss or at its start. */
  save(): void {
    if (this.#isSaved) return;
    this.#isSaved = true;
    this.#phase = 'none';
    this.#shortTermBandwidth = this.#model.shortTermBandwidth;
    this.#shortTermInflight = this.#model.shortTermInflight;
    this.#longTermInflight = this.#model.longTermInflight;
  }

  /** Records the phase that a loss ended. */
  left(phase: 'Startup' | 'ProbeBW_UP'): void {
    this.#phase = phase;
  }

  /** Discards the saved state after a recovery that was not spurious. */
  forget(): void {
    this.#isSaved = false;
    this.#phase = 'none';
  }

  /**
   * HandleSpuriousLossDetection(): restores the bounds.
   *
   * @returns the phase to return to
   */
  restore(): 'none' | 'Startup' | 'ProbeBW_UP' {
    const model = this.#model;
    const phase = this.#phase;
    if (this.#isSaved) {
      model.shortTermBandwidth = Math.max(model.shortTermBandwidth, this.#shortTermBandwidth);
      model.shortTermInflight = Math.max(model.shortTermInflight, this.#shortTermInflight);
      model.longTermInflight = Math.max(model.longTermInflight, this.#longTermInflight);
    }
    this.forget();
    return phase;
  }
}
